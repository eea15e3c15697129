/* SPDX-License-Identifier: Apache-2.0
 *
 * See cpu.h. The compiler's cpu model checks CPUID and XCR0, so that an
 * instruction set counts only where the operating system saves its registers. */
#include "base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const isa_names[] = {
    [SENTIMENT_ISA_AUTO] = "auto",
    [SENTIMENT_ISA_C] = "c",
    [SENTIMENT_ISA_AVX2] = "avx2",
    [SENTIMENT_ISA_AVX512] = "avx512",
};

const char *sn_isa_name(int32_t isa)
{
    if (isa < 0 || isa >= (int32_t)(sizeof isa_names / sizeof *isa_names))
        return "unknown";
    return isa_names[isa];
}

static int32_t detected_isa(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return SENTIMENT_ISA_C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return SENTIMENT_ISA_AVX512;
    return SENTIMENT_ISA_AVX2;
#else
    return SENTIMENT_ISA_C;
#endif
}

int32_t sn_cpu_isa(void)
{
    int32_t isa = detected_isa();
    const char *asked = getenv("SENTIMENT_ISA");
    for (int32_t lower = SENTIMENT_ISA_C; asked && lower < isa; lower++)
        if (strcmp(asked, isa_names[lower]) == 0)
            return lower;
    return isa;
}

_Bool sn_cpu_vnni(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    const char *asked = getenv("SENTIMENT_ISA");
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vnni") && !(asked && strcmp(asked, "avx512-novnni") == 0);
#else
    return 0;
#endif
}

/* cgroup v2's "quota period", rounded up; `limit` where there is none. */
static uint32_t cgroup_limit(uint32_t limit)
{
    long long quota, period;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file)
        return limit;
    int fields = fscanf(file, "%lld %lld", &quota, &period);
    fclose(file);
    if (fields != 2 || quota <= 0 || period <= 0)
        return limit;
    long long processors = (quota + period - 1) / period;
    return processors < (long long)limit ? (uint32_t)processors : limit;
}

uint32_t sn_cpu_count(void)
{
    long count = 0;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
#endif
    if (count < 1)
        count = sysconf(_SC_NPROCESSORS_ONLN);
    return cgroup_limit(count < 1 ? 1 : (uint32_t)count);
}

#if defined(__x86_64__)
/* MXCSR: flush to zero, and denormals are zero. */
uint64_t sn_cpu_flush_denormals(void)
{
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040u);
    return before;
}

void sn_cpu_restore_denormals(uint64_t before)
{
    __builtin_ia32_ldmxcsr((uint32_t)before);
}
#elif defined(__aarch64__)
/* FPCR: bit 24, FZ. */
uint64_t sn_cpu_flush_denormals(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | UINT64_C(1) << 24));
    return before;
}

void sn_cpu_restore_denormals(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else
uint64_t sn_cpu_flush_denormals(void)
{
    return 0;
}

void sn_cpu_restore_denormals(uint64_t before)
{
    (void)before;
}
#endif
