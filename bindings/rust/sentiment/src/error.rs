// SPDX-License-Identifier: Apache-2.0

//! Failures: the library's code and message as a Rust error.

use std::ffi::CStr;
use std::fmt;
use std::mem::{size_of, MaybeUninit};
use std::ptr::addr_of_mut;

use sentiment_sys as sys;
use sys::Status;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is out of range, or an array has the wrong length.
    InvalidArgument,
    /// A file, key, label or token does not exist.
    NotFound,
    /// The operating system refused to read or write.
    Io,
    /// A model file is corrupt, hostile or contradicts itself.
    BadModel,
    /// A valid thing that this library, engine or model cannot do.
    Unsupported,
    /// Sizes that contradict each other.
    ShapeMismatch,
    /// The text is not UTF-8; [`Error::offset`] is the first bad byte.
    InvalidUtf8,
    /// There was no memory left.
    OutOfMemory,
    /// A [`CancelToken`](crate::CancelToken) was set.
    Cancelled,
    /// The engine's plugin or device is not there.
    EngineUnavailable,
    /// The library or an engine broke its own promise.
    Internal,
    /// A buffer was too small.
    BufferTooSmall,
    /// A session with threads was used in a child process after `fork()`.
    Forked,
    /// The library that was loaded is not the one that this crate was made for.
    IncompatibleLibrary,
    /// A code that this crate does not know; [`Error::code`] has it.
    Other,
}

impl ErrorKind {
    fn from_status(status: Status) -> Self {
        match status {
            Status::INVALID_ARGUMENT => Self::InvalidArgument,
            Status::NOT_FOUND => Self::NotFound,
            Status::IO => Self::Io,
            Status::BAD_MODEL => Self::BadModel,
            Status::UNSUPPORTED => Self::Unsupported,
            Status::SHAPE_MISMATCH => Self::ShapeMismatch,
            Status::INVALID_UTF8 => Self::InvalidUtf8,
            Status::OUT_OF_MEMORY => Self::OutOfMemory,
            Status::CANCELLED => Self::Cancelled,
            Status::ENGINE_UNAVAILABLE => Self::EngineUnavailable,
            Status::INTERNAL => Self::Internal,
            Status::BUFFER_TOO_SMALL => Self::BufferTooSmall,
            Status::FORKED => Self::Forked,
            _ => Self::Other,
        }
    }
}

/// A failure: its kind, the library's code, and one line that says what was wrong, where, and
/// what was expected.
///
/// ```
/// use sentiment::{ErrorKind, Model};
///
/// let error = Model::from_bytes(b"this is no model").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::BadModel);
/// assert_eq!(error.code(), -4);
/// assert!(!error.message().is_empty());
/// ```
///
/// Its `Debug` form is made to be read too: it is what a `main` that returns an error prints.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    kind: ErrorKind,
    status: Status,
    offset: Option<u64>,
    message: Box<str>,
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({:?})", self.message, self.kind)
    }
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The library's code: negative, and the same for ever.
    pub fn code(&self) -> i32 {
        self.status.0
    }

    /// One line: what was wrong, where, and what was expected.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte of the text or file at which it failed, where one is known.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    pub(crate) fn new(status: Status, offset: u64, message: String) -> Self {
        Self {
            kind: ErrorKind::from_status(status),
            status,
            offset: Some(offset).filter(|&offset| offset != sys::NO_OFFSET),
            message: message.into_boxed_str(),
        }
    }

    /// An argument that this crate refuses before the library sees it.
    pub(crate) fn invalid(message: String) -> Self {
        Self::new(Status::INVALID_ARGUMENT, sys::NO_OFFSET, message)
    }

    /// A library of another version or binary interface.
    pub(crate) fn incompatible(message: String) -> Self {
        let error = Self::new(Status::UNSUPPORTED, sys::NO_OFFSET, message);
        Self {
            kind: ErrorKind::IncompatibleLibrary,
            ..error
        }
    }

    /// Why one text of a batch has no answer; the library gives a code and an offset.
    #[cold]
    pub(crate) fn of_item(index: usize, status: Status, offset: u64) -> Self {
        let name = status_name(status);
        let message = if offset == sys::NO_OFFSET {
            format!("text {index}: {name}")
        } else {
            format!("text {index}: {name} at byte {offset}")
        };
        Self::new(status, offset, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The library's name of a status.
fn status_name(status: Status) -> &'static str {
    // SAFETY: any value may be asked for, and the string is static.
    let name = unsafe { CStr::from_ptr(sys::sentiment_status_name(status)) };
    name.to_str().unwrap_or("unknown status")
}

/// Calls a function of the library that fills in an error, and tells what came of it.
#[inline]
pub(crate) fn call(function: impl FnOnce(*mut sys::Error) -> Status) -> Result<(), Error> {
    // Half a kilobyte that only failures write: all of it stays as it is but for what a
    // reader sees first.
    let mut details = MaybeUninit::<sys::Error>::uninit();
    let place = details.as_mut_ptr();
    // SAFETY: the fields lie inside of `details`.
    unsafe {
        addr_of_mut!((*place).struct_size).write(size_of::<sys::Error>() as u32);
        addr_of_mut!((*place).offset).write(sys::NO_OFFSET);
        addr_of_mut!((*place).message[0]).write(0);
    }
    match function(place) {
        Status::OK => Ok(()),
        // SAFETY: the library filled the error in, or left the empty message from above.
        status => Err(unsafe { read(status, place) }),
    }
}

/// The error that the library described.
///
/// # Safety
/// `details` has an offset and a message with a NUL behind it.
#[cold]
unsafe fn read(status: Status, details: *const sys::Error) -> Error {
    // SAFETY: see above.
    let (offset, message) = unsafe {
        let message = CStr::from_ptr(std::ptr::addr_of!((*details).message).cast());
        ((*details).offset, message.to_string_lossy().into_owned())
    };
    let message = if message.is_empty() {
        status_name(status).to_string()
    } else {
        message
    };
    Error::new(status, offset, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_kind() {
        for code in -13..=-1 {
            assert_ne!(
                ErrorKind::from_status(Status(code)),
                ErrorKind::Other,
                "{code}"
            );
        }
        assert_eq!(ErrorKind::from_status(Status(-99)), ErrorKind::Other);
    }

    #[test]
    fn an_error_without_a_message_has_the_name_of_its_status() {
        let error = call(|_| Status::IO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.offset(), None);
        assert!(!error.message().is_empty());
        assert_eq!(error.to_string(), error.message());
    }

    #[test]
    fn unknown_codes_are_kept() {
        let error = call(|_| Status(-99)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Other, -99));
    }

    #[test]
    fn items_tell_their_place() {
        let error = Error::of_item(3, Status::INVALID_UTF8, 12);
        assert_eq!(error.message(), "text 3: invalid UTF-8 at byte 12");
        assert_eq!(error.offset(), Some(12));
        let error = Error::of_item(3, Status::INVALID_ARGUMENT, sys::NO_OFFSET);
        assert_eq!(error.message(), "text 3: invalid argument");
        assert_eq!(error.offset(), None);
    }

    #[test]
    fn errors_cross_threads() {
        fn check<T: std::error::Error + Send + Sync + 'static>() {}
        check::<Error>();
    }
}
