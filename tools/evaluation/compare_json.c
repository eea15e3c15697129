/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison as JSON. docs/evaluation.md lists the names, which stay. */
#include <string.h>

#include "evaluation/compare_report.h"
#include "setup.h"

static void put_double(emit *out, const char *key, double value)
{
    emit_key(out, key);
    emit_double(out, value);
}

static void put_unsigned(emit *out, const char *key, uint64_t value)
{
    emit_key(out, key);
    emit_unsigned(out, value);
}

/* A string, or null. */
static void put_name(emit *out, const char *key, const char *value)
{
    emit_key(out, key);
    if (value)
        emit_name(out, value);
    else
        emit_null(out);
}

static void print_model(const side *one, emit *out)
{
    put_name(out, "path", one->path);
    put_name(out, "name", sentiment_model_get_metadata(one->model, "name"));
    put_name(out, "version", sentiment_model_get_metadata(one->model, "version"));
    put_name(out, "sha256", one->info.sha256);
    put_name(out, "engine", one->running.engine_name);
    put_name(out, "precision", option_choice_name(setup_precisions, one->running.precision));
    put_unsigned(out, "threads", one->running.threads);
    put_unsigned(out, "max_length", one->running.max_length);
    emit_key(out, "temperature");
    emit_float(out, one->info.temperature);
}

static void print_classes(const comparison *both, const side *one, emit *out)
{
    emit_key(out, "classes");
    emit_open(out, '{');
    for (size_t c = 0; c < both->names.count; c++) {
        emit_key(out, both->names.names[c]);
        emit_open(out, '{');
        put_double(out, "precision", one->each[c].precision);
        put_double(out, "recall", one->each[c].recall);
        put_double(out, "f1", one->each[c].f1);
        put_unsigned(out, "support", one->each[c].support);
        emit_close(out, '}');
    }
    emit_close(out, '}');
    emit_key(out, "confusion");
    emit_open(out, '[');
    for (size_t row = 0; row < both->names.count; row++) {
        emit_open(out, '[');
        for (size_t c = 0; c < both->names.count; c++)
            emit_unsigned(out, one->matrix[row * both->names.count + c]);
        emit_close(out, ']');
    }
    emit_close(out, ']');
}

static void print_calibration(const calibration *of, emit *out)
{
    emit_key(out, "calibration");
    emit_open(out, '{');
    put_double(out, "ece", of->ece);
    put_double(out, "nll", of->nll);
    put_double(out, "brier", of->brier);
    put_double(out, "mean_confidence", of->mean_confidence);
    emit_key(out, "bins");
    emit_open(out, '[');
    for (size_t i = 0; i < CALIBRATION_BINS; i++) {
        emit_open(out, '{');
        put_double(out, "above", (double)i / CALIBRATION_BINS);
        put_unsigned(out, "count", of->bins[i].count);
        put_double(out, "confidence", of->bins[i].confidence);
        put_double(out, "accuracy", calibration_bin_accuracy(&of->bins[i]));
        emit_close(out, '}');
    }
    emit_close(out, ']');
    emit_close(out, '}');
}

/* null where no speed was measured. */
static void print_seconds(const comparison *both, const side *one, emit *out)
{
    bool known = one->median_seconds > 0;
    emit_key(out, "median_seconds");
    if (known)
        emit_double(out, one->median_seconds);
    else
        emit_null(out);
    emit_key(out, "texts_per_second");
    if (known)
        emit_double(out, both->speed_texts / one->median_seconds);
    else
        emit_null(out);
}

static void print_side(const comparison *both, const char *key, const side *one, emit *out)
{
    emit_key(out, key);
    emit_open(out, '{');
    print_model(one, out);
    put_double(out, "accuracy", one->scores.accuracy);
    put_double(out, "macro_f1", one->scores.macro_f1);
    put_double(out, "macro_recall", one->scores.macro_recall);
    print_classes(both, one, out);
    print_calibration(&one->calibration, out);
    print_seconds(both, one, out);
    emit_close(out, '}');
}

static void print_interval(const comparison *both, const char *key, const interval *of, emit *out)
{
    emit_key(out, key);
    if (!both->resamples) {
        emit_null(out);
        return;
    }
    emit_open(out, '[');
    emit_double(out, of->low);
    emit_double(out, of->high);
    emit_close(out, ']');
}

