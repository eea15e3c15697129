/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of API Gateway: of REST APIs (payload format 1.0), of HTTP APIs (2.0,
 * and function URLs), and the guide's bare {"body": ...}. */
#ifndef TOOLS_LAMBDA_EVENT_H
#define TOOLS_LAMBDA_EVENT_H

#include <jansson.h>
#include <stdbool.h>

/* What the client of the API asked for; points into the event. */
typedef struct event_request {
    const char *method;
    const char *name; /* the last part of the path, "" for none */
    const char *body; /* NULL: none */
    size_t size;
    char *decoded; /* owned: the body where it came in base64 */
} event_request;

typedef enum event_shape {
    EVENT_FINE,
    EVENT_UNKNOWN,    /* nothing that API Gateway sends */
    EVENT_BAD_BASE64, /* the body is not what isBase64Encoded says */
    EVENT_NO_MEMORY
} event_shape;

event_shape event_read(const json_t *event, event_request *request);
void event_release(event_request *request);

#endif
