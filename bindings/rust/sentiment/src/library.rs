// SPDX-License-Identifier: Apache-2.0

//! The library that was loaded: whether it is the right one, and strings to and from it.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use core::ffi::c_char;
use sentiment_sys as sys;

use crate::error::{call, Error};

/// Version of the library that was loaded, such as "0.3.0".
///
/// ```
/// assert!(sentiment::library_version().starts_with(char::is_numeric));
/// ```
pub fn library_version() -> &'static str {
    // SAFETY: the string is static.
    unsafe { CStr::from_ptr(sys::sentiment_version()) }
        .to_str()
        .unwrap_or("unknown")
}

/// Major and minor number of "major.minor.patch".
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// What is wrong with a library; None where nothing is.
fn problem(version: &str, abi: i32) -> Option<String> {
    let (major, minor) = sys::MINIMUM_VERSION;
    let expected = format!(
        "the sentiment crate {} needs version {major}.{minor} or newer with ABI {}",
        env!("CARGO_PKG_VERSION"),
        sys::ABI_VERSION
    );
    if abi != sys::ABI_VERSION {
        return Some(format!("libsentiment {version} has ABI {abi}; {expected}"));
    }
    match parse(version) {
        Some(found) if found >= sys::MINIMUM_VERSION => None,
        _ => Some(format!(
            "libsentiment {version} with ABI {abi} is too old; {expected}"
        )),
    }
}

/// Refuses a library of another version or binary interface. Everything that makes a first
/// object asks here.
pub(crate) fn check() -> Result<(), Error> {
    static FITS: AtomicBool = AtomicBool::new(false);
    if FITS.load(Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: takes nothing, gives a number.
    let abi = unsafe { sys::sentiment_abi_version() };
    match problem(library_version(), abi) {
        None => {
            FITS.store(true, Ordering::Relaxed);
            Ok(())
        }
        Some(message) => Err(Error::incompatible(message)),
    }
}

/// Checks an ONNX file with the official checker, a plugin that may be missing:
/// [`ErrorKind::EngineUnavailable`](crate::ErrorKind::EngineUnavailable).
///
/// ```
/// let error = sentiment::onnx_check("no-such-file.onnx").unwrap_err();
/// assert!(!error.message().is_empty());
/// ```
pub fn onnx_check(path: impl AsRef<Path>) -> Result<(), Error> {
    check()?;
    let path = c_path(path.as_ref())?;
    // SAFETY: the path has a NUL behind it, the error lives through the call.
    call(|error| unsafe { sys::sentiment_onnx_check(path.as_ptr(), error) })
}

/// A string for the library, which ends it at its first NUL.
pub(crate) fn c_string(text: impl Into<Vec<u8>>, what: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|error| {
        Error::new(
            sys::Status::INVALID_ARGUMENT,
            error.nul_position() as u64,
            format!(
                "{what} has a NUL at byte {}; expected none",
                error.nul_position()
            ),
        )
    })
}

/// A path for the library.
pub(crate) fn c_path(path: &Path) -> Result<CString, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        c_string(path.as_os_str().as_bytes(), "the path")
    }
    #[cfg(not(unix))]
    {
        match path.to_str() {
            Some(path) => c_string(path, "the path"),
            None => Err(Error::invalid("the path is not Unicode".to_string())),
        }
    }
}

/// A string of the library; None for NULL.
///
/// # Safety
/// The string lives through `'a`.
pub(crate) unsafe fn string<'a>(text: *const c_char) -> Option<Cow<'a, str>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller knows how long it lives.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

/// A string of the library that is ASCII by its nature.
///
/// # Safety
/// As for [`string`].
pub(crate) unsafe fn ascii<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller knows how long it lives.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn versions() {
        assert_eq!(parse("0.3.1"), Some((0, 3)));
        assert_eq!(parse("12.34"), Some((12, 34)));
        assert_eq!(parse("1"), None);
        assert_eq!(parse("x.y"), None);
        let (major, minor) = sys::MINIMUM_VERSION;
        assert_eq!(
            problem(&format!("{major}.{minor}.0"), sys::ABI_VERSION),
            None
        );
        assert_eq!(problem("7.0.0", sys::ABI_VERSION), None);
    }

    #[test]
    fn the_crate_has_the_version_of_the_header() {
        let (major, minor, patch) = (sys::VERSION_MAJOR, sys::VERSION_MINOR, sys::VERSION_PATCH);
        assert_eq!(
            env!("CARGO_PKG_VERSION"),
            format!("{major}.{minor}.{patch}")
        );
    }

    #[test]
    fn old_library() {
        for version in ["0.2.9", "nonsense"] {
            let said = problem(version, sys::ABI_VERSION).unwrap();
            assert!(
                said.contains(version) && said.contains("0.3 or newer"),
                "{said}"
            );
        }
    }

    #[test]
    fn other_abi() {
        let said = problem("9.1.0", 77).unwrap();
        assert!(said.contains("9.1.0") && said.contains("ABI 77"), "{said}");
        let error = Error::incompatible(said);
        assert_eq!(error.kind(), ErrorKind::IncompatibleLibrary);
        assert!(error.code() < 0);
    }

    #[test]
    fn this_library_fits() {
        check().unwrap();
        check().unwrap();
    }

    #[test]
    fn nul_in_strings() {
        let error = c_string("ab\0c", "the device").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.offset(), Some(2));
        assert_eq!(
            error.message(),
            "the device has a NUL at byte 2; expected none"
        );
    }
}
