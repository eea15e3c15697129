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

#define X input_group
#define q_start(p) ((void)(p), _mm256_setzero_si256())

#include "kernels/int8_template.h"
