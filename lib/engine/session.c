/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h. */
#include "engine/session.h"

#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "engine/result.h"

/* A chunk is full at so many rows, or at the first row past so many ids. */
#define CHUNK_ROWS 4096
#define CHUNK_IDS ((size_t)1 << 18)
/* Logits of a chunk, for models with very many classes: fewer rows then. */
#define CHUNK_LOGITS ((size_t)1 << 20)
/* Folded rows unless the options say otherwise. */
#define FOLD_BYTES ((uint64_t)48 << 20)

static sentiment_status create_engine(sentiment_session *session,
                                      const sentiment_session_options *options,
                                      sentiment_error *error)
{
    int32_t isa = sn_cpu_isa();
    if (options->isa && options->isa < isa)
        isa = options->isa;
    sn_engine_options engine = {
        .precision = session->precision,
        .isa = isa,
        .threads = session->threads,
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
    sentiment_status status = create_engine(session, options, error);
    if (status) {
        sn_session_free(session);
        return status;
    }
    *out = session;
    return SENTIMENT_OK;
}

static void free_chunk(const sn_memory *memory, sn_chunk *chunk)
{
    sn_free(memory, chunk->ids);
    sn_free(memory, chunk->offsets);
    sn_free(memory, chunk->totals);
    sn_free(memory, chunk->items);
    sn_free(memory, chunk->logits);
    sn_free(memory, chunk->results);
    *chunk = (sn_chunk){0};
}

void sn_session_free(sentiment_session *session)
{
    if (!session)
        return;
    sn_memory memory = session->memory;
    if (session->state)
        session->engine->destroy(session->state);
    sn_tokens_free(&memory, &session->tokens);
    free_chunk(&memory, &session->chunk);
    sn_model_release(session->model);
    sn_free(&memory, session);
}

void sn_session_describe(const sentiment_session *session, sentiment_session_info *out)
{
    const sn_chunk *chunk = &session->chunk;
    size_t row = 2 * sizeof(uint64_t) + sizeof(uint32_t) + sizeof(sentiment_result) +
                 session->model->config.num_classes * sizeof(float);
    sn_engine_description engine = {0};
    session->engine->describe(session->state, &engine);
    *out = (sentiment_session_info){
        .engine = session->engine->id,
        .precision = session->precision,
        .isa = engine.isa,
        .threads = session->threads,
        .max_length = session->max_length,
        .padding = session->padding,
        .memory_bytes = sizeof *session + engine.memory_bytes +
                        chunk->ids_capacity * sizeof(int32_t) + chunk->rows_capacity * row +
                        sn_tokens_bytes(&session->tokens),
        .engine_name = session->engine->name,
        .isa_name = engine.isa_name,
    };
}

static _Bool grow(const sn_memory *memory, void *array, size_t count, size_t size)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = sn_realloc(memory, old, count, size);
    if (grown)
        memcpy(array, &grown, sizeof grown);
    return grown != NULL;
}

static _Bool reserve_rows(sentiment_session *session, size_t rows)
{
    sn_chunk *chunk = &session->chunk;
    const sn_memory *memory = &session->memory;
    if (rows <= chunk->rows_capacity)
        return 1;
    size_t classes = session->model->config.num_classes;
    if (!grow(memory, &chunk->offsets, rows + 1, sizeof *chunk->offsets) ||
        !grow(memory, &chunk->totals, rows, sizeof *chunk->totals) ||
        !grow(memory, &chunk->items, rows, sizeof *chunk->items) ||
        !grow(memory, &chunk->logits, rows, classes * sizeof *chunk->logits) ||
        !grow(memory, &chunk->results, rows, sizeof *chunk->results))
        return 0;
    chunk->rows_capacity = rows;
    return 1;
}

static _Bool reserve_ids(sentiment_session *session, size_t ids)
{
    sn_chunk *chunk = &session->chunk;
    /* An array there must be, of no ids too: rows point into it. */
    if (chunk->ids && ids <= chunk->ids_capacity)
        return 1;
    size_t wanted = ids + ids / 2;
    if (!grow(&session->memory, &chunk->ids, wanted, sizeof *chunk->ids))
        return 0;
    chunk->ids_capacity = wanted;
    return 1;
}

