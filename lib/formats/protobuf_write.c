/* SPDX-License-Identifier: Apache-2.0
 *
 * See protobuf_write.h. */
#include "formats/protobuf_write.h"

#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

void sn_proto_put_varint(sn_buffer *buffer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        sn_buffer_u8(buffer, (uint8_t)(0x80 | (value & 0x7f)));
    sn_buffer_u8(buffer, (uint8_t)value);
}

void sn_proto_put_number(sn_buffer *buffer, uint32_t field, uint64_t value)
{
    sn_proto_put_varint(buffer, (uint64_t)field << 3 | VARINT);
    sn_proto_put_varint(buffer, value);
}

void sn_proto_put_float(sn_buffer *buffer, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    sn_proto_put_varint(buffer, (uint64_t)field << 3 | FIXED32);
    sn_buffer_u32le(buffer, bits);
}

void sn_proto_put_head(sn_buffer *buffer, uint32_t field, uint64_t size)
{
    sn_proto_put_varint(buffer, (uint64_t)field << 3 | BYTES);
    sn_proto_put_varint(buffer, size);
}

void sn_proto_put_bytes(sn_buffer *buffer, uint32_t field, const void *data, size_t size)
{
    sn_proto_put_head(buffer, field, size);
    if (size)
        sn_buffer_append(buffer, data, size);
}

void sn_proto_put_text(sn_buffer *buffer, uint32_t field, const char *text)
{
    sn_proto_put_bytes(buffer, field, text, strlen(text));
}

void sn_proto_put_message(sn_buffer *buffer, uint32_t field, sn_buffer *inner)
{
    buffer->failed |= inner->failed;
    sn_proto_put_bytes(buffer, field, inner->data, inner->size);
    inner->size = 0;
}
