/* SPDX-License-Identifier: Apache-2.0
 *
 * What one model says to each text of a labelled dataset: the class and the raw
 * logits, from which every probability can be had at any temperature. */
#ifndef TOOLS_EVALUATION_ANSWERS_H
#define TOOLS_EVALUATION_ANSWERS_H

#include <sentiment/sentiment.h>

#include "dataset.h"

typedef struct answers {
    size_t texts, classes;
    int32_t *predictions; /* [texts] */
    float *logits;        /* [texts][classes] */
} answers;

/* Asks about every text. Class i of the model becomes order[i]; NULL: i. False: the
 * reason, with the line of the text, went to stderr. To be freed in any case. */
bool answers_collect(answers *all, sentiment_session *session, const dataset *data,
                     const char *path, size_t classes, const int32_t *order);
void answers_free(answers *all);
/* The line of a TSV that row `i` stands in: the header is line 1. */
uint64_t answers_line(uint64_t row);

#endif
