/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole network, in fp32 and in int8, against a straightforward one in
 * double: layers, directions, padding, odd sizes; and what must not change a bit:
 * the tile, the kernels, the fold's memory, explaining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "nn/pass.h"
#include "support/kernels_here.h"
#include "support/random.h"

#define ROWS 9
#define MAX_TOTAL 40

/* Tests run with one of these as their state. */
static _Bool fp32 = 0, int8 = 1;

static _Bool is_int8(void **state)
{
    const _Bool *precision = *state;
    return *precision;
}

/* Rows of random ids: row r has r*3+1 tokens, padded to MAX_TOTAL if asked. */
static size_t fill_rows(sn_row *rows, int32_t ids[ROWS][MAX_TOTAL], _Bool padded)
{
    uint64_t seed = 7;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t t = 0; t < MAX_TOTAL; t++)
            ids[r][t] = (int32_t)(random_next(&seed) % 50);
        rows[r] = (sn_row){.ids = ids[r], .length = r * 3 + 1};
        rows[r].total = padded ? MAX_TOTAL : rows[r].length;
    }
    return ROWS;
}

static void run(const network *net, network *folding, const sn_kernels *kernels, size_t tile,
                _Bool padded, float logits[ROWS][NETWORK_CLASSES])
{
    int32_t ids[ROWS][MAX_TOTAL];
    sn_row rows[ROWS];
    sn_worker worker;
    sn_classifier classifier = {.lstm = &net->lstm, .kernels = kernels, .fold = &folding->fold};
    assert_int_equal(sn_worker_init(&net->lstm, tile, &worker, NULL), 0);
    size_t count = fill_rows(rows, ids, padded);
    for (size_t first = 0; first < count; first += tile) {
        float *out[ROWS];
        size_t here = count - first < tile ? count - first : tile;
        for (size_t i = 0; i < here; i++) {
            worker.rows[i] = rows[first + i];
            out[i] = logits[first + i];
        }
        assert_int_equal(sn_classifier_run(&classifier, &worker, here, out, NULL), 0);
    }
    sn_worker_free(&worker);
}

/* Sizes of the networks under test. */
static const size_t shapes[][3] = {
    {1, 1, 1},  {16, 1, 1}, {37, 1, 1}, {51, 1, 1}, {37, 2, 1},
    {17, 3, 1}, {1, 1, 2},  {37, 1, 2}, {16, 2, 2}, {19, 3, 2},
};

/* The largest distances between logits and reference of each row. */
static void distances(network *net, _Bool padded, double out[ROWS])
{
    float logits[ROWS][NETWORK_CLASSES];
    int32_t ids[ROWS][MAX_TOTAL];
    sn_row rows[ROWS];
    run(net, net, sn_kernels_get(sn_cpu_isa()), ROWS, padded, logits);
    fill_rows(rows, ids, padded);
    for (size_t r = 0; r < ROWS; r++) {
        double expected[NETWORK_CLASSES];
        network_reference(net, ids[r], rows[r].length, rows[r].total, expected);
        out[r] = 0;
        for (size_t c = 0; c < NETWORK_CLASSES; c++)
            out[r] = fmax(out[r], fabs(expected[c] - (double)logits[r][c]));
    }
}

/* The tolerance: each gate sums hidden+5 terms whose rounding errors, at 2^-24
 * relative, add up to below 3e-6 for hidden <= 51 at these scales, and a mean does
 * not enlarge them; 1e-5 leaves a factor of three for the steps' feedback.
 *
 * In int8 there is one rounding more that can differ: of an h that lies within
 * those 3e-6 of the border between two bytes. With up to 51 units, 40 steps and 127
 * borders that happens to a few rows in a hundred. Such an h moves by 1/127, and with
 * weights of 0.4 a gate by 0.0032; of a mean and then a logit that leaves less. */
