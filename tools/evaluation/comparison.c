/* SPDX-License-Identifier: Apache-2.0
 *
 * See comparison.h. */
#include "evaluation/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* Room for differences of doubles that are equal in decimal, such as 0.90 - 0.89. */
#define ROUNDING 1e-12

const char *const disagreement_names[KINDS] = {"regression", "improvement", "both_wrong"};

/* ----------------------------------------------------------------- labels */

/* The name that stands in the list twice; NULL: none. */
static const char *find_twin(const labels *names)
{
    for (size_t i = 1; i < names->count; i++)
        if (labels_find(names, names->names[i], strlen(names->names[i])) != (int32_t)i)
            return names->names[i];
    return NULL;
}

static bool match(const comparison *both, const labels *other, int32_t *order)
{
    const char *paths[SIDES] = {both->sides[SIDE_A].path, both->sides[SIDE_B].path};
    const char *twins[SIDES] = {find_twin(&both->names), find_twin(other)};
    for (size_t i = 0; i < SIDES; i++) {
        if (!twins[i])
            continue;
        message("%s has two classes '%.80s': they cannot be told apart by name", paths[i],
                twins[i]);
        return false;
    }
    for (size_t i = 0; i < other->count; i++) {
        const char *name = other->names[i];
        order[i] = labels_find(&both->names, name, strlen(name));
        if (order[i] < 0) {
            message("%s has a class '%.80s' that %s has not: only models with the same labels "
                    "can be compared",
                    paths[SIDE_B], name, paths[SIDE_A]);
            return false;
        }
    }
    if (other->count == both->names.count)
        return true;
    message("%s has %zu classes, %s has %zu: only models with the same labels can be compared",
            paths[SIDE_A], both->names.count, paths[SIDE_B], other->count);
    return false;
}

bool comparison_match_labels(const comparison *both, int32_t *order)
{
    labels other = {0};
    bool good = labels_of_model(&other, both->sides[SIDE_B].model);
    if (!good)
        message_no_memory();
    good = good && match(both, &other, order);
    labels_free(&other);
    return good;
}

/* ---------------------------------------------------------------- figures */

static bool score(side *one, const dataset *data)
{
    size_t classes = one->answers.classes;
    one->matrix = calloc(classes, classes * sizeof *one->matrix);
    one->each = calloc(classes, sizeof *one->each);
    if (!one->matrix || !one->each)
        return false;
    for (uint64_t i = 0; i < data->count; i++)
        one->matrix[(size_t)data->labels[i] * classes + (size_t)one->answers.predictions[i]]++;
    one->scores = scores_compute(one->matrix, classes, one->each);
    one->calibration = calibration_measure(one->answers.logits, data->labels, data->count, classes,
                                           (double)one->info.temperature);
    return true;
}

static bool is_right(const comparison *both, size_t which, uint64_t row)
{
    return both->sides[which].answers.predictions[row] == both->data.labels[row];
}

disagreement comparison_kind(const comparison *both, uint64_t row)
{
    if (is_right(both, SIDE_A, row))
        return REGRESSION;
    return is_right(both, SIDE_B, row) ? IMPROVEMENT : BOTH_WRONG;
}

static bool disagree(const comparison *both, uint64_t row)
{
    return both->sides[SIDE_A].answers.predictions[row] !=
           both->sides[SIDE_B].answers.predictions[row];
}

static bool find_disagreements(comparison *both)
{
    for (uint64_t i = 0; i < both->data.count; i++)
        if (disagree(both, i))
            both->kind_counts[comparison_kind(both, i)]++;
    for (size_t kind = 0; kind < KINDS; kind++)
        both->row_count += both->kind_counts[kind];
    both->rows = calloc(both->row_count + 1, sizeof *both->rows);
    if (!both->rows)
        return false;
    size_t next[KINDS] = {0, both->kind_counts[REGRESSION],
                          both->kind_counts[REGRESSION] + both->kind_counts[IMPROVEMENT]};
    for (uint64_t i = 0; i < both->data.count; i++)
        if (disagree(both, i))
            both->rows[next[comparison_kind(both, i)]++] = i;
    if (both->listed > both->row_count)
        both->listed = both->row_count;
    return true;
}

