// SPDX-License-Identifier: Apache-2.0

//! Texts into token ids.

use std::borrow::Cow;
use std::fmt;
use std::ptr::{self, NonNull};

use sentiment_sys as sys;
use sys::{Status, Utf8Policy};

use crate::error::{call, Error};

/// A token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: i32,
    /// Offset of its first byte in the text.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
}

/// A tokenizer with its vocabulary; see [`Model::tokenizer`](crate::Model::tokenizer). Any number
/// of threads may use one, also after its model is gone.
///
/// ```
/// use sentiment::{Model, Padding};
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let tokenizer = Model::default_model()?.tokenizer();
/// let text = "Not bad";
/// for token in tokenizer.encode(text)? {
///     println!("{} is {}", &text[token.start..token.end], token.id);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Tokenizer(NonNull<sys::Tokenizer>);

// SAFETY: the header on sentiment_tokenizer: "Immutable and reference-counted"; all of its
// functions are @threadsafe.
unsafe impl Send for Tokenizer {}
// SAFETY: as above.
unsafe impl Sync for Tokenizer {}

impl Tokenizer {
    /// Takes over a reference.
    pub(crate) fn adopt(handle: NonNull<sys::Tokenizer>) -> Self {
        Self(handle)
    }

    /// Turns a text into tokens; neither truncates nor pads. Bytes that are not UTF-8 are an
    /// error.
    pub fn encode(&self, text: impl AsRef<[u8]>) -> Result<Vec<Token>, Error> {
        self.encode_with(text, Utf8Policy::STRICT)
    }

    /// The same, with a word on bytes that are not UTF-8.
    pub fn encode_with(
        &self,
        text: impl AsRef<[u8]>,
        policy: Utf8Policy,
    ) -> Result<Vec<Token>, Error> {
        let text = text.as_ref();
        // Texts have some five bytes a token; where they have more tokens, the second try fits.
        let mut capacity = text.len() / 4 + 8;
        let (mut ids, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let mut length = 0;
            ids.resize(capacity, 0);
            starts.resize(capacity, 0);
            ends.resize(capacity, 0);
            // SAFETY: @threadsafe; each array has `capacity` elements, the text its length.
            let done = call(|error| unsafe {
                sys::sentiment_tokenizer_encode(
                    self.0.as_ptr(),
                    text.as_ptr().cast(),
                    text.len(),
                    policy,
                    capacity,
                    ids.as_mut_ptr(),
                    starts.as_mut_ptr(),
                    ends.as_mut_ptr(),
                    &mut length,
                    error,
                )
            });
            match done {
                Ok(()) => {
                    return Ok((0..length)
                        .map(|i| Token {
                            id: ids[i],
                            start: starts[i] as usize,
                            end: ends[i] as usize,
                        })
                        .collect());
                }
                Err(error) if error.code() != Status::BUFFER_TOO_SMALL.0 => return Err(error),
                Err(error) if length <= capacity => return Err(error),
                Err(_) => capacity = length,
            }
        }
    }

    /// Word of a token id; None if no word has it.
    pub fn word(&self, id: i32) -> Option<Cow<'_, str>> {
        let (mut word, mut length) = (ptr::null(), 0);
        // SAFETY: @threadsafe; the word lives as long as the tokenizer, which `self` holds.
        unsafe {
            match sys::sentiment_tokenizer_get_word(self.0.as_ptr(), id, &mut word, &mut length) {
                Status::OK if word.is_null() => Some(Cow::Borrowed("")),
                Status::OK => {
                    let bytes = std::slice::from_raw_parts(word.cast(), length);
                    Some(String::from_utf8_lossy(bytes))
                }
                _ => None,
            }
        }
    }
}

impl Clone for Tokenizer {
    fn clone(&self) -> Self {
        // SAFETY: @threadsafe; the same pointer comes back.
        unsafe { sys::sentiment_tokenizer_retain(self.0.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Tokenizer {
    fn drop(&mut self) {
        // SAFETY: this reference is given back once.
        unsafe { sys::sentiment_tokenizer_free(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").finish_non_exhaustive()
    }
}
