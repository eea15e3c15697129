/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share a model: sessions come and go while others predict, the
 * fold fills up under all of them, threads share the steps of one text, and every
 * answer has the same bits. Meant for ThreadSanitizer, useful without it. */
#include "support.h"

#include <pthread.h>
#include <string.h>

#include "texts.h"

#define THREADS 4
#define ROUNDS 3

typedef struct shared_state {
    sentiment_model *model;
    texts many;
    float truth[TEXTS][CLASSES];
    int failures[THREADS];
} shared_state;

typedef struct member {
    shared_state *shared;
    int number;
} member;

static int one_round(shared_state *shared, int number)
{
    static const size_t batch = 100;
    float logits[100][CLASSES];
    sentiment_result results[100];
    sentiment_session *session = NULL;
    sentiment_session_options options = {.struct_size = sizeof options,
                                         .threads = (uint32_t)number % 2 + 1};
    sentiment_model *model = sentiment_model_retain(shared->model);
    int bad = sentiment_session_create(model, &options, &session, NULL) != 0;
    sentiment_model_free(model);
    for (size_t i = 0; i < TEXTS / batch && !bad; i++) {
        size_t first = (i + (size_t)number) % (TEXTS / batch) * batch;
        results[0].struct_size = sizeof *results;
        bad = sentiment_session_predict_batch(session, shared->many.buffer,
                                              shared->many.offsets + first, batch, NULL, results,
                                              NULL, logits[0], NULL, NULL) != 0 ||
              memcmp(logits, shared->truth[first], sizeof logits) != 0;
    }
    sentiment_session_free(session);
    return bad;
}

static void *run(void *argument)
{
    member *self = argument;
    for (int round = 0; round < ROUNDS; round++)
        self->shared->failures[self->number] += one_round(self->shared, self->number);
    return NULL;
}

static void test_shared_model(void **state)
{
    (void)state;
    static shared_state shared;
    static sentiment_result results[TEXTS];
    pthread_t threads[THREADS];
    member members[THREADS];
    shared.many = make_texts();
    /* The truth comes from a model of its own, so that the shared one is cold. */
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    sentiment_session *session = small_session(model, 1);
    results[0].struct_size = sizeof *results;
    assert_int_equal(sentiment_session_predict_batch(session, shared.many.buffer,
                                                     shared.many.offsets, TEXTS, NULL, results,
                                                     NULL, shared.truth[0], NULL, NULL),
                     0);
    sentiment_session_free(session);
    sentiment_model_free(model);
    shared.model = small_model(SENTIMENT_PADDING_NONE, NULL);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (member){&shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &members[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(shared.failures[i], 0);
    sentiment_model_free(shared.model);
    free(shared.many.buffer);
}

/* Long texts, whose steps several threads share. */
static void test_long_texts(void **state)
{
    (void)state;
    enum { WORDS = 400, HIDDEN = 160 };
    static char text[WORDS * 10];
    const sentiment_model_config config = {.struct_size = sizeof config,
                                           .vocab_size = 100,
                                           .embedding_dim = 9,
                                           .hidden_size = HIDDEN,
                                           .num_classes = CLASSES,
                                           .padding = SENTIMENT_PADDING_NONE,
                                           .max_length = 2 * WORDS,
                                           .seed = 3};
    sentiment_model *model = NULL;
    size_t size = 0;
    for (int i = 0; i < WORDS; i++)
        size += (size_t)sprintf(text + size, "word_%d ", i * i % 97);
    assert_int_equal(sentiment_model_create(&config, NULL, &model, NULL), 0);
    for (int32_t precision = SENTIMENT_PRECISION_FP32; precision <= SENTIMENT_PRECISION_INT8;
         precision++)
        for (int32_t padding = SENTIMENT_PADDING_NONE; padding <= SENTIMENT_PADDING_MAX_LENGTH;
             padding++) {
            float truth[CLASSES], logits[CLASSES];
            for (uint32_t threads = 1; threads <= 5; threads++) {
                sentiment_session_options options = {.struct_size = sizeof options,
                                                     .threads = threads,
                                                     .padding = padding,
                                                     .precision = precision};
                sentiment_result result = {.struct_size = sizeof result};
                sentiment_session *session = NULL;
                assert_int_equal(sentiment_session_create(model, &options, &session, NULL), 0);
                for (int round = 0; round < 3; round++) {
                    assert_int_equal(sentiment_session_predict(session, text, size, 0, &result,
                                                               NULL, threads > 1 ? logits : truth,
                                                               NULL),
                                     0);
                    if (threads > 1)
                        assert_memory_equal(truth, logits, sizeof truth);
                }
                sentiment_session_free(session);
            }
        }
    sentiment_model_free(model);
}

/* A session that two threads share against the rules: a call is answered rightly, or
 * refused. */
typedef struct misused {
    sentiment_session *session;
    sentiment_stream *stream;
    float truth[CLASSES];
    int wrong, answered;
} misused;

static void *misuse(void *argument)
{
    misused *shared = argument;
    for (int i = 0; i < 500; i++) {
        float logits[CLASSES] = {0};
        size_t length = 0;
        sentiment_result result = {.struct_size = sizeof result};
        sentiment_status status =
            i % 5 == 0 ? sentiment_stream_feed(shared->stream, "word_3 ", 7, NULL, NULL, NULL, NULL)
            : i % 5 == 1 ? sentiment_stream_end(shared->stream, &result, NULL, NULL, NULL)
            : i % 5 == 2
                ? sentiment_session_explain(shared->session, "word_1 word_2", 13, 0, &result,
                                            logits, NULL, 0, NULL, NULL, NULL, &length, NULL)
                : sentiment_session_predict(shared->session, "word_1 word_2", 13, 0, &result, NULL,
                                            logits, NULL);
        _Bool right = i % 5 < 3 || !memcmp(logits, shared->truth, sizeof logits);
        if (status == SENTIMENT_OK ? !right : status != SENTIMENT_ERROR_INVALID_ARGUMENT)
            __atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
        if (status == SENTIMENT_OK)
            __atomic_add_fetch(&shared->answered, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void test_shared_session(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, NULL);
    misused shared = {.session = small_session(model, 1)};
    sentiment_result result = {.struct_size = sizeof result};
    assert_int_equal(sentiment_session_predict(shared.session, "word_1 word_2", 13, 0, &result,
                                               NULL, shared.truth, NULL),
                     0);
    assert_int_equal(sentiment_stream_create(shared.session, 0, &shared.stream, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, misuse, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.wrong, 0);
    assert_true(shared.answered > 0);
    sentiment_stream_free(shared.stream);
    sentiment_session_free(shared.session);
    sentiment_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared_model),
                                       cmocka_unit_test(test_long_texts),
                                       cmocka_unit_test(test_shared_session)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
