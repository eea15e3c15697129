/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokenizers: readable examples, the golden texts, bad UTF-8, very long
 * words, and memory that runs out. Usage: test_tokenizer golden_tokens.txt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

static const char *golden_path;

static sentiment_status join_word(void *user, const uint8_t *bytes, size_t size,
                                  sentiment_error *error)
{
    (void)error;
    FILE *out = user;
    if (ftell(out) > 0)
        fputc('|', out);
    fwrite(bytes, 1, size, out);
    return SENTIMENT_OK;
}

/* The text's words, joined by |. */
static void words_are(int32_t kind, const char *text, const char *expected)
{
    char *joined = NULL;
    size_t length;
    FILE *out = open_memstream(&joined, &length);
    assert_non_null(out);
    sn_tokens scratch = {0};
    assert_int_equal(sn_tokenizer_split(kind, &sn_memory_default, text, strlen(text),
                                        SENTIMENT_UTF8_STRICT, &scratch, join_word, out, NULL),
                     0);
    fclose(out);
    assert_string_equal(joined, expected);
    free(joined);
    sn_tokens_free(&sn_memory_default, &scratch);
}

static void whitespace_examples(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"", ""},
        {" \t\n\v\f\r ", ""},
        {"I love this product!", "i|love|this|product!"},
        {"  two\x1C words\xC2\xA0now\xE3\x80\x80", "two|words|now"},
        {"zero\xE2\x80\x8Bwidth stays", "zero\xE2\x80\x8Bwidth|stays"},
        {"\xC4\xB0Z", "i\xCC\x87z"},              /* U+0130 becomes two */
        {"\xCE\x9F\xCE\xA3", "\xCE\xBF\xCF\x82"}, /* final sigma */
        {"\xCE\xA3\xCE\x9F", "\xCF\x83\xCE\xBF"}, /* first sigma */
        {"\xCE\xA3", "\xCF\x83"},                 /* a sigma alone is not final */
        {"\xE2\x80\x99", "\xE2\x80\x99"},         /* no mapping of apostrophes here */
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        words_are(SENTIMENT_TOKENIZER_WHITESPACE, examples[i][0], examples[i][1]);
}

static void words_examples(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"", ""},
        {"Not bad, is it?!", "not|bad|,|is|it|?|!"},
        {"don't can`t", "don|'|t|can|'|t"},
        {"don\xE2\x80\x99t \xE2\x80\x98quoted\xE2\x80\x99", "don|'|t|'|quoted|'"},
        {"[NAME] snake_case", "[|name|]|snake|_|case"},
        {"https://a.b/c?d=1", "https|:|/|/|a|.|b|/|c|?|d|=|1"},
        {"$5.00 50% a+b", "$|5|.|00|50|%|a|+|b"},
        {"CAFE\xCC\x81 r\xC3\xA9sum\xC3\xA9", "cafe\xCC\x81|r\xC3\xA9sum\xC3\xA9"},
        /* Chinese with full-width punctuation */
        {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96",
         "\xE4\xBD\xA0\xE5\xA5\xBD|\xEF\xBC\x8C|\xE4\xB8\x96"},
        /* Arabic with its comma */
        {"\xD9\x85\xD8\xB1\xD8\x8C \xD8\xA7", "\xD9\x85\xD8\xB1|\xD8\x8C|\xD8\xA7"},
        /* Devanagari: vowel signs and virama stay inside, the danda is a mark */
        {"\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80\xE0\xA5\xA4",
         "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8\xE0\xA5\x8D\xE0\xA4\xA6\xE0\xA5\x80|\xE0\xA5\xA4"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        words_are(SENTIMENT_TOKENIZER_WORDS, examples[i][0], examples[i][1]);
}

#define FACE "\xF0\x9F\x98\x80"
#define THUMB "\xF0\x9F\x91\x8D"
#define TONE "\xF0\x9F\x8F\xBD"
#define JOINER "\xE2\x80\x8D"
#define STYLE "\xEF\xB8\x8F"
#define TEXT_STYLE "\xEF\xB8\x8E"
#define KEYCAP "\xE2\x83\xA3"
#define REGION_A "\xF0\x9F\x87\xA6"
#define REGION_B "\xF0\x9F\x87\xA7"
#define HEART "\xE2\x9D\xA4"
#define WOMAN "\xF0\x9F\x91\xA9"
#define FLAG "\xF0\x9F\x8F\xB4"
#define TAG_G "\xF3\xA0\x81\xA7"
#define TAG_END "\xF3\xA0\x81\xBF"
#define UNICODE_15 "\xF0\x9F\xAB\xA8" /* shaking face, not assigned in Unicode 14 */

