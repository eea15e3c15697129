/* SPDX-License-Identifier: Apache-2.0
 *
 * See vocabulary.h. The words come from files, so nothing is left to luck: the
 * hash is quick but has no secret, and colliding words can be made at will.
 * Buckets are therefore sorted. However the words were chosen, building is
 * O(n log n) comparisons and a lookup O(log n); usually a bucket holds one or
 * two words and a lookup compares one tag and one word. */
#include "text/vocabulary.h"

#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

/* Buckets up to this size are searched word by word. */
enum { LINEAR = 8 };

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9E3779B97F4A7C15);
    value ^= value >> 32;
    value *= UINT64_C(0xD6E8FEB86659FD93);
    return value ^ value >> 32;
}

static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

/* Up to 8 bytes as a number, one for each content of a given size. */
static uint64_t load_tail(const uint8_t *bytes, size_t size)
{
    if (size == 8)
        return load(bytes, 8);
    if (size >= 4)
        return load(bytes, 4) | load(bytes + size - 4, 4) << 32;
    if (size == 0)
        return 0;
    return bytes[0] | (uint64_t)bytes[size / 2] << 8 | (uint64_t)bytes[size - 1] << 16;
}

/* 8 bytes at a time. Lives in memory only: byte order does not matter. */
static uint64_t hash_of(const uint8_t *bytes, size_t size)
{
    uint64_t hash = size;
    for (; size > 8; bytes += 8, size -= 8)
        hash = mix(hash ^ load(bytes, 8));
    return mix(hash ^ load_tail(bytes, size));
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static size_t size_of(const sn_vocabulary *words, uint32_t word)
{
    return (size_t)(words->offsets[word + 1] - words->offsets[word]);
}

static const uint8_t *bytes_of(const sn_vocabulary *words, uint32_t word)
{
    return words->bytes + words->offsets[word];
}

/* Order of words in a bucket, tags aside. */
static int compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return memcmp(a, b, a_size);
}

typedef _Bool (*less_fn)(const sn_vocabulary *words, uint32_t a, uint32_t b);

/* Order in a bucket while building, when by_id still holds each word's tag. */
static _Bool less_by_word(const sn_vocabulary *words, uint32_t a, uint32_t b)
{
    if (words->by_id[a] != words->by_id[b])
        return words->by_id[a] < words->by_id[b];
    int order =
        compare(bytes_of(words, a), size_of(words, a), bytes_of(words, b), size_of(words, b));
    return order ? order < 0 : a < b;
}

static _Bool less_by_id(const sn_vocabulary *words, uint32_t a, uint32_t b)
{
    return words->ids[a] != words->ids[b] ? words->ids[a] < words->ids[b] : a < b;
}

/* Lets the item at `hole` sink to its place in the heap. */
static void sink(const sn_vocabulary *words, less_fn less, uint32_t *items, size_t count,
                 size_t hole)
{
    uint32_t item = items[hole];
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && less(words, items[child], items[child + 1]))
            child++;
        if (!less(words, item, items[child]))
            break;
        items[hole] = items[child];
    }
    items[hole] = item;
}

/* Heapsort: no memory, no worst case; glibc's qsort() would call malloc. */
static void sort(const sn_vocabulary *words, less_fn less, uint32_t *items, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(words, less, items, count, i);
    while (count > 1) {
        uint32_t largest = items[0];
        items[0] = items[--count];
        items[count] = largest;
        sink(words, less, items, count, 0);
    }
}

