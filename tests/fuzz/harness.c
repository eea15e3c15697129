/* SPDX-License-Identifier: Apache-2.0
 *
 * See harness.h. Blocks are malloc's own, without a header before them, so that
 * AddressSanitizer sees both of their ends. */
#include "harness.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: expected %s\n", file, line, what);
    abort();
}

void fuzz_expect(const fuzz_run *run, sentiment_status status, const char *what)
{
    if (status == SENTIMENT_OK || status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        return;
    fprintf(stderr, "%s failed: %s\n", what, run->error.message);
    abort();
}

/* ------------------------------------------------------------------- heap */

static _Bool refuses(fuzz_heap *heap)
{
    _Bool refused = ++heap->calls == heap->fail_at;
    heap->failed |= refused;
    return refused;
}

/* Before malloc is asked: an absurd size must not get that far. */
static void claim(const fuzz_heap *heap, size_t size)
{
    if (size <= heap->limit && heap->bytes <= heap->limit - size)
        return;
    fprintf(stderr, "an allocation of %zu bytes beside %zu, the input is good for %zu\n", size,
            heap->bytes, heap->limit);
    abort();
}

static void *allocate(void *user, size_t size)
{
    fuzz_heap *heap = user;
    claim(heap, size);
    void *block = refuses(heap) ? NULL : malloc(size);
    if (block) {
        heap->blocks++;
        heap->bytes += malloc_usable_size(block);
    }
    return block;
}

static void *reallocate(void *user, void *pointer, size_t size)
{
    fuzz_heap *heap = user;
    size_t old = pointer ? malloc_usable_size(pointer) : 0;
    if (size > old)
        claim(heap, size - old);
    void *block = refuses(heap) ? NULL : realloc(pointer, size);
    if (block) {
        heap->blocks += pointer == NULL;
        heap->bytes += malloc_usable_size(block) - old;
    }
    return block;
}

static void release(void *user, void *pointer)
{
    fuzz_heap *heap = user;
    if (pointer) {
        heap->blocks--;
        heap->bytes -= malloc_usable_size(pointer);
    }
    free(pointer);
}

void fuzz_lift_limit(fuzz_run *run)
{
    run->heap.limit = FUZZ_WORK_LIMIT;
}

/* -------------------------------------------------------------------- run */

/* One line of UTF-8 for people, with a NUL at its end. */
static void check_message(const sentiment_error *error, sentiment_status status)
{
    size_t at = 0, length = strnlen(error->message, sizeof error->message);
    FUZZ_CHECK(error->code == status);
    FUZZ_CHECK(length > 0 && length < sizeof error->message);
    while (at < length) {
        uint8_t lead = (uint8_t)error->message[at++];
        FUZZ_CHECK(lead >= 0x20 && lead != 0x7f);
        size_t tail = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        FUZZ_CHECK(lead < 0x80 || (lead >= 0xc2 && lead < 0xf5));
        while (tail-- > 0)
            FUZZ_CHECK(((uint8_t)error->message[at++] & 0xc0) == 0x80);
    }
    FUZZ_CHECK(at == length);
}

static sentiment_status run_once(const fuzz_target *target, const uint8_t *data, size_t size,
                                 size_t fail_at, _Bool *failed)
{
    fuzz_run run = {.data = data + FUZZ_HEADER, .size = size - FUZZ_HEADER, .flags = data[1]};
    run.heap.fail_at = fail_at;
    run.heap.limit = target->multiple * run.size + target->constant;
    run.memory = (sn_memory){&run.heap, allocate, reallocate, release};
    run.allocator = (sentiment_allocator){
        sizeof run.allocator, 0, &run.heap, allocate, reallocate, release};
    run.error.struct_size = sizeof run.error;
    sentiment_status status = target->attempt(&run);
    if (status != SENTIMENT_OK)
        check_message(&run.error, status);
    FUZZ_CHECK(run.heap.blocks == 0 && run.heap.bytes == 0);
    *failed = run.heap.failed;
    return status;
}

int fuzz_input(const fuzz_target *target, const uint8_t *data, size_t size)
{
    _Bool failed;
    if (size < FUZZ_HEADER)
        return 0;
    sentiment_status status = run_once(target, data, size, 0, &failed);
    FUZZ_CHECK(status != SENTIMENT_ERROR_OUT_OF_MEMORY);
    if (data[0] == 0)
        return 0;
    sentiment_status again = run_once(target, data, size, data[0], &failed);
    FUZZ_CHECK(again == (failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : status));
    return 0;
}
