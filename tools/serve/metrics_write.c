/* SPDX-License-Identifier: Apache-2.0
 *
 * The exposition: every family with its help and type, then its series, each the
 * sum over the shards. The number of a histogram's observations is the sum of the
 * buckets that were just read, so that the two never disagree. */
#include <math.h>
#include <string.h>

#include "fail.h"
#include "metrics_private.h"
#include "metrics_process.h"
#include "out.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const double seconds[] = {.0001, .00025, .0005, .001, .0025, .005, .01, .025,
                                 .05,   .1,     .25,   .5,   1,     2.5,  5};
static const double shares[] = {.5, .55, .6, .65, .7, .75, .8, .85, .9, .95, .99, 1};
static const double texts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
static const double tokens[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384};
_Static_assert(COUNT(seconds) <= METRICS_EDGES, "a shard has room for the edges");

const metrics_family metrics_histograms[HISTOGRAMS] = {
    [SERVE_TIME_PREDICTION] = {"nlp_prediction_duration_seconds",
                               "Time from a request's last byte to its answer.", seconds,
                               COUNT(seconds)},
    [SERVE_TIME_QUEUE] = {"nlp_queue_duration_seconds",
                          "Time that texts waited for an inference thread.", seconds,
                          COUNT(seconds)},
    [SERVE_TIME_TOKENIZE] = {"nlp_tokenize_duration_seconds", "Time to tokenize a request.",
                             seconds, COUNT(seconds)},
    [SERVE_TIME_COMPUTE] = {"nlp_compute_duration_seconds", "Time of a batch in the engine.",
                            seconds, COUNT(seconds)},
    [HISTOGRAM_CONFIDENCE] = {"nlp_prediction_confidence",
                              "Probability of the class that was predicted.", shares,
                              COUNT(shares)},
    [HISTOGRAM_BATCH] = {"nlp_batch_size", "Texts that went through the engine together.", texts,
                         COUNT(texts)},
    [HISTOGRAM_TOKENS] = {"nlp_input_tokens", "Tokens of a text before truncation.", tokens,
                          COUNT(tokens)},
};

/* The frequent ones first: the table is searched from the start. */
const int metrics_codes[METRICS_CODES] = {
    200, 429, 503, 400, 404, 422, 401, 413, 504, 204, 403, 405, 408, 409, 411,
    414, 415, 417, 431, 499, 500, 501, 202, 206, 304, 406, 301, 302, 416, 505,
};

static const metrics_family counters[COUNTERS] = {
    [COUNTER_TRUNCATED] = {.name = "nlp_truncated_total",
                           .help = "Texts that were cut at max_length."},
    [COUNTER_OOV] = {.name = "nlp_oov_tokens_total",
                     .help = "Tokens used that are not in the vocabulary."},
    [COUNTER_CACHE_HITS] = {.name = "nlp_cache_hits_total", .help = "Texts answered by the cache."},
    [COUNTER_CACHE_MISSES] = {.name = "nlp_cache_misses_total",
                              .help = "Texts looked up in the cache in vain."},
    [COUNTER_FEEDBACK] = {.name = "nlp_feedback_total",
                          .help = "True labels that came in for predictions."},
    [COUNTER_FEEDBACK_CORRECT] = {.name = "nlp_feedback_correct_total",
                                  .help = "True labels that were the predicted ones."},
    [COUNTER_SHADOW] = {.name = "nlp_shadow_predictions_total",
                        .help = "Predictions as a shadow, given to nobody."},
    [COUNTER_SHADOW_DISAGREE] = {.name = "nlp_shadow_disagreements_total",
                                 .help = "Predictions as a shadow that were not what was given."},
};

