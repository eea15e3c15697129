/* SPDX-License-Identifier: Apache-2.0
 *
 * Plots as SVG inside a page, each a figure with its numbers in a table that unfolds:
 * what the eye gets from the picture, the table gives to the ear. */
#ifndef TOOLS_EVALUATION_PLOTS_H
#define TOOLS_EVALUATION_PLOTS_H

#include "emit.h"
#include "evaluation/comparison.h"

/* Classes of a confusion matrix that is drawn. */
#define PLOT_CLASSES 12

/* `letter` is A or B. Accuracy over confidence, a bar a bin. */
void plot_reliability(const calibration *of, char letter, emit *out);
/* How many texts have which confidence, on the scale of both models. */
void plot_confidence(const calibration *of, const calibration *beside, char letter, emit *out);
/* Rows are labels, columns predictions. */
void plot_confusion(const labels *names, const side *one, char letter, emit *out);

#endif
