// SPDX-License-Identifier: Apache-2.0

//! Sessions in a child process: one thread goes along, more stay behind.
#![cfg(unix)]

mod common;

use core::ffi::c_int;

use common::tiny;
use sentiment::{ErrorKind, SessionOptions};

extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

/// Whether work succeeds in a child process.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only works, with the C library's memory, and leaves without cleaning up.
    let child = unsafe { fork() };
    assert!(child >= 0);
    if child == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(false);
        // SAFETY: ends the child at once.
        unsafe { _exit(if good { 0 } else { 1 }) }
    }
    let mut status = -1;
    // SAFETY: waits for the child from above.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    status == 0
}

#[test]
fn sessions_after_a_fork() {
    let model = tiny();
    let texts = ["word_1"; 64];
    let mut one = model.session().unwrap();
    let mut two = SessionOptions::new().threads(2).open(&model).unwrap();
    let expected = one.predict("word_1").unwrap();
    two.predict_batch(&texts).unwrap();
    assert!(in_child(|| one.predict("word_1").unwrap() == expected));
    assert!(in_child(
        || two.predict_batch(&texts).unwrap_err().kind() == ErrorKind::Forked
    ));
    assert!(in_child(|| {
        let mut new = SessionOptions::new().threads(2).open(&model).unwrap();
        new.predict_batch(&texts).unwrap().len() == 64
    }));
    two.predict_batch(&texts).unwrap();
}
