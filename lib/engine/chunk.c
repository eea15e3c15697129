/* SPDX-License-Identifier: Apache-2.0
 *
 * See chunk.h. Each thread tokenizes a part of the chunk into a lane of its own;
 * then the lanes' ids are put one behind the other. Chunks and parts depend on
 * the offsets alone: the same batch needs the same memory every time. */
#include "engine/chunk.h"

#include <string.h>

#include "engine/result.h"
#include "engine/session.h"

/* A chunk is full at so many items, or at the first one past so many bytes of text
 * or ids. */
#define CHUNK_ROWS 4096
#define CHUNK_BYTES ((uint64_t)8 << 20)
#define CHUNK_IDS ((uint64_t)1 << 18)
/* Logits of a chunk, for models with very many classes: fewer rows then. */
#define CHUNK_LOGITS ((size_t)1 << 20)
/* Fewer bytes of text are not worth waking a thread for. */
#define PART_BYTES ((uint64_t)8 << 10)

typedef struct encode_job {
    sentiment_session *session;
    const sn_batch *batch;
    size_t first, limit; /* the items of the chunk */
    uint32_t parts;
} encode_job;

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
        !grow(memory, &chunk->results, rows, sizeof *chunk->results) ||
        !grow(memory, &chunk->encoded, rows, sizeof *chunk->encoded))
        return 0;
    chunk->rows_capacity = rows;
    return 1;
}

