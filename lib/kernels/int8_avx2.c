/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for AVX2. vpmaddubsw wants one unsigned factor and adds two
 * products in 16 bits, saturating; so the sign of an input goes over to the
 * weights, and |x| <= 127, |w| <= 127 keep the two products within 2 * 127^2 =
 * 32,258: exact. Three rows use 12 of the 16 registers for sums. */
#include "kernels/vector_avx2.h"

#define MAX_ROWS 3
#define NAME(function) sn_avx2_##function

typedef struct input_group {
    __m256i value, magnitude;
} input_group;

static inline input_group q_inputs(uint32_t bits)
{
    __m256i value = _mm256_set1_epi32((int)(bits ^ 0x80808080u));
    return (input_group){value, _mm256_abs_epi8(value)};
}

static inline __m256i q_dot(__m256i q, input_group x, __m256i w)
{
    __m256i pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.value));
    return _mm256_add_epi32(q, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline void q_bytes(uint8_t *p, __m256 h)
{
    __m256i n = _mm256_cvtps_epi32(v_mul(h, v_set(127.0f)));
    n = _mm256_add_epi32(n, _mm256_set1_epi32(128));
    __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(half, half));
}

#define Q __m256i
#define W __m256i
#define X input_group
#define q_start(p) ((void)(p), _mm256_setzero_si256())
#define q_weights(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define q_float(q) _mm256_cvtepi32_ps(q)

#include "kernels/int8_template.h"
