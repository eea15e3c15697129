/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures of the process itself under the names that Prometheus' clients
 * give them (process_*), from /proc and getrusage. What the system does not tell
 * is left out. */
#ifndef TOOLS_SERVE_METRICS_PROCESS_H
#define TOOLS_SERVE_METRICS_PROCESS_H

#include <time.h>

#include "out.h"

/* Appends the families. `start` is when the process began to serve. */
void metrics_process_write(out *to, time_t start);

#endif
