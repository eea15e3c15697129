/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of golden vectors: some that never change, and some made of words
 * that the model knows. */
#ifndef TOOLS_GOLDEN_TEXTS_H
#define TOOLS_GOLDEN_TEXTS_H

#include <sentiment/sentiment.h>

#include <jansson.h>

/* A JSON array of strings, to be released; NULL when memory ran out. */
json_t *golden_texts(const sentiment_model *model);

#endif
