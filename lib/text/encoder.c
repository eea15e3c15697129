/* SPDX-License-Identifier: Apache-2.0
 *
 * What pipeline.c stands on: memory, texts that are not UTF-8, trimmed ranges. */
#include "text/encoder.h"

#include <string.h>

#include "text/pieces_unicode.h"
#include "text/utf8.h"

/* U+FFFD has three bytes, a bad sequence at least one. */
enum { GROWTH = 3 };

static _Bool reserve(const sn_memory *memory, size_t size, sn_replaced *out)
{
    size_t need;
    if (!sn_multiply(size, GROWTH, &need))
        return 0;
    if (need <= out->capacity)
        return 1;
    uint8_t *bytes = sn_realloc(memory, out->bytes, need, 1);
    if (!bytes)
        return 0;
    out->bytes = bytes;
    uint64_t *from = sn_realloc(memory, out->from, need, sizeof *from);
    if (!from)
        return 0;
    out->from = from;
    uint64_t *to = sn_realloc(memory, out->to, need, sizeof *to);
    if (!to)
        return 0;
    out->to = to;
    out->capacity = need;
    return 1;
}

sentiment_status sn_replace(const sn_memory *memory, const uint8_t *text, size_t size,
                            sn_replaced *out, sentiment_error *error)
{
    if (!reserve(memory, size, out))
        return sn_fail_memory(error, "a text");
    out->size = 0;
    for (size_t i = 0; i < size;) {
        sn_char next = sn_utf8_get(text + i, size - i);
        size_t length = sn_utf8_put(next.code, out->bytes + out->size);
        for (size_t end = out->size + length; out->size < end; out->size++) {
            /* A good character's bytes stay their own. */
            size_t own = length - (end - out->size);
            out->from[out->size] = next.bad ? i : i + own;
            out->to[out->size] = next.bad ? i + next.length : i + own + 1;
        }
        i += next.length;
    }
    return SENTIMENT_OK;
}

/* U+0120 is what ByteLevel makes of a space. */
static _Bool is_blank(sn_char character)
{
    return character.code == 0x120 || (sn_piece(character.code)->flags & SN_PIECE_SPACE);
}

static size_t leading_blanks(sn_slice word)
{
    size_t count = 0, i = 0;
    for (; i < word.size; count++) {
        sn_char next = sn_utf8_get(word.data + i, word.size - i);
        if (!is_blank(next))
            break;
        i += next.length;
    }
    return count;
}

static size_t trailing_blanks(sn_slice word)
{
    size_t count = 0, i = word.size;
    for (; i > 0; count++) {
        sn_char before = sn_utf8_get_before(word.data, i);
        if (!is_blank(before))
            break;
        i -= before.length;
    }
    return count;
}

void sn_trim_range(const sn_walk *at, sn_slice word, size_t *begin, size_t *end)
{
    size_t leading = leading_blanks(word), trailing = trailing_blanks(word);
    _Bool first = at->tokens->count == 0 || *begin == 0;
    /* The package takes this one for the space that it put in itself. */
    if (first && at->pipeline->trim.keeps_prefix_space && leading == 1)
        leading = 0;
    for (; leading > 0 && *begin < *end; leading--)
        *begin += sn_utf8_get(at->text + *begin, at->size - *begin).length;
    /* The package leaves a range alone that ends within so many characters. */
    size_t stop = *end;
    for (size_t i = 0; i < trailing; i++) {
        if (stop == 0)
            return;
        stop -= sn_utf8_get_before(at->text, stop).length;
    }
    *end = stop > *begin ? stop : *begin;
}

static void free_hits(const sn_memory *memory, sn_hits *hits)
{
    sn_free(memory, hits->items);
    *hits = (sn_hits){0};
}

void sn_encoder_free(const sn_memory *memory, sn_encoder *encoder)
{
    if (!encoder)
        return;
    sn_free(memory, encoder->replaced.bytes);
    sn_free(memory, encoder->replaced.from);
    sn_free(memory, encoder->replaced.to);
    free_hits(memory, &encoder->hits);
    free_hits(memory, &encoder->normalized_hits);
    sn_pieces_free(memory, &encoder->normalized);
    sn_pieces_free(memory, &encoder->pieces);
    sn_bpe_scratch_free(memory, &encoder->bpe);
    sn_free(memory, encoder);
}

uint64_t sn_encoder_bytes(const sn_encoder *encoder)
{
    if (!encoder)
        return 0;
    const sn_bpe_scratch *bpe = &encoder->bpe;
    size_t hits = encoder->hits.capacity + encoder->normalized_hits.capacity;
    return sizeof *encoder + encoder->replaced.capacity * (uint64_t)17 +
           hits * (uint64_t)sizeof(sn_hit) +
           bpe->symbols.capacity * (uint64_t)sizeof(sn_symbol) +
           bpe->links_capacity * (uint64_t)sizeof *bpe->links +
           bpe->heap_capacity * (uint64_t)sizeof *bpe->heap + bpe->affixed_capacity;
}

void sn_pipeline_free(sn_pipeline *pipeline)
{
    if (!pipeline)
        return;
    sn_memory memory = pipeline->memory;
    sn_matcher_free(&memory, &pipeline->raw);
    sn_matcher_free(&memory, &pipeline->normalized);
    sn_wordpiece_free(&memory, &pipeline->wordpiece);
    sn_bpe_free(&memory, &pipeline->bpe);
    sn_free(&memory, pipeline->text);
    sn_free(&memory, pipeline);
}

static uint64_t matcher_bytes(const sn_matcher *matcher)
{
    return sn_trie_bytes(&matcher->trie) + matcher->count * (uint64_t)sizeof *matcher->items;
}

uint64_t sn_pipeline_bytes(const sn_pipeline *pipeline)
{
    return sizeof *pipeline + matcher_bytes(&pipeline->raw) +
           matcher_bytes(&pipeline->normalized) + sn_wordpiece_bytes(&pipeline->wordpiece) +
           sn_bpe_bytes(&pipeline->bpe) + pipeline->text_size;
}
