/* SPDX-License-Identifier: Apache-2.0
 *
 * OUT.job, the journal of a batch job: a JSON object a line. The first line says
 * what was asked for, each other one how far the answers had come behind a block.
 * It is only ever appended to; a line that was torn counts as absent. Its lock
 * keeps a second process from the same output. */
#ifndef TOOLS_BATCH_JOURNAL_H
#define TOOLS_BATCH_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* After `texts` answers the output had `bytes`. The digests are those of the output,
 * and of the lines of the input (unpacked, the skipped ones included) up to there. */
typedef struct checkpoint {
    uint64_t texts, failed, first_failed; /* the first one's number, from 1 */
    uint64_t bytes;
    bool done; /* these are all */
    char output[65], input[65];
} checkpoint;

typedef struct journal {
    char *path;
    FILE *file;
    uint64_t end; /* of the lines that hold; the next one goes there */
} journal;

typedef enum journal_answer {
    JOURNAL_NEW,  /* nothing stands in it */
    JOURNAL_SAME, /* what was asked for is what is asked now */
    JOURNAL_OTHER /* it is not, or the file is no journal; the reason went to stderr */
} journal_answer;

/* Opens and locks the journal of an output; false: the reason went to stderr. */
bool journal_open(journal *log, const char *output);
bool journal_is_empty(journal *log);
/* Whether the file is empty, or begins as a journal does. */
bool journal_is_ours(journal *log);
/* Compares the first line. */
journal_answer journal_compare(journal *log, const json_t *asked);
/* The next checkpoint; false: no more. */
bool journal_next(journal *log, checkpoint *found);
/* The line that was just read holds. */
void journal_keep(journal *log);
/* Each returns false when the reason went to stderr. `begin` forgets all that was. */
bool journal_begin(journal *log, const json_t *asked);
bool journal_cut(journal *log); /* behind the lines that hold */
bool journal_add(journal *log, const checkpoint *reached);
bool journal_sync(journal *log);
/* Safe on zeroes. */
void journal_close(journal *log);

#endif
