/* SPDX-License-Identifier: Apache-2.0
 *
 * What metrics.c counts and metrics_write.c writes out: the layout of a shard and
 * of the rooms for versions. A shard has one writer, so that a plain load and
 * store (both relaxed atomics) make an increment; scrapes only load. */
#ifndef TOOLS_SERVE_METRICS_PRIVATE_H
#define TOOLS_SERVE_METRICS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "metrics.h"

/* Edges of the longest histogram; a bucket more for what lies above. */
#define METRICS_EDGES 16
/* Bytes of a label, NUL included. */
#define METRICS_LABEL 65
#define METRICS_CODES 32

/* Counters of a version. */
typedef enum metrics_counter {
    COUNTER_TRUNCATED,
    COUNTER_OOV,
    COUNTER_CACHE_HITS,
    COUNTER_CACHE_MISSES,
    COUNTER_FEEDBACK,
    COUNTER_FEEDBACK_CORRECT,
    COUNTER_SHADOW,
    COUNTER_SHADOW_DISAGREE,
    COUNTERS
} metrics_counter;

/* Histograms of a version: first the timers, in their order. */
typedef enum metrics_histogram {
    HISTOGRAM_CONFIDENCE = SERVE_TIMERS,
    HISTOGRAM_BATCH,
    HISTOGRAM_TOKENS,
    HISTOGRAMS
} metrics_histogram;

typedef struct metrics_family {
    const char *name, *help;
    const double *edges; /* of a histogram */
    size_t edge_count;
} metrics_family;

extern const metrics_family metrics_histograms[HISTOGRAMS];
/* Codes of HTTP with a series of their own, ended by 0. */
extern const int metrics_codes[METRICS_CODES];

typedef struct metrics_distribution {
    _Atomic uint64_t buckets[METRICS_EDGES + 1]; /* not cumulative */
    _Atomic double sum;
} metrics_distribution;

typedef struct metrics_counts {
    _Atomic uint64_t predictions[SERVE_METRICS_CLASSES + 1]; /* the last: other */
    _Atomic uint64_t counters[COUNTERS];
    metrics_distribution distributions[HISTOGRAMS];
} metrics_counts;

struct serve_metrics_shard {
    metrics_counts models[SERVE_METRICS_MODELS];
    _Atomic uint64_t requests[SERVE_METRICS_ROUTES][METRICS_CODES];
    _Atomic uint64_t failures[SERVE_REASONS];
    bool taken; /* under the lock */
};

/* A version; all but the gauges under the lock. */
typedef struct metrics_room {
    bool used; /* has series */
    unsigned users;
    uint64_t retired; /* when: a number that grows */
    size_t class_count;
    char model[METRICS_LABEL], version[METRICS_LABEL], format[METRICS_LABEL];
    char precision[METRICS_LABEL], sha256[METRICS_LABEL];
    char classes[SERVE_METRICS_CLASSES][METRICS_LABEL];
    _Atomic double drift[SERVE_FEATURES]; /* NaN: not shown */
    _Atomic double shares[SERVE_ROLES];   /* likewise */
} metrics_room;

struct serve_metrics {
    pthread_mutex_t lock;
    serve_metrics_shard *shards[SERVE_METRICS_SHARDS];
    size_t shard_count;
    metrics_room rooms[SERVE_METRICS_MODELS];
    uint64_t retirements;
    char routes[SERVE_METRICS_ROUTES][METRICS_LABEL];
    size_t route_count; /* without "other", which stands behind them */
    time_t start;
    _Atomic double values[SERVE_VALUES];
};

/* Copies a label's value: cut between characters, bad bytes as U+FFFD, control
 * characters as spaces. What comes out needs no more than escaping. */
void metrics_label_copy(char label[METRICS_LABEL], const char *text);

#endif
