/* SPDX-License-Identifier: Apache-2.0
 *
 * GPT-2's splitter. Its pattern
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * is followed by hand, and then each byte becomes a printable character: 0x21-7E,
 * 0xA1-AC and 0xAE-FF stand for themselves, the others are U+0100 and up in their
 * order. */
#include "text/pretokenize.h"

enum { KINDS = SN_PIECE_SPACE | SN_PIECE_LETTER | SN_PIECE_NUMBER };

/* The character that stands for a byte. */
static uint32_t shown(uint8_t byte)
{
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7F && byte <= 0xA0)
        return 0x121u + byte - 0x7F;
    return byte == 0xAD ? 0x143 : byte;
}

/* Length of 's 't 're 've 'm 'll 'd at `at`, 0 if there is none. */
static size_t contraction(const uint8_t *text, size_t at, size_t end)
{
    if (text[at] != '\'' || end - at < 2)
        return 0;
    uint8_t one = text[at + 1], two = end - at > 2 ? text[at + 2] : 0;
    if (one == 's' || one == 't' || one == 'm' || one == 'd')
        return 2;
    if (((one == 'r' || one == 'v') && two == 'e') || (one == 'l' && two == 'l'))
        return 3;
    return 0;
}

/* Whitespace that goes on at `at`, `before` of it being behind already: up to the
 * last character before a word, which may be the word's own, or that one alone. */
static size_t space_end(const uint8_t *text, size_t at, size_t end, _Bool before)
{
    size_t all = sn_run_end(text, at, end, KINDS, SN_PIECE_SPACE);
    if (all == end || all == at)
        return all;
    size_t last = all - sn_utf8_get_before(text, all).length;
    return last > at || before ? last : all;
}

/* Where the token at `at` ends; `spaced`: a space of its own was put in before. */
static size_t token_end(const uint8_t *text, size_t at, size_t end, _Bool spaced)
{
    size_t length = spaced ? 0 : contraction(text, at, end);
    if (length)
        return at + length;
    size_t word = at;
    if (!spaced && text[at] == ' ') {
        spaced = 1;
        word++;
    }
    if (word == end)
        return end;
    uint32_t kind = sn_flags_at(text, word, end, KINDS, &length);
    if (kind == SN_PIECE_SPACE)
        return space_end(text, word, end, spaced);
    return sn_run_end(text, word + length, end, KINDS, kind);
}

/* Writes the source up to `end` in printable characters. */
static _Bool write_shown(sn_rewrite *rewrite, size_t end)
{
    while (rewrite->taken < end) {
        const uint8_t *text = rewrite->source + rewrite->taken;
        size_t left = end - rewrite->taken, plain = 0;
        while (plain < left && text[plain] > 0x20 && text[plain] < 0x7F)
            plain++;
        if (!sn_rewrite_keep(rewrite, plain))
            return 0;
        if (plain == left)
            break;
        text += plain;
        size_t length = sn_lead_length(text[0]);
        uint8_t bytes[4] = {text[0]};
        for (size_t i = 1; i < length; i++)
            bytes[i] = text[i];
        for (size_t i = 0; i < length; i++)
            if (!sn_rewrite_put(rewrite, shown(bytes[i]), i > 0))
                return 0;
    }
    return 1;
}

/* One token: what is put in before it, and the source up to `end`. */
static _Bool write_token(sn_rewrite *rewrite, size_t end, _Bool spaced)
{
    size_t begin = sn_rewrite_position(rewrite);
    if (spaced && !sn_rewrite_put_before(rewrite, shown(' ')))
        return 0;
    if (!write_shown(rewrite, end))
        return 0;
    struct sn_pieces_scratch *scratch = rewrite->scratch;
    return sn_list_add(scratch->memory, scratch->cut, begin, sn_rewrite_position(rewrite));
}

_Bool sn_pretokenize_byte_level(struct sn_pieces_scratch *scratch, const sn_splitter *splitter)
{
    const sn_list *pieces = scratch->pieces;
    sn_rewrite rewrite = sn_rewrite_begin(scratch);
    for (size_t i = 0; i < pieces->count; i++) {
        size_t at = pieces->begins[i], end = pieces->ends[i];
        _Bool spaced = splitter->add_prefix_space && rewrite.source[at] != ' ';
        /* What lies between pieces is in none of them: its bytes do not matter. */
        if (!sn_rewrite_keep(&rewrite, at - rewrite.taken))
            return 0;
        while (at < end) {
            at = splitter->use_regex ? token_end(rewrite.source, at, end, spaced) : end;
            if (!write_token(&rewrite, at, spaced))
                return 0;
            spaced = 0;
        }
    }
    return sn_rewrite_end(&rewrite);
}
