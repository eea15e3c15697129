/* SPDX-License-Identifier: Apache-2.0
 *
 * See lower.h. The rules are those of the Unicode standard, section 3.13:
 * Final_Sigma is the only context that lower-casing without a language has. */
#include "text/lower.h"

enum { CAPITAL_SIGMA = 0x3A3, SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2, DOT_ABOVE = 0x307 };

static uint32_t flags_of(sn_char character)
{
    return sn_unicode(character.code)->flags;
}

/* Whether a cased character stands before `position`, with nothing but
 * ignorable ones between. A sigma is not ignorable: looks from several sigmas
 * never cross the same bytes twice, so all of them together are linear. */
static _Bool cased_before(const uint8_t *text, size_t position)
{
    while (position > 0) {
        sn_char before = sn_utf8_get_before(text, position);
        uint32_t flags = flags_of(before);
        if (!(flags & SN_IGNORABLE))
            return (flags & SN_CASED) != 0;
        position -= before.length;
    }
    return 0;
}

/* The same behind `position`. */
static _Bool cased_after(const uint8_t *text, size_t size, size_t position)
{
    while (position < size) {
        sn_char next = sn_utf8_get(text + position, size - position);
        uint32_t flags = flags_of(next);
        if (!(flags & SN_IGNORABLE))
            return (flags & SN_CASED) != 0;
        position += next.length;
    }
    return 0;
}

size_t sn_lower(const uint8_t *text, size_t size, size_t start, size_t end, uint8_t *out)
{
    uint8_t *const first = out;
    for (size_t position = start; position < end;) {
        uint8_t byte = text[position];
        if (byte < 0x80) {
            *out++ = (uint8_t)(sn_byte_classes[byte] & SN_BYTE_UPPER ? byte | 0x20 : byte);
            position++;
            continue;
        }
        sn_char next = sn_utf8_get_high(text + position, size - position);
        size_t behind = position + next.length;
        if (next.code == CAPITAL_SIGMA) {
            _Bool final = cased_before(text, position) && !cased_after(text, size, behind);
            out += sn_utf8_put(final ? FINAL_SIGMA : SIGMA, out);
        } else {
            const sn_unicode_record *record = sn_unicode(next.code);
            out += sn_utf8_put(next.code + (uint32_t)record->lower, out);
            if (record->flags & SN_EXPANDS)
                out += sn_utf8_put(DOT_ABOVE, out);
        }
        position = behind;
    }
    return (size_t)(out - first);
}
