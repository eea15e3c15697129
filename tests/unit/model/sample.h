/* SPDX-License-Identifier: Apache-2.0
 *
 * Models and folders that the tests of lib/model start from. */
#ifndef TEST_MODEL_SAMPLE_H
#define TEST_MODEL_SAMPLE_H

#include "model/model.h"

/* Words of the sample; word i has id i. */
#define SAMPLE_WORDS 11

/* Loads or fails the test. */
sentiment_model *sample_load(const char *path);
/* vocab 11, embedding 3, hidden 5, 3 classes, with the given layers and directions. */
sentiment_model *sample_create(uint32_t layers, uint32_t bidirectional);
/* A model as training makes it: labels, words, padding none, odd temperature. */
sentiment_model *sample_assemble(void);
/* Fails unless weights, sizes, labels and words are equal, bit for bit. */
void sample_expect_equal(const sentiment_model *a, const sentiment_model *b);

#endif
