/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation of the server's modules fails once: what was asked for then
 * fails with OUT_OF_MEMORY (or, in a cache, is not kept), and nothing crashes; that no
 * block is left behind is for LeakSanitizer to see. The linker puts the functions
 * below in the place of malloc and its like (--wrap), and jansson is given them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "serve/bucket.h"
#include "serve/cache.h"
#include "serve/drift.h"
#include "serve/keys.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/registry.h"
#include "support/scratch.h"

/* ------------------------------------------------------------ the allocator */

static _Atomic size_t calls, fail_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
/* Visible, or they do not link with a sanitizer, whose library has these names too. */
#pragma GCC visibility push(default)
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
#pragma GCC visibility pop

static bool fails(void)
{
    return atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
    return fails() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

/* --------------------------------------------------------------- what is tried */

static char root[SCRATCH_PATH_SIZE];
static sentiment_error error;

static sentiment_status try_bucket(void)
{
    const serve_bucket_options options = {1, 1, 2000};
    serve_bucket *bucket = NULL;
    sentiment_status status = serve_bucket_create(&options, &bucket, &error);
    serve_bucket_take(bucket, "a", 1, 1, 0);
    serve_bucket_free(bucket);
    return status;
}

static sentiment_status try_keys(void)
{
    static const char text[] =
        "a:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
    serve_keys *keys = NULL;
    const char *path = scratch_path(root, "keys");
    scratch_write(path, text, sizeof text - 1);
    chmod(path, 0600);
    sentiment_status status = serve_keys_load(path, &keys, &error);
    serve_keys_free(keys);
    return status;
}

/* Answers that find no memory are not kept: no status tells of it. */
static sentiment_status try_cache(void)
{
    int32_t ids[4] = {0};
    const float probabilities[2] = {0};
    const sentiment_result result = {.struct_size = sizeof result};
    serve_cache *cache = NULL;
    sentiment_status status = serve_cache_create(1 << 16, &cache, &error);
    for (ids[0] = 0; ids[0] < 40; ids[0]++)
        serve_cache_put(cache, &(serve_cache_key){1, 0, ids, 4}, &result, probabilities, 2);
    serve_cache_counts counts;
    serve_cache_count(cache, &counts);
    if (!status && counts.entries < 40)
        status = SENTIMENT_ERROR_OUT_OF_MEMORY;
    serve_cache_free(cache);
    return status;
}

static sentiment_status try_drift(void)
{
    static sentiment_result results[200];
    char *json = NULL;
    serve_drift *drift = NULL;
    for (size_t i = 0; i < 200; i++)
        results[i] = (sentiment_result){.confidence = (float)i / 200, .tokens = i};
    sentiment_status status = serve_drift_make_baseline(results, 200, 1, 100, &json, &error);
    if (!status)
        status = serve_drift_create(json, 1, 0, &drift, &error);
    serve_drift_free(drift);
    free(json);
    return status;
}

static sentiment_status try_log(void)
{
    const serve_log_options options = {.path = scratch_path(root, "log")};
    serve_log *log = NULL;
    sentiment_status status = serve_log_open(&options, &log, &error);
    serve_log_write_event(log, SERVE_LOG_INFO, "nothing is allocated for a line");
    assert_int_equal(serve_log_close(log, 10), 0);
    return status;
}

static sentiment_status try_metrics(void)
{
    static const char *const routes[] = {"/predict"};
    const serve_metrics_model model = {.name = "m", .version = "1", .class_count = 2};
    serve_metrics *metrics = NULL;
    char *text = NULL;
    size_t size = 0;
    sentiment_status status = serve_metrics_create(routes, 1, &metrics, &error);
    if (status)
        return status;
    serve_metrics_add_model(metrics, &model);
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    serve_metrics_count_request(shard, 0, 200);
    status = serve_metrics_write(metrics, &text, &size, &error);
    /* Without a shard nothing is counted, and all goes on. */
    if (!status && !shard)
        status = SENTIMENT_ERROR_OUT_OF_MEMORY;
    free(text);
    serve_metrics_leave(metrics, shard);
    serve_metrics_free(metrics);
    return status;
}

static sentiment_status use_registry(serve_registry *registry)
{
    serve_registry_found *found = NULL;
    serve_registry_state *states = NULL;
    serve_registry_plan plan;
    serve_version *loaded = NULL;
    size_t count = 0;
    sentiment_status status = serve_registry_make_manifest(registry, "m", "1", &error);
    if (!status)
        status = serve_registry_scan(registry, &found, &count, &error);
    free(found);
    if (!status)
        status = serve_registry_load(registry, "m", "1", &loaded, NULL, &error);
    if (!status)
        status = serve_registry_activate(registry, loaded, &error);
    if (!status)
        status = serve_registry_save_plan(registry, "m", &error);
    if (!status)
        status = serve_registry_read_plan(registry, "m", &plan, &error);
    if (!status)
        status = serve_registry_list(registry, &states, &count, &error);
    free(states);
    serve_registry_release(loaded);
    return status;
}

static sentiment_status try_registry(void)
{
    const serve_registry_options options = {.root = root};
    serve_registry *registry = NULL;
    sentiment_status status = serve_registry_create(&options, &registry, &error);
    if (!status)
        status = use_registry(registry);
    serve_registry_free(registry);
    return status;
}

/* --------------------------------------------------------------------- runs */

static int set_up(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH_SIZE + 32];
    sentiment_model_config config = {.struct_size = sizeof config};
    sentiment_model *model = NULL;
    scratch_make(root);
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 2;
    snprintf(folder, sizeof folder, "%s/m", root);
    mkdir(folder, 0700);
    strcat(folder, "/1");
    if (sentiment_model_create(&config, NULL, &model, NULL) ||
        sentiment_model_save(model, folder, NULL, NULL))
        return 1;
    sentiment_model_free(model);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH_SIZE + 32];
    snprintf(folder, sizeof folder, "%s/m", root);
    scratch_remove(folder);
    scratch_remove(root);
    return 0;
}

