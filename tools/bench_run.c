/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of seeded ids, and timed calls on them or on texts. */
#include <stdlib.h>

#include "bench.h"
#include "progress.h"
#include "random.h"

/* Turns of each run. */
#define ROUNDS 10

bool bench_rows_create(bench_rows *rows, uint32_t count, uint32_t length, uint32_t vocab_size,
                       uint64_t seed)
{
    size_t total = (size_t)count * length;
    *rows = (bench_rows){.count = count, .length = length};
    rows->ids = calloc(total, sizeof *rows->ids);
    rows->offsets = calloc((size_t)count + 1, sizeof *rows->offsets);
    if (!rows->ids || !rows->offsets)
        return false;
    for (size_t i = 0; i < total; i++)
        rows->ids[i] = (int32_t)random_below(&seed, vocab_size);
    for (size_t i = 0; i <= count; i++)
        rows->offsets[i] = (uint64_t)i * length;
    return true;
}

void bench_rows_free(bench_rows *rows)
{
    free(rows->ids);
    free(rows->offsets);
    *rows = (bench_rows){0};
}

bool bench_run_create(bench_run *run, sentiment_model *model, uint32_t rows,
                      const sentiment_session_options *options)
{
    *run = (bench_run){.info.struct_size = sizeof run->info};
    run->session = setup_session(model, options);
    if (!run->session)
        return false;
    run->results = calloc(rows, sizeof *run->results);
    if (!run->results) {
        message_no_memory();
        return false;
    }
    return sentiment_session_get_info(run->session, &run->info, NULL) == SENTIMENT_OK;
}

void bench_run_free(bench_run *run)
{
    sentiment_session_free(run->session);
    free(run->results);
    free(run->seconds);
    *run = (bench_run){0};
}

static bool note(bench_run *run, double seconds)
{
    if (run->calls == run->capacity) {
        size_t wanted = run->capacity * 2 + 64;
        double *grown = realloc(run->seconds, wanted * sizeof *grown);
        if (!grown) {
            message_no_memory();
            return false;
        }
        run->seconds = grown;
        run->capacity = wanted;
    }
    run->seconds[run->calls++] = seconds;
    run->total += seconds;
    return true;
}

bool bench_run_call(bench_run *run, const bench_rows *rows, bool keep)
{
    sentiment_error error = {.struct_size = sizeof error};
    run->results[0].struct_size = sizeof *run->results;
    double started = setup_seconds();
    sentiment_status status =
        rows->text ? sentiment_session_predict_batch(run->session, rows->text, rows->offsets,
                                                     rows->count, NULL, run->results, NULL, NULL,
                                                     NULL, &error)
                   : sentiment_session_predict_ids(run->session, rows->ids, rows->offsets,
                                                   rows->count, NULL, run->results, NULL, NULL,
                                                   NULL, &error);
    double seconds = setup_seconds() - started;
    if (status != SENTIMENT_OK) {
        message_error(&error);
        return false;
    }
    if (run->results[0].status != SENTIMENT_OK) {
        message("%s", sentiment_status_name(run->results[0].status));
        return false;
    }
    return !keep || note(run, seconds);
}

/* Two warm calls each (folded rows, caches), then rounds in which every run works
 * for its share of the time, one call at the least: they take turns, and a slow one
 * does not make a fast one run for minutes. */
bool bench_measure(bench_run *runs, size_t count, const bench_rows *rows, double min_seconds)
{
    progress shown;
    bool good = true;
    progress_start(&shown, false);
    for (size_t i = 0; good && i < 2 * count; i++)
        good = bench_run_call(&runs[i % count], rows, false);
    for (size_t turn = 0; good && turn < ROUNDS * count; turn++) {
        bench_run *run = &runs[turn % count];
        double until = min_seconds * (double)(turn / count + 1) / ROUNDS;
        do {
            good = bench_run_call(run, rows, true);
            progress_share(&shown, "measuring", (double)(turn + 1) / (double)(ROUNDS * count));
        } while (good && run->total < until);
    }
    progress_end(&shown);
    return good;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_median(bench_run *run)
{
    size_t half = run->calls / 2;
    if (run->calls == 0)
        return 0;
    qsort(run->seconds, run->calls, sizeof *run->seconds, compare);
    return run->calls % 2 ? run->seconds[half] : (run->seconds[half - 1] + run->seconds[half]) / 2;
}
