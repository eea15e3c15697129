/* SPDX-License-Identifier: Apache-2.0
 *
 * The core of the pickle machine: the loop, the arena of nodes, the stack, the
 * memo. Opcodes are in pickle_opcodes.c and pickle_scalars.c. */
#include "formats/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/pickle_internal.h"

/* Longest probe of the memo. Indices that Python writes spread evenly and stay
 * far below; only indices chosen to collide get here. */
#define MEMO_PROBES 1024

SN_PRINTF(4, 0)
static sentiment_status report(const sn_pickle *p, sentiment_status code, uint64_t at,
                               const char *format, va_list arguments)
{
    char text[400];
    vsnprintf(text, sizeof text, format, arguments);
    return sn_fail(p->error, code, p->base + at, "%s: byte %llu: %s", p->entry,
                   (unsigned long long)at, text);
}

sentiment_status sn_pickle_fail(const sn_pickle *pickle, uint64_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sentiment_status status = report(pickle, SENTIMENT_ERROR_BAD_MODEL, at, format, arguments);
    va_end(arguments);
    return status;
}

sentiment_status sn_pickle_fail_as(const sn_pickle *pickle, sentiment_status code, uint64_t at,
                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(pickle, code, at, format, arguments);
    va_end(arguments);
    return code;
}

/* The block with room for `needed` items, at least doubled; NULL: as it was. */
static void *grown(const sn_pickle *p, void *block, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return block;
    size_t more = *capacity < 32 ? 64 : *capacity * 2;
    if (more < needed)
        more = needed;
    void *larger = sn_realloc(p->memory, block, more, size);
    if (larger)
        *capacity = more;
    return larger;
}

static sentiment_status out_of_memory(const sn_pickle *p)
{
    return sn_fail_memory(p->error, p->entry);
}

