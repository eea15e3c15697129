/* SPDX-License-Identifier: Apache-2.0
 *
 * The documented random generator (docs/file-format.md): the same seed gives
 * the same bits on every machine, since nothing here but IEEE 754 +, -, *, /
 * and square root touches a number. Not for secrets. */
#ifndef SN_MODEL_RANDOM_H
#define SN_MODEL_RANDOM_H

#include <stdint.h>

typedef struct sn_random {
    uint64_t state[4];
    double spare; /* second normal deviate of a pair */
    _Bool has_spare;
} sn_random;

void sn_random_seed(sn_random *random, uint64_t seed);
/* xoshiro256**: the next 64 bits. */
uint64_t sn_random_next(sn_random *random);
/* Uniform in [-bound, bound), from the 24 high bits. */
float sn_random_uniform(sn_random *random, double bound);
/* Standard normal, Marsaglia's polar method. */
float sn_random_normal(sn_random *random);

#endif
