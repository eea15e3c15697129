/* SPDX-License-Identifier: Apache-2.0
 *
 * The window: histograms of a tenth of it each, in a ring with one to spare, which
 * is cleared while its neighbour fills up. Nothing is locked: around the moment
 * when a tenth ends a few answers may be counted in the next one, or be lost with
 * the oldest, which is nothing to a distribution. */
#include "drift.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "drift_baseline.h"
#include "fail.h"

enum { BLOCKS = 10, RING = BLOCKS + 1, WINDOW_DEFAULT = 10000, SAMPLES_LEAST = 200 };
#define WINDOW_LEAST 1000
#define WINDOW_MOST 10000000

const char *const serve_drift_names[SERVE_DRIFT_FEATURES] = {"prediction", "confidence", "length",
                                                             "unknown"};

struct serve_drift {
    drift_baseline baseline;
    size_t first[SERVE_DRIFT_FEATURES]; /* bin of a block */
    size_t bins;                        /* of a block */
    uint64_t block;                     /* answers of a block */
    _Alignas(64) _Atomic uint64_t total;
    _Alignas(64) _Atomic uint32_t counts[]; /* RING * bins */
};

sentiment_status serve_drift_create(const char *baseline, uint32_t classes, size_t window,
                                    serve_drift **drift, sentiment_error *error)
{
    drift_baseline read = {0};
    size_t bins = 0;
    if (window == 0)
        window = WINDOW_DEFAULT;
    if (window < WINDOW_LEAST || window > WINDOW_MOST)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "a window of %zu answers, expected %d to %d", window, WINDOW_LEAST,
                          WINDOW_MOST);
    sentiment_status status = drift_baseline_parse(baseline, classes, &read, error);
    if (status)
        return status;
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++)
        bins += read.features[i].bins;
    size_t size = sizeof(serve_drift) + RING * bins * sizeof(uint32_t);
    serve_drift *made = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!made) {
        drift_baseline_clear(&read);
        return serve_fail_memory(error);
    }
    made->baseline = read;
    made->bins = bins;
    made->block = window / BLOCKS;
    atomic_init(&made->total, 0);
    for (size_t i = 0, first = 0; i < SERVE_DRIFT_FEATURES; first += read.features[i++].bins)
        made->first[i] = first;
    for (size_t i = 0; i < RING * bins; i++)
        atomic_init(&made->counts[i], 0);
    *drift = made;
    return SENTIMENT_OK;
}

void serve_drift_free(serve_drift *drift)
{
    if (!drift)
        return;
    drift_baseline_clear(&drift->baseline);
    free(drift);
}

void serve_drift_add(serve_drift *drift, const sentiment_result *result)
{
    if (!drift || result->status != SENTIMENT_OK)
        return;
    uint64_t ticket = atomic_fetch_add_explicit(&drift->total, 1, memory_order_relaxed);
    size_t block = (size_t)(ticket / drift->block % RING);
    if (ticket % drift->block == 0) {
        _Atomic uint32_t *spare = drift->counts + (block + 1) % RING * drift->bins;
        for (size_t i = 0; i < drift->bins; i++)
            atomic_store_explicit(&spare[i], 0, memory_order_relaxed);
    }
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++) {
        size_t bin = drift_baseline_bin(&drift->baseline, (serve_drift_feature)i, result);
        atomic_fetch_add_explicit(&drift->counts[block * drift->bins + drift->first[i] + bin], 1,
                                  memory_order_relaxed);
    }
}

/* Answers in a bin over the window; the spare block is empty. */
static uint64_t sum_bin(const serve_drift *drift, size_t bin)
{
    uint64_t sum = 0;
    for (size_t block = 0; block < RING; block++)
        sum +=
            atomic_load_explicit(&drift->counts[block * drift->bins + bin], memory_order_relaxed);
    return sum;
}

/* Half a count more in every bin, on both sides. */
static double share_of(uint64_t count, uint64_t all, size_t bins)
{
    return ((double)count + 0.5) / ((double)all + 0.5 * (double)bins);
}

static double index_of(const serve_drift *drift, size_t feature, uint64_t samples)
{
    const drift_feature *base = &drift->baseline.features[feature];
    double psi = 0;
    for (size_t bin = 0; bin < base->bins; bin++) {
        uint64_t count = sum_bin(drift, drift->first[feature] + bin);
        double actual = share_of(count, samples, base->bins);
        double expected = share_of(base->counts[bin], drift->baseline.count, base->bins);
        psi += (actual - expected) * log(actual / expected);
    }
    return psi;
}

void serve_drift_read(const serve_drift *drift, serve_drift_values *values)
{
    *values = (serve_drift_values){0};
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++)
        values->psi[i] = (double)NAN;
    if (!drift)
        return;
    for (size_t feature = 0; feature < SERVE_DRIFT_FEATURES; feature++) {
        uint64_t samples = 0;
        for (size_t bin = 0; bin < drift->baseline.features[feature].bins; bin++)
            samples += sum_bin(drift, drift->first[feature] + bin);
        if (feature == SERVE_DRIFT_PREDICTION)
            values->samples = samples;
        if (samples >= SAMPLES_LEAST)
            values->psi[feature] = index_of(drift, feature, samples);
    }
}
