/* SPDX-License-Identifier: Apache-2.0
 *
 * What int8 adds to the network: quantized rows and bytes of h against their
 * definition, circles of the state, and failures of packing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "network.h"
#include "nn/cycle.h"
#include "support/faulty_allocator.h"
#include "support/kernels_here.h"
#include "support/random.h"

static void quantizes(const float *row, size_t columns, float scale, const int *expected)
{
    int8_t out[8];
    float found = sn_int8_quantize(row, columns, out);
    assert_memory_equal(&found, &scale, sizeof scale);
    for (size_t k = 0; k < columns; k++)
        assert_int_equal(out[k], expected[k]);
}

static void test_quantize(void **state)
{
    (void)state;
    /* Ties go to the even neighbour, both ways. */
    quantizes((float[]){127.0f, -127.0f, 0.5f, 1.5f, -2.5f, 3.49f}, 6, 1.0f,
              (int[]){127, -127, 0, 2, -2, 3});
    quantizes((float[]){-254.0f, 1.0f, 3.0f}, 3, 2.0f, (int[]){-127, 0, 2});
    quantizes((float[]){0.0f, -0.0f}, 2, 0.0f, (int[]){0, 0});
    quantizes(NULL, 0, 0.0f, NULL);
    /* A row whose scale is too small for a float is a row of zeros, and one whose
     * scale is the least subnormal is held at 127: 190 / 127 rounds to 1. */
    quantizes((float[]){0x1p-149f, -0x1p-149f}, 2, 0.0f, (int[]){0, 0});
    quantizes((float[]){190 * 0x1p-149f, -190 * 0x1p-149f}, 2, 0x1p-149f, (int[]){127, -127});
    quantizes((float[]){0x1.fffffep127f, -0x1p127f}, 2, 0x1.fffffep127f / 127.0f,
              (int[]){127, -64});
}

/* No weight moves by more than half a step. */
static void test_quantize_error(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t n = 1; n < 300; n += 7) {
        float row[300];
        int8_t out[300];
        random_fill(&seed, row, n, 0.3f);
        float scale = sn_int8_quantize(row, n, out);
        for (size_t k = 0; k < n; k++) {
            double error = (double)row[k] - (double)scale * out[k];
            /* Half a step, and the rounding of scale and quotient. */
            assert_true(fabs(error) <= (double)scale * (0.5 + 127 * 0x1p-23));
            assert_true(out[k] >= -127);
        }
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static const float h[] = {0.0f,           -0.0f,          1.0f,           -1.0f,
                              0.5f / 127.0f,  1.5f / 127.0f,  -0.5f / 127.0f, 0x1.fffffep-1f,
                              0.49f / 127.0f, -100.f / 127.f, 0x1p-140f,      -0x1.fffffep-1f};
    uint8_t out[sizeof h / sizeof *h];
    sn_int8_bytes(h, sizeof h / sizeof *h, out);
    for (size_t j = 0; j < sizeof h / sizeof *h; j++)
        assert_int_equal(out[j], 128 + lrintf(127.0f * h[j]));
    assert_int_equal(out[0], 128);
    assert_int_equal(out[2], 255);
    assert_int_equal(out[3], 1);
    assert_int_equal(out[9], 28);
}

/* The kernels round an h as sn_int8_bytes does, which streams rely on. */
static void test_bytes_of_kernels(void **state)
{
    (void)state;
    const sn_kernels *kernels[KERNELS_MOST];
    size_t tables = kernels_here(kernels);
    for (size_t k = 0; k < tables; k++) {
        int8_t weights[SN_BLOCK_GATES * SN_GROUP] = {0};
        float scale[SN_BLOCK_GATES] = {0}, gates[SN_BLOCK_GATES], h[SN_BLOCK], c[SN_BLOCK];
        float sum[SN_BLOCK] = {0};
        int32_t start[SN_BLOCK_GATES] = {0};
        uint8_t bytes[SN_BLOCK], next[SN_BLOCK], expected[SN_BLOCK];
        const float *row = gates;
        uint64_t seed = 3;
        memset(bytes, 128, sizeof bytes);
        for (int round = 0; round < 2000; round++) {
            random_fill(&seed, gates, SN_BLOCK_GATES, 6.0f);
            random_fill(&seed, c, SN_BLOCK, 3.0f);
            kernels[k]->step_int8(&(sn_step){.int8 = {weights, scale, start},
                                             .blocks = 1,
                                             .hidden = 1,
                                             .rows = 1,
                                             .gates = &row,
                                             .h_next = h,
                                             .bytes = bytes,
                                             .bytes_next = next,
                                             .c = c,
                                             .sum = sum});
            sn_int8_bytes(h, SN_BLOCK, expected);
            assert_memory_equal(next, expected, sizeof next);
        }
    }
}

