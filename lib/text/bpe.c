/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding by bpe.h. Short pieces keep the merge of each pair of neighbours and
 * look for the lowest rank among them; long ones keep the merges in a heap, so
 * that a piece of n characters takes n log n steps however long it is. */
#include "text/bpe.h"

#include <string.h>

#include "text/utf8.h"

enum { SHORT = 48 };

#define NO_LINK UINT32_MAX

/* --------------------------------------------------------------- characters */

/* A piece on its way to symbols. */
typedef struct walk {
    const sn_bpe *model;
    const sn_lexicon *lexicon;
    const sn_memory *memory;
    sn_bpe_scratch *scratch;
    _Bool has_unknown; /* pending, maybe to be fused with the next */
    size_t unknown_size;
} walk;

static _Bool push(walk *at, int32_t id, size_t size)
{
    return sn_symbols_push(at->memory, &at->scratch->symbols, id, size);
}

static _Bool flush_unknown(walk *at)
{
    _Bool pending = at->has_unknown;
    at->has_unknown = 0;
    return !pending || push(at, at->model->options.unknown, at->unknown_size);
}

/* A character that is no word: its bytes' tokens, or the unknown token, which
 * waits for what comes next, or nothing. Bytes do not end the wait. */
static _Bool push_unknown(walk *at, const uint8_t *bytes, size_t size)
{
    const sn_bpe_options *options = &at->model->options;
    _Bool fallback = options->byte_fallback;
    for (size_t i = 0; fallback && i < size; i++)
        fallback = at->model->bytes[bytes[i]] >= 0;
    if (fallback) {
        for (size_t i = 0; i < size; i++)
            if (!push(at, at->model->bytes[bytes[i]], 1))
                return 0;
        return 1;
    }
    if (options->unknown < 0)
        return 1;
    if (at->has_unknown && options->fuse_unknown) {
        at->unknown_size += size;
        return 1;
    }
    if (!flush_unknown(at))
        return 0;
    at->has_unknown = 1;
    at->unknown_size = size;
    return 1;
}

/* Id of a character with the prefix and suffix of its place. */
static int32_t find_affixed(walk *at, const uint8_t *bytes, size_t size, _Bool first, _Bool last)
{
    const sn_bpe_options *options = &at->model->options;
    uint8_t *out = at->scratch->affixed;
    size_t length = 0;
    if (!first && options->prefix.size) {
        memcpy(out, options->prefix.data, options->prefix.size);
        length = options->prefix.size;
    }
    memcpy(out + length, bytes, size);
    length += size;
    if (last && options->suffix.size) {
        memcpy(out + length, options->suffix.data, options->suffix.size);
        length += options->suffix.size;
    }
    return sn_lexicon_find(at->lexicon, out, length);
}

static _Bool push_characters(walk *at, const uint8_t *piece, size_t size)
{
    const sn_bpe *model = at->model;
    _Bool affixes = model->options.prefix.size || model->options.suffix.size;
    for (size_t i = 0; i < size;) {
        sn_char next = sn_utf8_get(piece + i, size - i);
        int32_t id;
        if (affixes)
            id = find_affixed(at, piece + i, next.length, i == 0, i + next.length == size);
        else if (next.code < SN_BPE_PLAIN)
            id = model->plain[next.code];
        else
            id = sn_lexicon_find(at->lexicon, piece + i, next.length);
        if (id < 0 ? !push_unknown(at, piece + i, next.length)
                   : !flush_unknown(at) || !push(at, id, next.length))
            return 0;
        i += next.length;
    }
    return flush_unknown(at);
}

static _Bool reserve_affixed(const sn_bpe *model, const sn_memory *memory, sn_bpe_scratch *scratch)
{
    size_t need = model->options.prefix.size + model->options.suffix.size + 4;
    if (need <= scratch->affixed_capacity)
        return 1;
    uint8_t *affixed = sn_realloc(memory, scratch->affixed, need, 1);
    if (!affixed)
        return 0;
    scratch->affixed = affixed;
    scratch->affixed_capacity = need;
    return 1;
}

/* ------------------------------------------------------------- short pieces */

static void merge_short(const sn_bpe *model, sn_symbols *symbols)
{
    const sn_merge *merges[SHORT];
    sn_symbol *items = symbols->items;
    size_t count = symbols->count;
    for (size_t i = 0; i + 1 < count; i++)
        merges[i] = sn_bpe_merge_of(model, items[i].id, items[i + 1].id);
    while (count > 1) {
        size_t best = count;
        for (size_t i = 0; i + 1 < count; i++)
            if (merges[i] && (best == count || merges[i]->rank < merges[best]->rank))
                best = i;
        if (best == count)
            break;
        items[best].id = merges[best]->id;
        items[best].size += items[best + 1].size;
        count--;
        for (size_t i = best + 1; i < count; i++) {
            items[i] = items[i + 1];
            merges[i - 1] = merges[i];
        }
        if (best > 0)
            merges[best - 1] = sn_bpe_merge_of(model, items[best - 1].id, items[best].id);
        if (best + 1 < count)
            merges[best] = sn_bpe_merge_of(model, items[best].id, items[best + 1].id);
    }
    symbols->count = count;
}