static void test_reference(void **state)
{
    size_t far = 0, all = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net;
        network_make(&net, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f, is_int8(state), 1 << 20);
        for (int padded = 0; padded < 2; padded++) {
            double distance[ROWS];
            distances(&net, padded != 0, distance);
            for (size_t r = 0; r < ROWS; r++, all++) {
                assert_true(distance[r] < (is_int8(state) ? 0.0032 : 1e-5));
                far += distance[r] >= 1e-5;
            }
        }
        network_free(&net);
    }
    assert_true(far <= all / 10);
}

static void test_same_bits(void **state)
{
    const sn_kernels *kernels[KERNELS_MOST];
    size_t tables = kernels_here(kernels);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net, tight;
        const size_t *shape = shapes[s];
        network_make(&net, shape[0], shape[1], shape[2], 0.4f, is_int8(state), 1 << 20);
        /* Room for three folded rows: the others are computed each time. */
        network_make(&tight, shape[0], shape[1], shape[2], 0.4f, is_int8(state),
                     3 * net.fold.row * sizeof(float));
        for (int padded = 0; padded < 2; padded++) {
            float truth[ROWS][NETWORK_CLASSES], other[ROWS][NETWORK_CLASSES];
            run(&net, &net, &sn_kernels_c, 1, padded != 0, truth);
            for (size_t k = 0; k < tables; k++)
                for (size_t tile = 1; tile <= ROWS; tile += 2) {
                    run(&net, &net, kernels[k], tile, padded != 0, other);
                    assert_memory_equal(truth, other, sizeof truth);
                    run(&net, &tight, kernels[k], tile, padded != 0, other);
                    assert_memory_equal(truth, other, sizeof truth);
                }
        }
        network_free(&net);
        network_free(&tight);
    }
}

/* Contributions add up to the logits: each is rounded once at 2^-24 of itself,
 * and there are at most 41 of size below 1. */
static void check_explain(const network *net, network *folding, const sn_row *row, float tolerance)
{
    sn_worker worker;
    float logits[NETWORK_CLASSES], plain[NETWORK_CLASSES], bias[NETWORK_CLASSES];
    float parts[MAX_TOTAL][NETWORK_CLASSES], *out = plain;
    sn_classifier classifier = {.lstm = &net->lstm,
                                .kernels = sn_kernels_get(sn_cpu_isa()),
                                .fold = &folding->fold,
                                .settle_tolerance = tolerance};
    assert_int_equal(sn_worker_init(&net->lstm, 1, &worker, NULL), 0);
    worker.rows[0] = *row;
    assert_int_equal(sn_classifier_run(&classifier, &worker, 1, &out, NULL), 0);
    worker.rows[0] = *row;
    assert_int_equal(sn_classifier_explain(&classifier, &worker, logits, bias, &parts[0][0], NULL),
                     0);
    assert_memory_equal(plain, logits, sizeof plain);
    for (size_t c = 0; c < NETWORK_CLASSES; c++) {
        double sum = (double)bias[c];
        for (size_t t = 0; t < row->length; t++)
            sum += (double)parts[t][c];
        assert_true(fabs(sum - (double)logits[c]) < 5e-6);
    }
    sn_worker_free(&worker);
}

static void test_explain(void **state)
{
    int32_t ids[ROWS][MAX_TOTAL];
    sn_row rows[ROWS];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net;
        network_make(&net, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f, is_int8(state), 1 << 20);
        fill_rows(rows, ids, 0);
        check_explain(&net, &net, &rows[8], 0.0f);
        fill_rows(rows, ids, 1);
        check_explain(&net, &net, &rows[3], 0.0f);
        rows[3].total = 500;
        check_explain(&net, &net, &rows[3], 1e-7f);
        network_free(&net);
    }
}

/* Positions that were computed, and those that one settled state stood for. */
static void count_visits(void *user, size_t direction, size_t position, size_t count,
                         const float *h)
{
    (void)direction;
    (void)position;
    (void)h;
    size_t *visits = user;
    visits[0]++;
    visits[1] += count;
}

