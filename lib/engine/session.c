/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h. */
#include "engine/session.h"

#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "engine/result.h"

/* Folded rows unless the options say otherwise. */
#define FOLD_BYTES ((uint64_t)48 << 20)

static sentiment_status create_engine(sentiment_session *session,
                                      const sentiment_session_options *options,
                                      sentiment_error *error)
{
    sn_engine_options engine = {
        .precision = session->precision,
        .isa = sn_isa_lower(sn_cpu_isa(), options->isa),
        .threads = session->threads,
        .pool = session->pool,
        .disable_settled_tail = options->disable_settled_tail != 0,
        .fold_bytes = options->fold_bytes ? options->fold_bytes : FOLD_BYTES,
        .device = options->device,
    };
    session->engine = sn_engine_find(options->engine);
    return session->engine->create(session->model, &engine, &session->state, error);
}

sentiment_status sn_session_create(sentiment_model *model, const sentiment_session_options *options,
                                   sentiment_session **out, sentiment_error *error)
{
    sentiment_session *session = sn_alloc_zero(&model->memory, 1, sizeof *session);
    if (!session)
        return sn_fail_memory(error, "a session");
    uint32_t threads = options->threads ? options->threads : 1;
    session->memory = model->memory;
    session->model = sn_model_retain(model);
    session->precision = options->precision ? options->precision : model->precision;
    session->padding = options->padding ? options->padding : model->config.padding;
    session->utf8_policy = options->utf8_policy;
    session->max_length = options->max_length ? options->max_length : model->config.max_length;
    session->threads = threads == SENTIMENT_ALL_THREADS ? sn_cpu_count() : threads;
    session->process = getpid();
    session->lanes = sn_alloc_zero(&model->memory, session->threads, sizeof *session->lanes);
    sentiment_status status =
        session->lanes ? sn_pool_create(&session->memory, session->threads, &session->pool, error)
                       : sn_fail_memory(error, "a session's threads");
    if (!status)
        status = create_engine(session, options, error);
    if (status) {
        sn_session_free(session);
        return status;
    }
    *out = session;
    return SENTIMENT_OK;
}

void sn_session_free(sentiment_session *session)
{
    if (!session)
        return;
    sn_memory memory = session->memory;
    if (session->state)
        session->engine->destroy(session->state);
    sn_pool_free(session->pool);
    for (uint32_t i = 0; session->lanes && i < session->threads; i++)
        sn_lane_free(&memory, &session->lanes[i]);
    sn_free(&memory, session->lanes);
    sn_chunk_free(&memory, &session->chunk);
    sn_model_release(session->model);
    sn_free(&memory, session);
}

void sn_session_describe(const sentiment_session *session, sentiment_session_info *out)
{
    sn_engine_description engine = {0};
    session->engine->describe(session->state, &engine);
    uint64_t bytes = sizeof *session + engine.memory_bytes +
                     sn_chunk_bytes(&session->chunk, session->model->config.num_classes);
    for (uint32_t i = 0; i < session->threads; i++)
        bytes += sn_lane_bytes(&session->lanes[i]);
    *out = (sentiment_session_info){
        .engine = session->engine->id,
        .precision = session->precision,
        .isa = engine.isa,
        .threads = session->threads,
        .max_length = session->max_length,
        .padding = session->padding,
        .memory_bytes = bytes,
        .engine_name = session->engine->name,
        .isa_name = engine.isa_name,
    };
}

static sentiment_status run_chunk(sentiment_session *session, const sn_batch *batch,
                                  sentiment_error *item_error, sentiment_error *error)
{
    sn_chunk *chunk = &session->chunk;
    const sn_model_config *config = &session->model->config;
    if (chunk->rows == 0)
        return SENTIMENT_OK;
    sn_rows rows = {chunk->ids, chunk->offsets, chunk->totals, chunk->rows};
    sentiment_status status =
        session->engine->run(session->state, &rows, chunk->logits, batch->cancel, error);
    for (size_t r = 0; r < chunk->rows && !status; r++) {
        size_t item = (size_t)chunk->items[r];
        sn_result_finish(batch, item, config, chunk->logits + r * config->num_classes,
                         &chunk->results[r], item_error);
    }
    return status;
}

