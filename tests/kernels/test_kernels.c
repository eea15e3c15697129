/* SPDX-License-Identifier: Apache-2.0
 *
 * Every instantiation of the kernels against plain C: equal bits over hidden
 * sizes off every multiple, any number of rows, unaligned arrays and guard
 * pages behind each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "support/guarded.h"
#include "support/kernels_here.h"
#include "support/random.h"

#define MAX_ROWS 14

static const size_t sizes[] = {1,  2,  3,  7,  8,   15,  16,  17,  31,  33,  37,  51,
                               63, 64, 65, 96, 100, 127, 129, 256, 272, 511, 1023};

/* One set of arrays of a step, each of exactly its size. */
typedef struct arrays {
    size_t blocks, padded, rows, inputs;
    float *weights, *bias, *gates, *h, *h_next, *c, *sum, *out;
} arrays;

static size_t gates_of(const arrays *a)
{
    return a->blocks * SN_BLOCK_GATES;
}

static void make_arrays(arrays *a, size_t hidden, size_t inputs, size_t rows, float scale)
{
    uint64_t seed = hidden * 1000 + rows;
    *a = (arrays){.blocks = (hidden + SN_BLOCK - 1) / SN_BLOCK, .rows = rows, .inputs = inputs};
    a->padded = a->blocks * SN_BLOCK;
    a->weights = guarded_floats(gates_of(a) * inputs);
    a->bias = guarded_floats(gates_of(a));
    a->gates = guarded_floats(gates_of(a) * rows);
    a->h = guarded_floats(a->padded * rows > inputs * rows ? a->padded * rows : inputs * rows);
    a->h_next = guarded_floats(a->padded * rows);
    a->c = guarded_floats(a->padded * rows);
    a->sum = guarded_floats(a->padded * rows);
    a->out = guarded_floats(gates_of(a) * rows);
    random_fill(&seed, a->weights, gates_of(a) * inputs, scale);
    random_fill(&seed, a->bias, gates_of(a), 1.0f);
    random_fill(&seed, a->gates, gates_of(a) * rows, scale * 8.0f);
    random_fill(&seed, a->h, a->padded * rows > inputs * rows ? a->padded * rows : inputs * rows,
                1.0f);
    random_fill(&seed, a->c, a->padded * rows, 2.0f);
    random_fill(&seed, a->sum, a->padded * rows, 1.0f);
}

static void free_arrays(arrays *a)
{
    size_t h =
        a->padded * a->rows > a->inputs * a->rows ? a->padded * a->rows : a->inputs * a->rows;
    guarded_free(a->weights, gates_of(a) * a->inputs);
    guarded_free(a->bias, gates_of(a));
    guarded_free(a->gates, gates_of(a) * a->rows);
    guarded_free(a->h, h);
    guarded_free(a->h_next, a->padded * a->rows);
    guarded_free(a->c, a->padded * a->rows);
    guarded_free(a->sum, a->padded * a->rows);
    guarded_free(a->out, gates_of(a) * a->rows);
}

static void run_step(const sn_kernels *kernels, const arrays *a, size_t hidden, _Bool descending)
{
    const float *gates[MAX_ROWS];
    for (size_t r = 0; r < a->rows; r++)
        gates[r] = a->gates + r * gates_of(a);
    kernels->step(&(sn_step){.weights = a->weights,
                             .blocks = a->blocks,
                             .hidden = hidden,
                             .rows = a->rows,
                             .gates = gates,
                             .h = a->h,
                             .h_next = a->h_next,
                             .c = a->c,
                             .sum = a->sum,
                             .descending = descending});
}

static void run_project(const sn_kernels *kernels, const arrays *a)
{
    const float *x[MAX_ROWS];
    float *out[MAX_ROWS];
    for (size_t r = 0; r < a->rows; r++) {
        x[r] = a->h + r * a->inputs;
        out[r] = a->out + r * gates_of(a);
    }
    kernels->project(&(sn_project){.weights = a->weights,
                                   .bias = a->bias,
                                   .blocks = a->blocks,
                                   .inputs = a->inputs,
                                   .rows = a->rows,
                                   .x = x,
                                   .out = out});
}

