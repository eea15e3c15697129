/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table of fixed size in parts, each with a lock, chains and a list from the
 * client seen last to the one away longest. All by index: the memory is one array
 * that never moves. */
#include "bucket.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "hash.h"

enum {
    PARTS = 16,
    NAME = 64, /* a longer one is known by its SHA-256, which has as many digits */
    DEFAULT_CLIENTS = 65536,
    MOST_CLIENTS = 1 << 24
};
#define NONE UINT32_MAX
/* Longer than a day, a client should not come back on its own. */
#define LONGEST_WAIT 86400.0

typedef struct client {
    char name[NAME];
    uint8_t size;
    uint32_t chain;        /* next of the same hash */
    uint32_t newer, older; /* neighbours in the list */
    double texts;          /* in the bucket; below zero: a debt */
    uint64_t filled;       /* when that was right */
} client;

typedef struct part {
    pthread_mutex_t lock;
    client *clients; /* `limit` of them */
    uint32_t *heads; /* `limit` chains */
    uint32_t limit, count;
    uint32_t newest, oldest;
} part;

struct serve_bucket {
    double rate, burst; /* texts a second, texts */
    uint64_t seed;
    size_t parts; /* whose locks exist */
    part part[PARTS];
};

/* --------------------------------------------------------- making, freeing */

static bool make_part(part *made, uint32_t limit)
{
    made->clients = calloc(limit, sizeof *made->clients);
    made->heads = malloc(limit * sizeof *made->heads);
    if (!made->clients || !made->heads || pthread_mutex_init(&made->lock, NULL)) {
        free(made->clients);
        free(made->heads);
        return false;
    }
    for (uint32_t i = 0; i < limit; i++)
        made->heads[i] = NONE;
    made->limit = limit;
    made->newest = made->oldest = NONE;
    return true;
}

static sentiment_status check(const serve_bucket_options *options, sentiment_error *error)
{
    if (!isfinite(options->rate) || options->rate <= 0)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "a rate of %g texts a second, expected more than 0", options->rate);
    if (!isfinite(options->burst) || (options->burst < 1 && options->burst != 0))
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "a burst of %g texts, expected at least 1", options->burst);
    if (options->clients > MOST_CLIENTS)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%zu clients, at most %d",
                          options->clients, MOST_CLIENTS);
    return SENTIMENT_OK;
}

sentiment_status serve_bucket_create(const serve_bucket_options *options, serve_bucket **bucket,
                                     sentiment_error *error)
{
    sentiment_status status = check(options, error);
    if (status)
        return status;
    serve_bucket *made = calloc(1, sizeof *made);
    if (!made)
        return serve_fail_memory(error);
    size_t clients = options->clients ? options->clients : DEFAULT_CLIENTS;
    made->rate = options->rate;
    made->burst = options->burst > 0 ? options->burst : fmax(options->rate, 1);
    made->seed = serve_hash_seed();
    /* A small table is one part, so that its limit is exact. */
    size_t parts = clients < 64 * (size_t)PARTS ? 1 : PARTS;
    while (made->parts < parts && make_part(&made->part[made->parts], (uint32_t)(clients / parts)))
        made->parts++;
    if (made->parts < parts) {
        serve_bucket_free(made);
        return serve_fail_memory(error);
    }
    *bucket = made;
    return SENTIMENT_OK;
}

void serve_bucket_free(serve_bucket *bucket)
{
    if (!bucket)
        return;
    for (size_t i = 0; i < bucket->parts; i++) {
        pthread_mutex_destroy(&bucket->part[i].lock);
        free(bucket->part[i].clients);
        free(bucket->part[i].heads);
    }
    free(bucket);
}

/* --------------------------------------------- a part's table, under its lock */

static void unlist(part *in, uint32_t index)
{
    client *gone = &in->clients[index];
    if (gone->newer == NONE)
        in->newest = gone->older;
    else
        in->clients[gone->newer].older = gone->older;
    if (gone->older == NONE)
        in->oldest = gone->newer;
    else
        in->clients[gone->older].newer = gone->newer;
}

static void list_first(part *in, uint32_t index)
{
    client *first = &in->clients[index];
    first->newer = NONE;
    first->older = in->newest;
    if (in->newest == NONE)
        in->oldest = index;
    else
        in->clients[in->newest].newer = index;
    in->newest = index;
}

static uint32_t *head_of(const serve_bucket *bucket, part *in, const char *name, size_t size)
{
    uint64_t hash = serve_hash_bytes(bucket->seed, name, size);
    return &in->heads[(hash >> 8) % in->limit];
}

