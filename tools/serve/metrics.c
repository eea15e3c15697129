/* SPDX-License-Identifier: Apache-2.0
 *
 * Shards, rooms for versions, and the counting itself. Locks are taken where a
 * thread or a version comes or goes, never where something is counted. */
#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "metrics_private.h"
#include "utf8.h"

enum { OTHER_MODEL = SERVE_METRICS_MODELS - 1, CACHE_LINE = 64 };

void metrics_label_copy(char label[METRICS_LABEL], const char *text)
{
    size_t size = strlen(text), used = 0;
    while (size > 0) {
        utf8_step step = utf8_next(text, size);
        const char *bytes = step.valid ? text : "\xEF\xBF\xBD";
        size_t length = step.valid ? step.length : 3;
        if (step.valid && (step.character < 0x20 || step.character == 0x7F))
            bytes = " ";
        if (used + length >= METRICS_LABEL)
            break;
        memcpy(label + used, bytes, length);
        used += length;
        text += step.length;
        size -= step.length;
    }
    label[used] = '\0';
}

static void clear_gauges(metrics_room *room)
{
    for (size_t i = 0; i < SERVE_FEATURES; i++)
        atomic_store_explicit(&room->drift[i], (double)NAN, memory_order_relaxed);
    for (size_t i = 0; i < SERVE_ROLES; i++)
        atomic_store_explicit(&room->shares[i], (double)NAN, memory_order_relaxed);
}

sentiment_status serve_metrics_create(const char *const *routes, size_t route_count,
                                      serve_metrics **metrics, sentiment_error *error)
{
    if (route_count >= SERVE_METRICS_ROUTES)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%zu routes, at most %d",
                          route_count, SERVE_METRICS_ROUTES - 1);
    serve_metrics *made = calloc(1, sizeof *made);
    if (!made)
        return serve_fail_memory(error);
    if (pthread_mutex_init(&made->lock, NULL)) {
        free(made);
        return serve_fail_memory(error);
    }
    for (size_t i = 0; i < route_count; i++)
        metrics_label_copy(made->routes[i], routes[i]);
    metrics_label_copy(made->routes[route_count], "other");
    made->route_count = route_count;
    made->start = time(NULL);
    for (size_t i = 0; i < SERVE_METRICS_MODELS; i++)
        clear_gauges(&made->rooms[i]);
    *metrics = made;
    return SENTIMENT_OK;
}

void serve_metrics_free(serve_metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->shard_count; i++)
        free(metrics->shards[i]);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* A shard of its own cache lines; under the lock. */
static serve_metrics_shard *add_shard(serve_metrics *metrics)
{
    serve_metrics_shard *shard = NULL;
    if (metrics->shard_count == SERVE_METRICS_SHARDS)
        return NULL;
    size_t size = (sizeof *shard + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    shard = aligned_alloc(CACHE_LINE, size);
    if (!shard)
        return NULL;
    memset(shard, 0, size);
    metrics->shards[metrics->shard_count++] = shard;
    return shard;
}

serve_metrics_shard *serve_metrics_join(serve_metrics *metrics)
{
    serve_metrics_shard *found = NULL;
    if (!metrics)
        return NULL;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->shard_count && !found; i++)
        if (!metrics->shards[i]->taken)
            found = metrics->shards[i];
    if (!found)
        found = add_shard(metrics);
    if (found)
        found->taken = true;
    pthread_mutex_unlock(&metrics->lock);
    return found;
}

void serve_metrics_leave(serve_metrics *metrics, serve_metrics_shard *shard)
{
    if (!shard)
        return;
    pthread_mutex_lock(&metrics->lock);
    shard->taken = false;
    pthread_mutex_unlock(&metrics->lock);
}

/* ------------------------------------------------------------------ rooms */

static void clear_counts(serve_metrics *metrics, size_t index)
{
    for (size_t i = 0; i < metrics->shard_count; i++) {
        metrics_counts *counts = &metrics->shards[i]->models[index];
        for (size_t c = 0; c <= SERVE_METRICS_CLASSES; c++)
            atomic_store_explicit(&counts->predictions[c], 0, memory_order_relaxed);
        for (size_t c = 0; c < COUNTERS; c++)
            atomic_store_explicit(&counts->counters[c], 0, memory_order_relaxed);
        for (size_t h = 0; h < HISTOGRAMS; h++) {
            for (size_t b = 0; b <= METRICS_EDGES; b++)
                atomic_store_explicit(&counts->distributions[h].buckets[b], 0,
                                      memory_order_relaxed);
            atomic_store_explicit(&counts->distributions[h].sum, 0.0, memory_order_relaxed);
        }
    }
}

