/* SPDX-License-Identifier: Apache-2.0
 *
 * The work that `sentiment bench` times, and how it is timed. */
#ifndef TOOLS_BENCH_H
#define TOOLS_BENCH_H

#include "setup.h"

/* One batch: rows of token ids, all of the same length, or texts. */
typedef struct bench_rows {
    int32_t *ids;      /* [count][length] */
    const char *text;  /* NULL: ids; else the caller's, and `length` means nothing */
    uint64_t *offsets; /* [count + 1] */
    uint32_t count, length;
} bench_rows;

/* One engine and the times of its calls. */
typedef struct bench_run {
    sentiment_session *session;
    sentiment_session_info info;
    sentiment_result *results; /* [rows] */
    double *seconds;           /* [calls], sorted by bench_median */
    size_t calls, capacity;
    double total;
} bench_run;

/* Uniform ids below vocab_size; false: memory ran out. */
bool bench_rows_create(bench_rows *rows, uint32_t count, uint32_t length, uint32_t vocab_size,
                       uint64_t seed);
void bench_rows_free(bench_rows *rows);

bool bench_run_create(bench_run *run, sentiment_model *model, uint32_t rows,
                      const sentiment_session_options *options);
void bench_run_free(bench_run *run);
/* One call on the whole batch; `keep` its time. False: reported on stderr. */
bool bench_run_call(bench_run *run, const bench_rows *rows, bool keep);
/* Lets the runs take turns until each has had at least `min_seconds`, with a line
 * of progress on a terminal. False: reported on stderr. */
bool bench_measure(bench_run *runs, size_t count, const bench_rows *rows, double min_seconds);
double bench_median(bench_run *run);

#endif