/* Runs `total` positions of which 3 are tokens; returns the steps computed. */
static size_t settled_steps(network *net, float tolerance, size_t total, float *pooled)
{
    static const int32_t ids[] = {4, 8, 15};
    size_t visits[2] = {0, 0};
    sn_scratch *scratch = NULL;
    sn_row row = {.ids = ids, .length = 3, .total = total, .pooled = pooled};
    sn_pass pass = {.lstm = &net->lstm,
                    .kernels = sn_kernels_get(sn_cpu_isa()),
                    .fold = &net->fold,
                    .layers = net->config.layers,
                    .settle_tolerance = tolerance,
                    .visit = count_visits,
                    .visit_user = visits};
    assert_int_equal(sn_scratch_create(&net->lstm, 1, &scratch, NULL), 0);
    for (pass.direction = 0; pass.direction < net->config.directions; pass.direction++)
        sn_pass_run(&pass, scratch, &row, 1);
    sn_scratch_free(scratch);
    assert_int_equal(visits[1], total * net->config.directions);
    return visits[0];
}

/* Small weights contract quickly: the tail is skipped, and every pooled unit
 * stays within the tolerance that was asked for, give or take the rounding of
 * a mean of 512 values below 1 (2^-24 each way). In int8 the state is the same to
 * the bit, and only the rounding is left: of sums up to 128, half a unit of which is
 * 2^-18, as each of them takes 128 terms that add up over four such sums, against a
 * mean's 512: at worst 2^-18. */
static void test_settles(void **state)
{
    static const size_t kinds[][3] = {{37, 1, 1}, {37, 2, 1}, {37, 1, 2}};
    float tolerance = is_int8(state) ? 0x1p-18f : 1e-6f + 0x1p-23f;
    for (size_t k = 0; k < 3; k++) {
        network net;
        float all[160], stopped[160];
        network_make(&net, kinds[k][0], kinds[k][1], kinds[k][2], 0.15f, is_int8(state), 1 << 20);
        size_t width = net.config.directions * net.config.padded;
        size_t steps = settled_steps(&net, 0.0f, 512, all);
        assert_int_equal(steps, 512 * net.config.directions);
        steps = settled_steps(&net, 1e-6f, 512, stopped);
        assert_true(steps < 200 * net.config.directions);
        for (size_t j = 0; j < width; j++)
            assert_true(fabsf(all[j] - stopped[j]) <= tolerance);
        network_free(&net);
    }
}

/* Large weights keep the state moving: every step is run, to the same bits. */
static void test_does_not_settle(void **state)
{
    (void)state;
    network net;
    float all[160], watched[160];
    network_make(&net, 37, 1, 1, 3.0f, fp32, 1 << 20);
    settled_steps(&net, 0.0f, 512, all);
    size_t steps = settled_steps(&net, 1e-7f, 512, watched);
    assert_int_equal(steps, 512);
    assert_memory_equal(all, watched, net.config.padded * sizeof *all);
    network_free(&net);
}

/* A row that stops after `first` ids and goes on from there has the bits of one
 * that never stopped; answering twice tells that the state has not moved. */
static void check_stop(const sn_classifier *classifier, sn_worker *worker, const int32_t *ids,
                       size_t first, size_t length, size_t total)
{
    float whole[NETWORK_CLASSES], parts[2][NETWORK_CLASSES], *out = whole;
    sn_row_state state;
    assert_int_equal(sn_row_state_init(classifier->lstm, &state, NULL), 0);
    worker->rows[0] = (sn_row){.ids = ids, .length = length, .total = total};
    assert_int_equal(sn_classifier_run(classifier, worker, 1, &out, NULL), 0);
    if (first > 1)
        sn_classifier_advance(classifier, worker, ids, 1, &state);
    sn_classifier_advance(classifier, worker, ids + state.time, first - state.time, &state);
    assert_int_equal(state.time, first);
    for (int i = 0; i < 2; i++)
        sn_classifier_answer(classifier, worker, &state, ids + first, length - first, total,
                             parts[i]);
    assert_memory_equal(parts[0], whole, sizeof whole);
    assert_memory_equal(parts[1], whole, sizeof whole);
    sn_row_state_free(&state);
}

