/* SPDX-License-Identifier: Apache-2.0
 *
 * See log_line.h. Dates by arithmetic: gmtime takes a lock in some libraries. */
#include "log_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

static void put(log_line *line, const char *bytes, size_t size)
{
    if (line->failed || size > sizeof line->data - line->used) {
        line->failed = true;
        return;
    }
    memcpy(line->data + line->used, bytes, size);
    line->used += size;
}

/* --------------------------------------------------------------- the date */

static void put_digits(char *at, int64_t value, int digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Days since 1970 to a date: years begin in March, so that the leap day comes last
 * (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static void put_date(char *text, int64_t days)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = days / 146097, day = days % 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    put_digits(text + 8, day - (153 * month + 2) / 5 + 1, 2);
    put_digits(text + 5, month < 10 ? month + 3 : month - 9, 2);
    put_digits(text, year + era * 400 + (month >= 10), 4);
}

void log_line_time(char text[LOG_LINE_TIME], int64_t seconds, long nanoseconds)
{
    int64_t of_day = seconds % 86400;
    memcpy(text, "0000-00-00T00:00:00.000000Z", LOG_LINE_TIME);
    put_date(text, seconds / 86400);
    put_digits(text + 11, of_day / 3600, 2);
    put_digits(text + 14, of_day / 60 % 60, 2);
    put_digits(text + 17, of_day % 60, 2);
    put_digits(text + 20, nanoseconds / 1000, 6);
}

/* ----------------------------------------------------------------- fields */

void log_line_begin(log_line *line, const char *key)
{
    struct timespec now = {0};
    char text[LOG_LINE_TIME];
    line->failed = false;
    line->used = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    log_line_time(text, now.tv_sec > 0 ? now.tv_sec : 0, now.tv_nsec);
    put(line, "{", 1);
    log_line_name(line, key, text);
}

void log_line_end(log_line *line)
{
    put(line, "}\n", 2);
}

void log_line_key(log_line *line, const char *key)
{
    if (line->used > 0 && line->data[line->used - 1] != '{')
        put(line, ",", 1);
    put(line, "\"", 1);
    put(line, key, strlen(key));
    put(line, "\":", 2);
}

void log_line_open(log_line *line, const char *key)
{
    log_line_key(line, key);
    put(line, "{", 1);
}

void log_line_close(log_line *line)
{
    put(line, "}", 1);
}

static void put_escape(log_line *line, uint32_t character)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = character ? strchr(plain, (int)character) : NULL;
    char text[7] = {'\\', at ? letters[at - plain] : 'u'};
    if (!at)
        snprintf(text + 2, sizeof text - 2, "%04x", (unsigned)character);
    put(line, text, at ? 2 : 6);
}

/* DEL and the C1 controls are legal in JSON, but not good for a terminal. */
static bool needs_escape(uint32_t character)
{
    return character < 0x20 || character == '"' || character == '\\' ||
           (character >= 0x7F && character < 0xA0);
}

/* Bytes that stand for themselves: most of any line. */
static size_t count_plain(const char *text, size_t size)
{
    size_t count = 0;
    while (count < size && text[count] >= 0x20 && text[count] < 0x7F && text[count] != '"' &&
           text[count] != '\\')
        count++;
    return count;
}

/* One character, or bytes that are none. */
static void put_character(log_line *line, const char *text, utf8_step step)
{
    if (!step.valid)
        put(line, "\xEF\xBF\xBD", 3);
    else if (needs_escape(step.character))
        put_escape(line, step.character);
    else
        put(line, text, step.length);
}

void log_line_text(log_line *line, const char *key, const char *text, size_t size, size_t limit)
{
    size_t end = size < limit ? size : limit, at = 0;
    log_line_key(line, key);
    put(line, "\"", 1);
    while (at < end) {
        size_t plain = count_plain(text + at, end - at);
        put(line, text + at, plain);
        at += plain;
        if (at == end)
            break;
        utf8_step step = utf8_next(text + at, size - at);
        if (step.length > end - at)
            break;
        put_character(line, text + at, step);
        at += step.length;
    }
    put(line, "\"", 1);
}

void log_line_name(log_line *line, const char *key, const char *text)
{
    log_line_text(line, key, text, strlen(text), SIZE_MAX);
}

void log_line_boolean(log_line *line, const char *key, bool value)
{
    log_line_key(line, key);
    put(line, value ? "true" : "false", value ? 4 : 5);
}

void log_line_null(log_line *line, const char *key)
{
    log_line_key(line, key);
    put(line, "null", 4);
}

void log_line_integer(log_line *line, const char *key, int64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    log_line_key(line, key);
    put(line, text, (size_t)size);
}

void log_line_number(log_line *line, const char *key, double value)
{
    char text[32];
    if (!isfinite(value)) {
        log_line_null(line, key);
        return;
    }
    int size = snprintf(text, sizeof text, "%.9g", value);
    log_line_key(line, key);
    put(line, text, (size_t)size);
}