/* -------------------------------------------------------------- long pieces */

static void heap_push(sn_bpe_scratch *scratch, uint64_t item)
{
    uint64_t *heap = scratch->heap;
    size_t hole = scratch->heap_size++;
    for (; hole > 0 && heap[(hole - 1) / 2] > item; hole = (hole - 1) / 2)
        heap[hole] = heap[(hole - 1) / 2];
    heap[hole] = item;
}

static uint64_t heap_pop(sn_bpe_scratch *scratch)
{
    uint64_t *heap = scratch->heap, least = heap[0], item = heap[--scratch->heap_size];
    size_t hole = 0, count = scratch->heap_size;
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= item)
            break;
        heap[hole] = heap[child];
    }
    heap[hole] = item;
    return least;
}

/* Every symbol has two links; every pair is pushed once, and each merge makes two
 * more of them. */
static _Bool reserve_long(const sn_memory *memory, size_t count, sn_bpe_scratch *scratch)
{
    if (2 * count > scratch->links_capacity) {
        uint32_t *links = sn_realloc(memory, scratch->links, count, 2 * sizeof *links);
        if (!links)
            return 0;
        scratch->links = links;
        scratch->links_capacity = 2 * count;
    }
    if (3 * count > scratch->heap_capacity) {
        uint64_t *heap = sn_realloc(memory, scratch->heap, count, 3 * sizeof *heap);
        if (!heap)
            return 0;
        scratch->heap = heap;
        scratch->heap_capacity = 3 * count;
    }
    return 1;
}

static void push_pair(const sn_bpe *model, sn_bpe_scratch *scratch, uint32_t left, uint32_t right)
{
    const sn_symbol *items = scratch->symbols.items;
    const sn_merge *merge = sn_bpe_merge_of(model, items[left].id, items[right].id);
    if (merge)
        heap_push(scratch, (uint64_t)merge->rank << 32 | left);
}

/* Merges a symbol with the next one, if that pair still has this rank. A symbol
 * that was merged into the one before it has the size 0. */
static void merge_at(const sn_bpe *model, sn_bpe_scratch *scratch, uint32_t rank, uint32_t place)
{
    sn_symbol *items = scratch->symbols.items;
    uint32_t *before = scratch->links, *behind = before + scratch->symbols.count;
    uint32_t next = behind[place];
    if (items[place].size == 0 || next == NO_LINK)
        return;
    const sn_merge *merge = sn_bpe_merge_of(model, items[place].id, items[next].id);
    if (!merge || merge->rank != rank)
        return;
    items[place].id = merge->id;
    items[place].size += items[next].size;
    items[next].size = 0;
    behind[place] = behind[next];
    if (behind[place] != NO_LINK) {
        before[behind[place]] = place;
        push_pair(model, scratch, place, behind[place]);
    }
    if (before[place] != NO_LINK)
        push_pair(model, scratch, before[place], place);
}

static _Bool merge_long(const sn_bpe *model, const sn_memory *memory, sn_bpe_scratch *scratch)
{
    sn_symbols *symbols = &scratch->symbols;
    size_t count = symbols->count, kept = 0;
    if (!reserve_long(memory, count, scratch))
        return 0;
    uint32_t *before = scratch->links, *behind = before + count;
    scratch->heap_size = 0;
    for (size_t i = 0; i < count; i++) {
        before[i] = i > 0 ? (uint32_t)i - 1 : NO_LINK;
        behind[i] = i + 1 < count ? (uint32_t)i + 1 : NO_LINK;
        if (i > 0)
            push_pair(model, scratch, (uint32_t)i - 1, (uint32_t)i);
    }
    while (scratch->heap_size > 0) {
        uint64_t least = heap_pop(scratch);
        merge_at(model, scratch, (uint32_t)(least >> 32), (uint32_t)least);
    }
    for (size_t i = 0; i < count; i++)
        if (symbols->items[i].size > 0)
            symbols->items[kept++] = symbols->items[i];
    symbols->count = kept;
    return 1;
}

_Bool sn_bpe_encode(const sn_bpe *model, const sn_lexicon *lexicon, const sn_memory *memory,
                    const uint8_t *piece, size_t size, sn_bpe_scratch *scratch)
{
    walk at = {.model = model, .lexicon = lexicon, .memory = memory, .scratch = scratch};
    scratch->symbols.count = 0;
    if (!reserve_affixed(model, memory, scratch) || !push_characters(&at, piece, size))
        return 0;
    if (scratch->symbols.count > SHORT)
        return merge_long(model, memory, scratch);
    merge_short(model, &scratch->symbols);
    return 1;
}

void sn_bpe_scratch_free(const sn_memory *memory, sn_bpe_scratch *scratch)
{
    sn_free(memory, scratch->symbols.items);
    sn_free(memory, scratch->links);
    sn_free(memory, scratch->heap);
    sn_free(memory, scratch->affixed);
    *scratch = (sn_bpe_scratch){0};
}
