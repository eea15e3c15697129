/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on stderr. Each is written by one call, so that lines of several
 * processes do not mix; control characters from file names are the caller's. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>

void message(const char *format, ...)
{
    char text[12288];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "sentiment: %s\n", text);
}

void message_error(const sentiment_error *error)
{
    message("%s", error->message[0] ? error->message : sentiment_status_name(error->code));
}

int message_no_memory(void)
{
    message("out of memory");
    return EXIT_FAILED;
}
