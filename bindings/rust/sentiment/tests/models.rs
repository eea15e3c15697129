// SPDX-License-Identifier: Apache-2.0

//! Loading, hostile files, metadata, saving, tokenizers.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{in_tree, tiny, tiny_bytes, Folder};
use sentiment::{
    CancelToken, ErrorKind, Format, LogLevel, Model, ModelConfig, ModelOptions, Padding, Precision,
    SaveOptions, TokenizerKind, Utf8Policy,
};

#[test]
fn the_bundled_model() {
    let model = Model::default_model().unwrap();
    let info = model.info();
    assert_eq!(info.num_classes, 3);
    assert_eq!(info.format, "safetensors");
    assert_eq!((info.sha256, info.tokenizer_ignored), (None, None));
    assert_eq!(info.tokenizer, TokenizerKind::WORDS);
    assert!(info.parameters > 0 && info.memory_bytes > info.parameters);
    assert!(info.has_weights && !info.has_script);
    let labels: Vec<&str> = model.labels().collect();
    assert_eq!(labels, ["negative", "neutral", "positive"]);
    assert_eq!(model.label(1), Some("neutral"));
    assert_eq!(model.label(3), None);
    assert_eq!(
        Model::load(Model::default_path().unwrap())
            .unwrap()
            .info()
            .vocab_size,
        info.vocab_size
    );
    assert!(format!("{model:?}").contains("safetensors"));
}

#[test]
fn metadata_in_the_order_of_the_keys() {
    let model = Model::default_model().unwrap();
    let all: Vec<(String, String)> = model
        .metadata()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    assert!(!all.is_empty());
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for (key, value) in &all {
        assert_eq!(model.metadata_value(key).as_deref(), Some(&**value));
    }
    assert_eq!(model.metadata_value("no such key"), None);
    assert_eq!(model.metadata_value("a\0b"), None);
}

#[test]
fn digests_on_request() {
    let model = ModelOptions::new().digest(true).load_default().unwrap();
    assert_eq!(model.info().sha256.unwrap().len(), 64);
}

#[test]
fn temperature_of_the_caller() {
    let text = "a fine day, more or less";
    let flat = ModelOptions::new().temperature(2.0).load_default().unwrap();
    let plain = Model::default_model().unwrap();
    assert_eq!(flat.info().temperature, 2.0);
    let after = flat.session().unwrap().predict(text).unwrap();
    let before = plain.session().unwrap().predict(text).unwrap();
    assert_eq!(after.label(), before.label());
    assert!(after.confidence() < before.confidence());
    assert_eq!(flat.quantize().unwrap().info().temperature, 2.0);
    let refused = ModelOptions::new().temperature(-1.0).load_default();
    assert!(refused
        .err()
        .unwrap()
        .to_string()
        .contains("temperature is -1"));
}

#[test]
fn mapped_file() {
    // SAFETY: nobody changes the bundled model.
    let options = unsafe { ModelOptions::new().mmap(true) };
    let mapped = options.load_default().unwrap();
    let read = Model::default_model().unwrap();
    let text = "a fine day";
    assert_eq!(
        mapped.session().unwrap().predict(text).unwrap(),
        read.session().unwrap().predict(text).unwrap()
    );
}

#[test]
fn files_that_do_not_load() {
    let folder = Folder::new();
    let kind = |path| Model::load(path).unwrap_err().kind();
    assert_eq!(kind(folder.join("missing")), ErrorKind::NotFound);
    std::fs::write(folder.join("short"), b"\x04\0\0\0\0\0\0\0{}").unwrap();
    assert_eq!(kind(folder.join("short")), ErrorKind::BadModel);
    std::fs::write(folder.join("empty"), b"").unwrap();
    assert_eq!(kind(folder.join("empty")), ErrorKind::BadModel);
    let error = Model::load("with\0nul").unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (ErrorKind::InvalidArgument, Some(4))
    );
    let error = Model::load(folder.join("missing")).unwrap_err();
    assert!(error.message().contains("missing"), "{error}");
    assert!(error.code() == -2 && error.to_string() == error.message());
}

