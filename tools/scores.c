/* SPDX-License-Identifier: Apache-2.0
 *
 * Precision, recall, F1 and their means over classes. */
#include "scores.h"

static double ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

double scores_f1(uint64_t hits, uint64_t labelled, uint64_t predicted)
{
    return ratio(2 * hits, labelled + predicted);
}

scores scores_compute(const uint64_t *matrix, size_t classes, class_scores *each)
{
    uint64_t total = 0, right = 0;
    size_t seen = 0;
    scores all = {0};
    for (size_t c = 0; c < classes; c++) {
        uint64_t hits = matrix[c * classes + c], labelled = 0, predicted = 0;
        for (size_t i = 0; i < classes; i++) {
            labelled += matrix[c * classes + i];
            predicted += matrix[i * classes + c];
        }
        each[c] = (class_scores){.precision = ratio(hits, predicted),
                                 .recall = ratio(hits, labelled),
                                 .f1 = scores_f1(hits, labelled, predicted),
                                 .support = labelled};
        total += labelled;
        right += hits;
        seen += labelled + predicted > 0;
        all.macro_f1 += each[c].f1;
        all.macro_recall += each[c].recall;
    }
    all.accuracy = ratio(right, total);
    all.macro_f1 /= seen ? (double)seen : 1;
    all.macro_recall /= seen ? (double)seen : 1;
    return all;
}
