/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model/lineage.c and what carries history along: steps and their limits,
 * files of version 0.1, digests that name the parent, and the metadata of a
 * folder's config.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/sha256.h"
#include "model/lineage.h"
#include "parts.h"
#include "sample.h"
#include "support/scratch.h"

#define DATE "2023-11-14T22:13:20Z"

static char folder[SCRATCH_PATH_SIZE];

static int set_up(void **state)
{
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    scratch_make(folder);
    return fresh(state);
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static const char *metadata(const sentiment_model *model, const char *key)
{
    const sn_pairs pairs = {&model->memory, model->metadata, model->metadata_count};
    return sn_pairs_get(&pairs, key);
}

static sentiment_status save(const sentiment_model *model, const char *path, const char *step,
                             sentiment_error *error)
{
    const sentiment_save_options options = {.struct_size = sizeof options, .lineage_json = step};
    return sn_model_save(model, path, &options, error);
}

static sentiment_status load_with_digest(const char *path, sentiment_model **model,
                                         sentiment_error *error)
{
    const sentiment_model_options options = {.struct_size = sizeof options, .digest = 1};
    return sn_model_load(path, &options, model, error);
}

/* Saves with a step, loads with digest; frees the old model. */
static sentiment_model *pass_on(sentiment_model *model, const char *name, const char *step)
{
    const char *path = scratch_path(folder, name);
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *loaded = NULL;
    if (save(model, path, step, &error) != SENTIMENT_OK ||
        load_with_digest(path, &loaded, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
    sn_model_release(model);
    return loaded;
}

static void digest_of(const char *path, char hex[65])
{
    size_t size;
    sn_sha256 hash;
    void *bytes = scratch_read(path, &size);
    sn_sha256_start(&hash);
    sn_sha256_add(&hash, bytes, size);
    sn_sha256_finish(&hash, hex);
    free(bytes);
}

/* ------------------------------------------------------------------ steps */

static void steps_grow_and_name_their_parent(void **state)
{
    (void)state;
    char first[65], second[65], expected[1024];
    sentiment_model *model = pass_on(sample_create(1, 0), "a.safetensors", "{\"action\":\"one\"}");
    digest_of(scratch_path(folder, "a.safetensors"), first);
    assert_string_equal(model->sha256, first);
    model = pass_on(model, "guide", "{\"action\":\"two\"}");
    digest_of(scratch_path(scratch_path(folder, "guide"), "model.pth"), second);
    assert_string_equal(model->sha256, second);
    model = pass_on(model, "b.safetensors", "{\"x\":[1,{\"y\":2.5}],\"action\":\"three\"}");
    snprintf(expected, sizeof expected,
             "[{\"action\":\"one\",\"library\":\"libsentiment 0.3.0\",\"created\":\"" DATE "\"},"
             "{\"action\":\"two\",\"library\":\"libsentiment 0.3.0\",\"created\":\"" DATE "\","
             "\"parent_sha256\":\"%s\",\"parent_format\":\"safetensors\"},"
             "{\"x\":[1,{\"y\":2.5}],\"action\":\"three\",\"library\":\"libsentiment 0.3.0\","
             "\"created\":\"" DATE "\",\"parent_sha256\":\"%s\",\"parent_format\":\"pytorch\"}]",
             first, second);
    assert_string_equal(metadata(model, "lineage"), expected);
    sn_model_release(model);
}

static void callers_have_the_last_word(void **state)
{
    (void)state;
    sentiment_model *model = pass_on(sample_create(1, 0), "a.safetensors", NULL);
    assert_null(metadata(model, "lineage"));
    model = pass_on(model, "b.safetensors",
                    "{\"created\":null,\"library\":\"mine\",\"parent_sha256\":\"p\","
                    "\"parent_format\":null,\"gone\":null}");
    assert_string_equal(metadata(model, "lineage"),
                        "[{\"library\":\"mine\",\"parent_sha256\":\"p\"}]");
    model = pass_on(model, "c.safetensors", NULL);
    assert_string_equal(metadata(model, "lineage"),
                        "[{\"library\":\"mine\",\"parent_sha256\":\"p\"}]");
    sn_model_release(model);
}

static void expect_refused(const sentiment_model *model, const char *step, const char *says)
{
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(save(model, scratch_path(folder, "x.safetensors"), step, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    if (!strstr(error.message, says))
        fail_msg("'%s' does not say '%s'", error.message, says);
    assert_int_equal(scratch_count(folder), 0);
}

static void refuses_bad_steps_and_dates(void **state)
{
    (void)state;
    static const char *const dates[] = {"tomorrow", "-1", "1e9", "253402300800", "9999999999999"};
    sentiment_model *model = sample_create(1, 0);
    char *long_step = malloc(SN_LINEAGE_STEP_BYTES + 2);
    memset(long_step, ' ', SN_LINEAGE_STEP_BYTES + 1);
    memcpy(long_step, "{}", 2);
    long_step[SN_LINEAGE_STEP_BYTES + 1] = '\0';
    expect_refused(model, "[]", "lineage_json: expected a JSON object");
    expect_refused(model, "{\"a\":1", "lineage_json: not valid JSON");
    expect_refused(model, "{\"a\":1,\"a\":2}", "lineage_json: not valid JSON");
    expect_refused(model, long_step, "at most 65536");
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        setenv("SOURCE_DATE_EPOCH", dates[i], 1);
        expect_refused(model, "{}", dates[i]);
    }
    free(long_step);
    sn_model_release(model);
}

static void the_clock_is_the_last_resort(void **state)
{
    (void)state;
    setenv("SOURCE_DATE_EPOCH", "", 1);
    sentiment_model *model = pass_on(sample_create(1, 0), "a.safetensors", "{}");
    const char *created = strstr(metadata(model, "lineage"), "\"created\":\"2");
    assert_non_null(created);
    assert_null(strstr(created, DATE));
    sn_model_release(model);
}

/* ----------------------------------------------------------------- limits */

static json_t *lineage_of(const sentiment_model *model)
{
    json_t *steps = json_loads(metadata(model, "lineage"), 0, NULL);
    assert_true(json_is_array(steps));
    return steps;
}

static int64_t number(const json_t *steps, size_t at, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(steps, at), key));
}

/* A loaded model with `count` steps {"n":0}, {"n":1}, ...; `second` stands at 1. */
static sentiment_model *with_steps(size_t count, const char *second)
{
    char *text = malloc(count * 24 + 200), *at = text;
    for (size_t i = 0; i < count; i++) {
        *at++ = i ? ',' : '[';
        at += i == 1 && second ? sprintf(at, "%s", second) : sprintf(at, "{\"n\":%zu}", i);
    }
    strcpy(at, "]");
    set_pair("lineage", text);
    sentiment_model *model = load();
    free(text);
    return model;
}

/* The steps after one more is added, whose n is -1. */
static json_t *extend(sentiment_model *model)
{
    model = pass_on(model, "a.safetensors", "{\"n\":-1}");
    json_t *steps = lineage_of(model);
    sn_model_release(model);
    return steps;
}

static void old_steps_make_room(void **state)
{
    (void)state;
    json_t *steps = extend(with_steps(SN_LINEAGE_STEPS - 1, NULL));
    assert_int_equal(json_array_size(steps), SN_LINEAGE_STEPS);
    assert_int_equal(number(steps, 1, "n"), 1);
    json_decref(steps);
    for (size_t more = 0; more < 3; more++) {
        fresh(state);
        steps = extend(with_steps(SN_LINEAGE_STEPS + more, NULL));
        assert_int_equal(json_array_size(steps), SN_LINEAGE_STEPS);
        assert_int_equal(number(steps, 0, "n"), 0);
        assert_int_equal(number(steps, 1, "steps"), 2 + more);
        assert_int_equal(number(steps, 2, "n"), 3 + more);
        assert_int_equal(number(steps, SN_LINEAGE_STEPS - 1, "n"), -1);
        json_decref(steps);
    }
}

static void gaps_add_up(void **state)
{
    (void)state;
    static const struct {
        const char *second;
        int64_t missing;
    } cases[] = {
        {"{\"action\":\"omitted\",\"steps\":7}", 8},
        {"{\"action\":\"omitted\",\"steps\":9223372036854775807}", INT64_MAX},
        {"{\"action\":\"omitted\",\"steps\":-5}", 2},
        {"{\"action\":\"omitted\",\"steps\":\"7\"}", 2},
        {"{\"action\":\"other\",\"steps\":7}", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(state);
        json_t *steps = extend(with_steps(SN_LINEAGE_STEPS, cases[i].second));
        assert_int_equal(json_array_size(steps), SN_LINEAGE_STEPS);
        assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 1), "action")),
                            "omitted");
        assert_int_equal(number(steps, 1, "steps"), cases[i].missing);
        assert_int_equal(number(steps, 2, "n"), 3);
        json_decref(steps);
    }
}

