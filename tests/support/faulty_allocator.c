/* SPDX-License-Identifier: Apache-2.0
 *
 * See faulty_allocator.h. */
#include "support/faulty_allocator.h"

#include <stdlib.h>

static _Bool refuses(faulty_allocator *state)
{
    size_t call = atomic_fetch_add(&state->calls, 1) + 1;
    if (state->fail_at == 0)
        return 0;
    return call == state->fail_at || (state->all_after && call > state->fail_at);
}

static void *allocate(void *user, size_t size)
{
    faulty_allocator *state = user;
    void *block = refuses(state) ? NULL : malloc(size);
    if (block)
        atomic_fetch_add(&state->live, 1);
    return block;
}

static void *reallocate(void *user, void *pointer, size_t size)
{
    return refuses(user) ? NULL : realloc(pointer, size);
}

static void release(void *user, void *pointer)
{
    faulty_allocator *state = user;
    if (pointer)
        atomic_fetch_sub(&state->live, 1);
    free(pointer);
}

sentiment_allocator faulty_allocator_hooks(faulty_allocator *state)
{
    return (sentiment_allocator){
        sizeof(sentiment_allocator), 0, state, allocate, reallocate, release};
}

size_t faulty_allocator_live(const faulty_allocator *state)
{
    return atomic_load(&state->live);
}

size_t faulty_allocator_calls(const faulty_allocator *state)
{
    return atomic_load(&state->calls);
}

_Bool faulty_allocator_failed(const faulty_allocator *state)
{
    return state->fail_at && atomic_load(&state->calls) >= state->fail_at;
}
