/* SPDX-License-Identifier: Apache-2.0
 *
 * The job of an answered request is used again for the shadow, texts and all.
 * Shadows take part only while the queue is less than half full: they never
 * cost a request its place. */
#include "shadow.h"

#include <stdlib.h>

#include "loop.h"
#include "served.h"

static bool keep_predictions(job *work)
{
    work->expected = calloc(work->count, sizeof *work->expected);
    for (size_t i = 0; work->expected && i < work->count; i++)
        work->expected[i] = work->results[i].prediction;
    return work->expected != NULL;
}

static bool all_answered(const job *work)
{
    bool answered = work->status == SENTIMENT_OK && !work->explains;
    for (size_t i = 0; answered && i < work->count; i++)
        answered = work->results[i].status == SENTIMENT_OK;
    return answered;
}

bool shadow_begin(loop *own, job *work)
{
    batcher *all = own->server->batcher;
    if (!work->shadow || !all_answered(work) ||
        batcher_depth(all) + job_units(work, 0, work->count) > own->server->settings->queue / 2 ||
        !keep_predictions(work))
        return false;
    serve_registry_release(work->version);
    work->version = work->shadow;
    work->shadow = NULL;
    work->is_shadow = true;
    work->started = 0;
    work->hits = 0;
    return job_prepare(work, served_of(work->version)->info.num_classes) &&
           batcher_submit(all, work);
}

void shadow_end(loop *own, const job *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->results[i].status == SENTIMENT_OK)
            serve_metrics_count_shadow(own->shard, served_of(work->version)->metrics,
                                       work->results[i].prediction == work->expected[i]);
}
