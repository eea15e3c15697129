/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling a caller's sentiment_error from outside the library: no more of it is
 * written than its struct_size has. */
#include "fail.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* What is no character of a line becomes '?', also a character that was cut. */
static void clean(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        utf8_step step = utf8_next(text, left);
        bool control = step.character < 0x20 || (step.character >= 0x7F && step.character < 0xA0);
        if (!step.valid || control)
            memset(text, '?', step.length);
        text += step.length;
        left -= step.length;
    }
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