static void emoji_examples(void **state)
{
    (void)state;
    static const char *const examples[][2] = {
        {"ok" FACE FACE "!", "ok|" FACE "|" FACE "|!"},
        {THUMB TONE TONE "x", THUMB TONE TONE "|x"},
        {"a" TONE, "a|" TONE},
        {HEART STYLE HEART, HEART STYLE "|" HEART},
        {WOMAN JOINER HEART STYLE JOINER WOMAN TONE "a",
         WOMAN JOINER HEART STYLE JOINER WOMAN TONE "|a"},
        {FACE JOINER "a", FACE "|" JOINER "a"},
        {FACE JOINER, FACE "|" JOINER},
        {REGION_A REGION_B REGION_B, REGION_A REGION_B "|" REGION_B},
        {FLAG TAG_G TAG_G TAG_END "a", FLAG TAG_G TAG_G TAG_END "|a"},
        {"1" STYLE KEYCAP "2" KEYCAP, "1" STYLE KEYCAP "|2" KEYCAP},
        {"a12" KEYCAP "b", "a1|2" KEYCAP "|b"},
        {"#" STYLE KEYCAP "*" KEYCAP "#" STYLE, "#" STYLE KEYCAP "|*" KEYCAP "|#" STYLE},
        {"a1" TEXT_STYLE KEYCAP, "a|1" TEXT_STYLE KEYCAP},
        {"1" STYLE "a", "1" STYLE "a"},
        {"a" KEYCAP, "a" KEYCAP},
        {"!" STYLE "!" TONE, "!" STYLE "|!|" TONE},
        {"x" UNICODE_15 UNICODE_15, "x|" UNICODE_15 "|" UNICODE_15},
        {"\xE2\x92\xB6", "\xE2\x93\x90"}, /* circled A has a lower case */
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        words_are(SENTIMENT_TOKENIZER_WORDS, examples[i][0], examples[i][1]);
}

static void golden_texts(void **state)
{
    (void)state;
    FILE *file = fopen(golden_path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0, lines = 0;
    while (getline(&line, &capacity, file) > 0) {
        char *found = NULL, *expected = strstr(line, " = ");
        size_t length;
        assert_non_null(expected);
        *expected = '\0';
        expected += strlen(" = ");
        expected[strcspn(expected, "\n")] = '\0';
        FILE *out = open_memstream(&found, &length);
        assert_non_null(out);
        assert_true(answer(line, out));
        fclose(out);
        if (strcmp(found, expected) != 0)
            fail_msg("%s\nexpected %s\nfound    %s", line, expected, found);
        free(found);
        lines++;
    }
    free(line);
    fclose(file);
    assert_in_range(lines, 1000, 2000);
}

/* A small tokenizer: "good" 7, "!" 3, "\xEF\xBF\xBD" 2, "'" 1. */
static void make_tokenizer(int32_t kind, const sn_memory *memory, sn_tokenizer *out)
{
    static const uint8_t bytes[] = "good!\xEF\xBF\xBD'";
    static const uint64_t offsets[] = {0, 4, 5, 8, 9};
    static const int64_t ids[] = {7, 3, 2, 1};
    out->kind = kind;
    assert_int_equal(sn_vocabulary_build(memory, bytes, offsets, ids, 4, 8, &out->vocabulary, NULL),
                     0);
}

static sentiment_status encode(const sn_tokenizer *tokenizer, const char *text, int32_t policy,
                               sn_tokens *tokens, sentiment_error *error)
{
    return sn_tokenizer_encode(tokenizer, &sn_memory_default, text, strlen(text), policy, tokens,
                               error);
}

static void ids_and_offsets(void **state)
{
    (void)state;
    sn_tokenizer tokenizer;
    sn_tokens tokens = {0};
    make_tokenizer(SENTIMENT_TOKENIZER_WORDS, &sn_memory_default, &tokenizer);
    const char *text = " GOOD\xE2\x80\x99x!";
    assert_int_equal(encode(&tokenizer, text, SENTIMENT_UTF8_STRICT, &tokens, NULL), 0);
    static const int32_t ids[] = {7, 1, SN_UNKNOWN, 3};
    static const uint64_t starts[] = {1, 5, 8, 9}, ends[] = {5, 8, 9, 10};
    assert_int_equal(tokens.count, 4);
    assert_memory_equal(tokens.ids, ids, sizeof ids);
    assert_memory_equal(tokens.starts, starts, sizeof starts);
    assert_memory_equal(tokens.ends, ends, sizeof ends);
    /* An empty text, also without an address, replaces what was there. */
    assert_int_equal(sn_tokenizer_encode(&tokenizer, &sn_memory_default, NULL, 0,
                                         SENTIMENT_UTF8_STRICT, &tokens, NULL),
                     0);
    assert_int_equal(tokens.count, 0);
    sn_tokens_free(&sn_memory_default, &tokens);
    sn_vocabulary_free(&tokenizer.vocabulary);
}

static void invalid_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t offset;
    } cases[] = {
        {"\x80", 0},           {"good \xC0\xAF", 5},        {"a \xE2\x82", 2},
        {"a \xED\xA0\x80", 2}, {"\xF4\x90\x80\x80", 0},     {"good good good good \xFF", 20},
        {"\xC3", 0},           {"\xCE\xA3\xCE\xA3\xCE", 4}, {"\xF0\x9F\x98\x80\xF0\x9F", 4},
    };
    sn_tokenizer tokenizer;
    sn_tokens tokens = {0};
    make_tokenizer(SENTIMENT_TOKENIZER_WHITESPACE, &sn_memory_default, &tokenizer);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        tokens.count = 99;
        assert_int_equal(encode(&tokenizer, cases[i].text, SENTIMENT_UTF8_STRICT, &tokens, &error),
                         SENTIMENT_ERROR_INVALID_UTF8);
        assert_int_equal(error.offset, cases[i].offset);
        assert_non_null(strstr(error.message, "UTF-8"));
        assert_int_equal(tokens.count, 0);
        assert_int_equal(encode(&tokenizer, cases[i].text, SENTIMENT_UTF8_REPLACE, &tokens, NULL),
                         0);
        assert_true(tokens.count > 0);
    }
    /* The replaced byte is the word U+FFFD, at its own offsets. */
    assert_int_equal(encode(&tokenizer, "good \xFF !", SENTIMENT_UTF8_REPLACE, &tokens, NULL), 0);
    assert_int_equal(tokens.count, 3);
    assert_int_equal(tokens.ids[1], 2);
    assert_true(tokens.starts[1] == 5 && tokens.ends[1] == 6);
    sn_tokens_free(&sn_memory_default, &tokens);
    sn_vocabulary_free(&tokenizer.vocabulary);
}

