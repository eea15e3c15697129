/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing answers: heads, JSON bodies, and problems (RFC 9457) with the members
 * `error`, `code` and `request_id`. Each call answers the request at hand; the
 * connection then goes on by itself. */
#ifndef TOOLS_SERVE_ANSWER_HTTP_H
#define TOOLS_SERVE_ANSWER_HTTP_H

#include "connection.h"

/* The scratch buffer for a body, emptied. */
out *answer_body(connection *client);
/* More fields for the head of this answer, each "Name: value\r\n". */
out *answer_fields(connection *client);

/* Sends what answer_body was filled with. */
void answer_send(connection *client, int status, const char *type);
void answer_json(connection *client, int status);
/* Any bytes. */
void answer_bytes(connection *client, int status, const char *type, const char *data, size_t size);

/* A problem: `code` is a word for programs, the rest a sentence for people. */
void answer_problem(connection *client, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same about one text of a list. */
void answer_problem_at(connection *client, size_t index, int status, const char *code,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Come again in so many seconds. */
void answer_later(connection *client, unsigned seconds, int status, const char *code,
                  const char *reason);
/* A problem of the head itself: it is answered and the connection closed. */
void answer_refusal(connection *client, const http_refusal *refusal);

#endif
