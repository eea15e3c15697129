/* SPDX-License-Identifier: Apache-2.0
 *
 * An inference thread: what it does with a batch. A batch of one job is computed
 * in place; one of several is gathered first and handed out afterwards. Results
 * do not depend on the company a text has: the library promises that. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "batcher_parts.h"
#include "served.h"

/* One text in so many batches has its tokenizing measured. */
#define TOKENIZE_EVERY 16
#define IDS_KEEP (64u << 10)
/* How much nicer than the loops: probes, refusals and answers that are ready do not wait
 * for a time slice of what is being computed. */
#define NICER 5

/* Texts, their limits, and where the answers go. */
typedef struct run {
    const char *text;
    const uint64_t *offsets;
    const uint32_t *max_lengths;
    sentiment_result *results;
    float *probabilities;
    size_t count, classes;
} run;

/* Each text for itself, so that what failed for a batch fails for one at most. */
static void compute_singly(sentiment_session *session, const run *what)
{
    for (size_t i = 0; i < what->count; i++) {
        sentiment_result *result = &what->results[i];
        *result =
            (sentiment_result){.struct_size = sizeof *result, .error_offset = SENTIMENT_NO_OFFSET};
        sentiment_status status = sentiment_session_predict_batch(
            session, what->text, what->offsets + i, 1, what->max_lengths + i, result,
            what->probabilities + i * what->classes, NULL, NULL, NULL);
        if (status)
            result->status = status;
    }
}

static void compute(worker *own, served *model, const run *what)
{
    if (what->count == 0)
        return;
    sentiment_session *session = model->sessions[own->index];
    uint64_t begin = job_now();
    sentiment_status status = sentiment_session_predict_batch(
        session, what->text, what->offsets, what->count, what->max_lengths, what->results,
        what->probabilities, NULL, own->only ? own->cancel : NULL, NULL);
    if (status && status != SENTIMENT_ERROR_CANCELLED)
        compute_singly(session, what);
    uint64_t taken = job_now() - begin;
    if (what->count == own->text_count)
        served_note_cost(model, taken, own->tokens);
    serve_metrics_time(own->shard, model->metrics, SERVE_TIME_COMPUTE, taken);
    serve_metrics_count_batch(own->shard, model->metrics, what->count);
}

/* The job's own arrays, from one of its texts on. */
static run run_in_place(const batch_slice *slice)
{
    const job *work = slice->work;
    return (run){.text = work->text ? work->text : "",
                 .offsets = work->offsets + slice->first,
                 .max_lengths = work->max_lengths + slice->first,
                 .results = work->results + slice->first,
                 .probabilities = work->probabilities + slice->first * work->classes,
                 .count = slice->count,
                 .classes = work->classes};
}

static bool reserve(void **array, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return true;
    size_t more = wanted + wanted / 2;
    void *larger = realloc(*array, more * size);
    if (!larger)
        return false;
    *array = larger;
    *capacity = more;
    return true;
}

/* Appends a text to those that are computed; false: no memory. */
static bool gather_row(worker *own, batch_slice *slice, size_t text)
{
    const job *work = slice->work;
    size_t row = own->rows, size = (size_t)(work->offsets[text + 1] - work->offsets[text]);
    if (!reserve((void **)&own->text, &own->text_capacity, own->offsets[row] + size + 1, 1) ||
        !reserve((void **)&own->probabilities, &own->probabilities_capacity,
                 (row + 1) * work->classes, sizeof(float)))
        return false;
    if (size)
        memcpy(own->text + own->offsets[row], work->text + work->offsets[text], size);
    own->offsets[row + 1] = own->offsets[row] + size;
    own->max_lengths[row] = work->max_lengths[text];
    own->results[row] = (sentiment_result){.struct_size = sizeof own->results[row],
                                           .error_offset = SENTIMENT_NO_OFFSET};
    own->origin[row] = (batch_row){slice, text};
    own->rows++;
    return true;
}

