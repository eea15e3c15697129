/* SPDX-License-Identifier: Apache-2.0
 *
 * See significance.h. */
#include "evaluation/significance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "random.h"
#include "scores.h"

/* P(X <= most) of a fair coin thrown `count` times, term by term from ln(0.5^count). */
static double binomial_tail(uint64_t count, uint64_t most)
{
    double term = -(double)count * log(2), sum = 0;
    for (uint64_t k = 0; k <= most; k++) {
        sum += exp(term);
        term += log((double)(count - k)) - log((double)(k + 1));
    }
    return sum;
}

mcnemar mcnemar_test(uint64_t only_a, uint64_t only_b)
{
    uint64_t count = only_a + only_b, fewer = only_a < only_b ? only_a : only_b;
    mcnemar test = {.only_a = only_a, .only_b = only_b, .exact = count < MCNEMAR_EXACT_BELOW};
    test.p = 1;
    if (only_a == only_b)
        return test;
    if (test.exact) {
        test.p = fmin(1, 2 * binomial_tail(count, fewer));
    } else {
        double excess = (double)(count - 2 * fewer) - 1;
        test.statistic = excess * excess / (double)count;
        test.p = erfc(sqrt(test.statistic / 2));
    }
    return test;
}

/* -------------------------------------------------------------- bootstrap */

/* What accuracy and F1 of one model are made of. */
typedef struct tally {
    uint64_t right;
    uint64_t *hits, *predicted; /* [classes] */
} tally;

/* Memory of one bootstrap. */
typedef struct draws {
    uint64_t *labelled; /* [classes] */
    tally sides[2];
    double *accuracy, *macro_f1; /* [resamples] differences */
} draws;

static bool draws_create(draws *all, size_t classes, uint32_t resamples)
{
    bool good = (all->labelled = calloc(classes, sizeof *all->labelled)) != NULL;
    for (size_t i = 0; i < 2; i++) {
        all->sides[i].hits = calloc(classes, sizeof(uint64_t));
        all->sides[i].predicted = calloc(classes, sizeof(uint64_t));
        good = good && all->sides[i].hits && all->sides[i].predicted;
    }
    all->accuracy = calloc(resamples, sizeof(double));
    all->macro_f1 = calloc(resamples, sizeof(double));
    return good && all->accuracy && all->macro_f1;
}

static void draws_free(draws *all)
{
    free(all->labelled);
    for (size_t i = 0; i < 2; i++) {
        free(all->sides[i].hits);
        free(all->sides[i].predicted);
    }
    free(all->accuracy);
    free(all->macro_f1);
}

static void count_one(tally *side, int32_t label, int32_t prediction)
{
    side->predicted[prediction]++;
    side->hits[label] += label == prediction;
    side->right += label == prediction;
}

/* Over the classes that occur, as scores_compute has it. */
static double macro_f1(const draws *all, const tally *side, size_t classes)
{
    double sum = 0;
    size_t seen = 0;
    for (size_t c = 0; c < classes; c++) {
        seen += all->labelled[c] + side->predicted[c] > 0;
        sum += scores_f1(side->hits[c], all->labelled[c], side->predicted[c]);
    }
    return sum / (double)(seen ? seen : 1);
}

static void resample(draws *all, const paired *texts, size_t round, uint64_t *state)
{
    size_t bytes = texts->classes * sizeof(uint64_t);
    memset(all->labelled, 0, bytes);
    for (size_t i = 0; i < 2; i++) {
        all->sides[i].right = 0;
        memset(all->sides[i].hits, 0, bytes);
        memset(all->sides[i].predicted, 0, bytes);
    }
    for (size_t i = 0; i < texts->texts; i++) {
        size_t at = random_below(state, texts->texts);
        all->labelled[texts->labels[at]]++;
        count_one(&all->sides[0], texts->labels[at], texts->a[at]);
        count_one(&all->sides[1], texts->labels[at], texts->b[at]);
    }
    all->accuracy[round] =
        ((double)all->sides[1].right - (double)all->sides[0].right) / (double)texts->texts;
    all->macro_f1[round] = macro_f1(all, &all->sides[1], texts->classes) -
                           macro_f1(all, &all->sides[0], texts->classes);
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Nearest ranks. */
static interval percentiles(double *values, size_t count)
{
    double tail = (1 - BOOTSTRAP_LEVEL) / 2;
    qsort(values, count, sizeof *values, compare_doubles);
    /* 1 - 0.95 is a little more than 0.05 in binary. */
    size_t low = (size_t)ceil(tail * (double)count - 1e-6),
           high = (size_t)ceil((1 - tail) * (double)count - 1e-6);
    return (interval){values[low ? low - 1 : 0], values[(high < count ? high : count) - 1]};
}

bool bootstrap_differences(const paired *texts, uint32_t resamples, uint64_t seed,
                           interval *accuracy, interval *macro)
{
    draws all = {0};
    bool good = draws_create(&all, texts->classes, resamples);
    if (good) {
        progress shown;
        progress_start(&shown, false);
        for (uint32_t i = 0; i < resamples; i++) {
            resample(&all, texts, i, &seed);
            progress_share(&shown, "bootstrap", (double)(i + 1) / (double)resamples);
        }
        progress_end(&shown);
        *accuracy = percentiles(all.accuracy, resamples);
        *macro = percentiles(all.macro_f1, resamples);
    }
    draws_free(&all);
    return good;
}
