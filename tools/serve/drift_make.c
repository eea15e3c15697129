/* SPDX-License-Identifier: Apache-2.0
 *
 * A baseline from answers: deciles of each distribution, so that every bin holds
 * about a tenth and the index weighs all parts alike. Lengths and unknown words
 * have a bin more, above everything that was seen. */
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "drift_baseline.h"
#include "fail.h"

enum { DECILES = 10, ANSWERS_LEAST = 100, LENGTH_MOST = 65536, CLASSES_MOST = 1024 };

typedef struct making {
    const sentiment_result *results;
    size_t count, good; /* results; those with an answer */
    uint32_t classes, max_length;
    double *values; /* `good` of them */
} making;

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void gather(making *of, serve_drift_feature feature)
{
    size_t used = 0;
    for (size_t i = 0; i < of->count; i++)
        if (of->results[i].status == SENTIMENT_OK)
            of->values[used++] = drift_baseline_value(feature, of->max_length, &of->results[i]);
    qsort(of->values, used, sizeof *of->values, by_value);
}

/* Edges of the sorted values, at most DECILES; one that would leave the bin before it
 * empty is no edge. */
static size_t find_edges(const making *of, bool above, double edges[DECILES])
{
    size_t count = 0;
    for (size_t i = 1; i < DECILES; i++) {
        double edge = of->values[of->good * i / DECILES];
        if (edge > (count ? edges[count - 1] : of->values[0]))
            edges[count++] = edge;
    }
    if (above)
        edges[count++] = nextafter(of->values[of->good - 1], (double)INFINITY);
    return count;
}

static json_t *describe(making *of, serve_drift_feature feature)
{
    double edges[DECILES];
    json_t *list = json_array(), *counts = json_array();
    gather(of, feature);
    size_t count = find_edges(of, feature != SERVE_DRIFT_CONFIDENCE, edges), at = 0;
    for (size_t i = 0; i <= count; i++) {
        size_t before = at;
        while (at < of->good && (i == count || of->values[at] < edges[i]))
            at++;
        json_array_append_new(counts, json_integer((json_int_t)(at - before)));
        if (i < count)
            json_array_append_new(list, json_real(edges[i]));
    }
    return json_pack("{s:o,s:o}", "edges", list, "counts", counts);
}

static json_t *describe_classes(const making *of)
{
    json_t *list = json_array();
    uint64_t *counts = calloc(of->classes, sizeof *counts);
    for (size_t i = 0; counts && i < of->count; i++)
        if (of->results[i].status == SENTIMENT_OK)
            counts[of->results[i].prediction]++;
    for (size_t i = 0; counts && i < of->classes; i++)
        json_array_append_new(list, json_integer((json_int_t)counts[i]));
    free(counts);
    return json_pack("{s:o}", "counts", list);
}

static char *make(making *of)
{
    json_t *features = json_object();
    for (size_t i = 0; features && i < SERVE_DRIFT_FEATURES; i++) {
        json_t *feature = i == SERVE_DRIFT_PREDICTION ? describe_classes(of)
                                                      : describe(of, (serve_drift_feature)i);
        json_object_set_new(features, serve_drift_names[i], feature);
    }
    json_t *whole = json_pack("{s:i,s:I,s:I,s:o}", "version", 1, "count", (json_int_t)of->good,
                              "max_length", (json_int_t)of->max_length, "features", features);
    char *text = json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(whole);
    return text;
}

static sentiment_status check(making *of, sentiment_error *error)
{
    if (of->max_length < 1 || of->max_length > LENGTH_MOST)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "max_length is %u, expected 1 to %d", of->max_length, LENGTH_MOST);
    if (of->classes < 1 || of->classes > CLASSES_MOST)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%u classes, expected 1 to %d",
                          of->classes, CLASSES_MOST);
    for (size_t i = 0; i < of->count; i++) {
        const sentiment_result *result = &of->results[i];
        if (result->status != SENTIMENT_OK)
            continue;
        if (result->prediction < 0 || (uint32_t)result->prediction >= of->classes ||
            !isfinite(result->confidence))
            return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                              "result %zu is no answer of a model with %u classes", i, of->classes);
        of->good++;
    }
    if (of->good < ANSWERS_LEAST)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "%zu answers, a baseline needs at least %d", of->good, ANSWERS_LEAST);
    return SENTIMENT_OK;
}

sentiment_status serve_drift_make_baseline(const sentiment_result *results, size_t count,
                                           uint32_t classes, uint32_t max_length, char **json,
                                           sentiment_error *error)
{
    making of = {results, count, 0, classes, max_length, NULL};
    sentiment_status status = check(&of, error);
    if (status)
        return status;
    of.values = malloc(of.good * sizeof *of.values);
    char *text = of.values ? make(&of) : NULL;
    free(of.values);
    /* Where memory ran out on the way, something is missing. */
    drift_baseline whole = {0};
    if (!text || drift_baseline_parse(text, classes, &whole, NULL)) {
        free(text);
        return serve_fail_memory(error);
    }
    drift_baseline_clear(&whole);
    *json = text;
    return SENTIMENT_OK;
}
