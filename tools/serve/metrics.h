/* SPDX-License-Identifier: Apache-2.0
 *
 * What Prometheus reads at /metrics (text exposition format 0.0.4). Each thread
 * counts in a shard of its own, without locks, atomic read-modify-write or
 * malloc; a scrape adds the shards up. The number of series is bounded by the
 * tables below, whatever clients send: labels are model, version, route, code
 * and the names of this header, never text of a request. It keeps no clock:
 * callers measure and hand in nanoseconds. */
#ifndef TOOLS_SERVE_METRICS_H
#define TOOLS_SERVE_METRICS_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Versions that are counted apart at a time, the last one for all that did not fit. */
#define SERVE_METRICS_MODELS 32
/* Classes that are counted apart; those behind share prediction="other". */
#define SERVE_METRICS_CLASSES 32
/* Routes, and shards: a thread each for what --threads and --loops allow, and the admin port. */
#define SERVE_METRICS_ROUTES 48
#define SERVE_METRICS_SHARDS (1024 + 64 + 1)

typedef struct serve_metrics serve_metrics;
/* One thread's counters. Only one thread at a time may count in a shard. */
typedef struct serve_metrics_shard serve_metrics_shard;

/* Histograms of time, in seconds: nlp_<name>_duration_seconds{model,version}. */
typedef enum serve_metrics_timer {
    SERVE_TIME_PREDICTION, /* a request, from its last byte read to its answer */
    SERVE_TIME_QUEUE,      /* waiting for an inference thread */
    SERVE_TIME_TOKENIZE,
    SERVE_TIME_COMPUTE,
    SERVE_TIMERS
} serve_metrics_timer;

/* Values of `reason` of nlp_request_failures_total. */
typedef enum serve_metrics_reason {
    SERVE_REASON_BAD_REQUEST,  /* bad_request: JSON, types, values */
    SERVE_REASON_INVALID_UTF8, /* invalid_utf8 */
    SERVE_REASON_TOO_LARGE,    /* too_large: body, batch or text */
    SERVE_REASON_UNAUTHORIZED, /* unauthorized */
    SERVE_REASON_NOT_FOUND,    /* not_found: route, model or version */
    SERVE_REASON_RATE_LIMITED, /* rate_limited */
    SERVE_REASON_QUEUE_FULL,   /* queue_full */
    SERVE_REASON_NOT_READY,    /* not_ready: loading, draining or without a model */
    SERVE_REASON_DEADLINE,     /* deadline */
    SERVE_REASON_CLIENT_GONE,  /* client_gone */
    SERVE_REASON_INTERNAL,     /* internal */
    SERVE_REASON_CONNECTIONS,  /* too_many_connections */
    SERVE_REASON_BODIES,       /* too_many_bodies, or answers unread */
    SERVE_REASON_MEMORY,       /* out_of_memory */
    SERVE_REASON_CROSS_ORIGIN, /* cross_origin */
    SERVE_REASONS
} serve_metrics_reason;

/* Values of the whole process, set by whoever knows them, from any thread. Those
 * marked "counter" belong to other modules, which only ever let them grow. */
typedef enum serve_metrics_value {
    SERVE_VALUE_READY,          /* nlp_ready: 1 or 0 */
    SERVE_VALUE_QUEUE_DEPTH,    /* nlp_queue_depth: texts that wait */
    SERVE_VALUE_QUEUE_LIMIT,    /* nlp_queue_limit */
    SERVE_VALUE_CONNECTIONS,    /* nlp_http_connections */
    SERVE_VALUE_IN_FLIGHT,      /* nlp_http_requests_in_flight */
    SERVE_VALUE_CACHE_BYTES,    /* nlp_cache_bytes */
    SERVE_VALUE_CACHE_ENTRIES,  /* nlp_cache_entries */
    SERVE_VALUE_LOG_LINES,      /* nlp_log_lines_total, counter: lines written */
    SERVE_VALUE_LOG_DROPPED,    /* nlp_log_lines_dropped_total, counter */
    SERVE_VALUE_RELOADS,        /* nlp_model_reloads_total{result="success"}, counter */
    SERVE_VALUE_RELOADS_FAILED, /* nlp_model_reloads_total{result="failure"}, counter */
    SERVE_VALUES
} serve_metrics_value;

/* Distributions of nlp_drift_psi{model,version,feature}, in the order of drift.h. */
typedef enum serve_metrics_feature {
    SERVE_FEATURE_PREDICTION,
    SERVE_FEATURE_CONFIDENCE,
    SERVE_FEATURE_LENGTH,
    SERVE_FEATURE_UNKNOWN,
    SERVE_FEATURES
} serve_metrics_feature;

/* How a version gets its requests, in the order of registry.h:
 * nlp_model_traffic_share{model,version,label}. */
