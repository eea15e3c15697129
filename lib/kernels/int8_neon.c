/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for NEON alone. Products have 16 bits; two of them are at most
 * 2 * 127^2 = 32,258 and fit, so that one addition of neighbours in 16 bits and
 * one into 32 are exact. Four rows use 16 of the 32 registers for sums. */
#include "kernels/vector_neon.h"

#define MAX_ROWS 4
#define NAME(function) sn_neon_##function

static inline int32x4_t q_dot(int32x4_t q, int8x16_t x, int8x16_t w)
{
    int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
    int16x8_t high = vmull_high_s8(w, x);
    return vpadalq_s16(q, vpaddq_s16(low, high));
}

#include "kernels/int8_template.h"