static sentiment_status item_max_length(const sentiment_session *session, const sn_batch *batch,
                                        size_t item, uint32_t *out, sentiment_error *error)
{
    uint32_t asked = batch->max_lengths ? batch->max_lengths[item] : 0;
    if (asked > SN_MAX_LENGTH)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "max_length is %u; expected 1 to %d", asked, SN_MAX_LENGTH);
    *out = asked ? asked : session->max_length;
    return SENTIMENT_OK;
}

/* Ids as the caller gave them, into session->tokens. */
static sentiment_status take_ids(sentiment_session *session, const sn_batch *batch, size_t item,
                                 const int32_t **ids, size_t *count, sentiment_error *error)
{
    uint32_t rows = session->model->config.vocab_size;
    *ids = batch->ids + batch->offsets[item];
    *count = (size_t)(batch->offsets[item + 1] - batch->offsets[item]);
    for (size_t i = 0; i < *count; i++)
        if ((*ids)[i] < 0 || (uint32_t)(*ids)[i] >= rows)
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, i,
                           "id %d at position %zu is outside the embedding's %u rows", (*ids)[i], i,
                           rows);
    return SENTIMENT_OK;
}

/* The item's ids before truncation, from its text or as given. */
static sentiment_status item_ids(sentiment_session *session, const sn_batch *batch, size_t item,
                                 const int32_t **ids, size_t *count, sentiment_error *error)
{
    if (batch->ids)
        return take_ids(session, batch, item, ids, count, error);
    uint64_t begin = batch->offsets[item], end = batch->offsets[item + 1];
    sentiment_status status =
        sn_tokenizer_encode(&session->model->tokenizer->tokenizer, &session->memory,
                            end > begin ? batch->text + begin : "", (size_t)(end - begin),
                            session->utf8_policy, &session->tokens, error);
    *ids = session->tokens.ids;
    *count = session->tokens.count;
    return status;
}

/* Appends the ids used to the chunk; unknown words stand there as ~id. */
static size_t append_ids(sn_chunk *chunk, const int32_t *ids, size_t used)
{
    size_t unknown = 0;
    int32_t *out = chunk->ids + chunk->offsets[chunk->rows];
    for (size_t i = 0; i < used; i++) {
        unknown += ids[i] < 0;
        out[i] = ids[i] < 0 ? ~ids[i] : ids[i];
    }
    return unknown;
}

/* How many of the item's tokens are used. What a tokenizer.json truncates is
 * texts; rows of ids are the caller's. */
static size_t used_tokens(const sentiment_session *session, const sn_batch *batch, size_t count,
                          uint32_t max_length)
{
    uint32_t own = session->model->tokenizer->tokenizer.max_length;
    size_t used = count < max_length ? count : max_length;
    return !batch->ids && own && own < used ? own : used;
}

/* The first of the tokens that are used: a tokenizer.json may cut off the
 * beginning of a text instead of its end. */
static size_t first_token(const sentiment_session *session, const sn_batch *batch, size_t count,
                          size_t used)
{
    _Bool left = !batch->ids && session->model->tokenizer->tokenizer.truncate_left;
    return left ? count - used : 0;
}

/* Tokenizes one item into the chunk and fills in what is known of its result. */
static sentiment_status add_item(sentiment_session *session, const sn_batch *batch, size_t item,
                                 sentiment_error *error)
{
    sn_chunk *chunk = &session->chunk;
    uint32_t max_length = 0;
    const int32_t *ids = NULL;
    size_t count = 0;
    sentiment_status status = item_max_length(session, batch, item, &max_length, error);
    if (!status)
        status = item_ids(session, batch, item, &ids, &count, error);
    if (status)
        return status;
    size_t used = used_tokens(session, batch, count, max_length);
    if (!reserve_rows(session, chunk->rows + 1) ||
        !reserve_ids(session, (size_t)(chunk->rows ? chunk->offsets[chunk->rows] : 0) + used))
        return sn_fail_memory(error, "the ids of a batch");
    if (chunk->rows == 0)
        chunk->offsets[0] = 0;
    /* There is no array where there are no tokens. */
    if (used)
        ids += first_token(session, batch, count, used);
    size_t unknown = append_ids(chunk, ids, used);
    chunk->offsets[chunk->rows + 1] = chunk->offsets[chunk->rows] + used;
    chunk->totals[chunk->rows] =
        session->padding == SENTIMENT_PADDING_MAX_LENGTH ? max_length : (uint32_t)used;
    chunk->items[chunk->rows] = item;
    chunk->results[chunk->rows++] =
        (sentiment_result){.flags = sn_result_flags(count, used, unknown),
                           .tokens = count,
                           .unknown = unknown,
                           .error_offset = SENTIMENT_NO_OFFSET};
    return SENTIMENT_OK;
}

