// SPDX-License-Identifier: Apache-2.0

//! Models: loading, what they are, saving.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use sentiment_sys as sys;
use sys::{Padding, Precision, Status, TokenizerKind};

use crate::error::{call, Error};
use crate::library;
use crate::options::{Log, ModelOptions};
use crate::save::SaveOptions;
use crate::session::{Session, SessionOptions};
use crate::tokenizer::Tokenizer;

struct Inner {
    handle: NonNull<sys::Model>,
    labels: Box<[Box<str>]>,
    /// Called by the model, and so dropped after it.
    _log: Option<Arc<Log>>,
}

// SAFETY: the header on sentiment_model: "Immutable and reference-counted: any number of
// threads and sessions may share one." The functions used on it are @threadsafe, but for
// sentiment_session_create, which only takes a reference. The log closure is Send and Sync.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: this reference is given back once; sessions have theirs.
        unsafe { sys::sentiment_model_free(self.handle.as_ptr()) }
    }
}

/// A loaded model: weights, tokenizer, labels, metadata. Immutable: any number of threads and
/// sessions may use one, and a clone is the same model.
///
/// ```
/// use sentiment::Model;
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let model = Model::default_model()?;
/// assert_eq!(model.labels().len(), model.info().num_classes as usize);
/// let mut session = model.session()?;
/// println!("{}", session.predict("I love this product!")?.label());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Model(Arc<Inner>);

