/* SPDX-License-Identifier: Apache-2.0
 *
 * See guarded.h. */
#include "support/guarded.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t body_size(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

void *guarded_bytes(size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = body_size(count);
    char *base =
        mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + body, page, PROT_NONE) != 0)
        abort();
    return base + body - count;
}

void guarded_bytes_free(void *array, size_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = body_size(count);
    munmap((char *)array + count - body, body + page);
}

float *guarded_floats(size_t count)
{
    return guarded_bytes(count * sizeof(float));
}

void guarded_free(float *array, size_t count)
{
    guarded_bytes_free(array, count * sizeof(float));
}
