/* SPDX-License-Identifier: Apache-2.0
 *
 * See utf8.h. */
#include "text/utf8.h"

#include <stdio.h>
#include <string.h>

#include "text/unicode.h"

/* What may follow a first byte (Unicode table 3-7): the number of further
 * bytes, and the bounds of the second one, which keep out overlong forms,
 * surrogates and code points above U+10FFFF. */
typedef struct lead {
    uint32_t more;
    uint8_t low, high;
} lead;

static lead lead_of(uint8_t byte)
{
    if (byte < 0xC2 || byte > 0xF4)
        return (lead){0, 0, 0};
    if (byte < 0xE0)
        return (lead){1, 0x80, 0xBF};
    if (byte < 0xF0)
        return (lead){2, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF};
    return (lead){3, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF};
}

sn_char sn_utf8_get_high(const uint8_t *text, size_t left)
{
    lead first = lead_of(text[0]);
    if (first.more == 0)
        return (sn_char){SN_REPLACEMENT, 1, 1};
    uint32_t code = text[0] & (0x3Fu >> first.more);
    for (uint32_t i = 1; i <= first.more; i++) {
        if (i >= left || text[i] < first.low || text[i] > first.high)
            return (sn_char){SN_REPLACEMENT, i, 1};
        code = code << 6 | (text[i] & 0x3Fu);
        first.low = 0x80;
        first.high = 0xBF;
    }
    return (sn_char){code, first.more + 1, 0};
}

/* A first byte is never swallowed by what stands before it, so a whole
 * character found backwards is one forwards too. */
sn_char sn_utf8_get_before(const uint8_t *text, size_t position)
{
    for (size_t back = 1; back <= 4 && back <= position; back++) {
        const uint8_t *first = text + position - back;
        if ((*first & 0xC0) == 0x80)
            continue;
        sn_char found = sn_utf8_get(first, back);
        if (!found.bad && found.length == back)
            return found;
        break;
    }
    return (sn_char){SN_REPLACEMENT, 1, 1};
}

size_t sn_utf8_put(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out[0] = (uint8_t)((0xFF80u >> more & 0xFFu) | code >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        out[i] = (uint8_t)(0x80 | (code >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

size_t sn_utf8_check(const uint8_t *text, size_t size)
{
    size_t position = 0;
    while (position < size) {
        uint64_t eight;
        if (size - position >= sizeof eight) {
            memcpy(&eight, text + position, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                position += sizeof eight;
                continue;
            }
        }
        sn_char next = sn_utf8_get(text + position, size - position);
        if (next.bad)
            return position;
        position += next.length;
    }
    return size;
}

size_t sn_utf8_whole(const uint8_t *text, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        const uint8_t *first = text + size - back;
        if ((*first & 0xC0) == 0x80)
            continue;
        /* A sequence that breaks off for want of bytes has used all there are. */
        sn_char last = sn_utf8_get(first, back);
        return last.bad && last.length == back && lead_of(*first).more > 0 ? size - back : size;
    }
    return size;
}

/* Whether a character of a message can be shown as it is: nothing that breaks
 * the line, hides, combines or turns the direction of writing. */
static _Bool shows(sn_char character)
{
    if (character.bad)
        return 0;
    if (character.code < 0x7F)
        return character.code >= 0x20 && character.code != '\\';
    const uint32_t hidden = SN_IGNORABLE | SN_SPACE;
    return character.code > 0xA0 && !(sn_unicode(character.code)->flags & hidden);
}

char *sn_utf8_quote(const uint8_t *text, size_t size, char *out, size_t capacity)
{
    static const char cut[] = "...";
    char piece[4 * sizeof("\\x00")];
    size_t used = 0, keep = 0; /* up to `keep` there is room for the cut */
    for (size_t position = 0; position < size;) {
        sn_char next = sn_utf8_get(text + position, size - position);
        size_t width = 0;
        for (uint32_t i = 0; i < next.length; i++) {
            if (shows(next))
                piece[width++] = (char)text[position + i];
            else
                width += (size_t)snprintf(piece + width, sizeof piece - width, "\\x%02X",
                                          (unsigned)text[position + i]);
        }
        if (used + width + 1 > capacity) {
            memcpy(out + keep, cut, sizeof cut);
            return out;
        }
        memcpy(out + used, piece, width);
        used += width;
        if (used + sizeof cut <= capacity)
            keep = used;
        position += next.length;
    }
    out[used] = '\0';
    return out;
}
