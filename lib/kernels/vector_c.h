/* SPDX-License-Identifier: Apache-2.0
 *
 * A block of floats in plain C: the operations that the templates ask for. fmaf
 * rounds once by C's own definition: one instruction where the processor has
 * it, exact but slow software where it does not. */
#ifndef SN_KERNELS_VECTOR_C_H
#define SN_KERNELS_VECTOR_C_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

typedef struct block {
    float lane[SN_BLOCK];
} block;

#define EACH(expression)                                                                           \
  block out;                                                                                       \
  for (int j = 0; j < SN_BLOCK; j++)                                                               \
    out.lane[j] = (expression);                                                                    \
  return out

static inline block v_load(const float *p)
{
    block out;
    memcpy(&out, p, sizeof out);
    return out;
}

static inline void v_store(float *p, block a)
{
    memcpy(p, &a, sizeof a);
}

static inline block v_set(float f)
{
    EACH(f);
}

static inline block v_add(block a, block b)
{
    EACH(a.lane[j] + b.lane[j]);
}

static inline block v_sub(block a, block b)
{
    EACH(a.lane[j] - b.lane[j]);
}

static inline block v_mul(block a, block b)
{
    EACH(a.lane[j] * b.lane[j]);
}

static inline block v_div(block a, block b)
{
    EACH(a.lane[j] / b.lane[j]);
}

static inline block v_fma(block a, block b, block c)
{
    EACH(fmaf(a.lane[j], b.lane[j], c.lane[j]));
}

static inline block v_min(block a, block b)
{
    EACH(a.lane[j] < b.lane[j] ? a.lane[j] : b.lane[j]);
}

static inline block v_max(block a, block b)
{
    EACH(a.lane[j] > b.lane[j] ? a.lane[j] : b.lane[j]);
}

static inline block v_round(block a)
{
    EACH(rintf(a.lane[j]));
}

static inline float exp2i(float n)
{
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline block v_scale(block a, block n)
{
    EACH(a.lane[j] * exp2i(n.lane[j]));
}

#define V block
#define WIDTH SN_BLOCK
#define NAME(function) sn_c_##function

#endif
