/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables, and the choice among them. Plain C is the truth; the others are
 * built where the processor's family has them. */
#include "kernels/kernels.h"

#include "base/cpu.h"
#include "kernels/instances.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The functions of fp32 and of int8 from two instantiations. */
#define TABLE(isa, fp32, int8)                                                                     \
  {                                                                                                \
    isa, sn_##fp32##_project, sn_##fp32##_step, sn_##int8##_project_int8, sn_##int8##_step_int8,   \
        sn_##fp32##_dots                                                                           \
  }

const sn_kernels sn_kernels_c = TABLE(SENTIMENT_ISA_C, c, c);
#if defined(__x86_64__)
const sn_kernels sn_kernels_avx2 = TABLE(SENTIMENT_ISA_AVX2, avx2, avx2);
const sn_kernels sn_kernels_avx2_vnni = TABLE(SENTIMENT_ISA_AVX2, avx2, avx2_vnni);
const sn_kernels sn_kernels_avx512 = TABLE(SENTIMENT_ISA_AVX512, avx512, avx512);
const sn_kernels sn_kernels_avx512_vnni = TABLE(SENTIMENT_ISA_AVX512, avx512, avx512_vnni);
#elif defined(__aarch64__)
const sn_kernels sn_kernels_neon = TABLE(SENTIMENT_ISA_NEON, neon, neon);
const sn_kernels sn_kernels_neon_dotprod = TABLE(SENTIMENT_ISA_NEON, neon, neon_dotprod);
#endif

static const struct {
    const sn_kernels *plain, *dot; /* without and with sn_cpu_dot() */
} choices[] = {
    {&sn_kernels_c, &sn_kernels_c},
#if defined(__x86_64__)
    {&sn_kernels_avx2, &sn_kernels_avx2_vnni},
    {&sn_kernels_avx512, &sn_kernels_avx512_vnni},
#elif defined(__aarch64__)
    {&sn_kernels_neon, &sn_kernels_neon_dotprod},
#endif
};

const sn_kernels *sn_kernels_get(int32_t isa)
{
    for (size_t i = 0; i < COUNT(choices); i++)
        if (choices[i].plain->isa == isa)
            return sn_cpu_dot(isa) ? choices[i].dot : choices[i].plain;
    return &sn_kernels_c;
}
