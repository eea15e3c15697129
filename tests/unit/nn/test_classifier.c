/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole network against a straightforward one in double: layers,
 * directions, padding, odd sizes; and what must not change a bit: the tile,
 * the instruction set, the fold's memory, explaining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "nn/classifier.h"
#include "support/random.h"

#define CLASSES 3
#define ROWS 9
#define MAX_TOTAL 40

/* A network in PyTorch's layout. */
typedef struct network {
    sn_lstm_config config;
    float *embedding, *fc_weight, *fc_bias;
    sn_lstm_source *sources;
    sn_lstm lstm;
    sn_fold fold;
} network;

static float *numbers(uint64_t *seed, size_t count, float scale)
{
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    random_fill(seed, out, count, scale);
    return out;
}

static void make_network(network *net, size_t hidden, size_t layers, size_t directions, float scale,
                         uint64_t fold_bytes)
{
    uint64_t seed = hidden * 100 + layers * 10 + directions;
    *net = (network){.config = {.vocab_size = 50,
                                .embedding_dim = 5,
                                .hidden = hidden,
                                .layers = layers,
                                .directions = directions,
                                .classes = CLASSES}};
    sn_lstm_config_derive(&net->config);
    net->embedding = numbers(&seed, 50 * 5, 1.0f);
    net->fc_weight = numbers(&seed, CLASSES * directions * hidden, scale);
    net->fc_bias = numbers(&seed, CLASSES, scale);
    net->sources = calloc(layers * directions, sizeof *net->sources);
    assert_non_null(net->sources);
    for (size_t i = 0; i < layers * directions; i++) {
        size_t inputs = i < directions ? 5 : directions * hidden;
        net->sources[i].w_ih = numbers(&seed, 4 * hidden * inputs, scale);
        net->sources[i].w_hh = numbers(&seed, 4 * hidden * hidden, scale);
        net->sources[i].b_ih = numbers(&seed, 4 * hidden, scale);
        net->sources[i].b_hh = numbers(&seed, 4 * hidden, scale);
    }
    assert_int_equal(sn_lstm_pack(&sn_memory_default, &net->config, net->embedding, net->sources,
                                  net->fc_weight, net->fc_bias, &net->lstm, NULL),
                     0);
    assert_int_equal(sn_fold_init(&net->lstm, fold_bytes, &net->fold, NULL), 0);
}

static void free_const(const float *array)
{
    union {
        const float *in;
        float *out;
    } cast = {array};
    free(cast.out);
}

static void free_network(network *net)
{
    for (size_t i = 0; i < net->config.layers * net->config.directions; i++) {
        free_const(net->sources[i].w_ih);
        free_const(net->sources[i].w_hh);
        free_const(net->sources[i].b_ih);
        free_const(net->sources[i].b_hh);
    }
    sn_fold_free(&net->fold);
    sn_lstm_free(&net->lstm);
    free(net->embedding);
    free(net->fc_weight);
    free(net->fc_bias);
    free(net->sources);
}

/* One direction of one layer in double: x [total][inputs] -> y [total][hidden]. */
static void reference_layer(const sn_lstm_source *w, size_t hidden, size_t inputs, size_t total,
                            _Bool backwards, const double *x, size_t x_stride, double *y,
                            size_t y_stride)
{
    double *h = calloc(hidden, sizeof *h), *c = calloc(hidden, sizeof *c);
    double *gate = calloc(4 * hidden, sizeof *gate);
    for (size_t step = 0; step < total; step++) {
        size_t t = backwards ? total - 1 - step : step;
        for (size_t j = 0; j < 4 * hidden; j++) {
            gate[j] = (double)w->b_ih[j] + (double)w->b_hh[j];
            for (size_t k = 0; k < inputs; k++)
                gate[j] += (double)w->w_ih[j * inputs + k] * x[t * x_stride + k];
            for (size_t k = 0; k < hidden; k++)
                gate[j] += (double)w->w_hh[j * hidden + k] * h[k];
        }
        for (size_t u = 0; u < hidden; u++) {
            double i = 1 / (1 + exp(-gate[u])), f = 1 / (1 + exp(-gate[hidden + u]));
            double g = tanh(gate[2 * hidden + u]), o = 1 / (1 + exp(-gate[3 * hidden + u]));
            c[u] = f * c[u] + i * g;
            h[u] = o * tanh(c[u]);
            y[t * y_stride + u] = h[u];
        }
    }
    free(h);
    free(c);
    free(gate);
}