/// Files below a folder, and folders that are models.
fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn every_hostile_file_of_the_tree() {
    let mut files = Vec::new();
    below(&in_tree("tests/golden/invalid"), &mut files);
    let mut refused = 0;
    for path in files {
        if let Err(error) = Model::load(&path) {
            assert!(!error.message().is_empty(), "{}", path.display());
            assert_ne!(
                error.kind(),
                ErrorKind::Internal,
                "{}: {error}",
                path.display()
            );
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused} refused");
}

#[test]
fn hostile_bytes() {
    let good = tiny_bytes();
    Model::from_bytes(&good).unwrap();
    let refused = |bytes: &[u8]| {
        let error = Model::from_bytes(bytes).unwrap_err();
        assert!(!error.message().is_empty());
        let owned = Model::from_owned(bytes.to_vec()).unwrap_err();
        assert_eq!(owned.code(), error.code());
    };
    refused(b"");
    refused(&[0; 64]);
    refused(&[0xff; 64]);
    for cut in [1, 7, 8, 9, good.len() / 2, good.len() - 1] {
        refused(&good[..cut]);
    }
    // A length of the header that no file has, and a header that is no JSON.
    let mut long = good.clone();
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    refused(&long);
    let mut scrambled = good.clone();
    scrambled[8] = b'[';
    refused(&scrambled);
    // One bit anywhere never does harm: it loads or it does not.
    for place in (0..good.len()).step_by(97) {
        let mut flipped = good.clone();
        flipped[place] ^= 1 << (place % 8);
        if let Ok(model) = Model::from_owned(flipped) {
            model.session().unwrap().predict("word_1 word_2").unwrap();
        }
    }
}

#[test]
fn the_same_model_from_everywhere() {
    let bytes = tiny_bytes();
    let leaked: &'static [u8] = Box::leak(bytes.clone().into_boxed_slice());
    let answer = |model: Model| {
        let answer = model.session().unwrap().predict("word_3 word_5").unwrap();
        (answer.prediction(), common::bits(answer.probabilities()))
    };
    let expected = answer(tiny());
    assert_eq!(answer(Model::from_bytes(&bytes).unwrap()), expected);
    assert_eq!(answer(Model::from_static(leaked).unwrap()), expected);
    assert_eq!(answer(Model::from_owned(bytes.clone()).unwrap()), expected);
    assert_eq!(
        answer(Model::from_owned(Arc::<[u8]>::from(bytes)).unwrap()),
        expected
    );
}

/// Bytes that count how often they are dropped.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn owned_bytes_are_dropped_once_and_last() {
    let drops = Arc::new(AtomicUsize::new(0));
    let count = || drops.load(Ordering::Relaxed);
    let model = Model::from_owned(Counted(tiny_bytes(), Arc::clone(&drops))).unwrap();
    let mut session = model.session().unwrap();
    let other = model.clone();
    drop(model);
    drop(other);
    assert_eq!(count(), 0);
    session.predict("word_1").unwrap();
    std::thread::spawn(move || drop(session)).join().unwrap();
    assert_eq!(count(), 1);
    Model::from_owned(Counted(b"no model".to_vec(), Arc::clone(&drops))).unwrap_err();
    assert_eq!(count(), 2);
}

/// Bytes that panic when they go.
struct Panicking(Vec<u8>);

impl AsRef<[u8]> for Panicking {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        panic!("in the drop of bytes, on purpose");
    }
}

#[test]
fn a_panic_in_a_release_ends_there() {
    drop(Model::from_owned(Panicking(tiny_bytes())).unwrap());
}

/// A native file that says that it was saved with Unicode 9x, which is worth a message.
fn odd_bytes() -> Vec<u8> {
    let mut bytes = tiny_bytes();
    let key = b"unicode\\\":\\\"";
    let place = bytes
        .windows(key.len())
        .position(|window| window == key)
        .unwrap();
    bytes[place + key.len()] = b'9';
    bytes
}

#[test]
fn messages_of_a_model() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&heard);
    let options = ModelOptions::new()
        .log(move |level, message| inside.lock().unwrap().push((level, message.to_string())));
    let model = options.from_owned(odd_bytes()).unwrap();
    drop(options);
    model.session().unwrap().predict("word_1").unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].0, LogLevel::WARNING);
    assert!(heard[0].1.contains("Unicode 9"), "{}", heard[0].1);
}

#[test]
fn a_panic_in_a_log_function_ends_there() {
    let calls = Arc::new(AtomicUsize::new(0));
    let inside = Arc::clone(&calls);
    let options = ModelOptions::new().log(move |_, _| {
        inside.fetch_add(1, Ordering::Relaxed);
        panic!("in a log function, on purpose");
    });
    let model = options.from_bytes(&odd_bytes()).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    model.session().unwrap().predict("word_1").unwrap();
}

#[test]
fn loading_is_cancelled() {
    let token = CancelToken::new().unwrap();
    token.request();
    let options = ModelOptions::new().cancel(&token);
    assert_eq!(
        options.load_default().unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    token.reset();
    options.load_default().unwrap();
    token.request();
    let folder = Folder::new();
    let path = folder.join("never.safetensors");
    let error = SaveOptions::new()
        .cancel(&token)
        .save(&tiny(), &path)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!path.exists());
}

