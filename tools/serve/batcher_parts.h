/* SPDX-License-Identifier: Apache-2.0
 *
 * What batcher.c and worker.c share, and nobody else includes. */
#ifndef TOOLS_SERVE_BATCHER_PARTS_H
#define TOOLS_SERVE_BATCHER_PARTS_H

#include <pthread.h>

#include "batcher.h"

/* Requests and texts of a batch. */
#define WORKER_SLICES 64
#define WORKER_TEXTS 512

/* Texts [first, first + count) of a job. */
typedef struct batch_slice {
    job *work;
    size_t first, count;
    uint32_t hits; /* of the cache */
} batch_slice;

/* A text of a job. */
typedef struct batch_row {
    batch_slice *slice;
    size_t text;
} batch_row;

typedef struct worker {
    batcher *all;
    uint32_t index;
    bool running;
    pthread_t thread;
    sentiment_cancel *cancel;
    job *only; /* under the lock: the batch at hand is for this job alone */
    serve_metrics_shard *shard;
    batch_slice slices[WORKER_SLICES];
    size_t slice_count, text_count;
    uint64_t tokens; /* of the batch at hand, estimated */
    uint64_t left;   /* of a helper: nanoseconds that the batch may still take */

    /* The texts that are computed, where they do not lie together in a job. */
    char *text;
    size_t text_capacity;
    size_t rows;
    batch_row origin[WORKER_TEXTS];
    uint64_t offsets[WORKER_TEXTS + 1];
    uint32_t max_lengths[WORKER_TEXTS];
    sentiment_result results[WORKER_TEXTS];
    float *probabilities; /* [WORKER_TEXTS][classes] */
    size_t probabilities_capacity;

    /* Keys of the cache, of those texts. */
    int32_t *ids;
    size_t ids_capacity;
    size_t id_offsets[WORKER_TEXTS + 1];
    uint64_t batches;
} worker;

struct batcher {
    batcher_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    job *first, *last;
    size_t depth; /* what texts that nobody took cost, in job_units */
    unsigned idle;
    bool stopping;
    worker *workers; /* [workers + helpers], the helpers last; those have no thread */
};

/* Waits for texts and takes a batch of them; false: the end. */
bool batcher_take(worker *own);
/* Gives the batch back as done. */
void batcher_give(worker *own);

void *worker_run(void *own);
/* Computes the batch at hand. */
void worker_infer(worker *own);
void worker_free(worker *own);

#endif
