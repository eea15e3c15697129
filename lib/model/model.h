/* SPDX-License-Identifier: Apache-2.0
 *
 * The model: what a bundle's tensors mean. Immutable after it is made, shared
 * by reference count. Engines hang their prepared weights on it. */
#ifndef SN_MODEL_MODEL_H
#define SN_MODEL_MODEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/status.h"
#include "formats/bundle.h"
#include "text/tokenizer.h"

#define SN_MAX_LAYERS 64
#define SN_MAX_CLASSES 65536
#define SN_MAX_LENGTH 65536
/* Token ids are int32_t; the other two keep every product within 64 bits. */
#define SN_MAX_VOCABULARY INT32_MAX
#define SN_MAX_WIDTH (1u << 20)

/* What the guide does where its config.json says nothing. */
#define SN_DEFAULT_LENGTH 512
#define SN_DEFAULT_PADDING SENTIMENT_PADDING_MAX_LENGTH

/* One direction of one layer; PyTorch's layout and gate order i, f, g, o.
 * All row-major fp32. `input` is embedding_dim in layer 0, else D*hidden. */
typedef struct sn_lstm_weights {
    const float *w_ih; /* [4*hidden][input] */
    const float *w_hh; /* [4*hidden][hidden] */
    const float *b_ih; /* [4*hidden] */
    const float *b_hh; /* [4*hidden] */
} sn_lstm_weights;

/* Sizes, with the guide's names. */
typedef struct sn_model_config {
    uint32_t vocab_size;
    uint32_t embedding_dim;
    uint32_t hidden_size;
    uint32_t num_classes;
    uint32_t num_layers;
    uint32_t directions; /* 1, or 2 when bidirectional */
    uint32_t max_length;
    int32_t padding;     /* NONE or MAX_LENGTH */
    float temperature;
} sn_model_config;

typedef struct sn_model_weights {
    const float *embedding;  /* [vocab_size][embedding_dim] */
    sn_lstm_weights *lstm;   /* [num_layers * directions], layer-major */
    const float *fc_weight;  /* [num_classes][directions*hidden_size] */
    const float *fc_bias;    /* [num_classes] */
    uint64_t parameters;     /* number of floats */
} sn_model_weights;

/* The tokenizer as a handle of its own. */
struct sentiment_tokenizer {
    sn_memory memory;
    atomic_size_t references;
    sn_tokenizer tokenizer;
};

/* What an engine prepared for this model; made once, under the model's lock. */
typedef struct sn_prepared {
    void *data;
    void (*destroy)(void *data);
} sn_prepared;

#define SN_PREPARED_SLOTS 4

struct sentiment_model {
    sn_memory memory;
    atomic_size_t references;
    sentiment_log_fn log;
    void *log_user;
    sn_model_config config;
    int32_t precision;         /* enum sentiment_precision of what is stored: FP32 or INT8 */
    sn_model_weights weights;  /* INT8: embedding, w_ih and w_hh are NULL; no weights: all are */
    float *storage;            /* every fp32 weight, one arena */
    struct sn_quantized *quantized; /* INT8: the other weights; else NULL */
    sn_bytes script;           /* a TorchScript archive for the torch engine; empty if none */
    char *foreign;             /* why that is not our classifier, so that there are no weights
                                * and only the torch engine runs it; NULL: there are weights */
    char sha256[65];           /* of the file that was loaded; empty unless asked for */
    sentiment_tokenizer *tokenizer;
    char **labels;             /* num_classes names, never NULL */
    _Bool has_labels;          /* false: labels are decimal indices */
    sn_pair *metadata;         /* sorted by key */
    size_t metadata_count;
    char *config_json;         /* config.json to write, extra keys kept */
    const char *format;        /* static */
    sn_bytes source;           /* borrowed bytes to give back with the model */
    uint64_t memory_bytes;
    pthread_mutex_t lock;      /* guards prepared */
    sn_prepared prepared[SN_PREPARED_SLOTS];
};

