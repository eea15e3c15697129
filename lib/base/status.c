/* SPDX-License-Identifier: Apache-2.0
 *
 * See status.h. Messages are built in a local struct and copied up to the
 * caller's struct_size, so that older callers' smaller structs stay intact. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Writes min(struct_size, ours) bytes, and a NUL at the end of what fits. */
static void publish(sentiment_error *error, const sentiment_error *filled)
{
    size_t size = error->struct_size;
    if (size > sizeof *filled)
        size = sizeof *filled;
    if (size <= sizeof error->struct_size)
        return;
    memcpy((char *)error + sizeof error->struct_size,
           (const char *)filled + sizeof error->struct_size, size - sizeof error->struct_size);
    if (size > offsetof(sentiment_error, message))
        error->message[size - offsetof(sentiment_error, message) - 1] = '\0';
}

sentiment_status sn_fail(sentiment_error *error, sentiment_status code, uint64_t offset,
                         const char *format, ...)
{
    if (error) {
        sentiment_error filled = {.code = code, .offset = offset};
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(filled.message, sizeof filled.message, format, arguments);
        va_end(arguments);
        publish(error, &filled);
    }
    return code;
}

sentiment_status sn_fail_memory(sentiment_error *error, const char *what)
{
    return sn_fail(error, SENTIMENT_ERROR_OUT_OF_MEMORY, SN_NO_OFFSET, "out of memory for %s",
                   what);
}

/* glibc's strerror_r under _GNU_SOURCE returns the text, all others a status. */
static const char *describe(int system_error, char *buffer, size_t size)
{
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    return strerror_r(system_error, buffer, size);
#else
    if (strerror_r(system_error, buffer, size) != 0)
        snprintf(buffer, size, "system error %d", system_error);
    return buffer;
#endif
}

sentiment_status sn_fail_system(sentiment_error *error, int system_error, const char *path,
                                const char *action)
{
    char buffer[128];
    sentiment_status code = system_error == ENOENT ? SENTIMENT_ERROR_NOT_FOUND : SENTIMENT_ERROR_IO;
    return sn_fail(error, code, SN_NO_OFFSET, "%s: cannot %s: %s", path, action,
                   describe(system_error, buffer, sizeof buffer));
}

sentiment_status sn_fail_in(sentiment_error *error, sentiment_status code, const char *format, ...)
{
    if (error && error->struct_size >= sizeof *error) {
        sentiment_error filled = {.code = code, .offset = error->offset};
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(filled.message, sizeof filled.message, format, arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length + 3 < sizeof filled.message) {
            size_t room = sizeof filled.message - (size_t)length;
            snprintf(filled.message + length, room, ": %.*s", (int)room - 3, error->message);
        }
        publish(error, &filled);
    }
    return code;
}
