/* SPDX-License-Identifier: Apache-2.0
 *
 * The splitter of the guide's tokenizer: what stands between whitespace, as
 * Python's str.split(). Lower-casing neither makes nor removes whitespace, so
 * splitting the text as it was given finds the same words. */
#include "text/lower.h"
#include "text/splitter.h"

size_t sn_skip_space(const uint8_t *text, size_t size, size_t position)
{
    while (position < size) {
        uint8_t class = sn_byte_classes[text[position]];
        if (class & SN_BYTE_SPACE) {
            position++;
            continue;
        }
        if (!(class & SN_BYTE_HIGH))
            return position;
        sn_char next = sn_utf8_get_high(text + position, size - position);
        if (!(sn_unicode(next.code)->flags & SN_SPACE))
            return position;
        position += next.length;
    }
    return size;
}

_Bool sn_split_whitespace(const uint8_t *text, size_t size, size_t *position, sn_span *span)
{
    size_t at = sn_skip_space(text, size, *position);
    *position = at;
    if (at == size)
        return 0;
    *span = (sn_span){.start = at};
    _Bool changes = 0;
    while (at < size) {
        uint8_t class = sn_byte_classes[text[at]];
        if (!(class & (SN_BYTE_SPACE | SN_BYTE_HIGH))) {
            changes |= (class & SN_BYTE_UPPER) != 0;
            at++;
            continue;
        }
        if (class & SN_BYTE_SPACE)
            break;
        sn_char next = sn_utf8_get_high(text + at, size - at);
        const sn_unicode_record *record = sn_unicode(next.code);
        if (record->flags & SN_SPACE)
            break;
        changes |= sn_lower_changes(next, record);
        at += next.length;
    }
    span->end = at;
    span->changes = changes;
    *position = at;
    return 1;
}
