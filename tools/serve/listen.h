/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket that the server listens on. */
#ifndef TOOLS_SERVE_LISTEN_H
#define TOOLS_SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a listening socket; -1 with a message on stderr. */
int listen_open(const char *host, uint32_t port);
/* The listening socket that the service manager opened for us (sd_listen_fds(3)); -1:
 * there is none. */
int listen_inherited(void);
/* Refuses further connections at once, not when the process ends. A socket of the manager
 * keeps them, for the process that is started next. */
void listen_end(int fd);
/* "127.0.0.1:8000" or "[::1]:8000": where a socket listens. */
void listen_name(int fd, char *name, size_t size);

#endif
