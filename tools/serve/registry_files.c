/* SPDX-License-Identifier: Apache-2.0
 *
 * openat, step by step, with O_NOFOLLOW. O_NONBLOCK keeps a FIFO from holding the
 * caller up; it is then refused as no regular file. */
#include "registry_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "fail.h"

enum { CHUNK = 1 << 18 };

static sentiment_status fail_errno(sentiment_error *error, const char *shown)
{
    int code = errno;
    if (code == ENOENT)
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "%s: no such file or folder", shown);
    if (code == ELOOP || code == ENOTDIR || code == ENXIO)
        return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "%s: a symbolic link, or not what it should be", shown);
    return serve_fail(error, SENTIMENT_ERROR_IO, "%s: %s", shown, strerror(code));
}

int serve_files_open(const char *root, const char *name, const char *version,
                     sentiment_status *status, sentiment_error *error)
{
    const char *const steps[] = {name, version};
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    int folder = open(root, flags);
    *status = folder < 0 ? fail_errno(error, "the folder of models") : SENTIMENT_OK;
    for (size_t i = 0; folder >= 0 && i < 2 && steps[i]; i++) {
        int next = openat(folder, steps[i], flags | O_NOFOLLOW);
        if (next < 0)
            *status = fail_errno(error, steps[i]);
        close(folder);
        folder = next;
    }
    return folder;
}

static int open_file(int folder, const char *name, const char *shown, size_t *size,
                     sentiment_status *status, sentiment_error *error)
{
    struct stat about;
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 || fstat(file, &about)) {
        *status = fail_errno(error, shown);
    } else if (!S_ISREG(about.st_mode)) {
        *status = serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s: not a regular file", shown);
    } else {
        *size = (size_t)about.st_size;
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}

/* As read(), but whole chunks: fewer bytes mean the end. -1: an error. */
static ssize_t read_chunk(int file, char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, data + done, size - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static sentiment_status fill(int file, const char *shown, const sentiment_cancel *cancel,
                             char *data, size_t size, sentiment_error *error)
{
    char more;
    for (size_t done = 0; done < size;) {
        size_t part = size - done < CHUNK ? size - done : CHUNK;
        if (sentiment_cancel_requested(cancel))
            return serve_fail(error, SENTIMENT_ERROR_CANCELLED, "cancelled");
        ssize_t got = read_chunk(file, data + done, part);
        if (got < 0)
            return fail_errno(error, shown);
        if ((size_t)got < part)
            return serve_fail(error, SENTIMENT_ERROR_IO, "%s: changed while it was read", shown);
        done += part;
    }
    if (read_chunk(file, &more, 1) != 0)
        return serve_fail(error, SENTIMENT_ERROR_IO, "%s: changed while it was read", shown);
    return SENTIMENT_OK;
}

sentiment_status serve_files_read(int folder, const char *name, const char *shown, size_t limit,
                                  const sentiment_cancel *cancel, char **data, size_t *size,
                                  sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    size_t length = 0;
    char *bytes = NULL;
    int file = open_file(folder, name, shown, &length, &status, error);
    if (file < 0)
        return status;
    if (length > limit)
        status = serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s: %zu bytes, at most %zu", shown,
                            length, limit);
    else if (!(bytes = malloc(length + 1)))
        status = serve_fail_memory(error);
    else
        status = fill(file, shown, cancel, bytes, length, error);
    close(file);
    if (status) {
        free(bytes);
        return status;
    }
    bytes[length] = '\0';
    *data = bytes;
    *size = length;
    return SENTIMENT_OK;
}

static sentiment_status digest(int file, const char *shown, const sentiment_cancel *cancel,
                               char *chunk, sn_sha256 *hash, sentiment_error *error)
{
    for (;;) {
        if (sentiment_cancel_requested(cancel))
            return serve_fail(error, SENTIMENT_ERROR_CANCELLED, "cancelled");
        ssize_t got = read_chunk(file, chunk, CHUNK);
        if (got < 0)
            return fail_errno(error, shown);
        sn_sha256_add(hash, chunk, (size_t)got);
        if (got < CHUNK)
            return SENTIMENT_OK;
    }
}

sentiment_status serve_files_digest(int folder, const char *name, const char *shown,
                                    const sentiment_cancel *cancel, char hex[65],
                                    sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    sn_sha256 hash;
    size_t size = 0;
    char *chunk = malloc(CHUNK);
    if (!chunk)
        return serve_fail_memory(error);
    int file = open_file(folder, name, shown, &size, &status, error);
    if (file >= 0) {
        sn_sha256_start(&hash);
        status = digest(file, shown, cancel, chunk, &hash, error);
        if (!status)
            sn_sha256_finish(&hash, hex);
        close(file);
    }
    free(chunk);
    return status;
}

bool serve_files_is_file(int folder, const char *name)
{
    struct stat about;
    return fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode);
}

sentiment_status serve_files_each(int folder, bool (*visit)(void *user, const char *name),
                                  void *user, sentiment_error *error)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        sentiment_status status = fail_errno(error, "a folder of models");
        if (copy >= 0)
            close(copy);
        return status;
    }
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !visit(user, entry->d_name))
            break;
    closedir(stream);
    return SENTIMENT_OK;
}

static bool write_whole(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(file, data, size);
        if (wrote < 0 && errno != EINTR)
            return false;
        data += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    return fsync(file) == 0;
}

sentiment_status serve_files_write(int folder, const char *name, const char *data, size_t size,
                                   sentiment_error *error)
{
    char aside[300];
    snprintf(aside, sizeof aside, ".%s.%ld", name, (long)getpid());
    int file = openat(folder, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return fail_errno(error, name);
    bool good = write_whole(file, data, size);
    good = close(file) == 0 && good;
    if (good && renameat(folder, aside, folder, name) == 0)
        return SENTIMENT_OK;
    sentiment_status status = fail_errno(error, name);
    unlinkat(folder, aside, 0);
    return status;
}
