/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable bytes. Numbers are written by hand where a request writes many. */
#include "out.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

void out_reset(out *to, size_t keep)
{
    to->used = 0;
    to->failed = false;
    if (to->capacity > keep)
        out_free(to);
}

void out_free(out *to)
{
    free(to->data);
    *to = (out){0};
}

char *out_reserve(out *to, size_t size)
{
    if (to->failed || size > SIZE_MAX / 4 - to->used) {
        to->failed = true;
        return NULL;
    }
    size_t wanted = to->used + size;
    if (wanted <= to->capacity)
        return to->data + to->used;
    size_t capacity = to->capacity < 512 ? 512 : to->capacity * 2;
    if (capacity < wanted)
        capacity = wanted;
    char *data = realloc(to->data, capacity);
    if (!data) {
        to->failed = true;
        return NULL;
    }
    to->data = data;
    to->capacity = capacity;
    return data + to->used;
}

void out_bytes(out *to, const char *bytes, size_t size)
{
    char *at = size ? out_reserve(to, size) : NULL;
    if (!at)
        return;
    memcpy(at, bytes, size);
    to->used += size;
}

void out_text(out *to, const char *text)
{
    out_bytes(to, text, strlen(text));
}

void out_char(out *to, char character)
{
    out_bytes(to, &character, 1);
}

void out_unsigned(out *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    out_bytes(to, digits + at, sizeof digits - at);
}

void out_integer(out *to, int64_t value)
{
    if (value < 0)
        out_char(to, '-');
    out_unsigned(to, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void out_format(out *to, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0)
        out_bytes(to, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

/* Whether a byte stands for itself in a JSON string: printable ASCII but for
 * the quote and the backslash. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void put_escaped(out *to, unsigned char byte)
{
    switch (byte) {
    case '"':
        out_text(to, "\\\"");
        break;
    case '\\':
        out_text(to, "\\\\");
        break;
    case '\n':
        out_text(to, "\\n");
        break;
    case '\t':
        out_text(to, "\\t");
        break;
    case '\r':
        out_text(to, "\\r");
        break;
    default:
        out_format(to, "\\u%04x", byte);
        break;
    }
}

void out_json_string(out *to, const char *text, size_t size)
{
    size_t at = 0;
    out_char(to, '"');
    while (at < size) {
        size_t run = at;
        while (run < size && is_plain((unsigned char)text[run]))
            run++;
        out_bytes(to, text + at, run - at);
        at = run;
        if (at == size)
            break;
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x80) {
            put_escaped(to, byte);
            at++;
            continue;
        }
        utf8_step step = utf8_next(text + at, size - at);
        if (step.valid)
            out_bytes(to, text + at, step.length);
        else
            out_text(to, "\xef\xbf\xbd");
        at += step.length;
    }
    out_char(to, '"');
}

void out_json_name(out *to, const char *text)
{
    out_json_string(to, text, strlen(text));
}

static void put_number(out *to, int digits, double value)
{
    char *at = isfinite(value) ? out_reserve(to, 32) : NULL;
    if (at) {
        int size = snprintf(at, 32, "%.*g", digits, value);
        to->used += size > 0 && size < 32 ? (size_t)size : 0;
    } else if (!isfinite(value)) {
        out_text(to, "null");
    }
}

void out_json_float(out *to, float value)
{
    put_number(to, 9, (double)value);
}

void out_json_double(out *to, double value)
{
    put_number(to, 17, value);
}

void out_json_seconds(out *to, uint64_t nanoseconds)
{
    char decimals[10] = ".";
    uint64_t rest = nanoseconds % 1000000000u;
    for (int i = 9; i > 0; i--, rest /= 10)
        decimals[i] = (char)('0' + rest % 10);
    out_unsigned(to, nanoseconds / 1000000000u);
    out_bytes(to, decimals, sizeof decimals);
}

void out_json_floats(out *to, const float *values, size_t count)
{
    out_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            out_char(to, ',');
        out_json_float(to, values[i]);
    }
    out_char(to, ']');
}
