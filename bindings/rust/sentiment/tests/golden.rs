// SPDX-License-Identifier: Apache-2.0

//! The golden texts, whose answers are the same in every language, to the bit.

mod common;

use std::collections::BTreeMap;

use common::{bits, in_tree};
use sentiment::{Error, Model, Precision, Session, SessionOptions, Utf8Policy};

/// A line of tests/golden/texts.tsv.
struct Golden {
    name: String,
    precision: String,
    utf8: String,
    max_length: u32,
    text: Vec<u8>,
    expected: Expected,
}

/// An answer; floats by their bits.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Error {
        status: i32,
        offset: Option<u64>,
    },
    Answer {
        answer: Numbers,
        probabilities: Vec<u32>,
        logits: Vec<u32>,
    },
}

#[derive(Clone, Debug, PartialEq)]
struct Numbers {
    prediction: usize,
    confidence: u32,
    flags: u32,
    tokens: u64,
    unknown: u64,
}

impl Numbers {
    fn of(answer: sentiment::Answer) -> Self {
        Self {
            prediction: answer.prediction,
            confidence: answer.confidence.to_bits(),
            flags: answer.flags.bits(),
            tokens: answer.tokens,
            unknown: answer.unknown,
        }
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

fn floats(list: &str) -> Vec<u32> {
    list.split(',')
        .map(|word| u32::from_str_radix(word, 16).unwrap())
        .collect()
}

fn parse(columns: &[&str], line: &str) -> Golden {
    let fields: Vec<&str> = line.split('\t').collect();
    assert_eq!(fields.len(), columns.len(), "{line}");
    let row: BTreeMap<&str, &str> = columns.iter().copied().zip(fields).collect();
    let status: i32 = row["status"].parse().unwrap();
    let expected = match status {
        0 => Expected::Answer {
            answer: Numbers {
                prediction: row["prediction"].parse().unwrap(),
                confidence: floats(row["confidence"])[0],
                flags: row["flags"].parse().unwrap(),
                tokens: row["tokens"].parse().unwrap(),
                unknown: row["unknown"].parse().unwrap(),
            },
            probabilities: floats(row["probabilities"]),
            logits: floats(row["logits"]),
        },
        status => Expected::Error {
            status,
            offset: row["error_offset"].parse().ok(),
        },
    };
    Golden {
        name: row["name"].to_string(),
        precision: row["precision"].to_string(),
        utf8: row["utf8"].to_string(),
        max_length: row["max_length"].parse().unwrap(),
        text: from_hex(row["text"]).repeat(row["repeat"].parse().unwrap()),
        expected,
    }
}

/// All lines, by what their session is opened with.
fn read() -> Vec<Vec<Golden>> {
    let file = std::fs::read_to_string(in_tree("tests/golden/texts.tsv")).unwrap();
    let mut lines = file.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut groups = BTreeMap::<_, Vec<Golden>>::new();
    for line in lines {
        let golden = parse(&columns, line);
        let key = (
            golden.precision.clone(),
            golden.utf8.clone(),
            golden.max_length,
        );
        groups.entry(key).or_default().push(golden);
    }
    let all: usize = groups.values().map(Vec::len).sum();
    assert!(all > 50, "{all} lines");
    groups.into_values().collect()
}

/// A session as the lines of a group want it.
fn open(model: &Model, golden: &Golden, threads: u32) -> Session {
    let precision = match golden.precision.as_str() {
        "fp32" => Precision::FP32,
        "int8" => Precision::INT8,
        other => panic!("precision {other}"),
    };
    let policy = match golden.utf8.as_str() {
        "strict" => Utf8Policy::STRICT,
        "replace" => Utf8Policy::REPLACE,
        other => panic!("utf8 {other}"),
    };
    let options = SessionOptions::new()
        .precision(precision)
        .utf8_policy(policy);
    options
        .max_length(golden.max_length)
        .threads(threads)
        .open(model)
        .unwrap()
}

fn failed(error: &Error) -> Expected {
    Expected::Error {
        status: error.code(),
        offset: error.offset(),
    }
}

fn single(session: &mut Session, text: &[u8]) -> Expected {
    match session.predict(text) {
        Err(error) => failed(&error),
        Ok(found) => {
            let mut logits = vec![0.0; session.model().labels().len()];
            let answer = session.logits_into(text, &mut logits).unwrap();
            assert_eq!(answer, found.answer());
            assert_eq!(
                session.model().label(found.prediction()),
                Some(found.label())
            );
            Expected::Answer {
                answer: Numbers::of(answer),
                probabilities: bits(found.probabilities()),
                logits: bits(&logits),
            }
        }
    }
}

#[test]
fn one_at_a_time() {
    let model = Model::default_model().unwrap();
    for group in read() {
        let mut session = open(&model, &group[0], 1);
        for golden in &group {
            assert_eq!(
                single(&mut session, &golden.text),
                golden.expected,
                "{}",
                golden.name
            );
        }
    }
}

#[test]
fn in_batches() {
    let model = Model::default_model().unwrap();
    for (group, threads) in read().iter().zip([1, 2].into_iter().cycle()) {
        let mut session = open(&model, &group[0], threads);
        let texts: Vec<&[u8]> = group.iter().map(|golden| &*golden.text).collect();
        let offsets: Vec<u64> = std::iter::once(0)
            .chain(texts.iter().scan(0, |end, text| {
                *end += text.len() as u64;
                Some(*end)
            }))
            .collect();
        let mut logits = vec![0.0; texts.len() * model.labels().len()];
        session
            .logits_batch_into(texts.concat(), &offsets, &mut logits)
            .unwrap();
        let batch = session.predict_batch(&texts).unwrap();
        let rows = logits.chunks(model.labels().len());
        for ((golden, found), logits) in group.iter().zip(&batch).zip(rows) {
            let found = match found {
                Err(error) => failed(&error),
                Ok(found) => Expected::Answer {
                    answer: Numbers::of(found.answer()),
                    probabilities: bits(found.probabilities()),
                    logits: bits(logits),
                },
            };
            assert_eq!(found, golden.expected, "{}", golden.name);
        }
    }
}

#[test]
fn in_pieces() {
    let model = Model::default_model().unwrap();
    for group in read() {
        let mut session = open(&model, &group[0], 1);
        let mut stream = session.stream().unwrap();
        for golden in &group {
            // Pieces of 7 bytes cut words and characters; a failure of one comes back at the end.
            let _ = golden
                .text
                .chunks(7)
                .try_for_each(|piece| stream.feed(piece));
            match (stream.end(), &golden.expected) {
                (
                    Ok(found),
                    Expected::Answer {
                        answer,
                        probabilities,
                        ..
                    },
                ) => {
                    assert_eq!(Numbers::of(found.answer()), *answer, "{}", golden.name);
                    assert_eq!(
                        bits(found.probabilities()),
                        *probabilities,
                        "{}",
                        golden.name
                    );
                }
                (Err(error), expected) => assert_eq!(failed(&error), *expected, "{}", golden.name),
                (Ok(_), _) => panic!("{} has an answer", golden.name),
            }
        }
    }
}
