/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting words: the order of the vocabulary, its limits, its growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/train_words.h"
#include "support/faulty_allocator.h"

static void add(sn_word_counts *counts, const char *word, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(sn_word_counts_add(counts, (const uint8_t *)word, strlen(word), NULL),
                         SENTIMENT_OK);
}

static int32_t id_of(const sn_vocabulary *vocabulary, const char *word)
{
    return sn_vocabulary_find(vocabulary, (const uint8_t *)word, strlen(word));
}

static void test_order(void **state)
{
    (void)state;
    sn_word_counts counts = {.memory = &sn_memory_default};
    sn_vocabulary vocabulary;
    add(&counts, "rare", 1);
    add(&counts, "b", 2);
    add(&counts, "ab", 2);
    add(&counts, "a", 2);
    add(&counts, "\xc3\xa9", 2);
    add(&counts, "often", 9);
    assert_int_equal(sn_word_counts_vocabulary(&counts, 2, 100, &vocabulary, NULL), SENTIMENT_OK);
    assert_int_equal(vocabulary.count, 5);
    assert_int_equal(id_of(&vocabulary, "often"), 1);
    assert_int_equal(id_of(&vocabulary, "a"), 2);
    assert_int_equal(id_of(&vocabulary, "ab"), 3);
    assert_int_equal(id_of(&vocabulary, "b"), 4);
    assert_int_equal(id_of(&vocabulary, "\xc3\xa9"), 5);
    assert_int_equal(id_of(&vocabulary, "rare"), -1);
    size_t size;
    assert_null(sn_vocabulary_word(&vocabulary, 0, &size));
    sn_vocabulary_free(&vocabulary);

    /* The unknown word at 0 counts too. */
    assert_int_equal(sn_word_counts_vocabulary(&counts, 1, 3, &vocabulary, NULL), SENTIMENT_OK);
    assert_int_equal(vocabulary.count, 2);
    assert_int_equal(id_of(&vocabulary, "a"), 2);
    assert_int_equal(id_of(&vocabulary, "ab"), -1);
    sn_vocabulary_free(&vocabulary);

    assert_int_equal(sn_word_counts_vocabulary(&counts, 10, 3, &vocabulary, NULL), SENTIMENT_OK);
    assert_int_equal(vocabulary.count, 0);
    sn_vocabulary_free(&vocabulary);
    sn_word_counts_free(&counts);
}

/* Words 0 to count-1, word i occurring once in each round up to i. */
static sentiment_status count_numbers(sn_word_counts *counts, unsigned count, unsigned rounds)
{
    sentiment_status status = SENTIMENT_OK;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < count && status == SENTIMENT_OK; i++) {
            char word[16];
            int size = snprintf(word, sizeof word, "%u", i);
            if (i >= round)
                status = sn_word_counts_add(counts, (const uint8_t *)word, (size_t)size, NULL);
        }
    return status;
}

static void test_many_words(void **state)
{
    (void)state;
    sn_word_counts counts = {.memory = &sn_memory_default};
    sn_vocabulary vocabulary;
    assert_int_equal(count_numbers(&counts, 5000, 4), SENTIMENT_OK);
    assert_int_equal(counts.count, 5000);
    assert_int_equal(sn_word_counts_vocabulary(&counts, 3, 100000, &vocabulary, NULL),
                     SENTIMENT_OK);
    assert_int_equal(vocabulary.count, 4998);
    assert_int_equal(id_of(&vocabulary, "2"), 4998);
    assert_int_equal(id_of(&vocabulary, "1"), -1);
    sn_vocabulary_free(&vocabulary);
    sn_word_counts_free(&counts);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        const sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_word_counts counts = {.memory = &memory};
        sn_vocabulary vocabulary = {0};
        sentiment_status status = count_numbers(&counts, 3000, 1);
        if (status == SENTIMENT_OK)
            status = sn_word_counts_vocabulary(&counts, 1, 4000, &vocabulary, NULL);
        sn_vocabulary_free(&vocabulary);
        sn_word_counts_free(&counts);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_many_words),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
