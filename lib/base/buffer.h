/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer, for writers. */
#ifndef SN_BASE_BUFFER_H
#define SN_BASE_BUFFER_H

#include "base/memory.h"

typedef struct sn_buffer {
    const sn_memory *memory;
    uint8_t *data;
    size_t size;
    size_t capacity;
    /* Set by the first failed append; later appends do nothing, so that a
     * writer checks once at its end. */
    _Bool failed;
} sn_buffer;

/* Appends bytes, or `size` zeros if data is NULL. */
void sn_buffer_append(sn_buffer *buffer, const void *data, size_t size);
void sn_buffer_u8(sn_buffer *buffer, uint8_t value);
void sn_buffer_u16le(sn_buffer *buffer, uint16_t value);
void sn_buffer_u32le(sn_buffer *buffer, uint32_t value);
void sn_buffer_u64le(sn_buffer *buffer, uint64_t value);
void sn_buffer_text(sn_buffer *buffer, const char *text);
/* Releases the memory and empties the buffer. */
void sn_buffer_free(sn_buffer *buffer);

#endif
