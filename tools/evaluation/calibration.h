/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether confidences mean what they say, and the temperature with which they do
 * (C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On Calibration of Modern Neural
 * Networks, 2017). Works on logits and labels alone. */
#ifndef TOOLS_EVALUATION_CALIBRATION_H
#define TOOLS_EVALUATION_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as Guo et al. take. Bin i holds confidences above i/15, up to (i+1)/15. */
#define CALIBRATION_BINS 15

typedef struct calibration_bin {
    uint64_t count, right;
    double confidence; /* the mean; 0 in an empty bin */
} calibration_bin;

typedef struct calibration {
    double ece;             /* mean over texts of |accuracy - confidence| of their bin */
    double nll;             /* mean of -ln p(label) */
    double brier;           /* mean of the sum over classes of (p - [class is the label])^2 */
    double mean_confidence; /* of the predicted class */
    double accuracy;
    calibration_bin bins[CALIBRATION_BINS];
} calibration;

/* logits[texts][classes], texts >= 1, labels below classes, temperature > 0. */
calibration calibration_measure(const float *logits, const int32_t *labels, size_t texts,
                                size_t classes, double temperature);
/* The accuracy of a bin; 0 where it is empty. */
double calibration_bin_accuracy(const calibration_bin *bin);

/* Temperatures that are looked at. */
#define CALIBRATION_LOWEST 1e-3
#define CALIBRATION_HIGHEST 1e3

typedef enum calibration_fit {
    CALIBRATION_FITTED,
    CALIBRATION_TO_ZERO,    /* likelihood grows to the lower end: all (but little) is right */
    CALIBRATION_TO_INFINITY /* to the upper end: the logits say nothing about the labels */
} calibration_fit;

/* The temperature with the least nll, to nine digits. */
calibration_fit calibration_find(const float *logits, const int32_t *labels, size_t texts,
                                 size_t classes, double *temperature);

#endif
