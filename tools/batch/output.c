/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing, checking, cutting and renaming the file of answers. A digest runs
 * along, so that what a journal says of the file can be held against it. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

static bool fail(const batch_output *to, int error)
{
    message("%s: %s", to->open ? to->open : to->name, strerror(error));
    return false;
}

bool batch_output_init(batch_output *to, const char *name)
{
    size_t length = strlen(name);
    struct stat status;
    to->name = name;
    to->fd = -1;
    to->gzip = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    sn_sha256_start(&to->hash);
    to->kept = to->hash;
    if (stat(name, &status) == 0 && !S_ISREG(status.st_mode)) {
        message("%s: --output needs a regular file, or a name that is free", name);
        return false;
    }
    to->partial = malloc(length + sizeof ".partial");
    if (!to->partial) {
        message_no_memory();
        return false;
    }
    snprintf(to->partial, length + sizeof ".partial", "%s.partial", name);
    return true;
}

bool batch_output_exists(const batch_output *to)
{
    return access(to->name, F_OK) == 0;
}

bool batch_output_begun(const batch_output *to)
{
    return access(to->partial, F_OK) == 0;
}

bool batch_output_has_bytes(const batch_output *to)
{
    struct stat status;
    return stat(to->partial, &status) == 0 && status.st_size > 0;
}

bool batch_output_is(const batch_output *to, int fd)
{
    const char *const names[] = {to->name, to->partial};
    struct stat input, output;
    for (size_t i = 0; i < 2; i++)
        if (fstat(fd, &input) == 0 && stat(names[i], &output) == 0 &&
            input.st_dev == output.st_dev && input.st_ino == output.st_ino)
            return true;
    return false;
}

/* Writes bytes into the file; 0 or what went wrong. */
static int store(batch_output *to, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(to->fd, at, size);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written < 0)
            continue;
        sn_sha256_add(&to->hash, at, (size_t)written);
        to->bytes += (uint64_t)written;
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

static int pack(batch_output *to, const char *bytes, size_t size, int flush)
{
    uint8_t packed[1 << 14];
    /* inflate() and deflate() take what they only read as mutable. */
    to->stream.next_in = (Bytef *)(uintptr_t)bytes;
    to->stream.avail_in = (uInt)size;
    int code = Z_OK, error = 0;
    do {
        to->stream.next_out = packed;
        to->stream.avail_out = sizeof packed;
        code = deflate(&to->stream, flush);
        error = store(to, packed, sizeof packed - to->stream.avail_out);
    } while (error == 0 && (to->stream.avail_out == 0 || (flush == Z_FINISH && code == Z_OK)));
    return error;
}

/* What emit hands its bytes to. */
static int take(void *user, const char *bytes, size_t size)
{
    batch_output *to = user;
    if (!to->gzip)
        return store(to, bytes, size);
    to->packing = true;
    return pack(to, bytes, size, Z_NO_FLUSH);
}

bool batch_output_open(batch_output *to, bool finished)
{
    to->open = finished ? to->name : to->partial;
    int flags = finished ? O_RDONLY : O_RDWR | O_CREAT;
    to->fd = open(to->open, flags | O_CLOEXEC, 0666);
    struct stat status;
    if (to->fd < 0 || fstat(to->fd, &status) != 0)
        return fail(to, errno);
    if (!S_ISREG(status.st_mode))
        return fail(to, EINVAL);
    to->out = (emit){.fd = to->fd, .sink = take, .sink_user = to};
    if (to->gzip && deflateInit2(&to->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                                 Z_DEFAULT_STRATEGY) != Z_OK) {
        to->gzip = false;
        message_no_memory();
        return false;
    }
    return true;
}

bool batch_output_holds(batch_output *to, uint64_t bytes, const char *digest)
{
    char part[1 << 14], hex[65];
    while (to->bytes < bytes) {
        uint64_t left = bytes - to->bytes;
        ssize_t got = read(to->fd, part, left < sizeof part ? (size_t)left : sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        sn_sha256_add(&to->hash, part, (size_t)got);
        to->bytes += (uint64_t)got;
    }
    batch_output_digest(to, hex);
    if (to->bytes != bytes || strcmp(hex, digest) != 0)
        return false;
    to->kept_bytes = to->bytes;
    to->kept = to->hash;
    return true;
}

bool batch_output_ends(const batch_output *to)
{
    struct stat status;
    return fstat(to->fd, &status) == 0 && (uint64_t)status.st_size == to->kept_bytes;
}

bool batch_output_cut(batch_output *to)
{
    to->bytes = to->kept_bytes;
    to->hash = to->kept;
    return (ftruncate(to->fd, (off_t)to->bytes) == 0 &&
            lseek(to->fd, (off_t)to->bytes, SEEK_SET) >= 0) ||
           fail(to, errno);
}

bool batch_output_end_block(batch_output *to)
{
    int error = emit_flush(&to->out) ? 0 : to->out.error;
    /* No block at all is one empty member: a file of no bytes is no gzip. */
    if (error == 0 && to->gzip && (to->packing || to->bytes == 0)) {
        error = pack(to, NULL, 0, Z_FINISH);
        deflateReset(&to->stream);
        to->packing = false;
    }
    return error == 0 || fail(to, error);
}

void batch_output_digest(const batch_output *to, char hex[65])
{
    sn_sha256 copy = to->hash;
    sn_sha256_finish(&copy, hex);
}

bool batch_output_sync(batch_output *to)
{
    return fdatasync(to->fd) == 0 || errno == EINVAL || fail(to, errno);
}

/* The name is on disk when its folder is. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

bool batch_output_rename(batch_output *to)
{
    if (rename(to->partial, to->name) != 0)
        return fail(to, errno);
    sync_folder(to->name);
    return true;
}

void batch_output_close(batch_output *to)
{
    if (to->fd >= 0)
        close(to->fd);
    if (to->gzip && to->out.sink)
        deflateEnd(&to->stream);
    free(to->partial);
    to->partial = NULL;
    to->fd = -1;
}
