/* SPDX-License-Identifier: Apache-2.0
 *
 * The one interface of every engine: rows of token ids in, logits out. An
 * engine's state belongs to one session and is used by one thread at a time. */
#ifndef SN_ENGINE_ENGINE_H
#define SN_ENGINE_ENGINE_H

#include "engine/plugin.h"
#include "engine/pool.h"
#include "model/model.h"

/* Rows of ids below vocab_size; see sn_plugin_rows. */
typedef sn_plugin_rows sn_rows;

/* What an engine needs of sentiment_session_options, defaults resolved. */
typedef struct sn_engine_options {
    int32_t precision; /* FP32 or INT8 */
    int32_t isa;       /* upper bound, never AUTO */
    uint32_t threads;  /* >= 1 */
    sn_pool *pool;     /* of so many threads; the session's */
    _Bool disable_settled_tail;
    uint64_t fold_bytes;
    const char *device; /* NULL: cpu */
} sn_engine_options;

/* What runs. Strings live as long as the state. */
typedef struct sn_engine_description {
    int32_t isa;
    const char *isa_name;
    uint64_t memory_bytes;
} sn_engine_description;

/* Rows whose ids come in parts. A place is what the engine keeps of the ids so
 * far; it belongs to the session of the state it was made with. */
typedef struct sn_engine_stream {
    /* The place before the first id. UNSUPPORTED for a model that cannot. */
    sentiment_status (*create)(void *state, void **place, sentiment_error *error);
    void (*destroy)(void *place);
    /* Makes `to` equal to `from`, of the same state; NULL: before the first id. */
    void (*copy)(void *to, const void *from);
    /* Reads `count` (1 or more) ids. After a failure the place is undefined. */
    sentiment_status (*advance)(void *state, void *place, const int32_t *ids, size_t count,
                                sentiment_error *error);
    /* What run gives for the ids so far with `count` more behind them, padded to
     * `total`, bit for bit; the place stays as it is. */
    sentiment_status (*answer)(void *state, const void *place, const int32_t *ids, size_t count,
                               uint32_t total, float *logits, sentiment_error *error);
} sn_engine_stream;

typedef struct sn_engine {
    int32_t id; /* enum sentiment_engine */
    const char *name;
    /* The state keeps a pointer to the model; the session holds the reference. */
    sentiment_status (*create)(sentiment_model *model, const sn_engine_options *options,
                               void **state, sentiment_error *error);
    void (*destroy)(void *state);
    /* logits: rows x num_classes. `cancel` may be NULL. */
    sentiment_status (*run)(void *state, const sn_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error);
    /* One row: logits and bias [num_classes], contributions [length][num_classes];
     * logits are bit-identical to those of run. */
    sentiment_status (*explain)(void *state, const int32_t *ids, size_t length, uint32_t total,
                                float *logits, float *bias, float *contributions,
                                sentiment_error *error);
    void (*describe)(const void *state, sn_engine_description *out);
    const sn_engine_stream *stream; /* NULL: not with this engine */
} sn_engine;

extern const sn_engine sn_engine_native;
extern const sn_engine sn_engine_torch;

/* The engine for an enum sentiment_engine; NULL if there is no such value. */
const sn_engine *sn_engine_find(int32_t id);

#endif
