/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sentiment.h
 * libsentiment: text in, a sentiment label with probabilities out.
 *
 * This header is the whole public API. It is C99 and C++ clean and written for
 * binding generators: opaque handles, fixed-width integers, no struct by value.
 *
 * Conventions that hold for every function:
 * - Functions that can fail return `sentiment_status`: 0 (SENTIMENT_OK) or a
 *   negative code. Every failure also fills the caller's `sentiment_error`
 *   (which may be NULL): code, byte offset where one is known, and a message
 *   that says what was wrong, where, and what was expected.
 * - Outputs are written on success only, unless a function says otherwise.
 * - The library never exits, aborts or prints, keeps no global state and starts
 *   no thread unless a session asks for more than one.
 * - Every public struct begins with `uint32_t struct_size`, set by the caller
 *   to `sizeof` of the struct (`sentiment_error error = {.struct_size = sizeof error};` is
 *   enough). Zero in any other option field means "the default". A larger
 *   struct than the library knows is accepted if its unknown tail is zero.
 * - Text is UTF-8 given as pointer and length, and may contain NUL bytes.
 * - Where a length is returned through `size_t *length`, the "required length
 *   protocol" applies: call with capacity 0 to learn the length, then again
 *   with a large enough buffer. SENTIMENT_ERROR_BUFFER_TOO_SMALL also sets
 *   `*length`.
 *
 * Tags in the comments below are read by the binding generator, bindings/generate.py:
 * `@nullable` a pointer that may be NULL; `@owned` the caller must release it;
 * `@borrowed` it lives as long as the named object; `@threadsafe` may be
 * called from any thread at any time on the same object; `@since` version.
 */
#ifndef SENTIMENT_SENTIMENT_H
#define SENTIMENT_SENTIMENT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#  if defined(SENTIMENT_BUILDING)
#    define SENTIMENT_API __declspec(dllexport)
#  elif defined(SENTIMENT_STATIC)
#    define SENTIMENT_API
#  else
#    define SENTIMENT_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define SENTIMENT_API __attribute__((visibility("default")))
#else
#  define SENTIMENT_API
#endif

/** Version of this header; sentiment_version() tells the library's. */
#define SENTIMENT_VERSION_MAJOR 0
#define SENTIMENT_VERSION_MINOR 3
#define SENTIMENT_VERSION_PATCH 0
/** Version of the binary interface; sentiment_abi_version() tells the library's. */
#define SENTIMENT_ABI_VERSION 0

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ codes */

/** A status: SENTIMENT_OK or one of the negative codes. @since 0.1 */
typedef int32_t sentiment_status;

/** Values of sentiment_status. Never renumbered. @since 0.1 */
enum sentiment_status_code {
    SENTIMENT_OK = 0,
    /** An argument is out of range, NULL where it must not be, or unknown. */
    SENTIMENT_ERROR_INVALID_ARGUMENT = -1,
    /** A file, key, label or token does not exist. */
    SENTIMENT_ERROR_NOT_FOUND = -2,
    /** The operating system refused to read or write. */
    SENTIMENT_ERROR_IO = -3,
    /** A model file is corrupt, hostile or contradicts itself. */
    SENTIMENT_ERROR_BAD_MODEL = -4,
    /** A valid thing that this library, engine or model cannot do. */
    SENTIMENT_ERROR_UNSUPPORTED = -5,
    /** Sizes that contradict each other (weights against config, arrays). */
    SENTIMENT_ERROR_SHAPE_MISMATCH = -6,
    /** The text is not UTF-8; the error's offset is the first bad byte. */
    SENTIMENT_ERROR_INVALID_UTF8 = -7,
    /** The allocator returned NULL. */
    SENTIMENT_ERROR_OUT_OF_MEMORY = -8,
    /** The cancel token was set. */
    SENTIMENT_ERROR_CANCELLED = -9,
    /** The engine's plugin or device is not there. */
    SENTIMENT_ERROR_ENGINE_UNAVAILABLE = -10,
    /** The library or an engine broke its own promise. */
    SENTIMENT_ERROR_INTERNAL = -11,
    /** The caller's buffer is too small; the needed length was returned. */
    SENTIMENT_ERROR_BUFFER_TOO_SMALL = -12,
    /** A session with threads was used in a child process after fork(). */
    SENTIMENT_ERROR_FORKED = -13
};

/** Engines that run a model. @since 0.1 */
enum sentiment_engine {
    /** Native wherever the native engine can run the model. */
    SENTIMENT_ENGINE_AUTO = 0,
    /** This library's own kernels. */
    SENTIMENT_ENGINE_NATIVE = 1,
    /** libtorch, from the plugin libsentiment-torch.so, opened on demand. A model with a
     *  TorchScript program (sentiment_model_info.has_script) is run as that program, which
     *  executes code of the file: only with files that you trust. */
    SENTIMENT_ENGINE_TORCH = 2
};

/** Arithmetic of a session. @since 0.1 */
enum sentiment_precision {
    /** The precision of the model's own weights. */
    SENTIMENT_PRECISION_DEFAULT = 0,
    /** Single precision, IEEE 754. */
    SENTIMENT_PRECISION_FP32 = 1,
    /** Weights and states in eight bits, sums in 32 (docs/quantization.md). */
    SENTIMENT_PRECISION_INT8 = 2
};

/** Instruction sets of the native engine. @since 0.1 */
enum sentiment_isa {
    /** The best one this machine has (env SENTIMENT_ISA may lower it). */
    SENTIMENT_ISA_AUTO = 0,
    /** Portable C. */
    SENTIMENT_ISA_C = 1,
    /** x86-64 AVX2 with FMA. */
    SENTIMENT_ISA_AVX2 = 2,
    /** x86-64 AVX-512 F, BW, DQ and VL. */
    SENTIMENT_ISA_AVX512 = 3,
    /** aarch64 NEON. @since 0.2 */
    SENTIMENT_ISA_NEON = 4
};

