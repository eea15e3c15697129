/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines are made on the caller's stack and copied into the ring; see
 * log_private.h for the ring and log_writer.c for what becomes of them. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "log_line.h"
#include "log_private.h"

enum {
    FIELD_LIMIT = 256,
    TEXT_LIMIT = 1024,
    RING_DEFAULT = 1 << 20,
    RING_LEAST = 1 << 16,
    RING_MOST = 1 << 30
};

/* By level. */
static const char *const level_names[] = {"", "debug", "info", "warning", "error"};
static const char *const severities[] = {"", "DEBUG", "INFO", "WARNING", "ERROR"};

/* --------------------------------------------------------- opening, closing */

static bool make_ring(serve_log *log, size_t bytes)
{
    size_t size = RING_LEAST;
    while (size < bytes && size < RING_MOST)
        size *= 2;
    log->blocks = size / LOG_BLOCK;
    log->data = malloc(size);
    log->sizes = calloc(log->blocks, sizeof *log->sizes);
    return log->data && log->sizes;
}

static sentiment_status open_sinks(serve_log *log, const serve_log_options *options,
                                   sentiment_error *error)
{
    struct stat about;
    log->file.file = log->console.file = -1;
    if (options->to_stderr)
        log->console =
            (log_sink){.file = STDERR_FILENO,
                       .regular = fstat(STDERR_FILENO, &about) == 0 && S_ISREG(about.st_mode)};
    if (!options->path)
        return SENTIMENT_OK;
    log->path = strdup(options->path);
    if (!log->path)
        return serve_fail_memory(error);
    log->file.file = log_file_open(options->path);
    if (log->file.file < 0)
        return serve_fail(error, SENTIMENT_ERROR_IO, "%s: %s", options->path, strerror(errno));
    log->file.regular = fstat(log->file.file, &about) == 0 && S_ISREG(about.st_mode);
    return SENTIMENT_OK;
}

static void free_log(serve_log *log)
{
    if (log->file.file >= 0)
        close(log->file.file);
    sem_destroy(&log->wake);
    sem_destroy(&log->finished);
    free(log->path);
    free(log->data);
    free(log->sizes);
    free(log);
}

/* A log without a place to write to needs no thread. */
static sentiment_status start(serve_log *log, sentiment_error *error)
{
    if (log->file.file < 0 && log->console.file < 0) {
        log->level = SERVE_LOG_OFF;
        return SENTIMENT_OK;
    }
    int failed = pthread_create(&log->thread, NULL, log_writer_run, log);
    if (failed)
        return serve_fail(error, SENTIMENT_ERROR_IO, "cannot start a thread: %s", strerror(failed));
    log->started = true;
    return SENTIMENT_OK;
}

sentiment_status serve_log_open(const serve_log_options *options, serve_log **log,
                                sentiment_error *error)
{
    if ((unsigned)options->level > SERVE_LOG_OFF)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "no such level: %d",
                          (int)options->level);
    if ((unsigned)options->format > SERVE_LOG_GCP)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "no such format: %d",
                          (int)options->format);
    if (options->project && strlen(options->project) > SERVE_LOG_PROJECT_LIMIT)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "a project's id has at most %d bytes", SERVE_LOG_PROJECT_LIMIT);
    serve_log *made = aligned_alloc(64, (sizeof *made + 63) / 64 * 64);
    if (!made)
        return serve_fail_memory(error);
    memset(made, 0, sizeof *made);
    sem_init(&made->wake, 0, 0);
    sem_init(&made->finished, 0, 0);
    made->level = options->level ? options->level : SERVE_LOG_INFO;
    made->with_text = options->with_text;
    made->format = options->format;
    made->project = options->project;
    sentiment_status status = open_sinks(made, options, error);
    if (!status && !make_ring(made, options->ring_bytes ? options->ring_bytes : RING_DEFAULT))
        status = serve_fail_memory(error);
    if (!status)
        status = start(made, error);
    if (status) {
        free_log(made);
        return status;
    }
    *log = made;
    return SENTIMENT_OK;
}

static struct timespec later(clockid_t clock, double seconds)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    double limited = seconds < 0 ? 0 : seconds < 1e6 ? seconds : 1e6;
    int64_t nanoseconds = time.tv_nsec + (int64_t)(limited * 1e9);
    time.tv_sec += nanoseconds / 1000000000;
    time.tv_nsec = nanoseconds % 1000000000;
    return time;
}

