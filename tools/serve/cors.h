/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-origin requests of browsers: off unless origins are named. */
#ifndef TOOLS_SERVE_CORS_H
#define TOOLS_SERVE_CORS_H

#include "connection.h"

/* Adds what the request's origin may have to the head of its answer. */
void cors_put_fields(const connection *client, out *head);
/* Answers a preflight; false: it is none, or none that may be. */
bool cors_answer_preflight(connection *client);
/* Whether the request comes from no page, from one of this server, or from one that may
 * call it. False: it has been answered by 403. */
bool cors_check(connection *client);

#endif
