/* SPDX-License-Identifier: Apache-2.0
 *
 * Small seeded numbers for tests: the same on every machine. */
#ifndef SUPPORT_RANDOM_H
#define SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [-scale, scale). */
static inline float random_float(uint64_t *state, float scale)
{
    return ((float)(random_next(state) >> 40) * 0x1p-23f - 1.0f) * scale;
}

static inline void random_fill(uint64_t *state, float *out, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++)
        out[i] = random_float(state, scale);
}

#endif