/** What stands behind the last real token. @since 0.1 */
enum sentiment_padding {
    /** As the model says. */
    SENTIMENT_PADDING_DEFAULT = 0,
    /** Nothing: the mean runs over the real tokens. */
    SENTIMENT_PADDING_NONE = 1,
    /** Token 0 up to max_length: the mean runs over all positions. */
    SENTIMENT_PADDING_MAX_LENGTH = 2
};

/** What a tokenizer does with bytes that are not UTF-8. @since 0.1 */
enum sentiment_utf8_policy {
    /** SENTIMENT_ERROR_INVALID_UTF8 with the offset of the first bad byte. */
    SENTIMENT_UTF8_STRICT = 0,
    /** Each maximal bad sequence is read as U+FFFD (Unicode 3.9, best practice). */
    SENTIMENT_UTF8_REPLACE = 1
};

/** Kinds of tokenizer. @since 0.1 */
enum sentiment_tokenizer_kind {
    SENTIMENT_TOKENIZER_DEFAULT = 0,
    /** `text.lower().split()` with CPython's exact Unicode behaviour. */
    SENTIMENT_TOKENIZER_WHITESPACE = 1,
    /** Lower-cased; whitespace separates; each punctuation mark or symbol is a token. */
    SENTIMENT_TOKENIZER_WORDS = 2,
    /** As a Hugging Face tokenizer.json says. @since 0.2 */
    SENTIMENT_TOKENIZER_HUGGINGFACE = 3
};

/** Bits of sentiment_result.flags. @since 0.1 */
enum sentiment_flag {
    /** The text has no token. */
    SENTIMENT_FLAG_EMPTY = 1,
    /** Tokens beyond max_length were ignored. */
    SENTIMENT_FLAG_TRUNCATED = 2,
    /** The text has tokens and none of those used is in the vocabulary. */
    SENTIMENT_FLAG_ALL_UNKNOWN = 4
};

/** Formats of a saved model. @since 0.1 */
enum sentiment_format {
    /** By the name: `.safetensors` is the native file, `.onnx` an ONNX model,
     *  anything else a guide folder. */
    SENTIMENT_FORMAT_AUTO = 0,
    /** One `.safetensors` file with everything in it. */
    SENTIMENT_FORMAT_SAFETENSORS = 1,
    /** A folder with model.pth, tokenizer.pkl (or tokenizer.json) and config.json. */
    SENTIMENT_FORMAT_FOLDER = 2,
    /** One `.onnx` file: the guide's export, with the vocabulary in its metadata. @since 0.2 */
    SENTIMENT_FORMAT_ONNX = 3
};

/** Severity of a log message. @since 0.1 */
enum sentiment_log_level {
    /** What helps to find a fault. */
    SENTIMENT_LOG_DEBUG = 1,
    /** What was done. */
    SENTIMENT_LOG_INFO = 2,
    /** What may not be as the user meant it. */
    SENTIMENT_LOG_WARNING = 3
};

/** Value of sentiment_error.offset when no byte offset is known. */
#define SENTIMENT_NO_OFFSET UINT64_MAX

/* ---------------------------------------------------------------- handles */

/**
 * A loaded model: weights, tokenizer, labels, metadata. Immutable and
 * reference-counted: any number of threads and sessions may share one.
 * @since 0.1
 */
typedef struct sentiment_model sentiment_model;

/**
 * Scratch memory and engine state for predictions with one model. Use a
 * session from one thread at a time; make one per thread. A call that finds
 * another one under way fails with INVALID_ARGUMENT. It holds its model.
 * @since 0.1
 */
typedef struct sentiment_session sentiment_session;

/**
 * A tokenizer with its vocabulary. Immutable and reference-counted.
 * @since 0.1
 */
typedef struct sentiment_tokenizer sentiment_tokenizer;

/**
 * A text that arrives in pieces, on its way through a session. It uses the
 * session: both belong to one thread at a time, and the session must outlive
 * its streams. A session may have any number of streams. @since 0.2
 */
typedef struct sentiment_stream sentiment_stream;

/**
 * A flag that one thread sets to stop the work of another. @since 0.1
 */
typedef struct sentiment_cancel sentiment_cancel;

/* ---------------------------------------------------------------- structs */

/**
 * Where a failing function leaves the details. Owned by the caller, reusable,
 * tied to no thread. @since 0.1
 */
typedef struct sentiment_error {
    /** sizeof(sentiment_error), set by the caller. */
    uint32_t struct_size;
    /** The code that was also returned. */
    sentiment_status code;
    /** Byte offset into the text or file, or SENTIMENT_NO_OFFSET. */
    uint64_t offset;
    /** One NUL-terminated UTF-8 line: what, where, what was expected. */
    char message[496];
} sentiment_error;

/**
 * Memory functions with a user pointer, as malloc, realloc and free: aligned
 * for any type, NULL on failure. Must be callable from any thread. @since 0.1
 */
typedef struct sentiment_allocator {
    /** sizeof(sentiment_allocator). */
    uint32_t struct_size;
    /** Zero. */
    uint32_t reserved;
    /** Passed to each function. @nullable */
    void *user;
    /** As malloc. */
    void *(*allocate)(void *user, size_t size);
    /** As realloc. */
    void *(*reallocate)(void *user, void *pointer, size_t size);
    /** As free. */
    void (*release)(void *user, void *pointer);
} sentiment_allocator;

/**
 * Receives one whole message, NUL-terminated, without newline. Called on the
 * thread that caused it; must not call back into the same model.
 * @since 0.1
 */
typedef void (*sentiment_log_fn)(void *user, int32_t level, const char *message);

/** Releases a borrowed buffer when the model no longer needs it. @since 0.1 */
typedef void (*sentiment_release_fn)(void *user, const void *data, size_t size);

