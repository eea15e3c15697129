// SPDX-License-Identifier: Apache-2.0

//! Sessions: what predictions are made with.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use sentiment_sys as sys;
use sys::{Engine, Isa, Padding, Precision, Status, Utf8Policy};

use crate::batch::Scratch;
use crate::cancel::CancelToken;
use crate::error::{call, Error};
use crate::library;
use crate::model::Model;
use crate::prediction::{Answer, Explanation, Floats, Prediction};
use crate::stream::Stream;

/// How a session works. Nothing set means the defaults of the model and the library.
///
/// ```
/// use sentiment::{Model, SessionOptions, Utf8Policy};
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let model = Model::default_model()?;
/// let mut session = SessionOptions::new()
///     .threads(2)
///     .utf8_policy(Utf8Policy::REPLACE)
///     .open(&model)?;
/// session.predict(b"caf\xe9")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a session is opened with them"]
pub struct SessionOptions {
    raw: sys::SessionOptions,
    device: Option<String>,
    cancel: Option<CancelToken>,
}

// SAFETY: the only pointer in `raw` is that of the device, which stays NULL until `open`.
unsafe impl Send for SessionOptions {}
// SAFETY: as above.
unsafe impl Sync for SessionOptions {}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            raw: sys::SessionOptions::new(),
            device: None,
            cancel: None,
        }
    }
}

impl SessionOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What runs the model. [`Engine::TORCH`] executes the program of a TorchScript file: only
    /// with files that you trust.
    pub fn engine(mut self, engine: Engine) -> Self {
        self.raw.engine = engine;
        self
    }

    /// The arithmetic.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.raw.precision = precision;
        self
    }

    /// An upper bound for the instruction set of the native engine.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.raw.isa = isa;
        self
    }

    /// Threads that share batches and long texts; 1 by default.
    pub fn threads(mut self, threads: u32) -> Self {
        self.raw.threads = threads;
        self
    }

    /// As many threads as affinity and cgroup allow.
    pub fn all_threads(self) -> Self {
        self.threads(sys::ALL_THREADS)
    }

    /// Tokens used of a text, 1 to 65,536.
    pub fn max_length(mut self, tokens: u32) -> Self {
        self.raw.max_length = tokens;
        self
    }

    /// What stands behind the last real token.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.raw.padding = padding;
        self
    }

    /// What becomes of bytes that are not UTF-8; the default is an error.
    pub fn utf8_policy(mut self, policy: Utf8Policy) -> Self {
        self.raw.utf8_policy = policy;
        self
    }

    /// Whether padded steps end once the state has settled; they do by default.
    pub fn settled_tail(mut self, yes: bool) -> Self {
        self.raw.disable_settled_tail = (!yes).into();
        self
    }

    /// Bytes for folded input projections, which the sessions of a model share: the first
    /// session decides.
    pub fn fold_bytes(mut self, bytes: u64) -> Self {
        self.raw.fold_bytes = bytes;
        self
    }

    /// Torch engine: "cpu", "cuda" or "cuda:N".
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.device = Some(device.into());
        self
    }

    /// A token that stops batches.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Opens a session.
    pub fn open(&self, model: &Model) -> Result<Session, Error> {
        let device = match &self.device {
            None => None,
            Some(device) => Some(library::c_string(device.as_str(), "the device")?),
        };
        let raw = sys::SessionOptions {
            device: device
                .as_ref()
                .map_or(ptr::null(), |device| device.as_ptr()),
            ..self.raw
        };
        let mut session = ptr::null_mut();
        // SAFETY: model, options and device live through the call. Other threads may use the
        // model meanwhile: it is immutable, and the session takes a reference.
        call(|error| unsafe {
            sys::sentiment_session_create(model.as_ptr(), &raw, &mut session, error)
        })?;
        let classes = model.labels().len();
        Ok(Session {
            handle: NonNull::new(session).expect("a session after success"),
            labels: vec![None; classes],
            classes,
            max_length: 0,
            cancel: self.cancel.clone(),
            scratch: Scratch::default(),
            model: model.clone(),
        })
    }
}

