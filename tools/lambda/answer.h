/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to its answer: the guide's predictions, its errors, its
 * health check, and CORS. Knows neither Lambda nor the network. */
#ifndef TOOLS_LAMBDA_ANSWER_H
#define TOOLS_LAMBDA_ANSWER_H

#include <jansson.h>
#include <sentiment/sentiment.h>

#include "event.h"

/* What answers are made with; lives as long as the process. */
typedef struct answer_maker {
    sentiment_session *session;
    uint32_t classes;
    const char *origin; /* Access-Control-Allow-Origin */
} answer_maker;

/* An answer; `body` is owned, NULL: none (or no memory). */
typedef struct answer {
    int status;
    json_t *body;
    size_t texts;
} answer;

/* Answers; the work ends early when the token says so, with 504. */
answer answer_make(const answer_maker *maker, const event_request *request,
                   const sentiment_cancel *cancel);
/* {"error": ...} made by printf. */
answer answer_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What API Gateway wants to have, as JSON of its own; releases the answer's body. NULL: no
 * memory. Free it. */
char *answer_pack(const answer_maker *maker, answer *reply);

#endif
