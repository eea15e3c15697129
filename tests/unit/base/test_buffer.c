/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/buffer.c: what is appended is there, in order, little-endian; a
 * failed allocation is remembered and nothing is lost or leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "support/faulty_allocator.h"

static void appends_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {1,    2, 3, 4,   5,   6,   7, 8, 0xff, 0xee, 0xdd,
                                       0xcc, 0, 0, 'a', 'b', 0xa, 0, 0, 0,    0,    0};
    sn_buffer buffer = {.memory = &sn_memory_default};
    sn_buffer_u8(&buffer, 1);
    sn_buffer_u16le(&buffer, 0x0302);
    sn_buffer_u8(&buffer, 4);
    sn_buffer_u32le(&buffer, 0x08070605);
    sn_buffer_u32le(&buffer, 0xccddeeff);
    sn_buffer_append(&buffer, NULL, 2);
    sn_buffer_text(&buffer, "ab");
    sn_buffer_u64le(&buffer, 10);
    assert_false(buffer.failed);
    assert_int_equal(buffer.size, 24);
    assert_memory_equal(buffer.data, expected, sizeof expected);
    sn_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.size, 0);
}

static void grows(void **state)
{
    (void)state;
    sn_buffer buffer = {.memory = &sn_memory_default};
    for (uint32_t i = 0; i < 100000; i++)
        sn_buffer_u32le(&buffer, i);
    assert_int_equal(buffer.size, 400000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(buffer.data[4 * i] | buffer.data[4 * i + 1] << 8 |
                             buffer.data[4 * i + 2] << 16,
                         i);
    sn_buffer_free(&buffer);
}

static void remembers_failure(void **state)
{
    (void)state;
    faulty_allocator faulty = {.fail_at = 2};
    sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
    sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
    sn_buffer buffer = {.memory = &memory};
    sn_buffer_u8(&buffer, 7);
    assert_false(buffer.failed);
    sn_buffer_append(&buffer, NULL, 1000);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 1);
    sn_buffer_u8(&buffer, 8);
    assert_int_equal(buffer.size, 1);
    sn_buffer_free(&buffer);
    assert_int_equal(faulty_allocator_live(&faulty), 0);
}

static void refuses_sizes_that_overflow(void **state)
{
    (void)state;
    sn_buffer buffer = {.memory = &sn_memory_default};
    sn_buffer_u8(&buffer, 1);
    sn_buffer_append(&buffer, NULL, SIZE_MAX);
    assert_true(buffer.failed);
    sn_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_little_endian),
        cmocka_unit_test(grows),
        cmocka_unit_test(remembers_failure),
        cmocka_unit_test(refuses_sizes_that_overflow),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
