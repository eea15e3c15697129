/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures of a classifier from its confusion matrix. */
#ifndef TOOLS_SCORES_H
#define TOOLS_SCORES_H

#include <stddef.h>
#include <stdint.h>

typedef struct class_scores {
    double precision, recall, f1;
    uint64_t support;
} class_scores;

typedef struct scores {
    double accuracy, macro_f1, macro_recall;
} scores;

/* 2 hits / (labelled + predicted), the harmonic mean of precision and recall. */
double scores_f1(uint64_t hits, uint64_t labelled, uint64_t predicted);

/* matrix[true * classes + predicted]; `each` has room for all classes. A ratio
 * with nothing below the line is 0. The means run over the classes that occur
 * among the labels or the predictions. */
scores scores_compute(const uint64_t *matrix, size_t classes, class_scores *each);

#endif