/* What got no place in the batch for want of memory. */
static void fail_row(batch_slice *slice, size_t text)
{
    slice->work->results[text].status = SENTIMENT_ERROR_OUT_OF_MEMORY;
}

static void scatter(worker *own, size_t classes)
{
    for (size_t row = 0; row < own->rows; row++) {
        job *work = own->origin[row].slice->work;
        size_t text = own->origin[row].text;
        work->results[text] = own->results[row];
        memcpy(work->probabilities + text * classes, own->probabilities + row * classes,
               classes * sizeof(float));
    }
}

static serve_cache_key row_key(const worker *own, size_t row, const serve_version *version)
{
    return (serve_cache_key){.version = version->number,
                             .max_length = own->max_lengths[row],
                             .ids = own->ids + own->id_offsets[row],
                             .count = own->id_offsets[row + 1] - own->id_offsets[row]};
}

/* The ids of a text behind those of the rows gathered so far; false: it has none
 * (bad UTF-8, no memory) and goes uncached. */
static bool encode_row(worker *own, const served *model, const job *work, size_t text)
{
    size_t row = own->rows, begin = own->id_offsets[row], length = 0;
    const char *bytes = work->text + work->offsets[text];
    size_t size = (size_t)(work->offsets[text + 1] - work->offsets[text]);
    own->id_offsets[row + 1] = begin;
    if (!reserve((void **)&own->ids, &own->ids_capacity, begin + size + 16, sizeof *own->ids))
        return false;
    uint64_t started = job_now();
    sentiment_status status = sentiment_tokenizer_encode(
        model->tokenizer, size ? bytes : "", size, SENTIMENT_UTF8_STRICT, own->ids_capacity - begin,
        own->ids + begin, NULL, NULL, &length, NULL);
    serve_metrics_time(own->shard, model->metrics, SERVE_TIME_TOKENIZE, job_now() - started);
    if (!status)
        own->id_offsets[row + 1] = begin + length;
    return status == SENTIMENT_OK;
}

/* Answers a text from the cache, or gathers it. */
static void look_up(worker *own, const served *model, batch_slice *slice, size_t text)
{
    job *work = slice->work;
    size_t row = own->rows;
    own->max_lengths[row] = work->max_lengths[text];
    if (encode_row(own, model, work, text)) {
        serve_cache_key key = row_key(own, row, work->version);
        bool hit = serve_cache_get(own->all->options.cache, &key, &work->results[text],
                                   work->probabilities + text * work->classes, work->classes);
        serve_metrics_count_cache(own->shard, model->metrics, hit);
        if (hit) {
            slice->hits++;
            return;
        }
    }
    if (!gather_row(own, slice, text))
        fail_row(slice, text);
}

static void keep_rows(worker *own, const serve_version *version, size_t classes)
{
    for (size_t row = 0; row < own->rows; row++) {
        bool encoded = own->id_offsets[row + 1] > own->id_offsets[row];
        if (!encoded || own->results[row].status)
            continue;
        serve_cache_key key = row_key(own, row, version);
        serve_cache_put(own->all->options.cache, &key, &own->results[row],
                        own->probabilities + row * classes, classes);
    }
}

static void predict_gathered(worker *own, served *model)
{
    serve_cache *cache = own->all->options.cache;
    size_t classes = own->slices[0].work->classes;
    own->rows = 0;
    own->offsets[0] = 0;
    own->id_offsets[0] = 0;
    for (size_t i = 0; i < own->slice_count; i++) {
        batch_slice *slice = &own->slices[i];
        for (size_t text = slice->first; text < slice->first + slice->count; text++) {
            if (cache)
                look_up(own, model, slice, text);
            else if (!gather_row(own, slice, text))
                fail_row(slice, text);
        }
    }
    run all = {own->text,          own->offsets, own->max_lengths, own->results,
               own->probabilities, own->rows,    classes};
    compute(own, model, &all);
    scatter(own, classes);
    if (cache && !(own->only && sentiment_cancel_requested(own->cancel)))
        keep_rows(own, own->slices[0].work->version, classes);
}

