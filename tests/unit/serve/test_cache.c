/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/cache.c: an answer comes back for its own key alone, the bytes stay
 * below their bound, who was not asked for goes first, and threads that get, put
 * and forget at a time never see an answer that is not theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "serve/cache.h"

enum { CLASSES = 3 };

static serve_cache *make(size_t bytes)
{
    serve_cache *cache = NULL;
    assert_int_equal(serve_cache_create(bytes, &cache, NULL), SENTIMENT_OK);
    return cache;
}

/* An answer that tells which key it belongs to. */
static void put(serve_cache *cache, const serve_cache_key *key, int32_t mark)
{
    const sentiment_result result = {.struct_size = sizeof result,
                                     .prediction = mark,
                                     .confidence = (float)mark + 0.5f,
                                     .flags = SENTIMENT_FLAG_TRUNCATED,
                                     .tokens = key->count,
                                     .unknown = 1,
                                     .error_offset = SENTIMENT_NO_OFFSET};
    const float probabilities[CLASSES] = {(float)mark, 1, 2};
    serve_cache_put(cache, key, &result, probabilities, CLASSES);
}

/* The mark of the answer, -1 if there is none. */
static int32_t get(serve_cache *cache, const serve_cache_key *key)
{
    sentiment_result result = {.struct_size = sizeof result};
    float probabilities[CLASSES] = {0};
    if (!serve_cache_get(cache, key, &result, probabilities, CLASSES))
        return -1;
    if (result.status || result.confidence != (float)result.prediction + 0.5f ||
        result.tokens != key->count || result.unknown != 1 || probabilities[1] != 1 ||
        result.flags != SENTIMENT_FLAG_TRUNCATED || probabilities[0] != (float)result.prediction)
        return -2;
    return result.prediction;
}

static void answers_its_own_key(void **state)
{
    (void)state;
    static const int32_t ids[] = {5, 6, 7, 8};
    static const int32_t others[] = {5, 6, 7, 9};
    serve_cache *cache = make(1 << 20);
    serve_cache_key key = {1, 0, ids, 4}, other = {1, 0, others, 4};
    assert_int_equal(get(cache, &key), -1);
    put(cache, &key, 10);
    assert_int_equal(get(cache, &key), 10);
    assert_int_equal(get(cache, &other), -1);
    key.count = 3;
    assert_int_equal(get(cache, &key), -1);
    key = (serve_cache_key){2, 0, ids, 4};
    assert_int_equal(get(cache, &key), -1);
    key = (serve_cache_key){1, 4, ids, 4};
    assert_int_equal(get(cache, &key), -1);
    put(cache, &key, 11);
    key.max_length = 0;
    assert_int_equal(get(cache, &key), 10);
    /* The first answer stays: all are the same. */
    put(cache, &key, 12);
    assert_int_equal(get(cache, &key), 10);
    /* No id at all is a key too. */
    key = (serve_cache_key){1, 0, NULL, 0};
    assert_int_equal(get(cache, &key), -1);
    put(cache, &key, 13);
    assert_int_equal(get(cache, &key), 13);
    serve_cache_counts counts;
    serve_cache_count(cache, &counts);
    assert_int_equal(counts.hits, 4);
    assert_int_equal(counts.misses, 6);
    assert_int_equal(counts.entries, 3);
    assert_int_equal(counts.evictions, 0);
    serve_cache_free(cache);
}

static void keeps_no_failures_and_other_sizes(void **state)
{
    (void)state;
    static const int32_t ids[] = {1};
    const serve_cache_key key = {1, 0, ids, 1};
    sentiment_result result = {.struct_size = sizeof result, .status = SENTIMENT_ERROR_INTERNAL};
    float probabilities[CLASSES + 1] = {0};
    serve_cache *cache = make(1 << 20);
    serve_cache_put(cache, &key, &result, probabilities, CLASSES);
    assert_int_equal(get(cache, &key), -1);
    put(cache, &key, 1);
    assert_false(serve_cache_get(cache, &key, &result, probabilities, CLASSES + 1));
    assert_int_equal(result.status, SENTIMENT_ERROR_INTERNAL);
    assert_int_equal(get(cache, &key), 1);
    serve_cache_free(cache);
}

static void stays_below_its_bytes(void **state)
{
    (void)state;
    enum { BYTES = 200000, ENTRIES = 20000 };
    static int32_t ids[40];
    serve_cache *cache = make(BYTES);
    serve_cache_counts counts;
    for (int32_t i = 0; i < ENTRIES; i++) {
        ids[0] = i;
        const serve_cache_key key = {1, 0, ids, 1 + (size_t)i % 40};
        put(cache, &key, i);
        assert_int_equal(get(cache, &key), i);
        serve_cache_count(cache, &counts);
        assert_true(counts.bytes <= BYTES);
    }
    assert_int_equal(counts.entries + counts.evictions, ENTRIES);
    assert_true(counts.entries > 300);
    /* The largest that fits a quarter of a shard, and what does not. */
    static int32_t many[1 << 16];
    serve_cache_key large = {1, 0, many, BYTES / 16 / 4 / 4};
    put(cache, &large, 7);
    assert_int_equal(get(cache, &large), -1);
    large.count = 1 << 16;
    put(cache, &large, 7);
    assert_int_equal(get(cache, &large), -1);
    large.count = BYTES / 16 / 4 / 4 - 100;
    put(cache, &large, 7);
    assert_int_equal(get(cache, &large), 7);
    serve_cache_free(cache);
}

