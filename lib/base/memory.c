/* SPDX-License-Identifier: Apache-2.0
 *
 * See memory.h. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *default_reallocate(void *user, void *pointer, size_t size)
{
    (void)user;
    return realloc(pointer, size);
}

static void default_release(void *user, void *pointer)
{
    (void)user;
    free(pointer);
}

const sn_memory sn_memory_default = {NULL, default_allocate, default_reallocate, default_release};

void *sn_alloc(const sn_memory *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!sn_multiply(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    return memory->allocate(memory->user, bytes ? bytes : 1);
}

void *sn_alloc_zero(const sn_memory *memory, size_t count, size_t size)
{
    void *block = sn_alloc(memory, count, size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

void *sn_realloc(const sn_memory *memory, void *pointer, size_t count, size_t size)
{
    size_t bytes;
    if (!sn_multiply(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    if (!pointer)
        return memory->allocate(memory->user, bytes ? bytes : 1);
    return memory->reallocate(memory->user, pointer, bytes ? bytes : 1);
}

void sn_free(const sn_memory *memory, void *pointer)
{
    if (pointer)
        memory->release(memory->user, pointer);
}

/* The block's own address is kept in the word before the aligned one. */
void *sn_alloc_aligned(const sn_memory *memory, size_t count, size_t size)
{
    size_t bytes;
    if (!sn_multiply(count, size, &bytes) || !sn_add(bytes, SN_ALIGNMENT + sizeof(void *), &bytes))
        return NULL;
    char *block = sn_alloc(memory, bytes, 1);
    if (!block)
        return NULL;
    char *first = block + sizeof(void *);
    size_t past = (uintptr_t)first % SN_ALIGNMENT;
    char *aligned = past ? first + (SN_ALIGNMENT - past) : first;
    memcpy(aligned - sizeof(void *), &block, sizeof block);
    return aligned;
}

void sn_free_aligned(const sn_memory *memory, void *pointer)
{
    if (!pointer)
        return;
    void *block;
    memcpy(&block, (char *)pointer - sizeof block, sizeof block);
    sn_free(memory, block);
}

char *sn_duplicate(const sn_memory *memory, const void *data, size_t size)
{
    size_t bytes;
    if (!sn_add(size, 1, &bytes))
        return NULL;
    char *copy = sn_alloc(memory, bytes, 1);
    if (copy) {
        if (size)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}
