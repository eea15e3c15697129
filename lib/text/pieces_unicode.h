/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of characters as the pinned version of Hugging Face tokenizers has
 * them: several versions of Unicode side by side, so not those of unicode.h. The
 * tables are generated (generate_pieces.py); this is the way to read them. */
#ifndef SN_TEXT_PIECES_UNICODE_H
#define SN_TEXT_PIECES_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum sn_piece_flag {
    SN_PIECE_SPACE = 1,
    SN_PIECE_PUNCTUATION = 2, /* and every ASCII symbol */
    SN_PIECE_WORD = 4,        /* \w */
    SN_PIECE_LETTER = 8,      /* \p{L} */
    SN_PIECE_NUMBER = 16,     /* \p{N} */
    SN_PIECE_CLEANED = 32,    /* clean_text drops it */
    SN_PIECE_SECOND = 64,     /* may compose with what stands before it */
    SN_PIECE_HIGH = 128,      /* sn_piece_bytes only: not ASCII */
    SN_PIECE_NONSPACING = 256,
    SN_PIECE_MARK = 512,
    SN_PIECE_CHINESE = 1024,
    SN_PIECE_CANONICAL = 2048,  /* has a canonical decomposition */
    SN_PIECE_COMPATIBLE = 4096, /* has one of either kind */
    /* NFC (NFKC) changes it, or may do so for what stands before it. */
    SN_PIECE_NFC = 8192,
    SN_PIECE_NFKC = 16384
};

typedef struct sn_piece_record {
    int32_t lower; /* add it to get the (first) lower-case code point */
    uint16_t flags;
    uint8_t class; /* canonical combining class; 0 if it decomposes */
} sn_piece_record;

/* first + second = composite, the low 16 bits of each. */
typedef struct sn_piece_pair {
    uint16_t first, second, composite;
} sn_piece_pair;

/* Code points to a block, and blocks to a group, as powers of two. */
enum { SN_PIECE_BLOCK = 4, SN_PIECE_GROUP = 5 };

extern const sn_piece_record sn_piece_records[];
extern const uint8_t sn_piece_top[];
extern const uint16_t sn_piece_groups[][1 << SN_PIECE_GROUP];
extern const uint8_t sn_piece_blocks[][1 << SN_PIECE_BLOCK];
/* The flags of a byte of text: of ASCII, or HIGH. */
extern const uint8_t sn_piece_bytes[256];
/* Full decompositions, in UTF-16. An entry is a unit of bits 0-3 length of the
 * canonical one, 4-7 where the compatible one begins, 8-15 its length, and then
 * the units that they lie in. */
extern const uint8_t sn_piece_form_top[];
extern const uint16_t sn_piece_form_groups[][1 << SN_PIECE_GROUP];
extern const uint16_t sn_piece_form_blocks[][1 << SN_PIECE_BLOCK];
extern const uint16_t sn_piece_pool[];
/* The pairs of plane p are those from starts[p] to starts[p + 1], sorted. */
extern const sn_piece_pair sn_piece_pairs[];
extern const size_t sn_piece_pair_starts[3];

static inline uint32_t sn_piece_block(const uint8_t *top,
                                      const uint16_t (*groups)[1 << SN_PIECE_GROUP], uint32_t code)
{
    uint32_t group = top[code >> (SN_PIECE_BLOCK + SN_PIECE_GROUP)];
    return groups[group][code >> SN_PIECE_BLOCK & ((1 << SN_PIECE_GROUP) - 1)];
}

/* The record of a code point up to U+10FFFF. */
static inline const sn_piece_record *sn_piece(uint32_t code)
{
    uint32_t block = sn_piece_block(sn_piece_top, sn_piece_groups, code);
    return &sn_piece_records[sn_piece_blocks[block][code & ((1 << SN_PIECE_BLOCK) - 1)]];
}

/* Its decompositions: an entry of the pool, NULL if there are none. Those of
 * Hangul syllables are not there. */
static inline const uint16_t *sn_piece_form(uint32_t code)
{
    uint32_t block = sn_piece_block(sn_piece_form_top, sn_piece_form_groups, code);
    uint32_t place = sn_piece_form_blocks[block][code & ((1 << SN_PIECE_BLOCK) - 1)];
    return place ? &sn_piece_pool[place] : NULL;
}

#endif
