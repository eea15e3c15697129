/* SPDX-License-Identifier: Apache-2.0
 *
 * The settle rule on made-up sequences of moves, and softmax. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "nn/settle.h"
#include "nn/softmax.h"

/* The first window at which moves first * ratio^n count as settled; 0: never in 100. */
static size_t first_settled(float first, float ratio, float tolerance)
{
    sn_settle settle = {0};
    float move = first;
    for (size_t window = 1; window <= 100; window++) {
        if (sn_settle_observe(&settle, move, 512, 512, tolerance))
            return window;
        move *= ratio;
    }
    return 0;
}

static void test_geometric(void **state)
{
    (void)state;
    for (float ratio = 0.05f; ratio < 0.86f; ratio += 0.05f) {
        size_t window = first_settled(0.1f, ratio, 1e-6f);
        assert_int_not_equal(window, 0);
        /* What is really left of the series is within the tolerance, and one
         * window earlier it was not, or a drift could still hide behind the
         * moves: the rule is neither rash nor slow. Rounding of powf and of the
         * moves is far below one part in a hundred. */
        float left = 0.1f * powf(ratio, (float)window) / (1.0f - ratio);
        float before = 0.1f * powf(ratio, (float)window - 2.0f);
        assert_true(left <= 1.01e-6f);
        assert_true(window == 3 || left / ratio > 0.99e-6f || before * 32.0f > 0.99f * 0x1p-17f);
    }
}

static void test_not_geometric(void **state)
{
    (void)state;
    assert_int_equal(first_settled(1e-6f, 1.0f, 1e-7f), 0);    /* steady drift */
    assert_int_equal(first_settled(1e-6f, 1.001f, 1e-7f), 0);  /* growing */
    assert_int_equal(first_settled(1e-3f, 0.9999f, 1e-6f), 0); /* far too slow */
}

static void test_still(void **state)
{
    (void)state;
    assert_int_equal(first_settled(0.0f, 1.0f, 1e-7f), 3);
    assert_true(sn_settle_stands_still(0.0f));
    assert_true(sn_settle_stands_still(2e-7f));
    assert_false(sn_settle_stands_still(3e-7f));
}

/* A unit that drifts steadily, hidden until the quick ones have come to rest:
 * the ratio of the largest moves alone would call this settled at window 4. */
static void test_hidden_drift(void **state)
{
    (void)state;
    for (float drift = 6e-7f; drift < 1e-2f; drift *= 1.5f) {
        sn_settle settle = {0};
        float quick = 0.1f;
        for (size_t window = 1; window <= 20; window++, quick *= 0.004f)
            assert_false(sn_settle_observe(&settle, quick > drift ? quick : drift,
                                           512 - 8 * window, 512, 1e-4f));
    }
}

/* The tolerance is for the mean: few positions left of many weigh little. */
static void test_weight(void **state)
{
    (void)state;
    sn_settle all = {0}, few = {0};
    size_t all_window = 0, few_window = 0;
    float move = 0.1f;
    for (size_t window = 1; window <= 100; window++, move *= 0.8f) {
        if (!all_window && sn_settle_observe(&all, move, 512, 512, 1e-6f))
            all_window = window;
        if (!few_window && sn_settle_observe(&few, move, 2, 512, 1e-6f))
            few_window = window;
    }
    assert_true(few_window > 0 && few_window < all_window);
}

static void test_softmax(void **state)
{
    (void)state;
    static const float logits[][3] = {
        {0.0f, 0.0f, 0.0f},    {1.0f, 2.0f, 3.0f},     {-3.5f, 12.25f, 0.1f},
        {1e30f, -1e30f, 0.0f}, {88.0f, -88.0f, 87.9f}, {-5.0f, -5.0f, -700.0f},
    };
    for (size_t i = 0; i < sizeof logits / sizeof *logits; i++)
        for (float temperature = 0.5f; temperature < 4.0f; temperature *= 2.0f) {
            float p[3];
            double e[3], sum = 0.0, total = 0.0;
            float largest = logits[i][sn_argmax(logits[i], 3)];
            sn_softmax(logits[i], 3, temperature, p);
            for (size_t c = 0; c < 3; c++)
                sum += e[c] = exp(((double)logits[i][c] - (double)largest) / (double)temperature);
            for (size_t c = 0; c < 3; c++) {
                /* half an ulp of float, and the double work is far finer */
                assert_true(fabs((double)p[c] - e[c] / sum) <= 0x1p-25 + 1e-15);
                assert_true(p[c] == sn_probability(logits[i], 3, temperature, c));
                total += (double)p[c];
            }
            assert_true(fabs(total - 1.0) < 1e-6);
        }
}

static void test_argmax(void **state)
{
    (void)state;
    static const float values[] = {1.0f, 3.0f, 3.0f, 2.0f};
    assert_int_equal(sn_argmax(values, 4), 1);
    assert_int_equal(sn_argmax(values, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometric), cmocka_unit_test(test_not_geometric),
        cmocka_unit_test(test_still),     cmocka_unit_test(test_hidden_drift),
        cmocka_unit_test(test_weight),
        cmocka_unit_test(test_softmax),   cmocka_unit_test(test_argmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
