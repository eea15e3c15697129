/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of bpe.h. A file chooses the merges, so their buckets are sorted:
 * however they collide, a lookup takes a logarithm of them. Which words stay
 * whole is found by encoding each of them once; most pieces of most texts are
 * such a word, and cost one lookup. */
#include <stdio.h>
#include <string.h>

#include "text/bpe.h"
#include "text/utf8.h"

/* Longer words are not tried: they would cost loading more than they save. */
enum { MAX_WHOLE = 256 };

static size_t bucket_of(const sn_bpe *model, uint64_t pair)
{
    uint64_t hash = pair * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)((hash ^ hash >> 32) & (model->bucket_count - 1));
}

const sn_merge *sn_bpe_merge_of(const sn_bpe *model, int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t bucket = bucket_of(model, pair);
    size_t low = model->buckets[bucket], high = model->buckets[bucket + 1];
    while (high - low > 8) {
        size_t middle = low + (high - low) / 2;
        if (model->merges[middle].pair <= pair)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (model->merges[low].pair == pair)
            return &model->merges[low];
    return NULL;
}

/* Sorts by pair, byte after byte from the lowest; equal pairs keep their order. */
static void sort_merges(sn_merge *merges, sn_merge *scratch, size_t count)
{
    for (int shift = 0; shift < 64; shift += 8) {
        size_t places[257] = {0};
        for (size_t i = 0; i < count; i++)
            places[(merges[i].pair >> shift & 0xFF) + 1]++;
        if (count && places[(merges[0].pair >> shift & 0xFF) + 1] == count)
            continue;
        for (size_t byte = 0; byte < 256; byte++)
            places[byte + 1] += places[byte];
        for (size_t i = 0; i < count; i++)
            scratch[places[merges[i].pair >> shift & 0xFF]++] = merges[i];
        memcpy(merges, scratch, count * sizeof *merges);
    }
}

/* Of equal pairs the last one stays. */
static size_t drop_repeated(sn_merge *merges, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || merges[i + 1].pair != merges[i].pair)
            merges[kept++] = merges[i];
    return kept;
}

static sentiment_status build_merges(const sn_memory *memory, sn_merge *merges, size_t count,
                                     sn_bpe *made, sentiment_error *error)
{
    if (count >= UINT32_MAX)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "%zu merges are more than this library can hold", count);
    for (size_t i = 0; i < count; i++)
        merges[i].rank = (uint32_t)i;
    made->bucket_count = 1;
    while (made->bucket_count < count)
        made->bucket_count *= 2;
    made->merges = sn_alloc(memory, count, sizeof *made->merges);
    made->buckets = sn_alloc_zero(memory, made->bucket_count + 1, sizeof *made->buckets);
    if (!made->merges || !made->buckets)
        return sn_fail_memory(error, "the merges");
    sort_merges(merges, made->merges, count);
    made->merge_count = count = drop_repeated(merges, count);
    for (size_t i = 0; i < count; i++)
        made->buckets[bucket_of(made, merges[i].pair)]++;
    for (size_t b = 1; b <= made->bucket_count; b++)
        made->buckets[b] += made->buckets[b - 1];
    /* Each bucket fills from its end: what is left is where it begins. */
    for (size_t i = count; i-- > 0;)
        made->merges[--made->buckets[bucket_of(made, merges[i].pair)]] = merges[i];
    return SENTIMENT_OK;
}

static void fill_plain(const sn_lexicon *lexicon, sn_bpe *made)
{
    _Bool affixes = made->options.prefix.size || made->options.suffix.size;
    uint8_t bytes[4];
    for (uint32_t code = 0; code < SN_BPE_PLAIN; code++)
        made->plain[code] =
            affixes ? -1 : sn_lexicon_find(lexicon, bytes, sn_utf8_put(code, bytes));
}