/* Lengths and stops around the flushes of the running sum, every 128 steps. */
static void test_stops(void **state)
{
    static const size_t lengths[] = {1, 2, 127, 128, 129, 300},
                        stops[] = {1, 2, 127, 128, 256, 300};
    int32_t ids[300];
    uint64_t seed = 9;
    for (size_t i = 0; i < 300; i++)
        ids[i] = (int32_t)(random_next(&seed) % 50);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        if (shapes[s][2] > 1 || shapes[s][0] == 1 || shapes[s][0] > 40)
            continue;
        network net;
        sn_worker worker;
        network_make(&net, shapes[s][0], shapes[s][1], 1, 0.4f, is_int8(state), 1 << 20);
        sn_classifier classifier = {
            .lstm = &net.lstm, .kernels = sn_kernels_get(sn_cpu_isa()), .fold = &net.fold};
        assert_int_equal(sn_worker_init(&net.lstm, 1, &worker, NULL), 0);
        for (size_t n = 0; n < 36; n++) {
            size_t length = lengths[n / 6], first = stops[n % 6];
            if (first > length)
                continue;
            classifier.settle_tolerance = 0.0f;
            check_stop(&classifier, &worker, ids, first, length, length);
            check_stop(&classifier, &worker, ids, first, length, 500);
            classifier.settle_tolerance = 1e-6f;
            check_stop(&classifier, &worker, ids, first, length, 500);
        }
        sn_worker_free(&worker);
        network_free(&net);
    }
}

/* Half of the least normal number, at run time. */
static float half_of_least(void)
{
    volatile float least = FLT_MIN;
    return least * 0.5f;
}

static void visit_denormal(void *user, size_t direction, size_t position, size_t count,
                           const float *h)
{
    (void)direction;
    (void)position;
    (void)count;
    (void)h;
    *(float *)user = half_of_least();
}

/* Denormals are zero for the network alone: the caller's arithmetic stays as it was. */
static void test_denormals(void **state)
{
    network net;
    sn_worker worker;
    const int32_t ids[] = {1, 2, 3};
    const sn_row row = {.ids = ids, .length = 3, .total = 3};
    float inside = 1.0f;
    network_make(&net, 8, 1, 1, 0.4f, is_int8(state), 1 << 20);
    assert_int_equal(sn_worker_init(&net.lstm, 1, &worker, NULL), 0);
    const sn_pass pass = {.lstm = &net.lstm,
                          .kernels = sn_kernels_get(sn_cpu_isa()),
                          .fold = &net.fold,
                          .layers = 1,
                          .visit = visit_denormal,
                          .visit_user = &inside};
    assert_true(half_of_least() > 0.0f);
    sn_pass_run(&pass, worker.scratch, &row, 1);
    assert_true(half_of_least() > 0.0f);
#if defined(__x86_64__) || defined(__aarch64__)
    assert_true(inside == 0.0f);
#else
    assert_true(inside > 0.0f);
#endif
    sn_worker_free(&worker);
    network_free(&net);
}

#define FP32(test) cmocka_unit_test_prestate(test, &fp32)
#define INT8(test) cmocka_unit_test_prestate(test, &int8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FP32(test_reference), INT8(test_reference), FP32(test_same_bits),
        INT8(test_same_bits), FP32(test_explain),   INT8(test_explain),
        FP32(test_settles),   INT8(test_settles),   cmocka_unit_test(test_does_not_settle),
        FP32(test_stops),     INT8(test_stops),     FP32(test_denormals),
        INT8(test_denormals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
