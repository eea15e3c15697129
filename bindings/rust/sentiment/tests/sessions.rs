// SPDX-License-Identifier: Apache-2.0

//! Predictions of every kind, and what sessions refuse.

mod common;

use common::{bits, tiny};
use sentiment::{
    CancelToken, Engine, ErrorKind, Isa, Model, ModelConfig, Padding, Precision, Prediction,
    Session, SessionOptions, Utf8Policy,
};

const TEXTS: [&str; 5] = [
    "word_1",
    "",
    "word_2 word_3 word_99",
    "unheard of",
    "word_7 word_7",
];

fn session() -> Session {
    tiny().session().unwrap()
}

fn same(one: &Prediction, other: &Prediction) {
    assert_eq!(one.answer(), other.answer());
    assert_eq!(one.label(), other.label());
    assert_eq!(bits(one.probabilities()), bits(other.probabilities()));
}

#[test]
fn answers() {
    let mut session = Model::default_model().unwrap().session().unwrap();
    let answer = session.predict("I love this product!").unwrap();
    assert_eq!((answer.prediction(), answer.label()), (2, "positive"));
    assert_eq!(
        (answer.tokens(), answer.unknown(), answer.flags().bits()),
        (5, 0, 0)
    );
    assert_eq!(answer.probabilities()[2], answer.confidence());
    assert!((answer.probabilities().iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert!(format!("{answer:?}").contains("positive"));
    assert!(session.predict("").unwrap().flags().is_empty_text());
    assert!(session
        .predict("xqzt vrrk")
        .unwrap()
        .flags()
        .is_all_unknown());
    assert!(session
        .predict("a ".repeat(10_000))
        .unwrap()
        .flags()
        .is_truncated());
    // Whatever is bytes is a text.
    let expected = session.predict("ab").unwrap();
    same(&session.predict(String::from("ab")).unwrap(), &expected);
    same(&session.predict(b"ab").unwrap(), &expected);
    same(&session.predict(vec![b'a', b'b']).unwrap(), &expected);
    same(&session.predict(&b"ab"[..]).unwrap(), &expected);
}

#[test]
fn nul_and_bad_bytes() {
    let model = Model::default_model().unwrap();
    let mut session = model.session().unwrap();
    assert_eq!(session.predict("good\0bad").unwrap().tokens(), 1);
    assert_eq!(session.predict("\0").unwrap().tokens(), 1);
    for (text, offset) in [
        (&b"\xff"[..], 0),
        (b"good \xc3(", 5),
        (b"\xed\xa0\x80", 0),
        (b"a\0\x80", 2),
    ] {
        let error = session.predict(text).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidUtf8, -7));
        assert_eq!(error.offset(), Some(offset));
    }
    let options = SessionOptions::new().utf8_policy(Utf8Policy::REPLACE);
    let mut lenient = options.open(&model).unwrap();
    same(
        &lenient.predict(b"a \xff b").unwrap(),
        &session.predict("a \u{fffd} b").unwrap(),
    );
}

#[test]
fn into_arrays() {
    let mut session = session();
    let expected = session.predict(TEXTS[2]).unwrap();
    let mut three = [0.0; 3];
    assert_eq!(
        session.predict_into(TEXTS[2], &mut three).unwrap(),
        expected.answer()
    );
    assert_eq!(bits(&three), bits(expected.probabilities()));
    session.logits_into(TEXTS[2], &mut three).unwrap();
    let largest = three.iter().cloned().fold(f32::MIN, f32::max);
    assert_eq!(three[expected.prediction()], largest);
    for length in [0, 2, 4] {
        let mut wrong = vec![7.0; length];
        let error = session.predict_into("word_1", &mut wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("3 classes"), "{error}");
        session.logits_into("word_1", &mut wrong).unwrap_err();
        assert!(wrong.iter().all(|&float| float == 7.0));
    }
}

#[test]
fn batches() {
    let mut session = session();
    let batch = session.predict_batch(&TEXTS).unwrap();
    assert_eq!(
        (batch.len(), batch.is_empty(), batch.probabilities().len()),
        (5, false, 15)
    );
    assert!(batch.get(5).is_none() && batch.answers().get(5).is_none());
    assert_eq!(batch.iter().len(), 5);
    let backwards: Vec<_> = batch.iter().rev().map(|answer| answer.unwrap()).collect();
    for (i, text) in TEXTS.iter().enumerate() {
        let alone = session.predict(text).unwrap();
        let found = batch.get(i).unwrap().unwrap();
        same(&found.to_prediction(), &alone);
        assert!(backwards[4 - i] == found);
        assert_eq!(batch.answers().get(i).unwrap().unwrap(), alone.answer());
    }
    assert!(session.predict_batch::<&str>(&[]).unwrap().is_empty());
    assert!(format!("{batch:?}").contains("Prediction"));
}

