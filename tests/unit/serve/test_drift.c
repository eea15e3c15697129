/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/drift*.c: the index against values worked out by hand, baselines that
 * are made and read again, a window that forgets, and every baseline that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/drift.h"
#include "serve/drift_baseline.h"
#include "support/random.h"

/* 400 answers of a model with three classes. */
#define HEAD "{\"version\":1,\"count\":400,\"max_length\":10,\"features\":{"
#define PREDICTION "\"prediction\":{\"counts\":[100,200,100]}"
#define CONFIDENCE "\"confidence\":{\"edges\":[0.5],\"counts\":[200,200]}"
#define LENGTH "\"length\":{\"edges\":[5,20],\"counts\":[0,200,200]}"
#define UNKNOWN "\"unknown\":{\"edges\":[0.25],\"counts\":[400,0]}"
/* What 400 other answers make of it, below: by Python, from the formula of drift.h. */
#define PSI_PREDICTION 2.038491028707057
#define PSI_CONFIDENCE 0.27313965747534463
#define PSI_LENGTH 12.63245068430877
#define PSI_UNKNOWN 3.334593988562773
static const char good[] = HEAD PREDICTION "," CONFIDENCE "," LENGTH "," UNKNOWN "}}";

static serve_drift *make(const char *baseline, uint32_t classes, size_t window)
{
    sentiment_error error = {.struct_size = sizeof error};
    serve_drift *drift = NULL;
    if (serve_drift_create(baseline, classes, window, &drift, &error))
        fail_msg("%s", error.message);
    return drift;
}

static void add(serve_drift *drift, int32_t class, float confidence, uint64_t tokens,
                uint64_t unknown, int times)
{
    const sentiment_result result = {
        .prediction = class, .confidence = confidence, .tokens = tokens, .unknown = unknown};
    while (times-- > 0)
        serve_drift_add(drift, &result);
}

/* Each term is rounded a few times in 2^-53; a dozen terms of at most 4. */
static void is_close(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-13))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void computes_the_index(void **state)
{
    (void)state;
    serve_drift_values values;
    serve_drift *drift = make(good, 3, 1000);
    const sentiment_result failed = {.status = SENTIMENT_ERROR_INTERNAL};
    serve_drift_add(drift, &failed);
    /* Edges belong to the bin above: 0.5, and 20 tokens of which 10 are used. */
    add(drift, 0, 0.4f, 4, 1, 100);
    serve_drift_read(drift, &values);
    assert_int_equal(values.samples, 100);
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++)
        assert_true(isnan(values.psi[i]));
    add(drift, 0, 0.5f, 4, 0, 200);
    add(drift, 1, 0.5f, 4, 4, 100);
    serve_drift_read(drift, &values);
    assert_int_equal(values.samples, 400);
    is_close(values.psi[SERVE_DRIFT_PREDICTION], PSI_PREDICTION);
    is_close(values.psi[SERVE_DRIFT_CONFIDENCE], PSI_CONFIDENCE);
    is_close(values.psi[SERVE_DRIFT_LENGTH], PSI_LENGTH);
    is_close(values.psi[SERVE_DRIFT_UNKNOWN], PSI_UNKNOWN);
    serve_drift_free(drift);
}