/* Failures that concern one item only. */
static _Bool is_item_failure(sentiment_status status)
{
    return status == SENTIMENT_ERROR_INVALID_UTF8 || status == SENTIMENT_ERROR_INVALID_ARGUMENT;
}

/* Rows of a chunk when `left` items are left. */
static size_t chunk_rows(const sentiment_session *session, size_t left)
{
    size_t most = CHUNK_LOGITS / session->model->config.num_classes;
    most = most < 1 ? 1 : most < CHUNK_ROWS ? most : CHUNK_ROWS;
    return left < most ? left : most;
}

/* Fills a chunk from item `first` on; *next is the first item left over. */
static sentiment_status fill_chunk(sentiment_session *session, const sn_batch *batch, size_t first,
                                   size_t *next, sentiment_error *item_error,
                                   sentiment_error *error)
{
    sn_chunk *chunk = &session->chunk;
    size_t item = first, rows = chunk_rows(session, batch->count - first);
    chunk->rows = 0;
    if (!reserve_rows(session, rows))
        return sn_fail_memory(error, "the rows of a batch");
    for (; item < batch->count && chunk->rows < rows; item++) {
        sentiment_error local = {.struct_size = sizeof local};
        sentiment_status status = add_item(session, batch, item, &local);
        if (status && !is_item_failure(status))
            return sn_fail(error, status, local.offset, "%s", local.message);
        if (status) {
            sn_result_fail(batch, item, &session->model->config, status, local.offset);
            sn_fail(item_error, status, local.offset, "%s", local.message);
            continue;
        }
        if (chunk->offsets[chunk->rows] >= CHUNK_IDS) {
            item++;
            break;
        }
    }
    *next = item;
    return SENTIMENT_OK;
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

sentiment_status sn_session_check_process(const sentiment_session *session, sentiment_error *error)
{
    if (session->threads > 1 && getpid() != session->process)
        return sn_fail(error, SENTIMENT_ERROR_FORKED, SN_NO_OFFSET,
                       "this session has threads of the parent process; expected a session "
                       "created after fork()");
    return SENTIMENT_OK;
}

sentiment_status sn_session_run(sentiment_session *session, const sn_batch *batch,
                                sentiment_error *item_error, sentiment_error *error)
{
    sentiment_status status = sn_session_check_process(session, error);
    for (size_t item = 0; item < batch->count && !status;) {
        if (sentiment_cancel_requested(batch->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET,
                           "cancelled at text %zu of %zu", item, batch->count);
        status = fill_chunk(session, batch, item, &item, item_error, error);
        if (!status)
            status = run_chunk(session, batch, item_error, error);
    }
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

sentiment_status sn_session_explain(sentiment_session *session, const sn_batch *batch,
                                    sn_explanation *explanation, sentiment_error *error)
{
    session->chunk.rows = 0;
    sentiment_status status = sn_session_check_process(session, error);
    if (!status)
        status = add_item(session, batch, 0, error);
    if (status)
        return status;
    explanation->length = (size_t)session->chunk.offsets[1];
    if (explanation->length > explanation->capacity &&
        (explanation->contributions || explanation->starts || explanation->ends))
        return sn_fail(error, SENTIMENT_ERROR_BUFFER_TOO_SMALL, SN_NO_OFFSET,
                       "the text uses %zu tokens; the arrays have room for %zu",
                       explanation->length, explanation->capacity);
    status = explain_row(session, batch, explanation, error);
    size_t first = first_token(session, batch, session->tokens.count, explanation->length);
    for (size_t i = 0; i < explanation->length && !status; i++) {
        if (explanation->starts)
            explanation->starts[i] = session->tokens.starts[first + i];
        if (explanation->ends)
            explanation->ends[i] = session->tokens.ends[first + i];
    }
    return status;
}
