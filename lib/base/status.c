/* SPDX-License-Identifier: Apache-2.0
 *
 * See status.h. Messages are built in local memory, made one line of UTF-8 that
 * fits (names come from files and from file systems, which promise neither), and
 * copied up to the caller's struct_size, so that older callers' smaller structs
 * stay intact. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for a message before it is shortened: a path of any length that a system
 * opens, and a reason. */
#define DRAFT_SIZE 4608
/* What a prefix keeps of the message when the reason is long too. */
#define PREFIX_SHARE 160
#define GAP "..."

static _Bool is_tail(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Takes the middle out of a text that has more than `room` bytes: paths stand at
 * the beginning of a message, their last part and the reason at the end. */
static void shorten(char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room)
        return;
    size_t kept = room - strlen(GAP), head = kept / 2, tail = length - (kept - head);
    while (head > 0 && is_tail(text[head]))
        head--;
    while (is_tail(text[tail]))
        tail++;
    memcpy(text + head, GAP, strlen(GAP));
    memmove(text + head + strlen(GAP), text + tail, length - tail + 1);
}

/* Bytes of the character at `text` when it is UTF-8 that shows or is a space; 0
 * for controls, also those of two bytes, and for anything else. */
static size_t readable(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char lead = bytes[0], second = lead ? bytes[1] : 0;
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    /* Overlong forms, surrogates, beyond U+10FFFF; U+0080 to U+009F are controls. */
    if (lead < 0xc2 || lead > 0xf4 || (lead == 0xc2 && second < 0xa0) ||
        (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_tail(text[i]))
            return 0;
    return length;
}

/* A question mark for every byte that does not belong in one line of UTF-8. */
static void tidy(char *text)
{
    for (size_t length; *text != '\0'; text += length) {
        length = readable(text);
        if (length == 0) {
            *text = '?';
            length = 1;
        }
    }
}

/* Bytes of the caller's struct that are written. */
static size_t known_size(const sentiment_error *error)
{
    return error->struct_size < sizeof *error ? error->struct_size : sizeof *error;
}

/* Bytes of message that the caller takes; none where not even a gap would fit. */
static size_t message_room(const sentiment_error *error)
{
    const size_t least = offsetof(sentiment_error, message) + strlen(GAP) + 1;
    return error && known_size(error) > least
               ? known_size(error) - offsetof(sentiment_error, message) - 1
               : 0;
}

/* Writes min(struct_size, ours) bytes, the message shortened to what fits. */
static void publish(sentiment_error *error, sentiment_status code, uint64_t offset, char *message)
{
    sentiment_error filled = {.code = code, .offset = offset};
    size_t size = known_size(error), room = message_room(error);
    if (size <= sizeof error->struct_size)
        return;
    if (room) {
        shorten(message, room);
        tidy(message);
        memcpy(filled.message, message, strlen(message) + 1);
    }
    memcpy((char *)error + sizeof error->struct_size,
           (const char *)&filled + sizeof error->struct_size, size - sizeof error->struct_size);
}

sentiment_status sn_fail(sentiment_error *error, sentiment_status code, uint64_t offset,
                         const char *format, ...)
{
    if (error) {
        char message[DRAFT_SIZE];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof message, format, arguments);
        va_end(arguments);
        publish(error, code, offset, message);
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
    sn_fail(error, code, SN_NO_OFFSET, "cannot %s: %s", action,
            describe(system_error, buffer, sizeof buffer));
    return sn_fail_in(error, code, "%s", path);
}

/* Bytes of prefix beside a reason, where `room` is there for both. */
static size_t prefix_room(size_t room, size_t reason)
{
    size_t least = room / 2 < PREFIX_SHARE ? room / 2 : PREFIX_SHARE;
    size_t left = room > reason + strlen(": ") ? room - reason - strlen(": ") : 0;
    return left > least ? left : least;
}

sentiment_status sn_fail_in(sentiment_error *error, sentiment_status code, const char *format, ...)
{
    char message[DRAFT_SIZE];
    size_t room = message_room(error);
    if (room == 0)
        return code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    shorten(message, prefix_room(room, strlen(error->message)));
    size_t length = strlen(message);
    snprintf(message + length, sizeof message - length, ": %s", error->message);
    publish(error, code, error->offset, message);
    return code;
}