static bool grow_explanation(job_explanation *why, size_t length, size_t classes)
{
    free(why->contributions);
    free(why->starts);
    free(why->ends);
    why->contributions = calloc(length, classes * sizeof(float));
    why->starts = calloc(length, sizeof *why->starts);
    why->ends = calloc(length, sizeof *why->ends);
    why->capacity = length;
    return why->contributions && why->starts && why->ends;
}

static void explain(worker *own, const served *model, job *work)
{
    job_explanation *why = &work->why;
    why->bias = calloc(work->classes, sizeof(float));
    why->logits = calloc(work->classes, sizeof(float));
    sentiment_status status = SENTIMENT_ERROR_BUFFER_TOO_SMALL;
    /* A token takes a byte of the text and a blank, but for the last one; not so in
     * every tokenizer.json, which is why the call may tell of more. */
    size_t wanted = work->text_size / 2 + 1;
    if (work->max_lengths[0] && wanted > work->max_lengths[0])
        wanted = work->max_lengths[0];
    while (status == SENTIMENT_ERROR_BUFFER_TOO_SMALL) {
        if (!why->bias || !why->logits || !grow_explanation(why, wanted, work->classes)) {
            status = SENTIMENT_ERROR_OUT_OF_MEMORY;
            break;
        }
        status = sentiment_session_explain(
            model->sessions[own->index], work->text ? work->text : "", work->text_size,
            work->max_lengths[0], &work->results[0], why->logits, why->bias, why->capacity,
            why->contributions, why->starts, why->ends, &why->length, NULL);
        wanted = why->length > why->capacity ? why->length : why->capacity + 1;
    }
    work->status = status;
    work->results[0].status = status;
}

/* What was answered is counted where it is answered. */
static void count(worker *own, const served *model)
{
    uint64_t now = job_now();
    for (size_t i = 0; i < own->slice_count; i++) {
        const batch_slice *slice = &own->slices[i];
        const job *work = slice->work;
        if (slice->first == 0)
            serve_metrics_time(own->shard, model->metrics, SERVE_TIME_QUEUE,
                               work->started < now ? work->started - work->queued_at : 0);
    }
}

/* Without a cache nothing is tokenized here; a sample tells what it takes. */
static void sample_tokenizer(worker *own, const served *model)
{
    const job *work = own->slices[0].work;
    if (own->all->options.cache || own->batches++ % TOKENIZE_EVERY)
        return;
    own->rows = 0;
    own->id_offsets[0] = 0;
    encode_row(own, model, work, own->slices[0].first);
}

/* On Linux niceness is a thread's own. Where it is forbidden, all are equal. */
static void give_way(void)
{
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER);
}

void worker_infer(worker *own)
{
    job *first = own->slices[0].work;
    served *model = served_of(first->version);
    if (first->explains) {
        explain(own, model, first);
    } else if (own->slice_count == 1 && !own->all->options.cache) {
        run all = run_in_place(&own->slices[0]);
        compute(own, model, &all);
    } else {
        predict_gathered(own, model);
    }
    if (own->only && sentiment_cancel_requested(own->cancel))
        return;
    count(own, model);
    sample_tokenizer(own, model);
}

void *worker_run(void *user)
{
    worker *own = user;
    give_way();
    own->shard = serve_metrics_join(own->all->options.metrics);
    while (batcher_take(own)) {
        job *first = own->slices[0].work;
        if (first->run)
            first->run(first);
        else
            worker_infer(own);
        batcher_give(own);
        if (own->ids_capacity > IDS_KEEP) {
            free(own->ids);
            own->ids = NULL;
            own->ids_capacity = 0;
        }
    }
    serve_metrics_leave(own->all->options.metrics, own->shard);
    return NULL;
}

void worker_free(worker *own)
{
    sentiment_cancel_free(own->cancel);
    free(own->text);
    free(own->probabilities);
    free(own->ids);
}
