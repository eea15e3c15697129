/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on stderr. Each is written by one call, so that lines of several
 * processes do not mix; control characters from file names are the caller's. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void message(const char *format, ...)
{
    char text[12288];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "sentiment: %s\n", text);
}

/* The name of the status goes first where people search for it; the offset is
 * left out where the message tells it itself. */
void message_error(const sentiment_error *error)
{
    const char *name = sentiment_status_name(error->code);
    const char *text = error->message[0] ? error->message : name;
    _Bool named = error->code == SENTIMENT_ERROR_ENGINE_UNAVAILABLE && text != name;
    char place[48];
    snprintf(place, sizeof place, "byte %llu", (unsigned long long)error->offset);
    _Bool told = error->offset == SENTIMENT_NO_OFFSET || strstr(text, place) != NULL;
    message("%s%s%s%s%s%s", named ? name : "", named ? ": " : "", text, told ? "" : " (at ",
            told ? "" : place, told ? "" : ")");
}

int message_no_memory(void)
{
    message("out of memory");
    return EXIT_FAILED;
}
