/* SPDX-License-Identifier: Apache-2.0
 *
 * Every instantiation of the int8 kernels against plain C, bit for bit: sizes off
 * every multiple, any number of rows, unaligned arrays and guard pages behind
 * each, the extreme values; and plain C against the sums in 64 bits. */
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

static const size_t sizes[] = {1,  2,  3,  4,  5,  7,   8,   15,  16,  17,  31,  33,
                               37, 51, 63, 64, 65, 100, 127, 129, 256, 511, 1023};

/* What weights and inputs are made of. */
enum { ANY, LARGEST, OPPOSITE, CORNERS };

/* The arrays of a step or a projection, each of exactly its size. */
typedef struct arrays {
    size_t blocks, padded, rows, inputs, weight_count, input_count;
    int8_t *weights;
    uint8_t *bytes, *bytes_next;
    float *scale, *bias, *gates, *h_next, *c, *sum, *out;
    int32_t *start;
} arrays;

static size_t gates_of(const arrays *a)
{
    return a->blocks * SN_BLOCK_GATES;
}

/* One of the values that `kind` allows, in [-127, 127]. */
static int value(uint64_t *seed, int kind, _Bool input)
{
    static const int corners[] = {-127, -126, -1, 0, 1, 64, 126, 127};
    switch (kind) {
    case LARGEST:
        return 127;
    case OPPOSITE:
        return input ? 127 : -127;
    case CORNERS:
        return corners[random_next(seed) % 8];
    default:
        return (int)(random_next(seed) % 255) - 127;
    }
}

/* Weights of [hidden] units with `inputs` inputs; filled-up ones are zero. */
static void fill_weights(arrays *a, size_t hidden, int kind, uint64_t *seed)
{
    size_t groups = (a->inputs + SN_GROUP - 1) / SN_GROUP;
    memset(a->weights, 0, a->weight_count);
    for (size_t unit = 0; unit < a->padded; unit++)
        for (size_t gate = 0; gate < SN_GATES; gate++) {
            size_t lane = unit / SN_BLOCK * SN_BLOCK_GATES + gate * SN_BLOCK + unit % SN_BLOCK;
            int64_t sum = 0;
            for (size_t k = 0; k < a->inputs && unit < hidden; k++) {
                size_t at = ((unit / SN_BLOCK * groups + k / SN_GROUP) * SN_GATES + gate) *
                                SN_BLOCK * SN_GROUP +
                            unit % SN_BLOCK * SN_GROUP + k % SN_GROUP;
                a->weights[at] = (int8_t)value(seed, kind, 0);
                sum += a->weights[at];
            }
            uint32_t start = (uint32_t)(-128 * sum);
            memcpy(&a->start[lane], &start, sizeof start);
            a->scale[lane] = unit < hidden ? fabsf(random_float(seed, 1e-3f)) : 0.0f;
        }
}

/* Inputs of a projection lie unaligned and end anywhere; those of a step are padded. */
static void make_arrays(arrays *a, size_t hidden, size_t inputs, size_t rows, int kind)
{
    uint64_t seed = hidden * 1000 + rows * 10 + (uint64_t)kind;
    *a = (arrays){.blocks = (hidden + SN_BLOCK - 1) / SN_BLOCK, .rows = rows, .inputs = inputs};
    a->padded = a->blocks * SN_BLOCK;
    a->weight_count = (inputs + SN_GROUP - 1) / SN_GROUP * SN_GROUP * gates_of(a);
    a->input_count = (a->padded > inputs ? a->padded : inputs) * rows;
    a->weights = guarded_bytes(a->weight_count);
    a->bytes = guarded_bytes(a->input_count);
    a->bytes_next = guarded_bytes(a->padded * rows);
    a->start = guarded_bytes(gates_of(a) * sizeof *a->start);
    a->scale = guarded_floats(gates_of(a));
    a->bias = guarded_floats(gates_of(a));
    a->gates = guarded_floats(gates_of(a) * rows);
    a->h_next = guarded_floats(a->padded * rows);
    a->c = guarded_floats(a->padded * rows);
    a->sum = guarded_floats(a->padded * rows);
    a->out = guarded_floats(gates_of(a) * rows);
    fill_weights(a, hidden, kind, &seed);
    for (size_t i = 0; i < a->input_count; i++)
        a->bytes[i] = (uint8_t)(value(&seed, kind, 1) + 128);
    random_fill(&seed, a->bias, gates_of(a), 1.0f);
    random_fill(&seed, a->gates, gates_of(a) * rows, 2.0f);
    random_fill(&seed, a->c, a->padded * rows, 2.0f);
    random_fill(&seed, a->sum, a->padded * rows, 1.0f);
}

