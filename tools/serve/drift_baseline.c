/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a baseline, which comes with a model: every count and edge is checked
 * before anything is compared with it. */
#include "drift_baseline.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

enum { JSON_LIMIT = 1 << 20, BINS_MOST = 1024, COUNT_LEAST = 100, LENGTH_MOST = 65536 };
#define COUNT_MOST ((json_int_t)1 << 50)

static sentiment_status bad(sentiment_error *error, const char *what)
{
    return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "baseline: %s", what);
}

/* ---------------------------------------------------------------- reading */

static sentiment_status read_counts(const json_t *object, uint64_t all, drift_feature *feature,
                                    sentiment_error *error)
{
    const json_t *counts = json_object_get(object, "counts"), *value;
    uint64_t sum = 0;
    size_t index;
    if (!json_is_array(counts) || json_array_size(counts) == 0 ||
        json_array_size(counts) > BINS_MOST)
        return bad(error, "\"counts\" must be an array of 1 to 1024 integers");
    feature->bins = json_array_size(counts);
    feature->counts = calloc(feature->bins, sizeof *feature->counts);
    if (!feature->counts)
        return serve_fail_memory(error);
    json_array_foreach(counts, index, value)
    {
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < 0 || number > COUNT_MOST)
            return bad(error, "\"counts\" must be integers from 0");
        feature->counts[index] = (uint64_t)number;
        sum += (uint64_t)number;
    }
    return sum == all ? SENTIMENT_OK : bad(error, "\"counts\" do not add up to \"count\"");
}

static sentiment_status read_edges(const json_t *object, drift_feature *feature,
                                   sentiment_error *error)
{
    const json_t *edges = json_object_get(object, "edges"), *value;
    size_t index;
    if (!json_is_array(edges) || json_array_size(edges) + 1 != feature->bins)
        return bad(error, "\"edges\" must be an array, one shorter than \"counts\"");
    feature->edges = calloc(feature->bins, sizeof *feature->edges);
    if (!feature->edges)
        return serve_fail_memory(error);
    json_array_foreach(edges, index, value)
    {
        double edge = json_number_value(value);
        if (!json_is_number(value) || !isfinite(edge) ||
            (index > 0 && edge <= feature->edges[index - 1]))
            return bad(error, "\"edges\" must be numbers that ascend");
        feature->edges[index] = edge;
    }
    return SENTIMENT_OK;
}

static sentiment_status read_features(const json_t *object, uint32_t classes,
                                      drift_baseline *baseline, sentiment_error *error)
{
    const json_t *features = json_object_get(object, "features");
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++) {
        const json_t *from = json_object_get(features, serve_drift_names[i]);
        drift_feature *to = &baseline->features[i];
        if (!from)
            return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                              "baseline: \"features\" has no \"%s\"", serve_drift_names[i]);
        sentiment_status status = read_counts(from, baseline->count, to, error);
        if (!status && i != SERVE_DRIFT_PREDICTION)
            status = read_edges(from, to, error);
        else if (!status && to->bins != classes)
            status = bad(error, "it is that of a model with another number of classes");
        if (status)
            return status;
    }
    return SENTIMENT_OK;
}

static sentiment_status read_all(const json_t *object, uint32_t classes, drift_baseline *baseline,
                                 sentiment_error *error)
{
    json_int_t count = json_integer_value(json_object_get(object, "count"));
    json_int_t length = json_integer_value(json_object_get(object, "max_length"));
    if (json_integer_value(json_object_get(object, "version")) != 1)
        return bad(error, "expected \"version\": 1");
    if (count < COUNT_LEAST || count > COUNT_MOST)
        return bad(error, "\"count\" must be an integer from 100");
    if (length < 1 || length > LENGTH_MOST)
        return bad(error, "\"max_length\" must be an integer from 1 to 65536");
    baseline->count = (uint64_t)count;
    baseline->max_length = (uint32_t)length;
    return read_features(object, classes, baseline, error);
}

sentiment_status drift_baseline_parse(const char *json, uint32_t classes, drift_baseline *baseline,
                                      sentiment_error *error)
{
    json_error_t wrong;
    size_t size = strlen(json);
    *baseline = (drift_baseline){0};
    if (size > JSON_LIMIT)
        return bad(error, "larger than 1 MiB");
    json_t *object = json_loadb(json, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!object && json_error_code(&wrong) == json_error_out_of_memory)
        return serve_fail_memory(error);
    if (!object)
        return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "baseline: invalid JSON at byte %d: %s",
                          wrong.position, wrong.text);
    sentiment_status status = read_all(object, classes, baseline, error);
    json_decref(object);
    if (status)
        drift_baseline_clear(baseline);
    return status;
}

void drift_baseline_clear(drift_baseline *baseline)
{
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++) {
        free(baseline->features[i].edges);
        free(baseline->features[i].counts);
    }
    *baseline = (drift_baseline){0};
}

/* ------------------------------------------------------------------- bins */

double drift_baseline_value(serve_drift_feature feature, uint32_t max_length,
                            const sentiment_result *result)
{
    uint64_t used = result->tokens < max_length ? result->tokens : max_length;
    if (feature == SERVE_DRIFT_LENGTH)
        return (double)result->tokens;
    if (feature == SERVE_DRIFT_UNKNOWN)
        return used ? (double)result->unknown / (double)used : 0;
    return (double)result->confidence;
}

size_t drift_baseline_bin(const drift_baseline *baseline, serve_drift_feature feature,
                          const sentiment_result *result)
{
    const drift_feature *in = &baseline->features[feature];
    if (feature == SERVE_DRIFT_PREDICTION) {
        size_t class = result->prediction < 0 ? 0 : (size_t)result->prediction;
        return class < in->bins ? class : in->bins - 1;
    }
    double value = drift_baseline_value(feature, baseline->max_length, result);
    size_t low = 0, high = in->bins - 1; /* edges below `low` are at most the value */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->edges[middle] <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
