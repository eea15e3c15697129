/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/evaluation/significance.c: McNemar's test against values computed with exact
 * fractions, and bootstrap intervals where the distribution is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "evaluation/significance.h"

static void expect_p(uint64_t only_a, uint64_t only_b, double wanted)
{
    for (int turn = 0; turn < 2; turn++) {
        mcnemar test = turn ? mcnemar_test(only_b, only_a) : mcnemar_test(only_a, only_b);
        /* A thousand terms, each off by a thousand roundings at the most. */
        if (fabs(test.p - wanted) > 1e-10 * wanted)
            fail_msg("p of %d and %d is %.17g, expected %.17g", (int)only_a, (int)only_b, test.p,
                     wanted);
        assert_true(test.exact == (only_a + only_b < MCNEMAR_EXACT_BELOW));
    }
}

static void mcnemar_is_exact_for_few(void **state)
{
    (void)state;
    expect_p(0, 0, 1);
    expect_p(1, 0, 1);
    expect_p(3, 3, 1);
    expect_p(6, 0, 2.0 / 64);
    expect_p(10, 2, 158.0 / 4096);
    expect_p(121, 59, 4.434449263755176e-06);
    expect_p(519, 480, 0.22924291487017617);
    expect_p(400, 599, 3.2845331249519864e-10);
    expect_p(999, 0, 3.7330544740128755e-301);
}

/* ((b - c) - 1)^2 / (b + c), and what a chi-squared of one degree exceeds so often. */
static void mcnemar_is_chi_squared_for_many(void **state)
{
    (void)state;
    assert_true(fabs(mcnemar_test(600, 500).statistic - 8.91) < 1e-12);
    expect_p(600, 500, 0.002836132655654686);
    expect_p(520, 480, 0.2174682261435423);
    expect_p(50000, 49000, 0.0014982079294957368);
    expect_p(2000, 2000, 1);
    /* The binomial distribution says 0.217448. */
    assert_true(fabs(mcnemar_test(520, 480).p - 0.21744829320414094) < 1e-4);
}

#define TEXTS 400

static void equal_answers_have_no_interval(void **state)
{
    (void)state;
    int32_t labels[TEXTS], a[TEXTS];
    for (int32_t i = 0; i < TEXTS; i++) {
        labels[i] = i % 3;
        a[i] = i % 5 % 3;
    }
    const paired same = {labels, a, a, TEXTS, 3};
    interval accuracy, f1;
    assert_true(bootstrap_differences(&same, 100, 1, &accuracy, &f1));
    assert_true(accuracy.low == 0 && accuracy.high == 0 && f1.low == 0 && f1.high == 0);
}

/* A is always right, B on half of the texts: the difference of a draw is minus a
 * binomial share with deviation sqrt(0.25 / 400) = 0.025. */
static void finds_a_known_interval(void **state)
{
    (void)state;
    int32_t labels[TEXTS], b[TEXTS];
    for (int32_t i = 0; i < TEXTS; i++) {
        labels[i] = i % 2;
        b[i] = i % 4 < 2 ? labels[i] : 1 - labels[i];
    }
    const paired texts = {labels, labels, b, TEXTS, 2};
    interval accuracy, f1, again, other;
    assert_true(bootstrap_differences(&texts, 4000, 7, &accuracy, &f1));
    /* The ends of 4000 draws have a deviation of about 0.025 * 0.042. */
    assert_true(fabs(accuracy.low - (-0.5 - 1.96 * 0.025)) < 0.008);
    assert_true(fabs(accuracy.high - (-0.5 + 1.96 * 0.025)) < 0.008);
    assert_true(f1.low < -0.5 && f1.high > -0.5);
    assert_true(bootstrap_differences(&texts, 4000, 7, &again, &other));
    assert_true(again.low == accuracy.low && again.high == accuracy.high);
    assert_true(other.low == f1.low && other.high == f1.high);
    assert_true(bootstrap_differences(&texts, 4000, 8, &again, &other));
    assert_true(other.low != f1.low || other.high != f1.high);
}

static void bears_one_text_and_one_draw(void **state)
{
    (void)state;
    const int32_t label = 0, wrong = 1;
    const paired texts = {&label, &label, &wrong, 1, 2};
    interval accuracy, f1;
    assert_true(bootstrap_differences(&texts, 1, 1, &accuracy, &f1));
    assert_true(accuracy.low == -1 && accuracy.high == -1);
    assert_true(f1.low == -1 && f1.high == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mcnemar_is_exact_for_few),
        cmocka_unit_test(mcnemar_is_chi_squared_for_many),
        cmocka_unit_test(equal_answers_have_no_interval),
        cmocka_unit_test(finds_a_known_interval),
        cmocka_unit_test(bears_one_text_and_one_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
