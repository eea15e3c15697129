/* SPDX-License-Identifier: Apache-2.0
 *
 * See calibrate_report.h. */
#include "evaluation/calibrate_report.h"

#include <math.h>
#include <string.h>

/* What is not known is NAN, which is null in JSON. */
static void put(emit *out, const char *key, bool known, double value)
{
    emit_key(out, key);
    emit_double(out, known ? value : NAN);
}

static void put_name(emit *out, const char *key, const char *value)
{
    emit_key(out, key);
    if (value)
        emit_name(out, value);
    else
        emit_null(out);
}

static void print_state(const char *key, const calibrated *at, bool known, emit *out)
{
    emit_key(out, key);
    emit_open(out, '{');
    emit_key(out, "temperature");
    emit_float(out, (float)at->temperature);
    put(out, "ece", known, at->figures.ece);
    put(out, "nll", known, at->figures.nll);
    put(out, "brier", known, at->figures.brier);
    put(out, "mean_confidence", known, at->figures.mean_confidence);
    emit_close(out, '}');
}

void calibrate_print_json(const calibrate_report *report, emit *out)
{
    bool known = report->dev_sha256 != NULL;
    emit_open(out, '{');
    put_name(out, "model", report->path);
    emit_key(out, "texts");
    if (known)
        emit_unsigned(out, report->texts);
    else
        emit_null(out);
    put_name(out, "dev_sha256", report->dev_sha256);
    put(out, "accuracy", known, report->before.figures.accuracy);
    print_state("before", &report->before, known, out);
    print_state("after", &report->after, known, out);
    put_name(out, "output", report->output);
    emit_bytes(out, "}\n", 2);
}

void calibrate_print_text(const calibrate_report *report, emit *out)
{
    const calibration *p = &report->before.figures, *q = &report->after.figures;
    const struct {
        const char *title;
        double before, after;
    } rows[] = {{"calibration error", p->ece, q->ece},
                {"log loss", p->nll, q->nll},
                {"Brier score", p->brier, q->brier},
                {"mean confidence", p->mean_confidence, q->mean_confidence},
                {"accuracy", p->accuracy, q->accuracy}};
    emit_format(out, "%-18s  %10s  %10s\n%-18s  %10.6g  %10.6g\n", "", "before", "after",
                "temperature", report->before.temperature, report->after.temperature);
    for (size_t i = 0; report->dev_sha256 && i < sizeof rows / sizeof *rows; i++)
        emit_format(out, "%-18s  %10.4f  %10.4f\n", rows[i].title, rows[i].before, rows[i].after);
    if (report->dev_sha256)
        emit_format(out, "%-18s  %10llu\n", "texts", (unsigned long long)report->texts);
    if (!report->output) {
        emit_format(out, "Nothing was saved: --output DST does that.\n");
        return;
    }
    emit_format(out, "Saved as ");
    emit_text(out, report->output, strlen(report->output));
    emit_format(out, ".\n");
}
