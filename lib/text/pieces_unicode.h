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

/* Full decompositions, in sn_piece_pool; of no length if there is none. */
typedef struct sn_piece_form {
    uint16_t canonical, canonical_length;
    uint16_t compatible, compatible_length;
} sn_piece_form;

/* first + second = composite; sorted. */
typedef struct sn_piece_pair {
    uint32_t first, second, composite;
} sn_piece_pair;

#define SN_PIECE_SHIFT 7
#define SN_PIECE_BLOCK (1u << SN_PIECE_SHIFT)

extern const sn_piece_record sn_piece_records[];
extern const uint8_t sn_piece_index[];
extern const uint8_t sn_piece_blocks[][SN_PIECE_BLOCK];
/* The flags of a byte of text: of ASCII, or HIGH. */
extern const uint8_t sn_piece_bytes[256];
extern const sn_piece_form sn_piece_forms[];
extern const uint8_t sn_piece_form_index[];
extern const uint16_t sn_piece_form_blocks[][SN_PIECE_BLOCK];
extern const uint32_t sn_piece_pool[];
extern const sn_piece_pair sn_piece_pairs[];
extern const size_t sn_piece_pair_count;

/* The record of a code point up to U+10FFFF. */
static inline const sn_piece_record *sn_piece(uint32_t code)
{
    uint32_t block = sn_piece_index[code >> SN_PIECE_SHIFT];
    return &sn_piece_records[sn_piece_blocks[block][code & (SN_PIECE_BLOCK - 1)]];
}

/* Its decompositions; Hangul syllables have none here. */
static inline const sn_piece_form *sn_piece_form_of(uint32_t code)
{
    uint32_t block = sn_piece_form_index[code >> SN_PIECE_SHIFT];
    return &sn_piece_forms[sn_piece_form_blocks[block][code & (SN_PIECE_BLOCK - 1)]];
}

#endif