static const struct {
    const char *name, *type, *labels, *help;
} values[SERVE_VALUES] = {
    [SERVE_VALUE_READY] = {"nlp_ready", "gauge", "", "1 while the server takes requests."},
    [SERVE_VALUE_QUEUE_DEPTH] =
        {"nlp_queue_depth", "gauge", "",
         "Texts that wait for an inference thread, one for each 512 tokens."},
    [SERVE_VALUE_QUEUE_LIMIT] = {"nlp_queue_limit", "gauge", "",
                                 "Texts that may wait before requests are refused, counted alike."},
    [SERVE_VALUE_CONNECTIONS] = {"nlp_http_connections", "gauge", "", "Open connections."},
    [SERVE_VALUE_IN_FLIGHT] = {"nlp_http_requests_in_flight", "gauge", "",
                               "Requests whose texts wait or are computed."},
    [SERVE_VALUE_CACHE_BYTES] = {"nlp_cache_bytes", "gauge", "", "Memory of the cache in bytes."},
    [SERVE_VALUE_CACHE_ENTRIES] = {"nlp_cache_entries", "gauge", "", "Answers in the cache."},
    [SERVE_VALUE_LOG_LINES] = {"nlp_log_lines_total", "counter", "", "Lines of log written."},
    [SERVE_VALUE_LOG_DROPPED] = {"nlp_log_lines_dropped_total", "counter", "",
                                 "Lines of log that found no room or could not be written."},
    [SERVE_VALUE_RELOADS] = {"nlp_model_reloads_total", "counter", "{result=\"success\"}",
                             "Reloads of models by their result."},
    [SERVE_VALUE_RELOADS_FAILED] = {"nlp_model_reloads_total", "counter", "{result=\"failure\"}",
                                    ""},
};

static const char *const reasons[SERVE_REASONS] = {
    "bad_request",  "invalid_utf8",         "too_large",       "unauthorized",  "not_found",
    "rate_limited", "queue_full",           "not_ready",       "deadline",      "client_gone",
    "internal",     "too_many_connections", "too_many_bodies", "out_of_memory", "cross_origin",
};
static const char *const features[SERVE_FEATURES] = {"prediction", "confidence", "length",
                                                     "unknown"};
static const char *const roles[SERVE_ROLES] = {"stable", "canary", "shadow"};

