/* SPDX-License-Identifier: Apache-2.0
 *
 * See pickle_write.h. */
#include "formats/pickle_write.h"

#include <string.h>

void sn_pickle_put(sn_buffer *out, const char *opcodes)
{
    sn_buffer_text(out, opcodes);
}

void sn_pickle_put_string(sn_buffer *out, const void *data, size_t size)
{
    if (size > UINT32_MAX) {
        out->failed = 1;
        return;
    }
    sn_buffer_u8(out, 'X');
    sn_buffer_u32le(out, (uint32_t)size);
    sn_buffer_append(out, data, size);
}

void sn_pickle_put_text(sn_buffer *out, const char *text)
{
    sn_pickle_put_string(out, text, strlen(text));
}

/* The shortest of BININT1, BININT2, BININT and LONG1, as Python chooses. */
void sn_pickle_put_int(sn_buffer *out, int64_t value)
{
    if (value >= 0 && value <= UINT8_MAX) {
        sn_buffer_u8(out, 'K');
        sn_buffer_u8(out, (uint8_t)value);
    } else if (value >= 0 && value <= UINT16_MAX) {
        sn_buffer_u8(out, 'M');
        sn_buffer_u16le(out, (uint16_t)value);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        sn_buffer_u8(out, 'J');
        sn_buffer_u32le(out, (uint32_t)value);
    } else {
        sn_buffer_u8(out, 0x8a);
        sn_buffer_u8(out, 8);
        sn_buffer_u64le(out, (uint64_t)value);
    }
}

void sn_pickle_put_global(sn_buffer *out, const char *module, const char *name)
{
    sn_buffer_u8(out, 'c');
    sn_buffer_text(out, module);
    sn_buffer_u8(out, '\n');
    sn_buffer_text(out, name);
    sn_buffer_u8(out, '\n');
}

void sn_pickle_put_memo(sn_buffer *out, uint8_t slot)
{
    sn_buffer_u8(out, 'q');
    sn_buffer_u8(out, slot);
}

void sn_pickle_put_recall(sn_buffer *out, uint8_t slot)
{
    sn_buffer_u8(out, 'h');
    sn_buffer_u8(out, slot);
}
