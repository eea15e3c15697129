/* SPDX-License-Identifier: Apache-2.0
 *
 * Dynamic batching: threads that take texts of many requests out of one queue
 * and compute them together. A batch holds texts up to a budget of tokens, all
 * for one version of a model, in the order they came; a request that is larger
 * than the budget is split over batches, also of several threads. Nothing waits
 * for company unless asked to: an idle thread takes what is there.
 *
 * Waking a thread and being woken by it costs about as much as a short text does.
 * So a thread that has other work, an event loop, may be a helper: it computes
 * what little it has handed in itself, once it has nothing else to do. */
#ifndef TOOLS_SERVE_BATCHER_H
#define TOOLS_SERVE_BATCHER_H

#include "cache.h"
#include "job.h"
#include "metrics.h"

typedef struct batcher batcher;

typedef struct batcher_options {
    uint32_t workers;   /* threads */
    uint32_t helpers;   /* threads of others that may call batcher_help() */
    uint32_t tokens;    /* of a batch, estimated from the bytes of its texts */
    uint32_t wait;      /* microseconds for a batch to fill; 0: none */
    uint32_t limit;     /* texts that may wait, in job_units */
    serve_cache *cache; /* NULL: none */
    serve_metrics *metrics;
    void (*finished)(job *work); /* called by a worker; the job is the loop's again */
} batcher_options;

/* NULL: no memory, or no threads. */
batcher *batcher_create(const batcher_options *options);
/* The threads finish what is queued and end. NULL is fine. */
void batcher_free(batcher *all);

/* Queues a job that is prepared; false: too many texts wait. */
bool batcher_submit(batcher *all, job *work);
/* The same from a helper, which keeps the sum of what it owes. Where that is not zero
 * afterwards, it must call batcher_help() before it sleeps: perhaps nobody else will take
 * the job. */
bool batcher_submit_helping(batcher *all, job *work, uint64_t *owed);
/* Computes a batch of light jobs, of any thread, if they still wait; for the helper with
 * this number, counted from 0. `finished` is called for them before it returns. */
void batcher_help(batcher *all, uint32_t helper, serve_metrics_shard *shard);
/* The answer is not wanted any more. True: the job has left the queue and is the
 * caller's again; false: `finished` will be called for it, soon. */
bool batcher_cancel(batcher *all, job *work);
/* Texts that wait, in job_units. */
size_t batcher_depth(batcher *all);

#endif
