/* SPDX-License-Identifier: Apache-2.0
 *
 * How predict prints one answer, for a person or as JSON. */
#ifndef TOOLS_ANSWER_H
#define TOOLS_ANSWER_H

#include <sentiment/sentiment.h>

#include "emit.h"

/* What each token added to each logit; arrays have `classes` columns. */
typedef struct explanation {
    float *bias;
    float *contributions; /* [capacity][classes] */
    uint64_t *starts, *ends;
    size_t capacity, length;
} explanation;

typedef struct answer {
    const sentiment_model *model;
    size_t classes;
    int label_width;
    const char *text;
    size_t size;
    const sentiment_result *result;
    const float *probabilities;
    double seconds;         /* below 0: not told */
    const explanation *why; /* NULL: not asked for */
} answer;

void answer_emit_json(const answer *given, emit *out);
void answer_emit_text(const answer *given, emit *out);
/* Bytes of the longest label, within reason. */
int answer_label_width(const sentiment_model *model, size_t classes);

#endif
