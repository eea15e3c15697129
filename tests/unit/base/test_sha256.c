/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/sha256.c against the examples of FIPS 180-4 and NIST's test
 * vectors, whole and in pieces of every size around a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

static void expect(const void *data, size_t size, const char *expected)
{
    char hex[65];
    sn_sha256 hash;
    sn_sha256_start(&hash);
    sn_sha256_add(&hash, data, size);
    sn_sha256_finish(&hash, hex);
    assert_string_equal(hex, expected);
}

static void known_answers(void **state)
{
    (void)state;
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(two_blocks, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect("\xbd", 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
}

static void a_million_letters(void **state)
{
    (void)state;
    char hex[65], piece[1000];
    sn_sha256 hash;
    memset(piece, 'a', sizeof piece);
    sn_sha256_start(&hash);
    for (int i = 0; i < 1000; i++)
        sn_sha256_add(&hash, piece, sizeof piece);
    sn_sha256_finish(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Where a text is cut does not matter, for every length across three blocks. */
static void pieces_make_the_whole(void **state)
{
    (void)state;
    uint8_t data[200];
    char whole[65], pieces[65];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t size = 0; size <= sizeof data; size++) {
        sn_sha256 hash;
        sn_sha256_start(&hash);
        sn_sha256_add(&hash, data, size);
        sn_sha256_finish(&hash, whole);
        sn_sha256_start(&hash);
        for (size_t at = 0, step = 1; at < size; at += step, step = step % 67 + 1) {
            if (step > size - at)
                step = size - at;
            sn_sha256_add(&hash, data + at, step);
            sn_sha256_add(&hash, NULL, 0);
        }
        sn_sha256_finish(&hash, pieces);
        assert_string_equal(whole, pieces);
    }
}

/* What the processor has instructions for equals plain C, block by block and over
 * runs of blocks at odd addresses, from any state. */
static void the_processor_equals_plain_c(void **state)
{
    (void)state;
    sn_sha256_blocks *fast = sn_sha256_blocks_fast();
    uint8_t data[10 * 64 + 1];
    uint32_t left[8], right[8];
    if (!fast)
        skip();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i * 31 + i / 7);
    for (size_t blocks = 0; blocks < 10; blocks++) {
        for (size_t i = 0; i < 8; i++)
            left[i] = right[i] = (uint32_t)(0x9e3779b9u * (i + 1 + 8 * blocks));
        sn_sha256_blocks_c(left, data + 1, blocks);
        fast(right, data + 1, blocks);
        assert_memory_equal(left, right, sizeof left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(pieces_make_the_whole),
        cmocka_unit_test(the_processor_equals_plain_c),
    };
    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