static sentiment_status check(const uint8_t *bytes, const uint64_t *offsets, const int64_t *ids,
                              size_t count, uint64_t limit, sentiment_error *error)
{
    char shown[80];
    if (count > INT32_MAX)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the vocabulary has %zu words, more than 2147483647", count);
    if (limit > (uint64_t)INT32_MAX + 1)
        limit = (uint64_t)INT32_MAX + 1;
    /* Offsets first: a word is shown only when its bounds are known to be sound. */
    for (size_t i = 0; i < count; i++)
        if (offsets[i] > offsets[i + 1] || offsets[i + 1] - offsets[0] > PTRDIFF_MAX)
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "the vocabulary's offsets go backwards at word %zu", i);
    for (size_t i = 0; i < count; i++) {
        int64_t id = ids ? ids[i] : (int64_t)i;
        if (id < 0 || (uint64_t)id >= limit) {
            sn_utf8_quote(bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), shown,
                          sizeof shown);
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "word '%s' has index %lld, outside the embedding's %llu rows", shown,
                           (long long)id, (unsigned long long)limit);
        }
    }
    return SENTIMENT_OK;
}

static _Bool allocate(const sn_memory *memory, size_t bytes, size_t count, sn_vocabulary *out)
{
    out->memory = memory;
    out->count = count;
    out->bucket_count = 1;
    while (out->bucket_count < count)
        out->bucket_count *= 2;
    out->bytes = sn_alloc(memory, bytes, 1);
    out->offsets = sn_alloc(memory, count + 1, sizeof *out->offsets);
    out->ids = sn_alloc(memory, count, sizeof *out->ids);
    out->slots = sn_alloc(memory, count, sizeof *out->slots);
    out->tags = sn_alloc(memory, count, sizeof *out->tags);
    out->buckets = sn_alloc_zero(memory, out->bucket_count + 1, sizeof *out->buckets);
    out->by_id = sn_alloc(memory, count, sizeof *out->by_id);
    return out->bytes && out->offsets && out->ids && out->slots && out->tags && out->buckets &&
           out->by_id;
}

static void copy(const uint8_t *bytes, const uint64_t *offsets, const int64_t *ids,
                 sn_vocabulary *out)
{
    uint64_t first = out->count ? offsets[0] : 0;
    out->offsets[0] = 0;
    for (size_t i = 0; i < out->count; i++) {
        out->offsets[i + 1] = offsets[i + 1] - first;
        out->ids[i] = (int32_t)(ids ? ids[i] : (int64_t)i);
    }
    size_t size = (size_t)out->offsets[out->count];
    if (size)
        memcpy(out->bytes, bytes + first, size);
}

/* Counting sort of the words into buckets, then a sort within each. */
static void fill_buckets(sn_vocabulary *words)
{
    uint64_t mask = words->bucket_count - 1;
    uint32_t count = (uint32_t)words->count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = hash_of(bytes_of(words, i), size_of(words, i));
        words->by_id[i] = tag_of(hash);
        words->tags[i] = (uint32_t)(hash & mask);
        words->buckets[hash & mask]++;
    }
    for (size_t b = 1; b <= words->bucket_count; b++)
        words->buckets[b] += words->buckets[b - 1];
    /* Each bucket fills from its end: what is left is where it begins. */
    for (uint32_t i = count; i-- > 0;)
        words->slots[--words->buckets[words->tags[i]]] = i;
    for (size_t b = 0; b < words->bucket_count; b++)
        if (words->buckets[b + 1] - words->buckets[b] > 1)
            sort(words, less_by_word, words->slots + words->buckets[b],
                 words->buckets[b + 1] - words->buckets[b]);
    for (uint32_t i = 0; i < count; i++)
        words->tags[i] = words->by_id[words->slots[i]];
}

static void fill_by_id(sn_vocabulary *words)
{
    _Bool sorted = 1;
    for (uint32_t i = 0; i < (uint32_t)words->count; i++) {
        words->by_id[i] = i;
        sorted &= i == 0 || words->ids[i - 1] <= words->ids[i];
    }
    if (!sorted)
        sort(words, less_by_id, words->by_id, words->count);
}

