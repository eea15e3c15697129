/* SPDX-License-Identifier: Apache-2.0
 *
 * libsentiment from end to end: native_texts.c MODEL PRECISION THREADS TEXTS
 * SECONDS. TEXTS has a text a line; each call tokenizes and classifies all of
 * them in one batch. Prints the seconds of each call as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sentiment/sentiment.h>

#include "../clock.h"
#include "worker.h"

/* Closes the gaps of the newlines; returns the number of lines. */
static size_t split(char *text, size_t size, uint64_t *offsets)
{
    size_t count = 0, used = 0;
    offsets[0] = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            offsets[++count] = used;
        else
            text[used++] = text[i];
    }
    return count;
}

static int measure(sentiment_session *session, const char *text, const uint64_t *offsets,
                   size_t count, double limit)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result *results = calloc(count, sizeof *results);
    double begin = now(), last = begin;
    if (!results)
        return 1;
    printf("[");
    for (int call = -1; call < 3 || last - begin < limit; call++) {
        double start = now();
        results[0].struct_size = sizeof *results;
        if (sentiment_session_predict_batch(session, text, offsets, count, NULL, results, NULL,
                                            NULL, NULL, &error)) {
            fprintf(stderr, "%s\n", error.message);
            free(results);
            return 1;
        }
        last = now();
        if (call >= 0) /* the first call only warms up */
            printf("%s%.9g", call ? ", " : "", last - start);
        else
            begin = last;
    }
    printf("]\n");
    free(results);
    return 0;
}

int main(int argc, char **argv)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session_options options;
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    size_t size = 0;
    if (argc != 6) {
        fprintf(stderr, "usage: native_texts MODEL fp32|int8 THREADS TEXTS SECONDS\n");
        return 2;
    }
    sentiment_session_options_init(&options);
    options.precision = strcmp(argv[2], "int8") ? SENTIMENT_PRECISION_FP32
                                                : SENTIMENT_PRECISION_INT8;
    options.threads = (uint32_t)strtoul(argv[3], NULL, 10);
    char *text = worker_read_file(argv[4], &size);
    uint64_t *offsets = calloc(size + 1, sizeof *offsets);
    int status = 1;
    if (text && offsets && !sentiment_model_load(argv[1], NULL, &model, &error) &&
        !sentiment_session_create(model, &options, &session, &error))
        status = measure(session, text, offsets, split(text, size, offsets), atof(argv[5]));
    else
        fprintf(stderr, "%s\n", error.message);
    sentiment_session_free(session);
    sentiment_model_free(model);
    free(offsets);
    free(text);
    return status;
}
