/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_stream_*: argument checks and delegation, nothing else. */
#include "engine/stream.h"
#include "api/checks.h"

sentiment_status sentiment_stream_create(sentiment_session *session, uint32_t max_length,
                                         sentiment_stream **stream, sentiment_error *error)
{
    if (!session || !stream)
        return sn_null_argument(error, session ? "stream" : "session");
    if (max_length > SN_MAX_LENGTH)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "max_length is %u; expected 1 to %d", max_length, SN_MAX_LENGTH);
    return sn_stream_create(session, max_length, stream, error);
}

/* A batch of one for an answer, whose struct is the caller's only in the end. */
static sn_batch one_answer(sentiment_result *answer, float *probabilities, float *logits)
{
    *answer = (sentiment_result){.struct_size = sizeof *answer};
    return (sn_batch){.count = 1,
                      .results = answer,
                      .probabilities = probabilities,
                      .logits = logits,
                      .single = 1};
}

sentiment_status sentiment_stream_feed(sentiment_stream *stream, const char *text, size_t size,
                                       sentiment_result *result, float *probabilities,
                                       float *logits, sentiment_error *error)
{
    if (!stream || (!text && size))
        return sn_null_argument(error, stream ? "text" : "stream");
    if (!result)
        return sn_stream_feed(stream, text, size, NULL, error);
    sentiment_status status = sn_check_result(result, error);
    if (status)
        return status;
    sentiment_result answer;
    sn_batch batch = one_answer(&answer, probabilities, logits);
    status = sn_stream_feed(stream, text, size, &batch, error);
    return status ? status
                  : sn_give_struct(result, &answer, sizeof answer, "sentiment_result", error);
}

sentiment_status sentiment_stream_end(sentiment_stream *stream, sentiment_result *result,
                                      float *probabilities, float *logits, sentiment_error *error)
{
    if (!stream)
        return sn_null_argument(error, "stream");
    sentiment_status status = sn_check_result(result, error);
    if (status) {
        sn_stream_reset(stream); /* the text ends here all the same */
        return status;
    }
    sentiment_result answer;
    sn_batch batch = one_answer(&answer, probabilities, logits);
    status = sn_stream_end(stream, &batch, error);
    return status ? status
                  : sn_give_struct(result, &answer, sizeof answer, "sentiment_result", error);
}

void sentiment_stream_reset(sentiment_stream *stream)
{
    if (stream)
        sn_stream_reset(stream);
}

void sentiment_stream_free(sentiment_stream *stream)
{
    sn_stream_free(stream);
}
