/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that writes. It gathers what is there, so that busy times cost few
 * system calls, and never lets a reader that does not read hold up the file, nor a
 * full disk anything at all. All signals are blocked here: a broken pipe is an
 * error of write(), not the end of the process. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log_line.h"
#include "log_private.h"

enum {
    GATHER = 1 << 16,
    /* What a pipe that is ready takes without blocking (PIPE_BUF of Linux). */
    ATOMIC = 4096,
    /* How long a reader is waited for, in milliseconds, before lines are dropped. */
    PATIENCE = 1000,
    SLICE = 20
};

static int64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static bool is_late(const serve_log *log)
{
    return atomic_load(&log->stop) && now() >= atomic_load(&log->deadline);
}

int log_file_open(const char *path)
{
    /* O_NONBLOCK: a FIFO without a reader is an error, not a wait. */
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    return open(path, flags, 0640);
}

/* ----------------------------------------------------------------- writing */

/* Whether the sink will take something, waiting as long as that makes sense. */
static bool wait_ready(const serve_log *log, log_sink *sink)
{
    struct pollfd ready = {.fd = sink->file, .events = POLLOUT};
    for (int waited = 0;; waited += SLICE) {
        int count = poll(&ready, 1, sink->stuck ? 0 : SLICE);
        if (count > 0) {
            sink->stuck = false;
            return true;
        }
        if (sink->stuck || waited >= PATIENCE || is_late(log)) {
            sink->stuck = true;
            return false;
        }
    }
}

/* Bytes that were taken. */
static size_t write_bytes(const serve_log *log, log_sink *sink, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t part = size - done;
        if (!sink->regular && part > ATOMIC)
            part = ATOMIC;
        if (!sink->regular && !wait_ready(log, sink))
            break;
        ssize_t wrote = write(sink->file, data + done, part);
        if (wrote < 0 && errno != EINTR && errno != EAGAIN)
            break;
        done += wrote > 0 ? (size_t)wrote : 0;
        if (wrote <= 0 && is_late(log))
            break;
    }
    return done;
}

static size_t count_lines(const char *data, size_t size)
{
    size_t lines = 0;
    for (const char *end = data + size; (data = memchr(data, '\n', (size_t)(end - data))); data++)
        lines++;
    return lines;
}

/* Lines that did not get there, or not whole. */
static size_t write_sink(const serve_log *log, log_sink *sink, const char *data, size_t size)
{
    if (sink->file < 0)
        return 0;
    if (sink->midline && write_bytes(log, sink, "\n", 1) == 1)
        sink->midline = false;
    size_t done = sink->midline ? 0 : write_bytes(log, sink, data, size);
    if (done > 0)
        sink->midline = data[done - 1] != '\n';
    return count_lines(data + done, size - done);
}

static void write_out(serve_log *log, const char *data, size_t size)
{
    size_t lines = count_lines(data, size), lost = lines;
    if (!is_late(log)) {
        size_t file = write_sink(log, &log->file, data, size);
        size_t console = write_sink(log, &log->console, data, size);
        lost = file > console ? file : console;
    }
    atomic_fetch_add(&log->written, lines - lost);
    atomic_fetch_add(&log->dropped, lost);
}

/* ---------------------------------------------------------------- the ring */

static uint32_t next_size(const serve_log *log)
{
    uint64_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
    /* In one order with `sleeping`: either the thread sees the line, or the caller sees
     * the thread asleep. */
    return atomic_load(&log->sizes[tail & (log->blocks - 1)]);
}

static void copy_out(const serve_log *log, uint64_t block, char *to, size_t size)
{
    size_t from = (size_t)(block & (log->blocks - 1)) * LOG_BLOCK;
    size_t room = (size_t)log->blocks * LOG_BLOCK - from, part = size < room ? size : room;
    memcpy(to, log->data + from, part);
    memcpy(to + part, log->data, size - part);
}

/* Takes lines as long as they fit; bytes in `gathered`. */
static size_t gather(serve_log *log, char gathered[GATHER])
{
    size_t used = 0;
    for (uint32_t size; (size = next_size(log)) > 0 && size <= GATHER - used; used += size) {
        uint64_t tail = atomic_load_explicit(&log->tail, memory_order_relaxed);
        copy_out(log, tail, gathered + used, size);
        atomic_store_explicit(&log->sizes[tail & (log->blocks - 1)], 0, memory_order_relaxed);
        atomic_store_explicit(&log->tail, tail + (size + LOG_BLOCK - 1) / LOG_BLOCK,
                              memory_order_release);
    }
    return used;
}

static void reopen(serve_log *log)
{
    struct stat about;
    int file = log->path ? log_file_open(log->path) : -1;
    if (!log->path)
        return;
    if (file < 0) {
        atomic_fetch_add(&log->reopen_failures, 1);
        return;
    }
    if (log->file.file >= 0)
        close(log->file.file);
    log->file =
        (log_sink){.file = file, .regular = fstat(file, &about) == 0 && S_ISREG(about.st_mode)};
}

static void sleep_until_needed(serve_log *log)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    atomic_store(&log->sleeping, true);
    if (next_size(log) == 0 && !atomic_load(&log->stop) && !atomic_load(&log->reopen))
        while (sem_wait(&log->wake) && errno == EINTR)
            continue;
    atomic_store(&log->sleeping, false);
    /* Lines seldom come alone: one write and one wake-up for those of a millisecond. */
    if (!atomic_load(&log->stop))
        nanosleep(&moment, NULL);
}

void *log_writer_run(void *pointer)
{
    serve_log *log = pointer;
    char gathered[GATHER];
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (;;) {
        /* Read before the ring: what was logged before the stop is written. */
        bool stop = atomic_load(&log->stop);
        if (atomic_exchange(&log->reopen, false))
            reopen(log);
        size_t size = gather(log, gathered);
        if (size > 0)
            write_out(log, gathered, size);
        else if (stop)
            break;
        else
            sleep_until_needed(log);
    }
    sem_post(&log->finished);
    return NULL;
}
