/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured logs: one JSON object a line on standard output, where Lambda
 * collects it. They name requests and never quote them. */
#ifndef TOOLS_LAMBDA_LOG_H
#define TOOLS_LAMBDA_LOG_H

#include <jansson.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Drops what is below AWS_LAMBDA_LOG_LEVEL, which Lambda sets; INFO without it. */
void log_start(void);
/* A line with `more` (may be NULL) after timestamp, level and message; releases `more`. */
void log_write(enum log_level level, const char *message, json_t *more);
/* A line with a text made by printf, and the request's id where there is one. */
void log_text(enum log_level level, const char *request_id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Other bytes become question marks: jansson refuses what is not UTF-8, such as a path. */
void log_make_ascii(char *text);

#endif
