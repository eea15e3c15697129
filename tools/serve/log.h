/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's log: a JSON object a line, with the guide's fields. Lines go into
 * a bounded ring; one thread of the log writes them to a file and/or stderr. A
 * caller never waits, neither for the disk nor for another caller: what finds no
 * room, and what the system did not take, is counted and gone. Texts of requests
 * are left out unless the log was opened to show them. */
#ifndef TOOLS_SERVE_LOG_H
#define TOOLS_SERVE_LOG_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

typedef struct serve_log serve_log;

typedef enum serve_log_level {
    SERVE_LOG_DEBUG = 1,
    SERVE_LOG_INFO = 2,
    SERVE_LOG_WARNING = 3,
    SERVE_LOG_ERROR = 4,
    SERVE_LOG_OFF = 5
} serve_log_level;

/* Names of the fields: the guide's; or those that Google Cloud Logging knows (severity,
 * time, message, the trace), the guide's other fields beside them. */
typedef enum serve_log_format { SERVE_LOG_JSON, SERVE_LOG_GCP } serve_log_format;

/* Bytes of a project's id; Google's own limit is 30. */
#define SERVE_LOG_PROJECT_LIMIT 100

typedef struct serve_log_options {
    const char *path; /* NULL: no file; appended to, made with mode 0640 */
    bool to_stderr;
    serve_log_level level; /* lines below are not made; 0: SERVE_LOG_INFO */
    bool with_text;        /* "text": the text itself, cut at 1 KiB */
    serve_log_format format;
    const char
        *project;      /* GCP: of the traces, which are left out without one; stays the caller's */
    size_t ring_bytes; /* 0: 1 MiB; at least 64 KiB; rounded up to a power of two */
} serve_log_options;

/* Bytes of a request, not necessarily UTF-8 and not NUL-terminated; data NULL: the
 * field is null. Written as valid JSON with bad bytes as U+FFFD, cut at 256 bytes
 * (the text: 1 KiB). */
typedef struct serve_log_text {
    const char *data;
    size_t size;
} serve_log_text;

/* What a line is about. Zero or NULL leaves a field out, `user_id` aside, which is
 * then null. */
typedef struct serve_log_request {
    serve_log_text request_id, user_id;
    serve_log_text model, version;
    const char *route;          /* NUL-terminated, of the server's own table */
    int code;                   /* HTTP status */
    const trace_context *trace; /* shown by SERVE_LOG_GCP */
} serve_log_request;

/* One answer: the guide's log_prediction. */
typedef struct serve_log_prediction {
    serve_log_text text;    /* shown only if the log was opened with_text */
    uint64_t text_length;   /* in characters, as the guide's len(text) */
    int32_t prediction;     /* class */
    float confidence;       /* of that class */
    double processing_time; /* seconds */
    const char *cache;      /* "hit", "miss" or NULL */
} serve_log_prediction;

/* Opens the file and starts the thread. INVALID_ARGUMENT (an unknown level or format, a
 * project that is too long), IO or OUT_OF_MEMORY. */
sentiment_status serve_log_open(const serve_log_options *options, serve_log **log,
                                sentiment_error *error);
/* Writes what is in the ring and ends the thread, within `seconds`; lines that did
 * not make it are counted in the value returned, all that were dropped since
 * serve_log_open. Frees the log; where the system holds the thread back beyond the
 * time, its memory stays with the thread instead. No other thread may be logging.
 * NULL is fine. */
uint64_t serve_log_close(serve_log *log, double seconds);

/* The following never block, may be called from any thread, and take NULL for
 * `log` as a log that is off. */

/* event_type "prediction", level info. */
void serve_log_write_prediction(serve_log *log, const serve_log_request *request,
                                const serve_log_prediction *prediction);
/* event_type "error": `error` is a message without the text of the request. The
 * guide's `context` holds the fields of `request` (NULL: none) and the status'
 * name, where that is not SENTIMENT_OK. */
void serve_log_write_error(serve_log *log, serve_log_level level, const serve_log_request *request,
                           sentiment_status status, const char *error);
/* event_type "metrics", level info: an object of names and numbers. */
void serve_log_write_metrics(serve_log *log, const char *const *names, const double *values,
                             size_t count);
/* event_type "server": start, reload, drain and the like. */
void serve_log_write_event(serve_log *log, serve_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether lines of a level are made, for callers that would have to prepare them. */
bool serve_log_wants(const serve_log *log, serve_log_level level);
/* Opens the path anew before the next line, as after a rotation; a path that cannot
 * be opened leaves the old file in use and counts as failed. Async-signal-safe. */
void serve_log_reopen(serve_log *log);
/* Lines written, and lines dropped for want of room or because the system did not
 * take them, since serve_log_open. */
uint64_t serve_log_lines(const serve_log *log);
uint64_t serve_log_dropped(const serve_log *log);
/* Reopenings that failed. */
uint64_t serve_log_reopen_failures(const serve_log *log);

/* Code points of a text, for text_length. Bytes that continue a character are not
 * counted, so that it is right for UTF-8 and harmless for anything else. */
uint64_t serve_log_characters(const char *text, size_t size);

#endif
