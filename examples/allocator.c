/* SPDX-License-Identifier: Apache-2.0
 *
 * With an allocator of one's own: here one that counts, and says no above a limit.
 * The library then fails with a message, loses nothing, and can be used again.
 *
 *     ./allocator MODEL LIMIT_IN_BYTES
 */
#include <stdio.h>
#include <stdlib.h>

#include <sentiment/sentiment.h>

typedef struct budget {
    size_t used, limit; /* one thread here; else they must be atomic */
} budget;

/* Each block begins with its size, in as much room as keeps the rest aligned. */
#define ROOM _Alignof(max_align_t)

static void *reallocate(void *user, void *pointer, size_t size)
{
    budget *spent = user;
    size_t *block = pointer ? (size_t *)(void *)((char *)pointer - ROOM) : NULL;
    size_t old = block ? *block : 0;
    if (size > SIZE_MAX - ROOM || spent->used - old + size > spent->limit)
        return NULL;
    block = realloc(block, size + ROOM);
    if (!block)
        return NULL;
    spent->used += size - old;
    *block = size;
    return (char *)block + ROOM;
}

static void *allocate(void *user, size_t size)
{
    return reallocate(user, NULL, size);
}

static void release(void *user, void *pointer)
{
    size_t *block = pointer ? (size_t *)(void *)((char *)pointer - ROOM) : NULL;
    ((budget *)user)->used -= block ? *block : 0;
    free(block);
}

int main(int argc, char **argv)
{
    budget spent = {0, argc == 3 ? strtoull(argv[2], NULL, 10) : 0};
    const sentiment_allocator ours = {sizeof ours, 0, &spent, allocate, reallocate, release};
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = &ours};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    int failed = argc != 3 || sentiment_model_load(argv[1], &options, &model, &error);
    printf("%s: %zu bytes in use\n", failed ? error.message : "loaded", spent.used);
    sentiment_model_free(model);
    printf("%zu bytes left behind\n", spent.used);
    return failed || spent.used != 0;
}
