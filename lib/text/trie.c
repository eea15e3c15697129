/* SPDX-License-Identifier: Apache-2.0
 *
 * See trie.h. Built level by level: a node stands for a range of the strings,
 * those that share the bytes up to it, and sorting the range by the next byte
 * gives the ranges of its children. */
#include "text/trie.h"

#include <string.h>

/* Ranges up to this size are sorted by insertion, longer ones by counting. */
enum { SMALL = 24 };

typedef struct range {
    uint32_t low, high;
} range;

typedef struct builder {
    const sn_memory *memory;
    const sn_slice *strings;
    _Bool backward;
    uint32_t *order;  /* string numbers, by range */
    uint32_t *sorted; /* scratch of the same size */
    sn_trie_node *nodes;
    range *ranges; /* of each node */
    size_t count, capacity;
} builder;

static uint8_t byte_at(const builder *made, uint32_t string, size_t depth)
{
    const sn_slice *slice = &made->strings[string];
    return slice->data[made->backward ? slice->size - 1 - depth : depth];
}

static _Bool reserve_node(builder *made)
{
    if (made->count < made->capacity)
        return 1;
    size_t capacity = made->capacity + made->capacity / 2 + 64;
    sn_trie_node *nodes = sn_realloc(made->memory, made->nodes, capacity, sizeof *nodes);
    if (!nodes)
        return 0;
    made->nodes = nodes;
    range *ranges = sn_realloc(made->memory, made->ranges, capacity, sizeof *ranges);
    if (!ranges)
        return 0;
    made->ranges = ranges;
    made->capacity = capacity;
    return 1;
}

static _Bool push(builder *made, uint8_t label, uint32_t low, uint32_t high)
{
    /* Numbers of nodes are 32 bits wide, and one stands behind the last. */
    if (made->count >= UINT32_MAX - 1 || !reserve_node(made))
        return 0;
    made->nodes[made->count] = (sn_trie_node){.value = SN_TRIE_NONE, .label = label};
    made->ranges[made->count++] = (range){low, high};
    return 1;
}

static void sort_small(builder *made, uint32_t low, uint32_t high, size_t depth)
{
    for (uint32_t i = low + 1; i < high; i++) {
        uint32_t string = made->order[i], hole = i;
        uint8_t byte = byte_at(made, string, depth);
        for (; hole > low && byte_at(made, made->order[hole - 1], depth) > byte; hole--)
            made->order[hole] = made->order[hole - 1];
        made->order[hole] = string;
    }
}

static void sort_large(builder *made, uint32_t low, uint32_t high, size_t depth)
{
    uint32_t places[257] = {0};
    for (uint32_t i = low; i < high; i++)
        places[byte_at(made, made->order[i], depth) + 1]++;
    for (size_t byte = 0; byte < 256; byte++)
        places[byte + 1] += places[byte];
    for (uint32_t i = low; i < high; i++)
        made->sorted[places[byte_at(made, made->order[i], depth)]++] = made->order[i];
    memcpy(made->order + low, made->sorted, (high - low) * sizeof *made->order);
}

/* Moves the string that ends at this depth, if there is one, to the front of its
 * range. Returns how many there are. */
static uint32_t take_ended(builder *made, range where, size_t depth)
{
    uint32_t ended = 0;
    for (uint32_t i = where.low; i < where.high; i++) {
        uint32_t string = made->order[i];
        if (made->strings[string].size != depth)
            continue;
        made->order[i] = made->order[where.low + ended];
        made->order[where.low + ended++] = string;
    }
    return ended;
}

static sentiment_status expand(builder *made, size_t node, size_t depth, size_t twins[2],
                               sentiment_error *error)
{
    range where = made->ranges[node];
    uint32_t ended = take_ended(made, where, depth);
    made->nodes[node].first = (uint32_t)made->count;
    if (ended > 1) {
        uint32_t one = made->order[where.low], other = made->order[where.low + 1];
        twins[0] = one < other ? one : other;
        twins[1] = one < other ? other : one;
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "string %zu is the same as string %zu", twins[1], twins[0]);
    }
    if (ended)
        made->nodes[node].value = made->order[where.low++];
    if (where.high - where.low > SMALL)
        sort_large(made, where.low, where.high, depth);
    else
        sort_small(made, where.low, where.high, depth);
    for (uint32_t i = where.low, next; i < where.high; i = next) {
        uint8_t label = byte_at(made, made->order[i], depth);
        for (next = i + 1; next < where.high; next++)
            if (byte_at(made, made->order[next], depth) != label)
                break;
        if (!push(made, label, i, next))
            return sn_fail_memory(error, "the tokens' trie");
    }
    return SENTIMENT_OK;
}

