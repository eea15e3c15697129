/* SPDX-License-Identifier: Apache-2.0
 *
 * See softmax.h. */
#include "nn/softmax.h"

#include <stdint.h>
#include <string.h>

/* e^x for x <= 0: x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor series
 * of e^r, whose first dropped term is below 2^-56 of the sum. */
static double exp_negative(double x)
{
    if (x < -700.0)
        return 0.0;
    int64_t n = (int64_t)(x * 1.4426950408889634 - 0.5);
    double r = x - (double)n * 0x1.62e42fefap-1 - (double)n * 0x1.cf79abc9e3b39p-40;
    double sum = 1.0;
    for (int term = 14; term > 0; term--)
        sum = 1.0 + sum * r / term;
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

size_t sn_argmax(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* e^((logit - largest) / temperature) */
static double weight(float logit, float largest, float temperature)
{
    return exp_negative(((double)logit - (double)largest) / (double)temperature);
}

/* The largest logit; *sum gets the sum of all weights. */
static float normalize(const float *logits, size_t count, float temperature, double *sum)
{
    float largest = logits[sn_argmax(logits, count)];
    *sum = 0.0;
    for (size_t i = 0; i < count; i++)
        *sum += weight(logits[i], largest, temperature);
    return largest;
}

void sn_softmax(const float *logits, size_t count, float temperature, float *probabilities)
{
    double sum;
    float largest = normalize(logits, count, temperature, &sum);
    for (size_t i = 0; i < count; i++)
        probabilities[i] = (float)(weight(logits[i], largest, temperature) / sum);
}

float sn_probability(const float *logits, size_t count, float temperature, size_t index)
{
    double sum;
    float largest = normalize(logits, count, temperature, &sum);
    return (float)(weight(logits[index], largest, temperature) / sum);
}
