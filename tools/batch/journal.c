/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and appending the lines of OUT.job. What it says is believed only as
 * far as the output bears it out, which is for batch.c to see. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "message.h"

/* Far above any line that is written here. */
#define LINE_BYTES 8192

static bool fail(const journal *log, int error)
{
    message("%s: %s", log->path, strerror(error));
    return false;
}

bool journal_open(journal *log, const char *output)
{
    size_t size = strlen(output) + sizeof ".job";
    *log = (journal){.path = malloc(size)};
    if (!log->path) {
        message_no_memory();
        return false;
    }
    snprintf(log->path, size, "%s.job", output);
    int fd = open(log->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail(log, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int error = errno;
        close(fd);
        if (error != EWOULDBLOCK)
            return fail(log, error);
        message("%s: another process is at work on this output", output);
        return false;
    }
    log->file = fdopen(fd, "r+");
    if (log->file)
        return true;
    close(fd);
    message_no_memory();
    return false;
}

/* The next whole line as an object; NULL: none, or it is no such thing. */
static json_t *read_line(journal *log, bool *whole)
{
    char line[LINE_BYTES];
    *whole = fgets(line, sizeof line, log->file) && strchr(line, '\n');
    json_t *object = *whole ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

/* Says what differs, in the words of the journal. */
static bool tell_difference(const journal *log, const json_t *had, const json_t *asked)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)asked, key, value)
    {
        const json_t *before = json_object_get(had, key);
        if (before && json_equal(before, value))
            continue;
        char *old = before ? json_dumps(before, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
        char *now = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        message("%s: the job was begun with %s %.100s, not %.100s; --restart begins anew, another "
                "--output leaves it",
                log->path, key, old ? old : "unknown", now ? now : "unknown");
        free(old);
        free(now);
        return true;
    }
    return false;
}

/* Whether the file is empty, or holds the torn first line of a journal. */
static bool is_unbegun(journal *log)
{
    rewind(log->file);
    int first = fgetc(log->file);
    return first == EOF || first == '{';
}

bool journal_is_empty(journal *log)
{
    rewind(log->file);
    return fgetc(log->file) == EOF;
}

bool journal_is_ours(journal *log)
{
    static const char begin[] = "{\"job\":1,";
    char first[sizeof begin];
    rewind(log->file);
    size_t got = fread(first, 1, sizeof begin - 1, log->file);
    return memcmp(first, begin, got) == 0;
}

journal_answer journal_compare(journal *log, const json_t *asked)
{
    bool whole;
    rewind(log->file);
    json_t *had = read_line(log, &whole);
    if (!whole && is_unbegun(log))
        return JOURNAL_NEW;
    if (!had) {
        message("%s: not the journal of a batch job; --restart overwrites it", log->path);
        return JOURNAL_OTHER;
    }
    bool differs = tell_difference(log, had, asked);
    json_decref(had);
    journal_keep(log);
    return differs ? JOURNAL_OTHER : JOURNAL_SAME;
}

static bool get_number(const json_t *object, const char *key, uint64_t *number)
{
    const json_t *value = json_object_get(object, key);
    json_int_t found = json_integer_value(value);
    *number = (uint64_t)found;
    return json_is_integer(value) && found >= 0;
}

static bool get_digest(const json_t *object, const char *key, char digest[65])
{
    const char *value = json_string_value(json_object_get(object, key));
    if (!value || strlen(value) != 64)
        return false;
    memcpy(digest, value, 65);
    return true;
}

bool journal_next(journal *log, checkpoint *found)
{
    bool whole;
    json_t *line = read_line(log, &whole);
    *found = (checkpoint){.done = json_is_true(json_object_get(line, "done"))};
    bool good = line && get_number(line, "texts", &found->texts) &&
                get_number(line, "failed", &found->failed) &&
                get_number(line, "first_failed", &found->first_failed) &&
                get_number(line, "bytes", &found->bytes) &&
                get_digest(line, "output", found->output) &&
                get_digest(line, "input", found->input);
    json_decref(line);
    return good;
}

void journal_keep(journal *log)
{
    long at = ftell(log->file);
    log->end = at > 0 ? (uint64_t)at : 0;
}

/* A whole line where the last good one ends; what of it fits on a full disk counts as torn. */
static bool add_line(journal *log, const json_t *object)
{
    char line[LINE_BYTES];
    size_t size = object ? json_dumpb(object, line, sizeof line - 1, JSON_COMPACT) : 0;
    if (size == 0 || size > sizeof line - 1) {
        message_no_memory();
        return false;
    }
    line[size++] = '\n';
    for (size_t done = 0; done < size;) {
        ssize_t part =
            pwrite(fileno(log->file), line + done, size - done, (off_t)(log->end + done));
        if (part < 0 && errno != EINTR)
            return fail(log, errno);
        done += part > 0 ? (size_t)part : 0;
    }
    log->end += size;
    return true;
}

bool journal_begin(journal *log, const json_t *asked)
{
    log->end = 0;
    return journal_cut(log) && add_line(log, asked) && journal_sync(log);
}

bool journal_cut(journal *log)
{
    return ftruncate(fileno(log->file), (off_t)log->end) == 0 || fail(log, errno);
}

bool journal_add(journal *log, const checkpoint *reached)
{
    json_t *line = json_pack("{s:I, s:I, s:I, s:I, s:s, s:s}", "texts", (json_int_t)reached->texts,
                             "failed", (json_int_t)reached->failed, "first_failed",
                             (json_int_t)reached->first_failed, "bytes", (json_int_t)reached->bytes,
                             "output", reached->output, "input", reached->input);
    if (line && reached->done)
        json_object_set_new(line, "done", json_true());
    bool good = add_line(log, line);
    json_decref(line);
    return good;
}

bool journal_sync(journal *log)
{
    return fdatasync(fileno(log->file)) == 0 || errno == EINVAL || fail(log, errno);
}

void journal_close(journal *log)
{
    if (log->file)
        fclose(log->file);
    free(log->path);
    *log = (journal){0};
}
