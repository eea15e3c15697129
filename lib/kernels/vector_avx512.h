/* SPDX-License-Identifier: Apache-2.0
 *
 * A strip for AVX-512: a whole block. */
#ifndef SN_KERNELS_VECTOR_AVX512_H
#define SN_KERNELS_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define V __m512
#define WIDTH 16
#define v_load(p) _mm512_loadu_ps(p)
#define v_store(p, v) _mm512_storeu_ps(p, v)
#define v_set(f) _mm512_set1_ps(f)
#define v_add(a, b) _mm512_add_ps(a, b)
#define v_sub(a, b) _mm512_sub_ps(a, b)
#define v_mul(a, b) _mm512_mul_ps(a, b)
#define v_div(a, b) _mm512_div_ps(a, b)
#define v_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define v_min(a, b) _mm512_min_ps(a, b)
#define v_max(a, b) _mm512_max_ps(a, b)
#define v_round(a) _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define v_scale(a, n) _mm512_scalef_ps(a, n)

/* Sums to floats, and the biased bytes of h. */
#define Q __m512i
#define W __m512i
#define q_weights(p) _mm512_loadu_si512(p)
#define q_float(q) _mm512_cvtepi32_ps(q)
#define q_bytes(p, h)                                                                              \
  _mm_storeu_si128((__m128i *)(void *)(p),                                                         \
                   _mm512_cvtepi32_epi8(_mm512_add_epi32(                                          \
                       _mm512_cvtps_epi32(v_mul(h, v_set(127.0f))), _mm512_set1_epi32(128))))

#endif
