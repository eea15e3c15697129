// SPDX-License-Identifier: Apache-2.0

//! Finds libsentiment.
//!
//! - `SENTIMENT_LIB_DIR`: the folder of the library; nothing else is asked then.
//! - `SENTIMENT_STATIC=1`: links libsentiment.a, with zlib and jansson.
//! - Otherwise pkg-config tells (`PKG_CONFIG_PATH` names more folders for it).

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

#[allow(dead_code)]
#[path = "src/version.rs"]
mod version;

/// What libsentiment.a needs besides the C library.
const STATIC_NEEDS: [&str; 3] = ["z", "jansson", "m"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/version.rs");
    let statically = flag("SENTIMENT_STATIC");
    println!("cargo:rerun-if-env-changed=SENTIMENT_LIB_DIR");
    if env::var_os("DOCS_RS").is_some() {
        return; // nothing is linked there
    }
    match env::var_os("SENTIMENT_LIB_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => from_folder(Path::new(&folder), statically),
        None => from_pkg_config(statically),
    }
}

/// Whether an environment variable says yes.
fn flag(name: &str) -> bool {
    println!("cargo:rerun-if-env-changed={name}");
    match env::var(name).as_deref() {
        Err(_) | Ok("" | "0") => false,
        Ok("1") => true,
        Ok(other) => panic!("\n\n{name} is {other:?}; expected 0 or 1\n"),
    }
}

/// Names of the library as files: the linker takes the first that is there.
fn file_names(statically: bool) -> Vec<&'static str> {
    let target = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match (statically, target.as_str()) {
        (true, "windows") => vec!["sentiment.lib", "libsentiment.a"],
        (true, _) => vec!["libsentiment.a"],
        (false, "windows") => vec!["sentiment.lib", "libsentiment.dll.a"],
        (false, "macos") => vec!["libsentiment.dylib"],
        (false, _) => vec!["libsentiment.so"],
    }
}

/// The library in a folder that the user names.
fn from_folder(folder: &Path, statically: bool) {
    let names = file_names(statically);
    if folder.is_relative() {
        // This runs in the folder of the crate, wherever cargo was started.
        let given = format!("  {}: not an absolute path", folder.display());
        fail(
            "SENTIMENT_LIB_DIR must name a folder from the root on",
            &[given],
        );
    }
    if !names.iter().any(|name| folder.join(name).is_file()) {
        let tried: Vec<String> = names
            .iter()
            .map(|name| format!("  {}: no such file", folder.join(name).display()))
            .collect();
        fail(
            "SENTIMENT_LIB_DIR names a folder without the library",
            &tried,
        );
    }
    link(&[folder.to_path_buf()], &[], statically);
}

/// The library as pkg-config knows it.
fn from_pkg_config(statically: bool) {
    let (oldest, newest) = (version::MINIMUM_VERSION_TEXT, version::NEXT_VERSION_TEXT);
    let found = pkg_config::Config::new()
        .range_version(oldest..newest)
        .statik(statically)
        .cargo_metadata(false)
        .env_metadata(true)
        .probe("sentiment");
    match found {
        Ok(library) => {
            let others: Vec<String> = library
                .libs
                .into_iter()
                .filter(|name| name != "sentiment")
                .collect();
            link(&library.link_paths, &others, statically);
            for folder in &library.include_paths {
                println!("cargo:include={}", folder.display());
            }
        }
        Err(problem) => {
            let mut tried = vec!["  SENTIMENT_LIB_DIR: not set".to_string()];
            for name in ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"] {
                let value = env::var(name).unwrap_or_else(|_| "not set".to_string());
                tried.push(format!("  {name}: {value}"));
            }
            if let Some(folders) = searched() {
                tried.push(format!("  the folders of pkg-config itself: {folders}"));
            }
            let said = problem.to_string();
            tried.push(format!(
                "  pkg-config, sentiment >= {oldest} and < {newest}:"
            ));
            tried.extend(said.lines().map(|line| format!("    {line}")));
            fail("libsentiment was not found", &tried);
        }
    }
}

/// Where pkg-config looks when nothing else is said.
fn searched() -> Option<String> {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let done = Command::new(program)
        .args(["--variable", "pc_path", "pkg-config"])
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&done.stdout).trim().to_string())
}

/// Tells cargo what to link. Crates that depend on this one are told the folder.
fn link(folders: &[PathBuf], others: &[String], statically: bool) {
    for folder in folders {
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:lib_dir={}", folder.display());
    }
    if !statically {
        println!("cargo:rustc-link-lib=dylib=sentiment");
        return;
    }
    println!("cargo:rustc-link-lib=static=sentiment");
    if others.is_empty() {
        for name in STATIC_NEEDS {
            println!("cargo:rustc-link-lib=dylib={name}");
        }
    }
    for name in others {
        println!("cargo:rustc-link-lib=dylib={name}");
    }
}

/// Stops the build with everything that was tried.
fn fail(what: &str, tried: &[String]) -> ! {
    panic!(
        "\n\n{what}. Tried:\n{}\n\nInstall libsentiment {} or newer, or set SENTIMENT_LIB_DIR to \
         the folder of {}.\n",
        tried.join("\n"),
        version::MINIMUM_VERSION_TEXT,
        file_names(flag("SENTIMENT_STATIC")).join(" or ")
    );
}
