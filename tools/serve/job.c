/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of jobs. Arrays grow to what requests need and shrink again only when
 * a request was unusually large, so that the ordinary one allocates nothing. */
#include "job.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEEP_BYTES (64u << 10)
#define KEEP_TEXTS 64u

uint64_t job_now(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

job *job_create(struct loop *loop)
{
    job *work = calloc(1, sizeof *work);
    if (work)
        work->loop = loop;
    return work;
}

static void free_explanation(job_explanation *why)
{
    free(why->bias);
    free(why->logits);
    free(why->contributions);
    free(why->starts);
    free(why->ends);
    *why = (job_explanation){0};
}

static void free_arrays(job *work)
{
    free(work->offsets);
    free(work->max_lengths);
    free(work->results);
    free(work->probabilities);
    work->offsets = NULL;
    work->max_lengths = NULL;
    work->results = NULL;
    work->probabilities = NULL;
    work->capacity = work->probabilities_capacity = 0;
}

void job_reset(job *work)
{
    struct loop *loop = work->loop;
    serve_registry_release(work->version);
    serve_registry_release(work->shadow);
    free(work->expected);
    free_explanation(&work->why);
    if (work->text_capacity > KEEP_BYTES) {
        free(work->text);
        work->text = NULL;
        work->text_capacity = 0;
    }
    if (work->capacity > KEEP_TEXTS)
        free_arrays(work);
    *work = (job){.loop = loop,
                  .text = work->text,
                  .text_capacity = work->text_capacity,
                  .capacity = work->capacity,
                  .offsets = work->offsets,
                  .max_lengths = work->max_lengths,
                  .results = work->results,
                  .probabilities = work->probabilities,
                  .probabilities_capacity = work->probabilities_capacity};
}

void job_free(job *work)
{
    if (!work)
        return;
    job_reset(work);
    free_arrays(work);
    free(work->text);
    free(work);
}

static bool grow(void **array, size_t count, size_t size)
{
    void *larger = realloc(*array, count * size);
    if (larger)
        *array = larger;
    return larger != NULL;
}

static bool grow_arrays(job *work)
{
    size_t wanted = work->capacity ? work->capacity * 2 : 4;
    if (!grow((void **)&work->offsets, wanted + 1, sizeof *work->offsets) ||
        !grow((void **)&work->max_lengths, wanted, sizeof *work->max_lengths) ||
        !grow((void **)&work->results, wanted, sizeof *work->results))
        return false;
    work->capacity = wanted;
    return true;
}

static bool grow_text(job *work, size_t size)
{
    size_t wanted = work->text_capacity < 256 ? 256 : work->text_capacity;
    while (wanted - work->text_size < size)
        wanted *= 2;
    if (wanted == work->text_capacity)
        return true;
    if (!grow((void **)&work->text, wanted, 1))
        return false;
    work->text_capacity = wanted;
    return true;
}

bool job_add(job *work, const char *text, size_t size, uint32_t max_length)
{
    if (!grow_text(work, size) || (work->count == work->capacity && !grow_arrays(work)))
        return false;
    if (size)
        memcpy(work->text + work->text_size, text, size);
    work->offsets[work->count] = work->text_size;
    work->max_lengths[work->count] = max_length;
    work->text_size += size;
    work->count++;
    work->offsets[work->count] = work->text_size;
    return true;
}

static size_t units_of(const job *work, size_t text)
{
    uint64_t most = work->max_lengths[text] ? work->max_lengths[text] : work->model_length;
    uint64_t tokens = (work->offsets[text + 1] - work->offsets[text]) / JOB_TOKEN_BYTES + 1;
    if (most && (work->pads || most < tokens))
        tokens = most;
    return (size_t)((tokens + JOB_UNIT - 1) / JOB_UNIT);
}

size_t job_units(const job *work, size_t first, size_t count)
{
    size_t sum = 0;
    for (size_t text = first; text < first + count; text++)
        sum += units_of(work, text);
    return sum;
}

bool job_prepare(job *work, size_t classes)
{
    size_t wanted = work->count * classes;
    work->classes = classes;
    for (size_t i = 0; i < work->count; i++)
        work->results[i] = (sentiment_result){.struct_size = sizeof(sentiment_result),
                                              .error_offset = SENTIMENT_NO_OFFSET};
    if (wanted <= work->probabilities_capacity)
        return true;
    if (!grow((void **)&work->probabilities, wanted, sizeof *work->probabilities))
        return false;
    work->probabilities_capacity = wanted;
    return true;
}
