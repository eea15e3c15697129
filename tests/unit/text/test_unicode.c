/* SPDX-License-Identifier: Apache-2.0
 *
 * Every code point, every neighbourhood of a sigma and every border of UTF-8,
 * against CPython's answers in unicode_expected.h. The questions are those of
 * make_unicode_expected.py, in the same order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "text/lower.h"
#include "text/tokenizer.h"
#include "unicode_expected.h"

enum { BLOCKS = 0x110000 / 4096, MAX_PROBE = 64 };

/* $ is the code point; letters as in make_unicode_expected.py. */
static const char *const lower_probes[] = {"$", "a$", "$S", "aS$", "a$S", "a$S$b", "aS$b", "aS$S"};
static const char *const whitespace_probes[] = {"x$y", "$"};
static const char *const words_probes[] = {"$",   "a$b", "$V$", "FJ$", "$JF",
                                           "1$K", "$K",  "R$",  "$T",  "$V1VK"};

static uint32_t code_of(char letter, uint32_t code)
{
    switch (letter) {
    case '$':
        return code;
    case 'S':
        return 0x3A3;
    case 'J':
        return 0x200D;
    case 'V':
        return 0xFE0F;
    case 'K':
        return 0x20E3;
    case 'F':
        return 0x1F600;
    case 'T':
        return 0x1F3FD;
    case 'R':
        return 0x1F1E6;
    default:
        return (uint8_t)letter;
    }
}

static size_t fill(const char *probe, uint32_t code, uint8_t *text)
{
    size_t size = 0;
    for (; *probe; probe++)
        size += sn_utf8_put(code_of(*probe, code), text + size);
    return size;
}

static uint32_t crc(uint32_t value, const void *bytes, size_t size)
{
    return (uint32_t)crc32(value, bytes, (uInt)size);
}

static uint32_t crc_byte(uint32_t value, size_t byte)
{
    return crc(value, &(uint8_t){(uint8_t)byte}, 1);
}

/* The checksum of one code point's answers, added to `value`. */
typedef uint32_t (*answer_fn)(uint32_t value, uint32_t code, sn_tokens *scratch);

static uint32_t answer_lower(uint32_t value, uint32_t code, sn_tokens *scratch)
{
    (void)scratch;
    for (size_t i = 0; i < sizeof lower_probes / sizeof *lower_probes; i++) {
        uint8_t text[MAX_PROBE], lowered[SN_LOWER_GROWTH * MAX_PROBE];
        size_t size = fill(lower_probes[i], code, text);
        value = crc(value, lowered, sn_lower(text, size, 0, size, lowered));
        value = crc_byte(value, 0xFF);
    }
    return value;
}

/* Words and offsets in the order in which they come. */
typedef struct digest {
    uint32_t value;
    const sn_tokens *tokens;
    size_t next;
} digest;

static sentiment_status add_word(void *user, const uint8_t *bytes, size_t size,
                                 sentiment_error *error)
{
    (void)error;
    digest *sum = user;
    sum->value = crc_byte(sum->value, sum->tokens->starts[sum->next]);
    sum->value = crc_byte(sum->value, sum->tokens->ends[sum->next]);
    sum->value = crc(sum->value, bytes, size);
    sum->next++;
    return SENTIMENT_OK;
}

static uint32_t answer_tokens(uint32_t value, int32_t kind, const char *probe, uint32_t code,
                              sn_tokens *scratch)
{
    char text[MAX_PROBE];
    size_t size = fill(probe, code, (uint8_t *)text);
    const sn_tokenizer tokenizer = {.kind = kind};
    const sn_memory *memory = &sn_memory_default;
    digest sum = {value, scratch, 0};
    assert_int_equal(
        sn_tokenizer_encode(&tokenizer, memory, text, size, SENTIMENT_UTF8_STRICT, scratch, NULL),
        0);
    assert_int_equal(sn_tokenizer_split(kind, memory, text, size, SENTIMENT_UTF8_STRICT, scratch,
                                        add_word, &sum, NULL),
                     0);
    assert_int_equal(sum.next, scratch->count);
    return crc_byte(sum.value, 0xFF);
}