/* The room of that name, else a new one, else the longest retired; under the lock. */
static size_t find_room(serve_metrics *metrics, const char *model, const char *version)
{
    size_t best = OTHER_MODEL;
    for (size_t i = 0; i < OTHER_MODEL; i++) {
        const metrics_room *room = &metrics->rooms[i];
        if (room->used && strcmp(room->model, model) == 0 && strcmp(room->version, version) == 0)
            return i;
    }
    for (size_t i = 0; i < OTHER_MODEL; i++) {
        const metrics_room *room = &metrics->rooms[i];
        if (!room->used)
            return i;
        if (room->users == 0 &&
            (best == OTHER_MODEL || room->retired < metrics->rooms[best].retired))
            best = i;
    }
    return best;
}

/* Two classes with one label would be one series written twice: numbers, then. */
static bool are_distinct(const metrics_room *room, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(room->classes[i], "other") == 0)
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(room->classes[i], room->classes[j]) == 0)
                return false;
    }
    return true;
}

static void name_classes(metrics_room *room, const char *const *labels, size_t count)
{
    size_t named = count < SERVE_METRICS_CLASSES ? count : SERVE_METRICS_CLASSES;
    room->class_count = count;
    for (size_t i = 0; labels && i < named; i++)
        metrics_label_copy(room->classes[i], labels[i]);
    if (labels && are_distinct(room, named))
        return;
    for (size_t i = 0; i < named; i++)
        snprintf(room->classes[i], METRICS_LABEL, "%zu", i);
}

static void describe_room(metrics_room *room, const serve_metrics_model *model)
{
    metrics_label_copy(room->format, model->format ? model->format : "");
    metrics_label_copy(room->precision, model->precision ? model->precision : "");
    metrics_label_copy(room->sha256, model->sha256 ? model->sha256 : "");
    name_classes(room, model->labels, model->class_count);
}

int serve_metrics_add_model(serve_metrics *metrics, const serve_metrics_model *model)
{
    char name[METRICS_LABEL], version[METRICS_LABEL];
    metrics_label_copy(name, model->name);
    metrics_label_copy(version, model->version);
    pthread_mutex_lock(&metrics->lock);
    size_t index = find_room(metrics, name, version);
    metrics_room *room = &metrics->rooms[index];
    bool other = index == OTHER_MODEL;
    bool same = other || (room->used && strcmp(room->model, name) == 0 &&
                          strcmp(room->version, version) == 0);
    if (!same) {
        clear_counts(metrics, index);
        clear_gauges(room);
    }
    memcpy(room->model, other ? "other" : name, other ? sizeof "other" : sizeof name);
    memcpy(room->version, other ? "other" : version, other ? sizeof "other" : sizeof version);
    describe_room(room, other ? &(serve_metrics_model){.class_count = 0} : model);
    room->used = true;
    room->users++;
    pthread_mutex_unlock(&metrics->lock);
    return (int)index;
}

void serve_metrics_retire_model(serve_metrics *metrics, int model)
{
    if (model < 0 || model >= SERVE_METRICS_MODELS)
        return;
    pthread_mutex_lock(&metrics->lock);
    metrics_room *room = &metrics->rooms[model];
    if (room->users > 0 && --room->users == 0) {
        room->retired = ++metrics->retirements;
        clear_gauges(room);
    }
    pthread_mutex_unlock(&metrics->lock);
}

/* --------------------------------------------------------------- counting */

/* One writer a shard: nothing is lost between the load and the store. */
static void raise_count(_Atomic uint64_t *count, uint64_t by)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static metrics_counts *counts_of(serve_metrics_shard *shard, int model)
{
    return shard && model >= 0 && model < SERVE_METRICS_MODELS ? &shard->models[model] : NULL;
}

