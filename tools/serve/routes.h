/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of routes, and what is decided before one is entered. */
#ifndef TOOLS_SERVE_ROUTES_H
#define TOOLS_SERVE_ROUTES_H

#include "connection.h"

/* Decides by the head where the request goes, and whether it may; false: it has been
 * answered, without a look at its body. */
bool routes_begin(connection *client);
/* Handles the request of a connection whose body is there. */
void routes_handle(connection *client);

/* Values of the label `route`, for the metrics; a request without a route has the
 * number behind the last. */
extern const char *const routes_names[];
extern const size_t routes_count;

#endif
