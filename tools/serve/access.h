/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may come in: API keys, where the server has some. */
#ifndef TOOLS_SERVE_ACCESS_H
#define TOOLS_SERVE_ACCESS_H

#include "connection.h"
#include "server.h"

/* Whether the request has a key, or needs none; notes the key's name. False: it
 * has been answered by 401. */
bool access_check(connection *client);
/* The same for the admin port and its token. */
bool access_check_admin(connection *client);
/* Reads the token of the admin port: the first line of a file that only its owner may
 * write to, 16 to 512 bytes. */
sentiment_status access_read_token(const char *path, char token[SERVE_KEYS_KEY_LIMIT + 1],
                                   sentiment_error *error);
/* Reads it again, the server having one; what fails leaves the token as it is. */
sentiment_status access_reload_token(server *own, sentiment_error *error);
/* Reads the file of keys again; what fails leaves the keys as they are. */
sentiment_status access_reload(server *own, sentiment_error *error);

#endif
