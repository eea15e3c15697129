/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/log_line.c: dates, numbers, and a line that has no room left. What
 * whole lines look like is in test_log.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <time.h>

#include "serve/log_line.h"

static void tells_the_time(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000007Z"},          {951782399, "2000-02-28T23:59:59.000007Z"},
        {951782400, "2000-02-29T00:00:00.000007Z"},  {951868800, "2000-03-01T00:00:00.000007Z"},
        {1735689599, "2024-12-31T23:59:59.000007Z"}, {4107542400, "2100-03-01T00:00:00.000007Z"},
    };
    char text[LOG_LINE_TIME];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_line_time(text, cases[i].seconds, 7999);
        assert_string_equal(text, cases[i].text);
    }
    /* Every day of 400 years, against the C library. */
    for (int64_t day = 0; day < 146097; day++) {
        char expected[LOG_LINE_TIME];
        time_t seconds = day * 86400 + day % 86400;
        struct tm parts;
        assert_non_null(gmtime_r(&seconds, &parts));
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000Z", &parts);
        log_line_time(text, seconds, 0);
        if (strcmp(text, expected) != 0)
            fail_msg("%s, expected %s", text, expected);
    }
}

static void writes_fields(void **state)
{
    (void)state;
    static log_line line;
    line.failed = true;
    line.used = 77;
    log_line_begin(&line, "timestamp");
    assert_int_equal(line.used, strlen("{\"timestamp\":\"2026-11-28T02:02:18.123456Z\""));
    line.used = 0;
    log_line_open(&line, "a");
    log_line_integer(&line, "b", INT64_MIN);
    log_line_number(&line, "c", 1e-7);
    log_line_number(&line, "d", (double)NAN);
    log_line_open(&line, "e");
    log_line_close(&line);
    log_line_null(&line, "f");
    log_line_text(&line, "g", "\x01\x1f\x7f\"\\\t", 6, 100);
    log_line_text(&line, "h", NULL, 0, 100);
    log_line_close(&line);
    const char expected[] = "\"a\":{\"b\":-9223372036854775808,\"c\":1e-07,\"d\":null,\"e\":{},"
                            "\"f\":null,\"g\":\"\\u0001\\u001f\\u007f\\\"\\\\\\t\",\"h\":\"\"}";
    assert_false(line.failed);
    assert_int_equal(line.used, sizeof expected - 1);
    assert_memory_equal(line.data, expected, sizeof expected - 1);
}

/* At every size of what is there already, one more field fits whole or fails. */
static void stops_where_room_ends(void **state)
{
    (void)state;
    static log_line line;
    static char guard[LOG_LINE_SIZE];
    memset(guard, 'x', sizeof guard);
    for (size_t used = LOG_LINE_SIZE - 40; used <= LOG_LINE_SIZE; used++) {
        memcpy(line.data, guard, sizeof guard);
        line.failed = false;
        line.used = used;
        log_line_text(&line, "key", "1234567890", 10, 10);
        log_line_end(&line);
        /* ,"key":"1234567890"} and a newline */
        assert_int_equal(line.failed, LOG_LINE_SIZE - used < 21);
        assert_true(line.used <= LOG_LINE_SIZE);
        if (!line.failed)
            assert_memory_equal(line.data + line.used - 3, "\"}\n", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_time),
        cmocka_unit_test(writes_fields),
        cmocka_unit_test(stops_where_room_ends),
    };
    return cmocka_run_group_tests_name("serve log line", tests, NULL, NULL);
}
