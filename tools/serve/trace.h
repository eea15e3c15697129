/* SPDX-License-Identifier: Apache-2.0
 *
 * The trace that a request is part of, as the proxies before the server tell it:
 * traceparent (W3C Trace Context) or X-Cloud-Trace-Context (Google's older one). What
 * is not exactly of their form counts as none. */
#ifndef TOOLS_SERVE_TRACE_H
#define TOOLS_SERVE_TRACE_H

#include <stdbool.h>

#include "http_parse.h"

#define TRACE_ID_DIGITS 32
#define TRACE_SPAN_DIGITS 16

typedef struct trace_context {
    char id[TRACE_ID_DIGITS + 1];     /* hexadecimal, lower case; empty: there is none */
    char span[TRACE_SPAN_DIGITS + 1]; /* the caller's part of it; may be empty */
    bool sampled;
} trace_context;

/* Reads it from a request's fields; traceparent is preferred. */
void trace_read(const http_head *head, trace_context *trace);

#endif
