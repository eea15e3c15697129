/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection of a client: reads requests one after the other, has them
 * handled, writes answers. HTTP/1.1 and 1.0, strictly (http_parse.h); the
 * sockets and buffers are libevent's. */
#ifndef TOOLS_SERVE_CONNECTION_H
#define TOOLS_SERVE_CONNECTION_H

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdint.h>

#include "http_parse.h"
#include "job.h"
#include "keys.h"
#include "out.h"
#include "peer.h"
#include "trace.h"

struct loop;
struct route;
struct sockaddr;

typedef enum connection_state {
    CONNECTION_HEAD,    /* a request's head, or nothing yet */
    CONNECTION_BODY,    /* its body */
    CONNECTION_WAITING, /* for the batcher */
    CONNECTION_CLOSING, /* the last answer is being written */
    CONNECTION_LINGER   /* it is written: what still comes is dropped, for a while, so that
                           the client can read it (RFC 9112 9.6) */
} connection_state;

#define REQUEST_ID_LIMIT 128
/* Parts of a path that a route leaves open: model and version. */
#define REQUEST_PARAMETERS 2

typedef struct connection {
    struct loop *loop;
    struct connection *next, *previous;
    struct bufferevent *events;
    struct event *timer;
    connection_state state;
    bool secure; /* TLS */
    bool paused; /* no reading until the client has read answers */
    bool doomed; /* it leaves too much unread: to be cut off */
    bool begun;  /* a byte of a request has come */

    /* The request at hand. */
    size_t scanned; /* bytes of its head that were looked at */
    char *raw;      /* its head; the slices of `head` point into it */
    size_t raw_capacity;
    http_head head;
    http_chunks chunks;
    out body_bytes; /* what has come of a body in pieces */
    size_t held;    /* bytes of it that the server counts */
    size_t unsent;  /* bytes of answers that it counts */
    http_slice body;
    bool keep_alive;
    bool head_only;
    const struct route *chosen; /* where it goes, decided by its head */
    size_t route;               /* number of metrics */
    uint64_t received;          /* nanoseconds: its last byte was read */
    job *job;                   /* while WAITING */
    http_slice parameters[REQUEST_PARAMETERS];
    char id[REQUEST_ID_LIMIT + 1];
    trace_context trace;
    char key_name[SERVE_KEYS_NAME_LIMIT + 1]; /* of its API key; empty: none */

    char peer[PEER_SIZE]; /* who it is without a key */
} connection;

/* Takes over a socket that was accepted. */
void connection_open(struct loop *loop, int fd, const struct sockaddr *address);
void connection_free(connection *client);
/* The request's answer is on its way: goes on to the next request, or closes. */
void connection_answered(connection *client);
/* The job of a request is done. */
void connection_finish(connection *client);
/* Hands the job to the batcher; false: its queue is full, and the job still the caller's. */
bool connection_submit(connection *client, job *work);
/* The job of a request has come back: gives it, and the connection has none any more. */
job *connection_take(connection *client);
/* Draining: an idle connection may go. */
void connection_drain(connection *client);

#endif