static void compare_step(const sn_kernels *kernels, arrays *truth, arrays *other, size_t hidden)
{
    run_step(&sn_kernels_c, truth, hidden, 0);
    run_step(kernels, other, hidden, truth->rows % 2 == 0);
    size_t bytes = truth->padded * truth->rows * sizeof(float);
    assert_memory_equal(truth->h_next, other->h_next, bytes);
    assert_memory_equal(truth->c, other->c, bytes);
    assert_memory_equal(truth->sum, other->sum, bytes);
    for (size_t i = 0; i < truth->padded * truth->rows; i++)
        assert_true(fabsf(truth->h_next[i]) <= 1.0f);
    free_arrays(truth);
    free_arrays(other);
}

static void check_step(const sn_kernels *kernels, size_t hidden, size_t rows, float scale)
{
    arrays truth, other;
    make_arrays(&truth, hidden, hidden, rows, scale);
    make_arrays(&other, hidden, hidden, rows, scale);
    compare_step(kernels, &truth, &other, hidden);
}

static void check_project(const sn_kernels *kernels, size_t inputs, size_t rows)
{
    arrays truth, other;
    make_arrays(&truth, 37, inputs, rows, 0.5f);
    make_arrays(&other, 37, inputs, rows, 0.5f);
    run_project(&sn_kernels_c, &truth);
    run_project(kernels, &other);
    assert_memory_equal(truth.out, other.out, gates_of(&truth) * rows * sizeof(float));
    free_arrays(&truth);
    free_arrays(&other);
}

/* Calls `check` for each instantiation above plain C that this machine runs; the
 * same functions of fp32 need no second look. */
static void each_isa(void (*check)(const sn_kernels *))
{
    const sn_kernels *kernels[KERNELS_MOST];
    size_t tables = kernels_here(kernels);
    for (size_t k = 1; k < tables; k++)
        if (kernels[k]->step != kernels[k - 1]->step)
            check(kernels[k]);
}

static void step_sizes(const sn_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t rows = 1; rows <= (sizes[i] < 130 ? MAX_ROWS : 2); rows++)
            check_step(kernels, sizes[i], rows, 1.0f / 8.0f);
}

static void test_step(void **state)
{
    (void)state;
    each_isa(step_sizes);
}

/* Gates far outside the range of exp, where everything saturates. */
static void step_saturated(const sn_kernels *kernels)
{
    check_step(kernels, 51, 7, 1e3f);
    check_step(kernels, 51, 1, 1e36f);
}

static void test_step_saturated(void **state)
{
    (void)state;
    each_isa(step_saturated);
}

/* Gates that are no numbers, or infinite, become numbers, the same ones. */
static void step_not_numbers(const sn_kernels *kernels)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-40f};
    for (size_t rows = 1; rows <= 7; rows += 6) {
        arrays truth, other;
        make_arrays(&truth, 51, 51, rows, 0.125f);
        make_arrays(&other, 51, 51, rows, 0.125f);
        for (size_t i = 0; i < gates_of(&truth) * rows; i += 3)
            truth.gates[i] = other.gates[i] = odd[i % 5];
        compare_step(kernels, &truth, &other, 51);
    }
}

static void test_step_not_numbers(void **state)
{
    (void)state;
    each_isa(step_not_numbers);
}

static void project_sizes(const sn_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t rows = 1; rows <= (sizes[i] < 130 ? MAX_ROWS : 2); rows++)
            check_project(kernels, sizes[i], rows);
}

static void test_project(void **state)
{
    (void)state;
    each_isa(project_sizes);
}

static void dots_sizes(const sn_kernels *kernels)
{
    for (size_t n = SN_BLOCK; n <= 1024; n += SN_BLOCK) {
        uint64_t seed = n;
        float *weights = guarded_floats(3 * n), *x = guarded_floats(n), truth[3], other[3];
        random_fill(&seed, weights, 3 * n, 1.0f);
        random_fill(&seed, x, n, 1.0f);
        sn_kernels_c.dots(weights, 3, x, n, truth);
        kernels->dots(weights, 3, x, n, other);
        assert_memory_equal(truth, other, sizeof truth);
        guarded_free(weights, 3 * n);
        guarded_free(x, n);
    }
}

