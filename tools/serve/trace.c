/* SPDX-License-Identifier: Apache-2.0
 *
 * See trace.h. Both fields come from strangers: every byte is looked at, and nothing
 * but digits goes on into the log. */
#include "trace.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a traceparent of version 00: two digits, the ids, two digits of flags. */
#define PARENT_BYTES (2 + 1 + TRACE_ID_DIGITS + 1 + TRACE_SPAN_DIGITS + 1 + 2)

/* The value of a hexadecimal digit; -1: it is none. */
static int digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Copies `count` digits in lower case and a NUL; false: not all are digits, or all are
 * zero, which stands for no id. */
static bool take_id(const char *from, size_t count, char *to)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int value = digit(from[i]);
        if (value < 0)
            return false;
        any = any || value > 0;
        to[i] = "0123456789abcdef"[value];
    }
    to[count] = 0;
    return any;
}

/* VERSION-TRACE-PARENT-FLAGS; a later version may go on behind a hyphen. */
static bool read_parent(http_slice text, trace_context *trace)
{
    const char *at = text.data;
    if (text.size < PARENT_BYTES || at[2] != '-' || at[35] != '-' || at[52] != '-')
        return false;
    int high = digit(at[0]), low = digit(at[1]), flags = digit(at[54]);
    if (high < 0 || low < 0 || (high == 15 && low == 15) || digit(at[53]) < 0 || flags < 0)
        return false;
    bool first = high == 0 && low == 0;
    if (text.size > PARENT_BYTES && (first || at[PARENT_BYTES] != '-'))
        return false;
    trace->sampled = flags & 1;
    return take_id(at + 3, TRACE_ID_DIGITS, trace->id) &&
           take_id(at + 36, TRACE_SPAN_DIGITS, trace->span);
}

/* A decimal number of 64 bits from `at` on, of at least one digit; false: it is none. */
static bool take_number(http_slice text, size_t *at, uint64_t *number)
{
    size_t begin = *at;
    for (*number = 0; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at) {
        unsigned value = (unsigned)(text.data[*at] - '0');
        if (*number > (UINT64_MAX - value) / 10)
            return false;
        *number = *number * 10 + value;
    }
    return *at > begin;
}

/* TRACE[/SPAN][;o=OPTIONS], the span in decimal. */
static bool read_cloud(http_slice text, trace_context *trace)
{
    uint64_t span = 0, options = 0;
    size_t at = TRACE_ID_DIGITS;
    if (text.size < at || !take_id(text.data, TRACE_ID_DIGITS, trace->id))
        return false;
    if (at < text.size && text.data[at] == '/') {
        at++;
        if (!take_number(text, &at, &span))
            return false;
    }
    if (text.size - at > 3 && memcmp(text.data + at, ";o=", 3) == 0) {
        at += 3;
        if (!take_number(text, &at, &options))
            return false;
    }
    if (at != text.size)
        return false;
    if (span > 0)
        snprintf(trace->span, sizeof trace->span, "%016llx", (unsigned long long)span);
    trace->sampled = options & 1;
    return true;
}

void trace_read(const http_head *head, trace_context *trace)
{
    static const struct {
        const char *field;
        bool (*read)(http_slice text, trace_context *trace);
    } forms[] = {{"traceparent", read_parent}, {"x-cloud-trace-context", read_cloud}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const http_slice *value = http_find(head, forms[i].field);
        *trace = (trace_context){.id = ""};
        if (value && forms[i].read(*value, trace))
            return;
    }
    *trace = (trace_context){.id = ""};
}
