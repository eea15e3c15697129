/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams in every state: arguments, resets, broken texts, failures that must
 * leave the text as it was, memory that must not grow, forked processes. */
#include "streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/model.h"
#include "support/faulty_allocator.h"
#include "support/random.h"

static const stream_model plain = {.tokenizer = SENTIMENT_TOKENIZER_WORDS,
                                   .padding = SENTIMENT_PADDING_MAX_LENGTH,
                                   .layers = 1,
                                   .max_length = 30,
                                   .scale = 0.4f};

/* A model, a session and a stream of it. */
typedef struct set {
    sentiment_model *model;
    sentiment_session *session;
    sentiment_stream *stream;
} set;

static set make_set(const stream_model *from, uint32_t threads,
                    const sentiment_allocator *allocator)
{
    sentiment_session_options options = {.struct_size = sizeof options, .threads = threads};
    set out = {.model = make_stream_model(from, allocator)};
    out.session = make_stream_session(out.model, &options);
    assert_int_equal(sentiment_stream_create(out.session, 0, &out.stream, NULL), 0);
    return out;
}

static void free_set(set *all)
{
    sentiment_stream_free(all->stream);
    sentiment_session_free(all->session);
    sentiment_model_free(all->model);
}

static sentiment_status feed(sentiment_stream *stream, const char *text)
{
    return sentiment_stream_feed(stream, text, strlen(text), NULL, NULL, NULL, NULL);
}

/* The stream's answer at the end is predict's for this text. */
static void expect_end(const set *all, const char *text)
{
    stream_answer expected = ask_predict(all->session, text, strlen(text), 0);
    stream_answer got = ask_end(all->stream);
    expect_same_answer(&got, &expected);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    set all = make_set(&plain, 1, NULL);
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result result = {.struct_size = sizeof result}, small = {.struct_size = 5};
    sentiment_stream *none = NULL;
    const sentiment_status invalid = SENTIMENT_ERROR_INVALID_ARGUMENT;
    assert_int_equal(sentiment_stream_create(NULL, 0, &none, &error), invalid);
    assert_int_equal(sentiment_stream_create(all.session, 0, NULL, &error), invalid);
    assert_int_equal(sentiment_stream_create(all.session, 65537, &none, &error), invalid);
    assert_non_null(strstr(error.message, "65537"));
    assert_null(none);
    assert_int_equal(sentiment_stream_feed(NULL, "", 0, NULL, NULL, NULL, &error), invalid);
    assert_int_equal(sentiment_stream_feed(all.stream, NULL, 1, NULL, NULL, NULL, &error), invalid);
    assert_int_equal(feed(all.stream, "good "), 0);
    assert_int_equal(sentiment_stream_feed(all.stream, "bad", 3, &small, NULL, NULL, &error),
                     invalid);
    assert_int_equal(sentiment_stream_feed(all.stream, NULL, 0, NULL, NULL, NULL, &error), 0);
    expect_end(&all, "good ");
    /* The text ends with every call of end. */
    assert_int_equal(sentiment_stream_end(NULL, &result, NULL, NULL, &error), invalid);
    assert_int_equal(feed(all.stream, "bad"), 0);
    assert_int_equal(sentiment_stream_end(all.stream, NULL, NULL, NULL, &error), invalid);
    assert_int_equal(feed(all.stream, "bad"), 0);
    assert_int_equal(sentiment_stream_end(all.stream, &small, NULL, NULL, &error), invalid);
    expect_end(&all, "");
    sentiment_stream_reset(NULL);
    sentiment_stream_free(NULL);
    free_set(&all);
}

static void test_bidirectional(void **state)
{
    (void)state;
    stream_model from = plain;
    from.bidirectional = 1;
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = make_stream_model(&from, NULL);
    sentiment_session *session = make_stream_session(model, &options);
    sentiment_stream *stream = NULL;
    assert_int_equal(sentiment_stream_create(session, 0, &stream, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "bidirectional"));
    assert_null(stream);
    sentiment_session_free(session);
    sentiment_model_free(model);
}