static void free_arrays(arrays *a)
{
    guarded_bytes_free(a->weights, a->weight_count);
    guarded_bytes_free(a->bytes, a->input_count);
    guarded_bytes_free(a->bytes_next, a->padded * a->rows);
    guarded_bytes_free(a->start, gates_of(a) * sizeof *a->start);
    guarded_free(a->scale, gates_of(a));
    guarded_free(a->bias, gates_of(a));
    guarded_free(a->gates, gates_of(a) * a->rows);
    guarded_free(a->h_next, a->padded * a->rows);
    guarded_free(a->c, a->padded * a->rows);
    guarded_free(a->sum, a->padded * a->rows);
    guarded_free(a->out, gates_of(a) * a->rows);
}

/* Rows [first, first + rows) of the arrays. */
static void run_step(const sn_kernels *kernels, const arrays *a, size_t hidden, size_t first,
                     size_t rows, _Bool descending)
{
    const float *gates[MAX_ROWS];
    size_t at = first * a->padded;
    for (size_t r = 0; r < rows; r++)
        gates[r] = a->gates + (first + r) * gates_of(a);
    kernels->step_int8(&(sn_step){.int8 = {a->weights, a->scale, a->start},
                                  .blocks = a->blocks,
                                  .hidden = hidden,
                                  .rows = rows,
                                  .gates = gates,
                                  .h_next = a->h_next + at,
                                  .bytes = a->bytes + at,
                                  .bytes_next = a->bytes_next + at,
                                  .c = a->c + at,
                                  .sum = a->sum + at,
                                  .descending = descending});
}

static void run_project(const sn_kernels *kernels, const arrays *a, uint32_t flip)
{
    const uint8_t *x[MAX_ROWS];
    float *out[MAX_ROWS];
    for (size_t r = 0; r < a->rows; r++) {
        x[r] = a->bytes + a->input_count - (r + 1) * a->inputs;
        out[r] = a->out + r * gates_of(a);
    }
    kernels->project_int8(&(sn_project){.int8 = {a->weights, a->scale, a->start},
                                        .bias = a->bias,
                                        .blocks = a->blocks,
                                        .inputs = a->inputs,
                                        .rows = a->rows,
                                        .bytes = x,
                                        .x_flip = flip,
                                        .x_scale = flip ? 0.37f : 1.0f,
                                        .out = out});
}

static void expect_same_state(const arrays *a, const arrays *b)
{
    size_t bytes = a->padded * a->rows * sizeof(float);
    assert_memory_equal(a->h_next, b->h_next, bytes);
    assert_memory_equal(a->c, b->c, bytes);
    assert_memory_equal(a->sum, b->sum, bytes);
    assert_memory_equal(a->bytes_next, b->bytes_next, a->padded * a->rows);
}

static void check_step(const sn_kernels *kernels, size_t hidden, size_t rows, int kind)
{
    arrays truth, other;
    make_arrays(&truth, hidden, hidden, rows, kind);
    make_arrays(&other, hidden, hidden, rows, kind);
    run_step(&sn_kernels_c, &truth, hidden, 0, rows, 0);
    run_step(kernels, &other, hidden, 0, rows, rows % 2 == 0);
    expect_same_state(&truth, &other);
    for (size_t i = 0; i < truth.padded * rows; i++)
        assert_true(truth.bytes_next[i] >= 1);
    free_arrays(&truth);
    free_arrays(&other);
}

static void check_project(const sn_kernels *kernels, size_t inputs, size_t rows, int kind)
{
    for (int embedded = 0; embedded < 2; embedded++) {
        uint32_t flip = embedded ? SN_FLIP_SIGNED : 0;
        arrays truth, other;
        make_arrays(&truth, 37, inputs, rows, kind);
        make_arrays(&other, 37, inputs, rows, kind);
        for (size_t i = 0; i < truth.input_count && embedded; i++) {
            truth.bytes[i] ^= 128;
            other.bytes[i] ^= 128;
        }
        run_project(&sn_kernels_c, &truth, flip);
        run_project(kernels, &other, flip);
        assert_memory_equal(truth.out, other.out, gates_of(&truth) * rows * sizeof(float));
        free_arrays(&truth);
        free_arrays(&other);
    }
}

/* Calls `check` for every table but plain C. */
static void each_table(void (*check)(const sn_kernels *))
{
    const sn_kernels *kernels[KERNELS_MOST];
    size_t tables = kernels_here(kernels);
    for (size_t k = 1; k < tables; k++)
        check(kernels[k]);
}

static void step_sizes(const sn_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t rows = 1; rows <= (sizes[i] < 66 ? MAX_ROWS : 2); rows++)
            check_step(kernels, sizes[i], rows, ANY);
}

static void test_step(void **state)
{
    (void)state;
    each_table(step_sizes);
}

