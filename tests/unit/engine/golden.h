/* SPDX-License-Identifier: Apache-2.0
 *
 * The committed answers of PyTorch (tests/golden/guide) as rows for an engine. */
#ifndef TESTS_ENGINE_GOLDEN_H
#define TESTS_ENGINE_GOLDEN_H

#include "engine/engine.h"

typedef struct golden {
    int32_t *ids;
    uint64_t *offsets;
    uint32_t *totals;
    float *logits; /* [rows][classes] */
    size_t rows, classes;
} golden;

/* Reads `folder`/expected.jsonl; fails the test if it is not as expected. */
void golden_read(const char *folder, golden *out);
void golden_free(golden *rows);
sn_rows golden_rows(const golden *all, size_t first, size_t count);

#endif
