/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/batcher.c with its workers: every text gets its own answer, the one it
 * gets alone; every job comes back once, from a worker or from being cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/batcher.h"
#include "serve/served.h"

#define CLASSES 3
#define WORKERS 3
#define HELPERS 1
#define SUBMITTERS 4
#define JOBS 60

typedef struct fixture {
    serve_registry *registry;
    serve_metrics *metrics;
    serve_version *version;
    sentiment_session *alone;
} fixture;

static atomic_size_t finished_count;
static pthread_t tester;
static atomic_size_t finished_here; /* by the thread of the tests */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* A job that comes back twice would be found with its answer taken. */
static void on_finished(job *work)
{
    pthread_mutex_lock(&lock);
    assert_false(work->many);
    work->many = true;
    atomic_fetch_add(&finished_count, 1);
    atomic_fetch_add(&finished_here, pthread_equal(pthread_self(), tester) ? 1 : 0);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_for(size_t count)
{
    pthread_mutex_lock(&lock);
    while (atomic_load(&finished_count) < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void retire(void *user, serve_version *version)
{
    (void)user;
    served_free(version->payload);
}

static int set_up(void **state)
{
    fixture *all = calloc(1, sizeof *all);
    sentiment_model_config sizes = {.struct_size = sizeof sizes,
                                    .vocab_size = 40,
                                    .embedding_dim = 8,
                                    .hidden_size = 16,
                                    .num_classes = CLASSES,
                                    .padding = SENTIMENT_PADDING_NONE,
                                    .seed = 3};
    const serve_registry_options options = {.retire = retire};
    const setup chosen = {0};
    const char *routes[] = {"/"};
    sentiment_model *model = NULL;
    assert_int_equal(sentiment_model_create(&sizes, NULL, &model, NULL), 0);
    assert_int_equal(serve_registry_create(&options, &all->registry, NULL), 0);
    assert_int_equal(serve_metrics_create(routes, 1, &all->metrics, NULL), 0);
    assert_int_equal(serve_registry_adopt(all->registry, "m", "1", model, &all->version, NULL), 0);
    assert_int_equal(served_prepare(all->version, &chosen, WORKERS + HELPERS, all->metrics, NULL),
                     0);
    assert_int_equal(sentiment_session_create(model, NULL, &all->alone, NULL), 0);
    sentiment_model_free(model);
    *state = all;
    return 0;
}

static int tear_down(void **state)
{
    fixture *all = *state;
    sentiment_session_free(all->alone);
    serve_registry_release(all->version);
    serve_registry_free(all->registry);
    serve_metrics_free(all->metrics);
    free(all);
    return 0;
}

static batcher *start(const fixture *all, uint32_t tokens, uint32_t limit, serve_cache *cache)
{
    const batcher_options options = {.workers = WORKERS,
                                     .helpers = HELPERS,
                                     .tokens = tokens,
                                     .limit = limit,
                                     .cache = cache,
                                     .metrics = all->metrics,
                                     .finished = on_finished};
    atomic_store(&finished_count, 0);
    atomic_store(&finished_here, 0);
    tester = pthread_self();
    batcher *made = batcher_create(&options);
    assert_non_null(made);
    return made;
}

/* Text `i` of a series: some words, as many as i says; each seventh is empty. */
static size_t make_text(size_t i, char *text, size_t size)
{
    size_t used = 0;
    for (size_t word = 0; i % 7 && word <= i % 23; word++)
        used += (size_t)snprintf(text + used, size - used, "word_%zu ", (i * 5 + word) % 40);
    return used;
}

static job *make_job(const fixture *all, size_t first, size_t count)
{
    char text[512];
    job *work = job_create(NULL);
    assert_non_null(work);
    work->version = serve_registry_retain(all->version);
    for (size_t i = first; i < first + count; i++)
        assert_true(job_add(work, text, make_text(i, text, sizeof text), i % 5 ? 0 : 4));
    assert_true(job_prepare(work, CLASSES));
    return work;
}

static void check_job(const fixture *all, const job *work, size_t first)
{
    char text[512];
    for (size_t i = 0; i < work->count; i++) {
        float wanted[CLASSES];
        sentiment_result result = {.struct_size = sizeof result};
        size_t size = make_text(first + i, text, sizeof text);
        assert_int_equal(sentiment_session_predict(all->alone, text, size, (first + i) % 5 ? 0 : 4,
                                                   &result, wanted, NULL, NULL),
                         0);
        assert_int_equal(work->results[i].status, 0);
        assert_int_equal(work->results[i].prediction, result.prediction);
        assert_int_equal(work->results[i].flags, result.flags);
        assert_memory_equal(work->probabilities + i * CLASSES, wanted, sizeof wanted);
    }
}

/* One job that is far larger than a batch. */
static void test_split(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 16, 1000, NULL);
    job *work = make_job(all, 0, 900);
    assert_true(batcher_submit(own, work));
    wait_for(1);
    assert_int_equal(batcher_depth(own), 0);
    check_job(all, work, 0);
    job_free(work);
    batcher_free(own);
}

typedef struct submitter {
    fixture *all;
    batcher *own;
    size_t number;
    job *jobs[JOBS];
} submitter;

static void *submit_all(void *user)
{
    submitter *mine = user;
    for (size_t i = 0; i < JOBS; i++)
        assert_true(batcher_submit(mine->own, mine->jobs[i]));
    return NULL;
}

static size_t first_of(size_t number, size_t i)
{
    return number * 1000 + i * 11;
}

/* Jobs of many threads share batches. */
static void run_together(fixture *all, serve_cache *cache)
{
    batcher *own = start(all, 64, SUBMITTERS * JOBS * 10, cache);
    pthread_t threads[SUBMITTERS];
    static submitter submitters[SUBMITTERS];
    for (size_t t = 0; t < SUBMITTERS; t++) {
        submitters[t] = (submitter){.all = all, .own = own, .number = t};
        for (size_t i = 0; i < JOBS; i++)
            submitters[t].jobs[i] = make_job(all, first_of(t, i), 1 + i % 9);
    }
    for (size_t t = 0; t < SUBMITTERS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, submit_all, &submitters[t]), 0);
    for (size_t t = 0; t < SUBMITTERS; t++)
        pthread_join(threads[t], NULL);
    wait_for(SUBMITTERS * JOBS);
    for (size_t t = 0; t < SUBMITTERS; t++) {
        for (size_t i = 0; i < JOBS; i++) {
            check_job(all, submitters[t].jobs[i], first_of(t, i));
            job_free(submitters[t].jobs[i]);
        }
    }
    batcher_free(own);
}

static void test_together(void **state)
{
    run_together(*state, NULL);
}

static void test_cached(void **state)
{
    serve_cache *cache = NULL;
    serve_cache_counts counts = {0};
    assert_int_equal(serve_cache_create(1 << 20, &cache, NULL), 0);
    run_together(*state, cache);
    run_together(*state, cache);
    serve_cache_count(cache, &counts);
    assert_true(counts.hits > counts.misses);
    serve_cache_free(cache);
}

/* What does not fit is refused, and stays the caller's. */
static void test_limit(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 64, 10, NULL);
    job *work = make_job(all, 0, 11);
    assert_false(batcher_submit(own, work));
    assert_int_equal(batcher_depth(own), 0);
    job_free(work);
    work = make_job(all, 0, 10);
    assert_true(batcher_submit(own, work));
    wait_for(1);
    check_job(all, work, 0);
    job_free(work);
    batcher_free(own);
}