impl Model {
    /// Loads a model from a native file, an ONNX model, a TorchScript archive, a `model.pth` or
    /// a folder, by content, not by name.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        ModelOptions::new().load(path)
    }

    /// Loads the model to use when nobody names one: that of the environment variable
    /// `SENTIMENT_MODEL`, else the bundled model.
    pub fn default_model() -> Result<Self, Error> {
        ModelOptions::new().load_default()
    }

    /// Loads a native file from memory and copies its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        ModelOptions::new().from_bytes(bytes)
    }

    /// Loads a native file from memory that lives for ever, such as `include_bytes!`, without a
    /// copy.
    pub fn from_static(bytes: &'static [u8]) -> Result<Self, Error> {
        ModelOptions::new().from_static(bytes)
    }

    /// Loads a native file from memory that the model takes over, without a copy; see
    /// [`ModelOptions::from_owned`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bytes = std::fs::read(sentiment::Model::default_path()?)?;
    /// let model = sentiment::Model::from_owned(bytes)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_owned<B>(bytes: B) -> Result<Self, Error>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        ModelOptions::new().from_owned(bytes)
    }

    /// Where [`Model::default_model`] looks.
    pub fn default_path() -> Result<PathBuf, Error> {
        library::check()?;
        let mut path = Vec::<u8>::new();
        let mut length = 0;
        loop {
            // SAFETY: `path` has room for as many bytes as it is said to have.
            let found = call(|error| unsafe {
                let (place, room) = (path.as_mut_ptr().cast(), path.capacity());
                sys::sentiment_model_find_default(place, room, &mut length, error)
            });
            match found {
                Ok(()) => break,
                Err(error) if error.code() != Status::BUFFER_TOO_SMALL.0 => return Err(error),
                // One more for the NUL. Another thread may change the variable meanwhile.
                Err(_) => path.reserve_exact(length + 1),
            }
        }
        // SAFETY: the library has written that many bytes, and a NUL behind them.
        unsafe { path.set_len(length) };
        path_from(path)
    }

    /// A session with the defaults: one thread, for one thread.
    pub fn session(&self) -> Result<Session, Error> {
        SessionOptions::new().open(self)
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> Tokenizer {
        // SAFETY: @threadsafe; the model lives, so that a reference comes back.
        let handle = unsafe { sys::sentiment_model_get_tokenizer(self.as_ptr()) };
        Tokenizer::adopt(NonNull::new(handle).expect("a model has a tokenizer"))
    }

    /// What the model is.
    pub fn info(&self) -> ModelInfo<'_> {
        let raw = raw_info(self.0.handle).unwrap_or_default();
        // SAFETY: "Strings live as long as the model", which `self` holds.
        unsafe { ModelInfo::new(&raw) }
    }

    /// Names of the classes; decimal indices where the model has no labels.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + '_ {
        self.0.labels.iter().map(|label| &**label)
    }

    /// Name of a class.
    pub fn label(&self, class: usize) -> Option<&str> {
        self.0.labels.get(class).map(|label| &**label)
    }

    /// Metadata such as lineage and metrics, in the order of the keys.
    pub fn metadata(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> + '_ {
        (0..).map_while(|index| {
            let (mut key, mut value) = (ptr::null(), ptr::null());
            // SAFETY: @threadsafe; valid pointers, and the strings live as long as the model.
            unsafe {
                let model = self.as_ptr();
                match sys::sentiment_model_get_metadata_at(model, index, &mut key, &mut value) {
                    Status::OK => Some((
                        library::string(key).unwrap_or_default(),
                        library::string(value).unwrap_or_default(),
                    )),
                    _ => None,
                }
            }
        })
    }

    /// Metadata by key.
    pub fn metadata_value(&self, key: &str) -> Option<Cow<'_, str>> {
        let key = library::c_string(key, "the key").ok()?;
        // SAFETY: @threadsafe; the key has a NUL behind it, the value lives as long as the model.
        unsafe {
            library::string(sys::sentiment_model_get_metadata(
                self.as_ptr(),
                key.as_ptr(),
            ))
        }
    }

    /// Saves the model: `.safetensors` is the native file, `.onnx` an ONNX model, anything else
    /// a folder. Written aside and renamed, so that a failure leaves what was there. More is
    /// in [`SaveOptions`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        SaveOptions::new().save(self, path)
    }

    /// Makes a model of the same network in int8: a quarter of the size; the answers differ a
    /// little.
    pub fn quantize(&self) -> Result<Self, Error> {
        ModelOptions::new().quantize(self)
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::Model {
        self.0.handle.as_ptr()
    }

    /// Takes over what a function of the library loads or makes.
    pub(crate) fn make<F>(options: &ModelOptions, function: F) -> Result<Self, Error>
    where
        F: FnOnce(*const sys::ModelOptions, *mut *mut sys::Model, *mut sys::Error) -> Status,
    {
        library::check()?;
        let raw = options.raw();
        let mut model = ptr::null_mut();
        call(|error| function(&raw, &mut model, error))?;
        let handle = NonNull::new(model).expect("a model after success");
        let mut inner = Inner {
            handle,
            labels: Box::default(),
            _log: options.log_closure(),
        };
        let classes = raw_info(handle)?.num_classes;
        inner.labels = (0..classes as i32)
            .map(|class| {
                // SAFETY: the model lives, and its strings as long as it.
                let label = unsafe {
                    library::string(sys::sentiment_model_get_label(handle.as_ptr(), class))
                };
                label.unwrap_or_default().into_owned().into_boxed_str()
            })
            .collect();
        Ok(Self(Arc::new(inner)))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model").field(&self.info()).finish()
    }
}

fn raw_info(model: NonNull<sys::Model>) -> Result<sys::ModelInfo, Error> {
    let mut raw = sys::ModelInfo::new();
    // SAFETY: @threadsafe; the model lives, `raw` tells its size.
    call(|error| unsafe { sys::sentiment_model_get_info(model.as_ptr(), &mut raw, error) })?;
    Ok(raw)
}

/// A path as the library gives it.
fn path_from(bytes: Vec<u8>) -> Result<PathBuf, Error> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        Ok(OsString::from_vec(bytes).into())
    }
    #[cfg(not(unix))]
    {
        let path = String::from_utf8(bytes)
            .map_err(|_| Error::invalid("the path is not Unicode".to_string()))?;
        Ok(OsString::from(path).into())
    }
}