/* Long steps count by their bytes; the newest one stays in any case. */
static void bytes_are_limited_too(void **state)
{
    (void)state;
    char *step = malloc(SN_LINEAGE_STEP_BYTES + 1);
    memset(step, 'x', SN_LINEAGE_STEP_BYTES);
    memcpy(step, "{\"k\":\"", 6);
    strcpy(step + SN_LINEAGE_STEP_BYTES - 2, "\"}");
    sentiment_model *model = pass_on(sample_create(1, 0), "a.safetensors", "{\"n\":5}");
    for (size_t i = 0; i < 20; i++) {
        char name[] = "a.safetensors";
        model = pass_on(model, name, step);
        assert_true(strlen(metadata(model, "lineage")) <= SN_LINEAGE_BYTES);
    }
    json_t *steps = lineage_of(model);
    /* Fifteen of a little over 64 KiB fit into 1 MiB. */
    assert_int_equal(json_array_size(steps), 2 + 15);
    assert_int_equal(number(steps, 0, "n"), 5);
    assert_int_equal(number(steps, 1, "steps"), 5);
    json_decref(steps);
    sn_model_release(model);
    free(step);
}

/* ------------------------------------------------------- files of others */

static void refuses_what_is_no_lineage(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "{}", "[1]", "[{},[]]", "[{}", "[{\"a\":1,\"a\":1}]",
                                      "null"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set_pair("lineage", bad[i]);
        refuse(SENTIMENT_ERROR_BAD_MODEL, "'lineage' is no JSON array of objects");
    }
    /* In somebody else's safetensors file the key means nothing. */
    set_pair("lineage", "from my father");
    bundle.native = 0;
    bundle.format = "safetensors";
    sentiment_model *model = load();
    assert_null(metadata(model, "lineage"));
    sn_model_release(model);
}