/// What predictions are made with: scratch memory and the state of an engine. A thread uses its
/// own; a session can move to another thread but not be used by two at a time.
///
/// ```
/// # fn main() -> Result<(), sentiment::Error> {
/// let model = sentiment::Model::default_model()?;
/// let mut session = model.session()?;
/// drop(model); // the session holds it
/// std::thread::spawn(move || session.predict("fine").map(|answer| answer.prediction()))
///     .join()
///     .unwrap()?;
/// # Ok(())
/// # }
/// ```
///
/// It cannot be shared:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(sentiment::Model::default_model().unwrap().session().unwrap());
/// ```
///
/// The same with [`Model`], which can:
///
/// ```
/// fn share<T: Sync>(_: T) {}
/// share(sentiment::Model::default_model().unwrap());
/// ```
pub struct Session {
    pub(crate) handle: NonNull<sys::Session>,
    /// Copies of the model's labels, made when needed: sessions that counted the references of
    /// one string would slow each other down.
    labels: Vec<Option<Arc<str>>>,
    pub(crate) classes: usize,
    pub(crate) max_length: u32,
    pub(crate) cancel: Option<CancelToken>,
    pub(crate) scratch: Scratch,
    pub(crate) model: Model,
}

// SAFETY: the header on sentiment_session: "Use a session from one thread at a time". It is tied
// to none. Not Sync: even functions that take a `const` session are not @threadsafe.
unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: freed once; a stream would borrow the session.
        unsafe { sys::sentiment_session_free(self.handle.as_ptr()) }
    }
}

