/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/trace.c: both fields as their owners describe them, and strangers' bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "serve/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static trace_context read_fields(const char *parent, const char *cloud)
{
    trace_context trace = {.id = "old", .span = "old", .sampled = true};
    http_head head = {.field_count = 0};
    const char *const names[] = {"traceparent", "x-cloud-trace-context"};
    const char *const values[] = {parent, cloud};
    for (size_t i = 0; i < 2; i++)
        if (values[i])
            head.fields[head.field_count++] =
                (http_field){{names[i], strlen(names[i])}, {values[i], strlen(values[i])}};
    trace_read(&head, &trace);
    return trace;
}

static void is(const char *parent, const char *cloud, const char *id, const char *span,
               bool sampled)
{
    trace_context trace = read_fields(parent, cloud);
    assert_string_equal(trace.id, id);
    assert_string_equal(trace.span, span);
    assert_int_equal(trace.sampled, sampled);
}

static void reads_traceparent(void **state)
{
    (void)state;
    is("00-" ID "-" SPAN "-01", NULL, ID, SPAN, true);
    is("00-" ID "-" SPAN "-00", NULL, ID, SPAN, false);
    is("00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-03", NULL, ID, SPAN, true);
    is("01-" ID "-" SPAN "-01-what-comes-later", NULL, ID, SPAN, true);
}

static void refuses_other_parents(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "00",
        "00-" ID "-" SPAN,
        "00-" ID "-" SPAN "-0",
        "00-" ID "-" SPAN "-01-more",
        "00-" ID "-" SPAN "-011",
        "01-" ID "-" SPAN "-011",
        "ff-" ID "-" SPAN "-01",
        "0g-" ID "-" SPAN "-01",
        "00_" ID "-" SPAN "-01",
        "00-" ID "-" SPAN "-0x",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47\"6-" SPAN "-01",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is(wrong[i], NULL, "", "", false);
    is(NULL, NULL, "", "", false);
}

static void reads_googles(void **state)
{
    (void)state;
    is(NULL, ID, ID, "", false);
    is(NULL, ID "/67667974448284343", ID, SPAN, false);
    is(NULL, ID "/67667974448284343;o=1", ID, SPAN, true);
    is(NULL, ID "/0;o=0", ID, "", false);
    is(NULL, ID ";o=1", ID, "", true);
    is(NULL, ID "/18446744073709551615;o=3", ID, "ffffffffffffffff", true);
}

static void refuses_what_is_not_googles(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "4bf9",
        ID "/",
        ID "/x",
        ID "/1;o=",
        ID "/1;o=x",
        ID "/1;o=1 ",
        ID "/1;p=1",
        ID "/18446744073709551616",
        ID "4",
        "00000000000000000000000000000000/1;o=1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is(NULL, wrong[i], "", "", false);
}

static void prefers_the_standard(void **state)
{
    (void)state;
    is("00-" ID "-" SPAN "-00", "11111111111111111111111111111111/1;o=1", ID, SPAN, false);
    is("broken", "11111111111111111111111111111111/1;o=1", "11111111111111111111111111111111",
       "0000000000000001", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_traceparent),    cmocka_unit_test(refuses_other_parents),
        cmocka_unit_test(reads_googles),        cmocka_unit_test(refuses_what_is_not_googles),
        cmocka_unit_test(prefers_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
