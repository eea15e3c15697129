/* SPDX-License-Identifier: Apache-2.0
 *
 * libsentiment as a rival: native.c MODEL MODE THREADS, with mode fp32, int8, or
 * unsettled: fp32 that runs every step of the padding. Speaks the protocol of
 * worker.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sentiment/sentiment.h>

#include "worker.h"

#define MAX_LENGTH 65536

typedef struct native {
    sentiment_model *model;
    sentiment_session_options options;
    sentiment_session *session;
    int32_t *ids; /* without the padding, which the library adds itself */
    uint64_t *offsets;
    sentiment_result *results;
} native;

static void forget(native *self)
{
    free(self->ids);
    free(self->offsets);
    free(self->results);
    self->ids = NULL;
    self->offsets = NULL;
    self->results = NULL;
}

static int make_session(native *self, const worker_case *work)
{
    sentiment_error error = {.struct_size = sizeof error};
    int32_t padding =
        work->words < work->length ? SENTIMENT_PADDING_MAX_LENGTH : SENTIMENT_PADDING_NONE;
    if (self->session && self->options.padding == padding)
        return 1;
    sentiment_session_free(self->session);
    self->session = NULL;
    self->options.padding = padding;
    self->options.max_length =
        padding == SENTIMENT_PADDING_NONE ? MAX_LENGTH : (uint32_t)work->length;
    if (sentiment_session_create(self->model, &self->options, &self->session, &error))
        fprintf(stderr, "%s\n", error.message);
    return self->session != NULL;
}

static int prepare(void *user, const worker_case *work)
{
    native *self = user;
    forget(self);
    self->ids = calloc(work->batch * work->words, sizeof *self->ids);
    self->offsets = calloc(work->batch + 1, sizeof *self->offsets);
    self->results = calloc(work->batch, sizeof *self->results);
    if (!self->ids || !self->offsets || !self->results)
        return 0;
    for (size_t i = 0; i < work->batch; i++) {
        memcpy(self->ids + i * work->words, work->ids + i * work->length,
               work->words * sizeof *self->ids);
        self->offsets[i + 1] = (i + 1) * work->words;
    }
    return make_session(self, work);
}

static int run(void *user, const worker_case *work, float *logits)
{
    native *self = user;
    sentiment_error error = {.struct_size = sizeof error};
    self->results[0].struct_size = sizeof *self->results;
    if (sentiment_session_predict_ids(self->session, self->ids, self->offsets, work->batch, NULL,
                                      self->results, NULL, logits, NULL, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_info info = {.struct_size = sizeof info};
    native self = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: native MODEL fp32|int8|unsettled THREADS\n");
        return 2;
    }
    sentiment_session_options_init(&self.options);
    self.options.precision =
        strcmp(argv[2], "int8") ? SENTIMENT_PRECISION_FP32 : SENTIMENT_PRECISION_INT8;
    self.options.disable_settled_tail = strcmp(argv[2], "unsettled") == 0;
    self.options.threads = (uint32_t)strtoul(argv[3], NULL, 10);
    int status = 1;
    if (sentiment_model_load(argv[1], NULL, &self.model, &error) ||
        sentiment_model_get_info(self.model, &info, &error))
        fprintf(stderr, "%s\n", error.message);
    else
        status = worker_serve(prepare, run, &self, info.num_classes);
    forget(&self);
    sentiment_session_free(self.session);
    sentiment_model_free(self.model);
    return status;
}
