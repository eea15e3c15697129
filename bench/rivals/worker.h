/* SPDX-License-Identifier: Apache-2.0
 *
 * The side of a rival that answers bench.py. A rival is a process that waits on
 * its standard input for lines
 *
 *     IDS-FILE BATCH LENGTH WORDS SECONDS
 *
 * with BATCH x LENGTH token ids (int32, row-major) in the file, of which those
 * behind the first WORDS of a row are padding (0), runs the whole network on them
 * for about SECONDS, and answers with one line of JSON: the seconds of each call
 * and the logits. While one rival computes, the others
 * wait for their turn and use no processor. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stddef.h>
#include <stdint.h>

typedef struct worker_case {
    const int32_t *ids; /* [batch][length] */
    size_t batch;
    size_t length;
    size_t words;
} worker_case;

/* Makes ready for a shape; false ends the process. */
typedef int (*worker_prepare_fn)(void *user, const worker_case *work);
/* One call on the whole batch; logits: [batch][classes]. */
typedef int (*worker_run_fn)(void *user, const worker_case *work, float *logits);

/* Answers lines until the end of input; the exit status. */
int worker_serve(worker_prepare_fn prepare, worker_run_fn run, void *user, size_t classes);

/* The whole file, NULL and a message if it cannot be read. */
void *worker_read_file(const char *path, size_t *size);

#endif
