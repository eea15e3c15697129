/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines in the form of Lambda's own JSON logs: timestamp, level, message,
 * requestId. A line is written whole; where memory is short it is left out. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
static enum log_level lowest = LOG_INFO;

void log_start(void)
{
    const char *wanted = getenv("AWS_LAMBDA_LOG_LEVEL");
    if (!wanted)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(wanted, names[i]) == 0)
            lowest = (enum log_level)i;
    }
    if (strcasecmp(wanted, "TRACE") == 0)
        lowest = LOG_DEBUG;
    if (strcasecmp(wanted, "FATAL") == 0)
        lowest = LOG_ERROR;
}

static void put_time(char *text, size_t size)
{
    struct timespec now;
    struct tm parts;
    char day[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, size, "%s.%03dZ", day, (int)(now.tv_nsec / 1000000));
}

void log_write(enum log_level level, const char *message, json_t *more)
{
    char now[48];
    if (level < lowest) {
        json_decref(more);
        return;
    }
    put_time(now, sizeof now);
    json_t *line =
        json_pack("{ss ss ss}", "timestamp", now, "level", names[level], "message", message);
    if (line && more)
        json_object_update(line, more);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    if (text) {
        printf("%s\n", text);
        fflush(stdout);
    }
    free(text);
    json_decref(line);
    json_decref(more);
}

void log_make_ascii(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text >= 0x80)
            *text = '?';
    }
}

void log_text(enum log_level level, const char *request_id, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_make_ascii(text);
    log_write(level, text, request_id ? json_pack("{ss}", "requestId", request_id) : NULL);
}
