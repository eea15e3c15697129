/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: texts to tokens to rows, through an engine, to results. Batches
 * go through in chunks, so that memory does not grow with the batch. */
#ifndef SN_ENGINE_SESSION_H
#define SN_ENGINE_SESSION_H

#include <sys/types.h>

#include "engine/engine.h"

/* Rows on their way to the engine, reused from chunk to chunk. */
typedef struct sn_chunk {
    int32_t *ids;
    size_t ids_capacity;
    uint64_t *offsets; /* [rows_capacity+1] */
    uint32_t *totals;  /* [rows_capacity] */
    uint64_t *items;   /* [rows_capacity] which item of the batch a row is */
    float *logits;     /* [rows_capacity][num_classes] */
    sentiment_result *results; /* [rows_capacity] what is known before the engine runs */
    size_t rows_capacity;
    size_t rows;
} sn_chunk;

struct sentiment_session {
    sn_memory memory;
    sentiment_model *model;
    const sn_engine *engine;
    void *state;
    int32_t precision;
    int32_t padding; /* NONE or MAX_LENGTH */
    int32_t utf8_policy;
    uint32_t max_length;
    uint32_t threads;
    pid_t process; /* whose threads the session has */
    sn_tokens tokens;
    sn_chunk chunk;
};

/* FORKED if the session's threads are those of a parent process. */
sentiment_status sn_session_check_process(const sentiment_session *session, sentiment_error *error);

/* What a batch is made of: texts, or rows of ids when `ids` is given. */
typedef struct sn_batch {
    const char *text;
    const int32_t *ids;
    const uint64_t *offsets;     /* [count+1] */
    const uint32_t *max_lengths; /* [count] or NULL */
    size_t count;
    sentiment_result *results; /* stride: the first one's struct_size */
    float *probabilities;      /* [count][classes] or NULL */
    float *logits;             /* [count][classes] or NULL */
    const sentiment_cancel *cancel;
    _Bool single; /* one text of a call that fails with it: its arrays are then left alone */
} sn_batch;

sentiment_status sn_session_create(sentiment_model *model, const sentiment_session_options *options,
                                   sentiment_session **out, sentiment_error *error);
void sn_session_free(sentiment_session *session);
void sn_session_describe(const sentiment_session *session, sentiment_session_info *out);

/* Arguments are checked. A failing item gets its status; with `item_error`
 * (single predictions) that failure's details go there too. */
sentiment_status sn_session_run(sentiment_session *session, const sn_batch *batch,
                                sentiment_error *item_error, sentiment_error *error);

/* What explain adds to a prediction. Arrays may be NULL. */
typedef struct sn_explanation {
    float *bias;
    float *contributions; /* [capacity][classes] */
    uint64_t *starts;     /* [capacity] */
    uint64_t *ends;       /* [capacity] */
    size_t capacity;
    size_t length; /* out: tokens used */
} sn_explanation;

sentiment_status sn_session_explain(sentiment_session *session, const sn_batch *batch,
                                    sn_explanation *explanation, sentiment_error *error);

#endif
