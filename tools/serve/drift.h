/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether what comes in still looks like what the model was measured on: the
 * population stability index (PSI) of four distributions of the last answers
 * against a baseline that lies in the model's metadata. It judges nothing: the
 * thresholds are those of deploy/prometheus/alerts.yml.
 *
 * PSI = sum over bins of (a - e) ln(a / e), a and e the shares of a bin among the
 * last answers and in the baseline (N. Siddiqi, Credit Risk Scorecards, 2006: below
 * 0.1 no change, above 0.25 a considerable one). Every bin gets half a count on
 * both sides before the shares are taken, so that an empty one stays finite.
 * Without any drift the mean of PSI is about (bins - 1)(1/window + 1/baseline)
 * (B. Yurdakul, Statistical Properties of Population Stability Index, 2018). */
#ifndef TOOLS_SERVE_DRIFT_H
#define TOOLS_SERVE_DRIFT_H

#include <sentiment/sentiment.h>

#include <stddef.h>
#include <stdint.h>

/* The metadata key of a baseline. */
#define SERVE_DRIFT_KEY "baseline"

typedef enum serve_drift_feature {
    SERVE_DRIFT_PREDICTION, /* a bin a class, "prediction" */
    SERVE_DRIFT_CONFIDENCE, /* of the prediction, "confidence" */
    SERVE_DRIFT_LENGTH,     /* tokens before truncation, "length" */
    SERVE_DRIFT_UNKNOWN,    /* share of the tokens used that are unknown, "unknown" */
    SERVE_DRIFT_FEATURES
} serve_drift_feature;

/* "prediction", "confidence", "length", "unknown". */
extern const char *const serve_drift_names[SERVE_DRIFT_FEATURES];

typedef struct serve_drift serve_drift;

/* Makes a baseline of the answers to a representative set of texts, at least 100
 * with status SENTIMENT_OK (others are skipped). `max_length` bounds the tokens used.
 * JSON in one line, to be freed:
 * {"version":1,"count":N,"max_length":M,"features":{"prediction":{"counts":[..]},
 *  "confidence":{"edges":[..],"counts":[..]},"length":{..},"unknown":{..}}}
 * Edges ascend; bin i holds edge[i-1] <= value < edge[i], so that there is one count
 * more than edges. They are deciles of the set, equal ones merged. INVALID_ARGUMENT
 * or OUT_OF_MEMORY. */
sentiment_status serve_drift_make_baseline(const sentiment_result *results, size_t count,
                                           uint32_t classes, uint32_t max_length, char **json,
                                           sentiment_error *error);

/* A window over the last `window` answers (0: 10,000; 1,000 to 10,000,000) of a model
 * with `classes` classes, held against the baseline. BAD_MODEL: the text is no
 * baseline of such a model; INVALID_ARGUMENT or OUT_OF_MEMORY. */
sentiment_status serve_drift_create(const char *baseline, uint32_t classes, size_t window,
                                    serve_drift **drift, sentiment_error *error);
/* No other thread may use it any more. NULL is fine. */
void serve_drift_free(serve_drift *drift);

/* Counts an answer; one without SENTIMENT_OK is skipped. From any thread, without
 * locks or malloc. NULL for `drift` is fine. */
void serve_drift_add(serve_drift *drift, const sentiment_result *result);

typedef struct serve_drift_values {
    uint64_t samples; /* answers in the window: its size, less at most a tenth, once full */
    double psi[SERVE_DRIFT_FEATURES]; /* NaN below 200 samples: noise would pass for drift */
} serve_drift_values;

/* From any thread, at any time; counts that come in meanwhile may or may not be in
 * it. NULL for `drift`: no samples. */
void serve_drift_read(const serve_drift *drift, serve_drift_values *values);

#endif
