/* SPDX-License-Identifier: Apache-2.0
 *
 * The server as a whole: what its loops share. */
#ifndef TOOLS_SERVE_SERVER_H
#define TOOLS_SERVE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "batcher.h"
#include "bucket.h"
#include "cache.h"
#include "config.h"
#include "keys.h"
#include "log.h"
#include "metrics.h"
#include "registry.h"

struct loop;

typedef enum server_state {
    SERVER_LOADING,
    SERVER_READY,
    SERVER_DRAINING /* not ready any more; still answers */
} server_state;

typedef struct server {
    const config *settings;
    atomic_int state; /* server_state */
    size_t workers;
    size_t main_loops;                 /* those of the main port */
    char model_path[SETUP_PATH_BYTES]; /* where there is no folder of models */
    unsigned reads;                    /* versions that were read from there */
    atomic_size_t models;              /* those with a stable version */
    /* The one for requests that name none: set before the state is ready, then fixed. */
    char default_model[SERVE_REGISTRY_NAME_LIMIT + 1];
    batcher *batcher;
    serve_metrics *metrics;
    serve_log *log;
    serve_registry *registry;
    sentiment_cancel *cancel; /* requested: what is being loaded is not wanted any more */
    serve_cache *cache;       /* NULL: none */
    serve_bucket *bucket;     /* NULL: no limit */
    struct tls *tls;          /* NULL: none */
    pthread_rwlock_t keys_lock;
    serve_keys *keys;                           /* under the lock; NULL: nobody needs one */
    _Atomic(struct served *) retired;           /* versions whose last request ended, to be freed */
    struct recent *recent;                      /* answers that feedback may come for */
    pthread_mutex_t models_lock;                /* one change of models at a time */
    char admin_token[SERVE_KEYS_KEY_LIMIT + 1]; /* under keys_lock */
    struct loop **loops;                        /* that of the admin port, if any, is the last */
    size_t loop_count;
    atomic_size_t connections;
    size_t most_connections;   /* as set, or as many as the system allows */
    atomic_size_t body_memory; /* bytes that bodies in pieces hold */
    atomic_size_t unsent;      /* bytes of answers that clients have not read */
} server;

/* Runs until SIGTERM or SIGINT; the exit status. */
int server_run(const config *settings);

#endif