/** How to load, create or train a model. @since 0.1 */
typedef struct sentiment_model_options {
    /** sizeof(sentiment_model_options). */
    uint32_t struct_size;
    /** 1: map the file instead of reading it. The file must then never change
     *  while the model lives: a truncated mapped file kills the process. */
    uint32_t use_mmap;
    /** 1: accept archives whose writer left the CRC-32 of entries at zero. */
    uint32_t allow_missing_crc;
    /** 1: compute SHA-256 digests while loading: that of the weights' file goes
     *  into sentiment_model_info.sha256 and names this model as the parent in the
     *  lineage of what is saved from it; one that the file itself states must be
     *  right, else SENTIMENT_ERROR_BAD_MODEL. @since 0.2 */
    uint32_t digest;
    /** Copied; all memory of the model, its tokenizer and its sessions comes
     *  from here, JSON parsing aside. NULL: malloc. @nullable */
    const sentiment_allocator *allocator;
    /** NULL: silent. @nullable */
    sentiment_log_fn log;
    /** Passed to `log`. @nullable */
    void *log_user;
    /** Checked while loading and training. @nullable @borrowed for the call */
    const sentiment_cancel *cancel;
    /** Loading: divisor of the logits before softmax, above 0, in place of the one that the
     *  file states; 0: as the file says. Labels and logits stay, probabilities change; where
     *  it is another one, the metadata `golden` and `baseline`, which tell of the old
     *  answers, are left out. Creating, training, quantizing: 0. @since 0.3 */
    float temperature;
    /** Zero. */
    uint32_t reserved;
} sentiment_model_options;

/** Sizes of a new classifier, named as in the guide's `model_params`. @since 0.1 */
typedef struct sentiment_model_config {
    /** sizeof(sentiment_model_config). */
    uint32_t struct_size;
    /** Rows of the embedding, 1 or more. */
    uint32_t vocab_size;
    /** Columns of the embedding, 1 or more. */
    uint32_t embedding_dim;
    /** Hidden units of the LSTM, 1 or more. */
    uint32_t hidden_size;
    /** Rows of the last linear layer, 1 or more. */
    uint32_t num_classes;
    /** Stacked LSTM layers; 0 means 1. */
    uint32_t num_layers;
    /** 1: each layer also runs backwards. */
    uint32_t bidirectional;
    /** enum sentiment_padding; the default is max_length, as the guide does. */
    int32_t padding;
    /** Tokens used of a text, 1 to 65,536; 0 means 512. */
    uint32_t max_length;
    /** Zero. */
    uint32_t reserved;
    /** Start of the documented generator (docs/file-format.md): the same seed
     *  gives the same weights on every machine. */
    uint64_t seed;
} sentiment_model_config;

/** What a model is. Strings live as long as the model. @since 0.1 */
typedef struct sentiment_model_info {
    /** sizeof(sentiment_model_info), set by the caller. */
    uint32_t struct_size;
    /** Rows of the embedding. */
    uint32_t vocab_size;
    /** Columns of the embedding. */
    uint32_t embedding_dim;
    /** Hidden units of the LSTM, of each direction. */
    uint32_t hidden_size;
    /** Classes: how many logits and probabilities a text has. */
    uint32_t num_classes;
    /** Stacked LSTM layers. */
    uint32_t num_layers;
    /** 0 or 1. */
    uint32_t bidirectional;
    /** Default number of tokens used of a text. */
    uint32_t max_length;
    /** enum sentiment_padding: NONE or MAX_LENGTH. */
    int32_t padding;
    /** enum sentiment_precision of the stored weights. */
    int32_t precision;
    /** enum sentiment_tokenizer_kind. */
    int32_t tokenizer;
    /** Divisor of the logits before softmax; 1 unless calibrated. */
    float temperature;
    /** Number of weights. */
    uint64_t parameters;
    /** Words in the vocabulary. */
    uint64_t vocabulary_words;
    /** Bytes of memory that the model holds: weights, vocabulary, metadata. What
     *  an engine prepares for all sessions of the model comes on top. */
    uint64_t memory_bytes;
    /** "safetensors", "pytorch", "pytorch-legacy", "onnx", "torchscript" or "memory".
     *  @borrowed the model */
    const char *format;
    /** SHA-256 of the file with the weights, 64 hexadecimal digits: where it was
     *  asked for (sentiment_model_options.digest). @nullable @borrowed the model
     *  @since 0.2 */
    const char *sha256;
    /** Names of the parts of a tokenizer.json that are not used, such as
     *  "decoder, post_processor"; NULL: none. @nullable @borrowed the model @since 0.2 */
    const char *tokenizer_ignored;
    /** 1: the model came with a TorchScript program, which is what the torch engine
     *  runs, and only when it is asked for by name. @since 0.2 */
    uint32_t has_script;
    /** 0: the weights of this classifier were not found in the TorchScript program, so
     *  that nothing but the torch engine can run it. @since 0.2 */
    uint32_t has_weights;
} sentiment_model_info;

/** How a session works. @since 0.1 */
typedef struct sentiment_session_options {
    /** sizeof(sentiment_session_options). */
    uint32_t struct_size;
    /** enum sentiment_engine. */
    int32_t engine;
    /** enum sentiment_precision. */
    int32_t precision;
    /** enum sentiment_isa: an upper bound for the native engine; one that this
     *  processor's family does not have leaves portable C. */
    int32_t isa;
    /** Threads that share batches and long texts; 0 means 1. SENTIMENT_ALL_THREADS:
     *  what affinity and cgroup allow. */
    uint32_t threads;
    /** Default max_length, 1 to 65,536; 0: the model's. */
    uint32_t max_length;
    /** enum sentiment_padding: overrides the model's. */
    int32_t padding;
    /** enum sentiment_utf8_policy. */
    int32_t utf8_policy;
    /** 1: run every padded step even after the state has settled. */
    uint32_t disable_settled_tail;
    /** Zero. */
    uint32_t reserved;
    /** Bytes for folded input projections; 0 means 48 MiB. They are shared by a
     *  model's sessions: the first one decides, later values have no effect. */
    uint64_t fold_bytes;
    /** Torch engine: "cpu" (NULL), "cuda" or "cuda:N". @nullable @borrowed for the call */
    const char *device;
} sentiment_session_options;

/** Value of sentiment_session_options.threads for every usable processor. */
#define SENTIMENT_ALL_THREADS UINT32_MAX

