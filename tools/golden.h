/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden vectors: a handful of texts with the token ids and probabilities that
 * a model gave them when it was made, kept in its metadata (docs/models.md).
 * Whoever gets the file can see whether the model still answers the same. */
#ifndef TOOLS_GOLDEN_H
#define TOOLS_GOLDEN_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>

/* The metadata key. */
#define GOLDEN_KEY "golden"

typedef enum golden_state {
    GOLDEN_NONE,  /* the model has no vectors */
    GOLDEN_HOLD,  /* it gives what they say */
    GOLDEN_BROKEN /* it does not, or they are no vectors */
} golden_state;

/* Vectors of a model as it stands, as JSON to be freed. NULL: the reason went to
 * stderr. */
char *golden_make(sentiment_model *model);
/* Holds a model against its own vectors; `detail` says in a line what was found. */
golden_state golden_check(sentiment_model *model, char *detail, size_t size);
/* Holds the native engine against another one, on the texts of the vectors or
 * failing these on those that golden_make would take. The status is that of the
 * other engine's session; *same and `detail` are set where it is SENTIMENT_OK,
 * else `detail` is its message. */
sentiment_status golden_compare(sentiment_model *model, int32_t engine, bool *same, char *detail,
                                size_t size);
/* How many texts they are and how they were computed, for a person. False: none. */
bool golden_describe(const sentiment_model *model, char *text, size_t size);

#endif
