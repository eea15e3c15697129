/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that look random and are the same on every machine: splitmix64 (Steele,
 * Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014). */
#ifndef TOOLS_RANDOM_H
#define TOOLS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Below `count`, at most 2^32: the high 32 bits, scaled, uniform to within count / 2^32. */
static inline uint64_t random_below(uint64_t *state, uint64_t count)
{
    return (random_next(state) >> 32) * count >> 32;
}

#endif
