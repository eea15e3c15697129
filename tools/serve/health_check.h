/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment serve --health-check: the question of a container's HEALTHCHECK, put by
 * the program that is in the image anyway. */
#ifndef TOOLS_SERVE_HEALTH_CHECK_H
#define TOOLS_SERVE_HEALTH_CHECK_H

#include "config.h"

/* Asks the server that these settings start, on this machine, for GET /health and
 * prints its answer. EXIT_DONE: it is healthy. */
int health_check_run(const config *settings, emit *to);

#endif