/* Turns a bundle into a model: finds and checks the weights, the vocabulary,
 * the config. The bundle stays the caller's. */
sentiment_status sn_model_from_bundle(const sn_bundle *bundle,
                                      const sentiment_model_options *options,
                                      sentiment_model **out, sentiment_error *error);

/* Reads and understands a file or folder; messages begin with its path. */
sentiment_status sn_model_load(const char *path, const sentiment_model_options *options,
                               sentiment_model **out, sentiment_error *error);

/* The same from bytes of a native file, which are taken over on success only.
 * Borrowed bytes with a release function are given back with the model. */
sentiment_status sn_model_load_bytes(sn_bytes *bytes, const sentiment_model_options *options,
                                     sentiment_model **out, sentiment_error *error);

/* An allocated model with weights of the given sizes, to be filled through
 * `storage` order: embedding, per layer and direction w_ih w_hh b_ih b_hh,
 * fc_weight, fc_bias, one behind the other. No tokenizer, no labels yet. */
sentiment_status sn_model_allocate(const sn_model_config *config, const sn_memory *memory,
                                   sentiment_model **out, sentiment_error *error);

/* The same for an int8 model: `storage` has the fp32 rest in that order, and
 * `quantized` is still NULL (quantized.h). */
sentiment_status sn_model_allocate_int8(const sn_model_config *config, const sn_memory *memory,
                                        sentiment_model **out, sentiment_error *error);

/* The same without weights (weights.parameters is 0), for a program of which only the
 * sizes are known. */
sentiment_status sn_model_allocate_bare(const sn_model_config *config, const sn_memory *memory,
                                        sentiment_model **out, sentiment_error *error);

/* UNSUPPORTED, with advice, for a model without weights; `action` is what needs them. */
sentiment_status sn_model_require_weights(const sentiment_model *model, const char *action,
                                          sentiment_error *error);

/* Completes an allocated model, before it is shared: takes over `tokenizer` on
 * success, copies the labels (label_count 0: decimal indices, else
 * num_classes), and derives config_json from `config_text`, a config.json with
 * keys to keep, such as training_params (may be NULL). */
sentiment_status sn_model_assemble(sentiment_model *model, sn_tokenizer *tokenizer,
                                   const char *const *labels, size_t label_count,
                                   const char *config_text, sentiment_error *error);

/* Sets or replaces one metadata string (UTF-8), before the model is shared.
 * Keys that the library writes by itself are INVALID_ARGUMENT. */
sentiment_status sn_model_set_metadata(sentiment_model *model, const char *key, const char *value,
                                       sentiment_error *error);

/* Random weights from the documented generator (create.c). */
sentiment_status sn_model_create(const sentiment_model_config *config,
                                 const sentiment_model_options *options, sentiment_model **out,
                                 sentiment_error *error);

/* A new model of the same network in int8; `options` as for loading (quantize.c). */
sentiment_status sn_model_quantize(const sentiment_model *model,
                                   const sentiment_model_options *options, sentiment_model **out,
                                   sentiment_error *error);

/* Saves; `options` may be NULL. */
sentiment_status sn_model_save(const sentiment_model *model, const char *path,
                               const sentiment_save_options *options, sentiment_error *error);

/* The memory hooks of options, malloc when there are none. */
sn_memory sn_model_memory(const sentiment_model_options *options);

sentiment_model *sn_model_retain(sentiment_model *model);
void sn_model_release(sentiment_model *model);
sentiment_tokenizer *sn_tokenizer_retain(sentiment_tokenizer *tokenizer);
void sn_tokenizer_release(sentiment_tokenizer *tokenizer);
/* A handle that takes over `tokenizer` on success. */
sentiment_status sn_tokenizer_wrap(const sn_memory *memory, sn_tokenizer *tokenizer,
                                   sentiment_tokenizer **out, sentiment_error *error);

/* A message to the model's log callback, if it has one. */
SN_PRINTF(3, 4)
void sn_model_log(const sentiment_model *model, int32_t level, const char *format, ...);

#endif
