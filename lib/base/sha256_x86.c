/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by the SHA extensions of x86 processors, some five times as fast as
 * plain C. CPUID is asked directly: not every compiler's cpu model knows them.
 * Nothing beyond SSE registers is used, which every system saves. */
#include "base/sha256.h"

#if defined(__x86_64__) && defined(__GNUC__)
#  include <cpuid.h>
#  include <immintrin.h>

#  define TARGET __attribute__((target("sha,ssse3,sse4.1")))

static __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

/* Four rounds a group; w holds the last sixteen words of the schedule, W[t-16]
 * and its three followers in w[group % 4]. */
TARGET static void block_x86(__m128i *abef, __m128i *cdgh, const uint8_t *data)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i w[4], first = *abef, second = *cdgh;
    for (size_t group = 0; group < 16; group++) {
        __m128i *now = &w[group % 4];
        __m128i before = w[(group + 3) % 4];
        if (group < 4) {
            *now = _mm_shuffle_epi8(load(data + 16 * group), big_endian);
        } else {
            __m128i early = _mm_sha256msg1_epu32(*now, w[(group + 1) % 4]);
            __m128i seventh = _mm_alignr_epi8(before, w[(group + 2) % 4], 4);
            *now = _mm_sha256msg2_epu32(_mm_add_epi32(early, seventh), before);
        }
        __m128i words = _mm_add_epi32(*now, load(sn_sha256_constants + 4 * group));
        second = _mm_sha256rnds2_epu32(second, first, words);
        first = _mm_sha256rnds2_epu32(first, second, _mm_shuffle_epi32(words, 0x0e));
    }
    *abef = _mm_add_epi32(*abef, first);
    *cdgh = _mm_add_epi32(*cdgh, second);
}

/* The instructions want the state as (a b e f) and (c d g h), the first of each
 * in the highest lane. */
TARGET static void blocks_x86(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    __m128i cdab = _mm_shuffle_epi32(load(state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (size_t i = 0; i < blocks; i++)
        block_x86(&abef, &cdgh, data + 64 * i);
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

sn_sha256_blocks *sn_sha256_blocks_fast(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
        return NULL;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_SHA))
        return NULL;
    return blocks_x86;
}

#else

sn_sha256_blocks *sn_sha256_blocks_fast(void)
{
    return NULL;
}

#endif