/* Whether the thread ended in time; a grace for what it has in hand by then. */
static bool wait_finished(serve_log *log, double seconds)
{
    struct timespec limit = later(CLOCK_REALTIME, seconds + 0.5);
    int failed;
    while ((failed = sem_timedwait(&log->finished, &limit)) && errno == EINTR)
        continue;
    return failed == 0;
}

uint64_t serve_log_close(serve_log *log, double seconds)
{
    if (!log)
        return 0;
    struct timespec limit = later(CLOCK_MONOTONIC, seconds);
    atomic_store(&log->deadline, limit.tv_sec * INT64_C(1000000000) + limit.tv_nsec);
    atomic_store(&log->stop, true);
    sem_post(&log->wake);
    if (log->started && !wait_finished(log, seconds)) {
        pthread_detach(log->thread);
        return atomic_load(&log->dropped) +
               (atomic_load(&log->accepted) - atomic_load(&log->written));
    }
    if (log->started)
        pthread_join(log->thread, NULL);
    uint64_t dropped = atomic_load(&log->dropped);
    free_log(log);
    return dropped;
}

void serve_log_reopen(serve_log *log)
{
    if (!log)
        return;
    atomic_store(&log->reopen, true);
    sem_post(&log->wake);
}

/* ---------------------------------------------------------------- counters */

bool serve_log_wants(const serve_log *log, serve_log_level level)
{
    return log && level >= log->level && level < SERVE_LOG_OFF;
}

uint64_t serve_log_lines(const serve_log *log)
{
    return log ? atomic_load(&log->written) : 0;
}

uint64_t serve_log_dropped(const serve_log *log)
{
    return log ? atomic_load(&log->dropped) : 0;
}

uint64_t serve_log_reopen_failures(const serve_log *log)
{
    return log ? atomic_load(&log->reopen_failures) : 0;
}

