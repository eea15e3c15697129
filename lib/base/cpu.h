/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processor and the operating system allow. */
#ifndef SN_BASE_CPU_H
#define SN_BASE_CPU_H

#include <sentiment/sentiment.h>

/* The best enum sentiment_isa of this machine, lowered by the environment
 * variable SENTIMENT_ISA (c, avx2, avx512, avx512-novnni). Never AUTO. */
int32_t sn_cpu_isa(void);
/* Whether AVX-512 comes with VNNI here, and SENTIMENT_ISA does not say avx512-novnni. */
_Bool sn_cpu_vnni(void);
/* "c", "avx2", "avx512". */
const char *sn_isa_name(int32_t isa);
/* Processors that affinity and cgroup CPU limits leave to this process, at least 1. */
uint32_t sn_cpu_count(void);

/* Makes this thread take denormal numbers for zero, operands and results, where the
 * processor can: elsewhere each may cost a hundred cycles. Gives what to restore. */
uint64_t sn_cpu_flush_denormals(void);
void sn_cpu_restore_denormals(uint64_t before);

#endif
