/* SPDX-License-Identifier: Apache-2.0
 *
 * See optimize.h. */
#include "optimize.h"

static void print_side(const optimize_report *report, const char *name, int side, emit *out)
{
    emit_key(out, name);
    emit_open(out, '{');
    emit_key(out, "bytes");
    emit_unsigned(out, report->bytes[side]);
    emit_key(out, "median_seconds");
    emit_double(out, report->median_seconds[side]);
    if (report->tested) {
        emit_key(out, "accuracy");
        emit_double(out, report->scores[side].accuracy);
        emit_key(out, "macro_f1");
        emit_double(out, report->scores[side].macro_f1);
    }
    emit_close(out, '}');
}

static double speedup(const optimize_report *report)
{
    return report->median_seconds[ORIGINAL] / report->median_seconds[OPTIMIZED];
}

void optimize_print_json(const optimize_report *report, emit *out)
{
    emit_open(out, '{');
    print_side(report, "original", ORIGINAL, out);
    print_side(report, "optimized", OPTIMIZED, out);
    emit_key(out, "speedup");
    emit_double(out, speedup(report));
    emit_key(out, "disagreements");
    if (report->tested)
        emit_unsigned(out, report->disagreements);
    else
        emit_null(out);
    emit_bytes(out, "}\n", 2);
}

void optimize_print_text(const optimize_report *report, emit *out)
{
    const double *seconds = report->median_seconds;
    emit_format(out, "%-14s  %12s  %12s\n", "", "original", "optimized");
    emit_format(out, "%-14s  %12llu  %12llu  %.1f%% of the size\n", "bytes",
                (unsigned long long)report->bytes[ORIGINAL],
                (unsigned long long)report->bytes[OPTIMIZED],
                100 * (double)report->bytes[OPTIMIZED] / (double)report->bytes[ORIGINAL]);
    emit_format(out, "%-14s  %12.6g  %12.6g  %.2f times as fast\n", "ms per call",
                seconds[ORIGINAL] * 1e3, seconds[OPTIMIZED] * 1e3, speedup(report));
    if (report->tested) {
        emit_format(out, "%-14s  %12.4f  %12.4f\n%-14s  %12.4f  %12.4f\n", "accuracy",
                    report->scores[ORIGINAL].accuracy, report->scores[OPTIMIZED].accuracy,
                    "macro-F1", report->scores[ORIGINAL].macro_f1,
                    report->scores[OPTIMIZED].macro_f1);
        emit_format(out, "They disagree on %llu of %llu texts (%.2f%%).\n",
                    (unsigned long long)report->disagreements, (unsigned long long)report->texts,
                    100 * (double)report->disagreements / (double)report->texts);
    }
    emit_format(out,
                "Calls: batch %lu, length %lu, threads %lu; medians of %zu and %zu, in turn.\n",
                (unsigned long)report->batch, (unsigned long)report->length,
                (unsigned long)report->threads, report->calls[ORIGINAL], report->calls[OPTIMIZED]);
}
