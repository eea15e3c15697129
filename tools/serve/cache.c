/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries are made before a lock is taken and freed after it is let go; under it
 * there are a hash chain, a list by last use, and the bytes of a shard. */
#include "cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "hash.h"

enum {
    SHARDS = 16,
    LEAST_BYTES = 1 << 16,
    /* What an entry of a short text takes, for the size of the tables. */
    USUAL_ENTRY = 256,
    /* What malloc adds to a block. */
    BLOCK = 16,
    /* An entry may take this part of its shard. */
    LARGEST_PART = 4,
    /* Chains that are swept under one lock. */
    SWEEP = 128
};

typedef struct entry {
    struct entry *chain;
    struct entry *newer, *older;
    uint64_t hash, version;
    sentiment_result result;
    uint32_t max_length, classes;
    size_t count;
    float values[]; /* `classes` probabilities, then `count` ids */
} entry;

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    entry **heads;
    entry *newest, *oldest;
    size_t limit; /* bytes for entries */
    serve_cache_counts counts;
} shard;

struct serve_cache {
    uint64_t seed;
    size_t chains; /* of a shard: a power of two */
    size_t fixed;  /* bytes of the tables, of all shards */
    size_t ready;  /* shards whose lock exists */
    shard shards[SHARDS];
};

static size_t entry_size(size_t ids, size_t classes)
{
    return sizeof(entry) + classes * sizeof(float) + ids * sizeof(int32_t);
}

static size_t size_of(const entry *of)
{
    return entry_size(of->count, of->classes) + BLOCK;
}

static void *ids_of(entry *of)
{
    return of->values + of->classes;
}

/* --------------------------------------------------------- making, freeing */

sentiment_status serve_cache_create(size_t bytes, serve_cache **cache, sentiment_error *error)
{
    if (bytes < LEAST_BYTES || bytes > SIZE_MAX / 2)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "a cache of %zu bytes, expected at least %d", bytes, LEAST_BYTES);
    size_t chains = 16;
    while (chains * 2 * USUAL_ENTRY <= bytes / SHARDS)
        chains *= 2;
    serve_cache *made = aligned_alloc(64, (sizeof *made + 63) / 64 * 64);
    if (!made)
        return serve_fail_memory(error);
    memset(made, 0, sizeof *made);
    made->seed = serve_hash_seed();
    made->chains = chains;
    made->fixed = sizeof *made + SHARDS * (chains * sizeof(entry *) + BLOCK);
    for (; made->ready < SHARDS; made->ready++) {
        shard *next = &made->shards[made->ready];
        next->limit = (bytes - made->fixed) / SHARDS;
        next->heads = calloc(chains, sizeof *next->heads);
        if (!next->heads || pthread_mutex_init(&next->lock, NULL)) {
            free(next->heads);
            serve_cache_free(made);
            return serve_fail_memory(error);
        }
    }
    *cache = made;
    return SENTIMENT_OK;
}

void serve_cache_free(serve_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->ready; i++) {
        shard *of = &cache->shards[i];
        for (entry *at = of->newest, *older; at; at = older) {
            older = at->older;
            free(at);
        }
        free(of->heads);
        pthread_mutex_destroy(&of->lock);
    }
    free(cache);
}

/* ------------------------------------------------- a shard, under its lock */

static void unlist(shard *of, entry *gone)
{
    *(gone->newer ? &gone->newer->older : &of->newest) = gone->older;
    *(gone->older ? &gone->older->newer : &of->oldest) = gone->newer;
}

static void list_first(shard *of, entry *first)
{
    first->newer = NULL;
    first->older = of->newest;
    *(of->newest ? &of->newest->newer : &of->oldest) = first;
    of->newest = first;
}

static entry **head_of(const serve_cache *cache, shard *of, uint64_t hash)
{
    return &of->heads[(hash >> 4) & (cache->chains - 1)];
}

/* Takes an entry out and puts it onto a list, linked by `chain`, to be freed. */
static void drop(const serve_cache *cache, shard *of, entry *gone, entry **dropped)
{
    entry **link = head_of(cache, of, gone->hash);
    while (*link != gone)
        link = &(*link)->chain;
    *link = gone->chain;
    unlist(of, gone);
    of->counts.entries--;
    of->counts.bytes -= size_of(gone);
    gone->chain = *dropped;
    *dropped = gone;
}

static void free_dropped(entry *dropped)
{
    for (entry *next; dropped; dropped = next) {
        next = dropped->chain;
        free(dropped);
    }
}

static bool is_key(entry *of, uint64_t hash, const serve_cache_key *key)
{
    return of->hash == hash && of->version == key->version && of->max_length == key->max_length &&
           of->count == key->count &&
           (key->count == 0 || memcmp(ids_of(of), key->ids, key->count * sizeof *key->ids) == 0);
}

