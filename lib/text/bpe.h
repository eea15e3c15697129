/* SPDX-License-Identifier: Apache-2.0
 *
 * Byte pair encoding: a piece is its characters; of all neighbours that have a
 * merge, those of the lowest rank become one token, the leftmost first, until no
 * merge is left. Built once, then immutable. */
#ifndef SN_TEXT_BPE_H
#define SN_TEXT_BPE_H

#include "base/status.h"
#include "text/lexicon.h"
#include "text/symbols.h"

/* Tokens left and right become the token `id`. */
typedef struct sn_merge {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank;
    int32_t id;
} sn_merge;

/* Characters below this have their ids in a table. */
#define SN_BPE_PLAIN 512

typedef struct sn_bpe_options {
    sn_slice prefix; /* of every character but the first, to look it up */
    sn_slice suffix; /* of the last one */
    int32_t unknown; /* token for a character without one; -1: it is dropped */
    _Bool fuse_unknown;  /* one token for neighbours */
    _Bool byte_fallback; /* tokens <0x00> to <0xFF> instead, where all are there */
    _Bool ignore_merges; /* a piece that is a word is one token */
} sn_bpe_options;

typedef struct sn_bpe {
    sn_bpe_options options; /* the slices lie in `affixes` */
    uint8_t *affixes;
    sn_merge *merges;       /* by bucket, within a bucket by pair */
    size_t merge_count;
    uint32_t *buckets; /* where each begins, bucket_count+1 */
    size_t bucket_count;
    int32_t plain[SN_BPE_PLAIN]; /* id of a character, -1: none; not with prefix or suffix */
    int32_t bytes[256];          /* id of <0xNN>, -1: none */
    uint8_t *whole;  /* by id, a bit: merging the word gives just this token */
    size_t id_limit; /* ids are below it */
} sn_bpe;

/* Scratch of encoding, reused from piece to piece. */
typedef struct sn_bpe_scratch {
    sn_symbols symbols; /* the result */
    uint32_t *links;    /* of long pieces: the symbols before and behind each */
    uint64_t *heap;     /* merges to do, rank << 32 | place */
    size_t links_capacity, heap_capacity, heap_size;
    uint8_t *affixed; /* a character with prefix and suffix */
    size_t affixed_capacity;
} sn_bpe_scratch;

/* `merges` in the order of their ranks, `pair` and `id` given; sorted in place.
 * Of a pair given twice the last rank counts. */
sentiment_status sn_bpe_build(const sn_memory *memory, const sn_lexicon *lexicon,
                              const sn_bpe_options *options, sn_merge *merges,
                              size_t merge_count, sn_bpe *out, sentiment_error *error);
void sn_bpe_free(const sn_memory *memory, sn_bpe *model);
uint64_t sn_bpe_bytes(const sn_bpe *model);

/* Whether a word of the vocabulary, as a piece, is the token `id` alone. */
static inline _Bool sn_bpe_is_whole(const sn_bpe *model, int32_t id)
{
    return (model->whole[(uint32_t)id >> 3] >> (id & 7) & 1) != 0;
}

/* The merge of two tokens, NULL if there is none. */
const sn_merge *sn_bpe_merge_of(const sn_bpe *model, int32_t left, int32_t right);

/* Replaces scratch->symbols by the tokens of a piece of up to SN_MAX_PIECE
 * bytes; false if memory ran out. */
_Bool sn_bpe_encode(const sn_bpe *model, const sn_lexicon *lexicon, const sn_memory *memory,
                    const uint8_t *piece, size_t size, sn_bpe_scratch *scratch);
void sn_bpe_scratch_free(const sn_memory *memory, sn_bpe_scratch *scratch);

#endif
