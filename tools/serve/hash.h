/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes of bytes. One is for tables: fast, and seeded anew in each process so that
 * nobody outside can aim at a chain. One decides who sees which version: it is the
 * same in every process and release. For secrets there is SHA-256. */
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
/* 64 lower-case hexadecimal digits and a NUL. Asks the processor for its instructions
 * once a process: under a hypervisor that alone takes longer than a digest. */
void serve_hash_sha256(const void *data, size_t size, char hex[65]);

#endif
