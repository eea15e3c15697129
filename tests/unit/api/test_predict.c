/* SPDX-License-Identifier: Apache-2.0
 *
 * Predictions through the public API: the same bits however they are asked
 * for, flags and counts, failures of single items, explanations, cancel. */
#include "support.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "texts.h"

typedef struct answer_set {
    sentiment_result results[TEXTS];
    float probabilities[TEXTS][CLASSES];
    float logits[TEXTS][CLASSES];
} answer_set;

static void predict_all(sentiment_session *session, const texts *from, size_t batch,
                        answer_set *out)
{
    memset(out, 0, sizeof *out);
    for (size_t first = 0; first < TEXTS; first += batch) {
        size_t count = TEXTS - first < batch ? TEXTS - first : batch;
        out->results[first].struct_size = sizeof *out->results;
        assert_int_equal(
            sentiment_session_predict_batch(session, from->buffer, from->offsets + first, count,
                                            NULL, out->results + first, out->probabilities[first],
                                            out->logits[first], NULL, NULL),
            0);
    }
}

static void test_same_bits(void **state)
{
    (void)state;
    static answer_set truth, other;
    texts many = make_texts();
    for (int32_t padding = SENTIMENT_PADDING_NONE; padding <= SENTIMENT_PADDING_MAX_LENGTH;
         padding++) {
        sentiment_model *model = small_model(padding, NULL);
        for (uint32_t threads = 1; threads <= 4; threads++) {
            static const size_t batches[] = {1, 7, 50, TEXTS};
            sentiment_session *session = small_session(model, threads);
            for (size_t b = 0; b < 4; b++) {
                predict_all(session, &many, batches[b], threads == 1 && b == 0 ? &truth : &other);
                if (threads > 1 || b > 0)
                    assert_memory_equal(&truth, &other, sizeof truth);
            }
            sentiment_session_free(session);
        }
        sentiment_model_free(model);
    }
    free(many.buffer);
}

/* Items that fail among others, enough of them for several threads and parts. */
static void test_many_bad_items(void **state)
{
    (void)state;
    static answer_set one, more;
    texts many = make_texts();
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    for (size_t i = 3; i < TEXTS; i += 7)
        if (many.offsets[i + 1] > many.offsets[i])
            many.buffer[many.offsets[i + 1] - 1] = (char)0xFF;
    for (uint32_t threads = 1; threads <= 5; threads++) {
        sentiment_session *session = small_session(model, threads);
        predict_all(session, &many, TEXTS, threads == 1 ? &one : &more);
        if (threads > 1)
            assert_memory_equal(&one, &more, sizeof one);
        sentiment_session_free(session);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        uint64_t size = many.offsets[i + 1] - many.offsets[i];
        int32_t expected = i % 7 == 3 && size ? SENTIMENT_ERROR_INVALID_UTF8 : SENTIMENT_OK;
        assert_int_equal(one.results[i].status, expected);
        if (expected)
            assert_int_equal(one.results[i].error_offset, size - 1);
        else
            assert_int_equal(one.results[i].tokens, i % 31);
    }
    sentiment_model_free(model);
    free(many.buffer);
}

static void test_single_equals_batch(void **state)
{
    (void)state;
    static answer_set batch;
    texts many = make_texts();
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    predict_all(session, &many, TEXTS, &batch);
    for (size_t i = 0; i < TEXTS; i++) {
        sentiment_result result = {.struct_size = sizeof result};
        float probabilities[CLASSES], logits[CLASSES];
        assert_int_equal(sentiment_session_predict(session, many.buffer + many.offsets[i],
                                                   (size_t)(many.offsets[i + 1] - many.offsets[i]),
                                                   0, &result, probabilities, logits, NULL),
                         0);
        assert_memory_equal(&result, &batch.results[i], sizeof result);
        assert_memory_equal(probabilities, batch.probabilities[i], sizeof probabilities);
        assert_memory_equal(logits, batch.logits[i], sizeof logits);
        assert_true(fabsf(probabilities[0] + probabilities[1] + probabilities[2] - 1.0f) < 1e-6f);
        assert_true(result.confidence == probabilities[result.prediction]);
    }
    sentiment_session_free(session);
    sentiment_model_free(model);
    free(many.buffer);
}

static sentiment_result answer(sentiment_session *session, const char *text, uint32_t max_length)
{
    sentiment_result result = {.struct_size = sizeof result};
    sentiment_error error = {.struct_size = sizeof error};
    if (sentiment_session_predict(session, text, strlen(text), max_length, &result, NULL, NULL,
                                  &error))
        fail_msg("%s", error.message);
    return result;
}

