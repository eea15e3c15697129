/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison for a person at a terminal. */
#include <string.h>

#include "evaluation/compare_report.h"
#include "setup.h"
#include "utf8.h"

/* Bytes of a text that a line of the list has room for. */
#define TEXT_BYTES 60

/* The first `width` characters of a name, filled up with spaces. */
static void print_name(emit *out, const char *name, size_t width)
{
    size_t size = strlen(name), used = 0, characters = 0;
    while (used < size && characters < width) {
        used += utf8_next(name + used, size - used).length;
        characters++;
    }
    emit_text(out, name, used);
    emit_format(out, "%*s", (int)(width - characters), "");
}

static void print_row(emit *out, const char *title, double a, double b)
{
    emit_format(out, "%-18s  %10.4f  %10.4f  %+10.4f", title, a, b, b - a);
}

static void print_interval(const comparison *both, const interval *of, emit *out)
{
    if (both->resamples)
        emit_format(out, "  %+.4f to %+.4f", of->low, of->high);
    emit_format(out, "\n");
}

static void print_model(const side *one, char letter, emit *out)
{
    emit_format(out, "%c  ", letter);
    emit_text(out, one->path, strlen(one->path));
    emit_format(out, " (%s, %s, temperature %g)\n",
                one->running.engine_name ? one->running.engine_name : "unknown engine",
                option_choice_name(setup_precisions, one->running.precision),
                (double)one->info.temperature);
}

static void print_figures(const comparison *both, emit *out)
{
    const side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    const calibration *p = &a->calibration, *q = &b->calibration;
    emit_format(out, "\n%-18s  %10s  %10s  %10s%s\n", "", "A", "B", "B - A",
                both->resamples ? "  95% interval" : "");
    print_row(out, "accuracy", a->scores.accuracy, b->scores.accuracy);
    print_interval(both, &both->accuracy_interval, out);
    print_row(out, "macro-F1", a->scores.macro_f1, b->scores.macro_f1);
    print_interval(both, &both->f1_interval, out);
    for (size_t c = 0; c < both->names.count; c++) {
        emit_format(out, "F1 of ");
        print_name(out, both->names.names[c], 12);
        emit_format(out, "  %10.4f  %10.4f  %+10.4f  on %llu texts\n", a->each[c].f1, b->each[c].f1,
                    b->each[c].f1 - a->each[c].f1, (unsigned long long)a->each[c].support);
    }
    const struct {
        const char *title;
        double a, b;
    } rows[] = {{"calibration error", p->ece, q->ece},
                {"mean confidence", p->mean_confidence, q->mean_confidence},
                {"log loss", p->nll, q->nll},
                {"Brier score", p->brier, q->brier}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_row(out, rows[i].title, rows[i].a, rows[i].b);
        emit_format(out, "\n");
    }
    if (a->median_seconds > 0)
        emit_format(out, "%-18s  %10.0f  %10.0f  B takes %.2f times as long\n", "texts a second",
                    both->speed_texts / a->median_seconds, both->speed_texts / b->median_seconds,
                    comparison_slowdown(both));
}

static void print_mcnemar(const mcnemar *test, emit *out)
{
    emit_format(out,
                "\nA alone is right on %llu texts, B alone on %llu: McNemar's test, %s, "
                "p = %.4g\n",
                (unsigned long long)test->only_a, (unsigned long long)test->only_b,
                test->exact ? "exact" : "chi-squared", test->p);
}

/* The start of a text, cut between characters. */
static void print_start(const comparison *both, uint64_t row, emit *out)
{
    const char *text = both->data.text + both->data.offsets[row];
    size_t size = both->data.offsets[row + 1] - both->data.offsets[row], used = 0;
    while (used < size) {
        size_t next = used + utf8_next(text + used, size - used).length;
        if (next > TEXT_BYTES)
            break;
        used = next;
    }
    emit_text(out, text, used);
    emit_format(out, used < size ? "...\n" : "\n");
}

static void print_disagreements(const comparison *both, emit *out)
{
    emit_format(out,
                "They disagree on %zu of %llu texts: %zu regressions, %zu improvements, "
                "%zu both wrong.\n",
                both->row_count, (unsigned long long)both->data.count,
                both->kind_counts[REGRESSION], both->kind_counts[IMPROVEMENT],
                both->kind_counts[BOTH_WRONG]);
    if (both->listed)
        emit_format(out, "\n%7s  %-12s  %-18s  %-18s  %s\n", "line", "label", "A", "B", "text");
    for (size_t i = 0; i < both->listed; i++) {
        uint64_t row = both->rows[i];
        emit_format(out, "%7llu  ", (unsigned long long)answers_line(row));
        print_name(out, both->names.names[both->data.labels[row]], 12);
        for (size_t s = 0; s < SIDES; s++) {
            emit_format(out, "  ");
            print_name(out, both->names.names[both->sides[s].answers.predictions[row]], 12);
            emit_format(out, " %.3f", comparison_confidence(both, s, row));
        }
        emit_format(out, "  ");
        print_start(both, row, out);
    }
    if (both->listed < both->row_count && both->listed)
        emit_format(out, "%7s  %zu more: --all-disagreements\n", "...",
                    both->row_count - both->listed);
}

static void print_gates(const comparison *both, emit *out)
{
    const char *before = "\n";
    for (size_t i = 0; i < GATES; i++) {
        const gate *one = &both->gates[i];
        if (!one->set)
            continue;
        emit_format(out, "%sgate %-18s  %-6s  %.4g, limit %g\n", before, one->name,
                    one->holds ? "ok" : "FAILED", one->value, one->limit);
        before = "";
    }
}

void compare_print_text(const comparison *both, emit *out)
{
    print_model(&both->sides[SIDE_A], 'A', out);
    print_model(&both->sides[SIDE_B], 'B', out);
    emit_format(out, "on %llu texts of ", (unsigned long long)both->data.count);
    emit_text(out, both->test_path, strlen(both->test_path));
    emit_format(out, "\n");
    print_figures(both, out);
    print_mcnemar(&both->mcnemar, out);
    print_disagreements(both, out);
    print_gates(both, out);
}
