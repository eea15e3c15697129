/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS for the server's port: certificate and key from files, read again on
 * SIGHUP. Connections keep what they began with. */
#ifndef TOOLS_SERVE_TLS_H
#define TOOLS_SERVE_TLS_H

#include <event2/bufferevent.h>
#include <sentiment/sentiment.h>

typedef struct tls tls;

/* Reads both files; IO, INVALID_ARGUMENT or OUT_OF_MEMORY. */
sentiment_status tls_create(const char *certificate, const char *key, tls **out,
                            sentiment_error *error);
/* NULL is fine. */
void tls_free(tls *own);
/* Reads the files again; what fails leaves what is there. */
sentiment_status tls_reload(tls *own, sentiment_error *error);

/* Takes over an accepted socket; NULL: no memory, and the socket is closed. */
struct bufferevent *tls_accept(tls *own, struct event_base *base, int fd);
/* Tells the peer that no more will come. */
void tls_end(struct bufferevent *events);

#endif
