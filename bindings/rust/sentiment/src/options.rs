// SPDX-License-Identifier: Apache-2.0

//! How a model is loaded, and the bridge from the library's messages to a closure.

use std::ffi::CStr;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use core::ffi::{c_char, c_void};
use sentiment_sys as sys;
use sys::LogLevel;

use crate::cancel::CancelToken;
use crate::error::Error;
use crate::library;
use crate::memory;
use crate::model::{Model, ModelConfig};

/// What a log message is given to. Messages come on the thread that caused them, from several
/// at once where several use the model.
pub(crate) type Log = Box<dyn Fn(LogLevel, &str) + Send + Sync>;

/// How to load or make a model. Nothing set means the defaults of the library.
///
/// ```
/// use sentiment::ModelOptions;
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let model = ModelOptions::new()
///     .digest(true)
///     .log(|level, message| eprintln!("{level:?}: {message}"))
///     .load_default()?;
/// assert_eq!(model.info().sha256.map(str::len), Some(64));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "options do nothing until something is loaded with them"]
pub struct ModelOptions {
    mmap: bool,
    digest: bool,
    allow_missing_crc: bool,
    temperature: f32,
    log: Option<Arc<Log>>,
    cancel: Option<CancelToken>,
}

impl ModelOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps the file instead of reading it.
    ///
    /// # Safety
    /// The file must not change while the model lives: a truncated file kills the process, and
    /// other bytes are another model than the one that was checked.
    pub unsafe fn mmap(mut self, yes: bool) -> Self {
        self.mmap = yes;
        self
    }

    /// Computes SHA-256 digests while loading: [`ModelInfo::sha256`](crate::ModelInfo::sha256) is
    /// then known, and one that the file itself states must be right.
    pub fn digest(mut self, yes: bool) -> Self {
        self.digest = yes;
        self
    }

    /// Accepts archives whose writer left the CRC-32 of entries at zero.
    pub fn allow_missing_crc(mut self, yes: bool) -> Self {
        self.allow_missing_crc = yes;
        self
    }

    /// Divides the logits by a number above 0 before softmax, in place of the one that the file
    /// states: labels stay, probabilities change. 0, the default, leaves that of the file.
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = temperature;
        self
    }

    /// Receives the messages of the model, which is silent without. They come on the thread
    /// that caused them; the function must not call back into the same model. A panic of it ends
    /// there: the panic hook tells of it, and the work goes on.
    pub fn log(mut self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        self.log = Some(Arc::new(Box::new(log)));
        self
    }

    /// A token that stops the loading.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Loads a model from a file or a folder; see [`Model::load`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Model, Error> {
        let path = library::c_path(path.as_ref())?;
        // SAFETY: the path has a NUL behind it, and Model::make lends valid pointers.
        Model::make(self, |options, model, error| unsafe {
            sys::sentiment_model_load(path.as_ptr(), options, model, error)
        })
    }

    /// Loads the model to use when nobody names one; see [`Model::default_model`].
    pub fn load_default(&self) -> Result<Model, Error> {
        self.load(Model::default_path()?)
    }

    /// Loads a native file from memory and copies its bytes.
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Model, Error> {
        // SAFETY: `bytes` lives through the call, and Model::make lends valid pointers.
        Model::make(self, |options, model, error| unsafe {
            sys::sentiment_model_load_copy(
                bytes.as_ptr().cast(),
                bytes.len(),
                options,
                model,
                error,
            )
        })
    }

    /// Loads a native file from memory that lives for ever, without a copy.
    pub fn from_static(&self, bytes: &'static [u8]) -> Result<Model, Error> {
        // SAFETY: nobody can change or free `bytes`, and Model::make lends valid pointers.
        Model::make(self, |options, model, error| unsafe {
            let (data, user) = (bytes.as_ptr().cast(), ptr::null_mut());
            sys::sentiment_model_load_borrowed(data, bytes.len(), None, user, options, model, error)
        })
    }

    /// Loads a native file from memory that the model takes over, without a copy: a `Vec<u8>`, an
    /// `Arc<[u8]>`, a mapped file. It is dropped with the last user of the model, on whatever
    /// thread that is.
    pub fn from_owned<B>(&self, bytes: B) -> Result<Model, Error>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        memory::load_owned(self, bytes)
    }

    /// Makes a new model with random weights; see [`ModelConfig`].
    pub fn create(&self, config: &ModelConfig) -> Result<Model, Error> {
        let config = config.raw();
        // SAFETY: `config` lives through the call, and Model::make lends valid pointers.
        Model::make(self, |options, model, error| unsafe {
            sys::sentiment_model_create(&config, options, model, error)
        })
    }

    /// Makes a model of the same network in int8; see [`Model::quantize`].
    pub fn quantize(&self, model: &Model) -> Result<Model, Error> {
        let from = model.as_ptr();
        // SAFETY: `model` lives through the call, and Model::make lends valid pointers.
        Model::make(self, |options, model, error| unsafe {
            sys::sentiment_model_quantize(from, options, model, error)
        })
    }

    /// The closure that the model must keep.
    pub(crate) fn log_closure(&self) -> Option<Arc<Log>> {
        self.log.clone()
    }

    /// As the library takes them; valid while `self` and its closure live.
    pub(crate) fn raw(&self) -> sys::ModelOptions {
        sys::ModelOptions {
            use_mmap: self.mmap.into(),
            allow_missing_crc: self.allow_missing_crc.into(),
            digest: self.digest.into(),
            temperature: self.temperature,
            log: self.log.as_ref().and(Some(forward)),
            log_user: self.log.as_ref().map_or(ptr::null_mut(), |log| {
                Arc::as_ptr(log).cast::<c_void>() as *mut c_void
            }),
            cancel: CancelToken::as_ptr(&self.cancel),
            ..sys::ModelOptions::new()
        }
    }
}

