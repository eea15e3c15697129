/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading with read(2) and inflate(). A file is gzip if it begins with 1F 8B;
 * members may follow each other, anything else behind one is an error, and so
 * is an end inside a member. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

bool source_open(source *in, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    *in = (source){.fd = STDIN_FILENO, .name = standard ? "standard input" : path};
    if (!standard)
        in->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (in->fd < 0 || fstat(in->fd, &status) != 0) {
        message("%s: %s", in->name, strerror(errno));
        source_close(in);
        return false;
    }
    if (S_ISREG(status.st_mode) && status.st_size > 0)
        in->size = (uint64_t)status.st_size;
    return true;
}

void source_close(source *in)
{
    if (in->gzip)
        inflateEnd(&in->stream);
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    in->gzip = false;
    in->fd = -1;
}

/* Waits until there is something to read; false: told to stop. */
static bool wait_for_bytes(const source *in)
{
    struct pollfd wait[2] = {{.fd = in->fd, .events = POLLIN},
                             {.fd = in->stop_fd, .events = POLLIN}};
    while (in->stop_fd && poll(wait, 2, -1) < 0 && errno == EINTR)
        continue;
    return wait[1].revents == 0;
}

/* Appends stored bytes to `input`; false on failure. */
static bool fill(source *in)
{
    ssize_t got = 0;
    if (in->next == in->filled)
        in->next = in->filled = 0;
    if (!wait_for_bytes(in))
        return false;
    do
        got = read(in->fd, in->input + in->filled, sizeof in->input - in->filled);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        message("%s: %s", in->name, strerror(errno));
        return false;
    }
    if (in->hash)
        sn_sha256_add(in->hash, in->input + in->filled, (size_t)got);
    in->filled += (size_t)got;
    in->read_bytes += (uint64_t)got;
    in->ended = got == 0;
    return true;
}

static bool bad_gzip(const source *in, const char *reason)
{
    message("%s: bad gzip data: %s", in->name, reason);
    return false;
}

/* Looks for the gzip magic; one byte that is not its first decides already. */
static bool start(source *in)
{
    while (!in->ended && in->filled < 2 && (in->filled == 0 || in->input[0] == 0x1F))
        if (!fill(in))
            return false;
    in->started = true;
    if (in->filled < 2 || in->input[0] != 0x1F || in->input[1] != 0x8B)
        return true;
    if (inflateInit2(&in->stream, 15 + 16) != Z_OK) {
        message_no_memory();
        return false;
    }
    in->gzip = in->unpacking = true;
    return true;
}

/* Unpacks from `input` into `bytes`; *got may stay 0 where input is missing. */
static bool unpack(source *in, char *bytes, size_t size, size_t *got)
{
    if (!in->unpacking) {
        if (inflateReset(&in->stream) != Z_OK)
            return bad_gzip(in, "cannot start the next member");
        in->unpacking = true;
    }
    uInt room = size < (1u << 30) ? (uInt)size : 1u << 30;
    in->stream.next_in = in->input + in->next;
    in->stream.avail_in = (uInt)(in->filled - in->next);
    in->stream.next_out = (Bytef *)bytes;
    in->stream.avail_out = room;
    int code = inflate(&in->stream, Z_NO_FLUSH);
    in->next = in->filled - in->stream.avail_in;
    *got = room - in->stream.avail_out;
    if (code == Z_STREAM_END)
        in->unpacking = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return bad_gzip(in, in->stream.msg ? in->stream.msg : "damaged");
    return true;
}

static ptrdiff_t read_gzip(source *in, char *bytes, size_t size)
{
    size_t got = 0;
    while (got == 0) {
        if (in->next == in->filled) {
            if (!in->ended && !fill(in))
                return -1;
            if (in->ended && !in->unpacking)
                return 0;
        }
        if (!unpack(in, bytes, size, &got))
            return -1;
        if (got == 0 && in->ended && in->next == in->filled && in->unpacking) {
            bad_gzip(in, "the file ends too early");
            return -1;
        }
    }
    return (ptrdiff_t)got;
}

ptrdiff_t source_read(source *in, char *bytes, size_t size)
{
    if (!in->started && !start(in))
        return -1;
    if (in->gzip)
        return read_gzip(in, bytes, size);
    if (in->next == in->filled && !in->ended && !fill(in))
        return -1;
    size_t have = in->filled - in->next;
    size_t part = have < size ? have : size;
    memcpy(bytes, in->input + in->next, part);
    in->next += part;
    return (ptrdiff_t)part;
}

bool source_ready(const source *in)
{
    struct pollfd wait = {.fd = in->fd, .events = POLLIN};
    return in->ended || in->next < in->filled || poll(&wait, 1, 0) != 0;
}
