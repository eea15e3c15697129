/* SPDX-License-Identifier: Apache-2.0
 *
 * A text in pieces: after any piece, the answer is that of the whole text up to
 * there, to the bit. The first two bytes choose the sizes of the pieces and how
 * the session works; the rest is the text. */
#include <string.h>

#include "harness.h"
#include "model/model.h"
#include "support/random.h"
#include "text/utf8.h"

enum { REPLACE = 1, WORDS = 2, PADDED = 4, TWO_LAYERS = 8, INT8 = 16 };
enum { CLASSES = 2, MOST_TEXT = 1024 };

typedef struct answer {
    sentiment_status status;
    sentiment_result result;
    float probabilities[CLASSES], logits[CLASSES];
    uint64_t offset;
} answer;

static sentiment_status make_model(fuzz_run *run, uint8_t how, sentiment_model **out)
{
    static const uint8_t words[] = "agoodn't!\xc3\xa9\xce\xbf\xcf\x82";
    static const uint64_t offsets[] = {0, 1, 5, 8, 9, 11, 15};
    const sn_model_config config = {.vocab_size = 6, .embedding_dim = 3, .hidden_size = 4,
                                    .num_classes = CLASSES,
                                    .num_layers = how & TWO_LAYERS ? 2 : 1, .directions = 1,
                                    .max_length = 1 + how / 32u * 6, .temperature = 1,
                                    .padding = how & PADDED ? SENTIMENT_PADDING_MAX_LENGTH
                                                            : SENTIMENT_PADDING_NONE};
    sn_tokenizer tokenizer = {.kind = how & WORDS ? SENTIMENT_TOKENIZER_WORDS
                                                  : SENTIMENT_TOKENIZER_WHITESPACE};
    sentiment_model *model = NULL;
    uint64_t seed = 1;
    sentiment_status status = sn_model_allocate(&config, &run->memory, &model, &run->error);
    if (!status) {
        random_fill(&seed, model->storage, model->weights.parameters, 1);
        status = sn_vocabulary_build(&run->memory, words, offsets, NULL, 6, 6,
                                     &tokenizer.vocabulary, &run->error);
    }
    if (!status)
        status = sn_model_assemble(model, &tokenizer, NULL, 0, NULL, &run->error);
    sn_tokenizer_free(&tokenizer);
    if (status)
        sn_model_release(model);
    else
        *out = model;
    return status;
}

static void check_same(const answer *a, const answer *b)
{
    FUZZ_CHECK(a->status == b->status && a->offset == b->offset);
    if (a->status)
        return;
    FUZZ_CHECK(memcmp(a->logits, b->logits, sizeof a->logits) == 0);
    FUZZ_CHECK(memcmp(a->probabilities, b->probabilities, sizeof a->probabilities) == 0);
    FUZZ_CHECK(a->result.prediction == b->result.prediction && a->result.flags == b->result.flags);
    FUZZ_CHECK(a->result.tokens == b->result.tokens && a->result.unknown == b->result.unknown);
}

/* The answer for the first `size` bytes at once. */
static void ask_whole(fuzz_run *run, sentiment_session *session, const char *text, size_t size,
                      answer *out)
{
    *out = (answer){.result = {.struct_size = sizeof out->result}};
    out->status = sentiment_session_predict(session, text, size, 0, &out->result,
                                            out->probabilities, out->logits, &run->error);
    out->offset = out->status ? run->error.offset : 0;
}

static void ask_stream(fuzz_run *run, sentiment_stream *stream, const char *piece, size_t size,
                       answer *out)
{
    *out = (answer){.result = {.struct_size = sizeof out->result}};
    out->status = piece ? sentiment_stream_feed(stream, piece, size, &out->result,
                                                out->probabilities, out->logits, &run->error)
                        : sentiment_stream_end(stream, &out->result, out->probabilities,
                                               out->logits, &run->error);
    out->offset = out->status ? run->error.offset : 0;
}

/* One answer both ways; OUT_OF_MEMORY is passed on, other failures must agree. */
static sentiment_status compare(fuzz_run *run, sentiment_session *session,
                                sentiment_stream *stream, const char *text, size_t whole,
                                const char *piece, size_t size)
{
    answer expected, got;
    ask_stream(run, stream, piece, size, &got);
    if (got.status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        return got.status;
    ask_whole(run, session, text, whole, &expected);
    if (expected.status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        return expected.status;
    check_same(&expected, &got);
    return SENTIMENT_OK;
}

/* The pieces of the text; some are followed by an answer, the last one always. */
static sentiment_status feed_text(fuzz_run *run, uint8_t how, sentiment_session *session,
                                  sentiment_stream *stream)
{
    const char *text = (const char *)run->data + 2;
    const uint8_t *bytes = run->data + 2;
    size_t size = run->size - 2 < MOST_TEXT ? run->size - 2 : MOST_TEXT;
    uint64_t seed = run->data[0];
    sentiment_status status = SENTIMENT_OK;
    for (size_t at = 0, piece; at < size && !status; at += piece) {
        piece = 1 + random_next(&seed) % (1 + seed % 61);
        piece = piece < size - at ? piece : size - at;
        size_t whole = sn_utf8_whole(bytes, at + piece);
        _Bool bad = !(how & REPLACE) && sn_utf8_check(bytes, whole) < whole;
        if (bad || random_next(&seed) % 2)
            status = compare(run, session, stream, text, whole, text + at, piece);
        else
            status = sentiment_stream_feed(stream, text + at, piece, NULL, NULL, NULL, &run->error);
    }
    return status ? status : compare(run, session, stream, text, size, NULL, 0);
}

static sentiment_status run_stream(fuzz_run *run, sentiment_model *model, uint8_t how)
{
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_session *session = NULL;
    sentiment_stream *stream = NULL;
    options.utf8_policy = how & REPLACE ? SENTIMENT_UTF8_REPLACE : SENTIMENT_UTF8_STRICT;
    options.precision = how & INT8 ? SENTIMENT_PRECISION_INT8 : SENTIMENT_PRECISION_DEFAULT;
    options.engine = SENTIMENT_ENGINE_NATIVE;
    sentiment_status status = sentiment_session_create(model, &options, &session, &run->error);
    if (!status)
        status = sentiment_stream_create(session, 0, &stream, &run->error);
    /* Twice: what the first text leaves behind must not matter. */
    for (int i = 0; i < 2 && !status; i++)
        status = feed_text(run, how, session, stream);
    sentiment_stream_free(stream);
    sentiment_session_free(session);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sentiment_model *model = NULL;
    if (run->size < 2)
        return SENTIMENT_OK;
    sentiment_status status = make_model(run, run->data[1], &model);
    if (!status)
        status = run_stream(run, model, run->data[1]);
    sentiment_model_free(model);
    fuzz_expect(run, status, __func__);
    return status;
}

/* A model with its sessions, and tokens for each byte of the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 128, 131072};
    return fuzz_input(&target, data, size);
}