static void unchain(const serve_bucket *bucket, part *in, uint32_t index)
{
    const client *gone = &in->clients[index];
    uint32_t *link = head_of(bucket, in, gone->name, gone->size);
    while (*link != index)
        link = &in->clients[*link].chain;
    *link = gone->chain;
}

static client *find(part *in, uint32_t head, const char *name, size_t size)
{
    for (uint32_t index = head; index != NONE; index = in->clients[index].chain) {
        client *at = &in->clients[index];
        if (at->size == size && memcmp(at->name, name, size) == 0)
            return at;
    }
    return NULL;
}

/* A new client with a full bucket, in the place of the one away longest if need be. */
static client *add(const serve_bucket *bucket, part *in, const char *name, size_t size,
                   uint64_t now)
{
    uint32_t index = in->count < in->limit ? in->count++ : in->oldest;
    client *added = &in->clients[index];
    if (index == in->oldest) {
        unchain(bucket, in, index);
        unlist(in, index);
    }
    uint32_t *head = head_of(bucket, in, name, size);
    *added = (client){.size = (uint8_t)size, .chain = *head, .texts = bucket->burst, .filled = now};
    memcpy(added->name, name, size);
    *head = index;
    list_first(in, index);
    return added;
}

/* ----------------------------------------------------------------- taking */

static void fill(const serve_bucket *bucket, client *of, uint64_t now)
{
    if (now <= of->filled)
        return;
    double seconds = (double)(now - of->filled) * 1e-9;
    of->texts = fmin(bucket->burst, of->texts + seconds * bucket->rate);
    of->filled = now;
}

static uint32_t take(const serve_bucket *bucket, client *of, uint32_t texts, uint64_t now)
{
    double needed = fmin((double)texts, bucket->burst);
    fill(bucket, of, now);
    /* The slack is what a sum of rounded parts may lack; no client gains by it. */
    if (of->texts >= needed - 1e-9 * bucket->burst) {
        of->texts -= (double)texts;
        return 0;
    }
    double seconds = ceil((needed - of->texts) / bucket->rate - 1e-9);
    return (uint32_t)fmax(1, fmin(seconds, LONGEST_WAIT));
}

/* A long name is known by its digest. */
static void shorten(const char **name, size_t *size, char digest[NAME + 1])
{
    if (*size <= NAME)
        return;
    serve_hash_sha256(*name, *size, digest);
    *name = digest;
    *size = NAME;
}

uint32_t serve_bucket_take(serve_bucket *bucket, const char *client_name, size_t size,
                           uint32_t texts, uint64_t now)
{
    char digest[NAME + 1];
    if (!bucket)
        return 0;
    shorten(&client_name, &size, digest);
    uint64_t hash = serve_hash_bytes(bucket->seed, client_name, size);
    part *in = &bucket->part[(hash & 0xff) % bucket->parts];
    pthread_mutex_lock(&in->lock);
    uint32_t *head = &in->heads[(hash >> 8) % in->limit];
    client *of = find(in, *head, client_name, size);
    if (!of) {
        of = add(bucket, in, client_name, size, now);
    } else if (of->newer != NONE) {
        uint32_t index = (uint32_t)(of - in->clients);
        unlist(in, index);
        list_first(in, index);
    }
    uint32_t wait = take(bucket, of, texts, now);
    pthread_mutex_unlock(&in->lock);
    return wait;
}

void serve_bucket_give(serve_bucket *bucket, const char *client_name, size_t size, uint32_t texts)
{
    char digest[NAME + 1];
    if (!bucket)
        return;
    shorten(&client_name, &size, digest);
    uint64_t hash = serve_hash_bytes(bucket->seed, client_name, size);
    part *in = &bucket->part[(hash & 0xff) % bucket->parts];
    pthread_mutex_lock(&in->lock);
    client *of = find(in, in->heads[(hash >> 8) % in->limit], client_name, size);
    if (of)
        of->texts = fmin(bucket->burst, of->texts + (double)texts);
    pthread_mutex_unlock(&in->lock);
}

size_t serve_bucket_clients(serve_bucket *bucket)
{
    size_t count = 0;
    for (size_t i = 0; bucket && i < bucket->parts; i++) {
        pthread_mutex_lock(&bucket->part[i].lock);
        count += bucket->part[i].count;
        pthread_mutex_unlock(&bucket->part[i].lock);
    }
    return count;
}
