// SPDX-License-Identifier: Apache-2.0

//! A library of another version or binary interface is refused with an error that names both.
//! The test runs itself with such a library in front of the real one. Needs a C compiler.
#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::Folder;
use sentiment::{CancelToken, ErrorKind, Model, ModelConfig};

/// Set where the other library is in front.
const MARK: &str = "SENTIMENT_TEST_WRONG_LIBRARY";

/// Builds a library with these two functions; None without a C compiler.
fn fake(folder: &Folder, version: &str, abi: i32) -> Option<PathBuf> {
    let (source, library) = (folder.join("fake.c"), folder.join("fake.so"));
    let text = format!(
        "const char *sentiment_version(void) {{ return \"{version}\"; }}\n\
         int sentiment_abi_version(void) {{ return {abi}; }}\n"
    );
    std::fs::write(&source, text).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_string());
    let done = Command::new(compiler)
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .ok()?;
    assert!(done.success());
    Some(library)
}

/// Runs the test below with the library in front; what it printed.
fn run_with(library: &Path) -> String {
    let done = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "in_a_process_of_its_own",
            "--nocapture",
        ])
        .env("LD_PRELOAD", library)
        .env(MARK, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    printed
}

#[test]
fn other_versions_are_refused() {
    let abi = sentiment::sys::ABI_VERSION;
    let (major, minor) = sentiment::sys::MINIMUM_VERSION;
    let needs = format!("needs version {major}.{minor} or newer with ABI {abi}");
    for (version, abi, said) in [
        (
            "0.2.9",
            abi,
            format!("libsentiment 0.2.9 with ABI {abi} is too old"),
        ),
        ("9.9.9", 77, "libsentiment 9.9.9 has ABI 77".to_string()),
    ] {
        let folder = Folder::new();
        let library = match fake(&folder, version, abi) {
            Some(library) => library,
            None => return println!("skipped: no C compiler"),
        };
        let printed = run_with(&library);
        assert!(printed.contains(&said), "{printed}");
        assert!(printed.contains(&needs), "{printed}");
    }
}

#[test]
#[ignore = "run by the test above, with another library"]
fn in_a_process_of_its_own() {
    if std::env::var_os(MARK).is_none() {
        return;
    }
    let errors = [
        Model::load("model.safetensors").unwrap_err(),
        Model::from_bytes(b"").unwrap_err(),
        Model::from_static(b"").unwrap_err(),
        Model::from_owned(Vec::new()).unwrap_err(),
        Model::default_model().unwrap_err(),
        ModelConfig::new(10, 2, 2, 3).create().unwrap_err(),
        CancelToken::new().unwrap_err(),
        sentiment::onnx_check("model.onnx").unwrap_err(),
    ];
    for error in &errors {
        assert_eq!(error.kind(), ErrorKind::IncompatibleLibrary);
        assert_eq!(error, &errors[0]);
    }
    println!("{}", errors[0]);
}
