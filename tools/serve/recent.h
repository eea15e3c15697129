/* SPDX-License-Identifier: Apache-2.0
 *
 * What was predicted for the last requests, so that a true label that comes
 * later can be held against it. A table of fixed size, by the hash of client and
 * request's id: an answer that was overwritten is not known any more, and that of
 * another client is none. */
#ifndef TOOLS_SERVE_RECENT_H
#define TOOLS_SERVE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct recent recent;

typedef struct recent_answer {
    uint64_t version; /* its number: no other version ever has it */
    int32_t prediction;
} recent_answer;

/* NULL: no memory. */
recent *recent_create(void);
/* NULL is fine. */
void recent_free(recent *table);

/* From any thread; NULL for `table` remembers nothing. `who`: the client; `index`: of the
 * text. */
void recent_put(recent *table, const char *who, const char *id, size_t index, recent_answer answer);
/* Takes an answer out, so that it counts once; false: not known. */
bool recent_take(recent *table, const char *who, const char *id, size_t index,
                 recent_answer *answer);

#endif
