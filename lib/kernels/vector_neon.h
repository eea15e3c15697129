/* SPDX-License-Identifier: Apache-2.0
 *
 * A strip for NEON: a quarter of a block. vminq and vmaxq pass a NaN on, where
 * the templates want the second operand; so comparisons choose here. */
#ifndef SN_KERNELS_VECTOR_NEON_H
#define SN_KERNELS_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define V float32x4_t
#define WIDTH 4
#define v_load(p) vld1q_f32(p)
#define v_store(p, v) vst1q_f32(p, v)
#define v_set(f) vdupq_n_f32(f)
#define v_add(a, b) vaddq_f32(a, b)
#define v_sub(a, b) vsubq_f32(a, b)
#define v_mul(a, b) vmulq_f32(a, b)
#define v_div(a, b) vdivq_f32(a, b)
#define v_fma(a, b, c) vfmaq_f32(c, a, b)
#define v_min(a, b) vbslq_f32(vcltq_f32(a, b), a, b)
#define v_max(a, b) vbslq_f32(vcgtq_f32(a, b), a, b)
#define v_round(a) vrndnq_f32(a)
#define v_scale(a, n)                                                                              \
  vmulq_f32(a, vreinterpretq_f32_s32(                                                              \
                   vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23)))

/* One row takes a whole block: what lies in a cache line is used at once, and 16
 * sums are enough for four units of four cycles each. */
#define PAIR 4

/* Sums from signed factors: inputs lose their bias, and sums begin at zero. */
#define Q int32x4_t
#define W int8x16_t
#define X int8x16_t
#define q_start(p) ((void)(p), vdupq_n_s32(0))
#define q_weights(p) vld1q_s8(p)
#define q_inputs(bits) vreinterpretq_s8_u32(vdupq_n_u32((bits) ^ 0x80808080u))
#define q_float(q) vcvtq_f32_s32(q)

static inline void q_bytes(uint8_t *p, float32x4_t h)
{
    int32x4_t n = vaddq_s32(vcvtnq_s32_f32(v_mul(h, v_set(127.0f))), vdupq_n_s32(128));
    uint16x4_t half = vreinterpret_u16_s16(vmovn_s32(n));
    uint32x2_t bytes = vreinterpret_u32_u8(vmovn_u16(vcombine_u16(half, half)));
    uint32_t four = vget_lane_u32(bytes, 0);
    memcpy(p, &four, sizeof four);
}

#endif