static uint32_t answer_whitespace(uint32_t value, uint32_t code, sn_tokens *scratch)
{
    for (size_t i = 0; i < sizeof whitespace_probes / sizeof *whitespace_probes; i++)
        value = answer_tokens(value, SENTIMENT_TOKENIZER_WHITESPACE, whitespace_probes[i], code,
                              scratch);
    return value;
}

static uint32_t answer_words(uint32_t value, uint32_t code, sn_tokens *scratch)
{
    for (size_t i = 0; i < sizeof words_probes / sizeof *words_probes; i++)
        value = answer_tokens(value, SENTIMENT_TOKENIZER_WORDS, words_probes[i], code, scratch);
    return value;
}

static void check_blocks(answer_fn ask, const uint32_t *expected)
{
    sn_tokens scratch = {0};
    size_t wrong = 0;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint32_t value = 0;
        for (uint32_t code = block * 4096; code < (block + 1) * 4096; code++)
            if (code < 0xD800 || code > 0xDFFF)
                value = ask(value, code, &scratch);
        if (value != expected[block]) {
            print_message("U+%04X...U+%04X differ\n", block * 4096, block * 4096 + 4095);
            wrong++;
        }
    }
    sn_tokens_free(&sn_memory_default, &scratch);
    assert_int_equal(wrong, 0);
}

static void lower_matches_python(void **state)
{
    (void)state;
    check_blocks(answer_lower, expected_lower);
}

static void whitespace_matches_python(void **state)
{
    (void)state;
    check_blocks(answer_whitespace, expected_whitespace);
}

static void words_match_reference(void **state)
{
    (void)state;
    check_blocks(answer_words, expected_words);
}

static void exactly_29_spaces(void **state)
{
    (void)state;
    size_t spaces = 0;
    for (uint32_t code = 0; code < 0x110000; code++)
        spaces += (sn_unicode(code)->flags & SN_SPACE) != 0;
    assert_int_equal(spaces, 29);
    assert_string_equal(sn_unicode_version, "14.0.0");
}

/* All texts of 1 to 5 characters, one of each kind a sigma can stand beside. */
static void sigma_contexts(void **state)
{
    (void)state;
    static const uint32_t letters[] = {0x3A3, 'a',   'B',    '1',   ' ',   '\'',
                                       0x301, 0x345, 0x4E2D, 0x130, 0x3000};
    enum { KINDS = sizeof letters / sizeof *letters };
    uint32_t texts = 1;
    for (uint32_t length = 1; length <= 5; length++) {
        uint32_t value = 0;
        texts *= KINDS;
        for (uint32_t number = 0; number < texts; number++) {
            uint8_t text[MAX_PROBE], lowered[SN_LOWER_GROWTH * MAX_PROBE];
            size_t size = 0;
            for (uint32_t place = texts / KINDS; place > 0; place /= KINDS)
                size += sn_utf8_put(letters[number / place % KINDS], text + size);
            value = crc(value, lowered, sn_lower(text, size, 0, size, lowered));
            value = crc_byte(value, 0xFF);
        }
        assert_int_equal(value, expected_contexts[length - 1]);
    }
}

/* A text of bytes as errors="replace" reads it; reading backwards must agree. */
static uint32_t answer_utf8(uint32_t value, const uint8_t *text, size_t size)
{
    value = crc_byte(value, sn_utf8_check(text, size));
    for (size_t at = 0; at < size;) {
        uint8_t bytes[4];
        sn_char next = sn_utf8_get(text + at, size - at);
        at += next.length;
        value = crc(value, bytes, sn_utf8_put(next.code, bytes));
        sn_char back = sn_utf8_get_before(text, at);
        assert_int_equal(back.code, next.code);
        assert_int_equal(back.bad, next.bad);
        if (!back.bad)
            assert_int_equal(back.length, next.length);
    }
    return crc_byte(value, 0xFF);
}

