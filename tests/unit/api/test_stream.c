/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams give the bits of predict: 10,000 random texts of both tokenizers,
 * both UTF-8 policies, one and two layers, with and without padding, settling
 * and not, in both precisions, cut at random bytes, three at a time through one session, with
 * predictions in between. */
#include "streams.h"

#include <string.h>

#include "text/utf8.h"

#define GROUPS 64
#define TEXTS_EACH 158 /* 10,112 in all */
/* Whether the model's answers come from a settled tail. */
static _Bool tail_settles(sentiment_model *model, sentiment_session *session,
                          sentiment_session_options options)
{
    static const char text[] = "good good good";
    options.disable_settled_tail = 1;
    sentiment_session *every_step = make_stream_session(model, &options);
    stream_answer a = ask_predict(session, text, sizeof text - 1, 0);
    stream_answer b = ask_predict(every_step, text, sizeof text - 1, 0);
    sentiment_session_free(every_step);
    return memcmp(a.logits, b.logits, sizeof a.logits) != 0;
}

static void run_group(size_t number)
{
    static const uint32_t lengths[] = {7, 40, 150, 300};
    _Bool settles = number & 16;
    const stream_model from = {
        .tokenizer = number & 2 ? SENTIMENT_TOKENIZER_WORDS : SENTIMENT_TOKENIZER_WHITESPACE,
        .layers = number & 4 ? 2 : 1,
        .padding = number & 8 ? SENTIMENT_PADDING_MAX_LENGTH : SENTIMENT_PADDING_NONE,
        .max_length = lengths[(number / 2 + number / 8) % 4],
        .scale = settles ? 0.1f : 3.0f};
    sentiment_model *model = make_stream_model(&from, NULL);
    sentiment_session_options options = {
        .struct_size = sizeof options,
        .precision = number & 32 ? SENTIMENT_PRECISION_INT8 : SENTIMENT_PRECISION_FP32,
        .utf8_policy = number & 1 ? SENTIMENT_UTF8_REPLACE : SENTIMENT_UTF8_STRICT,
        .threads = 1 + number % 2};
    sentiment_session *session = make_stream_session(model, &options);
    if (from.padding == SENTIMENT_PADDING_MAX_LENGTH && from.max_length >= 150)
        assert_int_equal(tail_settles(model, session, options), settles);
    run_stream_texts(session, options.utf8_policy, TEXTS_EACH, 1000 + number);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

static void test_random_texts(void **state)
{
    (void)state;
    for (size_t number = 0; number < GROUPS; number++)
        run_group(number);
}

/* Every way to cut one text in two, with answers, and byte by byte. */
static void test_every_cut(void **state)
{
    (void)state;
    static const char text[] = "Don't \xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3 \xE2\x9D\xA4\xEF\xB8\x8F!a "
                               "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB,\xC2\xA0good\r\n";
    const size_t size = sizeof text - 1;
    for (int32_t kind = SENTIMENT_TOKENIZER_WHITESPACE; kind <= SENTIMENT_TOKENIZER_WORDS; kind++) {
        const stream_model from = {.tokenizer = kind,
                                   .padding = SENTIMENT_PADDING_MAX_LENGTH,
                                   .layers = 2,
                                   .max_length = 6,
                                   .scale = 1.0f};
        sentiment_session_options options = {.struct_size = sizeof options};
        sentiment_model *model = make_stream_model(&from, NULL);
        sentiment_session *session = make_stream_session(model, &options);
        for (uint32_t limit = 0; limit < 12; limit += 3) {
            sentiment_stream *stream = NULL;
            assert_int_equal(sentiment_stream_create(session, limit, &stream, NULL), 0);
            stream_answer whole = ask_predict(session, text, size, limit), got;
            for (size_t cut = 0; cut <= size; cut++) {
                got = ask_feed(stream, text, cut);
                size_t known = sn_utf8_whole((const uint8_t *)text, cut);
                stream_answer part = ask_predict(session, text, known, limit);
                expect_same_answer(&got, &part);
                got = ask_feed(stream, text + cut, size - cut);
                expect_same_answer(&got, &whole);
                got = ask_end(stream);
                expect_same_answer(&got, &whole);
            }
            for (size_t i = 0; i < size; i++)
                assert_int_equal(sentiment_stream_feed(stream, text + i, 1, NULL, NULL, NULL, NULL),
                                 0);
            got = ask_end(stream);
            expect_same_answer(&got, &whole);
            sentiment_stream_free(stream);
        }
        sentiment_session_free(session);
        sentiment_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
