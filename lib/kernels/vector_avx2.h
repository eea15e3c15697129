/* SPDX-License-Identifier: Apache-2.0
 *
 * A strip of floats for AVX2 with FMA: half a block. */
#ifndef SN_KERNELS_VECTOR_AVX2_H
#define SN_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define V __m256
#define WIDTH 8
#define v_load(p) _mm256_loadu_ps(p)
#define v_store(p, v) _mm256_storeu_ps(p, v)
#define v_set(f) _mm256_set1_ps(f)
#define v_add(a, b) _mm256_add_ps(a, b)
#define v_sub(a, b) _mm256_sub_ps(a, b)
#define v_mul(a, b) _mm256_mul_ps(a, b)
#define v_div(a, b) _mm256_div_ps(a, b)
#define v_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define v_min(a, b) _mm256_min_ps(a, b)
#define v_max(a, b) _mm256_max_ps(a, b)
#define v_round(a) _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
#define v_scale(a, n)                                                                              \
  _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(                                          \
                       _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23)))

/* Sums to floats, and the biased bytes of h. */
#define Q __m256i
#define W __m256i
#define q_weights(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define q_float(q) _mm256_cvtepi32_ps(q)

static inline void q_bytes(uint8_t *p, __m256 h)
{
    __m256i n = _mm256_cvtps_epi32(v_mul(h, v_set(127.0f)));
    n = _mm256_add_epi32(n, _mm256_set1_epi32(128));
    __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(half, half));
}

#endif
