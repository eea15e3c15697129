/* SPDX-License-Identifier: Apache-2.0
 *
 * See streams.h. */
#include "streams.h"

#include <string.h>

#include "model/model.h"
#include "model/tokenizer_json.h"
#include "support/random.h"
#include "text/utf8.h"

/* Texts at a time, and bytes of one at most. */
#define TOGETHER 3
#define MOST_TEXT 8192
#define HIDDEN 19
#define EMBEDDING 5

/* Words of the models: what the pieces below make, and some that they do not. */
static const char *const words[] = {
    "a",
    "ab",
    "don",
    "'",
    "t",
    "don't",
    ",",
    ".",
    "!",
    "(",
    "-",
    "_",
    "1",
    "#",
    "12",
    "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82",
    "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x83",
    "\xCF\x83",
    "\xCF\x82",
    "a\xCC\x81",
    "i\xCC\x87",
    "\xC3\xA9",
    "\xE2\x9D\xA4\xEF\xB8\x8F",
    "\xE2\x9D\xA4",
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
    "\xF0\x9F\x91\xA9",
    "\xF0\x9F\x87\xBA\xF0\x9F\x87\xB8",
    "1\xEF\xB8\x8F\xE2\x83\xA3",
    "\xE4\xBD\xA0\xE5\xA5\xBD",
    "\xEF\xBC\x8C",
    "\xE3\x80\x82",
    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
    "\xEF\xBF\xBD",
    "good",
    "bad",
    "never",
};
#define WORDS (sizeof words / sizeof *words)

/* Texts are made of these, often with a space behind. */
static const char *const pieces[] = {
    "a",
    "A",
    "ab",
    "Don't",
    "don\xE2\x80\x99t",
    "`t",
    "'",
    ",",
    ".",
    "...",
    "!",
    "(",
    "-",
    "_",
    "1",
    "12",
    "#",
    "*",
    "good",
    "BAD",
    "Never",
    "nonsense",
    /* sigmas at the end of a word and not, across ignorable characters */
    "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3",
    "\xCE\xA3",
    "\xCE\xA3.",
    "\xCE\xA3'",
    "\xC2\xAD",
    "\xCC\x81",
    "a\xCC\x81",
    "\xC4\xB0",
    "\xC3\x89",
    "\xC3\xA9",
    /* pictures, flags, keycaps, and parts of them */
    "\xE2\x9D\xA4\xEF\xB8\x8F",
    "\xE2\x9D\xA4",
    "\xEF\xB8\x8F",
    "\xE2\x80\x8D",
    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
    "\xF0\x9F\x8F\xBD",
    "\xF0\x9F\x87\xBA",
    "\xF0\x9F\x87\xBA\xF0\x9F\x87\xB8",
    "1\xEF\xB8\x8F\xE2\x83\xA3",
    "\xE2\x83\xA3",
    /* other scripts */
    "\xE4\xBD\xA0\xE5\xA5\xBD",
    "\xEF\xBC\x8C",
    "\xE3\x80\x82",
    "\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7",
    "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80",
    /* whitespace */
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\xC2\xA0",
    "\xE2\x80\x89",
    "\xE3\x80\x80",
};
#define PIECES (sizeof pieces / sizeof *pieces)

static const char *const broken[] = {
    "\x80",         "\xFF",         "\xC2",     "\xE2\x9D",         "\xF0\x9F",
    "\xF0\x9F\x91", "\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80", "\xE0\x9F\xBF",
};
#define BROKEN (sizeof broken / sizeof *broken)

static void set_words(sn_vocabulary *out, const sn_memory *memory)
{
    uint8_t bytes[WORDS * 16];
    uint64_t offsets[WORDS + 1] = {0};
    int64_t ids[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        size_t size = strlen(words[i]);
        assert_true(offsets[i] + size <= sizeof bytes);
        memcpy(bytes + offsets[i], words[i], size);
        offsets[i + 1] = offsets[i] + size;
        ids[i] = (int64_t)i + 1;
    }
    assert_int_equal(sn_vocabulary_build(memory, bytes, offsets, ids, WORDS, WORDS + 1, out, NULL),
                     0);
}

void make_json_tokenizer(const char *json, const sn_memory *memory, sn_tokenizer *out)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_tokenizer_json_build(memory, json, strlen(json), WORDS + 1, out, &error))
        fail_msg("%s", error.message);
}

sentiment_model *make_stream_model(const stream_model *from, const sentiment_allocator *allocator)
{
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = allocator};
    const sn_memory memory = sn_model_memory(&options);
    const sn_model_config config = {.vocab_size = WORDS + 1,
                                    .embedding_dim = EMBEDDING,
                                    .hidden_size = HIDDEN,
                                    .num_classes = CLASSES,
                                    .num_layers = from->layers,
                                    .directions = from->bidirectional ? 2 : 1,
                                    .max_length = from->max_length,
                                    .padding = from->padding,
                                    .temperature = 1};
    uint64_t seed = 3;
    sn_tokenizer tokenizer = {.kind = from->tokenizer};
    sentiment_model *model = NULL;
    assert_int_equal(sn_model_allocate(&config, &memory, &model, NULL), 0);
    random_fill(&seed, model->storage, model->weights.parameters, from->scale);
    random_fill(&seed, model->storage, (WORDS + 1) * EMBEDDING, 2.0f);
    if (from->json)
        make_json_tokenizer(from->json, &model->memory, &tokenizer);
    else
        set_words(&tokenizer.vocabulary, &model->memory);
    assert_int_equal(sn_model_assemble(model, &tokenizer, NULL, 0, NULL, NULL), 0);
    return model;
}