/** What a session runs on. Strings live as long as the session. @since 0.1 */
typedef struct sentiment_session_info {
    /** sizeof(sentiment_session_info), set by the caller. */
    uint32_t struct_size;
    /** enum sentiment_engine: NATIVE or TORCH. */
    int32_t engine;
    /** enum sentiment_precision: FP32 or INT8. */
    int32_t precision;
    /** enum sentiment_isa; AUTO where the engine chooses for itself. */
    int32_t isa;
    /** Threads that share the work, the caller's counted in. */
    uint32_t threads;
    /** Tokens used of a text, unless a call says otherwise. */
    uint32_t max_length;
    /** enum sentiment_padding: NONE or MAX_LENGTH. */
    int32_t padding;
    /** Zero. */
    uint32_t reserved;
    /** Bytes of memory that the session holds for itself. */
    uint64_t memory_bytes;
    /** "native" or "torch". @borrowed static */
    const char *engine_name;
    /** "c", "avx2", "avx512", "neon", or the torch version. @borrowed the session */
    const char *isa_name;
} sentiment_session_info;

/** The answer for one text. @since 0.1 */
typedef struct sentiment_result {
    /** sizeof(sentiment_result), set by the caller. */
    uint32_t struct_size;
    /** SENTIMENT_OK, or why this text has no answer (INVALID_UTF8,
     *  INVALID_ARGUMENT for its max_length); the fields below are then zero. */
    sentiment_status status;
    /** Index of the largest logit; the lowest index among equals. */
    int32_t prediction;
    /** Probability of `prediction`. */
    float confidence;
    /** Bits of enum sentiment_flag. */
    uint32_t flags;
    /** Zero. */
    uint32_t reserved;
    /** Tokens of the text before truncation. */
    uint64_t tokens;
    /** Tokens among those used that are not in the vocabulary. */
    uint64_t unknown;
    /** Where `status` is an error: the byte offset inside this text, else SENTIMENT_NO_OFFSET. */
    uint64_t error_offset;
} sentiment_result;

/** How to save a model. @since 0.1 */
typedef struct sentiment_save_options {
    /** sizeof(sentiment_save_options). */
    uint32_t struct_size;
    /** enum sentiment_format. */
    int32_t format;
    /** A JSON object of strings that joins the model's metadata (a string replaces
     *  the old value of its key). @nullable @borrowed for the call */
    const char *metadata_json;
    /** Checked while writing. @nullable @borrowed for the call */
    const sentiment_cancel *cancel;
    /** A JSON object that joins the model's lineage as its newest step, such as
     *  {"action":"convert"}. `library`, `created`, and where the parent is known
     *  `parent_sha256` and `parent_format` are added to it, but for keys that it has;
     *  one that it gives as null is left out. NULL: the lineage stays as it is.
     *  @nullable @borrowed for the call @since 0.2 */
    const char *lineage_json;
    /** ONNX: version of the operator set, 11 to 20; 0 means 17. @since 0.2 */
    uint32_t opset;
    /** Zero. */
    uint32_t reserved;
} sentiment_save_options;

/**
 * Labelled texts, as one buffer of UTF-8 and count+1 offsets. @since 0.1
 */
typedef struct sentiment_dataset {
    /** sizeof(sentiment_dataset). */
    uint32_t struct_size;
    /** Zero. */
    uint32_t reserved;
    /** Number of texts. */
    uint64_t count;
    /** The texts, one behind the other. @borrowed for the call */
    const char *text;
    /** count+1 ascending offsets into `text`. @borrowed for the call */
    const uint64_t *offsets;
    /** count class indices, each below the number of labels. @borrowed for the call */
    const int32_t *labels;
} sentiment_dataset;

/** State of a training run, after a step or an epoch. @since 0.1 */
typedef struct sentiment_train_progress {
    /** sizeof(sentiment_train_progress) of the library. */
    uint32_t struct_size;
    /** Epoch, from 1. */
    uint32_t epoch;
    /** Epochs asked for. */
    uint32_t epochs;
    /** 1: the epoch is complete and dev_* are its figures. */
    uint32_t epoch_done;
    /** Steps done in this epoch. */
    uint64_t step;
    /** Steps of the whole epoch. */
    uint64_t steps;
    /** Texts per second over the run. */
    double texts_per_second;
    /** Seconds since the start. */
    double seconds;
    /** Seconds to the last epoch's end, estimated. */
    double seconds_left;
    /** Mean training loss of the epoch so far. */
    double loss;
    /** Of the dev set after this epoch (epoch_done), else of the last one. */
    double dev_accuracy;
    /** Likewise. */
    double dev_macro_f1;
    /** Best dev macro-F1 so far. */
    double best_macro_f1;
    /** The epoch of best_macro_f1; 0: none yet. */
    uint32_t best_epoch;
    /** 1 while pre-training: `epoch` and `epochs` count its passes then. */
    uint32_t pretraining;
} sentiment_train_progress;

/** Told of progress, on the training thread. @since 0.1 */
typedef void (*sentiment_progress_fn)(void *user, const sentiment_train_progress *progress);