/* A text costs by its tokens, as far as they are used. */
static void test_units(void **state)
{
    static const char text[4096];
    job *work = job_create(NULL);
    (void)state;
    assert_true(job_add(work, "", 0, 0));
    assert_true(job_add(work, text, 4 * 512 - 1, 0));
    assert_true(job_add(work, text, 4 * 512, 0));
    assert_true(job_add(work, text, 4 * 512, 512));
    assert_true(job_add(work, "", 0, 5000));
    assert_int_equal(job_units(work, 0, 1), 1);
    assert_int_equal(job_units(work, 1, 1), 1);
    assert_int_equal(job_units(work, 2, 1), 2);
    assert_int_equal(job_units(work, 3, 2), 2);
    assert_int_equal(job_units(work, 0, 5), 6);
    work->model_length = 100;
    assert_int_equal(job_units(work, 2, 1), 1);
    work->pads = true;
    assert_int_equal(job_units(work, 0, 5), 4 + 10);
    job_free(work);
}

/* A request of long texts is not refused for ever: alone it passes. */
static void test_costly(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 64, 10, NULL);
    job *work = make_job(all, 0, 10);
    work->pads = true;
    work->model_length = 5000;
    assert_true(batcher_submit(own, work));
    wait_for(1);
    check_job(all, work, 0);
    assert_int_equal(batcher_depth(own), 0);
    job_free(work);
    batcher_free(own);
}

/* A cancelled job comes back at once or by `finished`, never both ways, never not. */
static void test_cancel(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 16, 100000, NULL);
    job *jobs[JOBS];
    size_t at_once = 0;
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = make_job(all, i, 40);
        assert_true(batcher_submit(own, jobs[i]));
    }
    for (size_t i = 0; i < JOBS; i += 2) {
        bool ours = batcher_cancel(own, jobs[i]);
        pthread_mutex_lock(&lock);
        assert_false(ours && jobs[i]->many);
        jobs[i]->many |= ours;
        pthread_mutex_unlock(&lock);
        at_once += ours;
    }
    wait_for(JOBS - at_once);
    batcher_free(own);
    assert_int_equal(atomic_load(&finished_count), JOBS - at_once);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(jobs[i]->many);
        if (i % 2)
            check_job(all, jobs[i], i);
        job_free(jobs[i]);
    }
}

