/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison as one page of HTML that asks for nothing: no script, no font, no
 * picture from elsewhere, which its content security policy also says. Whatever
 * comes from models or texts is escaped. */
#include <string.h>

#include "evaluation/compare_report.h"
#include "evaluation/html.h"
#include "evaluation/plots.h"
#include "setup.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Comparison of two models</title>\n<style>\n"
    ":root { color-scheme: light dark; --ink: #1d2429; --paper: #fff; --line: #8a959c;\n"
    "  --bar: #2b6c9e; --good: #1a6b35; --bad: #a31621; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e6eaed; --paper: #14191d;\n"
    "  --line: #7c8890; --bar: #6fb3e0; --good: #7ed39b; --bad: #ff9d9d; } }\n"
    "body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);\n"
    "  max-width: 62rem; margin: 0 auto; padding: 1rem; }\n"
    "table { border-collapse: collapse; }\n"
    "th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem; text-align: right; }\n"
    "th:first-child, .text { text-align: left; }\n"
    ".text { overflow-wrap: anywhere; white-space: pre-wrap; }\n"
    "caption { text-align: left; font-weight: 600; padding: .5rem 0; }\n"
    ".wide { overflow-x: auto; }\n"
    ".plots { display: flex; flex-wrap: wrap; gap: 1rem; }\n"
    "figcaption { min-height: 4.5rem; }\n"
    "figure { margin: 0; flex: 1 1 22rem; min-width: 0; }\n"
    "svg { width: 100%; height: auto; max-width: 26rem; }\n"
    "svg text { font-size: 12px; fill: var(--ink); }\n"
    ".middle { text-anchor: middle; } .end { text-anchor: end; }\n"
    ".grid { stroke: var(--line); stroke-width: .5; }\n"
    ".ideal { stroke: var(--ink); stroke-dasharray: 5 4; }\n"
    ".bar, .cell { fill: var(--bar); } .cell { stroke: var(--line); }\n"
    ".good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }\n"
    "summary:focus-visible, .wide:focus-visible { outline: 3px solid var(--bar); }\n"
    "</style>\n</head>\n<body>\n<main>\n<h1>Comparison of two models</h1>\n";

static const char *const letters[SIDES] = {"A", "B"};

/* ---------------------------------------------------------------- summary */

static void print_verdict(const comparison *both, bool passed, emit *out)
{
    bool asked = false;
    for (size_t i = 0; i < GATES; i++)
        asked = asked || both->gates[i].set;
    if (!asked)
        emit_format(out, "<p>No gate was asked for.</p>\n");
    else
        emit_format(out, "<p class=\"%s\">%s</p>\n", passed ? "good" : "bad",
                    passed ? "B keeps to all gates." : "B fails a gate.");
    emit_format(out, "<p>%llu texts of <bdi>", (unsigned long long)both->data.count);
    html_name(out, both->test_path);
    emit_format(out, "</bdi> (SHA-256 <code>%s</code>).</p>\n", both->data.sha256);
}

static void print_optional(const char *value, emit *out)
{
    emit_format(out, "<td class=\"text\"><bdi>");
    html_name(out, value ? value : "-");
    emit_format(out, "</bdi></td>");
}

static void print_models(const comparison *both, emit *out)
{
    emit_format(out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Models\">"
                     "<table>\n<caption>Models</caption>\n<thead><tr><th scope=\"col\">model</th>"
                     "<th scope=\"col\">path</th><th scope=\"col\">name</th>"
                     "<th scope=\"col\">version</th><th scope=\"col\">runs on</th>"
                     "<th scope=\"col\">temperature</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < SIDES; i++) {
        const side *one = &both->sides[i];
        emit_format(out, "<tr><th scope=\"row\">%s</th>", letters[i]);
        print_optional(one->path, out);
        print_optional(sentiment_model_get_metadata(one->model, "name"), out);
        print_optional(sentiment_model_get_metadata(one->model, "version"), out);
        emit_format(out, "<td>%s, %s</td><td>%g</td></tr>\n", one->running.engine_name,
                    option_choice_name(setup_precisions, one->running.precision),
                    (double)one->info.temperature);
    }
    emit_format(out, "</tbody>\n</table></div>\n");
}

