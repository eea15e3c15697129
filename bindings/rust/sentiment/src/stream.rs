// SPDX-License-Identifier: Apache-2.0

//! Texts that arrive in pieces.

use std::fmt;
use std::ptr::{self, NonNull};

use sentiment_sys as sys;

use crate::error::{call, Error};
use crate::prediction::{Answer, Floats, Prediction};
use crate::session::Session;

/// A text that arrives in pieces, cut anywhere: in a word, in a character. It borrows its
/// [`Session`].
///
/// ```
/// # fn main() -> Result<(), sentiment::Error> {
/// # let mut session = sentiment::Model::default_model()?.session()?;
/// let mut stream = session.stream()?;
/// stream.feed("The room was ni")?;
/// stream.feed("ce, but the sta")?;
/// println!("so far: {}", stream.answer()?.label());
/// stream.feed("ff was rude.")?;
/// let whole = stream.end()?;
/// drop(stream);
/// assert_eq!(whole, session.predict("The room was nice, but the staff was rude.")?);
/// # Ok(())
/// # }
/// ```
///
/// It cannot outlive the session:
///
/// ```compile_fail,E0505
/// # fn main() -> Result<(), sentiment::Error> {
/// # let mut session = sentiment::Model::default_model()?.session()?;
/// let mut stream = session.stream()?;
/// drop(session);
/// stream.feed("too late")?;
/// # Ok(())
/// # }
/// ```
///
/// Nor can the session predict while it lives:
///
/// ```compile_fail,E0499
/// # fn main() -> Result<(), sentiment::Error> {
/// # let mut session = sentiment::Model::default_model()?.session()?;
/// let mut stream = session.stream()?;
/// session.predict("in between")?;
/// stream.feed("too late")?;
/// # Ok(())
/// # }
/// ```
pub struct Stream<'s> {
    handle: NonNull<sys::Stream>,
    session: &'s mut Session,
}

// SAFETY: the header on sentiment_stream: it and its session "belong to one thread at a time";
// the stream has the only borrow of the session, and takes it along.
unsafe impl Send for Stream<'_> {}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        // SAFETY: freed once, before the session, which is still borrowed.
        unsafe { sys::sentiment_stream_free(self.handle.as_ptr()) }
    }
}

impl<'s> Stream<'s> {
    pub(crate) fn new(session: &'s mut Session) -> Result<Self, Error> {
        let mut stream = ptr::null_mut();
        let (handle, max_length) = (session.handle.as_ptr(), session.max_length);
        // SAFETY: the session has one user, who is here; it outlives the stream.
        call(|error| unsafe {
            sys::sentiment_stream_create(handle, max_length, &mut stream, error)
        })?;
        Ok(Self {
            handle: NonNull::new(stream).expect("a stream after success"),
            session,
        })
    }

    /// Appends a piece to the text. After bytes that are not UTF-8 every call fails the same way
    /// until the stream is ended or reset; after any other failure the piece has not been taken.
    pub fn feed(&mut self, piece: impl AsRef<[u8]>) -> Result<(), Error> {
        let piece = piece.as_ref();
        // SAFETY: as in `answer_with`; without a result no answer is computed.
        call(|error| unsafe {
            sys::sentiment_stream_feed(
                self.handle.as_ptr(),
                piece.as_ptr().cast(),
                piece.len(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                error,
            )
        })
    }

    /// The answer so far: what [`Session::predict`] gives for the text up to here, to the bit. A
    /// character that the last piece cuts is not yet part of it.
    pub fn answer(&mut self) -> Result<Prediction, Error> {
        self.feed_and_answer("")
    }

    /// Appends a piece and gives the answer so far.
    pub fn feed_and_answer(&mut self, piece: impl AsRef<[u8]>) -> Result<Prediction, Error> {
        let piece = piece.as_ref();
        // SAFETY: `answer_with` lends valid pointers, and the piece lives through the call.
        self.answer_with(|stream, result, probabilities, error| unsafe {
            let (text, size) = (piece.as_ptr().cast(), piece.len());
            let logits = ptr::null_mut();
            sys::sentiment_stream_feed(stream, text, size, result, probabilities, logits, error)
        })
    }

    /// Ends the text and gives its answer, to the bit that of [`Session::predict`] for the whole
    /// text. The stream then has an empty text again, also after a failure.
    pub fn end(&mut self) -> Result<Prediction, Error> {
        // SAFETY: `answer_with` lends valid pointers.
        self.answer_with(|stream, result, probabilities, error| unsafe {
            sys::sentiment_stream_end(stream, result, probabilities, ptr::null_mut(), error)
        })
    }

    /// Forgets the text.
    pub fn reset(&mut self) {
        // SAFETY: stream and session have one user, who is here.
        unsafe { sys::sentiment_stream_reset(self.handle.as_ptr()) }
    }

    /// Calls a function that gives an answer. The pointers that it gets are valid for the call;
    /// stream and session have one user, who is here.
    fn answer_with(
        &mut self,
        function: impl FnOnce(
            *mut sys::Stream,
            *mut sys::Result,
            *mut f32,
            *mut sys::Error,
        ) -> sys::Status,
    ) -> Result<Prediction, Error> {
        let mut result = sys::Result::new();
        let mut probabilities = Floats::new(self.session.classes);
        let place = probabilities.as_mut_slice().as_mut_ptr();
        call(|error| function(self.handle.as_ptr(), &mut result, place, error))?;
        let answer = Answer::new(&result);
        Ok(Prediction::new(
            answer,
            self.session.label(answer.prediction),
            probabilities,
        ))
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
