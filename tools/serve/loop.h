/* SPDX-License-Identifier: Apache-2.0
 *
 * An event loop: a thread that owns connections, from their first byte to their
 * last. Nothing but its own thread touches them; finished jobs come to it
 * through a list and an eventfd. */
#ifndef TOOLS_SERVE_LOOP_H
#define TOOLS_SERVE_LOOP_H

#include <event2/event.h>
#include <event2/listener.h>
#include <pthread.h>
#include <stdatomic.h>

#include "connection.h"
#include "job.h"
#include "metrics.h"
#include "out.h"
#include "server.h"

/* Ids that are made at a time. */
#define LOOP_IDS 32

typedef enum loop_stage {
    LOOP_SERVING,
    LOOP_DRAINING, /* accepts no more, answers with Connection: close */
    LOOP_ENDING    /* closes what is left */
} loop_stage;

typedef struct loop {
    server *server;
    pthread_t thread;
    bool running;
    bool admin;      /* routes of the admin port */
    uint32_t number; /* among the helpers of the batcher */
    uint64_t owed;   /* to it */
    struct event *help;
    struct event_base *base;
    struct evconnlistener *listener; /* on the shared socket */
    int wake_fd;
    struct event *wake;
    size_t accepted;      /* connections so far */
    struct event *retry;  /* accepts again after accepting failed or has paused */
    struct event *reaper; /* while draining: looks for the end */
    atomic_int asked;     /* loop_stage that other threads want */
    loop_stage stage;
    atomic_bool ended; /* its thread has nothing left to do */
    pthread_mutex_t lock;
    job *finished; /* under the lock, newest first */
    connection *connections;
    size_t connection_count;
    job *spare;
    size_t spare_count;
    serve_metrics_shard *shard;
    /* Sums over the texts answered; only the loop writes them. */
    atomic_uint_fast64_t texts, confidence /* millionths */, nanoseconds;
    out body, head, extra; /* scratch of the answer being written */
    char date[32];
    int64_t date_second;
    uint64_t ids[LOOP_IDS]; /* of requests to come, the last first */
    size_t id_count;
} loop;

/* `fd` is the listening socket, shared with other loops; `number` counts these from 0.
 * NULL: no memory. */
loop *loop_create(server *owner, int fd, uint32_t number, bool admin);
bool loop_start(loop *own);
/* From any thread: towards another stage. */
void loop_ask(loop *own, loop_stage stage);
/* From any thread: a job is done. */
void loop_finish(job *work);
/* Waits for the thread; workers may still finish jobs for it. */
void loop_join(loop *own);
/* The same, then frees everything. NULL is fine. */
void loop_free(loop *own);

/* For the loop's own thread. Gives a job to the batcher; false: too many texts wait. */
bool loop_submit(loop *own, job *work);
/* A job to be filled; NULL: no memory. */
job *loop_job(loop *own);
void loop_recycle(loop *own, job *work);
/* The value of the Date field. */
const char *loop_date(loop *own);
/* Sixteen hexadecimal digits that no other request has, and nobody can foretell. */
void loop_make_id(loop *own, char id[17]);
/* The last connection may be gone: where the loop is draining, look. */
void loop_check_end(loop *own);

#endif