#[test]
fn bad_texts_do_not_spoil_others() {
    let mut session = session();
    let texts = [&b"word_1"[..], b"word_2 \xff", b"word_3"];
    let batch = session.predict_batch(&texts).unwrap();
    let error = batch.get(1).unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (ErrorKind::InvalidUtf8, Some(7))
    );
    assert_eq!(error.message(), "text 1: invalid UTF-8 at byte 7");
    assert_eq!(batch.probabilities()[3..6], [0.0; 3]);
    for i in [0, 2] {
        same(
            &batch.get(i).unwrap().unwrap().to_prediction(),
            &session.predict(texts[i]).unwrap(),
        );
    }
    assert_eq!(batch.answers().iter().filter(Result::is_ok).count(), 2);
}

#[test]
fn batches_into_arrays() {
    let mut session = session();
    let mut floats = [0.0; 6];
    let answers = session
        .predict_batch_into("..word_1word_2", &[2, 8, 14], &mut floats)
        .unwrap();
    assert_eq!((answers.len(), answers.is_empty()), (2, false));
    for (text, row) in ["word_1", "word_2"].iter().zip(floats.chunks(3)) {
        assert_eq!(
            bits(session.predict(text).unwrap().probabilities()),
            bits(row)
        );
    }
    assert!(format!("{answers:?}").contains("Answer"));
    assert!(session
        .predict_batch_into("", &[0], &mut [])
        .unwrap()
        .is_empty());
    assert!(session
        .predict_batch_into("abc", &[3], &mut [])
        .unwrap()
        .is_empty());
}

#[test]
fn arrays_of_the_wrong_length() {
    let mut session = session();
    let mut floats = [7.0; 6];
    for (text, offsets, room) in [
        ("word", &[0, 2, 4][..], 5), // too little room
        ("word", &[0, 4], 6),        // too much
        ("word", &[0, 4], 0),        // none
        ("word", &[], 0),            // no offsets
        ("word", &[0, 2, 5], 6),     // beyond the text
        ("word", &[0, 3, 2], 6),     // backwards
        ("word", &[4, 0, 4], 6),     // backwards first
        ("word", &[5, 5], 3),        // an empty text beyond the text
        ("word", &[0, u64::MAX], 3), // far beyond
        ("", &[1], 0),               // no text, and beyond
    ] {
        let room = &mut floats[..room];
        let error = session.predict_batch_into(text, offsets, room).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{offsets:?}");
        assert!(error.message().contains("expected"), "{error}");
        session.logits_batch_into(text, offsets, room).unwrap_err();
    }
    assert_eq!(floats, [7.0; 6]);
    session.predict_ids(&[1, 2], &[0, 3]).unwrap_err();
    session.predict_ids(&[1, 2], &[]).unwrap_err();
    session.predict("word_1").unwrap();
}

