/* SPDX-License-Identifier: Apache-2.0
 *
 * See plots.h. Colours and lines are those of the page's style sheet, which knows
 * light and dark. */
#include "evaluation/plots.h"

#include <stdio.h>
#include <string.h>

#include "evaluation/html.h"

/* The square that bars stand in, and the room for numbers left of and below it. */
#define SQUARE 300
#define LEFT 52
#define BELOW 46
#define ABOVE 10

/* The caption tells the eye and the ear what the plot shows. */
static void open_figure(const char *kind, char letter, const char *title, const char *description,
                        int width, emit *out)
{
    emit_format(out, "<figure>\n<figcaption id=\"%s-%c\"><b>%s of %c.</b> %s</figcaption>\n", kind,
                letter, title, letter, description);
    emit_format(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-%c\">\n", width,
                ABOVE + SQUARE + BELOW, kind, letter);
}

static void close_figure(emit *out)
{
    emit_format(out, "</tbody>\n</table></div>\n</details>\n</figure>\n");
}

/* Up to where the heads of the columns go. */
static void open_numbers(const char *title, char letter, emit *out)
{
    emit_format(out,
                "</svg>\n<details><summary>Numbers of this plot</summary>\n"
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s of %c, "
                "numbers\"><table>\n<caption>%s of %c</caption>\n<thead><tr>",
                title, letter, title, letter);
}

/* ------------------------------------------------------------------- bars */

/* Axes from 0 to 1 across, and from 0 to `top` up. */
static void draw_axes(const char *across, const char *up, double top, emit *out)
{
    for (int i = 0; i <= 4; i++) {
        double share = i / 4.0;
        emit_format(out, "<line class=\"grid\" x1=\"%d\" y1=\"%g\" x2=\"%d\" y2=\"%g\"/>\n", LEFT,
                    ABOVE + SQUARE * (1 - share), LEFT + SQUARE, ABOVE + SQUARE * (1 - share));
        emit_format(out, "<text class=\"end\" x=\"%d\" y=\"%g\">%g</text>\n", LEFT - 6,
                    ABOVE + SQUARE * (1 - share) + 4, share * top);
        emit_format(out, "<text class=\"middle\" x=\"%g\" y=\"%d\">%g</text>\n",
                    LEFT + SQUARE * share, ABOVE + SQUARE + 16, share);
    }
    emit_format(out, "<text class=\"middle\" x=\"%d\" y=\"%d\">%s</text>\n", LEFT + SQUARE / 2,
                ABOVE + SQUARE + 36, across);
    emit_format(out,
                "<text class=\"middle\" transform=\"translate(12 %d) rotate(-90)\">%s</text>\n",
                ABOVE + SQUARE / 2, up);
}

/* A bar of `share` (0 to 1) of the height for bin `i`. */
static void draw_bar(const char *class, size_t i, double share, emit *out)
{
    double width = (double)SQUARE / CALIBRATION_BINS;
    emit_format(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                class, LEFT + width * (double)i + 1, ABOVE + SQUARE * (1 - share), width - 2,
                SQUARE * share);
}

static void put_bins(const calibration *of, emit *out)
{
    emit_format(out, "<th scope=\"col\">confidence</th><th scope=\"col\">texts</th>"
                     "<th scope=\"col\">mean confidence</th><th scope=\"col\">accuracy</th>"
                     "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < CALIBRATION_BINS; i++) {
        const calibration_bin *bin = &of->bins[i];
        emit_format(out, "<tr><th scope=\"row\">%.3f to %.3f</th><td>%llu</td>",
                    (double)i / CALIBRATION_BINS, (double)(i + 1) / CALIBRATION_BINS,
                    (unsigned long long)bin->count);
        if (bin->count)
            emit_format(out, "<td>%.4f</td><td>%.4f</td></tr>\n", bin->confidence,
                        calibration_bin_accuracy(bin));
        else
            emit_format(out, "<td>-</td><td>-</td></tr>\n");
    }
}

void plot_reliability(const calibration *of, char letter, emit *out)
{
    static const char title[] = "Reliability";
    char text[200];
    snprintf(text, sizeof text,
             "Accuracy in each of %d bins of confidence; on the dashed line a confidence is what "
             "it says. Expected calibration error %.4f.",
             CALIBRATION_BINS, of->ece);
    open_figure("reliability", letter, title, text, LEFT + SQUARE + 14, out);
    draw_axes("confidence", "accuracy", 1, out);
    for (size_t i = 0; i < CALIBRATION_BINS; i++)
        if (of->bins[i].count)
            draw_bar("bar", i, calibration_bin_accuracy(&of->bins[i]), out);
    emit_format(out, "<line class=\"ideal\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", LEFT,
                ABOVE + SQUARE, LEFT + SQUARE, ABOVE);
    open_numbers(title, letter, out);
    put_bins(of, out);
    close_figure(out);
}

/* The least of 4, 8, 20, 40, 80, ... that is not below `most`: its quarters are whole. */
static uint64_t round_up(uint64_t most)
{
    static const uint64_t steps[] = {4, 8, 20};
    for (uint64_t power = 1;; power *= 10)
        for (size_t i = 0; i < 3; i++)
            if (steps[i] * power >= most || power > UINT64_MAX / 1000)
                return steps[i] * power;
}

