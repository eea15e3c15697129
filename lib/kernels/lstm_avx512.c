/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 kernels for AVX-512: a strip is a whole block. Six rows use 24 of
 * the 32 registers for accumulators. */
#include <immintrin.h>

#include <sentiment/sentiment.h>

#define V __m512
#define WIDTH 16
#define MAX_ROWS 6
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
#define v_round(a) _mm512_cvtepi32_ps(_mm512_cvtps_epi32(a))
#define v_exp2i(n)                                                                                 \
  _mm512_castsi512_ps(                                                                             \
      _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23))
#define KERNELS sn_kernels_avx512
#define KERNELS_ISA SENTIMENT_ISA_AVX512

#include "kernels/lstm_template.h"
