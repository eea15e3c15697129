/* SPDX-License-Identifier: Apache-2.0
 *
 * See calibration.h. Everything is computed in double from differences to the
 * largest logit, so that nothing overflows and no logarithm of 0 is taken. */
#include "evaluation/calibration.h"

#include <math.h>

static size_t largest_of(const float *logits, size_t classes)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

/* The bin of a confidence in (0, 1]. */
static size_t bin_of(double confidence)
{
    double place = ceil(confidence * CALIBRATION_BINS) - 1;
    if (place < 0)
        return 0;
    return place < CALIBRATION_BINS ? (size_t)place : CALIBRATION_BINS - 1;
}

/* Adds one text to the sums. */
static void add(calibration *sums, const float *logits, int32_t label, size_t classes, double scale)
{
    size_t best = largest_of(logits, classes);
    double sum = 0, brier = 0;
    for (size_t c = 0; c < classes; c++)
        sum += exp(((double)logits[c] - (double)logits[best]) * scale);
    for (size_t c = 0; c < classes; c++) {
        double p = exp(((double)logits[c] - (double)logits[best]) * scale) / sum;
        double off = p - (c == (size_t)label ? 1 : 0);
        brier += off * off;
    }
    calibration_bin *bin = &sums->bins[bin_of(1 / sum)];
    bin->count++;
    bin->right += best == (size_t)label;
    bin->confidence += 1 / sum;
    sums->mean_confidence += 1 / sum;
    sums->accuracy += best == (size_t)label ? 1 : 0;
    sums->brier += brier;
    sums->nll += log(sum) - ((double)logits[label] - (double)logits[best]) * scale;
}

double calibration_bin_accuracy(const calibration_bin *bin)
{
    return bin->count ? (double)bin->right / (double)bin->count : 0;
}

calibration calibration_measure(const float *logits, const int32_t *labels, size_t texts,
                                size_t classes, double temperature)
{
    calibration all = {0};
    for (size_t i = 0; i < texts; i++)
        add(&all, logits + i * classes, labels[i], classes, 1 / temperature);
    for (size_t i = 0; i < CALIBRATION_BINS; i++) {
        calibration_bin *bin = &all.bins[i];
        all.ece += fabs((double)bin->right - bin->confidence) / (double)texts;
        bin->confidence = bin->count ? bin->confidence / (double)bin->count : 0;
    }
    all.nll /= (double)texts;
    all.brier /= (double)texts;
    all.mean_confidence /= (double)texts;
    all.accuracy /= (double)texts;
    return all;
}

/* Derivative of the nll by the scale 1 / temperature: the mean of E_p[logit] - logit of
 * the label. It never falls when the scale grows: the nll is convex in the scale. */
static double slope(const float *logits, const int32_t *labels, size_t texts, size_t classes,
                    double scale)
{
    double total = 0;
    for (size_t i = 0; i < texts; i++, logits += classes) {
        double largest = (double)logits[largest_of(logits, classes)], sum = 0, weighted = 0;
        for (size_t c = 0; c < classes; c++) {
            double weight = exp(((double)logits[c] - largest) * scale);
            sum += weight;
            weighted += weight * ((double)logits[c] - (double)logits[labels[i]]);
        }
        total += weighted / sum;
    }
    return total / (double)texts;
}

calibration_fit calibration_find(const float *logits, const int32_t *labels, size_t texts,
                                 size_t classes, double *temperature)
{
    double low = log(1 / CALIBRATION_HIGHEST), high = log(1 / CALIBRATION_LOWEST);
    /* A slope that is not a number, of infinite logits, tells nothing either. */
    if (!(slope(logits, labels, texts, classes, exp(low)) < 0))
        return CALIBRATION_TO_INFINITY;
    if (!(slope(logits, labels, texts, classes, exp(high)) > 0))
        return CALIBRATION_TO_ZERO;
    /* Halving an interval of ln(1e6) forty times leaves 1e-11 of it. */
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (slope(logits, labels, texts, classes, exp(middle)) < 0)
            low = middle;
        else
            high = middle;
    }
    *temperature = exp(-(low + high) / 2);
    return CALIBRATION_FITTED;
}