impl fmt::Debug for ModelOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelOptions")
            .field("mmap", &self.mmap)
            .field("digest", &self.digest)
            .field("allow_missing_crc", &self.allow_missing_crc)
            .field("temperature", &self.temperature)
            .field("log", &self.log.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}

/// Runs what must not unwind into C.
pub(crate) fn contain(work: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        // What a panic carried may panic when it goes; what that one carries stays.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
    }
}

/// What the library calls with its messages.
unsafe extern "C" fn forward(user: *mut c_void, level: i32, message: *const c_char) {
    contain(|| {
        // SAFETY: `user` is the closure of the options, which the model keeps; the message has
        // a NUL behind it.
        let (log, message) = unsafe { (&*user.cast::<Log>(), CStr::from_ptr(message)) };
        log(LogLevel(level), &message.to_string_lossy());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn messages_arrive() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let inside = Arc::clone(&heard);
        let options = ModelOptions::new().log(move |level, message| {
            inside.lock().unwrap().push((level, message.to_string()));
        });
        let raw = options.raw();
        // SAFETY: as the library calls it.
        unsafe { raw.log.unwrap()(raw.log_user, 3, b"careful\0".as_ptr().cast()) };
        assert_eq!(
            *heard.lock().unwrap(),
            [(LogLevel::WARNING, "careful".to_string())]
        );
    }

    #[test]
    fn panics_end_at_the_border() {
        let options = ModelOptions::new().log(|_, _| panic!("in a log function, on purpose"));
        let raw = options.raw();
        // SAFETY: as the library calls it.
        unsafe { raw.log.unwrap()(raw.log_user, 1, b"x\0".as_ptr().cast()) };
    }

    /// Panics when it goes.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in the drop of a payload, on purpose");
        }
    }

    #[test]
    fn panics_within_panics_end_there_too() {
        contain(|| std::panic::panic_any(Bomb));
    }

    #[test]
    fn defaults_are_zero() {
        let raw = ModelOptions::new().raw();
        assert_eq!((raw.use_mmap, raw.digest, raw.allow_missing_crc), (0, 0, 0));
        assert!(raw.log.is_none() && raw.log_user.is_null() && raw.cancel.is_null());
    }
}
