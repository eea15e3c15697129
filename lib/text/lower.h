/* SPDX-License-Identifier: Apache-2.0
 *
 * Lower-casing as CPython's str.lower() does it: full mappings, and the final
 * sigma with its context in the whole text. */
#ifndef SN_TEXT_LOWER_H
#define SN_TEXT_LOWER_H

#include "text/unicode.h"
#include "text/utf8.h"

/* No lower-cased text is longer than this many times the text. */
#define SN_LOWER_GROWTH 3

/* Whether lower-casing changes a character's bytes; bad ones become U+FFFD. */
static inline _Bool sn_lower_changes(sn_char character, const sn_unicode_record *record)
{
    return character.bad || record->lower != 0;
}

/* Writes the lower-cased bytes [start, end) of the text and returns their
 * number, at most SN_LOWER_GROWTH * (end - start). `start` and `end` lie
 * between characters. Bad bytes become U+FFFD. */
size_t sn_lower(const uint8_t *text, size_t size, size_t start, size_t end, uint8_t *out);

#endif
