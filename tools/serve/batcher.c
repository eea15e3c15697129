/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue, and the rules by which a worker takes texts from it. What a worker
 * does with them stands in worker.c.
 *
 * One lock guards the queue and the fields of jobs that tell how far they are;
 * it is held for some list steps at a time, never while anything is computed. */
#include "batcher_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "served.h"

/* Bytes behind max_length that cost as much as one token before it. */
#define BYTES_IGNORED 64
/* Tokens of a text, where only the number of texts is known. */
#define TOKENS_PER_TEXT 16
/* Jobs that a worker looks at for ones of its version. */
#define SCAN_LIMIT 256
/* Nanoseconds that a helper computes at a time: probes wait no longer for it. */
#define HELP_AT_MOST UINT64_C(500000)
/* Texts of a job that may be light. */
#define LIGHT_TEXTS 16

static void unlink_job(batcher *all, job *work)
{
    *(work->previous ? &work->previous->next : &all->first) = work->next;
    *(work->next ? &work->next->previous : &all->last) = work->previous;
    work->next = work->previous = NULL;
    work->queued = false;
}

static void append_job(batcher *all, job *work)
{
    work->previous = all->last;
    work->next = NULL;
    *(all->last ? &all->last->next : &all->first) = work;
    all->last = work;
    work->queued = true;
}

/* Tokens beyond the limit cost no more than being found. */
static uint64_t estimate(const job *work, size_t text)
{
    uint64_t bytes = work->offsets[text + 1] - work->offsets[text];
    uint64_t tokens = bytes / JOB_TOKEN_BYTES + 1, most = work->max_lengths[text];
    return most && most < tokens ? most + bytes / BYTES_IGNORED : tokens;
}

/* Nanoseconds that a job will take, from what others took; more than a helper has where
 * that is not known, and for what is no inference of some texts, or of padded ones, whose
 * bytes tell little. */
static uint64_t cost(const job *work)
{
    if (work->run || work->explains || work->pads || work->count > LIGHT_TEXTS)
        return HELP_AT_MOST + 1;
    uint64_t of_token = served_token_cost(served_of(work->version)), sum = 0;
    if (of_token == 0)
        return HELP_AT_MOST + 1;
    for (size_t i = 0; i < work->count; i++)
        sum += estimate(work, i) * of_token;
    return sum;
}

/* Whether the helper takes the job upon itself: together with what it owes it is light,
 * and nothing waits that is not. */
static bool promise(const batcher *all, const job *work, uint64_t *owed)
{
    if (!owed || all->options.wait || (all->first && *owed == 0))
        return false;
    uint64_t more = cost(work);
    bool light = *owed + more <= HELP_AT_MOST;
    if (light)
        *owed += more;
    return light;
}

static bool submit(batcher *all, job *work, uint64_t *owed)
{
    work->claimed = work->done = 0;
    work->slices = 0;
    work->cancelled = false;
    work->queued_at = job_now();
    size_t units = job_units(work, 0, work->count), limit = all->options.limit;
    pthread_mutex_lock(&all->lock);
    /* Long texts of one request may cost more than the queue holds: alone they pass. */
    bool room = all->depth + units <= limit || (all->depth == 0 && work->count <= limit);
    bool wake = room && !promise(all, work, owed) && all->idle > 0;
    if (room) {
        append_job(all, work);
        all->depth += units;
    }
    pthread_mutex_unlock(&all->lock);
    if (wake)
        pthread_cond_signal(&all->wake);
    return room;
}

bool batcher_submit(batcher *all, job *work)
{
    return submit(all, work, NULL);
}

bool batcher_submit_helping(batcher *all, job *work, uint64_t *owed)
{
    return submit(all, work, owed);
}

/* Stops the one computation that is for nobody else. */
static void stop_workers(batcher *all, const job *work)
{
    for (uint32_t i = 0; i < all->options.workers + all->options.helpers; i++)
        if (all->workers[i].only == work)
            sentiment_cancel_request(all->workers[i].cancel);
}

bool batcher_cancel(batcher *all, job *work)
{
    pthread_mutex_lock(&all->lock);
    /* One that is in the queue and with no worker will never be finished by any. */
    bool ours = work->queued && work->slices == 0;
    if (work->queued) {
        all->depth -= job_units(work, work->claimed, work->count - work->claimed);
        unlink_job(all, work);
    }
    work->cancelled = true;
    stop_workers(all, work);
    pthread_mutex_unlock(&all->lock);
    return ours;
}

size_t batcher_depth(batcher *all)
{
    pthread_mutex_lock(&all->lock);
    size_t depth = all->depth;
    pthread_mutex_unlock(&all->lock);
    return depth;
}

/* Takes texts of one job while they fit; the first text of a batch always does. */
static void take_slice(worker *own, job *work)
{
    batch_slice *slice = &own->slices[own->slice_count];
    *slice = (batch_slice){.work = work, .first = work->claimed};
    while (work->claimed < work->count && own->text_count < WORKER_TEXTS) {
        uint64_t more = estimate(work, work->claimed);
        if (own->text_count > 0 && own->tokens + more > own->all->options.tokens)
            break;
        own->tokens += more;
        work->claimed++;
        slice->count++;
        own->text_count++;
    }
    if (slice->count == 0)
        return;
    own->slice_count++;
    work->slices++;
    own->all->depth -= job_units(work, slice->first, slice->count);
    if (work->started == 0)
        work->started = job_now();
}

