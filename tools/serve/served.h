/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server keeps beside a loaded version of a model: a session for each
 * thread that computes, and the number of its metrics. It is the version's payload,
 * made and warmed before the version takes requests. */
#ifndef TOOLS_SERVE_SERVED_H
#define TOOLS_SERVE_SERVED_H

#include <stdatomic.h>

#include "drift.h"
#include "metrics.h"
#include "registry.h"
#include "setup.h"

typedef struct served {
    struct served *next;    /* in a list of those to be freed */
    sentiment_model *model; /* held, so that freeing the payload frees it all */
    uint64_t number;        /* of the version */
    sentiment_model_info info;
    sentiment_session_info session;
    sentiment_session **sessions; /* [threads] */
    size_t threads;               /* that compute */
    atomic_uint_fast64_t cost;    /* nanoseconds of a token; 0: not known */
    sentiment_tokenizer *tokenizer;
    int metrics;
    serve_drift *drift; /* NULL: the model has no baseline */
} served;

/* Makes the payload of a version and sends texts through every session. */
sentiment_status served_prepare(serve_version *version, const setup *chosen, size_t threads,
                                serve_metrics *metrics, sentiment_error *error);
void served_free(served *payload);
served *served_of(const serve_version *version);

/* What a token takes, in nanoseconds, rather too much than too little; 0: not known. */
uint64_t served_token_cost(const served *payload);
/* So many tokens took so long. From any thread. */
void served_note_cost(served *payload, uint64_t nanoseconds, uint64_t tokens);

#endif
