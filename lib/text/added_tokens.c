/* SPDX-License-Identifier: Apache-2.0
 *
 * See added_tokens.h. The text is read once from its end, which gives the
 * longest string that begins at each place; then from its beginning, taking the
 * first, and of the rest the first that does not overlap it. Whitespace that a
 * token takes does not count as overlap, just as in the package: a later token
 * may lie within it. */
#include "text/added_tokens.h"

#include <string.h>

#include "text/pieces_unicode.h"
#include "text/utf8.h"

enum { MIN_HITS = 16 };

sentiment_status sn_matcher_build(const sn_memory *memory, const sn_slice *strings,
                                  const sn_added_token *items, size_t count, sn_matcher *out,
                                  size_t twins[2], sentiment_error *error)
{
    sn_matcher made = {.count = count};
    if (count) {
        made.items = sn_alloc(memory, count, sizeof *made.items);
        if (!made.items)
            return sn_fail_memory(error, "the added tokens");
        memcpy(made.items, items, count * sizeof *items);
    }
    for (size_t i = 0; i < count; i++) {
        made.items[i].size = strings[i].size;
        made.strips_left |= items[i].lstrip;
        made.strips_right |= items[i].rstrip;
        made.has_space |= memchr(strings[i].data, ' ', strings[i].size) != NULL;
    }
    sentiment_status status =
        sn_trie_build(memory, strings, count, 1, &made.trie, twins, error);
    if (status != SENTIMENT_OK) {
        sn_free(memory, made.items);
        return status;
    }
    *out = made;
    return SENTIMENT_OK;
}

void sn_matcher_free(const sn_memory *memory, sn_matcher *matcher)
{
    sn_trie_free(memory, &matcher->trie);
    sn_free(memory, matcher->items);
    *matcher = (sn_matcher){0};
}

static _Bool add_hit(const sn_memory *memory, sn_hits *hits, size_t start, uint32_t item)
{
    if (hits->count == hits->capacity) {
        size_t capacity = hits->capacity ? 2 * hits->capacity : MIN_HITS;
        sn_hit *items = sn_realloc(memory, hits->items, capacity, sizeof *items);
        if (!items)
            return 0;
        hits->items = items;
        hits->capacity = capacity;
    }
    hits->items[hits->count++] = (sn_hit){start, item};
    return 1;
}

_Bool sn_parts_begin(const sn_matcher *matcher, const sn_memory *memory, const uint8_t *text,
                     size_t size, sn_hits *hits, sn_parts *out)
{
    const sn_trie *trie = &matcher->trie;
    uint32_t node = 0;
    hits->count = 0;
    *out = (sn_parts){.matcher = matcher, .text = text, .size = size, .hits = hits};
    for (size_t i = matcher->count ? size : 0; i-- > 0;) {
        /* Mostly no string ends anywhere near. */
        node = node ? sn_trie_step(trie, node, text[i]) : trie->roots[text[i]];
        if (node && trie->nodes[node].value != SN_TRIE_NONE &&
            !add_hit(memory, hits, i, trie->nodes[node].value))
            return 0;
    }
    return 1;
}

static _Bool is_word(sn_char character)
{
    return (sn_piece(character.code)->flags & SN_PIECE_WORD) != 0;
}

static _Bool is_space(sn_char character)
{
    return (sn_piece(character.code)->flags & SN_PIECE_SPACE) != 0;
}

static _Bool stands_alone(const sn_parts *parts, size_t start, size_t end)
{
    return (start == 0 || !is_word(sn_utf8_get_before(parts->text, start))) &&
           (end == parts->size ||
            !is_word(sn_utf8_get(parts->text + end, parts->size - end)));
}

/* Where the whitespace before `start` begins, no further back than `bound`. */
static size_t skip_left(const sn_parts *parts, size_t start, size_t bound)
{
    while (start > bound) {
        sn_char before = sn_utf8_get_before(parts->text, start);
        if (!is_space(before))
            break;
        start -= before.length;
    }
    return start;
}

/* Where the whitespace from `end` on ends. Looked over once, however many tokens
 * lie in it. */
static size_t skip_right(sn_parts *parts, size_t end)
{
    if (end >= parts->space_start && end < parts->space_end)
        return parts->space_end;
    parts->space_start = end;
    while (end < parts->size) {
        sn_char next = sn_utf8_get(parts->text + end, parts->size - end);
        if (!is_space(next))
            break;
        end += next.length;
    }
    return parts->space_end = end;
}

/* The next hit as a part, with the whitespace that it takes. */
static _Bool next_token(sn_parts *parts, sn_part *out)
{
    while (parts->hits->count > 0) {
        sn_hit hit = parts->hits->items[--parts->hits->count];
        const sn_added_token *item = &parts->matcher->items[hit.item];
        size_t start = hit.start, end = hit.start + item->size;
        if (start < parts->searched)
            continue;
        parts->searched = end;
        if (item->single_word && !stands_alone(parts, start, end))
            continue;
        if (item->lstrip) {
            start = skip_left(parts, start, parts->done);
            start = start < parts->done ? parts->done : start;
        }
        if (item->rstrip)
            end = skip_right(parts, end);
        /* All of it was taken by the token before, as whitespace. */
        if (start >= end)
            continue;
        *out = (sn_part){start, end, item->id};
        return 1;
    }
    return 0;
}

_Bool sn_parts_next(sn_parts *parts, sn_part *out)
{
    sn_part token;
    if (parts->has_pending) {
        parts->has_pending = 0;
        *out = parts->pending;
        parts->done = out->end;
        return 1;
    }
    if (!next_token(parts, &token)) {
        if (parts->ended || parts->done >= parts->size)
            return 0;
        parts->ended = 1;
        *out = (sn_part){parts->done, parts->size, -1};
        return 1;
    }
    if (parts->done < token.begin) {
        *out = (sn_part){parts->done, token.begin, -1};
        parts->pending = token;
        parts->has_pending = 1;
        return 1;
    }
    *out = token;
    parts->done = token.end;
    return 1;
}
