/* SPDX-License-Identifier: Apache-2.0
 *
 * See file.h. Reading: open without blocking, look at what was opened (not at
 * what the name meant a moment ago), read exactly that many bytes. Writing:
 * a temporary file in the target's folder, synced, then renamed over the
 * target; a symbolic link is replaced, not followed. Nothing here knows what
 * the bytes mean. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"

/* Linux moves at most 2^31 - 4096 bytes at a time, others fewer. */
#define CHUNK ((size_t)1 << 30)

enum { ORIGIN_NONE, ORIGIN_ALLOCATED, ORIGIN_MAPPED, ORIGIN_BORROWED };

/* --------------------------------------------------------------- bytes in */

/* A file that can be read to its end and is not too long. */
static sentiment_status check_regular(int descriptor, const char *path, uint64_t limit,
                                      size_t *size, sentiment_error *error)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return sn_fail_system(error, errno, path, "examine");
    if (S_ISDIR(info.st_mode))
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET, "%s: is a folder; expected a file",
                       path);
    if (!S_ISREG(info.st_mode))
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET,
                       "%s: is a device, pipe or socket; expected a regular file", path);
    if (info.st_size < 0 || (uint64_t)info.st_size > limit || (uint64_t)info.st_size > PTRDIFF_MAX)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "%s: has %lld bytes; at most %llu are accepted", path,
                       (long long)info.st_size, (unsigned long long)limit);
    *size = (size_t)info.st_size;
    return SENTIMENT_OK;
}

/* read() until `size` bytes are there or the file ends; -1 and errno if it fails. */
static ssize_t read_fully(int descriptor, uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t chunk = size - done < CHUNK ? size - done : CHUNK;
        ssize_t got = read(descriptor, data + done, chunk);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
    }
    return (ssize_t)done;
}

static sentiment_status read_bytes(int descriptor, const char *path, const sn_memory *memory,
                                   size_t size, sn_bytes *out, sentiment_error *error)
{
    uint8_t extra;
    uint8_t *data = sn_alloc(memory, size, 1);
    if (!data)
        return sn_fail_memory(error, "the bytes of a file");
    ssize_t got = read_fully(descriptor, data, size);
    ssize_t more = got < 0 ? -1 : read_fully(descriptor, &extra, 1);
    if (got < 0 || more < 0) {
        sentiment_status status = sn_fail_system(error, errno, path, "read");
        sn_free(memory, data);
        return status;
    }
    if ((size_t)got != size || more != 0) {
        sn_free(memory, data);
        return sn_fail(error, SENTIMENT_ERROR_IO, (uint64_t)got,
                       "%s: changed its size while it was being read", path);
    }
    *out = (sn_bytes){.data = data, .size = size, .origin = ORIGIN_ALLOCATED, .memory = *memory};
    return SENTIMENT_OK;
}

static sentiment_status map_bytes(int descriptor, const char *path, size_t size, sn_bytes *out,
                                  sentiment_error *error)
{
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
        return sn_fail_system(error, errno, path, "map");
    *out = (sn_bytes){.data = data, .size = size, .origin = ORIGIN_MAPPED};
    return SENTIMENT_OK;
}

sentiment_status sn_file_read(const char *path, const sn_memory *memory, _Bool use_mmap,
                              uint64_t limit, sn_bytes *out, sentiment_error *error)
{
    size_t size = 0;
    /* O_NONBLOCK: opening a FIFO nobody writes to would wait for ever. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return sn_fail_system(error, errno, path, "open");
    sentiment_status status = check_regular(descriptor, path, limit, &size, error);
    if (status == SENTIMENT_OK) {
        /* A mapping of no bytes does not exist. */
        if (use_mmap && size)
            status = map_bytes(descriptor, path, size, out, error);
        else
            status = read_bytes(descriptor, path, memory, size, out, error);
    }
    close(descriptor);
    return status;
}

sentiment_status sn_bytes_copy(const void *data, size_t size, const sn_memory *memory,
                               sn_bytes *out, sentiment_error *error)
{
    uint8_t *copy = sn_alloc(memory, size, 1);
    if (!copy)
        return sn_fail_memory(error, "a copy of the bytes");
    if (size)
        memcpy(copy, data, size);
    *out = (sn_bytes){.data = copy, .size = size, .origin = ORIGIN_ALLOCATED, .memory = *memory};
    return SENTIMENT_OK;
}

void sn_bytes_borrow(const void *data, size_t size, sentiment_release_fn release, void *user,
                     sn_bytes *out)
{
    *out = (sn_bytes){.data = data, .size = size, .origin = ORIGIN_BORROWED};
    out->release = release;
    out->release_user = user;
}

/* The bytes are const for readers, yet this module allocated or mapped them. */
static void *writable(const uint8_t *data)
{
    return (void *)(uintptr_t)data;
}

void sn_bytes_free(sn_bytes *bytes)
{
    if (bytes->origin == ORIGIN_ALLOCATED)
        sn_free(&bytes->memory, writable(bytes->data));
    else if (bytes->origin == ORIGIN_MAPPED)
        munmap(writable(bytes->data), bytes->size);
    else if (bytes->origin == ORIGIN_BORROWED && bytes->release)
        bytes->release(bytes->release_user, bytes->data, bytes->size);
    *bytes = (sn_bytes){0};
}

/* ------------------------------------------------------------------ paths */

int sn_path_is_directory(const char *path, sentiment_error *error)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return sn_fail_system(error, errno, path, "open");
    return S_ISDIR(info.st_mode) ? 1 : 0;
}