/* Reset and free in every state that a stream can be in. */
static void test_reset(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "go", "good, bad. never ", "good \xE2\x9D", "good \xFF", "\xF0\x9F\x91\xA9\xE2\x80\x8D",
    };
    set all = make_set(&plain, 1, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int asked = 0; asked < 2; asked++) {
            if (asked)
                ask_feed(all.stream, texts[i], strlen(texts[i]));
            else
                feed(all.stream, texts[i]);
            sentiment_stream_reset(all.stream);
            assert_int_equal(feed(all.stream, "od never"), 0);
            expect_end(&all, "od never");
            sentiment_stream *other = NULL;
            assert_int_equal(sentiment_stream_create(all.session, 3, &other, NULL), 0);
            feed(other, texts[i]);
            sentiment_stream_free(other);
        }
    sentiment_stream_reset(all.stream);
    sentiment_stream_reset(all.stream);
    expect_end(&all, "");
    expect_end(&all, "");
    free_set(&all);
}

/* A broken text fails with the same words until it ends, and leaves outputs alone. */
static void test_broken_text(void **state)
{
    (void)state;
    static const char text[] = "good never, good never, good never, good never, bad \xE2\x9D!";
    set all = make_set(&plain, 1, NULL);
    stream_answer expected = ask_predict(all.session, text, sizeof text - 1, 0);
    assert_int_equal(expected.status, SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(expected.error.offset, sizeof text - 4);
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(sentiment_stream_feed(all.stream, text, cut, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(sentiment_stream_feed(all.stream, text + cut, sizeof text - 1 - cut, NULL,
                                               NULL, NULL, &error),
                         SENTIMENT_ERROR_INVALID_UTF8);
        assert_string_equal(error.message, expected.error.message);
        stream_answer again = ask_feed(all.stream, "good", 4);
        expect_same_answer(&again, &expected);
        again = ask_feed(all.stream, NULL, 0);
        expect_same_answer(&again, &expected);
        again = ask_end(all.stream);
        expect_same_answer(&again, &expected);
        expect_end(&all, "");
    }
    /* An end that cuts a sequence off is an error of the end alone. */
    stream_answer open = ask_feed(all.stream, "good \xF0\x9F\x91", 8);
    stream_answer known = ask_predict(all.session, "good ", 5, 0);
    expect_same_answer(&open, &known);
    open = ask_end(all.stream);
    assert_int_equal(open.status, SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(open.error.offset, 5);
    assert_int_equal(open.result.tokens, 0);
    free_set(&all);
}

/* "good" and much more, with a long word at its end; free() it. */
static char *make_long_text(size_t *size)
{
    const size_t most = 60000, word = 20000;
    uint64_t seed = 21;
    char *out = malloc(most);
    assert_non_null(out);
    memcpy(out, "good", 4);
    for (*size = 4; *size < most - word - 8192;)
        *size += make_stream_text(&seed, 0, out + *size, most - word - *size);
    memset(out + *size, 'W', word);
    *size += word;
    return out;
}

/* Feeds "good", then a long piece with "good" right before it in memory; the
 * allocation number `n` of that fails. Where it was the long piece's, the text is as it was, and
 * reading the piece again goes well. False if there was no such allocation. */
static _Bool fail_allocation(size_t n, const char *piece, size_t size)
{
    faulty_allocator faulty = {0};
    sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
    sentiment_session_options options = {.struct_size = sizeof options};
    set all = {.model = make_stream_model(&plain, &hooks)};
    all.session = make_stream_session(all.model, &options);
    stream_answer got = {0};
    faulty.fail_at = faulty_allocator_calls(&faulty) + n;
    sentiment_status status = sentiment_stream_create(all.session, 0, &all.stream, NULL);
    if (!status)
        status = feed(all.stream, "good");
    if (!status) {
        got = ask_feed(all.stream, piece, size);
        status = got.status;
    }
    _Bool reached = faulty_allocator_failed(&faulty);
    faulty.fail_at = 0;
    assert_int_equal(status, reached ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
    if (got.status) {
        assert_int_equal(got.result.tokens, 0);
        stream_answer before = ask_feed(all.stream, NULL, 0);
        stream_answer known = ask_predict(all.session, "good", 4, 0);
        expect_same_answer(&before, &known);
        got = ask_feed(all.stream, piece, size);
    }
    if (all.stream && got.error.struct_size) {
        stream_answer expected = ask_predict(all.session, piece - 4, size + 4, 0);
        expect_same_answer(&got, &expected);
    }
    free_set(&all);
    assert_int_equal(faulty_allocator_live(&faulty), 0);
    return reached;
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    size_t size, n = 1;
    char *text = make_long_text(&size);
    while (fail_allocation(n, text + 4, size - 4))
        n++;
    assert_true(n > 10);
    free(text);
}

/* Weights of the last layer as large as can be: logits overflow for some texts. */
static void make_overflow(sentiment_model *model)
{
    size_t classes = model->config.num_classes, hidden = model->config.hidden_size;
    float *fc_bias = model->storage + model->weights.parameters - classes;
    float *fc_weight = fc_bias - classes * hidden;
    for (size_t i = 0; i < classes * hidden; i++)
        fc_weight[i] = fc_weight[i] < 0 ? -3e38f : 3e38f;
    for (size_t c = 0; c < classes; c++)
        fc_bias[c] = 0;
}

/* An answer that cannot be given: the piece has not come. */
static void test_overflow_is_undone(void **state)
{
    (void)state;
    static const char *const candidates[] = {"good", "bad", "never", "a", "ab", "12", "don"};
    stream_model from = plain;
    from.padding = SENTIMENT_PADDING_NONE;
    from.scale = 1.0f;
    sentiment_session_options options = {.struct_size = sizeof options};
    set all = {.model = make_stream_model(&from, NULL)};
    make_overflow(all.model);
    all.session = make_stream_session(all.model, &options);
    assert_int_equal(sentiment_stream_create(all.session, 0, &all.stream, NULL), 0);
    size_t undone = 0;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        for (size_t k = 0; k < sizeof candidates / sizeof *candidates; k++) {
            char first[32], both[64];
            snprintf(first, sizeof first, "%s ", candidates[i]);
            snprintf(both, sizeof both, "%s%s ", first, candidates[k]);
            stream_answer fine = ask_predict(all.session, first, strlen(first), 0);
            stream_answer bad = ask_predict(all.session, both, strlen(both), 0);
            if (fine.status || bad.status != SENTIMENT_ERROR_BAD_MODEL)
                continue;
            undone++;
            assert_int_equal(feed(all.stream, first), 0);
            stream_answer got =
                ask_feed(all.stream, both + strlen(first), strlen(candidates[k]) + 1);
            assert_int_equal(got.status, SENTIMENT_ERROR_BAD_MODEL);
            assert_string_equal(got.error.message, bad.error.message);
            got = ask_feed(all.stream, NULL, 0);
            expect_same_answer(&got, &fine);
            got = ask_end(all.stream);
            expect_same_answer(&got, &fine);
            assert_int_equal(feed(all.stream, both), 0);
            assert_int_equal(ask_end(all.stream).status, SENTIMENT_ERROR_BAD_MODEL);
            expect_end(&all, "");
        }
    assert_true(undone > 0);
    free_set(&all);
}

static void test_warm_stream_allocates_nothing(void **state)
{
    (void)state;
    faulty_allocator faulty = {0};
    sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
    set all = make_set(&plain, 1, &hooks);
    size_t warm = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            assert_int_equal(feed(all.stream, i % 3 ? "good, " : "don\xE2\x80\x99t \xE2"), 0);
            if (i % 3 == 0)
                assert_int_equal(feed(all.stream, "\x9D\xA4"), 0);
            if (i % 5 == 0)
                assert_int_equal(ask_feed(all.stream, "B", 1).status, 0);
        }
        assert_int_equal(ask_end(all.stream).status, 0);
        if (round == 0)
            warm = faulty_allocator_calls(&faulty);
    }
    assert_int_equal(faulty_allocator_calls(&faulty), warm);
    free_set(&all);
}

/* Allocates as malloc and remembers the largest block. */
static void *largest_allocate(void *user, size_t size)
{
    size_t *largest = user;
    *largest = size > *largest ? size : *largest;
    return malloc(size);
}

static void *largest_reallocate(void *user, void *pointer, size_t size)
{
    size_t *largest = user;
    *largest = size > *largest ? size : *largest;
    return realloc(pointer, size);
}

static void largest_release(void *user, void *pointer)
{
    (void)user;
    free(pointer);
}

/* Memory follows the longest word, not the text nor the piece; and a long word
 * in single bytes takes linear time: quadratic time would take days. */
static void test_long_texts(void **state)
{
    (void)state;
    const size_t size = (size_t)4 << 20, piece = 5000;
    size_t largest = 0;
    const sentiment_allocator hooks = {.struct_size = sizeof hooks,
                                       .user = &largest,
                                       .allocate = largest_allocate,
                                       .reallocate = largest_reallocate,
                                       .release = largest_release};
    set all = make_set(&plain, 1, &hooks);
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 6 == 5 ? ' ' : "gooddy"[i % 6];
    largest = 0;
    assert_int_equal(sentiment_stream_feed(all.stream, text, size, NULL, NULL, NULL, NULL), 0);
    stream_answer whole = ask_end(all.stream);
    for (size_t at = 0; at < size; at += piece)
        assert_int_equal(sentiment_stream_feed(all.stream, text + at,
                                               size - at < piece ? size - at : piece, NULL, NULL,
                                               NULL, NULL),
                         0);
    stream_answer cut = ask_end(all.stream);
    assert_true(largest > 0 && largest < (size_t)64 << 10);
    stream_answer expected = ask_predict(all.session, text, size, 0);
    assert_int_equal(expected.result.tokens, size / 6 + 1);
    expect_same_answer(&whole, &expected);
    expect_same_answer(&cut, &expected);

    memset(text, 'W', size);
    for (size_t at = 0; at < size; at++)
        assert_int_equal(sentiment_stream_feed(all.stream, text + at, 1, NULL, NULL, NULL, NULL),
                         0);
    stream_answer word = ask_end(all.stream);
    expected = ask_predict(all.session, text, size, 0);
    assert_int_equal(expected.result.tokens, 1);
    expect_same_answer(&word, &expected);
    free(text);
    free_set(&all);
}

/* The stream's own limit; tokens behind it are counted. */
static void test_max_length(void **state)
{
    (void)state;
    static const char text[] = "good bad nope never good nope nope bad";
    set all = make_set(&plain, 1, NULL);
    for (uint32_t limit = 1; limit < 12; limit++) {
        sentiment_stream *stream = NULL;
        assert_int_equal(sentiment_stream_create(all.session, limit, &stream, NULL), 0);
        stream_answer got = {0}, expected = ask_predict(all.session, text, sizeof text - 1, limit);
        for (size_t at = 0; at < sizeof text - 1; at++)
            got = ask_feed(stream, text + at, 1);
        expect_same_answer(&got, &expected);
        got = ask_end(stream);
        expect_same_answer(&got, &expected);
        assert_int_equal(got.result.tokens, 8);
        assert_int_equal(got.result.flags, limit < 8 ? SENTIMENT_FLAG_TRUNCATED : 0);
        sentiment_stream_free(stream);
    }
    free_set(&all);
}

static void test_fork(void **state)
{
    (void)state;
    set all = make_set(&plain, 2, NULL);
    assert_int_equal(feed(all.stream, "good bad never never good bad bad never good bad never "
                                      "never good bad bad never"),
                     0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sentiment_stream *other = NULL;
        _Bool right =
            feed(all.stream, " good") == SENTIMENT_ERROR_FORKED &&
            ask_feed(all.stream, " good", 5).status == SENTIMENT_ERROR_FORKED &&
            ask_end(all.stream).status == SENTIMENT_ERROR_FORKED &&
            sentiment_stream_create(all.session, 0, &other, NULL) == SENTIMENT_ERROR_FORKED;
        _exit(right ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_end(&all, "good bad never never good bad bad never good bad never "
                     "never good bad bad never");
    free_set(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_bidirectional),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_broken_text),
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_overflow_is_undone),
        cmocka_unit_test(test_warm_stream_allocates_nothing),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_max_length),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