/** Hyper-parameters, with the guide's names. Call the _init first. @since 0.1 */
typedef struct sentiment_train_options {
    /** sizeof(sentiment_train_options). */
    uint32_t struct_size;
    /** Passes over the training set. */
    uint32_t epochs;
    /** Texts per step. */
    uint32_t batch_size;
    /** Largest vocabulary, the unknown word at 0 included. */
    uint32_t vocab_size;
    /** A word must occur this often in the training set. */
    uint32_t min_count;
    /** Columns of the embedding. */
    uint32_t embedding_dim;
    /** Hidden units of the LSTM. */
    uint32_t hidden_size;
    /** Stacked LSTM layers. */
    uint32_t num_layers;
    /** 1: bidirectional. */
    uint32_t bidirectional;
    /** Tokens used of a text in training and by default later. */
    uint32_t max_length;
    /** enum sentiment_tokenizer_kind; the default is words. */
    int32_t tokenizer;
    /** enum sentiment_padding; the default is none. */
    int32_t padding;
    /** Epochs without a better dev macro-F1 before training stops; 0: never. */
    uint32_t patience;
    /** CPU threads; 0 means 1. */
    uint32_t threads;
    /** Passes over the training texts that teach the embedding and the LSTM to
     *  predict the next word, before the classes are learned; 0: none. A
     *  bidirectional network is not pre-trained. */
    uint32_t pretrain_epochs;
    /** How often an epoch looks at the dev set for weights to keep; 0 means 1. */
    uint32_t evaluations;
    /** Peak learning rate of Adam. */
    double learning_rate;
    /** Peak learning rate while pre-training. */
    double pretrain_learning_rate;
    /** Decoupled weight decay. */
    double weight_decay;
    /** Share of the steps over which the learning rate rises. */
    double warmup;
    /** Probability of dropping a pooled unit. */
    double dropout;
    /** Probability of dropping an embedding unit. */
    double embedding_dropout;
    /** Probability of reading a training word as unknown. */
    double word_dropout;
    /** r: a word that occurs n times is read as unknown with probability r/(r+n)
     *  besides, so that the unknown word learns from the rare ones. */
    double rare_dropout;
    /** Standard deviation of the first embedding; 0 means 1. */
    double embedding_std;
    /** Largest gradient norm. */
    double gradient_clip;
    /** Class weights are (1 / frequency) to this power; 0: none. */
    double class_balance;
    /** Share of a label that is spread over all classes. */
    double label_smoothing;
    /** Decay per step of averaged weights, which are looked at beside the weights
     *  themselves; 0: no average. */
    double ema_decay;
    /** The same seed, threads, data and libtorch give the same model. */
    uint64_t seed;
    /** "cpu" (NULL), "cuda" or "cuda:N". @nullable @borrowed for the call */
    const char *device;
    /** @nullable */
    sentiment_progress_fn progress;
    /** Passed to `progress`. @nullable */
    void *progress_user;
} sentiment_train_options;

/* ---------------------------------------------------------------- library */

/** Version of the library, "major.minor.patch". @threadsafe @since 0.1
 * @return a static string @borrowed static */
SENTIMENT_API const char *sentiment_version(void);

/** Binary interface of the library: SENTIMENT_ABI_VERSION of its build.
 * @threadsafe @since 0.1
 * @return the number */
SENTIMENT_API int32_t sentiment_abi_version(void);

/** Short English name of a status, such as "invalid UTF-8".
 * @threadsafe @since 0.1
 * @param[in] status any value
 * @return a static string, "unknown status" for values without a name @borrowed static */
SENTIMENT_API const char *sentiment_status_name(sentiment_status status);

/** Fills in the defaults of an error. @since 0.1
 * @param[out] error written */
SENTIMENT_API void sentiment_error_init(sentiment_error *error);
/** Fills in the defaults of model options. @since 0.1
 * @param[out] options written */
SENTIMENT_API void sentiment_model_options_init(sentiment_model_options *options);
/** Fills in the guide's sizes: 10000, 128, 256, 3. @since 0.1
 * @param[out] config written */
SENTIMENT_API void sentiment_model_config_init(sentiment_model_config *config);
/** Fills in the defaults of session options. @since 0.1
 * @param[out] options written */
SENTIMENT_API void sentiment_session_options_init(sentiment_session_options *options);
/** Fills in the defaults of a result. @since 0.1
 * @param[out] result written */
SENTIMENT_API void sentiment_result_init(sentiment_result *result);
/** Fills in the defaults of save options. @since 0.1
 * @param[out] options written */
SENTIMENT_API void sentiment_save_options_init(sentiment_save_options *options);
/** Fills in the recipe of the bundled model. @since 0.1
 * @param[out] options written */
SENTIMENT_API void sentiment_train_options_init(sentiment_train_options *options);

/* ----------------------------------------------------------------- cancel */

/** Makes a cancel token, not set. @since 0.1
 * @param[out] cancel the token @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT or OUT_OF_MEMORY */
SENTIMENT_API sentiment_status sentiment_cancel_create(sentiment_cancel **cancel,
                                                       sentiment_error *error);

/** Sets the token: work that watches it ends with SENTIMENT_ERROR_CANCELLED.
 * Safe in a signal handler. @threadsafe @since 0.1
 * @param[in] cancel the token @nullable */
SENTIMENT_API void sentiment_cancel_request(sentiment_cancel *cancel);

/** Clears the token, for use with the next piece of work. @threadsafe @since 0.1
 * @param[in] cancel the token @nullable */
SENTIMENT_API void sentiment_cancel_reset(sentiment_cancel *cancel);

/** Tells whether the token is set. @threadsafe @since 0.1
 * @param[in] cancel the token @nullable
 * @return 1 or 0 */
SENTIMENT_API int32_t sentiment_cancel_requested(const sentiment_cancel *cancel);

/** Frees the token; no work may be watching it. @since 0.1
 * @param[in] cancel the token @nullable */
SENTIMENT_API void sentiment_cancel_free(sentiment_cancel *cancel);

/* ------------------------------------------------------------------ model */

/** Makes a new classifier with random weights, as the guide's
 * `SentimentClassifier(**model_params)`: embedding N(0,1), LSTM and linear
 * uniform in +-1/sqrt(hidden_size); words `word_0`, `word_1`, ....
 * @since 0.1
 * @param[in] config sizes and seed
 * @param[in] options memory and messages @nullable
 * @param[out] model the model @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, OUT_OF_MEMORY or CANCELLED */
SENTIMENT_API sentiment_status sentiment_model_create(const sentiment_model_config *config,
                                                      const sentiment_model_options *options,
                                                      sentiment_model **model,
                                                      sentiment_error *error);

/** Loads a model from a file or a guide folder, by content, not by name.
 * @since 0.1
 * @param[in] path NUL-terminated path of a native file, an ONNX model, a
 *                 TorchScript archive, a model.pth or a folder
 * @param[in] options memory and messages @nullable
 * @param[out] model the model @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, NOT_FOUND, IO, BAD_MODEL, UNSUPPORTED,
 *         SHAPE_MISMATCH, OUT_OF_MEMORY or CANCELLED */
