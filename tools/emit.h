/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that goes to standard output, and the answers of a batch job: a
 * buffer, plain and JSON writing on top of it, and the first error kept, so that
 * commands need not check each write. JSON separators come by themselves: a value
 * or key that follows anything but an opening bracket or a colon gets a comma
 * before it. */
#ifndef TOOLS_EMIT_H
#define TOOLS_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes bytes; 0, or the errno of what went wrong. */
typedef int (*emit_sink)(void *user, const char *bytes, size_t size);

typedef struct emit {
    int fd;
    emit_sink sink; /* where bytes go; NULL: to fd */
    void *sink_user;
    int error; /* errno of the first write that failed; then nothing more is written */
    size_t used;
    char last; /* last byte written, 0 at first */
    char data[1 << 16];
} emit;

void emit_bytes(emit *out, const char *bytes, size_t size);
/* At most 1023 bytes. */
void emit_format(emit *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text for a person: control characters become spaces, bad bytes U+FFFD. */
void emit_text(emit *out, const char *text, size_t size);
/* Writes out what is buffered; false after any error so far. */
bool emit_flush(emit *out);

/* JSON. `open` and `close` take the bracket. */
void emit_open(emit *out, char bracket);
void emit_close(emit *out, char bracket);
void emit_key(emit *out, const char *key);
/* Bytes that are not UTF-8 come out as U+FFFD: the result is always valid JSON. */
void emit_string(emit *out, const char *text, size_t size);
void emit_name(emit *out, const char *text);
void emit_integer(emit *out, int64_t value);
void emit_unsigned(emit *out, uint64_t value);
/* With enough digits to read back the same float or double; null if not finite. */
void emit_float(emit *out, float value);
void emit_double(emit *out, double value);
void emit_floats(emit *out, const float *values, size_t count);
void emit_boolean(emit *out, bool value);
void emit_null(emit *out);

#endif
