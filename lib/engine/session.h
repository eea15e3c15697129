/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: texts to tokens to rows, through an engine, to results. */
#ifndef SN_ENGINE_SESSION_H
#define SN_ENGINE_SESSION_H

#include <stdatomic.h>
#include <sys/types.h>

#include "engine/chunk.h"
#include "engine/engine.h"

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
    sn_pool *pool;
    sn_lane *lanes; /* [threads] */
    sn_chunk chunk;
    atomic_int busy; /* 1 while a call is under way */
};

/* Begins a call that uses the session. FORKED: its threads are those of a parent
 * process. INVALID_ARGUMENT: another call is under way; the session is not touched. */
sentiment_status sn_session_begin(sentiment_session *session, sentiment_error *error);
/* Ends a call that could begin. */
void sn_session_end(sentiment_session *session);

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