SENTIMENT_API sentiment_status sentiment_model_load(const char *path,
                                                    const sentiment_model_options *options,
                                                    sentiment_model **model,
                                                    sentiment_error *error);

/** Path of the model to use when nobody names one: the environment variable
 * SENTIMENT_MODEL, else the bundled model, beside the library or where it was
 * installed. @threadsafe @since 0.3
 * @param[out] path the path with a NUL behind it @nullable if capacity is 0
 * @param[in] capacity bytes that `path` has room for, the NUL included
 * @param[out] length bytes of the path, without the NUL; also with BUFFER_TOO_SMALL
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, NOT_FOUND (the message names every place),
 *         OUT_OF_MEMORY or BUFFER_TOO_SMALL */
SENTIMENT_API sentiment_status sentiment_model_find_default(char *path, size_t capacity,
                                                            size_t *length, sentiment_error *error);

/** Loads a native file from memory; the bytes are copied. @since 0.1
 * @param[in] data the bytes of the file
 * @param[in] size their number
 * @param[in] options memory and messages @nullable
 * @param[out] model the model @owned
 * @param[out] error details @nullable
 * @return as sentiment_model_load, without NOT_FOUND and IO */
SENTIMENT_API sentiment_status sentiment_model_load_copy(const void *data, size_t size,
                                                         const sentiment_model_options *options,
                                                         sentiment_model **model,
                                                         sentiment_error *error);

/** Loads a native file from memory that stays the caller's: it must not change
 * until `release` is called, which happens exactly once on success (when the
 * last reference goes) and never on failure. @since 0.1
 * @param[in] data the bytes of the file @borrowed the model
 * @param[in] size their number
 * @param[in] release told when the bytes are no longer needed @nullable
 * @param[in] release_user passed to `release` @nullable
 * @param[in] options memory and messages @nullable
 * @param[out] model the model @owned
 * @param[out] error details @nullable
 * @return as sentiment_model_load_copy */
SENTIMENT_API sentiment_status sentiment_model_load_borrowed(const void *data, size_t size,
                                                             sentiment_release_fn release,
                                                             void *release_user,
                                                             const sentiment_model_options *options,
                                                             sentiment_model **model,
                                                             sentiment_error *error);

/** Saves a model: written aside, synced, then renamed, so that a failure
 * leaves what was there. @threadsafe @since 0.1
 * @param[in] model the model
 * @param[in] path NUL-terminated path of a file, or of a folder (made if missing)
 * @param[in] options format and metadata @nullable
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, NOT_FOUND, IO, UNSUPPORTED, OUT_OF_MEMORY or CANCELLED */
SENTIMENT_API sentiment_status sentiment_model_save(const sentiment_model *model, const char *path,
                                                    const sentiment_save_options *options,
                                                    sentiment_error *error);

/** Trains a classifier with libtorch. When `options->cancel` is set during the
 * run, the best weights so far are returned with SENTIMENT_OK; before the first
 * look at the dev set the result is SENTIMENT_ERROR_CANCELLED. The model's metadata
 * tells the hyper-parameters and the dev figures. @since 0.1
 * @param[in] train texts to learn from
 * @param[in] dev texts that choose the epoch
 * @param[in] labels label_count NUL-terminated names, in class order
 * @param[in] label_count number of classes, 2 or more
 * @param[in] train_options hyper-parameters @nullable
 * @param[in] options memory, messages, cancel @nullable
 * @param[out] model the weights with the best dev macro-F1 @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, INVALID_UTF8, OUT_OF_MEMORY, CANCELLED,
 *         ENGINE_UNAVAILABLE or INTERNAL */
SENTIMENT_API sentiment_status sentiment_model_train(const sentiment_dataset *train,
                                                     const sentiment_dataset *dev,
                                                     const char *const *labels, size_t label_count,
                                                     const sentiment_train_options *train_options,
                                                     const sentiment_model_options *options,
                                                     sentiment_model **model,
                                                     sentiment_error *error);

/** Takes one more reference. @threadsafe @since 0.1
 * @param[in] model the model @nullable
 * @return the same pointer @owned */
SENTIMENT_API sentiment_model *sentiment_model_retain(sentiment_model *model);

/** Gives a reference back; the last one frees the model. @threadsafe @since 0.1
 * @param[in] model the model @nullable */
SENTIMENT_API void sentiment_model_free(sentiment_model *model);

/** Makes a model of the same network in int8 (docs/quantization.md): a quarter
 * of the size. Golden vectors of the original are not taken along: the answers
 * differ a little. @threadsafe @since 0.2
 * @param[in] model an fp32 model
 * @param[in] options memory and messages @nullable
 * @param[out] quantized the new model @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, UNSUPPORTED (the model is int8 already, or
 *         wider than int8 sums can hold), OUT_OF_MEMORY or CANCELLED */
SENTIMENT_API sentiment_status sentiment_model_quantize(const sentiment_model *model,
                                                        const sentiment_model_options *options,
                                                        sentiment_model **quantized,
                                                        sentiment_error *error);

/** Checks an ONNX file with the official checker, which comes in a plugin of its
 * own, libsentiment-onnx.so. @threadsafe @since 0.2
 * @param[in] path NUL-terminated path of the file
 * @param[out] error what the checker found wrong @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, NOT_FOUND, IO, BAD_MODEL, UNSUPPORTED (a newer
 *         version than the checker knows), OUT_OF_MEMORY, ENGINE_UNAVAILABLE (no plugin) or
 *         INTERNAL */
SENTIMENT_API sentiment_status sentiment_onnx_check(const char *path, sentiment_error *error);

/** Tells what a model is. @threadsafe @since 0.1
 * @param[in] model the model
 * @param[in,out] info struct_size in, the rest out
 * @param[out] error details @nullable
 * @return SENTIMENT_OK or INVALID_ARGUMENT */
SENTIMENT_API sentiment_status sentiment_model_get_info(const sentiment_model *model,
                                                        sentiment_model_info *info,
                                                        sentiment_error *error);

