/* SPDX-License-Identifier: Apache-2.0
 *
 * See names.h. */
#include "formats/names.h"

#include <string.h>

int sn_name_compare(sn_name a, sn_name b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

_Bool sn_name_is(sn_name name, const char *text)
{
    size_t size = strlen(text);
    return name.size == size && (size == 0 || memcmp(name.data, text, size) == 0);
}

_Bool sn_name_starts(sn_name name, const char *text)
{
    size_t size = strlen(text);
    return name.size >= size && (size == 0 || memcmp(name.data, text, size) == 0);
}

_Bool sn_name_ends(sn_name name, const char *text)
{
    size_t size = strlen(text);
    return name.size >= size &&
           (size == 0 || memcmp(name.data + (name.size - size), text, size) == 0);
}

_Bool sn_name_contains(sn_name name, const char *text)
{
    size_t size = strlen(text);
    while (name.size >= size) {
        const uint8_t *first = memchr(name.data, text[0], name.size - size + 1);
        if (!first)
            return 0;
        if (memcmp(first, text, size) == 0)
            return 1;
        name.size -= (size_t)(first - name.data) + 1;
        name.data = first + 1;
    }
    return 0;
}

static void swap_items(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char held[64];
    memcpy(held, a, size);
    memcpy(a, b, size);
    memcpy(b, held, size);
}

/* Lets the item at `top` sink to its place among the first `count`. */
static void sift_down(unsigned char *items, size_t top, size_t count, size_t size,
                      sn_compare_fn compare)
{
    for (;;) {
        size_t child = 2 * top + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare(items + child * size, items + (child + 1) * size) < 0)
            child++;
        if (compare(items + top * size, items + child * size) >= 0)
            return;
        swap_items(items + top * size, items + child * size, size);
        top = child;
    }
}

void sn_sort(void *items, size_t count, size_t item_size, sn_compare_fn compare)
{
    unsigned char *bytes = items;
    for (size_t top = count / 2; top-- > 0;)
        sift_down(bytes, top, count, item_size, compare);
    for (size_t last = count; last-- > 1;) {
        swap_items(bytes, bytes + last * item_size, item_size);
        sift_down(bytes, 0, last, item_size, compare);
    }
}

static _Bool is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the second byte decides what is overlong,
 * a surrogate or beyond U+10FFFF. */
size_t sn_name_utf8_sequence(const uint8_t *data, size_t size, _Bool surrogates)
{
    if (size == 0)
        return 0;
    uint8_t lead = data[0];
    if (lead < 0x80)
        return 1;
    size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > size)
        return 0;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed && !surrogates ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (data[1] < low || data[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!is_tail(data[i]))
            return 0;
    return length;
}

size_t sn_name_utf8_check(const uint8_t *data, size_t size, _Bool surrogates)
{
    size_t at = 0;
    while (at < size) {
        size_t length = sn_name_utf8_sequence(data + at, size - at, surrogates);
        if (length == 0)
            break;
        at += length;
    }
    return at;
}

const char *sn_quote(char out[SN_QUOTE_SIZE], const uint8_t *data, size_t size)
{
    /* Room for the quotes, an ellipsis and the NUL. */
    const size_t room = SN_QUOTE_SIZE - 6;
    size_t used = 0, at = 0;
    out[used++] = '\'';
    while (at < size) {
        size_t length = sn_name_utf8_sequence(data + at, size - at, 0);
        _Bool prints = length > 1 || (length == 1 && data[at] >= 0x20 && data[at] != 0x7f);
        if (length == 0 || !prints)
            length = 1;
        if (used + length > room)
            break;
        if (prints)
            memcpy(out + used, data + at, length);
        else
            out[used] = '?';
        used += length;
        at += length;
    }
    const char *end = at < size ? "'..." : "'";
    memcpy(out + used, end, strlen(end) + 1);
    return out;
}