static void folds_the_keys_of_version_0_1(void **state)
{
    (void)state;
    set_pair("library_version", "0.1.0");
    set_pair("lineage.command", "sentiment train --train a");
    set_pair("lineage.created", "2022-01-01T00:00:00Z");
    set_pair("lineage.dev_rows", "12x");
    set_pair("lineage.interrupted", "yes");
    set_pair("lineage.mine", "kept");
    set_pair("lineage.train_rows", "78333");
    set_pair("zeta", "z");
    sentiment_model *model = load();
    static const char first[] =
        "{\"action\":\"train\",\"command\":\"sentiment train --train a\","
        "\"created\":\"2022-01-01T00:00:00Z\",\"dev_rows\":\"12x\",\"interrupted\":true,"
        "\"mine\":\"kept\",\"train_rows\":78333,\"library\":\"libsentiment 0.1.0\"}";
    char expected[600];
    snprintf(expected, sizeof expected, "[%s]", first);
    assert_string_equal(metadata(model, "lineage"), expected);
    assert_null(metadata(model, "lineage.command"));
    assert_null(metadata(model, "lineage.train_rows"));
    assert_string_equal(metadata(model, "zeta"), "z");
    sn_model_release(model);
    fresh(state);
    set_pair("lineage", "[{\"action\":\"convert\"}]");
    set_pair("lineage.created", "2022-01-01T00:00:00Z");
    model = load();
    assert_string_equal(metadata(model, "lineage"),
                        "[{\"created\":\"2022-01-01T00:00:00Z\"},{\"action\":\"convert\"}]");
    sn_model_release(model);
}

/* ----------------------------------------------------------------- folder */

#define WITH(text) "{\"model_params\":{" SIZES "},\"libsentiment\":" text "}"

