// SPDX-License-Identifier: Apache-2.0

//! libsentiment as its header declares it: text in, a sentiment label out.
//!
//! This crate is raw: pointers, lengths, status codes. The crate `sentiment` is the safe one.
//!
//! Types have the names of the header without prefix (`sentiment_model_info` is [`ModelInfo`]),
//! functions their own. Enums are numbers with names, such as [`Status::OK`]: a newer library may
//! return values that this crate does not know. `new()` of a struct sets `struct_size` and
//! leaves everything else zero, which means "the default" in every struct of options but
//! [`TrainOptions`] and [`ModelConfig`]: those begin with their `_init` function.
//!
//! Everything here is generated from the header but for this file. How the library is found,
//! and the environment variables that name another one, is told in `build.rs`.
//!
//! ```
//! use sentiment_sys::*;
//!
//! let mut error = Error::new();
//! let mut cancel = core::ptr::null_mut();
//! // SAFETY: both pointers are valid for the call, and the token is freed once.
//! unsafe {
//!     assert_eq!(sentiment_cancel_create(&mut cancel, &mut error), Status::OK);
//!     assert_eq!(sentiment_cancel_requested(cancel), 0);
//!     sentiment_cancel_free(cancel);
//! }
//! ```

#![no_std]
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod ffi;
mod version;

pub use ffi::*;
pub use version::*;
