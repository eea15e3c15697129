/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, and the choice among them: plain C is the truth, the others
 * overwrite it upward. */
#include "kernels/kernels.h"

#include "base/cpu.h"
#include "kernels/instances.h"

const sn_kernels sn_kernels_c = {SENTIMENT_ISA_C,   sn_c_project,   sn_c_step,
                                 sn_c_project_int8, sn_c_step_int8, sn_c_dots};

#if defined(__x86_64__)
const sn_kernels sn_kernels_avx2 = {SENTIMENT_ISA_AVX2,   sn_avx2_project,   sn_avx2_step,
                                    sn_avx2_project_int8, sn_avx2_step_int8, sn_avx2_dots};

const sn_kernels sn_kernels_avx512 = {SENTIMENT_ISA_AVX512,   sn_avx512_project,   sn_avx512_step,
                                      sn_avx512_project_int8, sn_avx512_step_int8, sn_avx512_dots};

const sn_kernels sn_kernels_avx512_vnni = {SENTIMENT_ISA_AVX512,     sn_avx512_project,
                                           sn_avx512_step,           sn_avx512_vnni_project_int8,
                                           sn_avx512_vnni_step_int8, sn_avx512_dots};
#endif

const sn_kernels *sn_kernels_get(int32_t isa)
{
    const sn_kernels *best = &sn_kernels_c;
#if defined(__x86_64__)
    if (isa >= SENTIMENT_ISA_AVX2)
        best = &sn_kernels_avx2;
    if (isa >= SENTIMENT_ISA_AVX512)
        best = sn_cpu_vnni() ? &sn_kernels_avx512_vnni : &sn_kernels_avx512;
#else
    (void)isa;
#endif
    return best;
}
