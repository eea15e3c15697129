/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/memory.c: products that overflow give NULL, aligned blocks are
 * aligned, every block goes back to the allocator it came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/faulty_allocator.h"

static sn_memory hooks_of(faulty_allocator *faulty)
{
    sentiment_allocator hooks = faulty_allocator_hooks(faulty);
    return (sn_memory){hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
}

static void checks_arithmetic(void **state)
{
    (void)state;
    size_t out = 5;
    assert_true(sn_multiply(SIZE_MAX / 2, 2, &out));
    assert_int_equal(out, SIZE_MAX - 1);
    assert_false(sn_multiply(SIZE_MAX / 2 + 1, 2, &out));
    assert_true(sn_multiply(0, SIZE_MAX, &out));
    assert_int_equal(out, 0);
    assert_true(sn_multiply(SIZE_MAX, 0, &out));
    assert_true(sn_add(SIZE_MAX, 0, &out));
    assert_false(sn_add(SIZE_MAX, 1, &out));
}

static void refuses_overflow(void **state)
{
    (void)state;
    faulty_allocator faulty = {0};
    sn_memory memory = hooks_of(&faulty);
    assert_null(sn_alloc(&memory, SIZE_MAX, 2));
    assert_null(sn_alloc(&memory, SIZE_MAX, 1));
    assert_null(sn_alloc_zero(&memory, SIZE_MAX / 4, 8));
    assert_null(sn_alloc_aligned(&memory, SIZE_MAX - 8, 1));
    assert_null(sn_realloc(&memory, NULL, SIZE_MAX / 2, 4));
    assert_null(sn_duplicate(&memory, "", SIZE_MAX));
    assert_int_equal(faulty_allocator_calls(&faulty), 0);
}

static void gives_blocks_of_no_bytes(void **state)
{
    (void)state;
    faulty_allocator faulty = {0};
    sn_memory memory = hooks_of(&faulty);
    void *block = sn_alloc(&memory, 0, 8);
    void *aligned = sn_alloc_aligned(&memory, 0, 4);
    assert_non_null(block);
    assert_non_null(aligned);
    block = sn_realloc(&memory, block, 0, 0);
    assert_non_null(block);
    sn_free(&memory, block);
    sn_free_aligned(&memory, aligned);
    sn_free(&memory, NULL);
    sn_free_aligned(&memory, NULL);
    assert_int_equal(faulty_allocator_live(&faulty), 0);
}

static void aligns(void **state)
{
    (void)state;
    faulty_allocator faulty = {0};
    sn_memory memory = hooks_of(&faulty);
    void *blocks[33];
    for (size_t i = 0; i < 33; i++) {
        blocks[i] = sn_alloc_aligned(&memory, i * 13, 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % SN_ALIGNMENT, 0);
        memset(blocks[i], 1, i * 13);
    }
    for (size_t i = 0; i < 33; i++)
        sn_free_aligned(&memory, blocks[i]);
    assert_int_equal(faulty_allocator_live(&faulty), 0);
}

static void zeroes_and_copies(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    uint8_t *block = sn_alloc_zero(&sn_memory_default, 16, 4);
    char *copy = sn_duplicate(&sn_memory_default, "a\0b", 3);
    assert_memory_equal(block, zeros, 64);
    assert_memory_equal(copy, "a\0b", 4);
    sn_free(&sn_memory_default, block);
    sn_free(&sn_memory_default, copy);
}

static void passes_failures_on(void **state)
{
    (void)state;
    faulty_allocator faulty = {.fail_at = 1, .all_after = 1};
    sn_memory memory = hooks_of(&faulty);
    assert_null(sn_alloc(&memory, 1, 1));
    assert_null(sn_alloc_zero(&memory, 1, 1));
    assert_null(sn_alloc_aligned(&memory, 1, 1));
    assert_null(sn_realloc(&memory, NULL, 1, 1));
    assert_null(sn_duplicate(&memory, "x", 1));
    assert_int_equal(faulty_allocator_live(&faulty), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_arithmetic), cmocka_unit_test(refuses_overflow),
        cmocka_unit_test(gives_blocks_of_no_bytes), cmocka_unit_test(aligns),
        cmocka_unit_test(zeroes_and_copies), cmocka_unit_test(passes_failures_on),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
