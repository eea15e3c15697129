/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that `sentiment compare` finds out about two models on one TSV. It is
 * filled in here and told by the reports: text, JSON, HTML. */
#ifndef TOOLS_EVALUATION_COMPARISON_H
#define TOOLS_EVALUATION_COMPARISON_H

#include "evaluation/answers.h"
#include "evaluation/calibration.h"
#include "evaluation/significance.h"
#include "scores.h"

enum { SIDE_A, SIDE_B, SIDES };

typedef struct side {
    const char *path;
    sentiment_model *model;
    sentiment_model_info info;
    sentiment_session *session;
    sentiment_session_info running;
    answers answers;  /* in the order of the classes of A */
    uint64_t *matrix; /* [true][predicted] */
    class_scores *each;
    scores scores;
    calibration calibration;
    double median_seconds; /* of a call on speed_texts texts; 0: not measured */
} side;

/* A limit that B has to keep to. */
typedef struct gate {
    const char *name;
    bool set, holds;
    double limit, value;
} gate;

enum { GATE_ACCURACY, GATE_F1, GATE_SIGNIFICANCE, GATE_SLOWDOWN, GATES };

typedef enum disagreement { REGRESSION, IMPROVEMENT, BOTH_WRONG, KINDS } disagreement;

typedef struct comparison {
    const char *test_path;
    dataset data;
    labels names; /* of A */
    side sides[SIDES];
    mcnemar mcnemar;
    uint32_t resamples; /* 0: no intervals */
    uint64_t seed;
    interval accuracy_interval, f1_interval;
    uint64_t *rows; /* texts with two predictions: kind by kind, in the file's order */
    size_t row_count, kind_counts[KINDS];
    size_t listed; /* so many of them are told */
    uint32_t speed_texts;
    gate gates[GATES];
} comparison;

extern const char *const disagreement_names[KINDS]; /* "regression", ... */

/* order[i]: the class of A that class i of B is called like. False: they are not the
 * same names, which was reported. `order` has room for the classes of B. */
bool comparison_match_labels(const comparison *both, int32_t *order);
/* From the answers of both sides to all figures but the speed. False: reported. */
bool comparison_compute(comparison *both);
/* Takes the limits and decides which hold; whether all do. */
bool comparison_judge(comparison *both);
disagreement comparison_kind(const comparison *both, uint64_t row);
/* Of the predicted class. */
double comparison_confidence(const comparison *both, size_t which, uint64_t row);
/* How many times the time of A it takes B. */
double comparison_slowdown(const comparison *both);
void comparison_free(comparison *both);

#endif