typedef enum serve_metrics_role {
    SERVE_ROLE_STABLE,
    SERVE_ROLE_CANARY,
    SERVE_ROLE_SHADOW,
    SERVE_ROLES
} serve_metrics_role;

/* `routes` are the values of `route`, in the order of the numbers that
 * serve_metrics_count_request takes; copied; at most SERVE_METRICS_ROUTES - 1. */
sentiment_status serve_metrics_create(const char *const *routes, size_t route_count,
                                      serve_metrics **metrics, sentiment_error *error);
/* No thread may hold a shard any more. NULL is fine. */
void serve_metrics_free(serve_metrics *metrics);

/* A shard for the calling thread, for as long as it runs; NULL where memory or
 * the table ran out. Every counting function takes NULL and then counts nothing,
 * so that a server runs on without. Locks; not for the hot path. */
serve_metrics_shard *serve_metrics_join(serve_metrics *metrics);
/* Gives it back. Its counts stay; the next thread goes on in it. NULL is fine. */
void serve_metrics_leave(serve_metrics *metrics, serve_metrics_shard *shard);

/* What a version says of itself: the labels of nlp_model_info. Strings are copied,
 * and cut at 64 bytes. */
typedef struct serve_metrics_model {
    const char *name, *version;
    const char *format;        /* NULL: "" */
    const char *precision;     /* NULL: "" */
    const char *sha256;        /* NULL: "" */
    const char *const *labels; /* class_count names of classes; NULL: their numbers */
    size_t class_count;
} serve_metrics_model;

/* Makes room for a version; the number is what the counting functions take as
 * `model`. The same name and version get the same room, with its counts. Where all
 * rooms are taken the longest retired one is cleared and used again; where none
 * is retired, the number is that of the shared last one (model="other"). Never
 * fails. Locks. */
int serve_metrics_add_model(serve_metrics *metrics, const serve_metrics_model *model);
/* The version is gone, no thread counts for it any more: nlp_model_loaded falls to
 * 0, shares and drift go, counters stay visible until the room is needed. Locks. */
void serve_metrics_retire_model(serve_metrics *metrics, int model);

/* The hot path: no lock, no malloc, some ten nanoseconds each. `model` is a
 * number of serve_metrics_add_model; a negative one counts nothing. */

/* A text answered: nlp_predictions_total, nlp_prediction_confidence,
 * nlp_input_tokens, nlp_truncated_total, nlp_oov_tokens_total. A status other than
 * SENTIMENT_OK counts nothing. */
void serve_metrics_count_prediction(serve_metrics_shard *shard, int model,
                                    const sentiment_result *result);
void serve_metrics_time(serve_metrics_shard *shard, int model, serve_metrics_timer timer,
                        uint64_t nanoseconds);
/* A batch as it went through the engine: nlp_batch_size. */
void serve_metrics_count_batch(serve_metrics_shard *shard, int model, size_t texts);
/* nlp_cache_hits_total, nlp_cache_misses_total. */
void serve_metrics_count_cache(serve_metrics_shard *shard, int model, bool hit);
/* A true label that came in: nlp_feedback_total, nlp_feedback_correct_total, and
 * from these nlp_feedback_accuracy. */
void serve_metrics_count_feedback(serve_metrics_shard *shard, int model, bool correct);
/* A shadow version's answer, compared with the one that was given:
 * nlp_shadow_predictions_total, nlp_shadow_disagreements_total. It is not in
 * nlp_predictions_total. */
void serve_metrics_count_shadow(serve_metrics_shard *shard, int model, bool agrees);
/* An HTTP answer: nlp_http_requests_total{route,code}. A route past the table is
 * "other"; so is a code that HTTP servers do not send. */
void serve_metrics_count_request(serve_metrics_shard *shard, size_t route, int code);
void serve_metrics_count_failure(serve_metrics_shard *shard, serve_metrics_reason reason);

/* From any thread, without locks. */
void serve_metrics_set(serve_metrics *metrics, serve_metrics_value value, double to);
/* Adds to a value, for gauges that several threads raise and lower. */
void serve_metrics_add(serve_metrics *metrics, serve_metrics_value value, double by);
/* Population stability index; NaN: not known, and not shown. */
void serve_metrics_set_drift(serve_metrics *metrics, int model, serve_metrics_feature feature,
                             double psi);
/* Share of the requests, 0 to 1; 0 (not shown) for a label that the version does not have. */
void serve_metrics_set_share(serve_metrics *metrics, int model, serve_metrics_role role,
                             double share);

/* The exposition, to be freed by the caller; `*size` bytes and a NUL. Content type:
 * SERVE_METRICS_TYPE. Locks against joins and models, never against counting. */
#define SERVE_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
sentiment_status serve_metrics_write(serve_metrics *metrics, char **text, size_t *size,
                                     sentiment_error *error);

#endif
