/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_session_*: argument checks and delegation, nothing else. */
#include "engine/session.h"
#include "api/checks.h"

#define INVALID SENTIMENT_ERROR_INVALID_ARGUMENT

static sentiment_status check_session_options(const sentiment_session_options *options,
                                              sentiment_error *error)
{
    sentiment_status status =
        sn_check_choice(options->engine, SENTIMENT_ENGINE_TORCH, "engine", error);
    if (!status)
        status = sn_check_choice(options->precision, SENTIMENT_PRECISION_INT8, "precision", error);
    if (!status)
        status = sn_check_choice(options->isa, SENTIMENT_ISA_NEON, "isa", error);
    if (!status)
        status = sn_check_choice(options->padding, SENTIMENT_PADDING_MAX_LENGTH, "padding", error);
    if (!status)
        status =
            sn_check_choice(options->utf8_policy, SENTIMENT_UTF8_REPLACE, "utf8_policy", error);
    if (!status)
        status = sn_check_flag(options->disable_settled_tail, "disable_settled_tail", error);
    if (!status)
        status = sn_check_zero(options->reserved, "sentiment_session_options.reserved", error);
    if (!status && options->max_length > SN_MAX_LENGTH)
        status = sn_fail(error, INVALID, SN_NO_OFFSET, "max_length is %u; expected 1 to %d",
                         options->max_length, SN_MAX_LENGTH);
    if (!status && options->threads != SENTIMENT_ALL_THREADS && options->threads > 1024)
        status = sn_fail(error, INVALID, SN_NO_OFFSET, "threads is %u; expected at most 1024",
                         options->threads);
    return status;
}

sentiment_status sentiment_session_create(sentiment_model *model,
                                          const sentiment_session_options *options,
                                          sentiment_session **session, sentiment_error *error)
{
    sentiment_session_options copy;
    sentiment_session_options_init(&copy);
    if (!model || !session)
        return sn_null_argument(error, model ? "session" : "model");
    sentiment_status status = SENTIMENT_OK;
    if (options)
        status = sn_take_struct(&copy, sizeof copy, options, "sentiment_session_options", error);
    if (!status)
        status = check_session_options(&copy, error);
    return status ? status : sn_session_create(model, &copy, session, error);
}

void sentiment_session_free(sentiment_session *session)
{
    sn_session_free(session);
}

sentiment_status sentiment_session_get_info(const sentiment_session *session,
                                            sentiment_session_info *info, sentiment_error *error)
{
    sentiment_session_info filled;
    if (!session || !info)
        return sn_null_argument(error, session ? "info" : "session");
    sn_session_describe(session, &filled);
    return sn_give_struct(info, &filled, sizeof filled, "sentiment_session_info", error);
}

sentiment_status sentiment_session_predict(sentiment_session *session, const char *text,
                                           size_t size, uint32_t max_length,
                                           sentiment_result *result, float *probabilities,
                                           float *logits, sentiment_error *error)
{
    if (!session || (!text && size))
        return sn_null_argument(error, session ? "text" : "session");
    sentiment_status status = sn_check_result(result, error);
    if (status)
        return status;
    sentiment_result answer = {.struct_size = sizeof answer};
    uint64_t offsets[2] = {0, size};
    sn_batch batch = {.text = text,
                      .offsets = offsets,
                      .max_lengths = &max_length,
                      .count = 1,
                      .results = &answer,
                      .probabilities = probabilities,
                      .logits = logits,
                      .single = 1};
    status = sn_session_run(session, &batch, error, error);
    if (!status)
        status = answer.status;
    return status ? status
                  : sn_give_struct(result, &answer, sizeof answer, "sentiment_result", error);
}

/* What predict_batch and predict_ids share. */
static sentiment_status predict_many(sentiment_session *session, const sn_batch *batch,
                                     _Bool has_data, sentiment_error *error)
{
    if (!session || !batch->offsets)
        return sn_null_argument(error, session ? "offsets" : "session");
    if (batch->count == 0)
        return SENTIMENT_OK;
    sentiment_status status = sn_check_result(batch->results, error);
    if (status)
        return status;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->offsets[i + 1] < batch->offsets[i])
            return sn_fail(error, INVALID, SN_NO_OFFSET,
                           "offsets[%zu] is %llu, below offsets[%zu]; expected ascending offsets",
                           i + 1, (unsigned long long)batch->offsets[i + 1], i);
    if (!has_data && batch->offsets[batch->count] > batch->offsets[0])
        return sn_null_argument(error, "the text");
    return sn_session_run(session, batch, NULL, error);
}

sentiment_status sentiment_session_predict_batch(sentiment_session *session, const char *text,
                                                 const uint64_t *offsets, size_t count,
                                                 const uint32_t *max_lengths,
                                                 sentiment_result *results, float *probabilities,
                                                 float *logits, const sentiment_cancel *cancel,
                                                 sentiment_error *error)
{
    sn_batch batch = {.text = text,
                      .offsets = offsets,
                      .max_lengths = max_lengths,
                      .count = count,
                      .results = results,
                      .probabilities = probabilities,
                      .logits = logits,
                      .cancel = cancel};
    return predict_many(session, &batch, text != NULL, error);
}

sentiment_status sentiment_session_predict_ids(sentiment_session *session, const int32_t *ids,
                                               const uint64_t *offsets, size_t count,
                                               const uint32_t *max_lengths,
                                               sentiment_result *results, float *probabilities,
                                               float *logits, const sentiment_cancel *cancel,
                                               sentiment_error *error)
{
    static const int32_t none = 0;
    sn_batch batch = {.ids = ids ? ids : &none,
                      .offsets = offsets,
                      .max_lengths = max_lengths,
                      .count = count,
                      .results = results,
                      .probabilities = probabilities,
                      .logits = logits,
                      .cancel = cancel};
    return predict_many(session, &batch, ids != NULL, error);
}

sentiment_status sentiment_session_explain(sentiment_session *session, const char *text,
                                           size_t size, uint32_t max_length,
                                           sentiment_result *result, float *logits, float *bias,
                                           size_t capacity, float *contributions, uint64_t *starts,
                                           uint64_t *ends, size_t *length, sentiment_error *error)
{
    if (!session || !length || (!text && size))
        return sn_null_argument(error, !session ? "session" : !length ? "length" : "text");
    sentiment_status status = sn_check_result(result, error);
    if (status)
        return status;
    sentiment_result answer = {.struct_size = sizeof answer};
    uint64_t offsets[2] = {0, size};
    sn_batch batch = {.text = text,
                      .offsets = offsets,
                      .max_lengths = &max_length,
                      .count = 1,
                      .results = &answer,
                      .logits = logits,
                      .single = 1};
    sn_explanation explanation = {.bias = bias,
                                  .contributions = contributions,
                                  .starts = starts,
                                  .ends = ends,
                                  .capacity = capacity};
    status = sn_session_explain(session, &batch, &explanation, error);
    if (!status || status == SENTIMENT_ERROR_BUFFER_TOO_SMALL)
        *length = explanation.length;
    return status ? status
                  : sn_give_struct(result, &answer, sizeof answer, "sentiment_result", error);
}