static void fill_bytes(const sn_lexicon *lexicon, sn_bpe *made)
{
    char name[8];
    for (unsigned byte = 0; byte < 256; byte++) {
        int size = snprintf(name, sizeof name, "<0x%02X>", byte);
        made->bytes[byte] = sn_lexicon_find(lexicon, (const uint8_t *)name, (size_t)size);
    }
}

static size_t id_limit(const sn_vocabulary *vocabulary)
{
    int32_t highest = -1;
    for (size_t i = 0; i < vocabulary->count; i++)
        if (vocabulary->ids[i] > highest)
            highest = vocabulary->ids[i];
    return (size_t)(highest + INT64_C(1));
}

/* Marks the words that are one token of their own. */
static sentiment_status fill_whole(const sn_memory *memory, const sn_lexicon *lexicon,
                                   sn_bpe *made, sentiment_error *error)
{
    sn_bpe_scratch scratch = {0};
    const sn_symbols *symbols = &scratch.symbols;
    made->id_limit = id_limit(lexicon->vocabulary);
    made->whole = sn_alloc_zero(memory, made->id_limit / 8 + 1, 1);
    _Bool fine = made->whole != NULL;
    for (size_t i = 0; fine && i < sn_lexicon_count(lexicon); i++) {
        sn_slice word = sn_lexicon_word(lexicon, i);
        int32_t id = lexicon->vocabulary->ids[i];
        _Bool whole = made->options.ignore_merges;
        if (!whole && word.size <= MAX_WHOLE) {
            fine = sn_bpe_encode(made, lexicon, memory, word.data, word.size, &scratch);
            whole = fine && symbols->count == 1 && symbols->items[0].id == id &&
                    symbols->items[0].size == word.size;
        }
        if (whole)
            made->whole[id >> 3] |= (uint8_t)(1u << (id & 7));
    }
    sn_bpe_scratch_free(memory, &scratch);
    return fine ? SENTIMENT_OK : sn_fail_memory(error, "the merges");
}

/* Keeps copies of the prefix and the suffix. */
static sentiment_status copy_affixes(const sn_memory *memory, sn_bpe *made,
                                     sentiment_error *error)
{
    sn_slice *prefix = &made->options.prefix, *suffix = &made->options.suffix;
    size_t size;
    if (sn_add(prefix->size, suffix->size, &size))
        made->affixes = sn_alloc(memory, size, 1);
    if (!made->affixes)
        return sn_fail_memory(error, "the merges");
    if (prefix->size)
        memcpy(made->affixes, prefix->data, prefix->size);
    if (suffix->size)
        memcpy(made->affixes + prefix->size, suffix->data, suffix->size);
    prefix->data = made->affixes;
    suffix->data = made->affixes + prefix->size;
    return SENTIMENT_OK;
}

sentiment_status sn_bpe_build(const sn_memory *memory, const sn_lexicon *lexicon,
                              const sn_bpe_options *options, sn_merge *merges,
                              size_t merge_count, sn_bpe *out, sentiment_error *error)
{
    sn_bpe made = {.options = *options};
    sentiment_status status = copy_affixes(memory, &made, error);
    if (status == SENTIMENT_OK)
        status = build_merges(memory, merges, merge_count, &made, error);
    if (status == SENTIMENT_OK) {
        fill_plain(lexicon, &made);
        fill_bytes(lexicon, &made);
        status = fill_whole(memory, lexicon, &made, error);
    }
    if (status != SENTIMENT_OK) {
        sn_bpe_free(memory, &made);
        return status;
    }
    *out = made;
    return SENTIMENT_OK;
}

void sn_bpe_free(const sn_memory *memory, sn_bpe *model)
{
    sn_free(memory, model->affixes);
    sn_free(memory, model->merges);
    sn_free(memory, model->buckets);
    sn_free(memory, model->whole);
    *model = (sn_bpe){0};
}

uint64_t sn_bpe_bytes(const sn_bpe *model)
{
    return model->merge_count * (uint64_t)sizeof *model->merges +
           (model->bucket_count + 1) * (uint64_t)sizeof *model->buckets + model->id_limit / 8;
}
