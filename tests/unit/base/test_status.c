/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/status.c: codes, offsets and messages reach the caller's struct,
 * and no byte beyond the struct_size that the caller gave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void fills_the_error(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_fail(&error, SENTIMENT_ERROR_BAD_MODEL, 17, "%s %d", "number", 5),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.code, SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.offset, 17);
    assert_string_equal(error.message, "number 5");
    assert_int_equal(sn_fail(NULL, SENTIMENT_ERROR_IO, 0, "nobody listens"), SENTIMENT_ERROR_IO);
}

static void names_the_file(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_fail_system(&error, ENOENT, "a/b", "open"), SENTIMENT_ERROR_NOT_FOUND);
    assert_string_equal(error.message, "a/b: cannot open: No such file or directory");
    assert_int_equal(sn_fail_system(&error, EACCES, "a/b", "open"), SENTIMENT_ERROR_IO);
    assert_int_equal(sn_fail(&error, SENTIMENT_ERROR_BAD_MODEL, 3, "inner"),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(sn_fail_in(&error, SENTIMENT_ERROR_BAD_MODEL, "%s", "outer"),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_string_equal(error.message, "outer: inner");
    assert_int_equal(error.offset, 3);
}

static void cuts_long_messages(void **state)
{
    (void)state;
    char text[1000];
    sentiment_error error = {.struct_size = sizeof error};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sn_fail(&error, SENTIMENT_ERROR_IO, 0, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    sn_fail_in(&error, SENTIMENT_ERROR_IO, "prefix");
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_memory_equal(error.message, "prefix: xxx", 11);
    sn_fail_in(&error, SENTIMENT_ERROR_IO, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

/* A caller of an older library, whose struct ends earlier. */
static void respects_smaller_structs(void **state)
{
    (void)state;
    sentiment_error error;
    uint32_t size = offsetof(sentiment_error, message) + 10;
    memset(&error, 0x55, sizeof error);
    error.struct_size = size;
    sn_fail(&error, SENTIMENT_ERROR_IO, 1, "0123456789abcdef");
    assert_string_equal(error.message, "012345678");
    for (size_t i = size; i < sizeof error; i++)
        assert_int_equal(((const unsigned char *)&error)[i], 0x55);
    error.struct_size = 4;
    sn_fail(&error, SENTIMENT_ERROR_UNSUPPORTED, 1, "nothing fits");
    assert_int_equal(error.code, SENTIMENT_ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_the_error),
        cmocka_unit_test(names_the_file),
        cmocka_unit_test(cuts_long_messages),
        cmocka_unit_test(respects_smaller_structs),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
