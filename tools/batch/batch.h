/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch job: answers to all texts of an input go into a file, a line each, in
 * order. Killed at any moment, the same command goes on and leaves the bytes of
 * a run that nobody disturbed. OUT.partial holds the answers until all are
 * there, OUT.job who asked for them and how far it came. */
#ifndef TOOLS_BATCH_BATCH_H
#define TOOLS_BATCH_BATCH_H

#include <jansson.h>

#include "inputs.h"

typedef struct batch {
    const char *output; /* --output; NULL: no batch job */
    const char *shard;  /* --shard, "I/N"; NULL: all of the input */
    uint32_t index, shards;
    bool restart, accept_failures;
} batch;

/* --output and what goes with it; the target is a batch. */
extern const option_spec batch_options[];

/* Holds the options against each other, and reads --shard; the exit status. */
int batch_check(batch *chosen, const inputs *from, const command_arguments *texts,
                const command_help *help);

/* Prints the answers to one chunk, a line each. A text that fails gets its reason in
 * records->errors. False: give up, the reason went to stderr. */
typedef bool (*batch_handler)(void *user, chunk *records, emit *out);

/* Runs the job to its end, from where it is; returns the exit status, 128 and the
 * number of the signal where SIGINT or SIGTERM stopped it. `asked` (may be NULL: memory
 * ran out) is what answers depend on besides the input; it is taken over. */
int batch_run(const batch *chosen, const inputs *from, json_t *asked, batch_handler handler,
              void *user);

#endif