#[test]
fn saving_in_every_format() {
    let folder = Folder::new();
    let model = tiny();
    for (name, format) in [
        ("a.safetensors", "safetensors"),
        ("b.onnx", "onnx"),
        ("c", "pytorch"),
    ] {
        model.save(folder.join(name)).unwrap();
        assert_eq!(
            Model::load(folder.join(name)).unwrap().info().format,
            format
        );
    }
    let options = SaveOptions::new()
        .format(Format::SAFETENSORS)
        .metadata("né\"e", "\u{1}\n\\");
    options
        .lineage_json("{\"action\":\"test\"}")
        .save(&model, folder.join("plain"))
        .unwrap();
    let again = Model::load(folder.join("plain")).unwrap();
    assert_eq!(again.info().format, "safetensors");
    assert_eq!(again.metadata_value("né\"e").as_deref(), Some("\u{1}\n\\"));
    let error = SaveOptions::new()
        .opset(99)
        .save(&model, folder.join("d.onnx"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = SaveOptions::new()
        .lineage_json("[]")
        .save(&model, folder.join("e"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = model
        .save(folder.join("no/such/folder/f.safetensors"))
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Io),
        "{error}"
    );
}

#[test]
fn int8() {
    let model = Model::default_model().unwrap();
    let small = model.quantize().unwrap();
    assert_eq!(small.info().precision, Precision::INT8);
    assert_eq!(small.quantize().unwrap_err().kind(), ErrorKind::Unsupported);
    let answer = small.session().unwrap().predict("I love it").unwrap();
    assert_eq!(answer.label(), "positive");
}

#[test]
fn new_models() {
    let config = ModelConfig::new(10, 2, 3, 12)
        .layers(2)
        .bidirectional(true)
        .max_length(9);
    let model = config.seed(1).create().unwrap();
    let info = model.info();
    assert_eq!(
        (info.num_layers, info.bidirectional, info.max_length),
        (2, true, 9)
    );
    assert_eq!(info.padding, Padding::MAX_LENGTH);
    assert_eq!(model.labels().last(), Some("11"));
    let answer = model.session().unwrap().predict("word_3").unwrap();
    assert_eq!(answer.probabilities().len(), 12);
    assert_eq!(answer.clone(), answer);
    let error = ModelConfig::new(0, 2, 3, 3).create().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = ModelConfig::new(10, 2, 3, 3)
        .padding(Padding(77))
        .create()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn tokens() {
    let model = Model::default_model().unwrap();
    let tokenizer = model.tokenizer();
    drop(model);
    let text = "Not bad, café!";
    let tokens = tokenizer.encode(text).unwrap();
    let words: Vec<&str> = tokens
        .iter()
        .map(|token| &text[token.start..token.end])
        .collect();
    assert_eq!(words, ["Not", "bad", ",", "café", "!"]);
    assert_eq!(tokenizer.word(tokens[0].id).as_deref(), Some("not"));
    assert_eq!(tokenizer.word(-1), None);
    assert_eq!(tokenizer.word(i32::MAX), None);
    assert!(tokenizer.encode("").unwrap().is_empty());
    // More tokens than a first guess has room for.
    assert_eq!(tokenizer.encode("!".repeat(5000)).unwrap().len(), 5000);
    let error = tokenizer.encode(b"ab \xff").unwrap_err();
    assert_eq!(
        (error.kind(), error.offset()),
        (ErrorKind::InvalidUtf8, Some(3))
    );
    assert_eq!(
        tokenizer
            .encode_with(b"ab \xff", Utf8Policy::REPLACE)
            .unwrap()
            .len(),
        2
    );
    let error = tokenizer.encode_with("a", Utf8Policy(9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let clone = tokenizer.clone();
    drop(tokenizer);
    std::thread::spawn(move || assert_eq!(clone.encode("a b").unwrap().len(), 2))
        .join()
        .unwrap();
}

#[test]
fn a_tokenizer_outlives_its_model() {
    let model = Model::from_owned(tiny_bytes()).unwrap();
    let tokenizer = model.tokenizer();
    drop(model);
    let tokens = tokenizer.encode("word_42").unwrap();
    assert_eq!(tokenizer.word(tokens[0].id).as_deref(), Some("word_42"));
}

#[test]
fn onnx_checker() {
    let folder = Folder::new();
    let path = folder.join("tiny.onnx");
    tiny().save(&path).unwrap();
    if let Err(error) = sentiment::onnx_check(&path) {
        assert_eq!(error.kind(), ErrorKind::EngineUnavailable, "{error}");
    }
    let error = sentiment::onnx_check(folder.join("missing.onnx")).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::EngineUnavailable
        ),
        "{error}"
    );
}

#[test]
fn models_cross_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Model>();
    check::<ModelOptions>();
    check::<sentiment::Tokenizer>();
    check::<sentiment::SessionOptions>();
}
