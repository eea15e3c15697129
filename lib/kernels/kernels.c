/* SPDX-License-Identifier: Apache-2.0
 *
 * Choice of kernels: plain C is the truth, the others overwrite it upward. */
#include "kernels/kernels.h"

#include <sentiment/sentiment.h>

const sn_kernels *sn_kernels_get(int32_t isa)
{
    const sn_kernels *best = &sn_kernels_c;
#if defined(__x86_64__)
    if (isa >= SENTIMENT_ISA_AVX2)
        best = &sn_kernels_avx2;
    if (isa >= SENTIMENT_ISA_AVX512)
        best = &sn_kernels_avx512;
#else
    (void)isa;
#endif
    return best;
}
