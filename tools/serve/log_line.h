/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of JSON in a buffer of fixed size, built on the caller's stack: no
 * malloc, no stdio stream. Every line is valid JSON whatever bytes go into it; one
 * that does not fit is marked as failed and must not be used. */
#ifndef TOOLS_SERVE_LOG_LINE_H
#define TOOLS_SERVE_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_SIZE 16384

typedef struct log_line {
    bool failed;
    size_t used;
    char data[LOG_LINE_SIZE];
} log_line;

/* {"key":"2026-11-28T02:02:18.123456Z" of now; the object stays open. */
void log_line_begin(log_line *line, const char *key);
/* Closes the object and ends the line. */
void log_line_end(log_line *line);
/* The key of the next field, with the comma before it. */
void log_line_key(log_line *line, const char *key);
void log_line_open(log_line *line, const char *key);
void log_line_close(log_line *line);

/* A field. Strings are cut at `limit` bytes, between characters; bytes that are not
 * UTF-8 come out as U+FFFD. Numbers that are not finite come out as null. */
void log_line_text(log_line *line, const char *key, const char *text, size_t size, size_t limit);
void log_line_name(log_line *line, const char *key, const char *text);
void log_line_boolean(log_line *line, const char *key, bool value);
void log_line_null(log_line *line, const char *key);
void log_line_integer(log_line *line, const char *key, int64_t value);
void log_line_number(log_line *line, const char *key, double value);

/* "2026-11-28T02:02:18.123456Z" and a NUL, of seconds since 1970 (not negative). */
#define LOG_LINE_TIME 28
void log_line_time(char text[LOG_LINE_TIME], int64_t seconds, long nanoseconds);

#endif
