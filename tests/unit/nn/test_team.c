/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share the steps of one row: the same bits with members that are
 * there from the start, that come late, that come after the end, and with none.
 * Meant for ThreadSanitizer, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "network.h"
#include "support/random.h"

#define LENGTH 300

typedef struct helper {
    sn_team *team;
    uint32_t number;
    useconds_t delay;
} helper;

static void *assist(void *argument)
{
    const helper *self = argument;
    if (self->delay)
        usleep(self->delay);
    sn_team_assist(self->team, self->number);
    return NULL;
}

static void run(sn_classifier *classifier, sn_worker *worker, const int32_t *ids, size_t total,
                float logits[NETWORK_CLASSES])
{
    float *out = logits;
    worker->rows[0] = (sn_row){.ids = ids, .length = LENGTH, .total = total};
    assert_int_equal(sn_classifier_run(classifier, worker, 1, &out, NULL), 0);
}

/* A team of `size`, whose member i begins after i-1 times the delay. */
static void run_team(sn_classifier *classifier, sn_worker *worker, const int32_t *ids, size_t total,
                     uint32_t size, useconds_t delay, float logits[NETWORK_CLASSES])
{
    sn_team team;
    pthread_t threads[SN_TEAM_MAX];
    helper helpers[SN_TEAM_MAX];
    sn_team_begin(&team, size);
    for (uint32_t i = 1; i < size; i++) {
        helpers[i] = (helper){&team, i, delay * (i - 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, assist, &helpers[i]), 0);
    }
    classifier->team = &team;
    run(classifier, worker, ids, total, logits);
    classifier->team = NULL;
    sn_team_end(&team);
    for (uint32_t i = 1; i < size; i++)
        pthread_join(threads[i], NULL);
}

static void check(size_t hidden, size_t layers, size_t directions, _Bool int8)
{
    int32_t ids[LENGTH];
    uint64_t seed = 5;
    network net;
    sn_worker worker;
    for (size_t i = 0; i < LENGTH; i++)
        ids[i] = (int32_t)(random_next(&seed) % NETWORK_WORDS);
    network_make(&net, hidden, layers, directions, 0.4f, int8, 1 << 20);
    assert_int_equal(sn_worker_init(&net.lstm, 1, &worker, NULL), 0);
    sn_classifier classifier = {.lstm = &net.lstm, .fold = &net.fold, .settle_tolerance = 1e-7f};
    classifier.kernels = sn_kernels_get(sn_cpu_isa());
    for (size_t total = LENGTH; total <= LENGTH + 200; total += 200) {
        float alone[NETWORK_CLASSES], shared[NETWORK_CLASSES];
        run(&classifier, &worker, ids, total, alone);
        for (uint32_t size = 2; size <= SN_TEAM_MAX; size++)
            for (useconds_t delay = 0; delay <= 1000; delay += 500) {
                run_team(&classifier, &worker, ids, total, size, delay, shared);
                assert_memory_equal(alone, shared, sizeof alone);
            }
    }
    sn_worker_free(&worker);
    network_free(&net);
}

static void test_fp32(void **state)
{
    (void)state;
    check(64, 1, 1, 0);
    check(77, 2, 1, 0);
    check(130, 1, 2, 0);
}

static void test_int8(void **state)
{
    (void)state;
    check(64, 1, 1, 1);
    check(77, 2, 1, 1);
    check(130, 1, 2, 1);
}

/* Members whose part is done for them at every step, and fewer units than parts. */
static void test_nobody_comes(void **state)
{
    (void)state;
    const int32_t ids[LENGTH] = {1, 2, 3};
    network net;
    sn_worker worker;
    sn_team team;
    float alone[NETWORK_CLASSES], shared[NETWORK_CLASSES];
    network_make(&net, 17, 1, 1, 0.4f, 0, 1 << 20);
    assert_int_equal(sn_worker_init(&net.lstm, 1, &worker, NULL), 0);
    sn_classifier classifier = {
        .lstm = &net.lstm, .kernels = sn_kernels_get(sn_cpu_isa()), .fold = &net.fold};
    run(&classifier, &worker, ids, LENGTH, alone);
    sn_team_begin(&team, SN_TEAM_MAX);
    classifier.team = &team;
    run(&classifier, &worker, ids, LENGTH, shared);
    sn_team_end(&team);
    assert_memory_equal(alone, shared, sizeof alone);
    sn_team_assist(&team, 1); /* returns at once */
    sn_worker_free(&worker);
    network_free(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fp32),
        cmocka_unit_test(test_int8),
        cmocka_unit_test(test_nobody_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
