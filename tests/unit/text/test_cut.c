/* SPDX-License-Identifier: Apache-2.0
 *
 * Where texts may be parted for good: over every text of up to six characters
 * (or bytes) of several nasty alphabets, the tokens of both sides of each cut
 * are those of the whole, whatever stands behind what the cut was made from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "answer.h"
#include "text/unicode.h"
#include "text/utf8.h"

#define DEPTH 6
#define SYMBOLS 7
#define MOST_TEXT (DEPTH * 4)

static const char *const alphabets[][SYMBOLS] = {
    /* final sigma: cased, ignorable and neither */
    {"\xCE\xA3", "a", "'", "\xCC\x81", " ", ".", ","},
    {"\xCE\xA3", "A", "\xC2\xAD", "\xC2\xA0", "!", "\xE2\x80\x99", "\xEF\xBC\x8C"},
    {"\xCE\xA3", "\xC4\xB0", "`", "_", ":", "\n", "-"},
    /* pictures with styles, joiners and skin tones */
    {"\xE2\x9D\xA4", "\xEF\xB8\x8F", "\xE2\x80\x8D", "\xF0\x9F\x8F\xBB", ",", " ", "a"},
    /* keycaps */
    {"1", "#", "\xEF\xB8\x8F", "\xE2\x83\xA3", ",", " ", "*"},
    /* flags and their tags */
    {"\xF0\x9F\x87\xA6", "\xF0\x9F\x87\xBA", "(", "\xF0\x9F\x8F\xB4", " ", "\xF3\xA0\x81\xA7",
     "\xE2\x80\x8D"},
    /* bytes of a thin space, of a quotation mark, of an emoji */
    {"\xE2", "\x80", "\x89", "\x9D", " ", ",", "\xF0"},
    /* bytes of a style and of a fullwidth comma */
    {"\xEF", "\xB8", "\xBC", "\x8C", "\x8F", ",", "!"},
    /* line ends and no-break spaces, whole and in bytes */
    {"\r", "\n", "\xC2", "\xA0", "\xC2\x85", "a", ","},
    /* bytes of a sigma, and a byte that is never part of anything */
    {"\xCE", "\xA3", "a", "'", ",", " ", "\xED"},
};
#define ALPHABETS (sizeof alphabets / sizeof *alphabets)

/* What a tokenizer makes of a text: where its words are, and their bytes. */
typedef struct reading {
    uint64_t spans[2 * MOST_TEXT];
    size_t words;
    uint8_t bytes[3 * MOST_TEXT + MOST_TEXT];
    size_t size;
} reading;

static sn_tokens scratch;

static sentiment_status add_word(void *user, const uint8_t *bytes, size_t size,
                                 sentiment_error *error)
{
    reading *to = user;
    (void)error;
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
    to->bytes[to->size++] = 0xFF; /* in no word: REPLACE */
    return SENTIMENT_OK;
}

/* Adds the tokens of text[from, to). */
static void read_on(const sn_tokenizer *tokenizer, const char *text, size_t from, size_t to,
                    reading *out)
{
    const char *part = text + from;
    assert_int_equal(sn_tokenizer_encode(tokenizer, &sn_memory_default, part, to - from,
                                         SENTIMENT_UTF8_REPLACE, &scratch, NULL),
                     0);
    for (size_t i = 0; i < scratch.count; i++) {
        out->spans[2 * out->words] = scratch.starts[i] + from;
        out->spans[2 * out->words++ + 1] = scratch.ends[i] + from;
    }
    assert_int_equal(sn_tokenizer_split(tokenizer->kind, &sn_memory_default, part, to - from,
                                        SENTIMENT_UTF8_REPLACE, &scratch, add_word, out, NULL),
                     0);
}

static void expect_parted(const sn_tokenizer *tokenizer, const char *text, size_t size, size_t cut,
                          const reading *whole)
{
    reading parts;
    parts.words = parts.size = 0;
    read_on(tokenizer, text, 0, cut, &parts);
    read_on(tokenizer, text, cut, size, &parts);
    _Bool same = parts.words == whole->words && parts.size == whole->size &&
                 memcmp(parts.spans, whole->spans, 2 * whole->words * sizeof *whole->spans) == 0 &&
                 memcmp(parts.bytes, whole->bytes, whole->size) == 0;
    if (!same) {
        char quoted[256];
        fail_msg("kind %d: %s parted at %zu", (int)tokenizer->kind,
                 sn_utf8_quote((const uint8_t *)text, size, quoted, sizeof quoted), cut);
    }
}

/* Every cut that any beginning of the text gives, held against all of it. */
static size_t check_text(const sn_tokenizer *tokenizer, const char *text, size_t size)
{
    reading whole;
    size_t last = 0, cuts = 0;
    for (size_t known = 0; known <= size; known++) {
        size_t cut = sn_tokenizer_cut(tokenizer, text, known);
        assert_true(cut <= known);
        if (cut == last || cut == 0)
            continue;
        if (cuts++ == 0) {
            whole.words = whole.size = 0;
            read_on(tokenizer, text, 0, size, &whole);
        }
        expect_parted(tokenizer, text, size, cut, &whole);
        last = cut;
    }
    return cuts;
}

