/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling a caller's sentiment_error from outside the library: no more of it is
 * written than its struct_size has. */
#include "fail.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

sentiment_status serve_fail(sentiment_error *error, sentiment_status code, const char *format, ...)
{
    sentiment_error filled = {.struct_size = sizeof filled, .code = code};
    if (!error)
        return code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(filled.message, sizeof filled.message, format, arguments);
    va_end(arguments);
    clean(filled.message);
    filled.offset = SENTIMENT_NO_OFFSET;
    filled.struct_size = error->struct_size;
    size_t size = error->struct_size < sizeof filled ? error->struct_size : sizeof filled;
    memcpy(error, &filled, size);
    return code;
}

sentiment_status serve_fail_memory(sentiment_error *error)
{
    return serve_fail(error, SENTIMENT_ERROR_OUT_OF_MEMORY, "out of memory");
}
