/* SPDX-License-Identifier: Apache-2.0
 *
 * base/cpu.h: which instruction set is below which, and what SENTIMENT_ISA holds
 * down. Which one the machine has is not told here; the kernels' tests run it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/cpu.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { C = SENTIMENT_ISA_C, AVX2, AVX512, NEON };

static void test_lower(void **state)
{
    (void)state;
    static const int32_t lower[][3] = {
        {C, AVX2, C},
        {AVX2, C, C},
        {AVX2, AVX512, AVX2},
        {AVX512, AVX2, AVX2},
        {NEON, NEON, NEON},
        {NEON, C, C},
        {C, NEON, C},
        {NEON, AVX512, C},
        {AVX512, NEON, C},
        {AVX2, NEON, C},
        {C, C, C},
        {NEON, AVX2, C},
        {C, SENTIMENT_ISA_AUTO, C},
        {NEON, SENTIMENT_ISA_AUTO, NEON},
    };
    for (size_t i = 0; i < COUNT(lower); i++)
        assert_int_equal(sn_isa_lower(lower[i][0], lower[i][1]), lower[i][2]);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(sn_isa_name(SENTIMENT_ISA_AUTO), "auto");
    assert_string_equal(sn_isa_name(C), "c");
    assert_string_equal(sn_isa_name(AVX2), "avx2");
    assert_string_equal(sn_isa_name(AVX512), "avx512");
    assert_string_equal(sn_isa_name(NEON), "neon");
    assert_string_equal(sn_isa_name(NEON + 1), "unknown");
    assert_string_equal(sn_isa_name(-1), "unknown");
}

/* Whatever the machine: a name leaves what is below both, and the names without
 * leave the same set without its instruction. */
static void test_environment(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t isa;
        _Bool without;
    } asked[] = {
        {"c", C, 1},
        {"avx2", AVX2, 0},
        {"avx2-novnni", AVX2, 1},
        {"avx512", AVX512, 0},
        {"avx512-novnni", AVX512, 1},
        {"neon", NEON, 0},
        {"neon-nodotprod", NEON, 1},
    };
    unsetenv("SENTIMENT_ISA");
    int32_t best = sn_cpu_isa();
    _Bool dot[NEON + 1];
    for (int32_t isa = C; isa <= NEON; isa++)
        dot[isa] = sn_cpu_dot(isa);
    for (size_t i = 0; i < COUNT(asked); i++) {
        setenv("SENTIMENT_ISA", asked[i].name, 1);
        assert_int_equal(sn_cpu_isa(), sn_isa_lower(best, asked[i].isa));
        assert_int_equal(sn_cpu_dot(asked[i].isa), dot[asked[i].isa] && !asked[i].without);
        assert_false(sn_cpu_dot(C));
    }
    setenv("SENTIMENT_ISA", "mmx", 1);
    assert_int_equal(sn_cpu_isa(), best);
    for (int32_t isa = C; isa <= NEON; isa++)
        assert_int_equal(sn_cpu_dot(isa), dot[isa]);
    unsetenv("SENTIMENT_ISA");
}

/* An instruction of a set that this machine does not have cannot be one of its. */
static void test_family(void **state)
{
    (void)state;
    unsetenv("SENTIMENT_ISA");
    int32_t best = sn_cpu_isa();
    assert_in_range(best, C, NEON);
    for (int32_t isa = C; isa <= NEON; isa++)
        if (sn_cpu_dot(isa))
            assert_int_equal(sn_isa_lower(best, isa), isa);
#if defined(__aarch64__)
    assert_int_equal(best, NEON);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lower),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
