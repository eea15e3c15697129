/* SPDX-License-Identifier: Apache-2.0
 *
 * See rewrite.h. The source is always well-formed UTF-8; what is dealt with is
 * whole characters of it. */
#include "text/rewrite.h"

#include <string.h>

#include "text/utf8.h"

enum { MIN_BYTES = 256, MIN_PIECES = 64 };

/* Twice the old capacity, or what is needed if that is more. */
static size_t grown(size_t capacity, size_t need, size_t least)
{
    size_t twice = capacity <= SIZE_MAX / 2 ? 2 * capacity : need;
    size_t larger = need > twice ? need : twice;
    return larger > least ? larger : least;
}

_Bool sn_side_reserve(const sn_memory *memory, sn_side *side, size_t size, _Bool places)
{
    if (size > side->capacity) {
        size_t capacity = grown(side->capacity, size, MIN_BYTES);
        uint8_t *bytes = sn_realloc(memory, side->bytes, capacity, 1);
        if (!bytes)
            return 0;
        side->bytes = bytes;
        side->capacity = capacity;
    }
    if (!places || size <= side->placed)
        return 1;
    size_t capacity = grown(side->placed, size, MIN_BYTES);
    uint64_t *from = sn_realloc(memory, side->from, capacity, sizeof *from);
    if (!from)
        return 0;
    side->from = from;
    uint64_t *to = sn_realloc(memory, side->to, capacity, sizeof *to);
    if (!to)
        return 0;
    side->to = to;
    side->placed = capacity;
    return 1;
}

void sn_side_free(const sn_memory *memory, sn_side *side)
{
    sn_free(memory, side->bytes);
    sn_free(memory, side->from);
    sn_free(memory, side->to);
}

_Bool sn_list_reserve(const sn_memory *memory, sn_list *list)
{
    size_t need;
    if (!sn_add(list->count, 1, &need))
        return 0;
    size_t capacity = grown(list->capacity, need, MIN_PIECES);
    size_t *begins = sn_realloc(memory, list->begins, capacity, sizeof *begins);
    if (!begins)
        return 0;
    list->begins = begins;
    size_t *ends = sn_realloc(memory, list->ends, capacity, sizeof *ends);
    if (!ends)
        return 0;
    list->ends = ends;
    list->capacity = capacity;
    return 1;
}

sn_rewrite sn_rewrite_begin(struct sn_pieces_scratch *scratch)
{
    const sn_side *now = scratch->now;
    return (sn_rewrite){
        .scratch = scratch,
        .source = now->bytes,
        .from = scratch->moved ? now->from : NULL,
        .to = scratch->moved ? now->to : NULL,
        .size = scratch->size,
    };
}

/* Room for `size` more bytes behind what is written. */
static _Bool reserve(sn_rewrite *rewrite, size_t size)
{
    sn_side *next = rewrite->scratch->next;
    size_t need;
    if (!sn_add(rewrite->written, size, &need))
        return 0;
    if (need <= next->capacity && need <= next->placed)
        return 1;
    return sn_side_reserve(rewrite->scratch->memory, next, need, 1);
}

/* Copies `size` bytes from `begin` of the source, with their places. */
static _Bool copy(sn_rewrite *rewrite, size_t begin, size_t size)
{
    if (size == 0)
        return 1;
    if (!reserve(rewrite, size))
        return 0;
    const sn_side *next = rewrite->scratch->next;
    size_t at = rewrite->written;
    memcpy(next->bytes + at, rewrite->source + begin, size);
    if (rewrite->from) {
        memcpy(next->from + at, rewrite->from + begin, size * sizeof *next->from);
        memcpy(next->to + at, rewrite->to + begin, size * sizeof *next->to);
    } else {
        for (size_t i = begin; i < begin + size;) {
            size_t end = i + sn_lead_length(rewrite->source[i]);
            for (size_t start = i; i < end; i++, at++) {
                next->from[at] = start;
                next->to[at] = end;
            }
        }
    }
    rewrite->written += size;
    return 1;
}

/* From here on the text moves. */
static _Bool move(sn_rewrite *rewrite)
{
    if (rewrite->moved)
        return 1;
    /* The whole length at once: most of what follows is no longer than that. */
    if (!sn_side_reserve(rewrite->scratch->memory, rewrite->scratch->next, rewrite->size, 1))
        return 0;
    rewrite->moved = 1;
    rewrite->written = 0;
    return copy(rewrite, 0, rewrite->taken);
}

_Bool sn_rewrite_keep(sn_rewrite *rewrite, size_t size)
{
    if (rewrite->moved && !copy(rewrite, rewrite->taken, size))
        return 0;
    rewrite->taken += size;
    return 1;
}

/* Goes past the characters of the source that a change deals with. */
static void take(sn_rewrite *rewrite, int64_t change)
{
    for (; change <= 0 && rewrite->taken < rewrite->size; change++)
        rewrite->taken += sn_lead_length(rewrite->source[rewrite->taken]);
}

/* Writes a character with the place of byte `index` of the source. */
static _Bool write_at(sn_rewrite *rewrite, const uint8_t *bytes, size_t length, size_t index)
{
    if (!reserve(rewrite, length))
        return 0;
    uint64_t from, to;
    if (rewrite->from) {
        from = rewrite->from[index];
        to = rewrite->to[index];
    } else {
        while ((rewrite->source[index] & 0xC0) == 0x80)
            index--;
        from = index;
        to = index + sn_lead_length(rewrite->source[index]);
    }
    const sn_side *next = rewrite->scratch->next;
    for (size_t i = 0, at = rewrite->written; i < length; i++, at++) {
        next->bytes[at] = bytes[i];
        next->from[at] = from;
        next->to[at] = to;
    }
    rewrite->written += length;
    return 1;
}

_Bool sn_rewrite_put(sn_rewrite *rewrite, uint32_t code, int64_t change)
{
    uint8_t bytes[4];
    size_t length = sn_utf8_put(code, bytes), taken = rewrite->taken;
    if (!rewrite->moved && change == 0 && length == sn_lead_length(rewrite->source[taken])) {
        memcpy(rewrite->source + taken, bytes, length);
        rewrite->taken += length;
        return 1;
    }
    size_t index = change > 0 && taken > 0 ? taken - 1 : taken;
    if (!move(rewrite) || !write_at(rewrite, bytes, length, index))
        return 0;
    take(rewrite, change);
    return 1;
}

_Bool sn_rewrite_put_before(sn_rewrite *rewrite, uint32_t code)
{
    uint8_t bytes[4];
    size_t length = sn_utf8_put(code, bytes);
    return move(rewrite) && write_at(rewrite, bytes, length, rewrite->taken);
}

_Bool sn_rewrite_drop(sn_rewrite *rewrite, int64_t change)
{
    if (change > 0)
        return 1;
    if (!move(rewrite))
        return 0;
    take(rewrite, change);
    return 1;
}

_Bool sn_rewrite_end(sn_rewrite *rewrite)
{
    struct sn_pieces_scratch *scratch = rewrite->scratch;
    if (!sn_rewrite_keep(rewrite, rewrite->size - rewrite->taken))
        return 0;
    if (!rewrite->moved)
        return 1;
    sn_side *old = scratch->now;
    scratch->now = scratch->next;
    scratch->next = old;
    scratch->size = rewrite->written;
    scratch->moved = 1;
    return 1;
}