/// What a model is; see [`Model::info`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ModelInfo<'m> {
    /// Rows of the embedding.
    pub vocab_size: u32,
    /// Columns of the embedding.
    pub embedding_dim: u32,
    /// Hidden units of the LSTM, of each direction.
    pub hidden_size: u32,
    /// Classes: how many probabilities a text has.
    pub num_classes: u32,
    /// Stacked LSTM layers.
    pub num_layers: u32,
    /// Whether each layer also runs backwards.
    pub bidirectional: bool,
    /// Default number of tokens used of a text.
    pub max_length: u32,
    /// What stands behind the last real token.
    pub padding: Padding,
    /// Arithmetic of the stored weights.
    pub precision: Precision,
    /// Kind of the tokenizer.
    pub tokenizer: TokenizerKind,
    /// Divisor of the logits before softmax; 1 unless calibrated.
    pub temperature: f32,
    /// Number of weights.
    pub parameters: u64,
    /// Words in the vocabulary.
    pub vocabulary_words: u64,
    /// Bytes of memory that the model holds.
    pub memory_bytes: u64,
    /// "safetensors", "pytorch", "pytorch-legacy", "onnx", "torchscript" or "memory".
    pub format: &'m str,
    /// SHA-256 of the file with the weights, where [`ModelOptions::digest`] asked for it.
    pub sha256: Option<&'m str>,
    /// Names of the parts of a tokenizer.json that are not used.
    pub tokenizer_ignored: Option<&'m str>,
    /// Whether the model came with a TorchScript program.
    pub has_script: bool,
    /// Whether the native engine has weights of this model to run.
    pub has_weights: bool,
}

impl<'m> ModelInfo<'m> {
    /// # Safety
    /// The strings live through `'m`.
    unsafe fn new(raw: &sys::ModelInfo) -> Self {
        // SAFETY: see above.
        let (format, sha256, tokenizer_ignored) = unsafe {
            (
                library::ascii(raw.format),
                library::ascii(raw.sha256),
                library::ascii(raw.tokenizer_ignored),
            )
        };
        Self {
            vocab_size: raw.vocab_size,
            embedding_dim: raw.embedding_dim,
            hidden_size: raw.hidden_size,
            num_classes: raw.num_classes,
            num_layers: raw.num_layers,
            bidirectional: raw.bidirectional != 0,
            max_length: raw.max_length,
            padding: raw.padding,
            precision: raw.precision,
            tokenizer: raw.tokenizer,
            temperature: raw.temperature,
            parameters: raw.parameters,
            vocabulary_words: raw.vocabulary_words,
            memory_bytes: raw.memory_bytes,
            format: format.unwrap_or_default(),
            sha256,
            tokenizer_ignored,
            has_script: raw.has_script != 0,
            has_weights: raw.has_weights != 0,
        }
    }
}

/// Sizes of a new model with random weights: the same seed gives the same weights on every
/// machine. Its words are `word_0`, `word_1`, ...
///
/// ```
/// use sentiment::{ModelConfig, Padding};
///
/// # fn main() -> Result<(), sentiment::Error> {
/// let config = ModelConfig::new(100, 4, 4, 3).padding(Padding::NONE).seed(7);
/// let model = config.create()?;
/// assert_eq!(model.info().vocab_size, 100);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a configuration is not yet a model"]
pub struct ModelConfig(sys::ModelConfig);

impl ModelConfig {
    /// Rows and columns of the embedding, hidden units of the LSTM, classes.
    pub fn new(vocab_size: u32, embedding_dim: u32, hidden_size: u32, num_classes: u32) -> Self {
        Self(sys::ModelConfig {
            vocab_size,
            embedding_dim,
            hidden_size,
            num_classes,
            ..sys::ModelConfig::new()
        })
    }

    /// Stacked LSTM layers; 1 by default.
    pub fn layers(mut self, layers: u32) -> Self {
        self.0.num_layers = layers;
        self
    }

    /// Whether each layer also runs backwards.
    pub fn bidirectional(mut self, yes: bool) -> Self {
        self.0.bidirectional = yes.into();
        self
    }

    /// What stands behind the last real token; the default is
    /// [`MAX_LENGTH`](Padding::MAX_LENGTH).
    pub fn padding(mut self, padding: Padding) -> Self {
        self.0.padding = padding;
        self
    }

    /// Tokens used of a text, 1 to 65,536; 512 by default.
    pub fn max_length(mut self, tokens: u32) -> Self {
        self.0.max_length = tokens;
        self
    }

    /// Start of the random generator.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Makes the model. [`ModelOptions::create`] does so with options.
    pub fn create(&self) -> Result<Model, Error> {
        ModelOptions::new().create(self)
    }

    pub(crate) fn raw(&self) -> sys::ModelConfig {
        self.0
    }
}
