/* SPDX-License-Identifier: Apache-2.0
 *
 * A small bundle made by hand, which tests spoil in one place at a time. */
#ifndef TEST_MODEL_PARTS_H
#define TEST_MODEL_PARTS_H

#include "model/model.h"

/* Sizes of the bundle: one layer, vocab 4, embedding 2, hidden 3, 2 classes. */
#define SIZES "\"vocab_size\":4,\"embedding_dim\":2,\"hidden_size\":3,\"num_classes\":2"
#define CONFIG "{\"model_params\":{" SIZES "}}"
#define MAX_TENSORS 20

/* The bundle and what it points to: every tensor shows the same numbers; the
 * words are zero, one, two with the ids 0, 1, 3. */
extern sn_bundle bundle;
extern sn_tensor tensors[MAX_TENSORS];
extern float numbers[256];
extern uint8_t words[11];
extern int64_t word_ids[3];

/* Makes everything as new; a cmocka setup. */
int fresh(void **state);
/* Adds a float32 tensor; columns 0: a vector. */
void add(const char *name, uint64_t rows, uint64_t columns);
sn_tensor *tensor_named(const char *name);
void set_config(const char *text);
/* Adds a metadata string of a native file. */
void set_pair(const char *key, const char *value);
/* Loads or fails the test. */
sentiment_model *load(void);
/* Expects an error that says `text`, then makes everything as new. */
void refuse(sentiment_status code, const char *text);

#endif