/* The block has exactly the text's size: the sanitizer guards its end. */
static uint32_t answer_all(const uint8_t *bytes, uint32_t kinds, size_t size)
{
    uint8_t *text = malloc(size);
    assert_non_null(text);
    uint32_t texts = 1, value = 0;
    for (size_t i = 0; i < size; i++)
        texts *= kinds;
    for (uint32_t number = 0; number < texts; number++) {
        uint32_t rest = number;
        for (size_t i = size; i-- > 0; rest /= kinds)
            text[i] = bytes[rest % kinds];
        value = answer_utf8(value, text, size);
    }
    free(text);
    return value;
}

static void utf8_matches_python(void **state)
{
    (void)state;
    static const uint8_t borders[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                      0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                      0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    uint8_t all[256];
    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (size_t size = 1; size <= 2; size++)
        assert_int_equal(answer_all(all, 256, size), expected_utf8[size - 1]);
    for (size_t size = 3; size <= 4; size++)
        assert_int_equal(answer_all(borders, sizeof borders, size), expected_utf8[size - 1]);
}

/* sn_utf8_check reads eight bytes at a time: a bad one at every place. */
static void check_finds_every_place(void **state)
{
    (void)state;
    uint8_t text[40];
    for (size_t size = 0; size <= sizeof text; size++) {
        memset(text, 'x', sizeof text);
        assert_int_equal(sn_utf8_check(text, size), size);
        for (size_t bad = 0; bad < size; bad++) {
            text[bad] = 0xA9;
            assert_int_equal(sn_utf8_check(text, size), bad);
            text[bad] = 'x';
        }
    }
}

static void put_and_get_agree(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint8_t bytes[4];
        size_t size = sn_utf8_put(code, bytes);
        sn_char found = sn_utf8_get(bytes, size);
        _Bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        assert_int_equal(found.bad, surrogate);
        if (!surrogate)
            assert_true(found.code == code && found.length == size);
    }
}

static void quote_case(const char *text, size_t size, const char *expected)
{
    char out[16];
    assert_string_equal(sn_utf8_quote((const uint8_t *)text, size, out, sizeof out), expected);
}

static void quote_shows_one_line(void **state)
{
    (void)state;
    quote_case("", 0, "");
    quote_case("a b\n", 4, "a b\\x0A");
    quote_case("\\", 1, "\\x5C");
    quote_case("\0x", 2, "\\x00x");
    quote_case("\xC3\xA9t\xC3\xA9", 5, "\xC3\xA9t\xC3\xA9");
    quote_case("\xED\xA0\x80", 3, "\\xED\\xA0\\x80");
    quote_case("\xE2\x80\xAE", 3, "\\xE2\\x80\\xAE"); /* right-to-left override */
    quote_case("\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80");
    quote_case("123456789012345", 15, "123456789012345");
    quote_case("1234567890123456", 16, "123456789012...");
    quote_case("12345678901\xC3\xA9xxxxxxxx", 21, "12345678901...");
    quote_case("\xFF\xFF\xFF\xFF\xFF", 5, "\\xFF\\xFF\\xFF...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_29_spaces),       cmocka_unit_test(lower_matches_python),
        cmocka_unit_test(sigma_contexts),          cmocka_unit_test(whitespace_matches_python),
        cmocka_unit_test(words_match_reference),   cmocka_unit_test(utf8_matches_python),
        cmocka_unit_test(check_finds_every_place), cmocka_unit_test(put_and_get_agree),
        cmocka_unit_test(quote_shows_one_line),
    };
    return cmocka_run_group_tests_name("unicode", tests, NULL, NULL);
}