/** Name of a class; its decimal index where the model has no labels.
 * @threadsafe @since 0.1
 * @param[in] model the model
 * @param[in] index class, below num_classes
 * @return the name, or NULL if there is no such class @nullable @borrowed the model */
SENTIMENT_API const char *sentiment_model_get_label(const sentiment_model *model, int32_t index);

/** Metadata of a model (lineage, metrics, ...), in the order of the keys.
 * @threadsafe @since 0.1
 * @param[in] model the model
 * @param[in] index from 0
 * @param[out] key where the key goes @nullable @borrowed the model
 * @param[out] value where the value goes @nullable @borrowed the model
 * @return SENTIMENT_OK, or NOT_FOUND past the last entry */
SENTIMENT_API sentiment_status sentiment_model_get_metadata_at(const sentiment_model *model,
                                                               size_t index, const char **key,
                                                               const char **value);

/** Metadata by key. @threadsafe @since 0.1
 * @param[in] model the model
 * @param[in] key NUL-terminated
 * @return the value, or NULL @nullable @borrowed the model */
SENTIMENT_API const char *sentiment_model_get_metadata(const sentiment_model *model,
                                                       const char *key);

/** The model's tokenizer. @threadsafe @since 0.1
 * @param[in] model the model @nullable
 * @return a new reference, NULL for NULL @owned @nullable */
SENTIMENT_API sentiment_tokenizer *sentiment_model_get_tokenizer(const sentiment_model *model);

/* -------------------------------------------------------------- tokenizer */

/** Takes one more reference. @threadsafe @since 0.1
 * @param[in] tokenizer the tokenizer @nullable
 * @return the same pointer @owned */
SENTIMENT_API sentiment_tokenizer *sentiment_tokenizer_retain(sentiment_tokenizer *tokenizer);

/** Gives a reference back. @threadsafe @since 0.1
 * @param[in] tokenizer the tokenizer @nullable */
SENTIMENT_API void sentiment_tokenizer_free(sentiment_tokenizer *tokenizer);

/** Turns a text into token ids; neither truncates nor pads. @threadsafe @since 0.1
 * @param[in] tokenizer the tokenizer
 * @param[in] text UTF-8 @nullable if size is 0
 * @param[in] size bytes of text
 * @param[in] utf8_policy enum sentiment_utf8_policy
 * @param[in] capacity elements of each of the three arrays
 * @param[out] ids token ids; an unknown word's is 0, unless a tokenizer.json has
 *                 another one for those @nullable
 * @param[out] starts byte offset of each token in `text` @nullable
 * @param[out] ends byte offset behind each token @nullable
 * @param[out] length number of tokens, also with BUFFER_TOO_SMALL
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, INVALID_UTF8, OUT_OF_MEMORY or BUFFER_TOO_SMALL */
SENTIMENT_API sentiment_status sentiment_tokenizer_encode(const sentiment_tokenizer *tokenizer,
                                                          const char *text, size_t size,
                                                          int32_t utf8_policy, size_t capacity,
                                                          int32_t *ids, uint64_t *starts,
                                                          uint64_t *ends, size_t *length,
                                                          sentiment_error *error);

/** Word of a token id, as UTF-8 without NUL behind it. @threadsafe @since 0.1
 * @param[in] tokenizer the tokenizer
 * @param[in] id token id
 * @param[out] word first byte of the word @borrowed the tokenizer
 * @param[out] length bytes of the word
 * @return SENTIMENT_OK, INVALID_ARGUMENT, or NOT_FOUND if no word has this id */
SENTIMENT_API sentiment_status sentiment_tokenizer_get_word(const sentiment_tokenizer *tokenizer,
                                                            int32_t id, const char **word,
                                                            size_t *length);

/* ---------------------------------------------------------------- session */

/** Makes a session. @since 0.1
 * @param[in] model the model; the session holds a reference
 * @param[in] options engine, threads and so on @nullable
 * @param[out] session the session @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, UNSUPPORTED, ENGINE_UNAVAILABLE, OUT_OF_MEMORY
 *         or INTERNAL */
SENTIMENT_API sentiment_status sentiment_session_create(sentiment_model *model,
                                                        const sentiment_session_options *options,
                                                        sentiment_session **session,
                                                        sentiment_error *error);

/** Frees a session. @since 0.1
 * @param[in] session the session @nullable */
SENTIMENT_API void sentiment_session_free(sentiment_session *session);

/** Tells what a session runs on. @since 0.1
 * @param[in] session the session
 * @param[in,out] info struct_size in, the rest out
 * @param[out] error details @nullable
 * @return SENTIMENT_OK or INVALID_ARGUMENT */
SENTIMENT_API sentiment_status sentiment_session_get_info(const sentiment_session *session,
                                                          sentiment_session_info *info,
                                                          sentiment_error *error);

/** Classifies one text. @since 0.1
 * @param[in] session the session
 * @param[in] text UTF-8 @nullable if size is 0
 * @param[in] size bytes of text
 * @param[in] max_length tokens used, 1 to 65,536; 0: the session's
 * @param[in,out] result struct_size in, the rest out
 * @param[out] probabilities num_classes floats @nullable
 * @param[out] logits num_classes floats @nullable
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, INVALID_UTF8, OUT_OF_MEMORY, FORKED or INTERNAL */
SENTIMENT_API sentiment_status sentiment_session_predict(sentiment_session *session,
                                                         const char *text, size_t size,
                                                         uint32_t max_length,
                                                         sentiment_result *result,
                                                         float *probabilities, float *logits,
                                                         sentiment_error *error);

