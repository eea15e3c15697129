/* SPDX-License-Identifier: Apache-2.0
 *
 * What `sentiment calibrate` found out and did, and how it is told. */
#ifndef TOOLS_EVALUATION_CALIBRATE_REPORT_H
#define TOOLS_EVALUATION_CALIBRATE_REPORT_H

#include "emit.h"
#include "evaluation/calibration.h"

typedef struct calibrated {
    double temperature;
    calibration figures; /* where there was a dev set */
} calibrated;

typedef struct calibrate_report {
    const char *path, *output; /* output: NULL where nothing was saved */
    const char *dev_sha256;    /* NULL: no dev set, no figures */
    uint64_t texts;
    calibrated before, after;
} calibrate_report;

void calibrate_print_json(const calibrate_report *report, emit *out);
void calibrate_print_text(const calibrate_report *report, emit *out);

#endif