static _Bool reserve_ids(const sn_memory *memory, int32_t **ids, size_t *capacity, size_t wanted)
{
    /* An array there must be, of no ids too: rows point into it. */
    if (*ids && wanted <= *capacity)
        return 1;
    wanted += wanted / 2;
    if (!grow(memory, ids, wanted, sizeof **ids))
        return 0;
    *capacity = wanted;
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

/* Ids as the caller gave them, once they are known to be rows of the embedding. */
static sentiment_status take_ids(const sentiment_session *session, const sn_batch *batch,
                                 size_t item, const int32_t **ids, size_t *count,
                                 sentiment_error *error)
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
static sentiment_status item_ids(const sentiment_session *session, const sn_batch *batch,
                                 size_t item, sn_tokens *tokens, const int32_t **ids, size_t *count,
                                 sentiment_error *error)
{
    if (batch->ids)
        return take_ids(session, batch, item, ids, count, error);
    uint64_t begin = batch->offsets[item], end = batch->offsets[item + 1];
    sentiment_status status =
        sn_tokenizer_encode(&session->model->tokenizer->tokenizer, &session->memory,
                            end > begin ? batch->text + begin : "", (size_t)(end - begin),
                            session->utf8_policy, tokens, error);
    *ids = tokens->ids;
    *count = tokens->count;
    return status;
}

/* Appends the ids used to the lane; unknown words stand there as ~id. */
static uint64_t append_ids(sn_lane *lane, const int32_t *ids, size_t used)
{
    uint64_t unknown = 0;
    int32_t *out = lane->ids + lane->count;
    for (size_t i = 0; i < used; i++) {
        unknown += ids[i] < 0;
        out[i] = ids[i] < 0 ? ~ids[i] : ids[i];
    }
    lane->count += used;
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

size_t sn_chunk_first_token(const sentiment_session *session, const sn_batch *batch, size_t count,
                            size_t used)
{
    /* A tokenizer.json may cut off the beginning of a text instead of its end. */
    _Bool left = !batch->ids && session->model->tokenizer->tokenizer.truncate_left;
    return left ? count - used : 0;
}

static sentiment_status encode_item(const sentiment_session *session, const sn_batch *batch,
                                    size_t item, uint32_t worker, sn_encoded *out)
{
    sn_lane *lane = &session->lanes[worker];
    const int32_t *ids = NULL;
    size_t count = 0;
    *out = (sn_encoded){.lane = worker, .first = lane->count};
    sentiment_status status = item_max_length(session, batch, item, &out->max_length, &lane->error);
    if (!status)
        status = item_ids(session, batch, item, &lane->tokens, &ids, &count, &lane->error);
    if (status)
        return status;
    size_t used = used_tokens(session, batch, count, out->max_length);
    if (!reserve_ids(&session->memory, &lane->ids, &lane->capacity, lane->count + used))
        return sn_fail_memory(&lane->error, "the ids of a batch");
    /* There is no array where there are no tokens. */
    if (used)
        ids += sn_chunk_first_token(session, batch, count, used);
    out->unknown = append_ids(lane, ids, used);
    out->tokens = count;
    out->used = used;
    return SENTIMENT_OK;
}

/* Failures that concern one item only. */
static _Bool is_item_failure(sentiment_status status)
{
    return status == SENTIMENT_ERROR_INVALID_UTF8 || status == SENTIMENT_ERROR_INVALID_ARGUMENT;
}

/* The first item of a part: parts have about as many bytes each. */
static size_t part_begin(const encode_job *job, uint32_t part)
{
    const uint64_t *offsets = job->batch->offsets;
    uint64_t bytes = offsets[job->limit] - offsets[job->first];
    uint64_t begin = offsets[job->first] + bytes / job->parts * part;
    size_t low = job->first, high = job->limit;
    if (part == 0 || part == job->parts)
        return part ? job->limit : job->first;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (offsets[middle] < begin)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void reset_lane(sn_lane *lane)
{
    lane->count = 0;
    lane->status = SENTIMENT_OK;
    lane->error.struct_size = sizeof lane->error;
}

/* A worker's part of the chunk. */
static void encode_part(void *user, uint32_t worker)
{
    encode_job *job = user;
    sn_lane *lane = &job->session->lanes[worker];
    reset_lane(lane);
    size_t end = part_begin(job, worker + 1);
    for (size_t item = part_begin(job, worker); item < end; item++) {
        sn_encoded *out = &job->session->chunk.encoded[item - job->first];
        out->status = encode_item(job->session, job->batch, item, worker, out);
        if (!out->status)
            continue;
        out->error_offset = lane->error.offset;
        if (is_item_failure(out->status))
            continue;
        lane->status = out->status;
        return;
    }
}

/* How many threads tokenize a chunk. */
static uint32_t count_parts(const sentiment_session *session, const sn_batch *batch, size_t first,
                            size_t limit)
{
    uint64_t most = (batch->offsets[limit] - batch->offsets[first]) / PART_BYTES;
    if (batch->ids || most < 2)
        return 1;
    return most < session->threads ? (uint32_t)most : session->threads;
}

/* The first item behind the chunk that begins with `first`. */
static size_t chunk_limit(const sentiment_session *session, const sn_batch *batch, size_t first)
{
    size_t most = CHUNK_LOGITS / session->model->config.num_classes, left = batch->count - first;
    uint64_t full = batch->offsets[first] + (batch->ids ? CHUNK_IDS : CHUNK_BYTES);
    most = most < 1 ? 1 : most < CHUNK_ROWS ? most : CHUNK_ROWS;
    size_t limit = first + (left < most ? left : most), item = first + 1;
    while (item < limit && batch->offsets[item] < full)
        item++;
    return item;
}

static void append_row(sentiment_session *session, size_t item, const sn_encoded *encoded)
{
    sn_chunk *chunk = &session->chunk;
    uint64_t begin = chunk->offsets[chunk->rows];
    if (encoded->used)
        memcpy(chunk->ids + begin, session->lanes[encoded->lane].ids + encoded->first,
               encoded->used * sizeof *chunk->ids);
    chunk->offsets[chunk->rows + 1] = begin + encoded->used;
    chunk->totals[chunk->rows] = session->padding == SENTIMENT_PADDING_MAX_LENGTH
                                     ? encoded->max_length
                                     : (uint32_t)encoded->used;
    chunk->items[chunk->rows] = item;
    chunk->results[chunk->rows++] = (sentiment_result){
        .flags = sn_result_flags(encoded->tokens, encoded->used, encoded->unknown),
        .tokens = encoded->tokens,
        .unknown = encoded->unknown,
        .error_offset = SENTIMENT_NO_OFFSET};
}

/* The items in their order: rows, or results that tell of a failure. */
static void gather(const encode_job *job, sentiment_error *item_error)
{
    sentiment_session *session = job->session;
    session->chunk.offsets[0] = 0;
    for (size_t item = job->first; item < job->limit; item++) {
        const sn_encoded *encoded = &session->chunk.encoded[item - job->first];
        if (!encoded->status) {
            append_row(session, item, encoded);
            continue;
        }
        sn_result_fail(job->batch, item, &session->model->config, encoded->status,
                       encoded->error_offset);
        sn_fail(item_error, encoded->status, encoded->error_offset, "%s",
                session->lanes[encoded->lane].error.message);
    }
}

sentiment_status sn_chunk_fill(sentiment_session *session, const sn_batch *batch, size_t first,
                               size_t *next, sentiment_error *item_error, sentiment_error *error)
{
    sn_chunk *chunk = &session->chunk;
    encode_job job = {.session = session, .batch = batch, .first = first};
    job.limit = *next = chunk_limit(session, batch, first);
    chunk->rows = 0;
    if (!reserve_rows(session, job.limit - first))
        return sn_fail_memory(error, "the rows of a batch");
    job.parts = count_parts(session, batch, first, job.limit);
    sn_pool_run(session->pool, job.parts, encode_part, &job);
    size_t ids = 0;
    for (uint32_t i = 0; i < job.parts; i++) {
        const sn_lane *lane = &session->lanes[i];
        if (lane->status)
            return sn_fail(error, lane->status, lane->error.offset, "%s", lane->error.message);
        ids += lane->count;
    }
    if (!reserve_ids(&session->memory, &chunk->ids, &chunk->ids_capacity, ids))
        return sn_fail_memory(error, "the ids of a batch");
    gather(&job, item_error);
    return SENTIMENT_OK;
}

sentiment_status sn_chunk_fill_single(sentiment_session *session, const sn_batch *batch,
                                      sentiment_error *error)
{
    sn_chunk *chunk = &session->chunk;
    sn_lane *lane = &session->lanes[0];
    chunk->rows = 0;
    if (!reserve_rows(session, 1))
        return sn_fail_memory(error, "the rows of a batch");
    reset_lane(lane);
    sentiment_status status = encode_item(session, batch, 0, 0, &chunk->encoded[0]);
    if (status)
        return sn_fail(error, status, lane->error.offset, "%s", lane->error.message);
    if (!reserve_ids(&session->memory, &chunk->ids, &chunk->ids_capacity, lane->count))
        return sn_fail_memory(error, "the ids of a batch");
    chunk->offsets[0] = 0;
    append_row(session, 0, &chunk->encoded[0]);
    return SENTIMENT_OK;
}

void sn_chunk_free(const sn_memory *memory, sn_chunk *chunk)
{
    sn_free(memory, chunk->ids);
    sn_free(memory, chunk->offsets);
    sn_free(memory, chunk->totals);
    sn_free(memory, chunk->items);
    sn_free(memory, chunk->logits);
    sn_free(memory, chunk->results);
    sn_free(memory, chunk->encoded);
    *chunk = (sn_chunk){0};
}

uint64_t sn_chunk_bytes(const sn_chunk *chunk, size_t classes)
{
    size_t row = 2 * sizeof(uint64_t) + sizeof(uint32_t) + sizeof(sentiment_result) +
                 sizeof(sn_encoded) + classes * sizeof(float);
    return chunk->ids_capacity * sizeof(int32_t) + chunk->rows_capacity * (uint64_t)row;
}

void sn_lane_free(const sn_memory *memory, sn_lane *lane)
{
    sn_tokens_free(memory, &lane->tokens);
    sn_free(memory, lane->ids);
    lane->ids = NULL;
}

uint64_t sn_lane_bytes(const sn_lane *lane)
{
    return sizeof *lane + lane->capacity * sizeof(int32_t) + sn_tokens_bytes(&lane->tokens);
}
