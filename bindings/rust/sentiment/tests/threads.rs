// SPDX-License-Identifier: Apache-2.0

//! Eight threads, ten thousand predictions each, while models and sessions come and go.

mod common;

use std::sync::{Arc, Mutex};

use common::{bits, tiny, tiny_bytes};
use sentiment::{CancelToken, Model, SessionOptions};

const THREADS: usize = 8;
const PREDICTIONS: usize = 10_000;
/// Predictions of a session before another one takes its place.
const CHURN: usize = 250;

fn text(number: usize) -> String {
    format!(
        "word_{} word_{} word_{}",
        number % 100,
        number * 7 % 100,
        number * 31 % 100
    )
}

/// What one thread alone says.
fn expected() -> Vec<Vec<u32>> {
    let mut session = tiny().session().unwrap();
    (0..100)
        .map(|i| bits(session.predict(text(i)).unwrap().probabilities()))
        .collect()
}

#[test]
fn one_model_many_sessions() {
    let expected = expected();
    let bytes: Arc<[u8]> = tiny_bytes().into();
    // The model that everybody takes; each thread puts a new one there now and then.
    let shared = Mutex::new(tiny());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (expected, bytes, shared) = (&expected, &bytes, &shared);
            scope.spawn(move || {
                let mut session = shared.lock().unwrap().session().unwrap();
                for i in 0..PREDICTIONS {
                    if i % CHURN == thread {
                        let model = shared.lock().unwrap().clone();
                        session = model.session().unwrap();
                    }
                    if i % (CHURN * THREADS) == CHURN * thread {
                        let model = Model::from_owned(Arc::clone(bytes)).unwrap();
                        *shared.lock().unwrap() = model;
                    }
                    let number = (i + thread * 13) % 100;
                    let found = session.predict(text(number)).unwrap();
                    assert_eq!(bits(found.probabilities()), expected[number]);
                }
            });
        }
    });
}

#[test]
fn one_tokenizer_and_labels_for_all() {
    let model = tiny();
    let tokenizer = model.tokenizer();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (model, tokenizer) = (&model, &tokenizer);
            scope.spawn(move || {
                for i in 0..500 {
                    let tokens = tokenizer.encode(text(i + thread)).unwrap();
                    let word = format!("word_{}", (i + thread) % 100);
                    assert_eq!(tokenizer.word(tokens[0].id).as_deref(), Some(&*word));
                    assert_eq!(model.clone().info().num_classes, 3);
                    assert_eq!(model.label(i % 3), Some(&*(i % 3).to_string()));
                    drop(tokenizer.clone());
                }
            });
        }
    });
}

#[test]
fn a_session_goes_from_thread_to_thread() {
    let expected = expected();
    let session = Mutex::new(SessionOptions::new().threads(2).open(&tiny()).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (expected, session) = (&expected, &session);
            scope.spawn(move || {
                for i in 0..50 {
                    let numbers = [i, thread, i + thread];
                    let mut session = session.lock().unwrap();
                    let batch = session.predict_batch(&numbers.map(text)).unwrap();
                    for (number, found) in numbers.iter().zip(&batch) {
                        assert_eq!(bits(found.unwrap().probabilities()), expected[*number]);
                    }
                }
            });
        }
    });
}

#[test]
fn batches_are_stopped_from_another_thread() {
    let token = CancelToken::new().unwrap();
    let model = tiny();
    let texts: Vec<String> = (0..2_000).map(text).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut session = SessionOptions::new().cancel(&token).open(&model).unwrap();
            let texts = &texts;
            // It ends: sooner or later a batch is stopped.
            scope.spawn(move || while session.predict_batch(texts).is_ok() {});
        }
        token.request();
    });
    assert!(token.is_requested());
}
