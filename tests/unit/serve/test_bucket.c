/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/bucket.c: with a clock of the test's own, what passes and how long
 * the rest has to wait is exact; the table forgets who was away longest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "serve/bucket.h"

#define SECOND 1000000000u

static serve_bucket *make(double rate, double burst, size_t clients)
{
    serve_bucket_options options = {rate, burst, clients};
    serve_bucket *bucket = NULL;
    assert_int_equal(serve_bucket_create(&options, &bucket, NULL), SENTIMENT_OK);
    return bucket;
}

static uint32_t take(serve_bucket *bucket, const char *client, uint32_t texts, uint64_t now)
{
    return serve_bucket_take(bucket, client, strlen(client), texts, now);
}

static void fills_at_its_rate(void **state)
{
    (void)state;
    serve_bucket *bucket = make(2, 10, 0);
    uint64_t now = 5 * (uint64_t)SECOND;
    for (int i = 0; i < 10; i++)
        assert_int_equal(take(bucket, "a", 1, now), 0);
    assert_int_equal(take(bucket, "a", 1, now), 1);
    assert_int_equal(take(bucket, "a", 2, now), 1);
    assert_int_equal(take(bucket, "a", 3, now), 2);
    assert_int_equal(take(bucket, "a", 10, now), 5);
    assert_int_equal(take(bucket, "a", 1, now + SECOND / 2 - 100), 1);
    assert_int_equal(take(bucket, "a", 1, now + SECOND / 2), 0);
    assert_int_equal(take(bucket, "a", 1, now + SECOND / 2), 1);
    /* Others have their own. */
    assert_int_equal(take(bucket, "b", 10, now), 0);
    assert_int_equal(take(bucket, "", 10, now), 0);
    /* After a long time there is a burst and no more. */
    now += 1000 * (uint64_t)SECOND;
    assert_int_equal(take(bucket, "a", 10, now), 0);
    assert_int_equal(take(bucket, "a", 1, now), 1);
    serve_bucket_free(bucket);
}

/* The time that was told is enough, and a second less is not. */
static void tells_when_to_come_back(void **state)
{
    (void)state;
    static const double rates[] = {0.1, 0.7, 3, 1000.0 / 3};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (uint32_t texts = 1; texts <= 20; texts++) {
            serve_bucket *bucket = make(rates[i], 20, 1);
            assert_int_equal(take(bucket, "a", 20, 0), 0);
            uint32_t wait = take(bucket, "a", texts, 0);
            assert_true(wait >= 1);
            assert_int_equal(wait, (uint32_t)ceil(texts / rates[i] - 1e-9));
            if (wait > 1)
                assert_true(take(bucket, "a", texts, (wait - 1) * (uint64_t)SECOND) > 0);
            assert_int_equal(take(bucket, "a", texts, wait * (uint64_t)SECOND), 0);
            serve_bucket_free(bucket);
        }
    }
    serve_bucket *bucket = make(1e-9, 1, 1);
    assert_int_equal(take(bucket, "a", 1, 0), 0);
    assert_int_equal(take(bucket, "a", 1, 0), 86400);
    serve_bucket_free(bucket);
}

static void lets_a_large_request_make_debts(void **state)
{
    (void)state;
    serve_bucket *bucket = make(10, 20, 1);
    assert_int_equal(take(bucket, "a", 1, 0), 0);
    /* Not full: 19 of 20. */
    assert_int_equal(take(bucket, "a", 50, 0), 1);
    assert_int_equal(take(bucket, "a", 50, SECOND / 10), 0);
    /* 30 in debt: 3 seconds to nothing, another tenth for one. */
    assert_int_equal(take(bucket, "a", 1, SECOND / 10), 4);
    assert_int_equal(take(bucket, "a", 1, SECOND / 10 + 3 * (uint64_t)SECOND), 1);
    assert_int_equal(take(bucket, "a", 1, SECOND / 5 + 3 * (uint64_t)SECOND), 0);
    serve_bucket_free(bucket);
}

static void takes_back(void **state)
{
    (void)state;
    char name[200] = {'a'};
    serve_bucket *bucket = make(1, 5, 0);
    assert_int_equal(take(bucket, "a", 5, 0), 0);
    serve_bucket_give(bucket, "a", 1, 3);
    assert_int_equal(take(bucket, "a", 4, 0), 1);
    assert_int_equal(take(bucket, "a", 3, 0), 0);
    /* Of a debt, too, and never beyond the burst. */
    assert_int_equal(take(bucket, "b", 9, 0), 0);
    serve_bucket_give(bucket, "b", 1, 9);
    serve_bucket_give(bucket, "b", 1, 9);
    assert_int_equal(take(bucket, "b", 5, 0), 0);
    assert_int_equal(take(bucket, "b", 1, 0), 1);
    assert_int_equal(serve_bucket_take(bucket, name, sizeof name, 5, 0), 0);
    serve_bucket_give(bucket, name, sizeof name, 5);
    assert_int_equal(serve_bucket_take(bucket, name, sizeof name, 5, 0), 0);
    /* Who is not there has a full one anyway. */
    serve_bucket_give(bucket, "c", 1, 1);
    serve_bucket_give(NULL, "c", 1, 1);
    assert_int_equal(serve_bucket_clients(bucket), 3);
    serve_bucket_free(bucket);
}

