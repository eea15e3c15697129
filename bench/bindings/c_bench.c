/* SPDX-License-Identifier: Apache-2.0
 *
 * What the bindings are held against: the same work in C.
 *
 *     c_bench MODEL single ROUNDS        {"single": seconds a call of predict}
 *     c_bench MODEL batch FILE ROUNDS    {"batch": seconds of predict_batch over the lines}
 *
 * Medians over the rounds; a round of `single` is 20,000 calls with a short text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sentiment/sentiment.h>

#include "../clock.h"
#include "../rivals/worker.h"

#define CALLS 20000

typedef struct work {
    sentiment_session *session;
    size_t classes;
    const char *text;
    uint64_t *offsets;
    size_t count;
    sentiment_result *results;
    float *probabilities;
} work;

static int one_round(const work *w)
{
    int failed = 0;
    if (w->offsets) {
        w->results[0].struct_size = sizeof *w->results;
        return sentiment_session_predict_batch(w->session, w->text, w->offsets, w->count, NULL,
                                               w->results, w->probabilities, NULL, NULL, NULL);
    }
    for (int call = 0; call < CALLS && !failed; call++)
        failed = sentiment_session_predict(w->session, w->text, strlen(w->text), 0, w->results,
                                           w->probabilities, NULL, NULL);
    return failed;
}

static int ascending(const void *a, const void *b)
{
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static int measure(const work *w, int rounds)
{
    double *seconds = calloc((size_t)rounds, sizeof *seconds);
    int failed = !seconds || one_round(w); /* warms up */
    for (int round = 0; round < rounds && !failed; round++) {
        double start = now();
        failed = one_round(w);
        seconds[round] = (now() - start) / (w->offsets ? 1 : CALLS);
    }
    if (!failed) {
        qsort(seconds, (size_t)rounds, sizeof *seconds, ascending);
        printf("{\"%s\": %.9g}\n", w->offsets ? "batch" : "single", seconds[rounds / 2]);
    }
    free(seconds);
    return failed;
}

/* Closes the gaps of the newlines; offsets for every line. */
static void split(char *text, size_t size, work *w)
{
    size_t used = 0;
    w->offsets = calloc(size + 1, sizeof *w->offsets);
    for (size_t i = 0; i < size && w->offsets; i++)
        if (text[i] == '\n')
            w->offsets[++w->count] = used;
        else
            text[used++] = text[i];
}

static int open_model(const char *path, sentiment_model **model, work *w)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_info info = {.struct_size = sizeof info};
    int failed = sentiment_model_load(path, NULL, model, &error) ||
                 sentiment_model_get_info(*model, &info, &error) ||
                 sentiment_session_create(*model, NULL, &w->session, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    w->classes = info.num_classes;
    return failed;
}

int main(int argc, char **argv)
{
    work w = {.text = "word_1 word_2 word_3", .count = 0};
    sentiment_model *model = NULL;
    size_t size = 0;
    char *text = NULL;
    int batch = argc == 5 && strcmp(argv[2], "batch") == 0;
    if (!batch && (argc != 4 || strcmp(argv[2], "single"))) {
        fprintf(stderr, "usage: c_bench MODEL single ROUNDS | batch FILE ROUNDS\n");
        return 2;
    }
    if (open_model(argv[1], &model, &w) || (batch && !(text = worker_read_file(argv[3], &size))))
        return 1;
    if (batch) {
        split(text, size, &w);
        w.text = text;
    }
    w.results = calloc(w.count + 1, sizeof *w.results);
    w.probabilities = calloc((w.count + 1) * w.classes, sizeof *w.probabilities);
    if (!w.results || !w.probabilities || (batch && !w.offsets))
        return 1;
    w.results[0].struct_size = sizeof *w.results;
    int failed = measure(&w, atoi(argv[argc - 1]));
    free(w.probabilities);
    free(w.results);
    free(w.offsets);
    free(text);
    sentiment_session_free(w.session);
    sentiment_model_free(model);
    return failed;
}
