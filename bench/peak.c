/* SPDX-License-Identifier: Apache-2.0
 *
 * What this processor can do at most, for the roofline of bench.py: fused
 * multiply-adds and int8 dot products from registers, and bytes read from each
 * level of the caches. Prints one JSON object. Each figure is the best of many
 * short runs: a peak is what nothing has disturbed. */
#include <cpuid.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define RUNS 200
#define CHAINS 12 /* independent sums: latency times units, and some more */
#define STEPS 20000

/* Keeps a vector in a register and the loop from being folded away. */
#define HOLD(x) __asm__ volatile("" : "+v"(x))

/* A function that computes CHAINS independent sums in vectors of `type` with `work`,
 * and returns the operations: `lanes` multiplications and as many additions each. */
#define PEAK(name, features, type, lanes, first, second, work)                                     \
  __attribute__((target(features))) static double name(void)                                       \
  {                                                                                                \
    type sum[CHAINS], a = first, b = second;                                                       \
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++)                                      \
    {                                                                                              \
      sum[i] = a;                                                                                  \
      HOLD(sum[i]); /* or equal sums would be computed once */                                     \
    }                                                                                              \
    for (int s = 0; s < STEPS; s++) {                                                              \
      HOLD(a);                                                                                     \
      _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) work;                              \
    }                                                                                              \
    _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) HOLD(sum[i]);                        \
    return 2.0 * (lanes)*CHAINS * STEPS;                                                           \
  }

PEAK(fma_avx512, "avx512f", __m512, 16, _mm512_set1_ps(0.5f), _mm512_set1_ps(0.25f),
     sum[i] = _mm512_fmadd_ps(sum[i], a, b))
PEAK(fma_avx2, "avx2,fma", __m256, 8, _mm256_set1_ps(0.5f), _mm256_set1_ps(0.25f),
     sum[i] = _mm256_fmadd_ps(sum[i], a, b))
/* Not by the intrinsics, around which gcc 12 copies the sums. */
PEAK(dot_vnni, "avx512f,avx512vnni", __m512i, 64, _mm512_set1_epi32(0x01020304),
     _mm512_set1_epi32(0x04030201), __asm__("vpdpbusd %2, %1, %0" : "+v"(sum[i]) : "v"(a), "v"(b)))
PEAK(dot_avxvnni, "avx2,avxvnni", __m256i, 32, _mm256_set1_epi32(0x01020304),
     _mm256_set1_epi32(0x04030201),
     __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum[i]) : "x"(a), "x"(b)))

static const uint8_t *buffer;
static size_t buffer_size;

__attribute__((target("avx512f"))) static double read_avx512(void)
{
    size_t passes = ((size_t)4 << 20) / buffer_size + 1;
    for (size_t p = 0; p < passes; p++)
        for (size_t at = 0; at < buffer_size; at += 512) {
#pragma GCC unroll 8
            for (size_t i = 0; i < 8; i++) {
                __m512i v = _mm512_load_si512((const void *)(buffer + at + 64 * i));
                HOLD(v);
            }
        }
    return (double)(passes * buffer_size);
}

__attribute__((target("avx2"))) static double read_avx2(void)
{
    size_t passes = ((size_t)4 << 20) / buffer_size + 1;
    for (size_t p = 0; p < passes; p++)
        for (size_t at = 0; at < buffer_size; at += 256) {
#pragma GCC unroll 8
            for (size_t i = 0; i < 8; i++) {
                __m256i v = _mm256_load_si256((const void *)(buffer + at + 32 * i));
                HOLD(v);
            }
        }
    return (double)(passes * buffer_size);
}

/* Bit 4 of EAX of leaf 7, subleaf 1. */
static _Bool has_avxvnni(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax >> 4 & 1);
}

static double best_rate(double (*work)(void))
{
    double best = 0;
    for (int r = 0; r < RUNS; r++) {
        double start = now(), amount = work(), seconds = now() - start;
        best = amount / seconds > best ? amount / seconds : best;
    }
    return best;
}

int main(void)
{
    static const size_t sizes[] = {16 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20, 64 << 20};
    _Bool wide = __builtin_cpu_supports("avx512f") != 0;
    uint8_t *bytes = aligned_alloc(4096, sizes[5]);
    if (!bytes || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        fprintf(stderr, "peak: needs AVX2 and FMA\n");
        return 1;
    }
    memset(bytes, 1, sizes[5]);
    buffer = bytes;
    printf("{\"fma_avx2\": %.6g", best_rate(fma_avx2));
    if (wide)
        printf(", \"fma_avx512\": %.6g", best_rate(fma_avx512));
    if (has_avxvnni())
        printf(", \"int8_avxvnni\": %.6g", best_rate(dot_avxvnni));
    if (__builtin_cpu_supports("avx512vnni"))
        printf(", \"int8_avx512vnni\": %.6g", best_rate(dot_vnni));
    printf(", \"read_bytes\": {");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        buffer_size = sizes[i];
        printf("%s\"%zu\": %.6g", i ? ", " : "", sizes[i],
               best_rate(wide ? read_avx512 : read_avx2));
    }
    printf("}}\n");
    free(bytes);
    return 0;
}
