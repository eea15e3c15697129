/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/evaluation/calibration.c against figures worked out by hand, and the search for
 * a temperature where there is one, where there is none, and with extreme logits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "evaluation/calibration.h"

#define TEXTS 10

/* Every text has the confidence 0.9 in class 0; the first `right` of ten have that label. */
static void fill(float logits[TEXTS][2], int32_t labels[TEXTS], int right)
{
    for (int i = 0; i < TEXTS; i++) {
        logits[i][0] = logf(9);
        logits[i][1] = 0;
        labels[i] = i < right ? 0 : 1;
    }
}

/* Logits are floats: 2^-24 of ln 9, twice over. */
static void expect_near(double value, double wanted)
{
    if (fabs(value - wanted) > 3e-7)
        fail_msg("%.12g, expected %.12g", value, wanted);
}

static void measures(void **state)
{
    (void)state;
    float logits[TEXTS][2];
    int32_t labels[TEXTS];
    fill(logits, labels, 8);
    calibration all = calibration_measure(logits[0], labels, TEXTS, 2, 1);
    expect_near(all.ece, 0.1);
    expect_near(all.mean_confidence, 0.9);
    expect_near(all.accuracy, 0.8);
    expect_near(all.nll, -(8 * log(0.9) + 2 * log(0.1)) / 10);
    expect_near(all.brier, (8 * 0.02 + 2 * 1.62) / 10);
    for (size_t i = 0; i < CALIBRATION_BINS; i++)
        assert_int_equal(all.bins[i].count, i == 13 ? TEXTS : 0); /* 13/15 < 0.9 <= 14/15 */
    expect_near(all.bins[13].confidence, 0.9);
    expect_near(calibration_bin_accuracy(&all.bins[13]), 0.8);
    expect_near(calibration_bin_accuracy(&all.bins[0]), 0);
}

/* Two bins that are wrong in opposite directions do not make up for each other. */
static void sums_over_bins(void **state)
{
    (void)state;
    const float logits[4][2] = {{logf(9), 0}, {logf(9), 0}, {logf(1.5f), 0}, {logf(1.5f), 0}};
    const int32_t labels[4] = {1, 1, 0, 0};
    calibration all = calibration_measure(logits[0], labels, 4, 2, 1);
    expect_near(all.ece, 0.5 * 0.9 + 0.5 * 0.4);
    expect_near(all.accuracy, 0.5);
}

static void takes_every_confidence(void **state)
{
    (void)state;
    const float one[3] = {5, -5, 0}, even[3] = {1, 1, 1};
    const int32_t labels[3] = {0, 0, 0};
    calibration all = calibration_measure(one, labels, 3, 1, 1);
    assert_int_equal(all.bins[CALIBRATION_BINS - 1].count, 3);
    assert_true(all.nll == 0 && all.ece == 0 && all.brier == 0);
    all = calibration_measure(even, labels, 1, 3, 1);
    /* 1/3 is the upper edge of a bin; a rounding may put it above. */
    assert_int_equal(all.bins[4].count + all.bins[5].count, 1);
    expect_near(all.nll, log(3));
}

static void temperature_changes_confidence_alone(void **state)
{
    (void)state;
    float logits[TEXTS][2];
    int32_t labels[TEXTS];
    fill(logits, labels, 8);
    calibration all = calibration_measure(logits[0], labels, TEXTS, 2, 2);
    expect_near(all.mean_confidence, 0.75);
    expect_near(all.accuracy, 0.8);
    expect_near(all.ece, 0.05);
}

/* At the best temperature the confidence is the accuracy: ln 9 / T = ln(right / wrong). */
static void finds_the_temperature(void **state)
{
    (void)state;
    float logits[TEXTS][2];
    int32_t labels[TEXTS];
    for (int right = 6; right <= 9; right++) {
        double temperature = 0;
        fill(logits, labels, right);
        assert_int_equal(calibration_find(logits[0], labels, TEXTS, 2, &temperature),
                         CALIBRATION_FITTED);
        expect_near(temperature / (log(9) / log(right / (10.0 - right))), 1);
        calibration best = calibration_measure(logits[0], labels, TEXTS, 2, temperature);
        assert_true(best.ece < 1e-6);
        for (double off = 0.9; off < 1.2; off += 0.2)
            assert_true(best.nll <
                        calibration_measure(logits[0], labels, TEXTS, 2, temperature * off).nll);
    }
}

static void tells_where_there_is_none(void **state)
{
    (void)state;
    float logits[TEXTS][2] = {{0}};
    int32_t labels[TEXTS] = {0, 1};
    double temperature = 77;
    assert_int_equal(calibration_find(logits[0], labels, TEXTS, 2, &temperature),
                     CALIBRATION_TO_INFINITY);
    fill(logits, labels, 2);
    assert_int_equal(calibration_find(logits[0], labels, TEXTS, 2, &temperature),
                     CALIBRATION_TO_INFINITY);
    fill(logits, labels, 5);
    assert_int_equal(calibration_find(logits[0], labels, TEXTS, 2, &temperature),
                     CALIBRATION_TO_INFINITY);
    fill(logits, labels, 10);
    assert_int_equal(calibration_find(logits[0], labels, TEXTS, 2, &temperature),
                     CALIBRATION_TO_ZERO);
    assert_true(temperature == 77);
}

static void bears_extreme_logits(void **state)
{
    (void)state;
    const float logits[3][2] = {{3e38f, -3e38f}, {-3e38f, 3e38f}, {1e-38f, 0}};
    const int32_t labels[3] = {0, 0, 1};
    calibration all = calibration_measure(logits[0], labels, 3, 2, CALIBRATION_LOWEST);
    assert_true(isfinite(all.nll) && isfinite(all.brier) && isfinite(all.ece));
    double temperature = 0;
    assert_int_equal(calibration_find(logits[0], labels, 3, 2, &temperature),
                     CALIBRATION_TO_INFINITY);
    const float endless[2][2] = {{INFINITY, 0}, {INFINITY, INFINITY}};
    assert_int_equal(calibration_find(endless[0], labels, 2, 2, &temperature),
                     CALIBRATION_TO_INFINITY);
    all = calibration_measure(endless[0], labels, 2, 2, 1);
    assert_int_equal(all.bins[CALIBRATION_BINS - 1].count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures),
        cmocka_unit_test(sums_over_bins),
        cmocka_unit_test(takes_every_confidence),
        cmocka_unit_test(temperature_changes_confidence_alone),
        cmocka_unit_test(finds_the_temperature),
        cmocka_unit_test(tells_where_there_is_none),
        cmocka_unit_test(bears_extreme_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
