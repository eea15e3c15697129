/* SPDX-License-Identifier: Apache-2.0
 *
 * The output buffer and the JSON writer. It knows no layout: one object a line
 * is the commands' business. */
#include "emit.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

bool emit_flush(emit *out)
{
    size_t done = 0;
    if (out->sink && !out->error && out->used > 0) {
        out->error = out->sink(out->sink_user, out->data, out->used);
        done = out->used;
    }
    while (!out->error && done < out->used) {
        ssize_t written = write(out->fd, out->data + done, out->used - done);
        if (written >= 0)
            done += (size_t)written;
        else if (errno != EINTR)
            out->error = errno;
    }
    out->used = 0;
    return out->error == 0;
}

void emit_bytes(emit *out, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    out->last = bytes[size - 1];
    while (size > 0) {
        size_t room = sizeof out->data - out->used;
        size_t part = size < room ? size : room;
        memcpy(out->data + out->used, bytes, part);
        out->used += part;
        bytes += part;
        size -= part;
        if (out->used == sizeof out->data)
            emit_flush(out);
    }
}

void emit_format(emit *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0)
        emit_bytes(out, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

void emit_text(emit *out, const char *text, size_t size)
{
    while (size > 0) {
        utf8_step step = utf8_next(text, size);
        if (!step.valid)
            emit_bytes(out, "\xEF\xBF\xBD", 3);
        else if (is_control(step.character))
            emit_bytes(out, " ", 1);
        else
            emit_bytes(out, text, step.length);
        text += step.length;
        size -= step.length;
    }
}

static void separate(emit *out)
{
    if (out->last != 0 && !strchr("{[:\n", out->last))
        emit_bytes(out, ",", 1);
}

void emit_open(emit *out, char bracket)
{
    separate(out);
    emit_bytes(out, &bracket, 1);
}

void emit_close(emit *out, char bracket)
{
    emit_bytes(out, &bracket, 1);
}

void emit_key(emit *out, const char *key)
{
    emit_name(out, key);
    emit_bytes(out, ":", 1);
}

static void emit_escape(emit *out, uint32_t character)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = character ? strchr(plain, (int)character) : NULL;
    if (at)
        emit_format(out, "\\%c", letters[at - plain]);
    else
        emit_format(out, "\\u%04x", (unsigned)character);
}

static bool needs_escape(uint32_t character)
{
    return is_control(character) || character == '"' || character == '\\';
}

void emit_string(emit *out, const char *text, size_t size)
{
    separate(out);
    emit_bytes(out, "\"", 1);
    size_t clean = 0; /* bytes before `text` that go out as they are */
    while (size > 0) {
        utf8_step step = utf8_next(text, size);
        bool keep = step.valid && !needs_escape(step.character);
        if (!keep) {
            emit_bytes(out, text - clean, clean);
            emit_escape(out, step.valid ? step.character : 0xFFFD);
        }
        clean = keep ? clean + step.length : 0;
        text += step.length;
        size -= step.length;
    }
    emit_bytes(out, text - clean, clean);
    emit_bytes(out, "\"", 1);
}

void emit_name(emit *out, const char *text)
{
    emit_string(out, text, strlen(text));
}

void emit_integer(emit *out, int64_t value)
{
    separate(out);
    emit_format(out, "%lld", (long long)value);
}

void emit_unsigned(emit *out, uint64_t value)
{
    separate(out);
    emit_format(out, "%llu", (unsigned long long)value);
}

/* A whole number keeps a ".0", so that every reader takes it for a float. */
static void emit_number(emit *out, double value, const char *text)
{
    separate(out);
    emit_format(out, "%s%s", isfinite(value) ? text : "null",
                isfinite(value) && !strpbrk(text, ".e") ? ".0" : "");
}

void emit_float(emit *out, float value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    emit_number(out, (double)value, text);
}

void emit_double(emit *out, double value)
{
    char text[32];
    int digits = 15;
    do
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (digits++ < 17 && strtod(text, NULL) != value);
    emit_number(out, value, text);
}

void emit_floats(emit *out, const float *values, size_t count)
{
    emit_open(out, '[');
    for (size_t i = 0; i < count; i++)
        emit_float(out, values[i]);
    emit_close(out, ']');
}

void emit_boolean(emit *out, bool value)
{
    separate(out);
    emit_format(out, value ? "true" : "false");
}

void emit_null(emit *out)
{
    separate(out);
    emit_bytes(out, "null", 4);
}