#[test]
fn rows_of_ids() {
    let mut session = session();
    let tokenizer = session.model().tokenizer();
    let ids: Vec<i32> = tokenizer
        .encode("word_5 word_9")
        .unwrap()
        .iter()
        .map(|token| token.id)
        .collect();
    let batch = session
        .predict_ids(&[ids[0], ids[1], 1000, -1], &[0, 2, 3, 4, 4])
        .unwrap();
    let alone = session.predict("word_5 word_9").unwrap();
    assert_eq!(
        bits(batch.get(0).unwrap().unwrap().probabilities()),
        bits(alone.probabilities())
    );
    for i in [1, 2] {
        assert_eq!(
            batch.get(i).unwrap().unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    }
    assert!(batch.get(3).unwrap().unwrap().flags().is_empty_text());
}

#[test]
fn other_lengths() {
    let mut session = session();
    session.set_max_length(2);
    let cut = session.predict("word_1 word_2 word_3").unwrap();
    assert!(cut.flags().is_truncated() && cut.tokens() == 3);
    let batch = session
        .predict_batch(&["word_1 word_2 word_3", "word_1"])
        .unwrap();
    same(&batch.get(0).unwrap().unwrap().to_prediction(), &cut);
    assert!(!batch.get(1).unwrap().unwrap().flags().is_truncated());
    session.set_max_length(70_000);
    assert_eq!(
        session.predict("word_1").unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    let batch = session.predict_batch(&["word_1"]).unwrap();
    assert_eq!(
        batch.get(0).unwrap().unwrap_err().message(),
        "text 0: invalid argument"
    );
    session.set_max_length(0);
    session.predict("word_1").unwrap();
}

#[test]
fn iterators_are_lazy() {
    let mut session = session();
    let mut taken = 0;
    let endless = (0..).map(|i| {
        taken = i;
        format!("word_{}", i % 100)
    });
    let found: Vec<_> = session.predict_iter(endless).chunk(4).take(6).collect();
    assert!(found.len() == 6 && found.iter().all(Result::is_ok));
    assert_eq!(taken, 7);
    for (i, answer) in found.into_iter().enumerate() {
        same(
            &answer.unwrap(),
            &session.predict(format!("word_{i}")).unwrap(),
        );
    }
}

#[test]
fn iterators_tell_the_place_of_bad_texts() {
    let mut session = session();
    let texts = (0..10).map(|i| {
        if i == 7 {
            b"\xff".to_vec()
        } else {
            b"word_1".to_vec()
        }
    });
    let mut answers = session.predict_iter(texts).chunk(3);
    assert_eq!(answers.size_hint(), (1, None));
    let errors: Vec<_> = answers
        .by_ref()
        .enumerate()
        .filter(|(_, item)| item.is_err())
        .collect();
    assert_eq!(errors.len(), 1);
    let (place, error) = &errors[0];
    assert_eq!(*place, 7);
    assert!(error
        .as_ref()
        .unwrap_err()
        .message()
        .starts_with("text 7: "));
    assert!(answers.next().is_none() && answers.next().is_none());
    assert_eq!(session.predict_iter(TEXTS).chunk(0).count(), 5);
    assert_eq!(session.predict_iter(Vec::<String>::new()).count(), 0);
}

#[test]
fn iterators_cut_large_texts_into_batches() {
    let mut session = session();
    let large = "word_1 ".repeat(60_000);
    assert_eq!(
        session
            .predict_iter((0..8).map(|_| &large))
            .filter(Result::is_ok)
            .count(),
        8
    );
}

#[test]
fn cancelled_batches() {
    let token = CancelToken::new().unwrap();
    let model = tiny();
    let mut session = SessionOptions::new().cancel(&token).open(&model).unwrap();
    session.predict_batch(&TEXTS).unwrap();
    token.request();
    assert_eq!(
        session.predict_batch(&TEXTS).unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    let mut floats = [0.0; 3];
    let error = session
        .predict_batch_into("word_1", &[0, 6], &mut floats)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let items: Vec<_> = session.predict_iter(TEXTS).chunk(2).collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
    token.reset();
    assert_eq!(session.predict_batch(&TEXTS).unwrap().len(), 5);
}

#[test]
fn explanations_add_up() {
    let mut session = Model::default_model().unwrap().session().unwrap();
    let text = "The room was not nice at all, sadly!";
    let why = session.explain(text).unwrap();
    let alone = session.predict(text).unwrap();
    assert_eq!((why.answer(), why.label()), (alone.answer(), alone.label()));
    assert_eq!(
        (why.len(), why.is_empty()),
        (alone.tokens() as usize, false)
    );
    for class in 0..3 {
        let sum: f64 = why
            .contributions()
            .map(|(_, added)| f64::from(added[class]))
            .sum();
        let whole = sum + f64::from(why.bias()[class]);
        // A float has 24 bits; some twenty roundings of numbers below ten.
        assert!((whole - f64::from(why.logits()[class])).abs() < 20.0 * 10.0 / 16_777_216.0);
    }
    let words: Vec<&str> = why.contributions().map(|(place, _)| &text[place]).collect();
    assert_eq!(words.concat(), text.replace(' ', ""));
    assert!(session.explain("").unwrap().is_empty());
    // More tokens than a first guess has room for.
    session.set_max_length(2000);
    assert_eq!(session.explain("!".repeat(1500)).unwrap().len(), 1500);
    assert_eq!(
        session.explain(b"\xff").unwrap_err().kind(),
        ErrorKind::InvalidUtf8
    );
}

#[test]
fn streams() {
    let mut session = Model::default_model().unwrap().session().unwrap();
    let text = "The café was nice, but the staff was rude.";
    let whole = session.predict(text).unwrap();
    let first = session.predict("The caf").unwrap();
    let mut stream = session.stream().unwrap();
    // The cut goes through the two bytes of the accent.
    same(
        &stream.feed_and_answer(&text.as_bytes()[..8]).unwrap(),
        &first,
    );
    stream.feed(&text.as_bytes()[8..]).unwrap();
    same(&stream.answer().unwrap(), &whole);
    same(&stream.end().unwrap(), &whole);
    assert!(stream.answer().unwrap().flags().is_empty_text());
    stream.feed("something").unwrap();
    stream.reset();
    assert!(stream.end().unwrap().flags().is_empty_text());
    assert_eq!(stream.feed(b"abc\xff").unwrap_err().offset(), Some(3));
    assert_eq!(
        stream.feed("more").unwrap_err().kind(),
        ErrorKind::InvalidUtf8
    );
    assert_eq!(stream.answer().unwrap_err().offset(), Some(3));
    stream.reset();
    stream.feed("fine").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(stream.end().unwrap().tokens(), 1));
    });
    same(&session.predict(text).unwrap(), &whole);
}