static void test_dots(void **state)
{
    (void)state;
    each_isa(dots_sizes);
}

/* Rows must not see each other: a tile's rows equal the same rows alone. */
static void rows_alone(const sn_kernels *kernels)
{
    for (size_t rows = 2; rows <= MAX_ROWS; rows++) {
        arrays tile, alone;
        make_arrays(&tile, 51, 51, rows, 0.125f);
        make_arrays(&alone, 51, 51, rows, 0.125f);
        run_step(kernels, &tile, 51, 1);
        for (size_t r = 0; r < rows; r++) {
            const float *gates = alone.gates + r * gates_of(&alone);
            size_t at = r * alone.padded;
            kernels->step(&(sn_step){.weights = alone.weights,
                                     .blocks = alone.blocks,
                                     .hidden = 51,
                                     .rows = 1,
                                     .gates = &gates,
                                     .h = alone.h + at,
                                     .h_next = alone.h_next + at,
                                     .c = alone.c + at,
                                     .sum = alone.sum + at});
        }
        assert_memory_equal(tile.h_next, alone.h_next, tile.padded * rows * sizeof(float));
        assert_memory_equal(tile.c, alone.c, tile.padded * rows * sizeof(float));
        free_arrays(&tile);
        free_arrays(&alone);
    }
}

static void test_rows_alone(void **state)
{
    (void)state;
    rows_alone(&sn_kernels_c);
    each_isa(rows_alone);
}

/* The dispatch takes the best of what runs here, and each one when asked for it. */
static void test_choice(void **state)
{
    (void)state;
    const sn_kernels *kernels[KERNELS_MOST];
    size_t tables = kernels_here(kernels);
    assert_ptr_equal(sn_kernels_get(sn_cpu_isa()), kernels[tables - 1]);
    for (size_t k = 0; k < tables; k++)
        assert_int_equal(sn_kernels_get(kernels[k]->isa)->isa, kernels[k]->isa);
    assert_ptr_equal(sn_kernels_get(SENTIMENT_ISA_C), &sn_kernels_c);
}

/* The plain C step against the formulas in double. Each gate is a sum of 52
 * fused terms below 0.125, so its rounding error stays under 52 * 2^-24 * 7 =
 * 2.2e-5 at worst and 1e-6 in practice; sigmoid and tanh have slope <= 1. */
static void test_step_formula(void **state)
{
    (void)state;
    arrays a, before;
    size_t hidden = 51;
    make_arrays(&a, hidden, hidden, 1, 0.125f);
    make_arrays(&before, hidden, hidden, 1, 0.125f);
    run_step(&sn_kernels_c, &a, hidden, 0);
    for (size_t unit = 0; unit < hidden; unit++) {
        double gate[SN_GATES];
        for (size_t q = 0; q < SN_GATES; q++) {
            size_t lane = unit / SN_BLOCK * SN_BLOCK_GATES + q * SN_BLOCK + unit % SN_BLOCK;
            gate[q] = (double)before.gates[lane];
            for (size_t k = 0; k < hidden; k++) {
                size_t at = (unit / SN_BLOCK * hidden + k) * SN_BLOCK_GATES + q * SN_BLOCK +
                            unit % SN_BLOCK;
                gate[q] += (double)before.weights[at] * (double)before.h[k];
            }
        }
        double c =
            (double)before.c[unit] / (1 + exp(-gate[1])) + tanh(gate[2]) / (1 + exp(-gate[0]));
        double h = tanh(c) / (1 + exp(-gate[3]));
        assert_true(fabs(c - (double)a.c[unit]) < 5e-6);
        assert_true(fabs(h - (double)a.h_next[unit]) < 5e-6);
    }
    free_arrays(&a);
    free_arrays(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step),       cmocka_unit_test(test_step_saturated),
        cmocka_unit_test(test_project),    cmocka_unit_test(test_dots),
        cmocka_unit_test(test_rows_alone), cmocka_unit_test(test_step_formula),
        cmocka_unit_test(test_choice),     cmocka_unit_test(test_step_not_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
