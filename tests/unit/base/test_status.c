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

/* However long the path, the message ends in the reason. */
static void keeps_the_reason(void **state)
{
    static char path[9000];
    sentiment_error error = {.struct_size = sizeof error};
    (void)state;
    memset(path, 'p', sizeof path - 1);
    memcpy(path, "/first/", 7);
    for (size_t length = 100; length < sizeof path; length += 89) {
        path[length] = '\0';
        memcpy(path + length - 5, "/last", 5);
        sn_fail_system(&error, ENOENT, path, "open");
        assert_true(strlen(error.message) < sizeof error.message);
        assert_memory_equal(error.message, "/first/", 7);
        if (length < 4000)
            assert_non_null(strstr(error.message, "/last: cannot open: No such file"));
        assert_non_null(strstr(error.message, ": cannot open: No such file"));
        if (length < 4000) {
            sn_fail(&error, SENTIMENT_ERROR_IO, 5, "%s: is a folder", path);
            assert_non_null(strstr(error.message, "/last: is a folder"));
        }
        sn_fail(&error, SENTIMENT_ERROR_BAD_MODEL, 5, "the weights are %s", "not finite");
        sn_fail_in(&error, SENTIMENT_ERROR_BAD_MODEL, "%s", path);
        assert_non_null(strstr(error.message, ": the weights are not finite"));
        assert_int_equal(error.offset, 5);
        path[length] = 'p';
    }
}

/* A prefix and a reason that are both long: some of each. */
static void shares_the_room(void **state)
{
    char text[400];
    sentiment_error error = {.struct_size = sizeof error};
    (void)state;
    memset(text, 'r', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    sn_fail(&error, SENTIMENT_ERROR_IO, 0, "%s.", text);
    memset(text, 'p', sizeof text - 1);
    sn_fail_in(&error, SENTIMENT_ERROR_IO, "%s/name", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_memory_equal(error.message, "ppp", 3);
    assert_non_null(strstr(error.message, "/name: rrr"));
    assert_string_equal(error.message + strlen(error.message) - 2, "r.");
}

/* One line of UTF-8, whatever names a file holds. */
static void tidies_messages(void **state)
{
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"a\nb\tc\x7f\x1b[31m", "a?b?c??[31m"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"csi \xc2\x9b", "csi ??"},
        {"\xc2\xa0\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xc2\xa0\xed\x9f\xbf\xf4\x8f\xbf\xbf"},
        {"\xc0\xaf\xe0\x9f\xbf\xed\xa0\x80\xf0\x8f\xbf\xbf\xf4\x90\x80\x80", "????????????????"},
        {"cut \xf0\x9f\x98", "cut ???"},
        {"\xff\x80 \xc3", "?? ?"},
    };
    sentiment_error error = {.struct_size = sizeof error};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sn_fail(&error, SENTIMENT_ERROR_IO, 0, "%s", cases[i].given);
        assert_string_equal(error.message, cases[i].expected);
    }
    /* Shortened between characters, never within one. */
    for (size_t lead = 0; lead < 3; lead++) {
        char text[700] = "xx";
        for (size_t at = lead; at + 3 < sizeof text; at += 3)
            memcpy(text + at, "\xe2\x82\xac", 4);
        sn_fail(&error, SENTIMENT_ERROR_IO, 0, "%s", text);
        assert_null(strchr(error.message, '?'));
        assert_non_null(strstr(error.message, "..."));
    }
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
    assert_string_equal(error.message, "012...def");
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
        cmocka_unit_test(keeps_the_reason),
        cmocka_unit_test(shares_the_room),
        cmocka_unit_test(tidies_messages),
        cmocka_unit_test(respects_smaller_structs),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
