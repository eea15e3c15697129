// SPDX-License-Identifier: Apache-2.0

//! Text in, a sentiment label with probabilities out: libsentiment for Rust.
//!
//! ```
//! use sentiment::Model;
//!
//! fn main() -> Result<(), sentiment::Error> {
//!     let model = Model::default_model()?; // or Model::load("model.safetensors")
//!     let mut session = model.session()?;
//!     let answer = session.predict("I love this product!")?;
//!     println!("{} {:.3}", answer.label(), answer.confidence());
//!     Ok(())
//! }
//! ```
//!
//! A [`Model`] is immutable and shared by any number of threads; a [`Session`] is scratch memory,
//! one for each thread. Both are closed when the last owner is gone, in whatever order.
//!
//! - many texts: [`Session::predict_batch`], [`Session::predict_batch_into`],
//!   [`Session::predict_iter`]
//! - a text that arrives in pieces: [`Session::stream`]
//! - why this label: [`Session::explain`]
//! - threads, arithmetic, bytes that are not UTF-8: [`SessionOptions`]
//! - digests, messages: [`ModelOptions`]
//! - stopping early: [`CancelToken`]
//! - training, and an allocator of your own: the raw crate, [`sys`]
//!
//! Texts are anything that is bytes: `&str`, `String`, `&[u8]`. They may contain NULs, and bytes
//! that are not UTF-8 are an [`Error`] or, with [`Utf8Policy::REPLACE`], read as U+FFFD.

#![deny(missing_docs)]
#![deny(missing_debug_implementations)]
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod batch;
mod cancel;
mod error;
mod iter;
mod library;
mod memory;
mod model;
mod options;
mod prediction;
mod save;
mod session;
mod stream;
mod tokenizer;

pub use batch::{Answers, Batch, BatchIter};
pub use cancel::CancelToken;
pub use error::{Error, ErrorKind};
pub use iter::PredictIter;
pub use library::{library_version, onnx_check};
pub use model::{Model, ModelConfig, ModelInfo};
pub use options::ModelOptions;
pub use prediction::{Answer, Explanation, Flags, Prediction, PredictionRef};
pub use save::SaveOptions;
pub use session::{Session, SessionInfo, SessionOptions};
pub use stream::Stream;
pub use tokenizer::{Token, Tokenizer};

pub use sentiment_sys as sys;
pub use sentiment_sys::{
    Engine, Format, Isa, LogLevel, Padding, Precision, TokenizerKind, Utf8Policy,
};
