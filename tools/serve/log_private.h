/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers (log.c) and the writing thread (log_writer.c) share: a ring of
 * blocks. A caller claims blocks by moving `head`, copies its line, and publishes it
 * by its size at the first block; the thread takes lines in the order of their
 * blocks, and gives these back by moving `tail`. */
#ifndef TOOLS_SERVE_LOG_PRIVATE_H
#define TOOLS_SERVE_LOG_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "log.h"

#define LOG_BLOCK 64

/* Where lines go; of the thread alone. */
typedef struct log_sink {
    int file;     /* -1: none */
    bool regular; /* writing never waits for a reader */
    bool stuck;   /* did not take anything for a while: not waited for again */
    bool midline; /* what was written last ends inside a line */
} log_sink;

struct serve_log {
    serve_log_level level;
    bool with_text;
    serve_log_format format;
    const char *project;
    bool started; /* there is a thread */
    char *path;

    char *data;              /* blocks * LOG_BLOCK bytes */
    _Atomic uint32_t *sizes; /* of the line that begins at a block; 0: not yet there */
    uint64_t blocks;         /* a power of two */
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t tail;

    _Atomic bool sleeping; /* the thread wants to be woken */
    _Atomic bool reopen, stop;
    _Atomic int64_t deadline; /* once it stops: monotonic nanoseconds */
    _Atomic uint64_t accepted, written, dropped, reopen_failures;
    sem_t wake, finished;
    pthread_t thread;
    log_sink file, console;
};

/* Opens the path; -1 with errno. */
int log_file_open(const char *path);
/* The thread; `log` is a serve_log. */
void *log_writer_run(void *log);

#endif
