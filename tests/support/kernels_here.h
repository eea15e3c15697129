/* SPDX-License-Identifier: Apache-2.0
 *
 * Every table of kernels that this machine runs, plain C first. */
#ifndef SUPPORT_KERNELS_HERE_H
#define SUPPORT_KERNELS_HERE_H

#include <sentiment/sentiment.h>

#include "base/cpu.h"
#include "kernels/kernels.h"

#define KERNELS_MOST 4

/* Fills `out` and returns how many there are. SENTIMENT_ISA lowers it. */
static inline size_t kernels_here(const sn_kernels *out[KERNELS_MOST])
{
    size_t count = 0;
    out[count++] = &sn_kernels_c;
#if defined(__x86_64__)
    if (sn_cpu_isa() >= SENTIMENT_ISA_AVX2)
        out[count++] = &sn_kernels_avx2;
    if (sn_cpu_isa() >= SENTIMENT_ISA_AVX512)
        out[count++] = &sn_kernels_avx512;
    if (sn_cpu_isa() >= SENTIMENT_ISA_AVX512 && sn_cpu_vnni())
        out[count++] = &sn_kernels_avx512_vnni;
#endif
    return count;
}

#endif
