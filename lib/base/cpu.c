/* SPDX-License-Identifier: Apache-2.0
 *
 * See cpu.h. The compiler's cpu model checks CPUID and XCR0, so that an
 * instruction set counts only where the operating system saves its registers. */
#include "base/cpu.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) && defined(__GNUC__)
#  include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#  include <asm/hwcap.h>
#  include <sys/auxv.h>
#endif

#include "base/cgroup.h"

static const char *const isa_names[] = {
    [SENTIMENT_ISA_AUTO] = "auto",     [SENTIMENT_ISA_C] = "c",       [SENTIMENT_ISA_AVX2] = "avx2",
    [SENTIMENT_ISA_AVX512] = "avx512", [SENTIMENT_ISA_NEON] = "neon",
};

/* What SENTIMENT_ISA may say. */
typedef struct asked_isa {
    const char *name;
    int32_t isa;
    _Bool dot;
} asked_isa;

static const asked_isa asked_isas[] = {
    {"c", SENTIMENT_ISA_C, 0},           {"avx2-novnni", SENTIMENT_ISA_AVX2, 0},
    {"avx2", SENTIMENT_ISA_AVX2, 1},     {"avx512-novnni", SENTIMENT_ISA_AVX512, 0},
    {"avx512", SENTIMENT_ISA_AVX512, 1}, {"neon-nodotprod", SENTIMENT_ISA_NEON, 0},
    {"neon", SENTIMENT_ISA_NEON, 1},
};

const char *sn_isa_name(int32_t isa)
{
    if (isa < 0 || isa >= (int32_t)(sizeof isa_names / sizeof *isa_names))
        return "unknown";
    return isa_names[isa];
}

int32_t sn_isa_lower(int32_t isa, int32_t bound)
{
    if (bound == SENTIMENT_ISA_AUTO)
        return isa;
    if ((isa == SENTIMENT_ISA_NEON) != (bound == SENTIMENT_ISA_NEON))
        return SENTIMENT_ISA_C;
    return isa < bound ? isa : bound;
}

/* What SENTIMENT_ISA says; no bound if it is not set, or says nothing known. */
static asked_isa environment(void)
{
    const char *name = getenv("SENTIMENT_ISA");
    for (size_t i = 0; name && i < sizeof asked_isas / sizeof *asked_isas; i++)
        if (strcmp(name, asked_isas[i].name) == 0)
            return asked_isas[i];
    return (asked_isa){"auto", SENTIMENT_ISA_AUTO, 1};
}

#if defined(__x86_64__) && defined(__GNUC__)
static int32_t detected_isa(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return SENTIMENT_ISA_C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return SENTIMENT_ISA_AVX512;
    return SENTIMENT_ISA_AVX2;
}

/* AVX-VNNI is bit 4 of EAX of leaf 7, subleaf 1; clang 14 has no name for it in
 * __builtin_cpu_supports. */
static _Bool detected_dot(int32_t isa)
{
    unsigned eax = 0, ebx, ecx, edx;
    __builtin_cpu_init();
    if (isa == SENTIMENT_ISA_AVX512)
        return __builtin_cpu_supports("avx512vnni") != 0;
    if (isa == SENTIMENT_ISA_AVX2 && __builtin_cpu_supports("avx2") &&
        __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
        return (eax & 1u << 4) != 0;
    return 0;
}
#elif defined(__aarch64__)
static int32_t detected_isa(void)
{
    return SENTIMENT_ISA_NEON;
}

static _Bool detected_dot(int32_t isa)
{
#  if defined(__ARM_FEATURE_DOTPROD)
    return isa == SENTIMENT_ISA_NEON; /* what the compiler may take for granted */
#  elif defined(__linux__)
    return isa == SENTIMENT_ISA_NEON && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#  else
    (void)isa;
    return 0;
#  endif
}
#else
static int32_t detected_isa(void)
{
    return SENTIMENT_ISA_C;
}

static _Bool detected_dot(int32_t isa)
{
    (void)isa;
    return 0;
}
#endif

int32_t sn_cpu_isa(void)
{
    return sn_isa_lower(detected_isa(), environment().isa);
}

_Bool sn_cpu_dot(int32_t isa)
{
    return environment().dot && detected_dot(isa);
}

/* A part of a processor counts as one. */
static uint32_t cgroup_limit(uint32_t limit)
{
    double quota = sn_cgroup_quota("");
    return quota > 0 && quota < (double)limit ? (uint32_t)ceil(quota) : limit;
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

/* Looks before the processor is offered to others: some tens of microseconds on x86. */
#define LOOKS 1000

void sn_cpu_pause(unsigned *looks)
{
    if (++*looks % LOOKS == 0)
        sched_yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#if defined(__x86_64__)
/* MXCSR: flush to zero, denormals are zero, round to nearest. */
uint64_t sn_cpu_fix_rounding(void)
{
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr((before & ~0x6000u) | 0x8040u);
    return before;
}

void sn_cpu_restore_rounding(uint64_t before)
{
    __builtin_ia32_ldmxcsr((uint32_t)before);
}
#elif defined(__aarch64__)
/* FPCR: bit 24 is FZ, bits 22 and 23 the rounding, 0 to nearest. */
uint64_t sn_cpu_fix_rounding(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before) : : "memory");
    __asm__ volatile("msr fpcr, %0"
                     :
                     : "r"((before & ~(UINT64_C(3) << 22)) | UINT64_C(1) << 24)
                     : "memory");
    return before;
}

void sn_cpu_restore_rounding(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
}
#else
uint64_t sn_cpu_fix_rounding(void)
{
    return 0;
}

void sn_cpu_restore_rounding(uint64_t before)
{
    (void)before;
}
#endif
