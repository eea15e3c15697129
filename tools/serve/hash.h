/* SPDX-License-Identifier: Apache-2.0
 *
 * Two hashes of bytes. One is for tables: fast, and seeded anew in each process so
 * that nobody outside can aim at a chain. The other decides who sees which version:
 * it is the same in every process and release. Neither is for secrets. */
#ifndef TOOLS_SERVE_HASH_H
#define TOOLS_SERVE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finish of SplitMix64: every bit of the input moves every bit. */
static inline uint64_t serve_hash_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* For tables. */
uint64_t serve_hash_bytes(uint64_t seed, const void *data, size_t size);
/* Bits that others do not know. */
uint64_t serve_hash_seed(void);
/* FNV-1a of 64 bits, to be begun with SERVE_HASH_START and finished by
 * serve_hash_mix. Never changes. */
#define SERVE_HASH_START 0xcbf29ce484222325u
uint64_t serve_hash_fnv(uint64_t hash, const void *data, size_t size);

#endif