static void sorts_into_bins(void **state)
{
    (void)state;
    drift_baseline baseline;
    assert_int_equal(drift_baseline_parse(good, 3, &baseline, NULL), SENTIMENT_OK);
    static const struct {
        sentiment_result result;
        size_t bins[SERVE_DRIFT_FEATURES];
    } cases[] = {
        {{.prediction = 0, .confidence = 0.49f, .tokens = 4}, {0, 0, 0, 0}},
        {{.prediction = 2, .confidence = 0.5f, .tokens = 5, .unknown = 1}, {2, 1, 1, 0}},
        {{.prediction = 2, .confidence = 1, .tokens = 4, .unknown = 1}, {2, 1, 0, 1}},
        /* Of 20 tokens ten are used. */
        {{.prediction = 1, .confidence = 1, .tokens = 20, .unknown = 3}, {1, 1, 2, 1}},
        {{.prediction = 1, .confidence = 1, .tokens = 19, .unknown = 2}, {1, 1, 1, 0}},
        /* What cannot be does no harm. */
        {{.prediction = -1, .confidence = NAN, .tokens = UINT64_MAX}, {0, 0, 2, 0}},
        {{.prediction = 9, .confidence = INFINITY, .unknown = 5}, {2, 1, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t f = 0; f < SERVE_DRIFT_FEATURES; f++)
            assert_int_equal(
                drift_baseline_bin(&baseline, (serve_drift_feature)f, &cases[i].result),
                cases[i].bins[f]);
    drift_baseline_clear(&baseline);
}

/* Ten blocks and a spare one: an old answer is gone after a window and a tenth. */
static void forgets_the_oldest(void **state)
{
    (void)state;
    serve_drift_values values;
    serve_drift *drift = make(good, 3, 1000);
    for (int i = 1; i <= 2500; i++) {
        add(drift, 1, 0.75f, 7, 0, 1);
        serve_drift_read(drift, &values);
        uint64_t full = 900 + (uint64_t)(i - 1) % 100 + 1;
        assert_int_equal(values.samples, i < 1000 ? (uint64_t)i : full);
    }
    double before = values.psi[SERVE_DRIFT_PREDICTION];
    add(drift, 0, 0.25f, 50, 10, 1100);
    serve_drift_read(drift, &values);
    assert_int_equal(values.samples, 1000);
    /* Nothing is left of class 1: as with 1000 answers of class 0 alone. */
    serve_drift *other = make(good, 3, 1000);
    serve_drift_values fresh;
    add(other, 0, 0.25f, 50, 10, 1000);
    serve_drift_read(other, &fresh);
    assert_memory_equal(&values, &fresh, sizeof values);
    assert_true(values.psi[SERVE_DRIFT_PREDICTION] > before);
    serve_drift_free(drift);
    serve_drift_free(other);
}

/* ------------------------------------------------------------------- making */

enum { ANSWERS = 5000 };
static sentiment_result answers[ANSWERS];

/* Texts of 1 to 40 tokens, a twentieth of these unknown. */
static void draw(uint64_t seed, double unknown, double share)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        uint64_t tokens = 1 + random_next(&seed) % 40, count = 0;
        for (uint64_t t = 0; t < tokens; t++)
            count += (double)(random_next(&seed) >> 11) * 0x1p-53 < unknown;
        _Bool first = (double)(random_next(&seed) >> 11) * 0x1p-53 < share;
        answers[i] = (sentiment_result){.prediction = first ? 0 : 1,
                                        .confidence = 0.75f + random_float(&seed, 0.25f),
                                        .tokens = tokens,
                                        .unknown = count};
    }
}

static char *make_baseline(void)
{
    sentiment_error error = {.struct_size = sizeof error};
    char *json = NULL;
    if (serve_drift_make_baseline(answers, ANSWERS, 2, 512, &json, &error))
        fail_msg("%s", error.message);
    return json;
}

static void makes_deciles(void **state)
{
    (void)state;
    drift_baseline baseline;
    draw(1, 0.05, 0.5);
    answers[7].status = SENTIMENT_ERROR_INVALID_UTF8;
    char *json = make_baseline();
    assert_null(strchr(json, '\n'));
    assert_int_equal(drift_baseline_parse(json, 2, &baseline, NULL), SENTIMENT_OK);
    assert_int_equal(baseline.count, ANSWERS - 1);
    assert_int_equal(baseline.max_length, 512);
    assert_int_equal(baseline.features[SERVE_DRIFT_CONFIDENCE].bins, 10);
    assert_int_equal(baseline.features[SERVE_DRIFT_LENGTH].bins, 11);
    assert_true(baseline.features[SERVE_DRIFT_UNKNOWN].bins > 3);
    for (size_t f = SERVE_DRIFT_CONFIDENCE; f < SERVE_DRIFT_FEATURES; f++) {
        const drift_feature *feature = &baseline.features[f];
        for (size_t bin = 0; bin + 1 < feature->bins; bin++)
            assert_true(feature->counts[bin] > 0);
        /* Lengths and unknown words: nothing was above everything. */
        if (f != SERVE_DRIFT_CONFIDENCE)
            assert_int_equal(feature->counts[feature->bins - 1], 0);
    }
    /* Deciles of floats that hardly repeat. */
    for (size_t bin = 0; bin < 10; bin++)
        assert_in_range(baseline.features[SERVE_DRIFT_CONFIDENCE].counts[bin], 490, 510);
    drift_baseline_clear(&baseline);
    free(json);
}