/** Classifies many texts. A text that cannot be classified gets its reason in
 * its result; the others are answered and the call succeeds. Each result is
 * bit-identical to that of sentiment_session_predict. @since 0.1
 * @param[in] session the session
 * @param[in] text the texts, one behind the other @nullable if all are empty
 * @param[in] offsets count+1 ascending byte offsets into `text`
 * @param[in] count number of texts
 * @param[in] max_lengths count limits, 0: the session's @nullable
 * @param[in,out] results count results; struct_size of the first gives the
 *                distance between them and is copied to all
 * @param[out] probabilities count x num_classes floats; 0 for failed texts @nullable
 * @param[out] logits count x num_classes floats; 0 for failed texts @nullable
 * @param[in] cancel checked between tiles; results are then undefined @nullable
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, OUT_OF_MEMORY, CANCELLED, FORKED or INTERNAL */
SENTIMENT_API sentiment_status sentiment_session_predict_batch(
    sentiment_session *session, const char *text, const uint64_t *offsets, size_t count,
    const uint32_t *max_lengths, sentiment_result *results, float *probabilities, float *logits,
    const sentiment_cancel *cancel, sentiment_error *error);

/** Classifies rows of token ids, as sentiment_session_predict_batch does texts
 * but without tokenizer. Every id must be below vocab_size. @since 0.1
 * @param[in] session the session
 * @param[in] ids the rows, one behind the other @nullable if all are empty
 * @param[in] offsets count+1 ascending element offsets into `ids`
 * @param[in] count number of rows
 * @param[in] max_lengths count limits, 0: the session's @nullable
 * @param[in,out] results as in sentiment_session_predict_batch
 * @param[out] probabilities count x num_classes floats @nullable
 * @param[out] logits count x num_classes floats @nullable
 * @param[in] cancel checked between tiles @nullable
 * @param[out] error details @nullable
 * @return as sentiment_session_predict_batch; an id out of range is its row's INVALID_ARGUMENT */
SENTIMENT_API sentiment_status sentiment_session_predict_ids(
    sentiment_session *session, const int32_t *ids, const uint64_t *offsets, size_t count,
    const uint32_t *max_lengths, sentiment_result *results, float *probabilities, float *logits,
    const sentiment_cancel *cancel, sentiment_error *error);

/** Classifies one text and tells what each token added to each logit. The
 * network ends in a mean and a linear layer, so this is exact:
 * logits[c] = bias[c] + sum over tokens of contributions[t][c], within float
 * rounding. `bias` holds the linear layer's bias and, under padding
 * max_length, the share of the padding. @since 0.1
 * @param[in] session the session
 * @param[in] text UTF-8 @nullable if size is 0
 * @param[in] size bytes of text
 * @param[in] max_length tokens used, 1 to 65,536; 0: the session's
 * @param[in,out] result struct_size in, the rest out
 * @param[out] logits num_classes floats @nullable
 * @param[out] bias num_classes floats @nullable
 * @param[in] capacity tokens that the three arrays below can take
 * @param[out] contributions capacity x num_classes floats @nullable
 * @param[out] starts byte offset of each token in `text` @nullable
 * @param[out] ends byte offset behind each token @nullable
 * @param[out] length number of tokens used, also with BUFFER_TOO_SMALL
 * @param[out] error details @nullable
 * @return as sentiment_session_predict, and BUFFER_TOO_SMALL or UNSUPPORTED */
SENTIMENT_API sentiment_status sentiment_session_explain(
    sentiment_session *session, const char *text, size_t size, uint32_t max_length,
    sentiment_result *result, float *logits, float *bias, size_t capacity, float *contributions,
    uint64_t *starts, uint64_t *ends, size_t *length, sentiment_error *error);

/* ----------------------------------------------------------------- stream */

/** Makes a stream for texts that arrive in pieces. Only for networks that run
 * forwards, on the native engine. @since 0.2
 * @param[in] session the session that computes; it must outlive the stream
 * @param[in] max_length tokens used, 1 to 65,536; 0: the session's
 * @param[out] stream the stream, with an empty text @owned
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, UNSUPPORTED (a bidirectional model, or another
 *         engine), OUT_OF_MEMORY, FORKED or INTERNAL */
SENTIMENT_API sentiment_status sentiment_stream_create(sentiment_session *session,
                                                       uint32_t max_length,
                                                       sentiment_stream **stream,
                                                       sentiment_error *error);

/** Appends a piece to the text. With `result`, also tells the answer so far: the
 * one that sentiment_session_predict gives for the text up to here, to the bit.
 * A UTF-8 sequence that the piece cuts waits for the next one and is not yet
 * part of that text. After INVALID_UTF8 (offset: in the whole text) every call
 * fails with it until the stream is reset or ended; after any other failure the
 * text is as it was before the piece. @since 0.2
 * @param[in] stream the stream
 * @param[in] text the piece, UTF-8 that may be cut anywhere @nullable if size is 0
 * @param[in] size bytes of it
 * @param[in,out] result struct_size in, the rest out; NULL: no answer is computed @nullable
 * @param[out] probabilities num_classes floats @nullable
 * @param[out] logits num_classes floats @nullable
 * @param[out] error details @nullable
 * @return SENTIMENT_OK, INVALID_ARGUMENT, INVALID_UTF8, OUT_OF_MEMORY, FORKED or INTERNAL */
SENTIMENT_API sentiment_status sentiment_stream_feed(sentiment_stream *stream, const char *text,
                                                     size_t size, sentiment_result *result,
                                                     float *probabilities, float *logits,
                                                     sentiment_error *error);

/** Ends the text and tells its answer: to the bit that of
 * sentiment_session_predict for the whole text, wherever it was cut. The stream
 * then has an empty text again, also after a failure. @since 0.2
 * @param[in] stream the stream
 * @param[in,out] result struct_size in, the rest out
 * @param[out] probabilities num_classes floats @nullable
 * @param[out] logits num_classes floats @nullable
 * @param[out] error details @nullable
 * @return as sentiment_stream_feed */
SENTIMENT_API sentiment_status sentiment_stream_end(sentiment_stream *stream,
                                                    sentiment_result *result, float *probabilities,
                                                    float *logits, sentiment_error *error);

/** Forgets the text. @since 0.2
 * @param[in] stream the stream @nullable */
SENTIMENT_API void sentiment_stream_reset(sentiment_stream *stream);

/** Frees a stream. @since 0.2
 * @param[in] stream the stream @nullable */
SENTIMENT_API void sentiment_stream_free(sentiment_stream *stream);

#ifdef __cplusplus
}
#endif

#endif /* SENTIMENT_SENTIMENT_H */
