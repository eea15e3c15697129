/* SPDX-License-Identifier: Apache-2.0
 *
 * See random.h. No logarithm of the C library: those differ in the last bit
 * from one to the next. */
#include "model/random.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014), which turns any seed into a good state. */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void sn_random_seed(sn_random *random, uint64_t seed)
{
    *random = (sn_random){0};
    for (size_t i = 0; i < 4; i++)
        random->state[i] = split_mix(&seed);
}

static uint64_t rotate(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

/* xoshiro256** 1.0 (Blackman, Vigna 2018). */
uint64_t sn_random_next(sn_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

float sn_random_uniform(sn_random *random, double bound)
{
    double unit = (double)(sn_random_next(random) >> 40) * 0x1p-24;
    return (float)((2 * unit - 1) * bound);
}

/* ln(x) of a normal x > 0: x = m 2^e with m in [2/3, 4/3), then
 * ln m = 2 artanh((m-1)/(m+1)); |t| <= 1/5, so 12 terms leave less than 1e-17. */
static double natural_logarithm(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
    double m, sum = 0;
    memcpy(&m, &bits, sizeof m);
    if (m >= 4.0 / 3.0) {
        m *= 0.5;
        exponent++;
    }
    double t = (m - 1) / (m + 1), square = t * t;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return exponent * 0.69314718055994530942 + 2 * t * sum;
}

float sn_random_normal(sn_random *random)
{
    double a, b, s;
    if (random->has_spare) {
        random->has_spare = 0;
        return (float)random->spare;
    }
    do {
        a = (double)(sn_random_next(random) >> 11) * 0x1p-52 - 1;
        b = (double)(sn_random_next(random) >> 11) * 0x1p-52 - 1;
        s = a * a + b * b;
    } while (s >= 1 || s < 0x1p-1000);
    double scale = sqrt(-2 * natural_logarithm(s) / s);
    random->spare = b * scale;
    random->has_spare = 1;
    return (float)(a * scale);
}
