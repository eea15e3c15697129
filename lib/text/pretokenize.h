/* SPDX-License-Identifier: Apache-2.0
 *
 * The splitters of a tokenizer.json, each from the scratch's pieces to finer
 * ones. All of them return false if out of memory. */
#ifndef SN_TEXT_PRETOKENIZE_H
#define SN_TEXT_PRETOKENIZE_H

#include "text/pieces_unicode.h"
#include "text/rewrite.h"
#include "text/utf8.h"

_Bool sn_pretokenize(struct sn_pieces_scratch *scratch, const sn_splitter *splitter);
_Bool sn_pretokenize_byte_level(struct sn_pieces_scratch *scratch, const sn_splitter *splitter);

/* The flags of the character at `at`, reduced to `mask`, and its length. */
static inline uint32_t sn_flags_at(const uint8_t *text, size_t at, size_t end, uint32_t mask,
                                   size_t *length)
{
    uint32_t flags = sn_piece_bytes[text[at]];
    *length = 1;
    if (flags & SN_PIECE_HIGH) {
        sn_char next = sn_utf8_get_high(text + at, end - at);
        flags = sn_piece(next.code)->flags;
        *length = next.length;
    }
    return flags & mask;
}

/* Where the characters end that have, of `mask` (all below HIGH), just `flags`. */
static inline size_t sn_run_end(const uint8_t *text, size_t at, size_t end, uint32_t mask,
                                uint32_t flags)
{
    while (at < end) {
        if ((sn_piece_bytes[text[at]] & (mask | SN_PIECE_HIGH)) == flags) {
            at++;
            continue;
        }
        size_t length;
        if (text[at] < 0x80 || sn_flags_at(text, at, end, mask, &length) != flags)
            break;
        at += length;
    }
    return at;
}

#endif