static void observe(metrics_counts *counts, size_t histogram, double value)
{
    const metrics_family *family = &metrics_histograms[histogram];
    metrics_distribution *to = &counts->distributions[histogram];
    size_t bucket = 0;
    while (bucket < family->edge_count && value > family->edges[bucket])
        bucket++;
    raise_count(&to->buckets[bucket], 1);
    atomic_store_explicit(&to->sum, atomic_load_explicit(&to->sum, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

void serve_metrics_count_prediction(serve_metrics_shard *shard, int model,
                                    const sentiment_result *result)
{
    metrics_counts *counts = counts_of(shard, model);
    if (!counts || result->status != SENTIMENT_OK)
        return;
    size_t class = result->prediction < 0 || result->prediction >= SERVE_METRICS_CLASSES
                       ? SERVE_METRICS_CLASSES
                       : (size_t)result->prediction;
    raise_count(&counts->predictions[class], 1);
    observe(counts, HISTOGRAM_CONFIDENCE, (double)result->confidence);
    observe(counts, HISTOGRAM_TOKENS, (double)result->tokens);
    if (result->flags & SENTIMENT_FLAG_TRUNCATED)
        raise_count(&counts->counters[COUNTER_TRUNCATED], 1);
    if (result->unknown)
        raise_count(&counts->counters[COUNTER_OOV], result->unknown);
}

void serve_metrics_time(serve_metrics_shard *shard, int model, serve_metrics_timer timer,
                        uint64_t nanoseconds)
{
    metrics_counts *counts = counts_of(shard, model);
    if (counts && (unsigned)timer < SERVE_TIMERS)
        observe(counts, timer, (double)nanoseconds * 1e-9);
}

void serve_metrics_count_batch(serve_metrics_shard *shard, int model, size_t texts)
{
    metrics_counts *counts = counts_of(shard, model);
    if (counts)
        observe(counts, HISTOGRAM_BATCH, (double)texts);
}

void serve_metrics_count_cache(serve_metrics_shard *shard, int model, bool hit)
{
    metrics_counts *counts = counts_of(shard, model);
    if (counts)
        raise_count(&counts->counters[hit ? COUNTER_CACHE_HITS : COUNTER_CACHE_MISSES], 1);
}

void serve_metrics_count_feedback(serve_metrics_shard *shard, int model, bool correct)
{
    metrics_counts *counts = counts_of(shard, model);
    if (!counts)
        return;
    raise_count(&counts->counters[COUNTER_FEEDBACK], 1);
    if (correct)
        raise_count(&counts->counters[COUNTER_FEEDBACK_CORRECT], 1);
}

void serve_metrics_count_shadow(serve_metrics_shard *shard, int model, bool agrees)
{
    metrics_counts *counts = counts_of(shard, model);
    if (!counts)
        return;
    raise_count(&counts->counters[COUNTER_SHADOW], 1);
    if (!agrees)
        raise_count(&counts->counters[COUNTER_SHADOW_DISAGREE], 1);
}

/* Place of a code in the table; its end, which is 0, stands for all others. */
static size_t place_of(int code)
{
    size_t place = 0;
    while (metrics_codes[place] && metrics_codes[place] != code)
        place++;
    return place;
}

void serve_metrics_count_request(serve_metrics_shard *shard, size_t route, int code)
{
    if (!shard)
        return;
    if (route >= SERVE_METRICS_ROUTES)
        route = SERVE_METRICS_ROUTES - 1;
    raise_count(&shard->requests[route][place_of(code)], 1);
}

void serve_metrics_count_failure(serve_metrics_shard *shard, serve_metrics_reason reason)
{
    if (shard && (unsigned)reason < SERVE_REASONS)
        raise_count(&shard->failures[reason], 1);
}

/* ----------------------------------------------------------------- gauges */

void serve_metrics_set(serve_metrics *metrics, serve_metrics_value value, double to)
{
    if (metrics && (unsigned)value < SERVE_VALUES)
        atomic_store_explicit(&metrics->values[value], to, memory_order_relaxed);
}

void serve_metrics_add(serve_metrics *metrics, serve_metrics_value value, double by)
{
    if (!metrics || (unsigned)value >= SERVE_VALUES)
        return;
    _Atomic double *gauge = &metrics->values[value];
    double old = atomic_load_explicit(gauge, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(gauge, &old, old + by, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

void serve_metrics_set_drift(serve_metrics *metrics, int model, serve_metrics_feature feature,
                             double psi)
{
    if (model >= 0 && model < OTHER_MODEL && (unsigned)feature < SERVE_FEATURES)
        atomic_store_explicit(&metrics->rooms[model].drift[feature], psi, memory_order_relaxed);
}

void serve_metrics_set_share(serve_metrics *metrics, int model, serve_metrics_role role,
                             double share)
{
    if (model >= 0 && model < OTHER_MODEL && (unsigned)role < SERVE_ROLES)
        atomic_store_explicit(&metrics->rooms[model].shares[role], share > 0 ? share : (double)NAN,
                              memory_order_relaxed);
}