static void tells_drift_from_noise(void **state)
{
    (void)state;
    serve_drift_values values;
    draw(1, 0.05, 0.5);
    char *json = make_baseline();
    serve_drift *drift = make(json, 2, ANSWERS);
    draw(2, 0.05, 0.5);
    for (size_t i = 0; i < ANSWERS; i++)
        serve_drift_add(drift, &answers[i]);
    serve_drift_read(drift, &values);
    /* Mean (bins - 1)(1/N + 1/M) = 0.004; ten times that is far out. */
    for (size_t i = 0; i < SERVE_DRIFT_FEATURES; i++)
        assert_true(values.psi[i] >= 0 && values.psi[i] < 0.04);
    draw(3, 0.15, 0.8);
    for (size_t i = 0; i < ANSWERS; i++)
        serve_drift_add(drift, &answers[i]);
    for (size_t i = 0; i < ANSWERS / 10; i++)
        serve_drift_add(drift, &answers[i]);
    serve_drift_read(drift, &values);
    assert_true(values.psi[SERVE_DRIFT_PREDICTION] > 0.25);
    assert_true(values.psi[SERVE_DRIFT_UNKNOWN] > 0.25);
    assert_true(values.psi[SERVE_DRIFT_LENGTH] < 0.04);
    assert_true(values.psi[SERVE_DRIFT_CONFIDENCE] < 0.04);
    serve_drift_free(drift);
    free(json);
}

/* A baseline without one unknown word notices the first hundred. */
static void notices_what_never_was(void **state)
{
    (void)state;
    serve_drift_values values;
    draw(1, 0, 0.5);
    char *json = make_baseline();
    draw(1, 0.5, 0.5);
    serve_drift *drift = make(json, 2, ANSWERS);
    for (size_t i = 0; i < 1000; i++)
        serve_drift_add(drift, &answers[i]);
    serve_drift_read(drift, &values);
    assert_true(values.psi[SERVE_DRIFT_UNKNOWN] > 1);
    serve_drift_free(drift);
    free(json);
}

static void refuses_to_make_nonsense(void **state)
{
    (void)state;
    char *json = NULL;
    draw(1, 0.05, 0.5);
    const sentiment_status invalid = SENTIMENT_ERROR_INVALID_ARGUMENT;
    assert_int_equal(serve_drift_make_baseline(answers, 99, 2, 512, &json, NULL), invalid);
    assert_int_equal(serve_drift_make_baseline(answers, 0, 2, 512, &json, NULL), invalid);
    assert_int_equal(serve_drift_make_baseline(answers, ANSWERS, 1, 512, &json, NULL), invalid);
    assert_int_equal(serve_drift_make_baseline(answers, ANSWERS, 0, 512, &json, NULL), invalid);
    assert_int_equal(serve_drift_make_baseline(answers, ANSWERS, 2000, 512, &json, NULL), invalid);
    assert_int_equal(serve_drift_make_baseline(answers, ANSWERS, 2, 0, &json, NULL), invalid);
    answers[5].confidence = NAN;
    assert_int_equal(serve_drift_make_baseline(answers, ANSWERS, 2, 512, &json, NULL), invalid);
    assert_null(json);
    answers[5].status = SENTIMENT_ERROR_INTERNAL;
    assert_int_equal(serve_drift_make_baseline(answers, 101, 2, 512, &json, NULL), SENTIMENT_OK);
    free(json);
}

/* ----------------------------------------------------------------- refusals */

