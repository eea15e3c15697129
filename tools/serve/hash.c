/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of eight bytes, each multiplied in and mixed; see hash.h for what it is
 * not. */
#include "hash.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/sha256.h"

uint64_t serve_hash_bytes(uint64_t seed, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t hash = seed ^ (size * 0x9e3779b97f4a7c15u), word = 0;
    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * 0x9fb21c651e98df25u;
        hash ^= hash >> 32;
    }
    word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return serve_hash_mix(hash ^ word);
}

uint64_t serve_hash_seed(void)
{
    uint64_t seed = 0;
    struct timespec now = {0};
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed)
        return seed;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return serve_hash_mix((uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&seed);
}

uint64_t serve_hash_fnv(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static sn_sha256 fresh;

static void start(void)
{
    sn_sha256_start(&fresh);
}

void serve_hash_sha256(const void *data, size_t size, char hex[65])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    sn_sha256 hash = fresh;
    sn_sha256_add(&hash, data, size);
    sn_sha256_finish(&hash, hex);
    explicit_bzero(&hash, sizeof hash);
}