/* A state that walks in a circle from step `onset` on is found, whatever its
 * period, within a few circles. */
static void finds_circle(size_t onset, size_t period, size_t within)
{
    sn_cycle cycle = {0};
    size_t kept[2] = {0, 0};
    for (size_t done = 1; done < 5000; done++) {
        size_t place = done < onset ? done : onset + (done - onset) % period;
        unsigned which;
        for (which = 0; which < 2; which++)
            if (cycle.taken[which] && kept[which] == place) {
                sn_cycle_close(&cycle, done, which);
                assert_true(cycle.period > 0 && cycle.period % period == 0);
                assert_int_equal(cycle.left, cycle.period);
                assert_true(done <= within);
                return;
            }
        if (sn_cycle_keep(&cycle, done, &which))
            kept[which] = place;
    }
    fail();
}

static void test_cycle(void **state)
{
    (void)state;
    for (size_t period = 1; period <= 48; period++) {
        finds_circle(1, period, 1 + 2 * 24 + period);
        finds_circle(100, period, 100 + 24 + 100 / 8 + period + 8);
    }
    finds_circle(100, 400, 5000);
}

/* Networks of each kind: what was left out of a tail is what would have been. The
 * rounding is that of test_settles in test_classifier.c. */
static size_t run_tail(network *net, float tolerance, float *pooled)
{
    static const int32_t ids[] = {4, 8, 15, 16, 23};
    const sn_classifier classifier = {.lstm = &net->lstm,
                                      .kernels = sn_kernels_get(sn_cpu_isa()),
                                      .fold = &net->fold,
                                      .settle_tolerance = tolerance};
    float logits[NETWORK_CLASSES], *out = logits;
    sn_worker worker;
    assert_int_equal(sn_worker_init(&net->lstm, 1, &worker, NULL), 0);
    worker.rows[0] = (sn_row){.ids = ids, .length = 5, .total = 700};
    assert_int_equal(sn_classifier_run(&classifier, &worker, 1, &out, NULL), 0);
    memcpy(pooled, logits, sizeof logits);
    sn_worker_free(&worker);
    return 0;
}

static void test_circles_of_networks(void **state)
{
    (void)state;
    for (size_t hidden = 5; hidden < 60; hidden += 3)
        for (size_t directions = 1; directions <= 2; directions++) {
            network net;
            float all[NETWORK_CLASSES], left_out[NETWORK_CLASSES];
            network_make(&net, hidden, directions == 1 ? 2 : 1, directions, 0.3f, 1, 1 << 20);
            run_tail(&net, 0.0f, all);
            run_tail(&net, 1e-7f, left_out);
            /* A logit sums up to 118 pooled units with weights below 0.3. */
            for (size_t c = 0; c < NETWORK_CLASSES; c++)
                assert_true(fabsf(all[c] - left_out[c]) <= 118 * 0.3f * 0x1p-18f);
            network_free(&net);
        }
}

static void test_memory(void **state)
{
    (void)state;
    network net;
    network_make(&net, 19, 2, 2, 0.3f, 1, 1 << 20);
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_lstm lstm = {0};
        sn_worker worker = {0};
        sentiment_status status =
            sn_lstm_pack_int8(&memory, &net.config, &net.embedding_int8, net.sources, net.fc_weight,
                              net.fc_bias, &lstm, NULL);
        if (!status)
            status = sn_worker_init(&lstm, 3, &worker, NULL);
        sn_worker_free(&worker);
        sn_lstm_free(&lstm);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 8);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    network_free(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize), cmocka_unit_test(test_quantize_error),
        cmocka_unit_test(test_bytes),    cmocka_unit_test(test_bytes_of_kernels),
        cmocka_unit_test(test_cycle),    cmocka_unit_test(test_circles_of_networks),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
