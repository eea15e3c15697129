/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for AVX2 with AVX-VNNI: as int8_avx512_vnni.c, in half as wide
 * vectors. Three rows use 12 of the 16 registers for sums. */
#include "kernels/vector_avx2.h"

#define MAX_ROWS 3
#define NAME(function) sn_avx2_vnni_##function

/* _mm256_dpbusd_avx_epi32, without the copies that gcc 12 makes of every sum. w
 * is in a register since clang, given the choice, stores it first. Assemblers take
 * the encoding of AVX-512 unless told. */
static inline __m256i q_dot(__m256i q, __m256i x, __m256i w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(q) : "x"(x), "x"(w));
    return q;
}

#define X __m256i
#define q_start(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define q_inputs(bits) _mm256_set1_epi32((int)(bits))

#include "kernels/int8_template.h"
