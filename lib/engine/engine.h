/* SPDX-License-Identifier: Apache-2.0
 *
 * The one interface of every engine: rows of token ids in, logits out. An
 * engine's state belongs to one session and is used by one thread at a time. */
#ifndef SN_ENGINE_ENGINE_H
#define SN_ENGINE_ENGINE_H

#include "engine/plugin.h"
#include "model/model.h"

/* Rows of ids below vocab_size; see sn_plugin_rows. */
typedef sn_plugin_rows sn_rows;

/* What an engine needs of sentiment_session_options, defaults resolved. */
typedef struct sn_engine_options {
    int32_t precision; /* FP32 or INT8 */
    int32_t isa;       /* upper bound, never AUTO */
    uint32_t threads;  /* >= 1 */
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
} sn_engine;

extern const sn_engine sn_engine_native;
extern const sn_engine sn_engine_torch;

/* The engine for an enum sentiment_engine; NULL if there is no such value. */
const sn_engine *sn_engine_find(int32_t id);

#endif