static void refuses_wrong_baselines(void **state)
{
    (void)state;
#define REST "," LENGTH "," UNKNOWN "}}"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "baseline: invalid JSON"},
        {"[]", "expected \"version\": 1"},
        {"{\"version\":2}", "expected \"version\": 1"},
        {"{\"version\":1,\"count\":99}", "\"count\" must be"},
        {"{\"version\":1,\"count\":1e3}", "\"count\" must be"},
        {"{\"version\":1,\"count\":400,\"max_length\":0}", "\"max_length\" must be"},
        {"{\"version\":1,\"count\":400,\"max_length\":65537}", "\"max_length\" must be"},
        {"{\"version\":1,\"count\":400,\"max_length\":9,\"features\":[]}", "no \"prediction\""},
        {HEAD PREDICTION "," CONFIDENCE "," LENGTH "}}", "no \"unknown\""},
        {HEAD "\"prediction\":{}," CONFIDENCE REST, "\"counts\" must be an array"},
        {HEAD "\"prediction\":{\"counts\":[]}," CONFIDENCE REST, "\"counts\" must be an array"},
        {HEAD "\"prediction\":{\"counts\":[200,200]}," CONFIDENCE REST, "number of classes"},
        {HEAD "\"prediction\":{\"counts\":[1,2,3]}," CONFIDENCE REST, "do not add up"},
        {HEAD "\"prediction\":{\"counts\":[500,-200,100]}," CONFIDENCE REST, "integers from 0"},
        {HEAD "\"prediction\":{\"counts\":[1.5,2,3]}," CONFIDENCE REST, "integers from 0"},
        {HEAD PREDICTION ",\"confidence\":{\"counts\":[400]}" REST, "\"edges\" must be an array"},
        {HEAD PREDICTION ",\"confidence\":{\"edges\":[1],\"counts\":[400]}" REST, "one shorter"},
        {HEAD PREDICTION ",\"confidence\":{\"edges\":[1,1],\"counts\":[0,0,400]}" REST, "ascend"},
        {HEAD PREDICTION ",\"confidence\":{\"edges\":[2,1],\"counts\":[0,0,400]}" REST, "ascend"},
        {HEAD PREDICTION ",\"confidence\":{\"edges\":[null],\"counts\":[0,400]}" REST, "ascend"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        serve_drift *drift = NULL;
        assert_int_equal(serve_drift_create(cases[i].text, 3, 0, &drift, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_null(drift);
        if (!strstr(error.message, cases[i].message))
            fail_msg("%s: %s, expected %s", cases[i].text, error.message, cases[i].message);
    }
    serve_drift *drift = NULL;
    static const size_t windows[] = {1, 999, 10000001};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(serve_drift_create(good, 3, windows[i], &drift, NULL),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
    serve_drift_values values;
    serve_drift_add(NULL, answers);
    serve_drift_read(NULL, &values);
    assert_int_equal(values.samples, 0);
    assert_true(isnan(values.psi[0]));
    serve_drift_free(NULL);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 4, ROUNDS = 20000 };

static void *add_much(void *drift)
{
    add(drift, 1, 0.75f, 7, 0, ROUNDS);
    return NULL;
}

static void counts_with_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    serve_drift_values values;
    serve_drift *drift = make(good, 3, 100000);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_much, drift), 0);
    for (int i = 0; i < 100; i++) {
        serve_drift_read(drift, &values);
        assert_true(values.samples <= THREADS * ROUNDS);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    serve_drift_read(drift, &values);
    assert_int_equal(values.samples, THREADS * ROUNDS);
    serve_drift_free(drift);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_the_index),       cmocka_unit_test(sorts_into_bins),
        cmocka_unit_test(forgets_the_oldest),       cmocka_unit_test(makes_deciles),
        cmocka_unit_test(tells_drift_from_noise),   cmocka_unit_test(notices_what_never_was),
        cmocka_unit_test(refuses_to_make_nonsense), cmocka_unit_test(refuses_wrong_baselines),
        cmocka_unit_test(counts_with_threads),
    };
    return cmocka_run_group_tests_name("serve drift", tests, NULL, NULL);
}
