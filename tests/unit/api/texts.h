/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch of made-up texts of every length, with what predict_batch wants. */
#ifndef TEST_API_TEXTS_H
#define TEST_API_TEXTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"

#define TEXTS 500

typedef struct texts {
    char *buffer;
    uint64_t offsets[TEXTS + 1];
} texts;

/* Text i has i%31 words word_0 ... word_119, of which 100 and up are unknown. */
static inline texts make_texts(void)
{
    texts out = {.buffer = malloc(TEXTS * 31 * 10)};
    uint64_t seed = 11;
    size_t at = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        out.offsets[i] = at;
        for (size_t w = 0; w < i % 31; w++)
            at +=
                (size_t)sprintf(out.buffer + at, "word_%u ", (unsigned)(random_next(&seed) % 120));
    }
    out.offsets[TEXTS] = at;
    return out;
}

#endif