static bool is_helper(const worker *own)
{
    return own->index >= own->all->options.workers;
}

/* Explanations, and what is no inference, run alone; texts run with others of their
 * version. */
static bool fits(const worker *own, const job *work)
{
    if (is_helper(own) && cost(work) > own->left)
        return false;
    if (own->slice_count == 0)
        return true;
    const job *first = own->slices[0].work;
    return !first->explains && !work->explains && !first->run && !work->run &&
           work->version == first->version;
}

/* What others took may have become more since it was looked at. */
static void spend(worker *own, const job *work)
{
    uint64_t nanoseconds = cost(work);
    own->left -= nanoseconds < own->left ? nanoseconds : own->left;
}

static void take_batch(worker *own)
{
    batcher *all = own->all;
    size_t seen = 0;
    own->slice_count = own->text_count = 0;
    own->tokens = 0;
    own->left = HELP_AT_MOST;
    job *next = NULL;
    for (job *work = all->first; work && own->slice_count < WORKER_SLICES && seen < SCAN_LIMIT;
         work = next, seen++) {
        next = work->next;
        if (!fits(own, work))
            continue;
        if (is_helper(own))
            spend(own, work);
        take_slice(own, work);
        if (work->claimed == work->count)
            unlink_job(all, work);
        else
            break;
    }
    own->only = own->slice_count == 1 ? own->slices[0].work : NULL;
    if (own->only)
        sentiment_cancel_reset(own->cancel);
}

/* Until the oldest text has waited as long as it may, or the budget is there. */
static void wait_for_company(batcher *all)
{
    uint64_t until = all->first->queued_at + all->options.wait * UINT64_C(1000);
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000u),
                          .tv_nsec = (long)(until % 1000000000u)};
    all->idle++;
    while (all->first && !all->stopping && all->depth * TOKENS_PER_TEXT < all->options.tokens &&
           pthread_cond_timedwait(&all->wake, &all->lock, &at) != ETIMEDOUT) {
    }
    all->idle--;
}

bool batcher_take(worker *own)
{
    batcher *all = own->all;
    pthread_mutex_lock(&all->lock);
    own->only = NULL;
    do {
        while (!all->first && !all->stopping) {
            all->idle++;
            pthread_cond_wait(&all->wake, &all->lock);
            all->idle--;
        }
        if (all->first && all->options.wait)
            wait_for_company(all);
        take_batch(own);
    } while (own->slice_count == 0 && !all->stopping);
    bool more = all->first && all->idle > 0;
    bool taken = own->slice_count > 0;
    pthread_mutex_unlock(&all->lock);
    if (more)
        pthread_cond_signal(&all->wake);
    return taken;
}

void batcher_give(worker *own)
{
    batcher *all = own->all;
    job *finished[WORKER_SLICES];
    size_t count = 0;
    uint64_t now = job_now();
    pthread_mutex_lock(&all->lock);
    own->only = NULL;
    for (size_t i = 0; i < own->slice_count; i++) {
        job *work = own->slices[i].work;
        work->done += own->slices[i].count;
        work->hits += own->slices[i].hits;
        bool complete = work->done == (work->cancelled ? work->claimed : work->count);
        if (--work->slices == 0 && complete) {
            work->finished = now;
            finished[count++] = work;
        }
    }
    own->slice_count = 0;
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < count; i++)
        all->options.finished(finished[i]);
}

void batcher_help(batcher *all, uint32_t helper, serve_metrics_shard *shard)
{
    worker *own = &all->workers[all->options.workers + helper];
    own->shard = shard;
    pthread_mutex_lock(&all->lock);
    take_batch(own);
    bool more = all->first && all->idle > 0;
    pthread_mutex_unlock(&all->lock);
    if (more)
        pthread_cond_signal(&all->wake);
    if (own->slice_count == 0)
        return;
    worker_infer(own);
    batcher_give(own);
}

static bool start(batcher *all)
{
    for (uint32_t i = 0; i < all->options.workers + all->options.helpers; i++) {
        worker *own = &all->workers[i];
        own->all = all;
        own->index = i;
        if (sentiment_cancel_create(&own->cancel, NULL) != SENTIMENT_OK)
            return false;
        if (is_helper(own))
            continue;
        own->running = pthread_create(&own->thread, NULL, worker_run, own) == 0;
        if (!own->running)
            return false;
    }
    return true;
}

batcher *batcher_create(const batcher_options *options)
{
    batcher *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&all->lock, NULL);
    all->options = *options;
    all->workers = calloc((size_t)options->workers + options->helpers, sizeof *all->workers);
    if (all->workers && start(all))
        return all;
    batcher_free(all);
    return NULL;
}

void batcher_free(batcher *all)
{
    if (!all)
        return;
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    pthread_mutex_unlock(&all->lock);
    pthread_cond_broadcast(&all->wake);
    for (uint32_t i = 0; all->workers && i < all->options.workers + all->options.helpers; i++) {
        worker *own = &all->workers[i];
        if (own->running)
            pthread_join(own->thread, NULL);
        worker_free(own);
    }
    pthread_cond_destroy(&all->wake);
    pthread_mutex_destroy(&all->lock);
    free(all->workers);
    free(all);
}
