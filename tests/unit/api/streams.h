/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of streams share: models that settle and models that do not,
 * texts of many scripts with and without broken bytes, and answers that are
 * compared as bits. */
#ifndef TEST_API_STREAMS_H
#define TEST_API_STREAMS_H

#include "support.h"
#include "text/tokenizer.h"

/* A network of a given kind; its words are those of the texts below. */
typedef struct stream_model {
    int32_t tokenizer; /* enum sentiment_tokenizer_kind */
    const char *json;  /* a tokenizer.json with ids up to 30, or NULL */
    int32_t padding;
    uint32_t layers;
    uint32_t bidirectional;
    uint32_t max_length;
    float scale; /* of the recurrent weights: 0.1 settles in both precisions, 3 in none */
} stream_model;

void make_json_tokenizer(const char *json, const sn_memory *memory, sn_tokenizer *out);
sentiment_model *make_stream_model(const stream_model *from, const sentiment_allocator *allocator);

sentiment_session *make_stream_session(sentiment_model *model,
                                       const sentiment_session_options *options);

/* Writes a random text of at most `capacity` bytes and returns its size; `bad`:
 * with bytes that are not UTF-8. */
size_t make_stream_text(uint64_t *seed, _Bool bad, char *out, size_t capacity);

/* What a call left: status, error, and with success its outputs. */
typedef struct stream_answer {
    sentiment_status status;
    sentiment_error error;
    sentiment_result result;
    float probabilities[CLASSES];
    float logits[CLASSES];
} stream_answer;

/* predict; feed with an answer; end. */
stream_answer ask_predict(sentiment_session *session, const char *text, size_t size,
                          uint32_t max_length);
stream_answer ask_feed(sentiment_stream *stream, const char *text, size_t size);
stream_answer ask_end(sentiment_stream *stream);

/* Fails unless both are the same to the bit, error messages included. */
void expect_same_answer(const stream_answer *a, const stream_answer *b);

/* Runs random texts through a session, three streams at a time, with answers
 * after some pieces and predictions in between: all of them must be the same. */
void run_stream_texts(sentiment_session *session, int32_t policy, size_t count, uint64_t seed);

#endif