/* Where jansson reads a text, `strict` is false: it drops a byte that finds no room,
 * and what it then read may be wrong in another way, or good enough. */
static void fails_cleanly(sentiment_status (*attempt)(void), bool strict)
{
    for (size_t n = 1;; n++) {
        error = (sentiment_error){.struct_size = sizeof error};
        atomic_store(&calls, 0);
        atomic_store(&fail_at, n);
        sentiment_status status = attempt();
        bool failed = atomic_load(&calls) >= n;
        atomic_store(&fail_at, 0);
        if (strict || !failed)
            assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
        if (!failed) {
            assert_true(n > 1);
            return;
        }
    }
}

static void fail_buckets(void **state)
{
    (void)state;
    fails_cleanly(try_bucket, true);
}

static void fail_keys(void **state)
{
    (void)state;
    fails_cleanly(try_keys, true);
}

static void fail_caches(void **state)
{
    (void)state;
    fails_cleanly(try_cache, true);
}

static void fail_drift(void **state)
{
    (void)state;
    fails_cleanly(try_drift, false);
}

static void fail_logs(void **state)
{
    (void)state;
    fails_cleanly(try_log, true);
}

static void fail_metrics(void **state)
{
    (void)state;
    fails_cleanly(try_metrics, true);
}

static void fail_registries(void **state)
{
    (void)state;
    fails_cleanly(try_registry, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_buckets),    cmocka_unit_test(fail_keys),
        cmocka_unit_test(fail_caches),     cmocka_unit_test(fail_drift),
        cmocka_unit_test(fail_logs),       cmocka_unit_test(fail_metrics),
        cmocka_unit_test(fail_registries),
    };
    json_set_alloc_funcs(__wrap_malloc, free);
    return cmocka_run_group_tests_name("serve memory", tests, set_up, tear_down);
}
