/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/fail.c: a message is one line of UTF-8 whatever went into it, and a
 * struct that is shorter than ours is not written past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "serve/fail.h"

static void fills_an_error(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(serve_fail(&error, SENTIMENT_ERROR_IO, "%s: %d", "file", 7),
                     SENTIMENT_ERROR_IO);
    assert_int_equal(error.code, SENTIMENT_ERROR_IO);
    assert_true(error.offset == SENTIMENT_NO_OFFSET);
    assert_int_equal(error.struct_size, sizeof error);
    assert_string_equal(error.message, "file: 7");
    assert_int_equal(serve_fail(NULL, SENTIMENT_ERROR_IO, "x"), SENTIMENT_ERROR_IO);
    assert_int_equal(serve_fail_memory(&error), SENTIMENT_ERROR_OUT_OF_MEMORY);
    assert_string_equal(error.message, "out of memory");
}

static void cleans_messages(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    serve_fail(&error, SENTIMENT_ERROR_IO, "%s", "a\nb\x1b\x7f\xff\xc3\xa9\xc2\x85\xe2\x82");
    assert_string_equal(error.message, "a?b???\xc3\xa9????");
    /* Cut in the middle of a character. */
    char text[600];
    memset(text, 'x', sizeof text);
    for (size_t i = 400; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[sizeof text - 1] = '\0';
    serve_fail(&error, SENTIMENT_ERROR_IO, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_string_equal(error.message + sizeof error.message - 4, "\xc3\xa9?");
}

static void keeps_to_the_struct(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = 24, .message = "0123456789"};
    serve_fail(&error, SENTIMENT_ERROR_IO, "a long message");
    assert_int_equal(error.code, SENTIMENT_ERROR_IO);
    assert_memory_equal((char *)&error + 24, "89", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_an_error),
        cmocka_unit_test(cleans_messages),
        cmocka_unit_test(keeps_to_the_struct),
    };
    return cmocka_run_group_tests_name("serve fail", tests, NULL, NULL);
}