static void test_flags(void **state)
{
    (void)state;
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_result result = answer(session, " \t", 0);
    assert_int_equal(result.flags, SENTIMENT_FLAG_EMPTY);
    assert_int_equal(result.tokens, 0);
    result = answer(session, "word_1 nope word_2", 0);
    assert_int_equal(result.flags, 0);
    assert_int_equal(result.tokens, 3);
    assert_int_equal(result.unknown, 1);
    result = answer(session, "nope nope word_2", 2);
    assert_int_equal(result.flags, SENTIMENT_FLAG_TRUNCATED | SENTIMENT_FLAG_ALL_UNKNOWN);
    assert_int_equal(result.tokens, 3);
    assert_int_equal(result.unknown, 2);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

/* An empty text without padding has pooled = 0: its logits are fc.bias, which
 * is also the bias that explains any other text. */
static void test_empty_is_bias(void **state)
{
    (void)state;
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_result result = {.struct_size = sizeof result};
    float logits[CLASSES], bias[CLASSES];
    size_t length = 9;
    assert_int_equal(sentiment_session_predict(session, NULL, 0, 0, &result, NULL, logits, NULL),
                     0);
    assert_int_equal(sentiment_session_explain(session, "word_3", 6, 0, &result, NULL, bias, 0,
                                               NULL, NULL, NULL, &length, NULL),
                     0);
    assert_int_equal(length, 1);
    assert_memory_equal(logits, bias, sizeof bias);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void test_bad_items(void **state)
{
    (void)state;
    static const char buffer[] = "word_1\xff word_2 word_3";
    static const uint64_t offsets[] = {0, 7, 14, 21};
    static const uint32_t lengths[] = {0, 0, 65537};
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_result results[3] = {{.struct_size = sizeof *results}};
    float probabilities[3][CLASSES];
    assert_int_equal(sentiment_session_predict_batch(session, buffer, offsets, 3, lengths, results,
                                                     probabilities[0], NULL, NULL, NULL),
                     0);
    assert_int_equal(results[0].status, SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(results[0].error_offset, 6);
    assert_true(probabilities[0][0] == 0.0f);
    assert_int_equal(results[1].status, SENTIMENT_OK);
    assert_true(results[1].confidence > 0.0f);
    assert_int_equal(results[2].status, SENTIMENT_ERROR_INVALID_ARGUMENT);

    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result single = {.struct_size = sizeof single, .prediction = 77};
    float untouched[2][CLASSES] = {{7, 7, 7}, {7, 7, 7}};
    assert_int_equal(sentiment_session_predict(session, buffer, 7, 0, &single, untouched[0],
                                               untouched[1], &error),
                     SENTIMENT_ERROR_INVALID_UTF8);
    for (size_t c = 0; c < CLASSES; c++)
        assert_true(untouched[0][c] == 7.0f && untouched[1][c] == 7.0f);
    assert_int_equal(error.code, SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(error.offset, 6);
    assert_true(error.message[0] != '\0');
    assert_int_equal(single.prediction, 77);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    static const uint64_t descending[] = {0, 5, 3};
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result results[2] = {{.struct_size = sizeof *results}};
    assert_int_equal(sentiment_session_predict(NULL, "", 0, 0, results, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_session_predict(session, NULL, 3, 0, results, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_session_predict(session, "", 0, 0, NULL, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_session_predict(session, "", 0, 70000, results, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_session_predict_batch(session, "hello", descending, 2, NULL, results,
                                                     NULL, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "offsets[2]"));
    results[0].struct_size = 3;
    assert_int_equal(sentiment_session_predict(session, "", 0, 0, results, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

/* Results of an older caller: as much as fits, and nothing behind it. */
static void test_short_results(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 6, 13};
    enum { SHORT = 24, FILL = 0x55 };
    _Alignas(sentiment_result) unsigned char memory[2 * SHORT + 8];
    uint32_t size = SHORT;
    sentiment_result *results = (sentiment_result *)(void *)memory, full[2];
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    full[0].struct_size = sizeof *full;
    assert_int_equal(sentiment_session_predict_batch(session, "word_1 nobody", offsets, 2, NULL,
                                                     full, NULL, NULL, NULL, NULL),
                     0);
    memset(memory, FILL, sizeof memory);
    memcpy(memory, &size, sizeof size);
    assert_int_equal(sentiment_session_predict_batch(session, "word_1 nobody", offsets, 2, NULL,
                                                     results, NULL, NULL, NULL, NULL),
                     0);
    for (size_t i = 0; i < 2; i++) {
        full[i].struct_size = SHORT;
        assert_memory_equal(memory + i * SHORT, &full[i], SHORT);
    }
    for (size_t i = 2 * SHORT; i < sizeof memory; i++)
        assert_int_equal(memory[i], FILL);
    memset(memory + 4, FILL, sizeof memory - 4);
    assert_int_equal(sentiment_session_predict(session, "word_1", 6, 0, results, NULL, NULL, NULL),
                     0);
    assert_memory_equal(memory, &full[0], SHORT);
    assert_int_equal(memory[SHORT], FILL);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void test_ids(void **state)
{
    (void)state;
    static const int32_t ids[] = {1, 2, 3, 99, 100, -1, 4};
    static const uint64_t offsets[] = {0, 4, 5, 6, 7, 7};
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 2);
    sentiment_result results[5] = {{.struct_size = sizeof *results}};
    float logits[5][CLASSES], text_logits[CLASSES];
    assert_int_equal(sentiment_session_predict_ids(session, ids, offsets, 5, NULL, results, NULL,
                                                   logits[0], NULL, NULL),
                     0);
    assert_int_equal(results[0].status, SENTIMENT_OK);
    assert_int_equal(results[1].status, SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(results[2].status, SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(results[3].status, SENTIMENT_OK);
    assert_int_equal(results[4].flags, SENTIMENT_FLAG_EMPTY);
    sentiment_result result = {.struct_size = sizeof result};
    const char *text = "word_1 word_2 word_3 word_99";
    assert_int_equal(
        sentiment_session_predict(session, text, strlen(text), 0, &result, NULL, text_logits, NULL),
        0);
    assert_memory_equal(logits[0], text_logits, sizeof text_logits);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void check_explain(int32_t padding)
{
    static const char text[] = "word_1  nope Word_22\tword_3";
    sentiment_model *model = small_model(padding, NULL);
    sentiment_session *session = small_session(model, 1);
    sentiment_result result = {.struct_size = sizeof result};
    float logits[CLASSES], plain[CLASSES], bias[CLASSES], parts[4][CLASSES];
    uint64_t starts[4], ends[4];
    size_t length = 0;
    assert_int_equal(sentiment_session_explain(session, text, sizeof text - 1, 0, &result, NULL,
                                               NULL, 2, parts[0], NULL, NULL, &length, NULL),
                     SENTIMENT_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(length, 4);
    assert_int_equal(sentiment_session_explain(session, text, sizeof text - 1, 0, &result, logits,
                                               bias, 4, parts[0], starts, ends, &length, NULL),
                     0);
    assert_int_equal(
        sentiment_session_predict(session, text, sizeof text - 1, 0, &result, NULL, plain, NULL),
        0);
    assert_memory_equal(plain, logits, sizeof plain);
    assert_int_equal(starts[2], 13);
    assert_int_equal(ends[2], 20);
    assert_int_equal(result.unknown, 1);
    for (size_t c = 0; c < CLASSES; c++) {
        float sum = bias[c];
        for (size_t t = 0; t < 4; t++)
            sum += parts[t][c];
        assert_true(fabsf(sum - logits[c]) < 1e-5f);
    }
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void test_explain(void **state)
{
    (void)state;
    check_explain(SENTIMENT_PADDING_NONE);
    check_explain(SENTIMENT_PADDING_MAX_LENGTH);
}

static void test_cancel(void **state)
{
    (void)state;
    static answer_set answers = {.results = {{.struct_size = sizeof(sentiment_result)}}};
    texts many = make_texts();
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 2);
    sentiment_cancel *cancel = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sentiment_cancel_create(&cancel, &error), 0);
    sentiment_cancel_request(cancel);
    assert_int_equal(sentiment_cancel_requested(cancel), 1);
    assert_int_equal(sentiment_session_predict_batch(session, many.buffer, many.offsets, TEXTS,
                                                     NULL, answers.results, NULL, NULL, cancel,
                                                     &error),
                     SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_reset(cancel);
    assert_int_equal(sentiment_session_predict_batch(session, many.buffer, many.offsets, TEXTS,
                                                     NULL, answers.results, NULL, NULL, cancel,
                                                     &error),
                     0);
    sentiment_cancel_free(cancel);
    sentiment_session_free(session);
    sentiment_model_free(model);
    free(many.buffer);
}

/* A child may not use the parent's threads; a session without threads serves on. */
static void test_fork(void **state)
{
    (void)state;
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *plain = small_session(model, 1), *threaded = small_session(model, 2);
    sentiment_result before = answer(plain, "word_1 word_2", 0);
    usleep(100000); /* the threads are asleep by now, most likely */
    pid_t child = fork();
    if (child == 0) {
        sentiment_result result = {.struct_size = sizeof result};
        int ok = sentiment_session_predict(threaded, "word_1", 6, 0, &result, NULL, NULL, NULL) ==
                 SENTIMENT_ERROR_FORKED;
        ok = ok && sentiment_session_predict(plain, "word_1 word_2", 13, 0, &result, NULL, NULL,
                                             NULL) == 0;
        ok = ok && result.confidence == before.confidence;
        alarm(20); /* freeing must not wait for threads that are not here */
        sentiment_session_free(threaded);
        sentiment_session_free(plain);
        sentiment_model_free(model);
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    sentiment_session_free(plain);
    sentiment_session_free(threaded);
    sentiment_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_single_equals_batch),
        cmocka_unit_test(test_flags),     cmocka_unit_test(test_empty_is_bias),
        cmocka_unit_test(test_bad_items), cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_ids),       cmocka_unit_test(test_explain),
        cmocka_unit_test(test_short_results), cmocka_unit_test(test_many_bad_items),
        cmocka_unit_test(test_cancel),    cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