#[test]
fn streams_that_cannot_be() {
    let model = ModelConfig::new(10, 2, 2, 3)
        .bidirectional(true)
        .create()
        .unwrap();
    let mut session = model.session().unwrap();
    assert_eq!(session.stream().unwrap_err().kind(), ErrorKind::Unsupported);
    session.predict("word_1").unwrap();
}

#[test]
fn a_forgotten_stream_does_no_harm() {
    let mut session = session();
    std::mem::forget(session.stream().unwrap());
    session.predict("word_1").unwrap();
}

#[test]
fn what_a_session_runs_on() {
    let model = Model::default_model().unwrap();
    let options = SessionOptions::new()
        .engine(Engine::NATIVE)
        .precision(Precision::INT8)
        .isa(Isa::C)
        .threads(2)
        .max_length(33)
        .padding(Padding::NONE)
        .settled_tail(false)
        .fold_bytes(1 << 20);
    let mut session = options.open(&model).unwrap();
    let info = session.info();
    assert_eq!((info.engine, info.engine_name), (Engine::NATIVE, "native"));
    assert_eq!((info.isa, info.isa_name), (Isa::C, "c"));
    assert_eq!(
        (info.precision, info.threads, info.max_length),
        (Precision::INT8, 2, 33)
    );
    assert_eq!(info.padding, Padding::NONE);
    assert!(info.memory_bytes > 0);
    assert!(format!("{session:?}").contains("native"));
    session.predict("fine").unwrap();
    assert!(
        SessionOptions::new()
            .all_threads()
            .open(&model)
            .unwrap()
            .info()
            .threads
            >= 1
    );
}

#[test]
fn options_that_cannot_be() {
    let model = tiny();
    let kind = |options: SessionOptions| options.open(&model).unwrap_err().kind();
    let new = SessionOptions::new;
    assert_eq!(kind(new().engine(Engine(9))), ErrorKind::InvalidArgument);
    assert_eq!(
        kind(new().precision(Precision(-1))),
        ErrorKind::InvalidArgument
    );
    assert_eq!(kind(new().isa(Isa(99))), ErrorKind::InvalidArgument);
    assert_eq!(kind(new().padding(Padding(99))), ErrorKind::InvalidArgument);
    assert_eq!(
        kind(new().utf8_policy(Utf8Policy(99))),
        ErrorKind::InvalidArgument
    );
    assert_eq!(kind(new().threads(100_000)), ErrorKind::InvalidArgument);
    assert_eq!(kind(new().max_length(70_000)), ErrorKind::InvalidArgument);
    assert_eq!(kind(new().device("cu\0da")), ErrorKind::InvalidArgument);
}

#[test]
fn sessions_move_and_close_in_any_order() {
    fn check<T: Send + 'static>() {}
    check::<Session>();
    let model = tiny();
    let mut one = model.session().unwrap();
    let mut other = model.session().unwrap();
    drop(model);
    let expected = one.predict("word_1").unwrap();
    drop(one);
    let moved = std::thread::spawn(move || other.predict("word_1").unwrap())
        .join()
        .unwrap();
    same(&moved, &expected);
}
