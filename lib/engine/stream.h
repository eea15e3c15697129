/* SPDX-License-Identifier: Apache-2.0
 *
 * A text that arrives in pieces. What cannot change any more is read by the
 * engine and forgotten; the rest, usually a word, waits in a buffer. */
#ifndef SN_ENGINE_STREAM_H
#define SN_ENGINE_STREAM_H

#include "engine/session.h"

/* max_length is at most SN_MAX_LENGTH, 0: the session's. */
sentiment_status sn_stream_create(sentiment_session *session, uint32_t max_length,
                                  sentiment_stream **out, sentiment_error *error);
void sn_stream_free(sentiment_stream *stream);

/* Appends a piece. `answer` is a batch of one, single, whose result, logits and
 * probabilities are to be filled for the text so far; NULL: none is. After
 * INVALID_UTF8 every call fails with it; after any other failure the text is as
 * it was. */
sentiment_status sn_stream_feed(sentiment_stream *stream, const char *text, size_t size,
                                const sn_batch *answer, sentiment_error *error);
/* Answers for the whole text and forgets it, also after a failure. */
sentiment_status sn_stream_end(sentiment_stream *stream, const sn_batch *answer,
                               sentiment_error *error);
void sn_stream_reset(sentiment_stream *stream);

#endif
