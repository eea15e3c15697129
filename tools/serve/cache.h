/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers to texts that come again: least recently used ones go first, in shards
 * with a lock each. A key is a version of a model, max_length and the token ids
 * themselves, which are compared: two texts share an answer only where the model
 * cannot tell them apart. It keeps no texts and does not know the tokenizer. */
#ifndef TOOLS_SERVE_CACHE_H
#define TOOLS_SERVE_CACHE_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct serve_cache serve_cache;

typedef struct serve_cache_key {
    uint64_t version;    /* serve_version.number: never used twice in a process */
    uint32_t max_length; /* as asked for, 0: the model's */
    const int32_t *ids;  /* of the whole text, before truncation */
    size_t count;
} serve_cache_key;

typedef struct serve_cache_counts {
    uint64_t hits, misses, entries, bytes, evictions;
} serve_cache_counts;

/* `bytes` bounds everything that the cache holds, tables included; at least 64 KiB. */
sentiment_status serve_cache_create(size_t bytes, serve_cache **cache, sentiment_error *error);
/* No other thread may use it any more. NULL is fine. */
void serve_cache_free(serve_cache *cache);

/* The rest may be called from any thread; NULL for `cache` is one that is empty
 * and stays so. */

/* True: `result` and `classes` probabilities were copied out; they are as they were
 * put in. An entry with another number of classes is no hit. Each call counts as a
 * hit or a miss. */
bool serve_cache_get(serve_cache *cache, const serve_cache_key *key, sentiment_result *result,
                     float *probabilities, size_t classes);
/* Keeps an answer with status SENTIMENT_OK; copied. What is larger than a share of the
 * cache, or finds no memory, is silently not kept. An entry of the same key stays. */
void serve_cache_put(serve_cache *cache, const serve_cache_key *key, const sentiment_result *result,
                     const float *probabilities, size_t classes);
/* Forgets the answers of a version that went. Holds no lock for longer than some
 * hundred entries take. */
void serve_cache_forget(serve_cache *cache, uint64_t version);
void serve_cache_count(serve_cache *cache, serve_cache_counts *counts);

#endif