static void print_row(const char *title, double a, double b, const comparison *both,
                      const interval *range, emit *out)
{
    emit_format(out, "<tr><th scope=\"row\">%s</th><td>%.4f</td><td>%.4f</td><td>%+.4f</td>", title,
                a, b, b - a);
    if (range && both->resamples)
        emit_format(out, "<td>%+.4f to %+.4f</td></tr>\n", range->low, range->high);
    else
        emit_format(out, "<td>-</td></tr>\n");
}

static void print_figures(const comparison *both, emit *out)
{
    const side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    const calibration *p = &a->calibration, *q = &b->calibration;
    emit_format(out, "<table>\n<caption>Figures</caption>\n<thead><tr><th scope=\"col\">figure</th>"
                     "<th scope=\"col\">A</th><th scope=\"col\">B</th><th scope=\"col\">B - A</th>"
                     "<th scope=\"col\">95%% interval</th></tr></thead>\n<tbody>\n");
    print_row("accuracy", a->scores.accuracy, b->scores.accuracy, both, &both->accuracy_interval,
              out);
    print_row("macro-F1", a->scores.macro_f1, b->scores.macro_f1, both, &both->f1_interval, out);
    print_row("expected calibration error", p->ece, q->ece, both, NULL, out);
    print_row("mean confidence", p->mean_confidence, q->mean_confidence, both, NULL, out);
    print_row("log loss", p->nll, q->nll, both, NULL, out);
    print_row("Brier score", p->brier, q->brier, both, NULL, out);
    emit_format(out, "</tbody>\n</table>\n");
    emit_format(out,
                "<p>A alone is right on %llu texts, B alone on %llu. McNemar's test (%s): p = "
                "%.4g.</p>\n",
                (unsigned long long)both->mcnemar.only_a, (unsigned long long)both->mcnemar.only_b,
                both->mcnemar.exact ? "exact" : "chi-squared", both->mcnemar.p);
    if (a->median_seconds > 0)
        emit_format(out,
                    "<p>A classifies %.0f texts a second, B %.0f: B takes %.2f times as "
                    "long.</p>\n",
                    both->speed_texts / a->median_seconds, both->speed_texts / b->median_seconds,
                    comparison_slowdown(both));
}

static void print_gates(const comparison *both, emit *out)
{
    bool open = false;
    for (size_t i = 0; i < GATES; i++) {
        const gate *one = &both->gates[i];
        if (!one->set)
            continue;
        if (!open)
            emit_format(out, "<table>\n<caption>Gates</caption>\n<thead><tr>"
                             "<th scope=\"col\">gate</th><th scope=\"col\">value</th>"
                             "<th scope=\"col\">limit</th><th scope=\"col\">outcome</th></tr>"
                             "</thead>\n<tbody>\n");
        open = true;
        emit_format(out,
                    "<tr><th scope=\"row\">%s</th><td>%.4g</td><td>%g</td>"
                    "<td class=\"%s\">%s</td></tr>\n",
                    one->name, one->value, one->limit, one->holds ? "good" : "bad",
                    one->holds ? "holds" : "fails");
    }
    if (open)
        emit_format(out, "</tbody>\n</table>\n");
}

static void print_classes(const comparison *both, emit *out)
{
    const side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    emit_format(out, "<h2>Classes</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                     "aria-label=\"Classes\"><table>\n<caption>By label</caption>\n<thead><tr>"
                     "<th scope=\"col\">label</th><th scope=\"col\">texts</th>"
                     "<th scope=\"col\">precision A</th><th scope=\"col\">precision B</th>"
                     "<th scope=\"col\">recall A</th><th scope=\"col\">recall B</th>"
                     "<th scope=\"col\">F1 A</th><th scope=\"col\">F1 B</th>"
                     "<th scope=\"col\">F1 B - A</th></tr></thead>\n<tbody>\n");
    for (size_t c = 0; c < both->names.count; c++) {
        const class_scores *p = &a->each[c], *q = &b->each[c];
        emit_format(out, "<tr><th scope=\"row\"><bdi>");
        html_name(out, both->names.names[c]);
        emit_format(out,
                    "</bdi></th><td>%llu</td><td>%.4f</td><td>%.4f</td><td>%.4f</td><td>%.4f</td>"
                    "<td>%.4f</td><td>%.4f</td><td>%+.4f</td></tr>\n",
                    (unsigned long long)p->support, p->precision, q->precision, p->recall,
                    q->recall, p->f1, q->f1, q->f1 - p->f1);
    }
    emit_format(out, "</tbody>\n</table></div>\n");
}