sentiment_status sn_session_begin(sentiment_session *session, sentiment_error *error)
{
    if (session->threads > 1 && getpid() != session->process)
        return sn_fail(error, SENTIMENT_ERROR_FORKED, SN_NO_OFFSET,
                       "this session has threads of the parent process; expected a session "
                       "created after fork()");
    if (atomic_exchange_explicit(&session->busy, 1, memory_order_acquire))
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "another call is using this session; expected a session for each thread");
    return SENTIMENT_OK;
}

void sn_session_end(sentiment_session *session)
{
    atomic_store_explicit(&session->busy, 0, memory_order_release);
}

sentiment_status sn_session_run(sentiment_session *session, const sn_batch *batch,
                                sentiment_error *item_error, sentiment_error *error)
{
    sentiment_status status = sn_session_begin(session, error);
    if (status)
        return status;
    for (size_t item = 0; item < batch->count && !status;) {
        if (sentiment_cancel_requested(batch->cancel))
            status = sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET,
                             "cancelled at text %zu of %zu", item, batch->count);
        if (!status)
            status = sn_chunk_fill(session, batch, item, &item, item_error, error);
        if (!status)
            status = run_chunk(session, batch, item_error, error);
    }
    sn_session_end(session);
    return status;
}

/* Runs the engine's explain on the one row of the chunk. */
static sentiment_status explain_row(sentiment_session *session, const sn_batch *batch,
                                    sn_explanation *explanation, sentiment_error *error)
{
    const sn_model_config *config = &session->model->config;
    sn_chunk *chunk = &session->chunk;
    size_t classes = config->num_classes;
    float *own = sn_alloc(&session->memory, explanation->length + 1, classes * sizeof *own);
    if (!own)
        return sn_fail_memory(error, "an explanation");
    float *bias = own + explanation->length * classes;
    sentiment_status status =
        session->engine->explain(session->state, chunk->ids, explanation->length, chunk->totals[0],
                                 chunk->logits, bias, own, error);
    if (!status)
        status = sn_result_finish(batch, 0, config, chunk->logits, &chunk->results[0], error);
    if (!status && explanation->bias)
        memcpy(explanation->bias, bias, classes * sizeof *bias);
    if (!status && explanation->contributions)
        memcpy(explanation->contributions, own, explanation->length * classes * sizeof *own);
    sn_free(&session->memory, own);
    return status;
}

static sentiment_status explain(sentiment_session *session, const sn_batch *batch,
                                sn_explanation *explanation, sentiment_error *error)
{
    const sn_tokens *tokens = &session->lanes[0].tokens;
    sentiment_status status = sn_chunk_fill_single(session, batch, error);
    if (status)
        return status;
    explanation->length = (size_t)session->chunk.offsets[1];
    if (explanation->length > explanation->capacity &&
        (explanation->contributions || explanation->starts || explanation->ends))
        return sn_fail(error, SENTIMENT_ERROR_BUFFER_TOO_SMALL, SN_NO_OFFSET,
                       "the text uses %zu tokens; the arrays have room for %zu",
                       explanation->length, explanation->capacity);
    status = explain_row(session, batch, explanation, error);
    size_t first = sn_chunk_first_token(session, batch, tokens->count, explanation->length);
    for (size_t i = 0; i < explanation->length && !status; i++) {
        if (explanation->starts)
            explanation->starts[i] = tokens->starts[first + i];
        if (explanation->ends)
            explanation->ends[i] = tokens->ends[first + i];
    }
    return status;
}

sentiment_status sn_session_explain(sentiment_session *session, const sn_batch *batch,
                                    sn_explanation *explanation, sentiment_error *error)
{
    sentiment_status status = sn_session_begin(session, error);
    if (status)
        return status;
    status = explain(session, batch, explanation, error);
    sn_session_end(session);
    return status;
}
