/* SPDX-License-Identifier: Apache-2.0
 *
 * What the processor and the operating system allow. */
#ifndef SN_BASE_CPU_H
#define SN_BASE_CPU_H

#include <sentiment/sentiment.h>

/* The best enum sentiment_isa of this machine, held down by the environment
 * variable SENTIMENT_ISA. Never AUTO. */
int32_t sn_cpu_isa(void);
/* Whether this machine adds four products of bytes in one instruction of `isa`
 * (AVX-VNNI, AVX512-VNNI, NEON's dotprod), and SENTIMENT_ISA does not name the
 * set without (avx2-novnni, avx512-novnni, neon-nodotprod). */
_Bool sn_cpu_dot(int32_t isa);
/* The best set that has no more than both. Plain C is below all, and all that
 * sets of different processors share. AUTO for `bound` is no bound. */
int32_t sn_isa_lower(int32_t isa, int32_t bound);
/* "c", "avx2", "avx512", "neon". */
const char *sn_isa_name(int32_t isa);
/* Processors that affinity and cgroup CPU limits leave to this process, at least 1. */
uint32_t sn_cpu_count(void);

/* For a thread that waits in a loop for another one, between two looks. `looks`
 * begins with 0. After each thousand looks others may have the processor. */
void sn_cpu_pause(unsigned *looks);

/* Makes this thread round to the nearest, and take denormal numbers for zero, operands
 * and results, where the processor can: each may cost a hundred cycles. Gives what to
 * restore. */
uint64_t sn_cpu_fix_rounding(void);
void sn_cpu_restore_rounding(uint64_t before);

#endif