sentiment_status sn_pickle_make(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id *id)
{
    if (p->node_count >= SN_PICKLE_MAX_NODES)
        return sn_pickle_fail(p, p->opcode_at, "more than %u values", SN_PICKLE_MAX_NODES);
    sn_pickle_node *nodes =
        grown(p, p->nodes, &p->node_capacity, p->node_count + 1, sizeof *p->nodes);
    if (!nodes)
        return out_of_memory(p);
    p->nodes = nodes;
    nodes[p->node_count] =
        (sn_pickle_node){.kind = (uint8_t)kind, .depth = 1, .at = (uint32_t)p->opcode_at};
    *id = (sn_pickle_id)p->node_count++;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_push(sn_pickle *p, sn_pickle_id id)
{
    if (p->stack_count >= SN_PICKLE_MAX_STACK)
        return sn_pickle_fail(p, p->opcode_at, "more than %u values on the stack",
                              SN_PICKLE_MAX_STACK);
    sn_pickle_id *stack =
        grown(p, p->stack, &p->stack_capacity, p->stack_count + 1, sizeof *p->stack);
    if (!stack)
        return out_of_memory(p);
    p->stack = stack;
    stack[p->stack_count++] = id;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_make_push(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id *id)
{
    sentiment_status status = sn_pickle_make(p, kind, id);
    return status ? status : sn_pickle_push(p, *id);
}

sentiment_status sn_pickle_top(sn_pickle *p, sn_pickle_id *id)
{
    size_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (p->stack_count <= floor)
        return sn_pickle_fail(p, p->opcode_at, "opcode 0x%02x finds no value on the stack",
                              p->in.data[p->opcode_at]);
    *id = p->stack[p->stack_count - 1];
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_pop(sn_pickle *p, sn_pickle_id *id)
{
    sentiment_status status = sn_pickle_top(p, id);
    if (!status)
        p->stack_count--;
    return status;
}

sentiment_status sn_pickle_mark(sn_pickle *p)
{
    if (p->mark_count >= SN_PICKLE_MAX_MARKS)
        return sn_pickle_fail(p, p->opcode_at, "more than %d marks are open",
                              SN_PICKLE_MAX_MARKS);
    p->marks[p->mark_count++] = (uint32_t)p->stack_count;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_pop_mark(sn_pickle *p, const sn_pickle_id **ids, size_t *count)
{
    static const sn_pickle_id none = 0;
    if (p->mark_count == 0)
        return sn_pickle_fail(p, p->opcode_at, "opcode 0x%02x finds no mark on the stack",
                              p->in.data[p->opcode_at]);
    uint32_t start = p->marks[--p->mark_count];
    *count = p->stack_count - start;
    *ids = *count ? p->stack + start : &none;
    p->stack_count = start;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_nest(sn_pickle *p, sn_pickle_id parent, sn_pickle_id child)
{
    if (child == parent || child == 0)
        return SENTIMENT_OK;
    uint32_t depth = p->nodes[child].depth + 1u;
    if (depth > SN_PICKLE_MAX_DEPTH)
        return sn_pickle_fail(p, p->opcode_at, "values nested deeper than %d",
                              SN_PICKLE_MAX_DEPTH);
    if (depth > p->nodes[parent].depth)
        p->nodes[parent].depth = (uint16_t)depth;
    return SENTIMENT_OK;
}

/* Every id stored was pushed by an opcode of its own, so the pool is no larger
 * than the pickle. */
sentiment_status sn_pickle_store(sn_pickle *p, const sn_pickle_id *ids, size_t count,
                                 uint32_t *start)
{
    *start = 0;
    if (count == 0)
        return SENTIMENT_OK;
    sn_pickle_id *items =
        grown(p, p->items, &p->item_capacity, p->item_count + count, sizeof *p->items);
    if (!items)
        return out_of_memory(p);
    p->items = items;
    memcpy(items + p->item_count, ids, count * sizeof *ids);
    *start = (uint32_t)p->item_count;
    p->item_count += count;
    return SENTIMENT_OK;
}

/* Makes a run of items just stored, or lengthens the container's last run. */
static sentiment_status append_run(sn_pickle *p, sn_pickle_node *node, uint32_t start,
                                   uint32_t count, _Bool pairs)
{
    sn_pickle_run *last = node->last_run ? &p->runs[node->last_run] : NULL;
    if (last && last->pairs == pairs && last->start + last->count == start) {
        last->count += count;
        return SENTIMENT_OK;
    }
    /* Run 0 is the end of each list. */
    size_t index = p->run_count ? p->run_count : 1;
    sn_pickle_run *runs = grown(p, p->runs, &p->run_capacity, index + 1, sizeof *p->runs);
    if (!runs)
        return out_of_memory(p);
    p->runs = runs;
    p->run_count = index + 1;
    runs[index] = (sn_pickle_run){.start = start, .count = count, .pairs = pairs};
    if (node->last_run)
        runs[node->last_run].next = (uint32_t)index;
    else
        node->first_run = (uint32_t)index;
    node->last_run = (uint32_t)index;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_extend(sn_pickle *p, sn_pickle_id target, const sn_pickle_id *ids,
                                  size_t count, _Bool pairs)
{
    sentiment_status status = SENTIMENT_OK;
    uint32_t start = 0;
    if (count == 0)
        return SENTIMENT_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = sn_pickle_nest(p, target, ids[i]);
    if (!status)
        status = sn_pickle_store(p, ids, count, &start);
    if (!status)
        status = append_run(p, &p->nodes[target], start, (uint32_t)count, pairs);
    return status;
}

/* The slot of `key`, or the free one where it belongs; NULL: too many probes. */
static sn_pickle_memo *memo_slot(sn_pickle_memo *memo, size_t capacity, uint32_t key)
{
    uint32_t hash = key * 0x9e3779b1u;
    hash = (hash ^ hash >> 15) * 0x85ebca77u;
    hash ^= hash >> 13;
    for (size_t i = 0; i < MEMO_PROBES && i < capacity; i++) {
        sn_pickle_memo *slot = &memo[(hash + i) & (capacity - 1)];
        if (slot->id == 0 || slot->key == key)
            return slot;
    }
    return NULL;
}

/* A table of twice the size, so that it is never more than half full. */
static sentiment_status memo_grow(sn_pickle *p)
{
    size_t capacity = p->memo_capacity ? p->memo_capacity * 2 : 64;
    sn_pickle_memo *memo = sn_alloc_zero(p->memory, capacity, sizeof *memo);
    if (!memo)
        return out_of_memory(p);
    for (size_t i = 0; i < p->memo_capacity; i++) {
        if (p->memo[i].id == 0)
            continue;
        sn_pickle_memo *slot = memo_slot(memo, capacity, p->memo[i].key);
        if (!slot) {
            sn_free(p->memory, memo);
            return sn_pickle_fail(p, p->opcode_at, "memo indices that all collide");
        }
        *slot = p->memo[i];
    }
    sn_free(p->memory, p->memo);
    p->memo = memo;
    p->memo_capacity = capacity;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_memo_put(sn_pickle *p, uint32_t key, sn_pickle_id id)
{
    if (p->memo_count >= SN_PICKLE_MAX_MEMO)
        return sn_pickle_fail(p, p->opcode_at, "more than %u memo entries", SN_PICKLE_MAX_MEMO);
    if ((p->memo_count + 1) * 2 > p->memo_capacity) {
        sentiment_status status = memo_grow(p);
        if (status)
            return status;
    }
    sn_pickle_memo *slot = memo_slot(p->memo, p->memo_capacity, key);
    if (!slot)
        return sn_pickle_fail(p, p->opcode_at, "memo indices that all collide");
    if (slot->id == 0)
        p->memo_count++;
    *slot = (sn_pickle_memo){key, id};
    return SENTIMENT_OK;
}

sn_pickle_id sn_pickle_memo_get(const sn_pickle *p, uint32_t key)
{
    if (!p->memo)
        return 0;
    const sn_pickle_memo *slot = memo_slot(p->memo, p->memo_capacity, key);
    return slot ? slot->id : 0;
}

sentiment_status sn_pickle_take(sn_pickle *p, uint64_t size, const uint8_t **bytes)
{
    *bytes = sn_take(&p->in, size);
    if (*bytes)
        return SENTIMENT_OK;
    return sn_pickle_fail(p, p->opcode_at, "opcode 0x%02x needs %llu more bytes, %zu are left",
                          p->in.data[p->opcode_at], (unsigned long long)size,
                          sn_cursor_left(&p->in));
}

sentiment_status sn_pickle_take_int(sn_pickle *p, size_t width, uint64_t *value)
{
    const uint8_t *bytes;
    sentiment_status status = sn_pickle_take(p, width, &bytes);
    if (!status)
        *value = sn_load_le(bytes, width);
    return status;
}

sentiment_status sn_pickle_line(sn_pickle *p, sn_name *line)
{
    const uint8_t *start = p->in.data + p->in.position;
    size_t left = sn_cursor_left(&p->in);
    const uint8_t *end = left ? memchr(start, '\n', left) : NULL;
    if (!end)
        return sn_pickle_fail(p, p->opcode_at, "opcode 0x%02x: its line does not end",
                              p->in.data[p->opcode_at]);
    line->data = start;
    line->size = (size_t)(end - start);
    p->in.position += line->size + 1;
    return SENTIMENT_OK;
}

/* STOP: one value, no open mark. */
static sentiment_status finish(sn_pickle *p)
{
    if (p->mark_count != 0 || p->stack_count != 1)
        return sn_pickle_fail(p, p->opcode_at,
                              "STOP with %zu values and %zu marks on the stack, expected 1 and 0",
                              p->stack_count, p->mark_count);
    p->root = p->stack[0];
    return SENTIMENT_OK;
}

static sentiment_status run(sn_pickle *p)
{
    sn_pickle_id nothing;
    sentiment_status status = sn_pickle_make(p, SN_PICKLE_NOTHING, &nothing);
    while (!status) {
        p->opcode_at = p->in.position;
        const uint8_t *opcode = sn_take(&p->in, 1);
        if (!opcode)
            return sn_pickle_fail(p, p->opcode_at, "the pickle ends without STOP");
        if (*opcode == '.')
            return finish(p);
        const sn_pickle_opcode *entry = &sn_pickle_opcodes[*opcode];
        if (!entry->run)
            return sn_pickle_fail(p, p->opcode_at, "0x%02x is no pickle opcode", *opcode);
        status = entry->run(p, entry->argument);
    }
    return status;
}

sentiment_status sn_pickle_read(sn_pickle *pickle, const uint8_t *data, size_t size,
                                const char *entry, uint64_t base,
                                const sn_pickle_policy *policy, const sn_memory *memory,
                                sentiment_error *error)
{
    /* A tail beyond the limit is left alone: a legacy file goes on with weights. */
    size_t readable = size < SN_PICKLE_MAX_BYTES ? size : SN_PICKLE_MAX_BYTES;
    *pickle = (sn_pickle){.memory = memory,
                          .policy = policy,
                          .error = error,
                          .entry = entry,
                          .base = base,
                          .in = {data, readable, 0}};
    sentiment_status status = run(pickle);
    pickle->in.size = size;
    if (status)
        sn_pickle_free(pickle);
    return status;
}

void sn_pickle_free(sn_pickle *pickle)
{
    if (!pickle->memory)
        return;
    sn_free(pickle->memory, pickle->nodes);
    sn_free(pickle->memory, pickle->items);
    sn_free(pickle->memory, pickle->runs);
    sn_free(pickle->memory, pickle->memo);
    sn_free(pickle->memory, pickle->stack);
    sn_free(pickle->memory, pickle->text);
    *pickle = (sn_pickle){0};
}

size_t sn_pickle_used(const sn_pickle *pickle)
{
    return pickle->in.position;
}

sentiment_status sn_pickle_expect_end(const sn_pickle *pickle)
{
    size_t left = sn_cursor_left(&pickle->in);
    if (left == 0)
        return SENTIMENT_OK;
    return sn_pickle_fail(pickle, pickle->in.position, "%zu bytes stand behind STOP", left);
}