/* B's figures above A's. */
static void print_differences(const comparison *both, emit *out)
{
    const side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    emit_key(out, "differences");
    emit_open(out, '{');
    put_double(out, "accuracy", b->scores.accuracy - a->scores.accuracy);
    print_interval(both, "accuracy_interval", &both->accuracy_interval, out);
    put_double(out, "macro_f1", b->scores.macro_f1 - a->scores.macro_f1);
    print_interval(both, "macro_f1_interval", &both->f1_interval, out);
    put_double(out, "ece", b->calibration.ece - a->calibration.ece);
    emit_key(out, "f1");
    emit_open(out, '{');
    for (size_t c = 0; c < both->names.count; c++)
        put_double(out, both->names.names[c], b->each[c].f1 - a->each[c].f1);
    emit_close(out, '}');
    emit_key(out, "slowdown");
    if (a->median_seconds > 0)
        emit_double(out, comparison_slowdown(both));
    else
        emit_null(out);
    emit_close(out, '}');
}

static void print_mcnemar(const mcnemar *test, emit *out)
{
    emit_key(out, "mcnemar");
    emit_open(out, '{');
    put_unsigned(out, "only_a_right", test->only_a);
    put_unsigned(out, "only_b_right", test->only_b);
    put_name(out, "method", test->exact ? "exact" : "chi_squared");
    put_double(out, "p", test->p);
    emit_close(out, '}');
}

static void print_answer(const comparison *both, const char *key, size_t which, uint64_t row,
                         emit *out)
{
    emit_key(out, key);
    emit_open(out, '{');
    put_name(out, "label", both->names.names[both->sides[which].answers.predictions[row]]);
    put_double(out, "confidence", comparison_confidence(both, which, row));
    emit_close(out, '}');
}

static void print_disagreements(const comparison *both, emit *out)
{
    static const char *const counts[KINDS] = {"regressions", "improvements", "both_wrong"};
    emit_key(out, "disagreements");
    emit_open(out, '{');
    put_unsigned(out, "count", both->row_count);
    for (size_t kind = 0; kind < KINDS; kind++)
        put_unsigned(out, counts[kind], both->kind_counts[kind]);
    emit_key(out, "listed");
    emit_open(out, '[');
    for (size_t i = 0; i < both->listed; i++) {
        uint64_t row = both->rows[i], start = both->data.offsets[row];
        emit_open(out, '{');
        put_unsigned(out, "line", answers_line(row));
        put_name(out, "kind", disagreement_names[comparison_kind(both, row)]);
        put_name(out, "label", both->names.names[both->data.labels[row]]);
        print_answer(both, "a", SIDE_A, row, out);
        print_answer(both, "b", SIDE_B, row, out);
        emit_key(out, "text");
        emit_string(out, both->data.text + start, both->data.offsets[row + 1] - start);
        emit_close(out, '}');
    }
    emit_close(out, ']');
    emit_close(out, '}');
}

static void print_gates(const comparison *both, bool passed, emit *out)
{
    emit_key(out, "gates");
    emit_open(out, '[');
    for (size_t i = 0; i < GATES; i++) {
        if (!both->gates[i].set)
            continue;
        emit_open(out, '{');
        put_name(out, "name", both->gates[i].name);
        put_double(out, "limit", both->gates[i].limit);
        put_double(out, "value", both->gates[i].value);
        emit_key(out, "ok");
        emit_boolean(out, both->gates[i].holds);
        emit_close(out, '}');
    }
    emit_close(out, ']');
    emit_key(out, "ok");
    emit_boolean(out, passed);
}

void compare_print_json(const comparison *both, bool passed, emit *out)
{
    emit_open(out, '{');
    print_side(both, "a", &both->sides[SIDE_A], out);
    print_side(both, "b", &both->sides[SIDE_B], out);
    put_name(out, "test", both->test_path);
    put_name(out, "test_sha256", both->data.sha256);
    put_unsigned(out, "texts", both->data.count);
    emit_key(out, "labels");
    emit_open(out, '[');
    for (size_t c = 0; c < both->names.count; c++)
        emit_name(out, both->names.names[c]);
    emit_close(out, ']');
    print_differences(both, out);
    put_unsigned(out, "resamples", both->resamples);
    put_unsigned(out, "seed", both->seed);
    print_mcnemar(&both->mcnemar, out);
    print_disagreements(both, out);
    print_gates(both, passed, out);
    emit_bytes(out, "}\n", 2);
}
