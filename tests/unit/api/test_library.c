/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions, names, defaults, struct sizes, handles. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

static void test_versions(void **state)
{
    (void)state;
    assert_string_equal(sentiment_version(), "0.3.0");
    assert_int_equal(sentiment_abi_version(), SENTIMENT_ABI_VERSION);
    for (int32_t code = SENTIMENT_ERROR_FORKED; code <= 0; code++)
        assert_string_not_equal(sentiment_status_name(code), "unknown status");
    assert_string_equal(sentiment_status_name(SENTIMENT_ERROR_FORKED - 1), "unknown status");
    assert_string_equal(sentiment_status_name(1), "unknown status");
    assert_string_equal(sentiment_status_name(INT32_MIN), "unknown status");
    assert_string_equal(sentiment_status_name(SENTIMENT_ERROR_INVALID_UTF8), "invalid UTF-8");
}

static void test_inits(void **state)
{
    (void)state;
    sentiment_model_config config;
    sentiment_train_options train;
    sentiment_model_config_init(&config);
    assert_int_equal(config.struct_size, sizeof config);
    assert_int_equal(config.vocab_size, 10000);
    assert_int_equal(config.hidden_size, 256);
    sentiment_train_options_init(&train);
    assert_int_equal(train.struct_size, sizeof train);
    assert_true(train.epochs > 0 && train.learning_rate > 0);
    sentiment_error_init(NULL);
    sentiment_result_init(NULL);
    sentiment_session_options_init(NULL);
}