/* ---------------------------------------------------------- disagreements */

static void print_answer(const comparison *both, size_t which, uint64_t row, emit *out)
{
    emit_format(out, "<td><bdi>");
    html_name(out, both->names.names[both->sides[which].answers.predictions[row]]);
    emit_format(out, "</bdi> %.3f</td>", comparison_confidence(both, which, row));
}

static void print_text(const comparison *both, uint64_t row, emit *out)
{
    static const char *const kinds[KINDS] = {"regression", "improvement", "both wrong"};
    uint64_t start = both->data.offsets[row];
    emit_format(out, "<tr><th scope=\"row\">%llu</th><td>%s</td><td><bdi>",
                (unsigned long long)answers_line(row), kinds[comparison_kind(both, row)]);
    html_name(out, both->names.names[both->data.labels[row]]);
    emit_format(out, "</bdi></td>");
    print_answer(both, SIDE_A, row, out);
    print_answer(both, SIDE_B, row, out);
    emit_format(out, "<td class=\"text\"><bdi>");
    html_text(out, both->data.text + start, both->data.offsets[row + 1] - start);
    emit_format(out, "</bdi></td></tr>\n");
}

static void print_disagreements(const comparison *both, emit *out)
{
    emit_format(out,
                "<h2>Disagreements</h2>\n<p>%zu texts: %zu regressions (A alone is right), %zu "
                "improvements (B alone is right), %zu both wrong.</p>\n",
                both->row_count, both->kind_counts[REGRESSION], both->kind_counts[IMPROVEMENT],
                both->kind_counts[BOTH_WRONG]);
    if (!both->listed)
        return;
    emit_format(out,
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Disagreements\">"
                "<table>\n<caption>%s%zu of them, with the confidence of each answer</caption>\n"
                "<thead><tr><th scope=\"col\">line</th><th scope=\"col\">kind</th>"
                "<th scope=\"col\">label</th><th scope=\"col\">A</th><th scope=\"col\">B</th>"
                "<th scope=\"col\">text</th></tr></thead>\n<tbody>\n",
                both->listed < both->row_count ? "The first " : "All ", both->listed);
    for (size_t i = 0; i < both->listed; i++)
        print_text(both, both->rows[i], out);
    emit_format(out, "</tbody>\n</table></div>\n");
}

/* ------------------------------------------------------------------- page */

static void print_plots(const comparison *both, emit *out)
{
    emit_format(out, "<h2>Calibration</h2>\n<div class=\"plots\">\n");
    for (size_t i = 0; i < SIDES; i++)
        plot_reliability(&both->sides[i].calibration, letters[i][0], out);
    for (size_t i = 0; i < SIDES; i++)
        plot_confidence(&both->sides[i].calibration, &both->sides[SIDES - 1 - i].calibration,
                        letters[i][0], out);
    emit_format(out, "</div>\n<h2>Confusion</h2>\n");
    if (both->names.count > PLOT_CLASSES) {
        emit_format(out, "<p>Not drawn: more than %d classes.</p>\n", PLOT_CLASSES);
        return;
    }
    emit_format(out, "<div class=\"plots\">\n");
    for (size_t i = 0; i < SIDES; i++)
        plot_confusion(&both->names, &both->sides[i], letters[i][0], out);
    emit_format(out, "</div>\n");
}

void compare_print_html(const comparison *both, bool passed, emit *out)
{
    emit_bytes(out, head, sizeof head - 1);
    print_verdict(both, passed, out);
    print_models(both, out);
    print_figures(both, out);
    print_gates(both, out);
    print_classes(both, out);
    print_plots(both, out);
    print_disagreements(both, out);
    emit_format(out, "</main>\n</body>\n</html>\n");
}