impl Session {
    /// Classifies a text: a `&str`, or bytes, which need not be UTF-8.
    ///
    /// ```
    /// # fn main() -> Result<(), sentiment::Error> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let answer = session.predict("Great value.")?;
    /// println!("{} {:?}", answer.label(), answer.probabilities());
    ///
    /// let error = session.predict(b"bad \xff byte").unwrap_err();
    /// assert_eq!(error.offset(), Some(4));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn predict(&mut self, text: impl AsRef<[u8]>) -> Result<Prediction, Error> {
        self.predict_bytes(text.as_ref())
    }

    fn predict_bytes(&mut self, text: &[u8]) -> Result<Prediction, Error> {
        let mut probabilities = Floats::new(self.classes);
        let place = probabilities.as_mut_slice().as_mut_ptr();
        // SAFETY: there is room for all classes.
        let answer = unsafe { self.predict_raw(text, place, ptr::null_mut()) }?;
        Ok(Prediction::new(
            answer,
            self.label(answer.prediction),
            probabilities,
        ))
    }

    /// Classifies a text and writes the probabilities, one for each class.
    ///
    /// ```
    /// # fn main() -> Result<(), sentiment::Error> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let mut probabilities = vec![0.0; session.model().labels().len()];
    /// let answer = session.predict_into("Great value.", &mut probabilities)?;
    /// assert_eq!(probabilities[answer.prediction], answer.confidence);
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_into(
        &mut self,
        text: impl AsRef<[u8]>,
        probabilities: &mut [f32],
    ) -> Result<Answer, Error> {
        self.check_room(probabilities.len(), 1, "probabilities")?;
        // SAFETY: there is room for all classes.
        unsafe { self.predict_raw(text.as_ref(), probabilities.as_mut_ptr(), ptr::null_mut()) }
    }

    /// Classifies a text and writes the logits, one for each class: what the linear layer made of
    /// the text, before softmax.
    pub fn logits_into(
        &mut self,
        text: impl AsRef<[u8]>,
        logits: &mut [f32],
    ) -> Result<Answer, Error> {
        self.check_room(logits.len(), 1, "logits")?;
        // SAFETY: there is room for all classes.
        unsafe { self.predict_raw(text.as_ref(), ptr::null_mut(), logits.as_mut_ptr()) }
    }

    /// # Safety
    /// The places are NULL or have room for all classes.
    #[inline]
    unsafe fn predict_raw(
        &mut self,
        text: &[u8],
        probabilities: *mut f32,
        logits: *mut f32,
    ) -> Result<Answer, Error> {
        let mut result = sys::Result::new();
        // SAFETY: `&mut self` is the only user; the text lives through the call; see above.
        call(|error| unsafe {
            sys::sentiment_session_predict(
                self.handle.as_ptr(),
                text.as_ptr().cast(),
                text.len(),
                self.max_length,
                &mut result,
                probabilities,
                logits,
                error,
            )
        })?;
        Ok(Answer::new(&result))
    }

    /// Tells what each token of a text added to each logit.
    pub fn explain(&mut self, text: impl AsRef<[u8]>) -> Result<Explanation, Error> {
        let text = text.as_ref();
        // Room for max_length tokens is always enough; few texts have so many.
        let most = match self.max_length {
            0 => self.info().max_length,
            tokens => tokens,
        };
        let mut capacity = (text.len() / 4 + 8).min(most as usize);
        loop {
            let (done, length) = self.explain_in(text, capacity);
            match done {
                Err(error) if error.code() == Status::BUFFER_TOO_SMALL.0 && length > capacity => {
                    capacity = length;
                }
                done => return done,
            }
        }
    }

    /// The same where so many tokens fit; also the number of tokens.
    fn explain_in(&mut self, text: &[u8], capacity: usize) -> (Result<Explanation, Error>, usize) {
        let (mut result, mut length) = (sys::Result::new(), 0);
        let mut logits = vec![0.0; self.classes];
        let mut bias = vec![0.0; self.classes];
        let mut contributions = vec![0.0; capacity * self.classes];
        let (mut starts, mut ends) = (vec![0; capacity], vec![0; capacity]);
        // SAFETY: `&mut self` is the only user; text and arrays live through the call, and have
        // the sizes that the library is told.
        let done = call(|error| unsafe {
            sys::sentiment_session_explain(
                self.handle.as_ptr(),
                text.as_ptr().cast(),
                text.len(),
                self.max_length,
                &mut result,
                logits.as_mut_ptr(),
                bias.as_mut_ptr(),
                capacity,
                contributions.as_mut_ptr(),
                starts.as_mut_ptr(),
                ends.as_mut_ptr(),
                &mut length,
                error,
            )
        });
        if let Err(error) = done {
            return (Err(error), length);
        }
        contributions.truncate(length * self.classes);
        starts.truncate(length);
        ends.truncate(length);
        let answer = Answer::new(&result);
        let label = self.label(answer.prediction);
        let explanation = Explanation {
            answer,
            label,
            logits,
            bias,
            contributions,
            starts,
            ends,
        };
        (Ok(explanation), length)
    }

    /// A stream for a text that arrives in pieces.
    pub fn stream(&mut self) -> Result<Stream<'_>, Error> {
        Stream::new(self)
    }

    /// Tokens used of a text from now on, 1 to 65,536; 0: as the session was opened.
    pub fn set_max_length(&mut self, tokens: u32) {
        self.max_length = tokens;
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the session runs on.
    pub fn info(&self) -> SessionInfo<'_> {
        let mut raw = sys::SessionInfo::new();
        // SAFETY: a session has one user at a time, who is here; `raw` tells its size.
        let done = call(|error| unsafe {
            sys::sentiment_session_get_info(self.handle.as_ptr(), &mut raw, error)
        });
        debug_assert!(done.is_ok());
        // SAFETY: "Strings live as long as the session".
        let (engine_name, isa_name) = unsafe {
            (
                library::ascii(raw.engine_name),
                library::ascii(raw.isa_name),
            )
        };
        SessionInfo {
            engine: raw.engine,
            precision: raw.precision,
            isa: raw.isa,
            threads: raw.threads,
            max_length: raw.max_length,
            padding: raw.padding,
            memory_bytes: raw.memory_bytes,
            engine_name: engine_name.unwrap_or_default(),
            isa_name: isa_name.unwrap_or_default(),
        }
    }

    /// Name of a class.
    #[inline]
    pub(crate) fn label(&mut self, class: usize) -> Arc<str> {
        match self.labels.get_mut(class) {
            Some(Some(label)) => Arc::clone(label),
            Some(place) => {
                let label: Arc<str> = self.model.label(class).unwrap_or_default().into();
                Arc::clone(place.insert(label))
            }
            None => "".into(),
        }
    }

    /// Refuses an array of another length than texts times classes.
    #[inline]
    pub(crate) fn check_room(&self, found: usize, texts: usize, what: &str) -> Result<(), Error> {
        if Some(found) == texts.checked_mul(self.classes) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "{what} has {found} elements; expected {texts} times {} classes",
            self.classes
        )))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.info()).finish()
    }
}

/// What a session runs on; see [`Session::info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo<'s> {
    /// Native or torch.
    pub engine: Engine,
    /// The arithmetic.
    pub precision: Precision,
    /// The instruction set; [`Isa::AUTO`] where the engine chooses for itself.
    pub isa: Isa,
    /// Threads that share the work, the caller's counted in.
    pub threads: u32,
    /// Tokens used of a text.
    pub max_length: u32,
    /// What stands behind the last real token.
    pub padding: Padding,
    /// Bytes of memory that the session holds for itself.
    pub memory_bytes: u64,
    /// "native" or "torch".
    pub engine_name: &'s str,
    /// "c", "avx2", "avx512", "neon", or the torch version.
    pub isa_name: &'s str,
}
