/* SPDX-License-Identifier: Apache-2.0
 *
 * The vocabulary: lookups both ways, bad indexes, duplicates, words made to
 * collide, and memory that runs out. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

enum { MAX_WORDS = 16 };

/* Builds from strings; ids == NULL: the position. */
static sentiment_status build(const char *const *words, const int64_t *ids, size_t count,
                              uint64_t limit, sn_vocabulary *out, sentiment_error *error)
{
    uint8_t bytes[1024];
    uint64_t offsets[MAX_WORDS + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);
        offsets[i + 1] = offsets[i] + size;
        memcpy(bytes + offsets[i], words[i], size);
    }
    return sn_vocabulary_build(&sn_memory_default, bytes, offsets, ids, count, limit, out, error);
}

static int32_t find(const sn_vocabulary *vocabulary, const char *word)
{
    return sn_vocabulary_find(vocabulary, (const uint8_t *)word, strlen(word));
}

static void word_is(const sn_vocabulary *vocabulary, int32_t id, const char *expected)
{
    size_t size = 99;
    const uint8_t *word = sn_vocabulary_word(vocabulary, id, &size);
    if (!expected) {
        assert_null(word);
        return;
    }
    assert_non_null(word);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(word, expected, size);
}

static void finds_both_ways(void **state)
{
    (void)state;
    /* An empty word, a lone surrogate, prefixes of each other, two with id 4. */
    static const char *const words[] = {"good", "", "goo", "\xED\xA0\x80", "a longer word than 16",
                                        "bad"};
    static const int64_t ids[] = {4, 9, 0, 7, 4, 5};
    sn_vocabulary vocabulary;
    assert_int_equal(build(words, ids, 6, 10, &vocabulary, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(find(&vocabulary, words[i]), ids[i]);
    static const char *const absent[] = {"Good", "go", "goods", "\xED\xA0",
                                         "a longer word than 17"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(find(&vocabulary, absent[i]), -1);
    word_is(&vocabulary, 4, "good"); /* the first of the two */
    word_is(&vocabulary, 0, "goo");
    word_is(&vocabulary, 9, "");
    word_is(&vocabulary, 5, "bad");
    word_is(&vocabulary, 1, NULL);
    word_is(&vocabulary, 10, NULL);
    word_is(&vocabulary, -1, NULL);
    assert_true(sn_vocabulary_bytes(&vocabulary) > sizeof(uint64_t) * 7);
    sn_vocabulary_free(&vocabulary);
    assert_null(vocabulary.bytes);
    sn_vocabulary_free(&vocabulary);
    sn_vocabulary_free(NULL);
}

static void positions_as_ids(void **state)
{
    (void)state;
    static const char *const words[] = {"z", "y", "x"};
    sn_vocabulary vocabulary;
    assert_int_equal(build(words, NULL, 3, 3, &vocabulary, NULL), 0);
    assert_int_equal(find(&vocabulary, "x"), 2);
    word_is(&vocabulary, 0, "z");
    sn_vocabulary_free(&vocabulary);
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(build(words, NULL, 3, 2, &vocabulary, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_string_equal(error.message, "word 'x' has index 2, outside the embedding's 2 rows");
}

static void empty_vocabulary(void **state)
{
    (void)state;
    sn_vocabulary vocabulary, zero = {0};
    assert_int_equal(
        sn_vocabulary_build(&sn_memory_default, NULL, NULL, NULL, 0, 0, &vocabulary, NULL), 0);
    assert_int_equal(find(&vocabulary, "a"), -1);
    assert_int_equal(find(&vocabulary, ""), -1);
    word_is(&vocabulary, 0, NULL);
    sn_vocabulary_free(&vocabulary);
    assert_int_equal(find(&zero, "a"), -1);
    word_is(&zero, 0, NULL);
    assert_int_equal(sn_vocabulary_bytes(&zero), 0);
}

/* A slice of a larger area: the first offset need not be 0. */
static void offsets_from_anywhere(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {2, 4, 5};
    sn_vocabulary vocabulary;
    assert_int_equal(sn_vocabulary_build(&sn_memory_default, (const uint8_t *)"xxabcd", offsets,
                                         NULL, 2, 2, &vocabulary, NULL),
                     0);
    assert_int_equal(find(&vocabulary, "ab"), 0);
    assert_int_equal(find(&vocabulary, "c"), 1);
    sn_vocabulary_free(&vocabulary);
}

static void offsets_backwards(void **state)
{
    (void)state;
    static const uint64_t cases[][4] = {
        {0, 2, 1, 3}, {0, UINT64_MAX, 1, 2}, {5, 0, 1, 2}, {0, 1, 2, UINT64_MAX}};
    for (size_t i = 0; i < 4; i++) {
        sn_vocabulary vocabulary = {0};
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(sn_vocabulary_build(&sn_memory_default, (const uint8_t *)"abcdef",
                                             cases[i], NULL, 3, 3, &vocabulary, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_non_null(strstr(error.message, "offsets"));
        assert_null(vocabulary.bytes);
    }
}

static void refuses_bad_indexes(void **state)
{
    (void)state;
    static const char *const words[] = {"fine", "b\xC3\xA9\n"};
    static const struct {
        int64_t id;
        uint64_t limit;
        const char *message;
    } cases[] = {
        {-1, 9, "word 'b\xC3\xA9\\x0A' has index -1, outside the embedding's 9 rows"},
        {9, 9, "word 'b\xC3\xA9\\x0A' has index 9, outside the embedding's 9 rows"},
        {INT64_MIN, 9,
         "word 'b\xC3\xA9\\x0A' has index -9223372036854775808, outside the embedding's 9 rows"},
        {INT64_MAX, UINT64_MAX,
         "word 'b\xC3\xA9\\x0A' has index 9223372036854775807, outside the embedding's "
         "2147483648 rows"},
        {INT64_C(1) << 32, 9,
         "word 'b\xC3\xA9\\x0A' has index 4294967296, outside the embedding's 9 rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t ids[] = {0, cases[i].id};
        sn_vocabulary vocabulary = {0};
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(build(words, ids, 2, cases[i].limit, &vocabulary, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_string_equal(error.message, cases[i].message);
        assert_null(vocabulary.bytes);
    }
    const int64_t largest[] = {0, INT32_MAX};
    sn_vocabulary vocabulary;
    assert_int_equal(build(words, largest, 2, UINT64_MAX, &vocabulary, NULL), 0);
    assert_int_equal(find(&vocabulary, words[1]), INT32_MAX);
    sn_vocabulary_free(&vocabulary);
}

static void refuses_duplicates(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"a", "b", "a"}, {"", "x", ""}, {"q", "same", "same"}};
    static const char *const messages[] = {
        "word 'a' is in the vocabulary twice, as numbers 0 and 2",
        "word '' is in the vocabulary twice, as numbers 0 and 2",
        "word 'same' is in the vocabulary twice, as numbers 1 and 2"};
    for (size_t i = 0; i < 3; i++) {
        sn_vocabulary vocabulary = {0};
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(build(cases[i], NULL, 3, 3, &vocabulary, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_string_equal(error.message, messages[i]);
    }
}

/* A list of words of up to 16 bytes. */
typedef struct list {
    uint8_t *bytes;
    uint64_t *offsets;
    int64_t *ids;
    size_t count;
} list;

static list list_make(size_t count)
{
    list words = {malloc(16 * count), malloc((count + 1) * sizeof(uint64_t)),
                  malloc(count * sizeof(int64_t)), count};
    assert_true(words.bytes && words.offsets && words.ids);
    words.offsets[0] = 0;
    return words;
}

static void list_free(list *words)
{
    free(words->bytes);
    free(words->offsets);
    free(words->ids);
}

static sentiment_status list_build(const list *words, sn_vocabulary *out)
{
    return sn_vocabulary_build(&sn_memory_default, words->bytes, words->offsets, words->ids,
                               words->count, words->count, out, NULL);
}

static void list_check(const list *words, const sn_vocabulary *vocabulary)
{
    for (size_t i = 0; i < words->count; i++) {
        size_t size = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        const uint8_t *word = words->bytes + words->offsets[i];
        assert_int_equal(sn_vocabulary_find(vocabulary, word, size), words->ids[i]);
        size_t found_size = 0;
        const uint8_t *found = sn_vocabulary_word(vocabulary, (int32_t)words->ids[i], &found_size);
        assert_int_equal(found_size, size);
        assert_memory_equal(found, word, size);
    }
}

static size_t largest_bucket(const sn_vocabulary *vocabulary)
{
    size_t largest = 0;
    for (size_t b = 0; b < vocabulary->bucket_count; b++) {
        size_t size = vocabulary->buckets[b + 1] - vocabulary->buckets[b];
        largest = size > largest ? size : largest;
    }
    return largest;
}

static void many_words(void **state)
{
    (void)state;
    list words = list_make(200000);
    for (size_t i = 0; i < words.count; i++) {
        char word[17];
        int size = snprintf(word, sizeof word, "w%zu", i * 7919);
        memcpy(words.bytes + words.offsets[i], word, (size_t)size);
        words.offsets[i + 1] = words.offsets[i] + (uint64_t)size;
        words.ids[i] = (int64_t)(i * 77773 % words.count); /* a permutation */
    }
    sn_vocabulary vocabulary;
    assert_int_equal(list_build(&words, &vocabulary), 0);
    list_check(&words, &vocabulary);
    /* Ordinary words spread: a random spread of this many reaches 8 or 9. */
    assert_in_range(largest_bucket(&vocabulary), 1, 16);
    assert_int_equal(find(&vocabulary, "w1"), -1);
    sn_vocabulary_free(&vocabulary);
    list_free(&words);
}

/* The hash of vocabulary.c, to make words of 16 bytes with one and the same. */
static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9E3779B97F4A7C15);
    value ^= value >> 32;
    value *= UINT64_C(0xD6E8FEB86659FD93);
    return value ^ value >> 32;
}

static void colliding_words(void **state)
{
    (void)state;
    list words = list_make(300000);
    for (size_t i = 0; i < words.count; i++) {
        uint64_t first = i, second = mix(16 ^ first) ^ UINT64_C(0x5EED);
        memcpy(words.bytes + 16 * i, &first, 8);
        memcpy(words.bytes + 16 * i + 8, &second, 8);
        words.offsets[i + 1] = 16 * (i + 1);
        words.ids[i] = (int64_t)(words.count - 1 - i);
    }
    sn_vocabulary vocabulary;
    assert_int_equal(list_build(&words, &vocabulary), 0);
    assert_int_equal(largest_bucket(&vocabulary), words.count); /* else this tests nothing */
    list_check(&words, &vocabulary);
    sn_vocabulary_free(&vocabulary);
    /* A duplicate among them is found as well. */
    memcpy(words.bytes + 16 * 12345, words.bytes + 16 * 299999, 16);
    assert_int_equal(list_build(&words, &vocabulary), SENTIMENT_ERROR_BAD_MODEL);
    list_free(&words);
}

/* A word and a longer one that begins with it, with one hash: size decides. */
static void colliding_prefix(void **state)
{
    (void)state;
    uint64_t first = 42, second = 8 ^ first ^ mix(16 ^ first);
    uint8_t word[16];
    memcpy(word, &first, 8);
    memcpy(word + 8, &second, 8);
    static const size_t sizes[] = {8, 16};
    for (size_t i = 0; i < 2; i++) {
        const uint64_t offsets[] = {0, sizes[i]};
        sn_vocabulary vocabulary;
        assert_int_equal(
            sn_vocabulary_build(&sn_memory_default, word, offsets, NULL, 1, 1, &vocabulary, NULL),
            0);
        assert_int_equal(sn_vocabulary_find(&vocabulary, word, sizes[i]), 0);
        assert_int_equal(sn_vocabulary_find(&vocabulary, word, sizes[1 - i]), -1);
        sn_vocabulary_free(&vocabulary);
    }
}

/* The same two words in one vocabulary are no duplicates. */
static void colliding_prefixes_are_two(void **state)
{
    (void)state;
    uint64_t first = 42, second = 8 ^ first ^ mix(16 ^ first);
    uint8_t bytes[24];
    static const uint64_t offsets[] = {0, 8, 24};
    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &first, 8);
    memcpy(bytes + 16, &second, 8);
    sn_vocabulary vocabulary;
    assert_int_equal(
        sn_vocabulary_build(&sn_memory_default, bytes, offsets, NULL, 2, 2, &vocabulary, NULL), 0);
    assert_int_equal(largest_bucket(&vocabulary), 2);
    assert_int_equal(sn_vocabulary_find(&vocabulary, bytes, 8), 0);
    assert_int_equal(sn_vocabulary_find(&vocabulary, bytes + 8, 16), 1);
    sn_vocabulary_free(&vocabulary);
}

/* Words of one size that differ in one place spread over the buckets. */
static void every_place_spreads(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 12; size++) {
        for (size_t place = 0; place < size; place++) {
            uint8_t bytes[256 * 12];
            uint64_t offsets[257] = {0};
            memset(bytes, 'a', sizeof bytes);
            for (size_t i = 0; i < 256; i++) {
                bytes[i * size + place] = (uint8_t)i;
                offsets[i + 1] = (i + 1) * size;
            }
            sn_vocabulary vocabulary;
            assert_int_equal(sn_vocabulary_build(&sn_memory_default, bytes, offsets, NULL, 256, 256,
                                                 &vocabulary, NULL),
                             0);
            assert_in_range(largest_bucket(&vocabulary), 1, 16);
            sn_vocabulary_free(&vocabulary);
        }
    }
}

/* Every size of word up to 40, each byte of it telling words apart. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 40; size++) {
        uint8_t bytes[40 * 41] = {0};
        uint64_t offsets[42] = {0};
        for (size_t i = 0; i <= size; i++) {
            if (i > 0)
                bytes[i * size + i - 1] = 1;
            offsets[i + 1] = (i + 1) * size;
        }
        sn_vocabulary vocabulary;
        assert_int_equal(sn_vocabulary_build(&sn_memory_default, bytes, offsets, NULL, size + 1,
                                             size + 1, &vocabulary, NULL),
                         0);
        for (size_t i = 0; i <= size; i++)
            assert_int_equal(sn_vocabulary_find(&vocabulary, bytes + i * size, size), (int32_t)i);
        assert_in_range(largest_bucket(&vocabulary), 1, 8);
        sn_vocabulary_free(&vocabulary);
    }
}

static void memory_runs_out(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 1, 2, 3};
    for (size_t fail_at = 1;; fail_at++) {
        counter count = {.fail_at = fail_at};
        sn_memory memory = counting_memory(&count);
        sn_vocabulary vocabulary = {0};
        sentiment_status status = sn_vocabulary_build(&memory, (const uint8_t *)"abc", offsets,
                                                      NULL, 3, 3, &vocabulary, NULL);
        _Bool failed = count.calls >= fail_at;
        assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
        assert_int_equal(count.live == 0, failed);
        sn_vocabulary_free(&vocabulary);
        assert_int_equal(count.live, 0);
        if (!failed)
            break;
        assert_in_range(fail_at, 1, 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_both_ways),
        cmocka_unit_test(positions_as_ids),
        cmocka_unit_test(empty_vocabulary),
        cmocka_unit_test(offsets_from_anywhere),
        cmocka_unit_test(offsets_backwards),
        cmocka_unit_test(refuses_bad_indexes),
        cmocka_unit_test(refuses_duplicates),
        cmocka_unit_test(many_words),
        cmocka_unit_test(colliding_words),
        cmocka_unit_test(colliding_prefix),
        cmocka_unit_test(colliding_prefixes_are_two),
        cmocka_unit_test(every_place_spreads),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests_name("vocabulary", tests, NULL, NULL);
}
