/* SPDX-License-Identifier: Apache-2.0
 *
 * See worker.h. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "../clock.h"

/* The first calls fill caches and tables; they are not timed. One does for slow ones. */
#define WARM_CALLS 2
#define MAX_CALLS 100000

void *worker_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    void *bytes = NULL;
    long length = -1;
    if (file && fseek(file, 0, SEEK_END) == 0)
        length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0)
        bytes = malloc((size_t)length + 1);
    if (bytes && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    if (!bytes)
        fprintf(stderr, "%s: cannot be read\n", path);
    *size = bytes ? (size_t)length : 0;
    return bytes;
}

static void print_answer(const double *seconds, size_t calls, const float *logits, size_t count)
{
    printf("{\"seconds\": [");
    for (size_t i = 0; i < calls; i++)
        printf("%s%.9g", i ? ", " : "", seconds[i]);
    printf("], \"logits\": [");
    for (size_t i = 0; i < count; i++)
        printf("%s%.9g", i ? ", " : "", (double)logits[i]);
    printf("]}\n");
    fflush(stdout);
}

static int answer(worker_prepare_fn prepare, worker_run_fn run, void *user, size_t classes,
                  const worker_case *work, double limit)
{
    static double seconds[MAX_CALLS];
    size_t calls = 0;
    float *logits = calloc(work->batch * classes, sizeof *logits);
    int good = logits && prepare(user, work);
    double begin = now(), last = begin;
    for (int i = 0; good && i < WARM_CALLS && last - begin < limit; i++) {
        good = run(user, work, logits);
        last = now();
    }
    begin = last;
    while (good && calls < MAX_CALLS && (calls < 1 || last - begin < limit)) {
        double start = now();
        good = run(user, work, logits);
        last = now();
        seconds[calls++] = last - start;
    }
    if (good)
        print_answer(seconds, calls, logits, work->batch * classes);
    free(logits);
    return good;
}

int worker_serve(worker_prepare_fn prepare, worker_run_fn run, void *user, size_t classes)
{
    char line[4096], path[4000];
    unsigned long batch, length, words;
    double limit;
    while (fgets(line, sizeof line, stdin)) {
        size_t size;
        if (sscanf(line, "%3999s %lu %lu %lu %lf", path, &batch, &length, &words, &limit) != 5) {
            fprintf(stderr, "expected: IDS-FILE BATCH LENGTH WORDS SECONDS\n");
            return 2;
        }
        void *ids = worker_read_file(path, &size);
        worker_case work = {ids, batch, length, words};
        int good = ids && size == batch * length * sizeof(int32_t) &&
                   answer(prepare, run, user, classes, &work, limit);
        free(ids);
        if (!good)
            return 1;
    }
    return 0;
}
