/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 as Unicode chapter 3.9 defines it: no overlong forms, no surrogates,
 * nothing above U+10FFFF. What is not UTF-8 is read as U+FFFD, one for each
 * maximal subpart, as CPython's errors="replace" does. */
#ifndef SN_TEXT_UTF8_H
#define SN_TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define SN_REPLACEMENT 0xFFFDu

typedef struct sn_char {
    uint32_t code;
    uint32_t length; /* bytes it takes in the text, 1 to 4 */
    _Bool bad;       /* not UTF-8; code is then SN_REPLACEMENT */
} sn_char;

/* sn_utf8_get for a first byte of 0x80 or more. */
sn_char sn_utf8_get_high(const uint8_t *text, size_t left);

/* The character at `text`, of which `left` (1 or more) bytes may be read. */
static inline sn_char sn_utf8_get(const uint8_t *text, size_t left)
{
    if (text[0] < 0x80)
        return (sn_char){text[0], 1, 0};
    return sn_utf8_get_high(text, left);
}

/* The character that ends at `position` (1 or more); of a bad sequence the
 * length is not known and reads as 1. */
sn_char sn_utf8_get_before(const uint8_t *text, size_t position);

/* Writes 1 to 4 bytes, returns their number. */
size_t sn_utf8_put(uint32_t code, uint8_t *out);

/* Offset of the first byte that is not UTF-8, `size` if there is none. */
size_t sn_utf8_check(const uint8_t *text, size_t size);

/* Bytes of the text without the first bytes of a sequence that its end cuts off:
 * those that further bytes may complete. */
size_t sn_utf8_whole(const uint8_t *text, size_t size);

/* A NUL-terminated copy fit for an error message of one line: bytes that would
 * not show become \xNN, long texts are cut and end in "...". `capacity` is 16
 * or more. Returns `out`. */
char *sn_utf8_quote(const uint8_t *text, size_t size, char *out, size_t capacity);

#endif
