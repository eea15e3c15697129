/* SPDX-License-Identifier: Apache-2.0
 *
 * The baseline in memory: bins and counts of each distribution, and which bin an
 * answer belongs to. drift.h has its form as JSON. */
#ifndef TOOLS_SERVE_DRIFT_BASELINE_H
#define TOOLS_SERVE_DRIFT_BASELINE_H

#include "drift.h"

typedef struct drift_feature {
    size_t bins;
    double *edges; /* bins - 1, ascending; NULL: a bin a class */
    uint64_t *counts;
} drift_feature;

typedef struct drift_baseline {
    uint64_t count;      /* answers; the sum of each feature's counts */
    uint32_t max_length; /* bounds the tokens used of a text */
    drift_feature features[SERVE_DRIFT_FEATURES];
} drift_baseline;

/* BAD_MODEL or OUT_OF_MEMORY; nothing is left in `baseline` then. */
sentiment_status drift_baseline_parse(const char *json, uint32_t classes, drift_baseline *baseline,
                                      sentiment_error *error);
void drift_baseline_clear(drift_baseline *baseline);
/* Below the feature's `bins`, whatever is in the result. */
size_t drift_baseline_bin(const drift_baseline *baseline, serve_drift_feature feature,
                          const sentiment_result *result);
/* The number whose distribution a feature other than PREDICTION is. */
double drift_baseline_value(serve_drift_feature feature, uint32_t max_length,
                            const sentiment_result *result);

#endif