void plot_confidence(const calibration *of, const calibration *beside, char letter, emit *out)
{
    static const char title[] = "Confidence";
    uint64_t most = 0;
    char text[200];
    for (size_t i = 0; i < CALIBRATION_BINS; i++) {
        most = of->bins[i].count > most ? of->bins[i].count : most;
        most = beside->bins[i].count > most ? beside->bins[i].count : most;
    }
    double top = (double)round_up(most);
    snprintf(text, sizeof text,
             "Texts by the confidence of their answer. The dashed line is the mean, %.4f; the "
             "accuracy is %.4f.",
             of->mean_confidence, of->accuracy);
    open_figure("confidence", letter, title, text, LEFT + SQUARE + 14, out);
    draw_axes("confidence", "texts", top, out);
    for (size_t i = 0; i < CALIBRATION_BINS; i++)
        draw_bar("bar", i, (double)of->bins[i].count / top, out);
    emit_format(out, "<line class=\"ideal\" x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/>\n",
                LEFT + SQUARE * of->mean_confidence, ABOVE, LEFT + SQUARE * of->mean_confidence,
                ABOVE + SQUARE);
    open_numbers(title, letter, out);
    put_bins(of, out);
    close_figure(out);
}

/* ----------------------------------------------------------------- matrix */

/* A name that fits into `room` characters of a drawing. */
static void put_short(emit *out, const char *name, size_t room)
{
    size_t size = strlen(name), used = 0, characters = 0;
    for (; used < size && characters < room; characters++)
        do
            used++;
        while (used < size && ((unsigned char)name[used] & 0xC0) == 0x80);
    html_text(out, name, used);
    if (used < size)
        emit_format(out, "\xE2\x80\xA6");
}

/* The share of the label's texts decides how dark a cell is; half of the colour at the most,
 * so that its number can be read in light and dark. */
static void draw_cell(const side *one, size_t classes, size_t row, size_t column, emit *out)
{
    double edge = (double)SQUARE / (double)classes, x = 2 * LEFT + edge * (double)column;
    double y = ABOVE + edge * (double)row;
    uint64_t count = one->matrix[row * classes + column], all = one->each[row].support;
    double share = all ? (double)count / (double)all : 0;
    emit_format(out,
                "<rect class=\"cell\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                "fill-opacity=\"%.3f\"/>\n",
                x, y, edge, edge, share / 2);
    emit_format(out, "<text class=\"middle\" x=\"%.2f\" y=\"%.2f\">%llu</text>\n", x + edge / 2,
                y + edge / 2 + 4, (unsigned long long)count);
}

static void draw_matrix(const labels *names, const side *one, emit *out)
{
    double edge = (double)SQUARE / (double)names->count;
    for (size_t i = 0; i < names->count; i++) {
        double middle = edge * ((double)i + 0.5);
        emit_format(out, "<text class=\"end\" x=\"%d\" y=\"%.2f\">", 2 * LEFT - 6,
                    ABOVE + middle + 4);
        put_short(out, names->names[i], 11);
        emit_format(out, "</text>\n<text class=\"middle\" x=\"%.2f\" y=\"%d\">", 2 * LEFT + middle,
                    ABOVE + SQUARE + 16);
        put_short(out, names->names[i], names->count > 6 ? 3 : 9);
        emit_format(out, "</text>\n");
        for (size_t c = 0; c < names->count; c++)
            draw_cell(one, names->count, i, c, out);
    }
    emit_format(out, "<text class=\"middle\" x=\"%d\" y=\"%d\">predicted</text>\n",
                2 * LEFT + SQUARE / 2, ABOVE + SQUARE + 36);
    emit_format(out,
                "<text class=\"middle\" transform=\"translate(12 %d) rotate(-90)\">label"
                "</text>\n",
                ABOVE + SQUARE / 2);
}

static void put_matrix(const labels *names, const side *one, emit *out)
{
    emit_format(out, "<th scope=\"col\">label \\ predicted</th>");
    for (size_t c = 0; c < names->count; c++) {
        emit_format(out, "<th scope=\"col\"><bdi>");
        html_name(out, names->names[c]);
        emit_format(out, "</bdi></th>");
    }
    emit_format(out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < names->count; row++) {
        emit_format(out, "<tr><th scope=\"row\"><bdi>");
        html_name(out, names->names[row]);
        emit_format(out, "</bdi></th>");
        for (size_t c = 0; c < names->count; c++)
            emit_format(out, "<td>%llu</td>",
                        (unsigned long long)one->matrix[row * names->count + c]);
        emit_format(out, "</tr>\n");
    }
}

void plot_confusion(const labels *names, const side *one, char letter, emit *out)
{
    static const char title[] = "Confusion";
    open_figure("confusion", letter, title,
                "Texts by label, down, and prediction, across; the darker a cell, the greater its "
                "share of the texts with that label.",
                2 * LEFT + SQUARE + 14, out);
    draw_matrix(names, one, out);
    open_numbers(title, letter, out);
    put_matrix(names, one, out);
    close_figure(out);
}