_Bool sn_path_exists(const char *path)
{
    struct stat info;
    /* What cannot be examined may exist: opening it will tell why. */
    return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

sentiment_status sn_directory_make(const char *path, sentiment_error *error)
{
    if (mkdir(path, 0777) == 0)
        return SENTIMENT_OK;
    int reason = errno;
    struct stat info;
    if (reason != EEXIST || stat(path, &info) != 0)
        return sn_fail_system(error, reason, path, "make the folder");
    if (!S_ISDIR(info.st_mode))
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET,
                       "%s: is a file; expected a folder or nothing", path);
    return SENTIMENT_OK;
}

void sn_directory_remove(const char *path)
{
    rmdir(path);
}

char *sn_path_join(const sn_memory *memory, const char *folder, const char *name)
{
    size_t length = strlen(folder), size;
    const char *slash = length && folder[length - 1] != '/' ? "/" : "";
    if (!sn_add(length, strlen(name), &size) || !sn_add(size, 2, &size))
        return NULL;
    char *path = sn_alloc(memory, size, 1);
    if (path)
        snprintf(path, size, "%s%s%s", folder, slash, name);
    return path;
}

/* --------------------------------------------------------------- bytes out */

/* Room for a name beside `path`: its folder, then a file name of our own. */
#define TEMPORARY_NAME_SIZE 48

/* Characters of `path` that are its folder with the last slash. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Renaming over a folder fails late and over a device succeeds: both are refused early. */
static sentiment_status check_target(const char *path, sentiment_error *error)
{
    struct stat info;
    size_t folder = folder_length(path);
    if (path[folder] == '\0')
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET,
                       "%s: names a folder; expected the name of a file", path);
    if (stat(path, &info) != 0)
        return SENTIMENT_OK;
    if (S_ISDIR(info.st_mode))
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET, "%s: is a folder; expected a file",
                       path);
    if (!S_ISREG(info.st_mode))
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET,
                       "%s: is a device, pipe or socket; expected a regular file", path);
    return SENTIMENT_OK;
}

/* Writers on other threads, processes and machines may share the folder:
 * O_EXCL decides who gets a name, the clock only makes clashes rare. */
static int create_temporary(sn_writer *writer, size_t folder)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        struct timespec now = {0};
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(writer->temporary + folder, TEMPORARY_NAME_SIZE, ".sentiment-%lx-%lx-%u.tmp",
                 (unsigned long)getpid(), (unsigned long)now.tv_nsec, attempt);
        int descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

sentiment_status sn_writer_open(sn_writer *writer, const char *path, const sn_memory *memory,
                                sentiment_error *error)
{
    sentiment_status status = check_target(path, error);
    if (status != SENTIMENT_OK)
        return status;
    size_t folder = folder_length(path);
    writer->memory = memory;
    writer->path = sn_duplicate(memory, path, strlen(path));
    writer->temporary = sn_alloc(memory, folder + TEMPORARY_NAME_SIZE, 1);
    if (!writer->path || !writer->temporary) {
        status = sn_fail_memory(error, "the name of a file");
        goto out;
    }
    memcpy(writer->temporary, path, folder);
    writer->descriptor = create_temporary(writer, folder);
    if (writer->descriptor < 0)
        status = sn_fail_system(error, errno, path, "write");
    else
        writer->open = 1;
out:
    if (status != SENTIMENT_OK)
        sn_writer_abort(writer);
    return status;
}

sentiment_status sn_writer_write(sn_writer *writer, const void *data, size_t size,
                                 sentiment_error *error)
{
    const uint8_t *bytes = data;
    while (size) {
        ssize_t wrote = write(writer->descriptor, bytes, size < CHUNK ? size : CHUNK);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return sn_fail_system(error, wrote < 0 ? errno : EIO, writer->path, "write");
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_writer_sync(sn_writer *writer, sentiment_error *error)
{
    if (fsync(writer->descriptor) != 0)
        return sn_fail_system(error, errno, writer->path, "write");
    writer->open = 0;
    /* Network file systems report a full disk here. */
    if (close(writer->descriptor) != 0)
        return sn_fail_system(error, errno, writer->path, "write");
    writer->complete = 1;
    return SENTIMENT_OK;
}

/* The new name is on disk only when its folder is. Folders that cannot be
 * opened or synced (no read permission, some file systems) are left to the
 * system. `path` is cut to its folder. */
static sentiment_status sync_folder(char *path, sentiment_error *error)
{
    size_t length = folder_length(path);
    path[length] = '\0';
    int descriptor = open(length ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return SENTIMENT_OK;
    int reason = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    if (reason == EIO || reason == ENOSPC || reason == EDQUOT)
        return sn_fail_system(error, reason, length ? path : ".", "sync the folder");
    return SENTIMENT_OK;
}

sentiment_status sn_writer_commit(sn_writer *writer, sentiment_error *error)
{
    if (!writer->complete) {
        sentiment_status status = sn_writer_sync(writer, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    if (rename(writer->temporary, writer->path) != 0)
        return sn_fail_system(error, errno, writer->path, "rename a file to this name");
    sn_free(writer->memory, writer->temporary);
    writer->temporary = NULL;
    writer->complete = 0;
    sentiment_status status = sync_folder(writer->path, error);
    sn_writer_abort(writer);
    return status;
}

void sn_writer_abort(sn_writer *writer)
{
    if (writer->open)
        close(writer->descriptor);
    if (writer->temporary && (writer->open || writer->complete))
        unlink(writer->temporary);
    if (writer->memory) {
        sn_free(writer->memory, writer->temporary);
        sn_free(writer->memory, writer->path);
    }
    *writer = (sn_writer){0};
}