sentiment_session *make_stream_session(sentiment_model *model,
                                       const sentiment_session_options *options)
{
    sentiment_session *session = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (sentiment_session_create(model, options, &session, &error))
        fail_msg("%s", error.message);
    return session;
}

size_t make_stream_text(uint64_t *seed, _Bool bad, char *out, size_t capacity)
{
    size_t size = 0, count = random_next(seed) % 40;
    if (random_next(seed) % 8 == 0)
        count *= 40;
    for (size_t i = 0; i < count; i++) {
        uint64_t dice = random_next(seed);
        const char *piece =
            bad && dice % 11 == 0 ? broken[(dice >> 8) % BROKEN] : pieces[(dice >> 8) % PIECES];
        size_t length = strlen(piece);
        if (length + 1 > capacity - size)
            break;
        memcpy(out + size, piece, length);
        size += length;
        if ((dice >> 32) % 3 == 0)
            out[size++] = ' ';
    }
    return size;
}

static stream_answer fresh_answer(void)
{
    return (stream_answer){.error = {.struct_size = sizeof(sentiment_error)},
                           .result = {.struct_size = sizeof(sentiment_result)}};
}

stream_answer ask_predict(sentiment_session *session, const char *text, size_t size,
                          uint32_t max_length)
{
    stream_answer out = fresh_answer();
    out.status = sentiment_session_predict(session, text, size, max_length, &out.result,
                                           out.probabilities, out.logits, &out.error);
    return out;
}

stream_answer ask_feed(sentiment_stream *stream, const char *text, size_t size)
{
    stream_answer out = fresh_answer();
    out.status = sentiment_stream_feed(stream, text, size, &out.result, out.probabilities,
                                       out.logits, &out.error);
    return out;
}

stream_answer ask_end(sentiment_stream *stream)
{
    stream_answer out = fresh_answer();
    out.status =
        sentiment_stream_end(stream, &out.result, out.probabilities, out.logits, &out.error);
    return out;
}

void expect_same_answer(const stream_answer *a, const stream_answer *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->error.offset, b->error.offset);
    assert_string_equal(a->error.message, b->error.message);
    assert_memory_equal(&a->result, &b->result, sizeof a->result);
    assert_memory_equal(a->probabilities, b->probabilities, sizeof a->probabilities);
    assert_memory_equal(a->logits, b->logits, sizeof a->logits);
}

/* Streams of one session, with a text each. */
typedef struct group {
    int32_t policy;
    sentiment_session *session;
    sentiment_stream *streams[TOGETHER];
} group;

/* A text on its way through a stream. */
typedef struct feeding {
    char text[MOST_TEXT];
    size_t size;
    size_t fed;
} feeding;

/* Piece sizes: single bytes, a few, all that is left. */
static size_t piece_size(uint64_t *seed, size_t left)
{
    uint64_t dice = random_next(seed);
    size_t size = dice % 4 == 0 ? 1 : dice % 4 == 3 ? left : dice / 4 % 60;
    return size < left ? size : left;
}

/* Feeds one more piece, with or without an answer. */
static void feed_piece(group *with, size_t number, feeding *at, uint64_t *seed)
{
    size_t size = piece_size(seed, at->size - at->fed);
    const char *piece = at->text + at->fed;
    at->fed += size;
    size_t whole = sn_utf8_whole((const uint8_t *)at->text, at->fed);
    _Bool bad = with->policy == SENTIMENT_UTF8_STRICT &&
                sn_utf8_check((const uint8_t *)at->text, whole) < whole;
    if (!bad && random_next(seed) % 2) {
        assert_int_equal(
            sentiment_stream_feed(with->streams[number], piece, size, NULL, NULL, NULL, NULL), 0);
        return;
    }
    stream_answer expected = ask_predict(with->session, at->text, whole, 0);
    stream_answer got = ask_feed(with->streams[number], piece, size);
    assert_int_equal(expected.status != 0, bad);
    expect_same_answer(&got, &expected);
}

static void end_text(group *with, size_t number, const feeding *at)
{
    stream_answer expected = ask_predict(with->session, at->text, at->size, 0);
    stream_answer got = ask_end(with->streams[number]);
    expect_same_answer(&got, &expected);
}

void run_stream_texts(sentiment_session *session, int32_t policy, size_t count, uint64_t seed)
{
    static feeding texts[TOGETHER];
    group with = {.policy = policy, .session = session};
    size_t started = 0, running = 0;
    _Bool open[TOGETHER] = {0};
    for (size_t i = 0; i < TOGETHER; i++)
        assert_int_equal(sentiment_stream_create(session, 0, &with.streams[i], NULL), 0);
    while (started < count || running > 0) {
        size_t i = random_next(&seed) % TOGETHER;
        feeding *at = &texts[i];
        if (!open[i] && started < count) {
            _Bool bad = random_next(&seed) % (policy == SENTIMENT_UTF8_STRICT ? 4 : 2) == 0;
            at->size = make_stream_text(&seed, bad, at->text, sizeof at->text);
            at->fed = 0;
            open[i] = 1;
            started++;
            running++;
        } else if (open[i] && at->fed < at->size) {
            feed_piece(&with, i, at, &seed);
        } else if (open[i]) {
            end_text(&with, i, at);
            open[i] = 0;
            running--;
        }
    }
    for (size_t i = 0; i < TOGETHER; i++)
        sentiment_stream_free(with.streams[i]);
}
