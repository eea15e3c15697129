/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server keeps beside a loaded version of a model: a session for each
 * inference thread, and the number of its metrics. It is the version's payload,
 * made and warmed before the version takes requests. */
#ifndef TOOLS_SERVE_SERVED_H
#define TOOLS_SERVE_SERVED_H

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
    sentiment_session **sessions; /* [workers] */
    size_t workers;
    sentiment_tokenizer *tokenizer;
    int metrics;
    serve_drift *drift; /* NULL: the model has no baseline */
} served;

/* Makes the payload of a version and sends texts through every session. */
sentiment_status served_prepare(serve_version *version, const setup *chosen, size_t workers,
                                serve_metrics *metrics, sentiment_error *error);
void served_free(served *payload);
const served *served_of(const serve_version *version);

#endif