/* What is queued when the end comes is still computed. */
static void test_end(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 16, 100000, NULL);
    job *jobs[JOBS];
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = make_job(all, i, 20);
        assert_true(batcher_submit(own, jobs[i]));
    }
    batcher_free(own);
    assert_int_equal(atomic_load(&finished_count), JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        check_job(all, jobs[i], i);
        job_free(jobs[i]);
    }
}

static void test_explain(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 16, 100, NULL);
    job *work = make_job(all, 8, 1);
    work->explains = true;
    assert_true(batcher_submit(own, work));
    wait_for(1);
    assert_int_equal(work->status, 0);
    assert_int_equal(work->why.length, 9);
    for (size_t c = 0; c < CLASSES; c++) {
        double sum = (double)work->why.bias[c];
        for (size_t i = 0; i < work->why.length; i++)
            sum += (double)work->why.contributions[i * CLASSES + c];
        /* Ten numbers of magnitude 1 at most, each rounded to 2^-24. */
        assert_true(sum - (double)work->why.logits[c] < 1e-6 * 20);
        assert_true((double)work->why.logits[c] - sum < 1e-6 * 20);
    }
    job_free(work);
    batcher_free(own);
}

/* Rather too much than too little. */
static void test_cost(void **state)
{
    fixture *all = *state;
    served *payload = served_of(all->version);
    served_note_cost(payload, UINT64_C(1) << 40, 1);
    assert_int_equal(served_token_cost(payload), (UINT64_C(1) << 40) + 1);
    served_note_cost(payload, 1, 1);
    assert_in_range(served_token_cost(payload), UINT64_C(1) << 39, UINT64_C(1) << 40);
    for (int i = 0; i < 400; i++)
        served_note_cost(payload, 999 * 8, 8);
    assert_in_range(served_token_cost(payload), 1000, 1010);
}

/* The calling thread computes light jobs, and never more of them than it may; others
 * are for the workers. A worker that wakes without a reason may be faster now and then. */
static void test_help(void **state)
{
    fixture *all = *state;
    served *payload = served_of(all->version);
    serve_metrics_shard *shard = serve_metrics_join(all->metrics);
    batcher *own = start(all, 1000, 100000, NULL);
    size_t count = 0;
    for (size_t i = 0; i < JOBS; i++) {
        job *jobs[3];
        uint64_t owed = 0;
        atomic_store(&payload->cost, 1000);
        for (size_t j = 0; j < 3; j++) {
            uint64_t before = owed;
            jobs[j] = make_job(all, i * 3 + j, 2);
            assert_true(batcher_submit_helping(own, jobs[j], &owed));
            assert_true(owed > before && owed <= 500000);
        }
        batcher_help(own, 0, shard);
        count += 3;
        wait_for(count);
        for (size_t j = 0; j < 3; j++) {
            check_job(all, jobs[j], i * 3 + j);
            job_free(jobs[j]);
        }
    }
    assert_true(atomic_load(&finished_here) > JOBS);
    batcher_free(own);
    serve_metrics_leave(all->metrics, shard);
}

static void test_heavy(void **state)
{
    fixture *all = *state;
    served *payload = served_of(all->version);
    batcher *own = start(all, 1000, 100000, NULL);
    uint64_t owed = 0;
    job *jobs[] = {make_job(all, 0, 200), make_job(all, 8, 1), make_job(all, 9, 1),
                   make_job(all, 9, 1)};
    jobs[1]->explains = true;
    jobs[2]->pads = true;
    atomic_store(&payload->cost, 1);
    for (size_t i = 0; i < 4; i++) {
        /* The last is of a version that nobody knows yet. */
        if (i == 3)
            atomic_store(&payload->cost, 0);
        assert_true(batcher_submit_helping(own, jobs[i], &owed));
        assert_int_equal(owed, 0);
        wait_for(i + 1);
        job_free(jobs[i]);
    }
    assert_int_equal(atomic_load(&finished_here), 0);
    batcher_free(own);
}

/* What a helper owes when the end comes is computed by the workers. */
static void test_owed_at_the_end(void **state)
{
    fixture *all = *state;
    batcher *own = start(all, 1000, 100000, NULL);
    uint64_t owed = 0;
    job *work = make_job(all, 8, 1);
    atomic_store(&served_of(all->version)->cost, 1000);
    assert_true(batcher_submit_helping(own, work, &owed));
    assert_true(owed > 0);
    batcher_free(own);
    assert_int_equal(atomic_load(&finished_count), 1);
    check_job(all, work, 8);
    job_free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_cached),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_costly),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_heavy),
        cmocka_unit_test(test_owed_at_the_end),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
