// SPDX-License-Identifier: Apache-2.0

//! Stopping work from another thread.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use sentiment_sys as sys;

use crate::error::{call, Error};
use crate::library;

struct Inner(NonNull<sys::Cancel>);

// SAFETY: the header has request, reset and requested @threadsafe, on the same object. The
// token is freed by the last owner, and whoever lets work watch it is an owner until the
// work is done.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: the last owner; nothing watches the token any more.
        unsafe { sys::sentiment_cancel_free(self.0.as_ptr()) }
    }
}

/// A flag that one thread sets to stop the work of another: loading
/// ([`ModelOptions::cancel`](crate::ModelOptions::cancel)), saving
/// ([`SaveOptions::cancel`](crate::SaveOptions::cancel)) and batches
/// ([`SessionOptions::cancel`](crate::SessionOptions::cancel)). The work then ends soon with
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled). Clones are the same flag.
///
/// ```
/// use sentiment::{CancelToken, ErrorKind, Model, SessionOptions};
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let token = CancelToken::new()?;
/// let model = Model::default_model()?;
/// let mut session = SessionOptions::new().cancel(&token).open(&model)?;
/// token.request(); // usually from another thread
/// let error = session.predict_batch(&["one", "two"]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Cancelled);
/// token.reset();
/// assert_eq!(session.predict_batch(&["one", "two"])?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CancelToken(Arc<Inner>);

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> Result<Self, Error> {
        library::check()?;
        let mut token = ptr::null_mut();
        // SAFETY: both pointers are valid for the call.
        call(|error| unsafe { sys::sentiment_cancel_create(&mut token, error) })?;
        Ok(Self(Arc::new(Inner(
            NonNull::new(token).expect("a token after success"),
        ))))
    }

    /// Sets the token.
    pub fn request(&self) {
        // SAFETY: @threadsafe, and the token lives.
        unsafe { sys::sentiment_cancel_request(self.0 .0.as_ptr()) }
    }

    /// Clears the token, for use with the next piece of work.
    pub fn reset(&self) {
        // SAFETY: @threadsafe, and the token lives.
        unsafe { sys::sentiment_cancel_reset(self.0 .0.as_ptr()) }
    }

    /// Whether the token is set.
    pub fn is_requested(&self) -> bool {
        // SAFETY: @threadsafe, and the token lives.
        unsafe { sys::sentiment_cancel_requested(self.0 .0.as_ptr()) != 0 }
    }

    /// For options of the library.
    pub(crate) fn as_ptr(token: &Option<Self>) -> *const sys::Cancel {
        token
            .as_ref()
            .map_or(ptr::null(), |token| token.0 .0.as_ptr())
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("requested", &self.is_requested())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_flag() {
        let token = CancelToken::new().unwrap();
        let other = token.clone();
        assert!(!other.is_requested());
        std::thread::spawn(move || other.request()).join().unwrap();
        assert!(token.is_requested());
        assert_eq!(format!("{token:?}"), "CancelToken { requested: true }");
        token.reset();
        assert!(!token.is_requested());
    }

    #[test]
    fn crosses_threads() {
        fn check<T: Send + Sync + Clone + 'static>() {}
        check::<CancelToken>();
    }
}
