/* SPDX-License-Identifier: Apache-2.0
 *
 * What `sentiment optimize` found out, and how it is told. */
#ifndef TOOLS_OPTIMIZE_H
#define TOOLS_OPTIMIZE_H

#include "emit.h"
#include "scores.h"

enum { ORIGINAL, OPTIMIZED, OPTIMIZE_SIDES };

typedef struct optimize_report {
    uint64_t bytes[OPTIMIZE_SIDES];
    double median_seconds[OPTIMIZE_SIDES];
    size_t calls[OPTIMIZE_SIDES];
    uint32_t batch, length, threads;
    bool tested; /* the rest is known */
    scores scores[OPTIMIZE_SIDES];
    uint64_t texts, disagreements;
} optimize_report;

void optimize_print_json(const optimize_report *report, emit *out);
void optimize_print_text(const optimize_report *report, emit *out);

#endif
