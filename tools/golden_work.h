/* SPDX-License-Identifier: Apache-2.0
 *
 * What golden vectors are computed with: the same for making them, for checking
 * them, and for comparing two engines. */
#ifndef TOOLS_GOLDEN_WORK_H
#define TOOLS_GOLDEN_WORK_H

#include <jansson.h>

#include "setup.h"

#define GOLDEN_VERSION 1

typedef struct golden_terms {
    int32_t precision, padding;
    uint32_t max_length;
    double tolerance;
} golden_terms;

/* A session, and the last text's answer. */
typedef struct golden_work {
    sentiment_session *session;
    sentiment_tokenizer *tokenizer;
    size_t classes;
    uint32_t max_length;
    float *probabilities; /* [classes] */
    int32_t *ids;         /* [length] are used */
    size_t capacity, length;
} golden_work;

/* The model's own terms, with a max_length that `texts` texts can afford. */
bool golden_terms_of(const sentiment_model *model, size_t texts, golden_terms *terms);
/* To be freed, also after a failure. */
sentiment_status golden_work_start(golden_work *work, sentiment_model *model, int32_t engine,
                                   const golden_terms *terms, sentiment_error *error);
void golden_work_free(golden_work *work);
/* Ids and probabilities of a JSON string. */
sentiment_status golden_work_answer(golden_work *work, const json_t *text, sentiment_error *error);
/* The largest of `count` differences; infinite if one is not a number. */
double golden_difference(const float *a, const float *b, size_t count);

#endif