static entry *find(const serve_cache *cache, shard *of, uint64_t hash, const serve_cache_key *key)
{
    entry *at = *head_of(cache, of, hash);
    while (at && !is_key(at, hash, key))
        at = at->chain;
    return at;
}

/* ------------------------------------------------------------ get and put */

static uint64_t hash_of(const serve_cache *cache, const serve_cache_key *key)
{
    uint64_t start = serve_hash_mix(cache->seed ^ key->version) ^ key->max_length;
    return serve_hash_bytes(start, key->ids, key->count * sizeof *key->ids);
}

bool serve_cache_get(serve_cache *cache, const serve_cache_key *key, sentiment_result *result,
                     float *probabilities, size_t classes)
{
    if (!cache)
        return false;
    uint64_t hash = hash_of(cache, key);
    shard *of = &cache->shards[hash % SHARDS];
    pthread_mutex_lock(&of->lock);
    entry *found = find(cache, of, hash, key);
    if (found && found->classes != classes)
        found = NULL;
    if (found) {
        *result = found->result;
        memcpy(probabilities, found->values, classes * sizeof *probabilities);
        if (found->newer) {
            unlist(of, found);
            list_first(of, found);
        }
    }
    *(found ? &of->counts.hits : &of->counts.misses) += 1;
    pthread_mutex_unlock(&of->lock);
    return found != NULL;
}

static entry *make_entry(uint64_t hash, const serve_cache_key *key, const sentiment_result *result,
                         const float *probabilities, size_t classes)
{
    entry *made = malloc(entry_size(key->count, classes));
    if (!made)
        return NULL;
    *made = (entry){.hash = hash,
                    .version = key->version,
                    .result = *result,
                    .max_length = key->max_length,
                    .classes = (uint32_t)classes,
                    .count = key->count};
    memcpy(made->values, probabilities, classes * sizeof *probabilities);
    if (key->count)
        memcpy(ids_of(made), key->ids, key->count * sizeof *key->ids);
    return made;
}

/* Whether a shard may hold an entry of this size, its parts being so large that
 * they cannot overflow. */
static bool fits(const shard *of, size_t ids, size_t classes)
{
    size_t most = of->limit / LARGEST_PART;
    return ids <= most && classes <= most && entry_size(ids, classes) + BLOCK <= most;
}

void serve_cache_put(serve_cache *cache, const serve_cache_key *key, const sentiment_result *result,
                     const float *probabilities, size_t classes)
{
    if (!cache || result->status != SENTIMENT_OK)
        return;
    uint64_t hash = hash_of(cache, key);
    shard *of = &cache->shards[hash % SHARDS];
    entry *dropped = NULL;
    if (!fits(of, key->count, classes))
        return;
    entry *made = make_entry(hash, key, result, probabilities, classes);
    if (!made)
        return;
    pthread_mutex_lock(&of->lock);
    if (find(cache, of, hash, key)) {
        made->chain = NULL;
        dropped = made;
    } else {
        while (of->oldest && of->counts.bytes + size_of(made) > of->limit) {
            drop(cache, of, of->oldest, &dropped);
            of->counts.evictions++;
        }
        entry **head = head_of(cache, of, hash);
        made->chain = *head;
        *head = made;
        list_first(of, made);
        of->counts.entries++;
        of->counts.bytes += size_of(made);
    }
    pthread_mutex_unlock(&of->lock);
    free_dropped(dropped);
}

/* ------------------------------------------------------- forget and count */

static void sweep(serve_cache *cache, shard *of, size_t first, uint64_t version)
{
    entry *dropped = NULL;
    pthread_mutex_lock(&of->lock);
    for (size_t i = first; i < first + SWEEP && i < cache->chains; i++) {
        for (entry *at = of->heads[i], *next; at; at = next) {
            next = at->chain;
            if (at->version == version)
                drop(cache, of, at, &dropped);
        }
    }
    pthread_mutex_unlock(&of->lock);
    free_dropped(dropped);
}

void serve_cache_forget(serve_cache *cache, uint64_t version)
{
    for (size_t i = 0; cache && i < SHARDS; i++)
        for (size_t first = 0; first < cache->chains; first += SWEEP)
            sweep(cache, &cache->shards[i], first, version);
}

void serve_cache_count(serve_cache *cache, serve_cache_counts *counts)
{
    *counts = (serve_cache_counts){.bytes = cache ? cache->fixed : 0};
    for (size_t i = 0; cache && i < SHARDS; i++) {
        shard *of = &cache->shards[i];
        pthread_mutex_lock(&of->lock);
        counts->hits += of->counts.hits;
        counts->misses += of->counts.misses;
        counts->entries += of->counts.entries;
        counts->bytes += of->counts.bytes;
        counts->evictions += of->counts.evictions;
        pthread_mutex_unlock(&of->lock);
    }
}
