/* SPDX-License-Identifier: Apache-2.0
 *
 * A drift baseline, which comes with a model's metadata: what is read has bins for
 * whatever answer there may be, and an index that is a number from zero up. The
 * switches are the number of classes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "serve/drift_baseline.h"

/* Answers of every kind, impossible ones among them. */
static void add_answers(serve_drift *drift, uint8_t start)
{
    for (unsigned i = 0; i < 300; i++) {
        const sentiment_result result = {.prediction = (int32_t)(i * start) % 7 - 1,
                                         .confidence = i % 50 ? (float)(i % 101) / 100 : NAN,
                                         .tokens = i % 40 ? (uint64_t)i * i : UINT64_MAX,
                                         .unknown = i % 30};
        serve_drift_add(drift, &result);
    }
}

static void check_bins(const drift_baseline *baseline)
{
    for (size_t f = 0; f < SERVE_DRIFT_FEATURES; f++) {
        const drift_feature *feature = &baseline->features[f];
        uint64_t sum = 0;
        FUZZ_CHECK(feature->bins > 0 && feature->counts != NULL);
        for (size_t i = 0; i < feature->bins; i++)
            sum += feature->counts[i];
        FUZZ_CHECK(sum == baseline->count);
        FUZZ_CHECK(!feature->edges == (f == SERVE_DRIFT_PREDICTION));
        for (size_t i = 0; feature->edges && i + 1 < feature->bins; i++)
            FUZZ_CHECK(isfinite(feature->edges[i]) &&
                       (i == 0 || feature->edges[i] > feature->edges[i - 1]));
    }
}

static sentiment_status attempt(fuzz_run *run)
{
    uint32_t classes = 1 + run->flags % 4u;
    drift_baseline baseline;
    serve_drift *drift = NULL;
    serve_drift_values values;
    char *text = malloc(run->size + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, run->data, run->size);
    text[run->size] = '\0';
    sentiment_status status = serve_drift_create(text, classes, 0, &drift, &run->error);
    FUZZ_CHECK(drift_baseline_parse(text, classes, &baseline, NULL) == status);
    free(text);
    if (status)
        return status;
    check_bins(&baseline);
    FUZZ_CHECK(baseline.features[SERVE_DRIFT_PREDICTION].bins == classes);
    drift_baseline_clear(&baseline);
    add_answers(drift, run->flags);
    serve_drift_read(drift, &values);
    FUZZ_CHECK(values.samples == 300);
    /* Terms are never negative but for their rounding. */
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++)
        FUZZ_CHECK(isfinite(values.psi[i]) && values.psi[i] > -1e-9);
    serve_drift_free(drift);
    return SENTIMENT_OK;
}

/* jansson's memory is its own: nothing of the harness' heap is used. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 0, 0};
    return fuzz_input(&target, data, size);
}
