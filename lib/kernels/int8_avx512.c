/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for AVX-512 without VNNI: as int8_avx2.c, with a mask where
 * that has vpsignb. Four rows use 16 of the 32 registers for sums. */
#include "kernels/vector_avx512.h"

#define MAX_ROWS 4
#define NAME(function) sn_avx512_##function

typedef struct input_group {
    __m512i magnitude;
    __mmask64 negative;
} input_group;

static inline input_group q_inputs(uint32_t bits)
{
    __m512i value = _mm512_set1_epi32((int)(bits ^ 0x80808080u));
    return (input_group){_mm512_abs_epi8(value), _mm512_movepi8_mask(value)};
}

static inline __m512i q_dot(__m512i q, input_group x, __m512i w)
{
    __m512i turned = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
    __m512i pairs = _mm512_maddubs_epi16(x.magnitude, turned);
    return _mm512_add_epi32(q, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

#define X input_group
#define q_start(p) ((void)(p), _mm512_setzero_si512())

#include "kernels/int8_template.h"
