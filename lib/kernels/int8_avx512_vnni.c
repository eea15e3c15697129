/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for AVX-512 with VNNI: vpdpbusd multiplies biased bytes with
 * weights and adds four products at once, without saturating; the bias is
 * taken back where the sums begin. Four rows use 16 of the 32 registers for sums;
 * more are no faster. */
#include "kernels/vector_avx512.h"

#define MAX_ROWS 4
#define NAME(function) sn_avx512_vnni_##function

/* _mm512_dpbusd_epi32, around which gcc 12 copies every sum to another register and
 * back, and some to memory: a fifth slower in batches. */
static inline __m512i q_dot(__m512i q, __m512i x, __m512i w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(q) : "v"(x), "vm"(w));
    return q;
}

#define X __m512i
#define q_start(p) _mm512_loadu_si512(p)
#define q_inputs(bits) _mm512_set1_epi32((int)(bits))

#include "kernels/int8_template.h"