uint64_t serve_log_characters(const char *text, size_t size)
{
    uint64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* ---------------------------------------------------------------- the ring */

static void copy_in(serve_log *log, uint64_t block, const char *data, size_t size)
{
    size_t to = (size_t)(block & (log->blocks - 1)) * LOG_BLOCK;
    size_t room = (size_t)log->blocks * LOG_BLOCK - to, part = size < room ? size : room;
    memcpy(log->data + to, data, part);
    memcpy(log->data, data + part, size - part);
}

/* Blocks for a line; false: no room. */
static bool claim(serve_log *log, uint64_t count, uint64_t *first)
{
    uint64_t head = atomic_load_explicit(&log->head, memory_order_relaxed);
    do {
        uint64_t tail = atomic_load_explicit(&log->tail, memory_order_acquire);
        /* `head` may be older than `tail`: then it is not ours to move either. */
        if (head + count > tail + log->blocks)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&log->head, &head, head + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    *first = head;
    return true;
}

static void push(serve_log *log, log_line *line)
{
    uint64_t block = 0;
    log_line_end(line);
    if (line->failed || !claim(log, (line->used + LOG_BLOCK - 1) / LOG_BLOCK, &block)) {
        atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
        return;
    }
    copy_in(log, block, line->data, line->used);
    atomic_fetch_add_explicit(&log->accepted, 1, memory_order_relaxed);
    atomic_store(&log->sizes[block & (log->blocks - 1)], (uint32_t)line->used);
    /* Only the caller that finds the thread asleep pays for waking it. */
    if (atomic_load(&log->sleeping) && atomic_exchange(&log->sleeping, false))
        sem_post(&log->wake);
}

/* ------------------------------------------------------------------- lines */

/* `message` is what a reader of Cloud Logging sees of a line. */
static void begin(const serve_log *log, log_line *line, serve_log_level level, const char *type,
                  const char *message)
{
    bool gcp = log->format == SERVE_LOG_GCP;
    log_line_begin(line, gcp ? "time" : "timestamp");
    if (gcp) {
        log_line_name(line, "severity", severities[level]);
        log_line_text(line, "message", message, strlen(message), TEXT_LIMIT);
    } else {
        log_line_name(line, "level", level_names[level]);
    }
    log_line_name(line, "event_type", type);
}

/* By these fields Cloud Logging finds the lines of a request, and Cloud Trace shows them. */
static void put_trace(const serve_log *log, log_line *line, const serve_log_request *request)
{
    char name[SERVE_LOG_PROJECT_LIMIT + 64];
    const trace_context *trace = request ? request->trace : NULL;
    if (log->format != SERVE_LOG_GCP || !log->project || !trace || !trace->id[0])
        return;
    snprintf(name, sizeof name, "projects/%s/traces/%s", log->project, trace->id);
    log_line_name(line, "logging.googleapis.com/trace", name);
    if (trace->span[0])
        log_line_name(line, "logging.googleapis.com/spanId", trace->span);
    log_line_boolean(line, "logging.googleapis.com/trace_sampled", trace->sampled);
}

static void put_text(log_line *line, const char *key, serve_log_text text, size_t limit)
{
    if (text.data)
        log_line_text(line, key, text.data, text.size, limit);
}

static void put_user(log_line *line, const serve_log_request *request)
{
    if (request && request->user_id.data)
        put_text(line, "user_id", request->user_id, FIELD_LIMIT);
    else
        log_line_null(line, "user_id");
}

static void put_request(log_line *line, const serve_log_request *request)
{
    if (!request)
        return;
    put_text(line, "request_id", request->request_id, FIELD_LIMIT);
    put_text(line, "model", request->model, FIELD_LIMIT);
    put_text(line, "version", request->version, FIELD_LIMIT);
    if (request->route)
        log_line_name(line, "route", request->route);
    if (request->code)
        log_line_integer(line, "code", request->code);
}

void serve_log_write_prediction(serve_log *log, const serve_log_request *request,
                                const serve_log_prediction *prediction)
{
    log_line line;
    char message[64] = "";
    if (!serve_log_wants(log, SERVE_LOG_INFO))
        return;
    if (log->format == SERVE_LOG_GCP)
        snprintf(message, sizeof message, "prediction %d, confidence %.3f",
                 (int)prediction->prediction, (double)prediction->confidence);
    begin(log, &line, SERVE_LOG_INFO, "prediction", message);
    put_trace(log, &line, request);
    log_line_integer(&line, "text_length", (int64_t)prediction->text_length);
    log_line_integer(&line, "prediction", prediction->prediction);
    log_line_number(&line, "confidence", (double)prediction->confidence);
    log_line_number(&line, "processing_time", prediction->processing_time);
    put_user(&line, request);
    put_request(&line, request);
    if (prediction->cache)
        log_line_name(&line, "cache", prediction->cache);
    if (log->with_text)
        put_text(&line, "text", prediction->text, TEXT_LIMIT);
    push(log, &line);
}

void serve_log_write_error(serve_log *log, serve_log_level level, const serve_log_request *request,
                           sentiment_status status, const char *error)
{
    log_line line;
    if (!serve_log_wants(log, level))
        return;
    begin(log, &line, level, "error", error);
    put_trace(log, &line, request);
    log_line_text(&line, "error", error, strlen(error), TEXT_LIMIT);
    log_line_open(&line, "context");
    put_user(&line, request);
    put_request(&line, request);
    if (status != SENTIMENT_OK)
        log_line_name(&line, "status", sentiment_status_name(status));
    log_line_close(&line);
    push(log, &line);
}

void serve_log_write_metrics(serve_log *log, const char *const *names, const double *values,
                             size_t count)
{
    log_line line;
    if (!serve_log_wants(log, SERVE_LOG_INFO))
        return;
    begin(log, &line, SERVE_LOG_INFO, "metrics", "metrics");
    log_line_open(&line, "metrics");
    for (size_t i = 0; i < count; i++)
        log_line_number(&line, names[i], values[i]);
    log_line_close(&line);
    push(log, &line);
}

void serve_log_write_event(serve_log *log, serve_log_level level, const char *format, ...)
{
    log_line line;
    char message[TEXT_LIMIT];
    va_list arguments;
    if (!serve_log_wants(log, level))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    begin(log, &line, level, "server", message);
    if (log->format != SERVE_LOG_GCP)
        log_line_name(&line, "message", message);
    push(log, &line);
}