static void reference(const network *net, const int32_t *ids, size_t length, size_t total,
                      double *logits)
{
    size_t hidden = net->config.hidden, directions = net->config.directions;
    size_t width = directions * hidden > 5 ? directions * hidden : 5;
    double *x = calloc(total * width, sizeof *x), *y = calloc(total * width, sizeof *y);
    for (size_t t = 0; t < total; t++)
        for (size_t k = 0; k < 5; k++)
            x[t * width + k] = (double)net->embedding[(t < length ? ids[t] : 0) * 5 + (int)k];
    for (size_t layer = 0; layer < net->config.layers; layer++) {
        for (size_t d = 0; d < directions; d++)
            reference_layer(&net->sources[layer * directions + d], hidden,
                            layer ? directions * hidden : 5, total, d == 1, x, width,
                            y + d * hidden, width);
        memcpy(x, y, total * width * sizeof *x);
    }
    for (size_t c = 0; c < CLASSES; c++) {
        logits[c] = (double)net->fc_bias[c];
        for (size_t k = 0; k < directions * hidden; k++) {
            double mean = 0;
            for (size_t t = 0; t < total; t++)
                mean += x[t * width + k] / (double)total;
            logits[c] += mean * (double)net->fc_weight[c * directions * hidden + k];
        }
    }
    free(x);
    free(y);
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

static void run(const network *net, network *folding, int32_t isa, size_t tile, _Bool padded,
                float logits[ROWS][CLASSES])
{
    int32_t ids[ROWS][MAX_TOTAL];
    sn_row rows[ROWS];
    sn_worker worker;
    sn_classifier classifier = {
        .lstm = &net->lstm, .kernels = sn_kernels_get(isa), .fold = &folding->fold};
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

/* Sizes of the networks under test. The tolerance: each gate sums hidden+5
 * terms whose rounding errors, at 2^-24 relative, add up to below 3e-6 for
 * hidden <= 51 at these scales, and a mean does not enlarge them; 1e-5 leaves a
 * factor of three for the steps' feedback. */
static const size_t shapes[][3] = {
    {1, 1, 1},  {16, 1, 1}, {37, 1, 1}, {51, 1, 1}, {37, 2, 1},
    {17, 3, 1}, {1, 1, 2},  {37, 1, 2}, {16, 2, 2}, {19, 3, 2},
};

static void test_reference(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net;
        make_network(&net, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f, 1 << 20);
        for (int padded = 0; padded < 2; padded++) {
            float logits[ROWS][CLASSES];
            int32_t ids[ROWS][MAX_TOTAL];
            sn_row rows[ROWS];
            run(&net, &net, sn_cpu_isa(), ROWS, padded != 0, logits);
            fill_rows(rows, ids, padded != 0);
            for (size_t r = 0; r < ROWS; r++) {
                double expected[CLASSES];
                reference(&net, ids[r], rows[r].length, rows[r].total, expected);
                for (size_t c = 0; c < CLASSES; c++)
                    assert_true(fabs(expected[c] - (double)logits[r][c]) < 1e-5);
            }
        }
        free_network(&net);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net, tight;
        make_network(&net, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f, 1 << 20);
        /* Room for three folded rows: the others are computed each time. */
        make_network(&tight, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f,
                     3 * net.fold.row * sizeof(float));
        for (int padded = 0; padded < 2; padded++) {
            float truth[ROWS][CLASSES], other[ROWS][CLASSES];
            run(&net, &net, SENTIMENT_ISA_C, 1, padded != 0, truth);
            for (int32_t isa = SENTIMENT_ISA_C; isa <= sn_cpu_isa(); isa++)
                for (size_t tile = 1; tile <= ROWS; tile += 2) {
                    run(&net, &net, isa, tile, padded != 0, other);
                    assert_memory_equal(truth, other, sizeof truth);
                    run(&net, &tight, isa, tile, padded != 0, other);
                    assert_memory_equal(truth, other, sizeof truth);
                }
        }
        free_network(&net);
        free_network(&tight);
    }
}

/* Contributions add up to the logits: each is rounded once at 2^-24 of itself,
 * and there are at most 41 of size below 1. */
static void check_explain(const network *net, network *folding, const sn_row *row, float tolerance)
{
    sn_worker worker;
    float logits[CLASSES], plain[CLASSES], bias[CLASSES], parts[MAX_TOTAL][CLASSES];
    float *out = plain;
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
    for (size_t c = 0; c < CLASSES; c++) {
        double sum = (double)bias[c];
        for (size_t t = 0; t < row->length; t++)
            sum += (double)parts[t][c];
        assert_true(fabs(sum - (double)logits[c]) < 5e-6);
    }
    sn_worker_free(&worker);
}

static void test_explain(void **state)
{
    (void)state;
    int32_t ids[ROWS][MAX_TOTAL];
    sn_row rows[ROWS];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        network net;
        make_network(&net, shapes[s][0], shapes[s][1], shapes[s][2], 0.4f, 1 << 20);
        fill_rows(rows, ids, 0);
        check_explain(&net, &net, &rows[8], 0.0f);
        fill_rows(rows, ids, 1);
        check_explain(&net, &net, &rows[3], 0.0f);
        rows[3].total = 500;
        check_explain(&net, &net, &rows[3], 1e-7f);
        free_network(&net);
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
 * a mean of 512 values below 1 (2^-24 each way). */
static void test_settles(void **state)
{
    (void)state;
    static const size_t kinds[][3] = {{37, 1, 1}, {37, 2, 1}, {37, 1, 2}};
    for (size_t k = 0; k < 3; k++) {
        network net;
        float all[160], stopped[160];
        make_network(&net, kinds[k][0], kinds[k][1], kinds[k][2], 0.15f, 1 << 20);
        size_t width = net.config.directions * net.config.padded;
        size_t steps = settled_steps(&net, 0.0f, 512, all);
        assert_int_equal(steps, 512 * net.config.directions);
        steps = settled_steps(&net, 1e-6f, 512, stopped);
        assert_true(steps < 200 * net.config.directions);
        for (size_t j = 0; j < width; j++)
            assert_true(fabsf(all[j] - stopped[j]) < 1e-6f + 0x1p-23f);
        free_network(&net);
    }
}

/* Large weights keep the state moving: every step is run, to the same bits. */
static void test_does_not_settle(void **state)
{
    (void)state;
    network net;
    float all[160], watched[160];
    make_network(&net, 37, 1, 1, 3.0f, 1 << 20);
    settled_steps(&net, 0.0f, 512, all);
    size_t steps = settled_steps(&net, 1e-7f, 512, watched);
    assert_int_equal(steps, 512);
    assert_memory_equal(all, watched, net.config.padded * sizeof *all);
    free_network(&net);
}

/* A row that stops after `first` ids and goes on from there has the bits of one
 * that never stopped; answering twice tells that the state has not moved. */
static void check_stop(const sn_classifier *classifier, sn_worker *worker, const int32_t *ids,
                       size_t first, size_t length, size_t total)
{
    float whole[CLASSES], parts[2][CLASSES], *out = whole;
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
    (void)state;
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
        make_network(&net, shapes[s][0], shapes[s][1], 1, 0.4f, 1 << 20);
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
        free_network(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),       cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_explain),         cmocka_unit_test(test_settles),
        cmocka_unit_test(test_does_not_settle), cmocka_unit_test(test_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