static size_t check_alphabet(const sn_tokenizer *tokenizer, const char *const *symbols)
{
    size_t cuts = 0, texts = 1;
    for (int i = 0; i < DEPTH; i++)
        texts *= SYMBOLS;
    for (size_t number = 0; number < texts; number++) {
        char text[MOST_TEXT];
        size_t size = 0, rest = number;
        for (int i = 0; i < DEPTH; i++, rest /= SYMBOLS) {
            const char *symbol = symbols[rest % SYMBOLS];
            memcpy(text + size, symbol, strlen(symbol));
            size += strlen(symbol);
        }
        cuts += check_text(tokenizer, text, size);
    }
    return cuts;
}

static void test_every_text(void **state)
{
    (void)state;
    for (int32_t kind = SENTIMENT_TOKENIZER_WHITESPACE; kind <= SENTIMENT_TOKENIZER_WORDS; kind++) {
        const sn_tokenizer tokenizer = {.kind = kind};
        for (size_t a = 0; a < ALPHABETS; a++) {
            size_t cuts = check_alphabet(&tokenizer, alphabets[a]);
            /* There is something to check: bytes of a style and of marks hold no space. */
            if (kind == SENTIMENT_TOKENIZER_WORDS || a != 7)
                assert_true(cuts > 10000);
        }
    }
    sn_tokens_free(&sn_memory_default, &scratch);
}

/* A cut is found as soon as it is safe. */
static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t whitespace, words;
    } cases[] = {
        {"", 0, 0},
        {"word", 0, 0},
        {"two words", 4, 4},
        {"two words ", 10, 10},
        {"no\xC2\xA0"
         "break",
         4, 4},
        {"a,b", 0, 2},
        {"a,", 0, 0},         /* a style may follow */
        {"a,\xEF", 0, 0},     /* as it may here */
        {"a,\xEF\xBC", 0, 0}, /* not a style, but not whole either */
        {"a,\xEF\xBC\x8C", 0, 2},
        {"a,\xEF\xB8\x8F", 0, 0},
        {"a.b", 0, 0}, /* sigmas look across the full stop */
        {"#a", 0, 0},
        {"it's", 0, 0},
        {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4", 0, 0},
        {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96", 0, 9},
        {"\xE2\x9D\xA4 \xE2\x9D\xA4", 4, 4},
        {"\xFF \xFF", 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_tokenizer whitespace = {.kind = SENTIMENT_TOKENIZER_WHITESPACE};
        const sn_tokenizer words = {.kind = SENTIMENT_TOKENIZER_WORDS};
        size_t size = strlen(cases[i].text);
        assert_int_equal(sn_tokenizer_cut(&whitespace, cases[i].text, size), cases[i].whitespace);
        assert_int_equal(sn_tokenizer_cut(&words, cases[i].text, size), cases[i].words);
    }
}

/* The proof in cut.c rests on this. */
static void test_no_space_is_ignorable(void **state)
{
    (void)state;
    int spaces = 0;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        uint32_t flags = sn_unicode(code)->flags;
        if (!(flags & SN_SPACE))
            continue;
        spaces++;
        assert_int_equal(flags & ~(uint32_t)SN_SPACE, 0);
    }
    assert_int_equal(spaces, 29);
}

/* Bytes at the borders of Unicode's table 3-7. */
static const uint8_t border[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2,
                                 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
#define BORDER (sizeof border)

/* Whether further bytes make one character of `size` (1 to 3) bytes. */
static _Bool can_become_one(const uint8_t *bytes, size_t size)
{
    uint8_t text[6];
    memcpy(text, bytes, size);
    for (size_t n = 0; n < BORDER * BORDER * BORDER; n++) {
        text[size] = border[n % BORDER];
        text[size + 1] = border[n / BORDER % BORDER];
        text[size + 2] = border[n / BORDER / BORDER];
        sn_char one = sn_utf8_get(text, size + 3);
        if (!one.bad && one.length > size)
            return 1;
    }
    return 0;
}

static void test_whole(void **state)
{
    (void)state;
    static _Bool open[3][BORDER * BORDER * BORDER]; /* by size - 1 and the last bytes */
    size_t counts[] = {BORDER, BORDER * BORDER, BORDER * BORDER * BORDER};
    for (size_t size = 1; size <= 3; size++)
        for (size_t n = 0; n < counts[size - 1]; n++) {
            const uint8_t bytes[] = {border[n / BORDER / BORDER], border[n / BORDER % BORDER],
                                     border[n % BORDER]};
            const uint8_t *first = bytes + 3 - size;
            open[size - 1][n] = first[0] >= 0xC0 && can_become_one(first, size);
        }
    for (size_t n = 0; n < BORDER * counts[2]; n++) {
        const uint8_t text[] = {border[n / counts[2]], border[n / BORDER / BORDER % BORDER],
                                border[n / BORDER % BORDER], border[n % BORDER]};
        size_t expected = 4;
        for (size_t size = 1; size <= 3; size++)
            if (open[size - 1][n % counts[size - 1]])
                expected = 4 - size;
        assert_int_equal(sn_utf8_whole(text, 4), expected);
    }
    assert_int_equal(sn_utf8_whole(border, 0), 0);
    assert_int_equal(sn_utf8_whole((const uint8_t *)"\xF0", 1), 0);
    assert_int_equal(sn_utf8_whole((const uint8_t *)"\x80", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_space_is_ignorable),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
