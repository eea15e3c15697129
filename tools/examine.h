/* SPDX-License-Identifier: Apache-2.0
 *
 * A labelled TSV through one model, or through two at once to see where they
 * disagree. Texts stream through the batch call; the times count prediction
 * alone, not reading. */
#ifndef TOOLS_EXAMINE_H
#define TOOLS_EXAMINE_H

#include <sentiment/sentiment.h>

#include <stdbool.h>

#include "labels.h"
#include "reader.h"
#include "scores.h"

#define EXAMINED_MOST 2

/* One model's answers. */
typedef struct examined {
    sentiment_session *session; /* the caller's */
    uint64_t *matrix;           /* [true][predicted] */
    double seconds;
    sentiment_result results[CHUNK_RECORDS];
} examined;

typedef struct examiner {
    labels names; /* of the first model; the second one has the same classes */
    size_t count;
    uint64_t texts;
    uint64_t disagreements; /* texts with two predictions */
    examined models[EXAMINED_MOST];
} examiner;

/* For `count` sessions on models with the classes of `model`. NULL: memory ran out,
 * which was reported. */
examiner *examiner_create(const sentiment_model *model, sentiment_session *const *sessions,
                          size_t count);
void examiner_free(examiner *work);
/* False: the reason went to stderr. */
bool examiner_run(examiner *work, const char *path);

#endif