static void project_sizes(const sn_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t rows = 1; rows <= (sizes[i] < 66 ? MAX_ROWS : 2); rows++)
            check_project(kernels, sizes[i], rows, ANY);
}

static void test_project(void **state)
{
    (void)state;
    each_table(project_sizes);
}

/* Sums that are as large as sums can be, of either sign: no part of them may
 * saturate or overflow. 133,144 inputs are the most that there are. */
static void extreme_values(const sn_kernels *kernels)
{
    for (int kind = LARGEST; kind <= CORNERS; kind++) {
        for (size_t rows = 1; rows <= 7; rows++) {
            check_step(kernels, 51, rows, kind);
            check_project(kernels, 130, rows, kind);
        }
        check_step(kernels, 1023, 1, kind);
        check_project(kernels, 133144, 1, kind);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    each_table(extreme_values);
}

/* Rows must not see each other: a tile's rows equal the same rows alone. */
static void rows_alone(const sn_kernels *kernels)
{
    for (size_t rows = 2; rows <= MAX_ROWS; rows++) {
        arrays tile, alone;
        make_arrays(&tile, 51, 51, rows, ANY);
        make_arrays(&alone, 51, 51, rows, ANY);
        run_step(kernels, &tile, 51, 0, rows, 1);
        for (size_t r = 0; r < rows; r++)
            run_step(kernels, &alone, 51, r, 1, 0);
        expect_same_state(&tile, &alone);
        free_arrays(&tile);
        free_arrays(&alone);
    }
}

static void test_rows_alone(void **state)
{
    (void)state;
    rows_alone(&sn_kernels_c);
    each_table(rows_alone);
}

/* The exact sum of lane `lane` for row r of a projection. */
static int64_t exact_sum(const arrays *a, size_t lane, const uint8_t *x)
{
    size_t groups = (a->inputs + SN_GROUP - 1) / SN_GROUP;
    int64_t sum = 0;
    for (size_t k = 0; k < a->inputs; k++) {
        size_t at = ((lane / SN_BLOCK_GATES * groups + k / SN_GROUP) * SN_BLOCK_GATES +
                     lane % SN_BLOCK_GATES) *
                        SN_GROUP +
                    k % SN_GROUP;
        sum += (int64_t)a->weights[at] * (x[k] - 128);
    }
    return sum;
}

/* Plain C is the sum in 64 bits, as a float, times the scale, plus the bias. */
static void test_definition(void **state)
{
    (void)state;
    static const size_t inputs[] = {1, 5, 128, 1000, 133144};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (int kind = ANY; kind <= CORNERS; kind++) {
            arrays a;
            make_arrays(&a, 17, inputs[i], 1, kind);
            run_project(&sn_kernels_c, &a, 0);
            for (size_t lane = 0; lane < gates_of(&a); lane++) {
                int64_t sum = exact_sum(&a, lane, a.bytes + a.input_count - a.inputs);
                assert_true(sum >= INT32_MIN && sum <= INT32_MAX);
                float expected = fmaf((float)sum, a.scale[lane], a.bias[lane]);
                assert_memory_equal(&expected, &a.out[lane], sizeof expected);
            }
            free_arrays(&a);
        }
}

/* A step is the recurrent product, and from there on the one of fp32: gates that
 * hold the product already, and no weights, give the same bits. */
static void test_step_is_that_of_fp32(void **state)
{
    (void)state;
    arrays a, b;
    float weights[SN_BLOCK_GATES * 51 * 4] = {0}, h[64] = {0};
    make_arrays(&a, 51, 51, 1, ANY);
    make_arrays(&b, 51, 51, 1, ANY);
    run_step(&sn_kernels_c, &a, 51, 0, 1, 0);
    for (size_t lane = 0; lane < gates_of(&b); lane++)
        b.gates[lane] = fmaf((float)exact_sum(&b, lane, b.bytes), b.scale[lane], b.gates[lane]);
    const float *gates = b.gates;
    sn_kernels_c.step(&(sn_step){.weights = weights,
                                 .blocks = b.blocks,
                                 .hidden = 51,
                                 .rows = 1,
                                 .gates = &gates,
                                 .h = h,
                                 .h_next = b.h_next,
                                 .c = b.c,
                                 .sum = b.sum});
    assert_memory_equal(a.h_next, b.h_next, a.padded * sizeof(float));
    assert_memory_equal(a.c, b.c, a.padded * sizeof(float));
    assert_memory_equal(a.sum, b.sum, a.padded * sizeof(float));
    free_arrays(&a);
    free_arrays(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step),       cmocka_unit_test(test_project),
        cmocka_unit_test(test_extremes),   cmocka_unit_test(test_rows_alone),
        cmocka_unit_test(test_definition), cmocka_unit_test(test_step_is_that_of_fp32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