/* An older caller's shorter struct, and a newer caller's longer one. */
static void test_struct_sizes(void **state)
{
    (void)state;
    struct {
        sentiment_session_options known;
        uint64_t unknown;
    } longer = {.known = {.struct_size = sizeof longer}};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session *session = NULL;
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    assert_int_equal(sentiment_session_create(model, &longer.known, &session, &error), 0);
    sentiment_session_free(session);
    longer.unknown = 1;
    assert_int_equal(sentiment_session_create(model, &longer.known, &session, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    sentiment_session_options shorter = {
        .struct_size = 8, .engine = SENTIMENT_ENGINE_NATIVE, .precision = 99};
    assert_int_equal(sentiment_session_create(model, &shorter, &session, &error), 0);
    sentiment_session_free(session);
    shorter.struct_size = 0;
    assert_int_equal(sentiment_session_create(model, &shorter, &session, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);

    sentiment_model_info info = {.struct_size = 12, .embedding_dim = 77};
    assert_int_equal(sentiment_model_get_info(model, &info, &error), 0);
    assert_int_equal(info.vocab_size, 100);
    assert_int_equal(info.hidden_size, 0);
    assert_int_equal(info.embedding_dim, 7);
    sentiment_model_free(model);
}

static void test_small_error(void **state)
{
    (void)state;
    struct {
        uint32_t struct_size;
        int32_t code;
        uint64_t offset;
        char message[8];
        char behind;
    } small = {.struct_size = 24, .behind = 'x'};
    sentiment_model *model = NULL;
    void *error = &small;
    assert_int_equal(sentiment_model_load("/nonexistent", NULL, &model, error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(small.code, SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(strlen(small.message), 7);
    assert_int_equal(small.behind, 'x');
    assert_null(model);
}

static void test_bad_options(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = NULL;
    const sentiment_session_options bad[] = {
        {.struct_size = sizeof *bad, .engine = 9},
        {.struct_size = sizeof *bad, .engine = -1},
        {.struct_size = sizeof *bad, .precision = 9},
        {.struct_size = sizeof *bad, .isa = 9},
        {.struct_size = sizeof *bad, .padding = 9},
        {.struct_size = sizeof *bad, .utf8_policy = 9},
        {.struct_size = sizeof *bad, .threads = 5000},
        {.struct_size = sizeof *bad, .max_length = 65537},
        {.struct_size = sizeof *bad, .disable_settled_tail = 2},
        {.struct_size = sizeof *bad, .reserved = 1},
        {.struct_size = sizeof *bad, .device = "cuda"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error.message[0] = '\0';
        assert_int_equal(sentiment_session_create(model, &bad[i], &session, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_true(error.message[0] != '\0');
        assert_null(session);
    }
    sentiment_model_free(model);
}

static void test_handles(void **state)
{
    (void)state;
    sentiment_model_free(NULL);
    sentiment_session_free(NULL);
    sentiment_tokenizer_free(NULL);
    sentiment_cancel_free(NULL);
    assert_null(sentiment_model_retain(NULL));
    assert_null(sentiment_model_get_tokenizer(NULL));
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_tokenizer *tokenizer = sentiment_model_get_tokenizer(model);
    sentiment_model_free(model);
    sentiment_session_info info = {.struct_size = sizeof info};
    assert_int_equal(sentiment_session_get_info(session, &info, NULL), 0);
    assert_int_equal(info.engine, SENTIMENT_ENGINE_NATIVE);
    assert_string_equal(info.engine_name, "native");
    assert_true(info.memory_bytes > 1000);
    sentiment_session_free(session);
    const char *word = NULL;
    size_t length = 0;
    assert_int_equal(sentiment_tokenizer_get_word(tokenizer, 42, &word, &length), 0);
    assert_int_equal(length, 7);
    assert_memory_equal(word, "word_42", 7);
    assert_int_equal(sentiment_tokenizer_get_word(tokenizer, 100, &word, &length),
                     SENTIMENT_ERROR_NOT_FOUND);
    sentiment_tokenizer_free(tokenizer);
}

static void test_default_model(void **state)
{
    (void)state;
    char path[32] = "untouched";
    size_t length = 0;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(setenv("SENTIMENT_MODEL", "some/where", 1), 0);
    assert_int_equal(sentiment_model_find_default(NULL, 0, &length, &error),
                     SENTIMENT_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(length, 10);
    assert_int_equal(sentiment_model_find_default(path, 10, &length, &error),
                     SENTIMENT_ERROR_BUFFER_TOO_SMALL);
    assert_string_equal(path, "untouched");
    assert_int_equal(sentiment_model_find_default(path, 11, &length, &error), 0);
    assert_string_equal(path, "some/where");
    assert_int_equal(sentiment_model_find_default(path, 11, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_model_find_default(NULL, 11, &length, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(unsetenv("SENTIMENT_MODEL"), 0);
}

static void test_encode(void **state)
{
    (void)state;
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_tokenizer *tokenizer = sentiment_model_get_tokenizer(model);
    sentiment_error error = {.struct_size = sizeof error};
    int32_t ids[3] = {-7, -7, -7};
    uint64_t starts[3], ends[3];
    size_t length = 0;
    const char *text = "Word_5 nope word_7";
    assert_int_equal(
        sentiment_tokenizer_encode(tokenizer, text, 18, 0, 0, NULL, NULL, NULL, &length, &error),
        SENTIMENT_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(length, 3);
    assert_int_equal(
        sentiment_tokenizer_encode(tokenizer, text, 18, 0, 3, ids, starts, ends, &length, &error),
        0);
    assert_int_equal(ids[0], 5);
    assert_int_equal(ids[1], 0);
    assert_int_equal(ids[2], 7);
    assert_int_equal(starts[2], 12);
    assert_int_equal(ends[2], 18);
    assert_int_equal(
        sentiment_tokenizer_encode(tokenizer, "a\xc3", 2, 0, 3, ids, starts, ends, &length, &error),
        SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(error.offset, 1);
    assert_int_equal(
        sentiment_tokenizer_encode(tokenizer, "a\xc3", 2, 1, 3, ids, starts, ends, &length, &error),
        0);
    sentiment_tokenizer_free(tokenizer);
    sentiment_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),     cmocka_unit_test(test_inits),
        cmocka_unit_test(test_struct_sizes), cmocka_unit_test(test_small_error),
        cmocka_unit_test(test_bad_options),  cmocka_unit_test(test_handles),
        cmocka_unit_test(test_encode),       cmocka_unit_test(test_default_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