static void wrong_arguments(void **state)
{
    (void)state;
    sn_tokens tokens = {.count = 5};
    sentiment_error error = {.struct_size = sizeof error};
    sn_tokenizer tokenizer = {.kind = SENTIMENT_TOKENIZER_DEFAULT};
    assert_int_equal(encode(&tokenizer, "a", SENTIMENT_UTF8_STRICT, &tokens, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(tokens.count, 0);
    tokenizer.kind = SENTIMENT_TOKENIZER_WORDS;
    assert_int_equal(encode(&tokenizer, "a", 2, &tokens, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "policy 2"));
}

typedef struct stopper {
    size_t words;
    size_t stop_at;
} stopper;

static sentiment_status stop_word(void *user, const uint8_t *bytes, size_t size,
                                  sentiment_error *error)
{
    (void)bytes;
    (void)size;
    stopper *at = user;
    return ++at->words == at->stop_at
               ? sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "stop")
               : SENTIMENT_OK;
}

static void split_stops(void **state)
{
    (void)state;
    stopper at = {0, 2};
    sn_tokens scratch = {0};
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_tokenizer_split(SENTIMENT_TOKENIZER_WORDS, &sn_memory_default, "a b c", 5,
                                        SENTIMENT_UTF8_STRICT, &scratch, stop_word, &at, &error),
                     SENTIMENT_ERROR_CANCELLED);
    assert_string_equal(error.message, "stop");
    assert_int_equal(at.words, 2);
    /* Of a text that is not UTF-8 nobody sees a word. */
    at = (stopper){0, 0};
    assert_int_equal(sn_tokenizer_split(SENTIMENT_TOKENIZER_WORDS, &sn_memory_default, "a b \xFF",
                                        5, SENTIMENT_UTF8_STRICT, &scratch, stop_word, &at, &error),
                     SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(at.words, 0);
    sn_tokens_free(&sn_memory_default, &scratch);
}

/* Σ and a million ignorable characters, in ways that would be quadratic if each
 * sigma searched the text anew; and one word of megabytes. */
static void long_contexts_are_linear(void **state)
{
    (void)state;
    enum { COUNT = 1000000, SIZE = 3 * COUNT };
    static const char *const patterns[] = {"\xCE\xA3'", "\xCE\xA3", "'", "\xCC\x81", "\xFF"};
    static const int32_t kinds[] = {SENTIMENT_TOKENIZER_WHITESPACE, SENTIMENT_TOKENIZER_WORDS};
    sn_tokenizer tokenizer = {0};
    sn_tokens tokens = {0};
    char *text = malloc(SIZE + 4);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        size_t width = strlen(patterns[i]), size = 2;
        memcpy(text, "\xCE\xA3", 2);
        for (; size + width <= SIZE; size += width)
            memcpy(text + size, patterns[i], width);
        memcpy(text + size, "\xCE\xA3", 2);
        for (size_t k = 0; k < 2; k++) {
            tokenizer.kind = kinds[k];
            assert_int_equal(sn_tokenizer_encode(&tokenizer, &sn_memory_default, text, size + 2,
                                                 SENTIMENT_UTF8_REPLACE, &tokens, NULL),
                             0);
            assert_int_equal(tokens.starts[0], 0);
            assert_int_equal(tokens.ends[tokens.count - 1], size + 2);
        }
    }
    free(text);
    sn_tokens_free(&sn_memory_default, &tokens);
}

