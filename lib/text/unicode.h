/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties of code points, just those that the tokenizers ask for. The
 * tables are generated (generate_unicode.py); this is the way to read them. */
#ifndef SN_TEXT_UNICODE_H
#define SN_TEXT_UNICODE_H

#include <stdint.h>

enum sn_unicode_flag {
    SN_CASED = 1,       /* Cased and not Case_Ignorable: what final sigma looks for */
    SN_IGNORABLE = 2,   /* Case_Ignorable: what it looks across */
    SN_SPACE = 4,       /* the 29 code points of str.split() */
    SN_PUNCTUATION = 8, /* general category P* */
    SN_SYMBOL = 16,     /* general category S*, or reserved for a pictograph */
    SN_PICTURE = 32,    /* general category So, or reserved for a pictograph */
    SN_EXPANDS = 64     /* U+0130: lower case is `i` and U+0307 */
};

enum sn_byte_class {
    SN_BYTE_SPACE = 1,
    SN_BYTE_UPPER = 2,
    SN_BYTE_MARK = 4, /* ASCII punctuation or symbol */
    SN_BYTE_HIGH = 8  /* not ASCII */
};

typedef struct sn_unicode_record {
    int32_t lower; /* add it to get the (first) lower-case code point */
    uint32_t flags;
} sn_unicode_record;

#define SN_UNICODE_SHIFT 7
#define SN_UNICODE_BLOCK (1u << SN_UNICODE_SHIFT)

extern const sn_unicode_record sn_unicode_records[];
extern const uint8_t sn_unicode_index[];
extern const uint8_t sn_unicode_blocks[][SN_UNICODE_BLOCK];
extern const uint8_t sn_byte_classes[256];

/* The record of a code point up to U+10FFFF. */
static inline const sn_unicode_record *sn_unicode(uint32_t code)
{
    uint32_t block = sn_unicode_index[code >> SN_UNICODE_SHIFT];
    return &sn_unicode_records[sn_unicode_blocks[block][code & (SN_UNICODE_BLOCK - 1)]];
}

#endif