static void open_family(out *to, const char *name, const char *type, const char *help)
{
    out_format(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_label(out *to, const char *name, const char *value)
{
    out_format(to, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            out_char(to, '\\');
        out_char(to, *value);
    }
    out_char(to, '"');
}

/* Name and the two labels that all series of a version have, still open. */
static void open_series(out *to, const char *name, const char *suffix, const metrics_room *room)
{
    out_text(to, name);
    out_text(to, suffix);
    out_char(to, '{');
    put_label(to, "model", room->model);
    out_char(to, ',');
    put_label(to, "version", room->version);
}

static void put_number(out *to, double value)
{
    if (isnan(value))
        out_text(to, "NaN");
    else if (isinf(value))
        out_text(to, value > 0 ? "+Inf" : "-Inf");
    else
        out_format(to, "%.15g", value);
}

static void close_number(out *to, double value)
{
    out_text(to, "} ");
    put_number(to, value);
    out_char(to, '\n');
}

static void close_count(out *to, uint64_t value)
{
    out_text(to, "} ");
    out_unsigned(to, value);
    out_char(to, '\n');
}

static uint64_t load(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* ------------------------------------------------------ what versions have */

static uint64_t sum_counter(const serve_metrics *metrics, size_t room, size_t counter)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metrics->shard_count; i++)
        sum += load(&metrics->shards[i]->models[room].counters[counter]);
    return sum;
}

static void put_prediction(out *to, const metrics_room *room, const char *label, uint64_t count)
{
    open_series(to, "nlp_predictions_total", "", room);
    out_char(to, ',');
    put_label(to, "prediction", label);
    close_count(to, count);
}

/* Classes that the version does not have, or that find no place, are "other". */
static void put_predictions(out *to, const serve_metrics *metrics)
{
    open_family(to, "nlp_predictions_total", "counter", "Predictions by class.");
    for (size_t room = 0; room < SERVE_METRICS_MODELS; room++) {
        const metrics_room *of = &metrics->rooms[room];
        uint64_t others = 0;
        for (size_t index = 0; of->used && index <= SERVE_METRICS_CLASSES; index++) {
            uint64_t sum = 0;
            for (size_t i = 0; i < metrics->shard_count; i++)
                sum += load(&metrics->shards[i]->models[room].predictions[index]);
            if (index < of->class_count && index < SERVE_METRICS_CLASSES)
                put_prediction(to, of, of->classes[index], sum);
            else
                others += sum;
        }
        if (others)
            put_prediction(to, of, "other", others);
    }
}

static void put_counters(out *to, const serve_metrics *metrics)
{
    for (size_t counter = 0; counter < COUNTERS; counter++) {
        open_family(to, counters[counter].name, "counter", counters[counter].help);
        for (size_t room = 0; room < SERVE_METRICS_MODELS; room++) {
            if (!metrics->rooms[room].used)
                continue;
            open_series(to, counters[counter].name, "", &metrics->rooms[room]);
            close_count(to, sum_counter(metrics, room, counter));
        }
    }
}

static void put_accuracy(out *to, const serve_metrics *metrics)
{
    const char *name = "nlp_feedback_accuracy";
    open_family(to, name, "gauge", "Share of the true labels that were the predicted ones.");
    for (size_t room = 0; room < SERVE_METRICS_MODELS; room++) {
        uint64_t correct = sum_counter(metrics, room, COUNTER_FEEDBACK_CORRECT);
        uint64_t all = sum_counter(metrics, room, COUNTER_FEEDBACK);
        if (!metrics->rooms[room].used || all == 0)
            continue;
        /* A count that came in between the two sums must not make more than all. */
        open_series(to, name, "", &metrics->rooms[room]);
        close_number(to, correct > all ? 1 : (double)correct / (double)all);
    }
}

static void put_distribution(out *to, const serve_metrics *metrics, size_t room, size_t histogram)
{
    const metrics_family *family = &metrics_histograms[histogram];
    const metrics_room *of = &metrics->rooms[room];
    double sum = 0;
    uint64_t count = 0;
    for (size_t bucket = 0; bucket <= family->edge_count; bucket++) {
        for (size_t i = 0; i < metrics->shard_count; i++)
            count +=
                load(&metrics->shards[i]->models[room].distributions[histogram].buckets[bucket]);
        open_series(to, family->name, "_bucket", of);
        out_text(to, ",le=\"");
        put_number(to, bucket < family->edge_count ? family->edges[bucket] : (double)INFINITY);
        out_char(to, '"');
        close_count(to, count);
    }
    for (size_t i = 0; i < metrics->shard_count; i++)
        sum += atomic_load_explicit(&metrics->shards[i]->models[room].distributions[histogram].sum,
                                    memory_order_relaxed);
    open_series(to, family->name, "_sum", of);
    close_number(to, sum);
    open_series(to, family->name, "_count", of);
    close_count(to, count);
}

static void put_histograms(out *to, const serve_metrics *metrics)
{
    for (size_t histogram = 0; histogram < HISTOGRAMS; histogram++) {
        const metrics_family *family = &metrics_histograms[histogram];
        open_family(to, family->name, "histogram", family->help);
        for (size_t room = 0; room < SERVE_METRICS_MODELS; room++)
            if (metrics->rooms[room].used)
                put_distribution(to, metrics, room, histogram);
    }
}

static void put_models(out *to, const serve_metrics *metrics)
{
    const metrics_room *end = metrics->rooms + SERVE_METRICS_MODELS;
    open_family(to, "nlp_model_loaded", "gauge", "1 while the version is in memory.");
    for (const metrics_room *room = metrics->rooms; room < end; room++) {
        if (!room->used)
            continue;
        open_series(to, "nlp_model_loaded", "", room);
        close_count(to, room->users > 0);
    }
    open_family(to, "nlp_model_info", "gauge", "What a version is.");
    for (const metrics_room *room = metrics->rooms; room < end; room++) {
        if (!room->users)
            continue;
        open_series(to, "nlp_model_info", "", room);
        const char *const pairs[][2] = {
            {",format", room->format}, {",precision", room->precision}, {",sha256", room->sha256}};
        for (size_t i = 0; i < COUNT(pairs); i++)
            put_label(to, pairs[i][0], pairs[i][1]);
        close_count(to, 1);
    }
}

/* A gauge with one more label, of the versions in memory; NaN is not shown. */
static void put_gauges(out *to, const serve_metrics *metrics, const char *name, const char *label,
                       const char *const *names, size_t count,
                       const _Atomic double *(*gauges)(const metrics_room *room))
{
    for (size_t room = 0; room < SERVE_METRICS_MODELS; room++) {
        const metrics_room *of = &metrics->rooms[room];
        for (size_t i = 0; of->users && i < count; i++) {
            double value = atomic_load_explicit(&gauges(of)[i], memory_order_relaxed);
            if (isnan(value))
                continue;
            open_series(to, name, "", of);
            out_char(to, ',');
            put_label(to, label, names[i]);
            close_number(to, value);
        }
    }
}

static const _Atomic double *shares_of(const metrics_room *room)
{
    return room->shares;
}

static const _Atomic double *drift_of(const metrics_room *room)
{
    return room->drift;
}

static void put_room_gauges(out *to, const serve_metrics *metrics)
{
    open_family(to, "nlp_model_traffic_share", "gauge",
                "Share of the requests that a version gets by its label.");
    put_gauges(to, metrics, "nlp_model_traffic_share", "label", roles, SERVE_ROLES, shares_of);
    open_family(to, "nlp_drift_psi", "gauge",
                "Population stability index of the last answers against the baseline.");
    put_gauges(to, metrics, "nlp_drift_psi", "feature", features, SERVE_FEATURES, drift_of);
}

/* ------------------------------------------------------ what the server has */

static void put_values(out *to, const serve_metrics *metrics)
{
    for (size_t i = 0; i < SERVE_VALUES; i++) {
        if (i == 0 || strcmp(values[i].name, values[i - 1].name) != 0)
            open_family(to, values[i].name, values[i].type, values[i].help);
        out_text(to, values[i].name);
        out_text(to, values[i].labels);
        out_char(to, ' ');
        put_number(to, atomic_load_explicit(&metrics->values[i], memory_order_relaxed));
        out_char(to, '\n');
    }
}

static void put_request(out *to, const char *route, size_t place, uint64_t count)
{
    out_text(to, "nlp_http_requests_total{");
    put_label(to, "route", route);
    if (metrics_codes[place])
        out_format(to, ",code=\"%d\"", metrics_codes[place]);
    else
        out_text(to, ",code=\"other\"");
    close_count(to, count);
}

/* Pairs of route and code have a series once they occurred. */
static void put_requests(out *to, const serve_metrics *metrics)
{
    open_family(to, "nlp_http_requests_total", "counter", "HTTP answers by route and status.");
    for (size_t route = 0; route <= metrics->route_count; route++) {
        /* Numbers past the routes are all counted as the last one. */
        size_t last = route < metrics->route_count ? route : SERVE_METRICS_ROUTES - 1;
        for (size_t place = 0; place < METRICS_CODES; place++) {
            uint64_t sum = 0;
            for (size_t i = 0; i < metrics->shard_count; i++)
                for (size_t r = route; r <= last; r++)
                    sum += load(&metrics->shards[i]->requests[r][place]);
            if (sum)
                put_request(to, metrics->routes[route], place, sum);
        }
    }
}

static void put_failures(out *to, const serve_metrics *metrics)
{
    open_family(to, "nlp_request_failures_total", "counter", "Requests refused or failed.");
    for (size_t reason = 0; reason < SERVE_REASONS; reason++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < metrics->shard_count; i++)
            sum += load(&metrics->shards[i]->failures[reason]);
        out_format(to, "nlp_request_failures_total{reason=\"%s", reasons[reason]);
        out_char(to, '"');
        close_count(to, sum);
    }
}

static void put_build(out *to)
{
    open_family(to, "nlp_build_info", "gauge", "The library that serves.");
    out_text(to, "nlp_build_info{");
    put_label(to, "version", sentiment_version());
    out_format(to, ",abi=\"%d\"", (int)sentiment_abi_version());
    close_count(to, 1);
}

sentiment_status serve_metrics_write(serve_metrics *metrics, char **text, size_t *size,
                                     sentiment_error *error)
{
    out to = {0};
    pthread_mutex_lock(&metrics->lock);
    put_predictions(&to, metrics);
    put_histograms(&to, metrics);
    put_models(&to, metrics);
    put_counters(&to, metrics);
    put_accuracy(&to, metrics);
    put_room_gauges(&to, metrics);
    put_requests(&to, metrics);
    put_failures(&to, metrics);
    pthread_mutex_unlock(&metrics->lock);
    put_values(&to, metrics);
    put_build(&to);
    metrics_process_write(&to, metrics->start);
    out_char(&to, '\0');
    if (to.failed) {
        out_free(&to);
        return serve_fail_memory(error);
    }
    *text = to.data;
    *size = to.used - 1;
    return SENTIMENT_OK;
}
