/* SPDX-License-Identifier: Apache-2.0
 *
 * The vocabulary: word to id by a hash table whose buckets are sorted, so that
 * a hostile choice of words costs a logarithm and no more; id to word by an
 * index. Immutable once built. */
#ifndef SN_TEXT_VOCABULARY_H
#define SN_TEXT_VOCABULARY_H

#include "base/memory.h"
#include "base/status.h"

typedef struct sn_vocabulary {
    const sn_memory *memory;
    uint8_t *bytes;    /* words, one behind the other */
    uint64_t *offsets; /* count+1 */
    int32_t *ids;      /* id of word i, >= 0 */
    size_t count;
    /* Private. Word numbers by bucket, and within a bucket by tag (the upper
     * half of the hash), size and bytes; the tags in the same order; where each
     * bucket begins (bucket_count+1); and word numbers by id. */
    uint32_t *slots;
    uint32_t *tags;
    uint32_t *buckets;
    size_t bucket_count; /* power of two */
    uint32_t *by_id;
} sn_vocabulary;

/* Copies the words: word i is bytes [offsets[i], offsets[i+1]), all of which
 * must be readable; offsets that go backwards are BAD_MODEL. Each id must lie
 * in [0, limit): else BAD_MODEL naming the word and the id. A word given twice
 * is BAD_MODEL; two words with one id are fine (the first answers
 * sn_vocabulary_word). ids == NULL: word i has id i. A word may be any bytes,
 * none included. `memory` must outlive the vocabulary. */
sentiment_status sn_vocabulary_build(const sn_memory *memory, const uint8_t *bytes,
                                     const uint64_t *offsets, const int64_t *ids, size_t count,
                                     uint64_t limit, sn_vocabulary *out, sentiment_error *error);
void sn_vocabulary_free(sn_vocabulary *vocabulary);

/* Id of a word, or -1. */
int32_t sn_vocabulary_find(const sn_vocabulary *vocabulary, const uint8_t *word, size_t size);
/* Bytes of the first word with this id, or NULL. */
const uint8_t *sn_vocabulary_word(const sn_vocabulary *vocabulary, int32_t id, size_t *size);
/* Bytes of memory held. */
uint64_t sn_vocabulary_bytes(const sn_vocabulary *vocabulary);

#endif