static bool resample(comparison *both)
{
    const paired texts = {.labels = both->data.labels,
                          .a = both->sides[SIDE_A].answers.predictions,
                          .b = both->sides[SIDE_B].answers.predictions,
                          .texts = both->data.count,
                          .classes = both->names.count};
    return !both->resamples || bootstrap_differences(&texts, both->resamples, both->seed,
                                                     &both->accuracy_interval, &both->f1_interval);
}

bool comparison_compute(comparison *both)
{
    bool good = true;
    for (size_t i = 0; good && i < SIDES; i++)
        good = score(&both->sides[i], &both->data);
    good = good && find_disagreements(both) && resample(both);
    if (!good)
        message_no_memory();
    both->mcnemar = mcnemar_test(both->kind_counts[REGRESSION], both->kind_counts[IMPROVEMENT]);
    return good;
}

double comparison_confidence(const comparison *both, size_t which, uint64_t row)
{
    const answers *all = &both->sides[which].answers;
    const float *logits = all->logits + row * all->classes;
    double top = (double)logits[all->predictions[row]], sum = 0;
    for (size_t c = 0; c < all->classes; c++)
        sum += exp(((double)logits[c] - top) / (double)both->sides[which].info.temperature);
    return 1 / sum;
}

double comparison_slowdown(const comparison *both)
{
    return both->sides[SIDE_B].median_seconds / both->sides[SIDE_A].median_seconds;
}

/* ------------------------------------------------------------------ gates */

/* What failed, and by how much. */
static void report_gate(const comparison *both, size_t which)
{
    const gate *one = &both->gates[which];
    const scores *a = &both->sides[SIDE_A].scores, *b = &both->sides[SIDE_B].scores;
    const char *name = one->name;
    if (which == GATE_ACCURACY)
        message("gate %s: accuracy falls by %.4f, from %.4f to %.4f; at most %g is allowed", name,
                one->value, a->accuracy, b->accuracy, one->limit);
    else if (which == GATE_F1)
        message("gate %s: macro-F1 falls by %.4f, from %.4f to %.4f; at most %g is allowed", name,
                one->value, a->macro_f1, b->macro_f1, one->limit);
    else if (which == GATE_SIGNIFICANCE)
        message("gate %s: B is right on fewer texts, and not by chance: p = %.4g is below %g", name,
                one->value, one->limit);
    else
        message("gate %s: B takes %.3f times as long; at most %g is allowed", name, one->value,
                one->limit);
}

bool comparison_judge(comparison *both)
{
    const side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    gate *gates = both->gates;
    bool all = true;
    gates[GATE_ACCURACY].value = a->scores.accuracy - b->scores.accuracy;
    gates[GATE_F1].value = a->scores.macro_f1 - b->scores.macro_f1;
    gates[GATE_SIGNIFICANCE].value = both->mcnemar.p;
    gates[GATE_SLOWDOWN].value = a->median_seconds > 0 ? comparison_slowdown(both) : 0;
    for (size_t i = 0; i < GATES; i++)
        gates[i].holds = gates[i].value <= gates[i].limit + ROUNDING;
    gates[GATE_SIGNIFICANCE].holds = both->mcnemar.only_a <= both->mcnemar.only_b ||
                                     both->mcnemar.p >= gates[GATE_SIGNIFICANCE].limit;
    for (size_t i = 0; i < GATES; i++) {
        if (!gates[i].set || gates[i].holds)
            continue;
        report_gate(both, i);
        all = false;
    }
    return all;
}

static void free_side(side *one)
{
    answers_free(&one->answers);
    free(one->matrix);
    free(one->each);
    sentiment_session_free(one->session);
    sentiment_model_free(one->model);
}

void comparison_free(comparison *both)
{
    for (size_t i = 0; i < SIDES; i++)
        free_side(&both->sides[i]);
    free(both->rows);
    labels_free(&both->names);
    dataset_free(&both->data);
}
