/* SPDX-License-Identifier: Apache-2.0
 *
 * See train_words.h. An open-addressing table over words in one arena; lookups
 * in the finished vocabulary are lib/text's business. */
#include "engine/train_words.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

/* The slot that holds the word, or the empty one where it belongs. */
static size_t find_slot(const sn_word_counts *counts, uint64_t hash, const uint8_t *word,
                        size_t size)
{
    size_t mask = counts->slot_count - 1;
    size_t slot = (size_t)hash & mask;
    while (counts->slots[slot]) {
        const sn_counted_word *have = &counts->words[counts->slots[slot] - 1];
        if (have->hash == hash && have->size == size &&
            memcmp(counts->bytes + have->start, word, size) == 0)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Doubles the table once it is half full. */
static _Bool grow_table(sn_word_counts *counts)
{
    if (counts->count < counts->slot_count / 2)
        return 1;
    size_t slot_count = counts->slot_count ? 2 * counts->slot_count : 1024;
    uint32_t *slots = sn_alloc_zero(counts->memory, slot_count, sizeof *slots);
    if (!slots)
        return 0;
    for (size_t i = 0; i < counts->count; i++) {
        size_t slot = (size_t)counts->words[i].hash & (slot_count - 1);
        while (slots[slot])
            slot = (slot + 1) & (slot_count - 1);
        slots[slot] = (uint32_t)(i + 1);
    }
    sn_free(counts->memory, counts->slots);
    counts->slots = slots;
    counts->slot_count = slot_count;
    return 1;
}

/* Room for one more word of `size` bytes; false if memory ran out. */
static _Bool make_room(sn_word_counts *counts, size_t size)
{
    size_t needed;
    if (!sn_add(counts->bytes_size, size, &needed))
        return 0;
    if (needed > counts->bytes_capacity) {
        size_t capacity = needed + needed / 2 + 4096;
        uint8_t *bytes = sn_realloc(counts->memory, counts->bytes, capacity, 1);
        if (!bytes)
            return 0;
        counts->bytes = bytes;
        counts->bytes_capacity = capacity;
    }
    if (counts->count == counts->capacity) {
        size_t capacity = counts->capacity ? 2 * counts->capacity : 512;
        sn_counted_word *words = sn_realloc(counts->memory, counts->words, capacity, sizeof *words);
        if (!words)
            return 0;
        counts->words = words;
        counts->capacity = capacity;
    }
    /* Word numbers are kept in 32 bits, with 0 for an empty slot. */
    return counts->count < UINT32_MAX - 1;
}

sentiment_status sn_word_counts_add(void *user, const uint8_t *word, size_t size,
                                    sentiment_error *error)
{
    sn_word_counts *counts = user;
    uint64_t hash = hash_bytes(word, size);
    if (!grow_table(counts))
        return sn_fail_memory(error, "the words of the training set");
    size_t slot = find_slot(counts, hash, word, size);
    if (counts->slots[slot]) {
        counts->words[counts->slots[slot] - 1].count++;
        return SENTIMENT_OK;
    }
    if (!make_room(counts, size))
        return sn_fail_memory(error, "the words of the training set");
    memcpy(counts->bytes + counts->bytes_size, word, size);
    counts->words[counts->count] = (sn_counted_word){counts->bytes_size, size, 1, hash};
    counts->bytes_size += size;
    counts->count++;
    counts->slots[slot] = (uint32_t)counts->count;
    return SENTIMENT_OK;
}

/* A word where it can be compared without its arena. */
typedef struct candidate {
    const uint8_t *word;
    size_t size;
    uint64_t count;
} candidate;

static int compare(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    size_t shared = a->size < b->size ? a->size : b->size;
    int order = memcmp(a->word, b->word, shared);
    if (order)
        return order;
    return (a->size > b->size) - (a->size < b->size);
}

/* The candidates in order; *kept is how many, at most limit-1. */
static candidate *select_words(const sn_word_counts *counts, uint64_t min_count, size_t limit,
                               size_t *kept)
{
    candidate *chosen = sn_alloc(counts->memory, counts->count, sizeof *chosen);
    size_t count = 0;
    if (!chosen)
        return NULL;
    for (size_t i = 0; i < counts->count; i++) {
        const sn_counted_word *word = &counts->words[i];
        if (word->count >= min_count)
            chosen[count++] = (candidate){counts->bytes + word->start, word->size, word->count};
    }
    qsort(chosen, count, sizeof *chosen, compare);
    *kept = count < limit - 1 ? count : limit - 1;
    return chosen;
}

sentiment_status sn_word_counts_vocabulary(const sn_word_counts *counts, uint64_t min_count,
                                           size_t limit, sn_vocabulary *out, sentiment_error *error)
{
    const sn_memory *memory = counts->memory;
    sentiment_status status = SENTIMENT_ERROR_OUT_OF_MEMORY;
    size_t kept = 0, used = 0;
    candidate *chosen = select_words(counts, min_count, limit, &kept);
    uint8_t *bytes = sn_alloc(memory, counts->bytes_size, 1);
    uint64_t *offsets = sn_alloc(memory, kept + 1, sizeof *offsets);
    int64_t *ids = sn_alloc(memory, kept, sizeof *ids);

    if (!chosen || !bytes || !offsets || !ids) {
        status = sn_fail_memory(error, "the vocabulary");
        goto out;
    }
    for (size_t i = 0; i < kept; i++) {
        memcpy(bytes + used, chosen[i].word, chosen[i].size);
        offsets[i] = used;
        used += chosen[i].size;
        ids[i] = (int64_t)i + 1;
    }
    offsets[kept] = used;
    status = sn_vocabulary_build(memory, bytes, offsets, ids, kept, kept + 1, out, error);
out:
    sn_free(memory, chosen);
    sn_free(memory, bytes);
    sn_free(memory, offsets);
    sn_free(memory, ids);
    return status;
}

void sn_word_counts_free(sn_word_counts *counts)
{
    sn_free(counts->memory, counts->bytes);
    sn_free(counts->memory, counts->words);
    sn_free(counts->memory, counts->slots);
    *counts = (sn_word_counts){.memory = counts->memory};
}
