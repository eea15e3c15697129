// SPDX-License-Identifier: Apache-2.0

//! What the tests share.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sentiment::{Model, ModelConfig, Padding, SaveOptions};

/// A model that is made in no time: words `word_0` to `word_99`, three classes.
pub fn tiny() -> Model {
    ModelConfig::new(100, 4, 4, 3)
        .padding(Padding::NONE)
        .seed(7)
        .create()
        .unwrap()
}

/// The bytes of its native file.
pub fn tiny_bytes() -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.join("tiny.safetensors");
    SaveOptions::new().save(&tiny(), &path).unwrap();
    std::fs::read(path).unwrap()
}

/// The bits of floats: answers must agree in all of them.
pub fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|float| float.to_bits()).collect()
}

/// A file of the tree.
pub fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .join(path)
}

/// A folder that goes with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sentiment-rust-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