/* Equal words have the same hash, so they lie side by side. */
static sentiment_status check_unique(const sn_vocabulary *words, sentiment_error *error)
{
    char shown[80];
    for (size_t i = 1; i < words->count; i++) {
        uint32_t a = words->slots[i - 1], b = words->slots[i];
        if (words->tags[i - 1] != words->tags[i] ||
            compare(bytes_of(words, a), size_of(words, a), bytes_of(words, b), size_of(words, b)) !=
                0)
            continue;
        sn_utf8_quote(bytes_of(words, a), size_of(words, a), shown, sizeof shown);
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "word '%s' is in the vocabulary twice, as numbers %u and %u", shown,
                       (unsigned)a, (unsigned)b);
    }
    return SENTIMENT_OK;
}

sentiment_status sn_vocabulary_build(const sn_memory *memory, const uint8_t *bytes,
                                     const uint64_t *offsets, const int64_t *ids, size_t count,
                                     uint64_t limit, sn_vocabulary *out, sentiment_error *error)
{
    sn_vocabulary words = {0};
    sentiment_status status = check(bytes, offsets, ids, count, limit, error);
    if (status != SENTIMENT_OK)
        return status;
    size_t size = count ? (size_t)(offsets[count] - offsets[0]) : 0;
    if (!allocate(memory, size, count, &words)) {
        status = sn_fail_memory(error, "the vocabulary");
        goto out;
    }
    copy(bytes, offsets, ids, &words);
    fill_buckets(&words);
    status = check_unique(&words, error);
    if (status != SENTIMENT_OK)
        goto out;
    fill_by_id(&words);
    *out = words;
    return SENTIMENT_OK;
out:
    sn_vocabulary_free(&words);
    return status;
}

void sn_vocabulary_free(sn_vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    sn_free(vocabulary->memory, vocabulary->bytes);
    sn_free(vocabulary->memory, vocabulary->offsets);
    sn_free(vocabulary->memory, vocabulary->ids);
    sn_free(vocabulary->memory, vocabulary->slots);
    sn_free(vocabulary->memory, vocabulary->tags);
    sn_free(vocabulary->memory, vocabulary->buckets);
    sn_free(vocabulary->memory, vocabulary->by_id);
    *vocabulary = (sn_vocabulary){0};
}

int32_t sn_vocabulary_find(const sn_vocabulary *vocabulary, const uint8_t *word, size_t size)
{
    if (vocabulary->count == 0)
        return -1;
    uint64_t hash = hash_of(word, size);
    uint32_t tag = tag_of(hash);
    size_t bucket = hash & (vocabulary->bucket_count - 1);
    size_t low = vocabulary->buckets[bucket], high = vocabulary->buckets[bucket + 1];
    while (high - low > LINEAR) {
        size_t middle = low + (high - low) / 2;
        uint32_t other = vocabulary->slots[middle], other_tag = vocabulary->tags[middle];
        int order = tag != other_tag ? (tag < other_tag ? -1 : 1)
                                     : compare(word, size, bytes_of(vocabulary, other),
                                               size_of(vocabulary, other));
        if (order == 0)
            return vocabulary->ids[other];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    for (; low < high; low++) {
        uint32_t other = vocabulary->slots[low];
        if (vocabulary->tags[low] == tag && size_of(vocabulary, other) == size &&
            memcmp(bytes_of(vocabulary, other), word, size) == 0)
            return vocabulary->ids[other];
    }
    return -1;
}

const uint8_t *sn_vocabulary_word(const sn_vocabulary *vocabulary, int32_t id, size_t *size)
{
    size_t low = 0, high = vocabulary->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vocabulary->ids[vocabulary->by_id[middle]] < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == vocabulary->count || vocabulary->ids[vocabulary->by_id[low]] != id)
        return NULL;
    *size = size_of(vocabulary, vocabulary->by_id[low]);
    return bytes_of(vocabulary, vocabulary->by_id[low]);
}

uint64_t sn_vocabulary_bytes(const sn_vocabulary *vocabulary)
{
    uint64_t count = vocabulary->count;
    if (!vocabulary->offsets)
        return 0;
    /* Per word: an offset, an id, a slot, a tag, a place by id. */
    return vocabulary->offsets[count] + 8 * (count + 1) + 4 * count * 4 +
           4 * ((uint64_t)vocabulary->bucket_count + 1);
}
