/* SPDX-License-Identifier: Apache-2.0
 *
 * What all connections together may hold: bodies that come in pieces, and answers
 * that clients do not read. Each has the bound --body-memory. */
#ifndef TOOLS_SERVE_BOUNDS_H
#define TOOLS_SERVE_BOUNDS_H

#include "connection.h"

/* Counts more bytes of a body that comes in pieces; false: there is no room for it
 * among those of all connections. */
bool bounds_hold(connection *client, size_t size);
void bounds_let_go(connection *client);

/* Bytes of answers that the socket has not taken yet; and counting them. */
size_t bounds_unsent(const connection *client);
void bounds_set_unsent(connection *client, size_t now);
/* Counts what is left of an answer. Clients that ask and do not read share a bound;
 * whoever goes beyond it is to be cut off. */
void bounds_check_unsent(connection *client);

#endif
