/* SPDX-License-Identifier: Apache-2.0
 *
 * One UTF-8 step by the table 3-7 of the Unicode standard: the lead byte gives
 * the length and the range of the second byte, the rest are 80..BF. */
#include "utf8.h"

/* Lead bytes from `first` up to the next row's; length 0: no lead byte. */
typedef struct lead_range {
    uint8_t first;
    uint8_t length;
    uint8_t low, high; /* of the second byte */
} lead_range;

static const lead_range leads[] = {
    {0xF5, 0, 0, 0},       {0xF4, 4, 0x80, 0x8F}, {0xF1, 4, 0x80, 0xBF}, {0xF0, 4, 0x90, 0xBF},
    {0xEE, 3, 0x80, 0xBF}, {0xED, 3, 0x80, 0x9F}, {0xE1, 3, 0x80, 0xBF}, {0xE0, 3, 0xA0, 0xBF},
    {0xC2, 2, 0x80, 0xBF}, {0x80, 0, 0, 0},       {0x00, 1, 0, 0},
};

utf8_step utf8_next(const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const lead_range *lead = leads;
    while (bytes[0] < lead->first)
        lead++;
    utf8_step step = {1, bytes[0], lead->length == 1};
    if (lead->length < 2)
        return step;
    uint32_t character = bytes[0] & (0x7Fu >> lead->length);
    uint8_t low = lead->low, high = lead->high;
    while (step.length < lead->length) {
        if (step.length == size || bytes[step.length] < low || bytes[step.length] > high)
            return step;
        character = character << 6 | (bytes[step.length++] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    step.character = character;
    step.valid = true;
    return step;
}
