/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON bodies of requests, which are hostile until read: bounded in depth and
 * in values before a parser sees them, no duplicate keys, strict UTF-8. A
 * function that returns false or NULL has answered the request. */
#ifndef TOOLS_SERVE_REQUEST_JSON_H
#define TOOLS_SERVE_REQUEST_JSON_H

#include <jansson.h>

#include "connection.h"

/* Goes on with a request whose JSON has been read; releases nothing of `root`. */
typedef void (*request_then)(connection *client, json_t *root);

/* Reads the body as an object and goes on with it, or answers why not. A long body
 * is read by an inference thread: an event loop has no time for it. */
void request_json(connection *client, request_then then);
/* The same for the first `size` bytes of the body, where something else follows. */
void request_json_part(connection *client, size_t size, request_then then);
/* Whether the body says that it is JSON; one that says nothing is taken for it. */
bool request_is_json(connection *client);

/* A value as a whole number in [low, high]; `otherwise` where it is none. 5.0 is the
 * number 5, as JSON Schema has it. */
int64_t request_whole(const json_t *value, int64_t low, int64_t high, int64_t otherwise);
/* The member `max_length`: 1 to 65,536; absent or null: 0. */
bool request_max_length(connection *client, const json_t *root, uint32_t *max_length);
/* A member that is true or false; absent or null: `value` stays. */
bool request_flag(connection *client, const json_t *root, const char *name, bool *value);
/* A member that is a string; absent or null: NULL. */
bool request_string(connection *client, const json_t *root, const char *name, const char **value,
                    size_t *size);

#endif