/* One answer is asked for again and again and outlives thousands of others. */
static void lets_the_unused_go_first(void **state)
{
    (void)state;
    static int32_t id;
    static const int32_t first[] = {-1, -2}, second[] = {-3, -4};
    const serve_cache_key used = {1, 0, first, 2}, unused = {1, 0, second, 2};
    serve_cache *cache = make(1 << 17);
    put(cache, &used, 1);
    put(cache, &unused, 2);
    for (id = 0; id < 10000; id++) {
        const serve_cache_key key = {1, 0, &id, 1};
        put(cache, &key, id);
        assert_int_equal(get(cache, &used), 1);
    }
    assert_int_equal(get(cache, &unused), -1);
    serve_cache_free(cache);
}

static void forgets_a_version(void **state)
{
    (void)state;
    int32_t id;
    serve_cache_counts counts;
    serve_cache *cache = make(1 << 22);
    for (id = 0; id < 2000; id++) {
        const serve_cache_key key = {1 + (uint64_t)id % 2, 0, &id, 1};
        put(cache, &key, id);
    }
    serve_cache_forget(cache, 2);
    serve_cache_forget(cache, 77);
    serve_cache_count(cache, &counts);
    assert_int_equal(counts.entries, 1000);
    for (id = 0; id < 2000; id++) {
        const serve_cache_key key = {1 + (uint64_t)id % 2, 0, &id, 1};
        assert_int_equal(get(cache, &key), id % 2 ? -1 : id);
    }
    size_t before = counts.bytes;
    serve_cache_forget(cache, 1);
    serve_cache_count(cache, &counts);
    assert_int_equal(counts.entries, 0);
    /* An entry is more than its answer. */
    assert_true(before - counts.bytes > 1000 * sizeof(sentiment_result));
    serve_cache_free(cache);
}

static void takes_what_is_not_there(void **state)
{
    (void)state;
    static const int32_t ids[] = {1};
    const serve_cache_key key = {1, 0, ids, 1};
    serve_cache *cache = NULL;
    serve_cache_counts counts;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(serve_cache_create(65535, &cache, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_cache_create(SIZE_MAX, &cache, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(cache);
    put(NULL, &key, 1);
    assert_int_equal(get(NULL, &key), -1);
    serve_cache_forget(NULL, 1);
    serve_cache_count(NULL, &counts);
    assert_int_equal(counts.bytes + counts.entries + counts.misses, 0);
    serve_cache_free(NULL);
    cache = make(65536);
    put(cache, &key, 1);
    assert_int_equal(get(cache, &key), 1);
    serve_cache_count(cache, &counts);
    assert_true(counts.bytes <= 65536);
    serve_cache_free(cache);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 4, ROUNDS = 20000, KEYS = 700 };

typedef struct worker {
    serve_cache *cache;
    uint64_t number;
    int wrong, hits;
} worker;

static void *work(void *pointer)
{
    worker *self = pointer;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        int32_t ids[3] = {(int32_t)((i * 7919 + self->number * 131) % KEYS), 4, 4};
        const serve_cache_key key = {1 + i % 2, 0, ids, 1 + (size_t)ids[0] % 3};
        int32_t expected = ids[0] * 2 + (int32_t)(i % 2), found = get(self->cache, &key);
        if (found == -1)
            put(self->cache, &key, expected);
        self->wrong += found != -1 && found != expected;
        self->hits += found == expected;
        if (i % 5000 == 4999)
            serve_cache_forget(self->cache, 1 + i % 2);
    }
    return NULL;
}

static void mixes_up_no_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    worker workers[THREADS];
    serve_cache *cache = make(1 << 17);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){cache, i, 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    uint64_t hits = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
        hits += (uint64_t)workers[i].hits;
    }
    serve_cache_counts counts;
    serve_cache_count(cache, &counts);
    assert_true(hits > 0);
    assert_int_equal(counts.hits, hits);
    assert_int_equal(counts.hits + counts.misses, THREADS * ROUNDS);
    assert_true(counts.bytes <= 1 << 17);
    serve_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_its_own_key),
        cmocka_unit_test(keeps_no_failures_and_other_sizes),
        cmocka_unit_test(stays_below_its_bytes),
        cmocka_unit_test(lets_the_unused_go_first),
        cmocka_unit_test(forgets_a_version),
        cmocka_unit_test(takes_what_is_not_there),
        cmocka_unit_test(mixes_up_no_threads),
    };
    return cmocka_run_group_tests_name("serve cache", tests, NULL, NULL);
}