static void a_config_brings_metadata(void **state)
{
    (void)state;
    set_config(WITH("{\"metadata\":{\"name\":\"n\",\"lineage\":\"[{}]\",\"a\":\"\"}}"));
    sentiment_model *model = load();
    assert_string_equal(metadata(model, "name"), "n");
    assert_string_equal(metadata(model, "a"), "");
    assert_string_equal(metadata(model, "lineage"), "[{}]");
    assert_int_equal(model->metadata_count, 3);
    assert_null(strstr(model->config_json, "libsentiment"));
    sn_model_release(model);
    /* What stands in the file of the weights itself goes before. */
    fresh(state);
    set_config(WITH("{\"metadata\":{\"name\":\"n\"}}"));
    set_pair("own", "1");
    model = load();
    assert_null(metadata(model, "name"));
    assert_string_equal(metadata(model, "own"), "1");
    sn_model_release(model);
}

static void refuses_bad_metadata_in_a_config(void **state)
{
    (void)state;
    static const struct {
        const char *config, *says;
    } cases[] = {
        {WITH("1"), "must be an object with the one key 'metadata'"},
        {WITH("{}"), "must be an object with the one key 'metadata'"},
        {WITH("{\"metadata\":[]}"), "must be an object with the one key 'metadata'"},
        {WITH("{\"metadata\":{},\"x\":1}"), "must be an object with the one key 'metadata'"},
        {WITH("{\"metadata\":{\"a\":1}}"), "expected a string as the value of 'a'"},
        {WITH("{\"metadata\":{\"padding\":\"none\"}}"), "no place for 'padding'"},
        {WITH("{\"metadata\":{\"data_sha256\":\"0\"}}"), "no place for 'data_sha256'"},
        {WITH("{\"metadata\":{\"lineage.command\":\"x\"}}"), "no place for 'lineage.command'"},
        {WITH("{\"metadata\":{\"lineage\":\"{}\"}}"), "is no JSON array of objects"},
        {WITH("{\"metadata\":{\"a\":\"1\",\"a\":\"2\"}}"), "duplicate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_config(cases[i].config);
        refuse(SENTIMENT_ERROR_BAD_MODEL, cases[i].says);
    }
}

static void a_config_has_room_for_so_many_keys(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = sample_create(1, 0);
    char key[24];
    for (int i = 0; i < 4096; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(sn_model_set_metadata(model, key, "v", NULL), SENTIMENT_OK);
    }
    model = pass_on(model, "guide", NULL);
    assert_int_equal(model->metadata_count, 4096);
    assert_int_equal(sn_model_set_metadata(model, "one more", "v", NULL), SENTIMENT_OK);
    assert_int_equal(save(model, scratch_path(folder, "guide"), NULL, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "4097"));
    sn_model_release(model);
}

/* ---------------------------------------------------------------- digests */

/* Overwrites the first `old` of the file with as many bytes of `fresh_text`. */
static void patch(const char *path, const char *old, const char *fresh_text)
{
    size_t size, length = strlen(old);
    char *bytes = scratch_read(path, &size);
    for (size_t i = 0; i + length <= size; i++) {
        if (memcmp(bytes + i, old, length) != 0)
            continue;
        memcpy(bytes + i, fresh_text, length);
        scratch_write(path, bytes, size);
        free(bytes);
        return;
    }
    fail_msg("%s is not in %s", old, path);
}

static void digests_are_looked_at_on_demand(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "a.safetensors");
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = pass_on(sample_create(1, 0), "a.safetensors", NULL), *again = NULL;
    char wrong[65];
    memset(wrong, '0', 64);
    wrong[64] = '\0';
    patch(path, metadata(model, "data_sha256"), wrong);
    sn_model_release(model);
    model = sample_load(path);
    assert_string_equal(model->sha256, "");
    sn_model_release(model);
    assert_int_equal(load_with_digest(path, &again, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "SHA-256"));
    assert_non_null(strstr(error.message, wrong));
    assert_null(again);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(steps_grow_and_name_their_parent),
        FILE_TEST(callers_have_the_last_word),
        FILE_TEST(refuses_bad_steps_and_dates),
        FILE_TEST(the_clock_is_the_last_resort),
        FILE_TEST(old_steps_make_room),
        FILE_TEST(gaps_add_up),
        FILE_TEST(bytes_are_limited_too),
        FILE_TEST(refuses_what_is_no_lineage),
        FILE_TEST(folds_the_keys_of_version_0_1),
        FILE_TEST(a_config_brings_metadata),
        FILE_TEST(refuses_bad_metadata_in_a_config),
        FILE_TEST(a_config_has_room_for_so_many_keys),
        FILE_TEST(digests_are_looked_at_on_demand),
    };
    return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
