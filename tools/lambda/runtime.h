/* SPDX-License-Identifier: Apache-2.0
 *
 * The Runtime API of Lambda, version 2018-06-01: the next invocation, its
 * response or its error, and the error of a start that failed. */
#ifndef TOOLS_LAMBDA_RUNTIME_H
#define TOOLS_LAMBDA_RUNTIME_H

#include <stdint.h>

#include "transfer.h"

typedef struct runtime {
    transfer *on;
    char base[512]; /* http://HOST:PORT/2018-06-01/runtime */
} runtime;

/* One invocation: its headers, and the event as bytes. */
typedef struct invocation {
    char id[128];
    char trace[512];
    int64_t deadline; /* milliseconds since 1970; 0: not told */
    transfer_bytes event;
} invocation;

typedef enum runtime_result {
    RUNTIME_DONE,
    RUNTIME_STOPPED, /* SIGTERM came */
    RUNTIME_REFUSED, /* this invocation is lost, the next one may go well */
    RUNTIME_LOST     /* it cannot be reached, or told us to end */
} runtime_result;

/* False: `host` is no HOST:PORT. */
bool runtime_open(runtime *api, transfer *on, const char *host);
/* Waits for an invocation; the event's memory is used again by the next call. */
runtime_result runtime_next(runtime *api, invocation *call);
runtime_result runtime_respond(runtime *api, const char *id, const char *body, size_t size);
/* Reports an error of an invocation, or with id NULL one of the start. */
runtime_result runtime_fail(runtime *api, const char *id, const char *type, const char *message);

#endif
