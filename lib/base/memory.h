/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked memory: every size is a product tested for overflow, every block
 * comes from the allocator of its model. */
#ifndef SN_BASE_MEMORY_H
#define SN_BASE_MEMORY_H

#include <sentiment/sentiment.h>

/* Alignment of sn_alloc_aligned: a cache line and the widest vector. */
#define SN_ALIGNMENT 64

/* An allocator, copied into each object that owns memory. */
typedef struct sn_memory {
    void *user;
    void *(*allocate)(void *user, size_t size);
    void *(*reallocate)(void *user, void *pointer, size_t size);
    void (*release)(void *user, void *pointer);
} sn_memory;

/* malloc, realloc and free. */
extern const sn_memory sn_memory_default;

/* count*size bytes, NULL on overflow or failure. Never NULL for 0 bytes. */
void *sn_alloc(const sn_memory *memory, size_t count, size_t size);
/* The same, zeroed. */
void *sn_alloc_zero(const sn_memory *memory, size_t count, size_t size);
/* Resizes to count*size bytes; on NULL the old block is intact. */
void *sn_realloc(const sn_memory *memory, void *pointer, size_t count, size_t size);
void sn_free(const sn_memory *memory, void *pointer);

/* count*size bytes aligned to SN_ALIGNMENT; released with sn_free_aligned only. */
void *sn_alloc_aligned(const sn_memory *memory, size_t count, size_t size);
void sn_free_aligned(const sn_memory *memory, void *pointer);

/* A copy of `size` bytes with a NUL behind them. */
char *sn_duplicate(const sn_memory *memory, const void *data, size_t size);

/* *out = a*b; false on overflow. */
static inline _Bool sn_multiply(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b)
        return 0;
    *out = a * b;
    return 1;
}

/* *out = a+b; false on overflow. */
static inline _Bool sn_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return 0;
    *out = a + b;
    return 1;
}

#endif
