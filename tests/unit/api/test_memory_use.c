/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory through the public API: every n-th allocation of create, session and
 * predict fails in turn, nothing leaks, and a warm session allocates nothing. */
#include "support.h"

#include <string.h>

#include "support/faulty_allocator.h"
#include "texts.h"

/* Create, session, single, batch, explain; the first failure's status. */
static sentiment_status use_everything(const sentiment_allocator *hooks, uint32_t threads)
{
    enum { LONG = 3, SIZE = 7000 };
    static const uint64_t long_offsets[LONG + 1] = {0, SIZE, 2 * SIZE, LONG * SIZE};
    static char long_texts[LONG * SIZE]; /* enough for two threads to tokenize */
    static const char text[] = "word_1 word_2 nope";
    static const uint64_t offsets[] = {0, 6, 13, 18};
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = hooks};
    sentiment_model_config config = {.struct_size = sizeof config,
                                     .vocab_size = 20,
                                     .embedding_dim = 3,
                                     .hidden_size = 5,
                                     .num_classes = CLASSES,
                                     .num_layers = 2,
                                     .bidirectional = 1};
    sentiment_session_options how = {.struct_size = sizeof how, .threads = threads};
    sentiment_result results[3] = {{.struct_size = sizeof *results}};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    size_t length;
    sentiment_status status = sentiment_model_create(&config, &options, &model, NULL);
    if (!status)
        status = sentiment_session_create(model, &how, &session, NULL);
    if (!status)
        status = sentiment_session_predict(session, text, 18, 0, results, NULL, NULL, NULL);
    if (!status)
        status = sentiment_session_predict_batch(session, text, offsets, 3, NULL, results, NULL,
                                                 NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof long_texts; i++)
        long_texts[i] = "word_1 "[i % 7];
    if (!status)
        status = sentiment_session_predict_batch(session, long_texts, long_offsets, LONG, NULL,
                                                 results, NULL, NULL, NULL, NULL);
    if (!status)
        status = sentiment_session_explain(session, text, 18, 0, results, NULL, NULL, 0, NULL, NULL,
                                           NULL, &length, NULL);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return status;
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 2; threads++)
        for (size_t n = 1;; n++) {
            faulty_allocator faulty = {.fail_at = n};
            sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
            sentiment_status status = use_everything(&hooks, threads);
            assert_int_equal(faulty_allocator_live(&faulty), 0);
            if (!faulty_allocator_failed(&faulty)) {
                assert_int_equal(status, SENTIMENT_OK);
                break;
            }
            assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
        }
}

/* A failed call must leave the session usable. */
static void test_session_survives(void **state)
{
    (void)state;
    faulty_allocator faulty = {0};
    sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, &hooks);
    for (size_t n = 1; n < 40; n++) {
        sentiment_session *session = small_session(model, 1);
        sentiment_result result = {.struct_size = sizeof result};
        faulty.fail_at = faulty_allocator_calls(&faulty) + n;
        sentiment_status status =
            sentiment_session_predict(session, "word_1 x", 8, 0, &result, NULL, NULL, NULL);
        faulty.fail_at = 0;
        if (status) {
            assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
            assert_int_equal(
                sentiment_session_predict(session, "word_1 x", 8, 0, &result, NULL, NULL, NULL), 0);
        }
        assert_int_equal(result.tokens, 2);
        sentiment_session_free(session);
    }
    sentiment_model_free(model);
    assert_int_equal(faulty_allocator_live(&faulty), 0);
}

static void test_warm_allocates_nothing(void **state)
{
    (void)state;
    static sentiment_result results[TEXTS];
    faulty_allocator faulty = {0};
    sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
    texts many = make_texts();
    for (int32_t padding = SENTIMENT_PADDING_NONE; padding <= SENTIMENT_PADDING_MAX_LENGTH;
         padding++) {
        sentiment_model *model = small_model(padding, &hooks);
        sentiment_session *session = small_session(model, 2);
        size_t before = 0;
        for (int round = 0; round < 3; round++) {
            results[0].struct_size = sizeof *results;
            if (round == 1)
                before = faulty_allocator_calls(&faulty);
            assert_int_equal(sentiment_session_predict_batch(session, many.buffer, many.offsets,
                                                             TEXTS, NULL, results, NULL, NULL, NULL,
                                                             NULL),
                             0);
            assert_int_equal(
                sentiment_session_predict(session, many.buffer, 60, 0, results, NULL, NULL, NULL),
                0);
        }
        assert_int_equal(faulty_allocator_calls(&faulty), before);
        sentiment_session_free(session);
        sentiment_model_free(model);
    }
    assert_int_equal(faulty_allocator_live(&faulty), 0);
    free(many.buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_session_survives),
        cmocka_unit_test(test_warm_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
