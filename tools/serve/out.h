/* SPDX-License-Identifier: Apache-2.0
 *
 * A growable run of bytes that answers are written into, and the JSON writing
 * on top of it. A buffer is reused from request to request: warm, it allocates
 * nothing. When memory ends, `failed` is set and nothing more is written. */
#ifndef TOOLS_SERVE_OUT_H
#define TOOLS_SERVE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct out {
    char *data;
    size_t used, capacity;
    bool failed;
} out;

/* Empties the buffer; memory beyond `keep` bytes goes back. */
void out_reset(out *to, size_t keep);
void out_free(out *to);
/* Room for `size` more bytes, not yet counted in `used`; NULL: no memory. */
char *out_reserve(out *to, size_t size);

void out_bytes(out *to, const char *bytes, size_t size);
/* A string ended by NUL. */
void out_text(out *to, const char *text);
void out_char(out *to, char character);
void out_unsigned(out *to, uint64_t value);
void out_integer(out *to, int64_t value);
void out_format(out *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* JSON. The text is valid UTF-8, or bytes that are not come out as U+FFFD. */
void out_json_string(out *to, const char *text, size_t size);
void out_json_name(out *to, const char *text);
/* Digits enough to read back the same float or double; null if not finite. */
void out_json_float(out *to, float value);
void out_json_double(out *to, double value);
/* Nanoseconds as seconds with nine decimals. */
void out_json_seconds(out *to, uint64_t nanoseconds);
void out_json_floats(out *to, const float *values, size_t count);

#endif
