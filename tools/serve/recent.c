/* SPDX-License-Identifier: Apache-2.0
 *
 * A direct-mapped table in parts with a lock each. The hash of a client and its id
 * stands for them; it begins with bits that nobody knows, so that no client can make
 * an id that hashes as another's. */
#include "recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define PARTS 64u
#define ENTRIES 1024u /* of a part */

typedef struct entry {
    uint64_t key; /* 0: empty */
    recent_answer answer;
} entry;

typedef struct part {
    pthread_mutex_t lock;
    entry entries[ENTRIES];
} part;

struct recent {
    uint64_t seed;
    part parts[PARTS];
};

recent *recent_create(void)
{
    recent *table = calloc(1, sizeof *table);
    if (table)
        table->seed = serve_hash_seed();
    for (size_t i = 0; table && i < PARTS; i++)
        pthread_mutex_init(&table->parts[i].lock, NULL);
    return table;
}

void recent_free(recent *table)
{
    for (size_t i = 0; table && i < PARTS; i++)
        pthread_mutex_destroy(&table->parts[i].lock);
    free(table);
}

static uint64_t key_of(const recent *table, const char *who, const char *id, size_t index)
{
    uint64_t key = serve_hash_bytes(table->seed, who, strlen(who) + 1);
    key = serve_hash_bytes(key, id, strlen(id) + 1);
    key = serve_hash_mix(serve_hash_fnv(key, &index, sizeof index));
    return key ? key : 1;
}

static entry *place_of(recent *table, uint64_t key, part **where)
{
    *where = &table->parts[key % PARTS];
    return &(*where)->entries[key / PARTS % ENTRIES];
}

void recent_put(recent *table, const char *who, const char *id, size_t index, recent_answer answer)
{
    part *where = NULL;
    if (!table)
        return;
    uint64_t key = key_of(table, who, id, index);
    entry *place = place_of(table, key, &where);
    pthread_mutex_lock(&where->lock);
    *place = (entry){key, answer};
    pthread_mutex_unlock(&where->lock);
}

bool recent_take(recent *table, const char *who, const char *id, size_t index,
                 recent_answer *answer)
{
    part *where = NULL;
    if (!table)
        return false;
    uint64_t key = key_of(table, who, id, index);
    entry *place = place_of(table, key, &where);
    pthread_mutex_lock(&where->lock);
    bool found = place->key == key;
    if (found) {
        *answer = place->answer;
        *place = (entry){0};
    }
    pthread_mutex_unlock(&where->lock);
    return found;
}
