/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for AVX-512 with VNNI: vpdpbusd multiplies biased bytes with
 * weights and adds four products at once, without saturating; the bias is
 * taken back where the sums begin. Four rows use 16 of the 32 registers for sums;
 * with more gcc keeps some of them in memory. */
#include "kernels/vector_avx512.h"

#define MAX_ROWS 4
#define NAME(function) sn_avx512_vnni_##function
#define X __m512i
#define q_start(p) _mm512_loadu_si512(p)
#define q_inputs(bits) _mm512_set1_epi32((int)(bits))
#define q_dot(q, x, w) _mm512_dpbusd_epi32(q, x, w)

#include "kernels/int8_template.h"
