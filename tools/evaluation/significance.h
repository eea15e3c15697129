/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a difference between two models on the same texts may be chance:
 * McNemar's test on the texts that only one of them gets right, and bootstrap
 * intervals of the differences (docs/evaluation.md names the sources). */
#ifndef TOOLS_EVALUATION_SIGNIFICANCE_H
#define TOOLS_EVALUATION_SIGNIFICANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With fewer texts than this the binomial distribution is summed up. */
#define MCNEMAR_EXACT_BELOW 1000

typedef struct mcnemar {
    uint64_t only_a, only_b; /* texts that A alone, and B alone, gets right */
    bool exact;              /* binomial; else chi-squared */
    double statistic;        /* chi-squared with continuity correction, 0 where exact */
    double p;                /* two-sided */
} mcnemar;

mcnemar mcnemar_test(uint64_t only_a, uint64_t only_b);

typedef struct interval {
    double low, high;
} interval;

/* Labels and both predictions of the same texts. */
typedef struct paired {
    const int32_t *labels, *a, *b; /* [texts], at most 2^32 */
    size_t texts, classes;
} paired;

#define BOOTSTRAP_LEVEL 0.95

/* 95% percentile intervals of B's accuracy and macro-F1 above A's, from `resamples` (1 or
 * more) draws of all texts with replacement. The same seed gives the same intervals.
 * False: memory ran out. */
bool bootstrap_differences(const paired *texts, uint32_t resamples, uint64_t seed,
                           interval *accuracy, interval *macro_f1);

#endif
