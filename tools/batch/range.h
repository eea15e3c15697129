/* SPDX-License-Identifier: Apache-2.0
 *
 * Part I of N of an input: a range of its lines, so that the outputs one behind
 * the other are the output of the whole. */
#ifndef TOOLS_BATCH_RANGE_H
#define TOOLS_BATCH_RANGE_H

#include <signal.h>

#include "inputs.h"
#include "progress.h"

typedef struct range {
    uint64_t first, count; /* records before it, records in it */
} range;

/* "I/N" with I below N; false: it is something else. */
bool range_parse(const char *text, uint32_t *index, uint32_t *shards);
/* Counts the records of the input; false: that failed, the reason went to stderr, or `stop`
 * became other than 0. */
bool range_find(range *wanted, const inputs *from, uint32_t index, uint32_t shards, progress *shown,
                const volatile sig_atomic_t *stop);

#endif
