/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_stream_*: argument checks and delegation, nothing else. */
#include "api/checks.h"

sentiment_status sentiment_stream_create(sentiment_session *session, uint32_t max_length,
                                         sentiment_stream **stream, sentiment_error *error)
{
    (void)max_length;
    if (!session || !stream)
        return sn_null_argument(error, session ? "stream" : "session");
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET, "streams are not supported");
}

sentiment_status sentiment_stream_feed(sentiment_stream *stream, const char *text, size_t size,
                                       sentiment_result *result, float *probabilities,
                                       float *logits, sentiment_error *error)
{
    (void)stream, (void)text, (void)size, (void)result, (void)probabilities, (void)logits;
    return sn_null_argument(error, "stream");
}

sentiment_status sentiment_stream_end(sentiment_stream *stream, sentiment_result *result,
                                      float *probabilities, float *logits, sentiment_error *error)
{
    (void)stream, (void)result, (void)probabilities, (void)logits;
    return sn_null_argument(error, "stream");
}

void sentiment_stream_reset(sentiment_stream *stream)
{
    (void)stream;
}

void sentiment_stream_free(sentiment_stream *stream)
{
    (void)stream;
}
