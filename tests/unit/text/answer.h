/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of lib/text share: an allocator that counts and fails, and the
 * line format of golden_tokens.txt. */
#ifndef TEXT_ANSWER_H
#define TEXT_ANSWER_H

#include <stdio.h>

#include "text/tokenizer.h"

/* The allocation number `fail_at` (from 1) and no other returns NULL. */
typedef struct counter {
    size_t calls;   /* allocations asked for */
    size_t fail_at; /* 0: none fails */
    size_t live;    /* blocks not yet released */
} counter;

/* malloc behind a counter. */
sn_memory counting_memory(counter *count);

/* Writes the tokens of a question `kind policy text-in-hex` as golden_tokens.txt
 * has them, without newline; false if the question is malformed. */
_Bool answer(const char *question, FILE *out);

#endif