/* 300 tokens, so that every array grows, with a long word to lower-case. */
static void fill_text(char *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        text[i] = i < 400 ? 'X' : i % 2 ? ' ' : 'G';
    text[size - 1] = '\0';
}

static void memory_runs_out(void **state)
{
    (void)state;
    char text[1001];
    fill_text(text, sizeof text);
    for (size_t fail_at = 1;; fail_at++) {
        counter count = {.fail_at = fail_at};
        sn_memory memory = counting_memory(&count);
        sentiment_error error = {.struct_size = sizeof error};
        const sn_tokenizer tokenizer = {.kind = SENTIMENT_TOKENIZER_WORDS};
        sn_tokens tokens = {0};
        sentiment_status status = sn_tokenizer_encode(&tokenizer, &memory, text, strlen(text),
                                                      SENTIMENT_UTF8_STRICT, &tokens, &error);
        _Bool failed = count.calls >= fail_at;
        assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
        assert_int_equal(tokens.count, failed ? 0 : 300);
        /* The scratch is whole: the next text finds its memory. */
        count.fail_at = 0;
        assert_int_equal(sn_tokenizer_encode(&tokenizer, &memory, text, strlen(text),
                                             SENTIMENT_UTF8_STRICT, &tokens, &error),
                         0);
        assert_int_equal(tokens.count, 300);
        sn_tokens_free(&memory, &tokens);
        assert_int_equal(count.live, 0);
        if (!failed)
            break;
        assert_in_range(fail_at, 1, 20);
    }
}

static void split_runs_out_of_memory(void **state)
{
    (void)state;
    counter count = {.fail_at = 1};
    sn_memory memory = counting_memory(&count);
    sn_tokens scratch = {0};
    stopper at = {0};
    assert_int_equal(sn_tokenizer_split(SENTIMENT_TOKENIZER_WORDS, &memory, "a B c", 5,
                                        SENTIMENT_UTF8_STRICT, &scratch, stop_word, &at, NULL),
                     SENTIMENT_ERROR_OUT_OF_MEMORY);
    assert_int_equal(at.words, 1);
    sn_tokens_free(&memory, &scratch);
    assert_int_equal(count.live, 0);
}

static void warm_scratch_allocates_nothing(void **state)
{
    (void)state;
    char text[1001];
    fill_text(text, sizeof text);
    counter count = {0};
    sn_memory memory = counting_memory(&count);
    const sn_tokenizer tokenizer = {.kind = SENTIMENT_TOKENIZER_WHITESPACE};
    sn_tokens tokens = {0};
    for (size_t size = strlen(text), round = 0; round < 3; round++, size -= 100) {
        assert_int_equal(sn_tokenizer_encode(&tokenizer, &memory, text, size, SENTIMENT_UTF8_STRICT,
                                             &tokens, NULL),
                         0);
        if (round == 0)
            assert_true(count.calls > 0);
        else
            assert_int_equal(count.calls, 0);
        count.calls = 0;
    }
    sn_tokens_free(&memory, &tokens);
    assert_int_equal(count.live, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    golden_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whitespace_examples),
        cmocka_unit_test(words_examples),
        cmocka_unit_test(emoji_examples),
        cmocka_unit_test(golden_texts),
        cmocka_unit_test(ids_and_offsets),
        cmocka_unit_test(invalid_utf8),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(split_stops),
        cmocka_unit_test(long_contexts_are_linear),
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(split_runs_out_of_memory),
        cmocka_unit_test(warm_scratch_allocates_nothing),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
