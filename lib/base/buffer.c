/* SPDX-License-Identifier: Apache-2.0
 *
 * See buffer.h. */
#include "base/buffer.h"

#include <string.h>

static _Bool reserve(sn_buffer *buffer, size_t more)
{
    size_t needed;
    if (buffer->failed || !sn_add(buffer->size, more, &needed)) {
        buffer->failed = 1;
        return 0;
    }
    if (needed <= buffer->capacity)
        return 1;
    size_t capacity = buffer->capacity < 128 ? 256 : buffer->capacity + buffer->capacity / 2;
    if (capacity < needed)
        capacity = needed;
    uint8_t *data = sn_realloc(buffer->memory, buffer->data, capacity, 1);
    if (!data) {
        buffer->failed = 1;
        return 0;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return 1;
}

void sn_buffer_append(sn_buffer *buffer, const void *data, size_t size)
{
    if (size == 0 || !reserve(buffer, size))
        return;
    if (data)
        memcpy(buffer->data + buffer->size, data, size);
    else
        memset(buffer->data + buffer->size, 0, size);
    buffer->size += size;
}

static void append_little_endian(sn_buffer *buffer, uint64_t value, size_t bytes)
{
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
    sn_buffer_append(buffer, out, bytes);
}

void sn_buffer_u8(sn_buffer *buffer, uint8_t value)
{
    append_little_endian(buffer, value, 1);
}

void sn_buffer_u16le(sn_buffer *buffer, uint16_t value)
{
    append_little_endian(buffer, value, 2);
}

void sn_buffer_u32le(sn_buffer *buffer, uint32_t value)
{
    append_little_endian(buffer, value, 4);
}

void sn_buffer_u64le(sn_buffer *buffer, uint64_t value)
{
    append_little_endian(buffer, value, 8);
}

void sn_buffer_text(sn_buffer *buffer, const char *text)
{
    sn_buffer_append(buffer, text, strlen(text));
}

void sn_buffer_free(sn_buffer *buffer)
{
    sn_free(buffer->memory, buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}
