/* SPDX-License-Identifier: Apache-2.0
 *
 * Every table of kernels that this machine runs, plain C first. */
#ifndef SUPPORT_KERNELS_HERE_H
#define SUPPORT_KERNELS_HERE_H

#include <sentiment/sentiment.h>

#include "base/cpu.h"
#include "kernels/kernels.h"

#define KERNELS_MOST 5

/* Fills `out` and returns how many there are. SENTIMENT_ISA lowers it. */
static inline size_t kernels_here(const sn_kernels *out[KERNELS_MOST])
{
    static const struct {
        const sn_kernels *kernels;
        _Bool dot;
    } all[] = {
        {&sn_kernels_c, 0},
#if defined(__x86_64__)
        {&sn_kernels_avx2, 0},
        {&sn_kernels_avx2_vnni, 1},
        {&sn_kernels_avx512, 0},
        {&sn_kernels_avx512_vnni, 1},
#elif defined(__aarch64__)
        {&sn_kernels_neon, 0},
        {&sn_kernels_neon_dotprod, 1},
#endif
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int32_t isa = all[i].kernels->isa;
        if (sn_isa_lower(sn_cpu_isa(), isa) == isa && (!all[i].dot || sn_cpu_dot(isa)))
            out[count++] = all[i].kernels;
    }
    return count;
}

#endif
