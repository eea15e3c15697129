/* SPDX-License-Identifier: Apache-2.0
 *
 * How the modules of the server report failures: as the library does, by a
 * status and a message in the caller's sentiment_error. Nothing here prints,
 * exits or keeps a last error. */
#ifndef TOOLS_SERVE_FAIL_H
#define TOOLS_SERVE_FAIL_H

#include <sentiment/sentiment.h>

/* Fills `error` (NULL: nowhere) and returns `code`, so that a function can end with
 * `return serve_fail(...)`. A message that is too long is cut. Control characters
 * are replaced: the message may go into a log line or an answer. */
sentiment_status serve_fail(sentiment_error *error, sentiment_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
sentiment_status serve_fail_memory(sentiment_error *error);

#endif