static sentiment_status grow(builder *made, size_t strings, size_t twins[2],
                             sentiment_error *error)
{
    if (!push(made, 0, 0, (uint32_t)strings))
        return sn_fail_memory(error, "the tokens' trie");
    size_t level_end = made->count, depth = 0;
    for (size_t node = 0; node < made->count; node++) {
        if (node == level_end) {
            level_end = made->count;
            depth++;
        }
        sentiment_status status = expand(made, node, depth, twins, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    /* The end of the last node's children. */
    if (!reserve_node(made))
        return sn_fail_memory(error, "the tokens' trie");
    made->nodes[made->count] = (sn_trie_node){.first = (uint32_t)made->count};
    return SENTIMENT_OK;
}

static void fill_roots(sn_trie *trie)
{
    memset(trie->roots, 0, sizeof trie->roots);
    for (uint32_t node = trie->nodes[0].first; node < trie->nodes[1].first; node++)
        trie->roots[trie->nodes[node].label] = node;
}

/* Parents stand before their children, shorter suffixes before longer ones. */
static void fill_failures(sn_trie *trie)
{
    for (uint32_t node = 1; node < trie->count; node++) {
        for (uint32_t child = trie->nodes[node].first; child < trie->nodes[node + 1].first;
             child++) {
            uint32_t fail = sn_trie_step(trie, trie->nodes[node].fail, trie->nodes[child].label);
            trie->nodes[child].fail = fail;
            if (trie->nodes[child].value == SN_TRIE_NONE)
                trie->nodes[child].value = trie->nodes[fail].value;
        }
    }
}

sentiment_status sn_trie_build(const sn_memory *memory, const sn_slice *strings, size_t count,
                               _Bool backward, sn_trie *out, size_t twins[2],
                               sentiment_error *error)
{
    builder made = {.memory = memory, .strings = strings, .backward = backward};
    *out = (sn_trie){0};
    if (count == 0)
        return SENTIMENT_OK;
    if (count >= UINT32_MAX)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "%zu tokens are more than this library can hold", count);
    sentiment_status status = SENTIMENT_OK;
    made.order = sn_alloc(memory, count, sizeof *made.order);
    made.sorted = sn_alloc(memory, count, sizeof *made.sorted);
    if (!made.order || !made.sorted) {
        status = sn_fail_memory(error, "the tokens' trie");
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        made.order[i] = (uint32_t)i;
    status = grow(&made, count, twins, error);
    if (status != SENTIMENT_OK)
        goto out;
    out->count = made.count;
    out->nodes = made.nodes;
    made.nodes = NULL;
    fill_roots(out);
    if (backward)
        fill_failures(out);
out:
    sn_free(memory, made.order);
    sn_free(memory, made.sorted);
    sn_free(memory, made.ranges);
    sn_free(memory, made.nodes);
    return status;
}

void sn_trie_free(const sn_memory *memory, sn_trie *trie)
{
    sn_free(memory, trie->nodes);
    *trie = (sn_trie){0};
}

uint32_t sn_trie_child(const sn_trie *trie, uint32_t node, uint8_t label)
{
    if (node == 0)
        return trie->roots[label];
    uint32_t low = trie->nodes[node].first, high = trie->nodes[node + 1].first;
    while (high - low > 4) {
        uint32_t middle = low + (high - low) / 2;
        if (trie->nodes[middle].label <= label)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (trie->nodes[low].label == label)
            return low;
    return 0;
}

uint32_t sn_trie_longest(const sn_trie *trie, const uint8_t *bytes, size_t size, size_t *length)
{
    uint32_t node = 0, found = SN_TRIE_NONE;
    for (size_t i = 0; trie->nodes && i < size; i++) {
        node = sn_trie_child(trie, node, bytes[i]);
        if (node == 0)
            break;
        if (trie->nodes[node].value != SN_TRIE_NONE) {
            found = trie->nodes[node].value;
            *length = i + 1;
        }
    }
    return found;
}
