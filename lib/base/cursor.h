/* SPDX-License-Identifier: Apache-2.0
 *
 * The bounded cursor: the only way in which readers touch a file's bytes. A
 * failed take leaves the cursor where it was. */
#ifndef SN_BASE_CURSOR_H
#define SN_BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct sn_cursor {
    const uint8_t *data;
    size_t size;
    size_t position; /* <= size */
} sn_cursor;

static inline size_t sn_cursor_left(const sn_cursor *cursor)
{
    return cursor->size - cursor->position;
}

/* The next `size` bytes, NULL if fewer are left. */
static inline const uint8_t *sn_take(sn_cursor *cursor, uint64_t size)
{
    if (size > sn_cursor_left(cursor))
        return NULL;
    const uint8_t *bytes = cursor->data + cursor->position;
    cursor->position += (size_t)size;
    return bytes;
}

static inline uint64_t sn_load_le(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* A little-endian integer of 1 to 8 bytes; false if the bytes are not there. */
static inline _Bool sn_take_le(sn_cursor *cursor, size_t count, uint64_t *value)
{
    const uint8_t *bytes = sn_take(cursor, count);
    if (!bytes)
        return 0;
    *value = sn_load_le(bytes, count);
    return 1;
}

/* Moves to an absolute position; false if it lies past the end. */
static inline _Bool sn_seek(sn_cursor *cursor, uint64_t position)
{
    if (position > cursor->size)
        return 0;
    cursor->position = (size_t)position;
    return 1;
}

#endif