static void stands_a_clock_that_goes_back(void **state)
{
    (void)state;
    serve_bucket *bucket = make(1, 1, 1);
    assert_int_equal(take(bucket, "a", 1, 10 * (uint64_t)SECOND), 0);
    assert_int_equal(take(bucket, "a", 1, 0), 1);
    assert_int_equal(take(bucket, "a", 1, 10 * (uint64_t)SECOND), 1);
    assert_int_equal(take(bucket, "a", 1, 11 * (uint64_t)SECOND), 0);
    serve_bucket_free(bucket);
}

static void forgets_who_was_away_longest(void **state)
{
    (void)state;
    serve_bucket *bucket = make(1, 1, 3);
    assert_int_equal(take(bucket, "a", 1, 0), 0);
    assert_int_equal(take(bucket, "b", 1, 0), 0);
    assert_int_equal(take(bucket, "c", 1, 0), 0);
    assert_int_equal(serve_bucket_clients(bucket), 3);
    assert_int_equal(take(bucket, "a", 1, 0), 1);
    assert_int_equal(take(bucket, "d", 1, 0), 0);
    assert_int_equal(serve_bucket_clients(bucket), 3);
    assert_int_equal(take(bucket, "a", 1, 0), 1);
    assert_int_equal(take(bucket, "c", 1, 0), 1);
    assert_int_equal(take(bucket, "d", 1, 0), 1);
    /* b had to go, and has a new bucket. */
    assert_int_equal(take(bucket, "b", 1, 0), 0);
    serve_bucket_free(bucket);
    /* One place alone. */
    bucket = make(1, 1, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(bucket, "a", 1, 0), 0);
        assert_int_equal(take(bucket, "a", 1, 0), 1);
        assert_int_equal(take(bucket, "b", 1, 0), 0);
    }
    serve_bucket_free(bucket);
}

static void holds_many_and_long_names(void **state)
{
    (void)state;
    char name[200];
    serve_bucket *bucket = make(1, 1, 4096);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            snprintf(name, sizeof name, "client %d", i);
            uint32_t wait = take(bucket, name, 1, 0);
            /* Parts fill a little unevenly; 3000 of 4096 fit. */
            assert_int_equal(wait, round);
        }
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "other %d", i);
        take(bucket, name, 1, 0);
    }
    assert_int_equal(serve_bucket_clients(bucket), 4096);
    memset(name, 'x', sizeof name);
    assert_int_equal(serve_bucket_take(bucket, name, 200, 1, 0), 0);
    assert_int_equal(serve_bucket_take(bucket, name, 200, 1, 0), 1);
    assert_int_equal(serve_bucket_take(bucket, name, 199, 1, 0), 0);
    assert_int_equal(serve_bucket_take(bucket, name, 64, 1, 0), 0);
    assert_int_equal(serve_bucket_take(bucket, "a\0b", 3, 1, 0), 0);
    assert_int_equal(serve_bucket_take(bucket, "a\0c", 3, 1, 0), 0);
    assert_int_equal(serve_bucket_take(bucket, "a\0b", 3, 1, 0), 1);
    serve_bucket_free(bucket);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    static const serve_bucket_options wrong[] = {
        {0, 1, 1},   {-1, 1, 1}, {(double)NAN, 1, 1}, {(double)INFINITY, 1, 1},
        {1, 0.5, 1}, {1, -1, 1}, {1, (double)NAN, 1}, {1, 1, ((size_t)1 << 24) + 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        serve_bucket *bucket = NULL;
        assert_int_equal(serve_bucket_create(&wrong[i], &bucket, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_null(bucket);
        assert_true(strlen(error.message) > 0);
    }
    assert_int_equal(take(NULL, "a", 1000, 0), 0);
    assert_int_equal(serve_bucket_clients(NULL), 0);
    serve_bucket_free(NULL);
    /* Without a burst it is the rate, but one text always fits. */
    serve_bucket *bucket = make(0.5, 0, 1);
    assert_int_equal(take(bucket, "a", 1, 0), 0);
    assert_int_equal(take(bucket, "a", 1, 0), 2);
    serve_bucket_free(bucket);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 4, ROUNDS = 5000, BURST = 8000 };

typedef struct taker {
    serve_bucket *bucket;
    int passed;
} taker;

static void *take_much(void *pointer)
{
    taker *self = pointer;
    char name[32];
    for (int i = 0; i < ROUNDS; i++) {
        self->passed += take(self->bucket, "shared", 1, 0) == 0;
        snprintf(name, sizeof name, "%d", i);
        take(self->bucket, name, 1, 0);
    }
    return NULL;
}

static void gives_no_text_twice(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    taker takers[THREADS];
    int passed = 0;
    serve_bucket *bucket = make(1, BURST, 65536);
    for (size_t i = 0; i < THREADS; i++) {
        takers[i] = (taker){bucket, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, take_much, &takers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        passed += takers[i].passed;
    }
    assert_int_equal(passed, BURST);
    assert_int_equal(serve_bucket_clients(bucket), ROUNDS + 1);
    serve_bucket_free(bucket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_at_its_rate),
        cmocka_unit_test(tells_when_to_come_back),
        cmocka_unit_test(lets_a_large_request_make_debts),
        cmocka_unit_test(takes_back),
        cmocka_unit_test(stands_a_clock_that_goes_back),
        cmocka_unit_test(forgets_who_was_away_longest),
        cmocka_unit_test(holds_many_and_long_names),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(gives_no_text_twice),
    };
    return cmocka_run_group_tests_name("serve bucket", tests, NULL, NULL);
}
