/* SPDX-License-Identifier: Apache-2.0
 *
 * From the texts of a batch to rows of ids, a chunk at a time, so that memory
 * does not grow with the batch. All threads of a session tokenize. */
#ifndef SN_ENGINE_CHUNK_H
#define SN_ENGINE_CHUNK_H

#include "base/memory.h"
#include "base/status.h"
#include "text/tokenizer.h"

/* A batch is texts, or rows of ids when `ids` is given. */
typedef struct sn_batch {
    const char *text;
    const int32_t *ids;
    const uint64_t *offsets;     /* [count+1] */
    const uint32_t *max_lengths; /* [count] or NULL */
    size_t count;
    sentiment_result *results; /* stride: the first one's struct_size */
    float *probabilities;      /* [count][classes] or NULL */
    float *logits;             /* [count][classes] or NULL */
    const sentiment_cancel *cancel;
    _Bool single; /* one text of a call that fails with it: its arrays are then left alone */
} sn_batch;

/* What one thread tokenizes with, and the ids that its items use. */
typedef struct sn_lane {
    sn_tokens tokens; /* of its last item */
    int32_t *ids;
    size_t count;
    size_t capacity;
    sentiment_error error;   /* of its last item that failed */
    sentiment_status status; /* of a failure that is no item's */
} sn_lane;

/* What came of one item. */
typedef struct sn_encoded {
    uint32_t lane;
    uint32_t max_length;
    size_t first; /* of its ids in the lane */
    size_t used;
    uint64_t tokens;
    uint64_t unknown; /* of those used */
    sentiment_status status;
    uint64_t error_offset;
} sn_encoded;

/* Rows on their way to the engine, reused from chunk to chunk. */
typedef struct sn_chunk {
    int32_t *ids;
    size_t ids_capacity;
    uint64_t *offsets;         /* [rows_capacity+1] */
    uint32_t *totals;          /* [rows_capacity] */
    uint64_t *items;           /* [rows_capacity] which item of the batch a row is */
    float *logits;             /* [rows_capacity][num_classes] */
    sentiment_result *results; /* [rows_capacity] what is known before the engine runs */
    sn_encoded *encoded;       /* [rows_capacity] of the chunk's items, not its rows */
    size_t rows_capacity;
    size_t rows;
} sn_chunk;

/* Fills the session's chunk with items of the batch from `first` on; *next is the
 * first one left over. A failing item becomes no row: its result tells, and so does
 * `item_error` (NULL, or that of a batch of one). Fails with OUT_OF_MEMORY. */
sentiment_status sn_chunk_fill(sentiment_session *session, const sn_batch *batch, size_t first,
                               size_t *next, sentiment_error *item_error, sentiment_error *error);
/* Fills the chunk with the one item of a batch; a failing item fails the call, and
 * its result is left alone. */
sentiment_status sn_chunk_fill_single(sentiment_session *session, const sn_batch *batch,
                                      sentiment_error *error);
/* Which of an item's `count` tokens is the first one used. */
size_t sn_chunk_first_token(const sentiment_session *session, const sn_batch *batch, size_t count,
                            size_t used);

void sn_chunk_free(const sn_memory *memory, sn_chunk *chunk);
void sn_lane_free(const sn_memory *memory, sn_lane *lane);
/* Bytes of memory held. */
uint64_t sn_chunk_bytes(const sn_chunk *chunk, size_t classes);
uint64_t sn_lane_bytes(const sn_lane *lane);

#endif
