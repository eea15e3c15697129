/* SPDX-License-Identifier: Apache-2.0
 *
 * BPE against the definition, done step by step, for pieces of every length
 * around the border between its two ways; WordPiece at its limits; and words of
 * a million bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/bpe.h"
#include "text/wordpiece.h"

enum { WORDS = 400, MERGES = 300 };

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* Words made of the letters a to e: the letters, then the words of merges. */
typedef struct sample {
    uint8_t bytes[WORDS * 64];
    uint64_t offsets[WORDS + 1];
    size_t count;
    sn_merge merges[MERGES];
    size_t merge_count;
    sn_vocabulary vocabulary;
    sn_lexicon lexicon;
    sn_bpe bpe;
} sample;

static sn_slice word_of(const sample *made, size_t word)
{
    return (sn_slice){made->bytes + made->offsets[word],
                      (size_t)(made->offsets[word + 1] - made->offsets[word])};
}

static void add_word(sample *made, const uint8_t *bytes, size_t size)
{
    memcpy(made->bytes + made->offsets[made->count], bytes, size);
    made->offsets[made->count + 1] = made->offsets[made->count] + size;
    made->count++;
}

static size_t find_word(const sample *made, const uint8_t *bytes, size_t size)
{
    size_t i = 0;
    while (i < made->count &&
           (word_of(made, i).size != size || memcmp(word_of(made, i).data, bytes, size) != 0))
        i++;
    return i;
}

/* Random merges, most of them of short words; some are there twice. */
static void make_sample(sample *made)
{
    *made = (sample){.count = 0};
    for (size_t i = 0; i < 5; i++)
        add_word(made, (const uint8_t *)"abcde" + i, 1);
    for (size_t wanted = draw(MERGES); made->merge_count < wanted;) {
        uint8_t joined[64];
        uint32_t limit = draw(3) ? (uint32_t)made->count : 5;
        uint32_t left = draw(limit), right = draw(limit);
        sn_slice a = word_of(made, left), b = word_of(made, right);
        if (a.size + b.size > sizeof joined)
            continue;
        memcpy(joined, a.data, a.size);
        memcpy(joined + a.size, b.data, b.size);
        size_t word = find_word(made, joined, a.size + b.size);
        if (word == made->count)
            add_word(made, joined, a.size + b.size);
        made->merges[made->merge_count++] =
            (sn_merge){.pair = (uint64_t)left << 32 | right, .id = (int32_t)word};
    }
    assert_int_equal(sn_vocabulary_build(&sn_memory_default, made->bytes, made->offsets, NULL,
                                         made->count, INT32_MAX, &made->vocabulary, NULL),
                     0);
    made->lexicon = (sn_lexicon){&made->vocabulary, (int32_t)made->count, 0};
}

static void build(sample *made, const sn_bpe_options *options)
{
    assert_int_equal(sn_bpe_build(&sn_memory_default, &made->lexicon, options, made->merges,
                                  made->merge_count, &made->bpe, NULL),
                     0);
}

static void free_sample(sample *made)
{
    sn_bpe_free(&sn_memory_default, &made->bpe);
    sn_vocabulary_free(&made->vocabulary);
}

/* Merges the leftmost pair of the lowest rank, as long as there is one; of a pair
 * that is there twice the last rank counts. `merges` as they were given. */
static size_t merge_by_definition(const sn_merge *merges, size_t merge_count, int32_t *ids,
                                  size_t count)
{
    for (;;) {
        size_t best = merge_count, place = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            uint64_t pair = (uint64_t)(uint32_t)ids[i] << 32 | (uint32_t)ids[i + 1];
            size_t rank = merge_count;
            while (rank-- > 0 && merges[rank].pair != pair)
                ;
            if (rank < best) {
                best = rank;
                place = i;
            }
        }
        if (best == merge_count)
            return count;
        ids[place] = merges[best].id;
        memmove(ids + place + 1, ids + place + 2, (count - place - 2) * sizeof *ids);
        count--;
    }
}

static void bpe_by_definition(void **state)
{
    (void)state;
    static sample made;
    sn_bpe_scratch scratch = {0};
    const sn_bpe_options options = {.unknown = -1};
    for (uint32_t round = 0; round < 30; round++) {
        sn_merge given[MERGES];
        uint8_t piece[130];
        int32_t ids[130];
        seed = round;
        make_sample(&made);
        memcpy(given, made.merges, sizeof given);
        build(&made, &options);
        for (size_t size = 0; size <= sizeof piece; size += size < 60 ? 3 : 7) {
            for (size_t i = 0; i < size; i++) {
                ids[i] = (int32_t)draw(5);
                piece[i] = (uint8_t)('a' + ids[i]);
            }
            size_t count = merge_by_definition(given, made.merge_count, ids, size);
            assert_true(sn_bpe_encode(&made.bpe, &made.lexicon, &sn_memory_default, piece, size,
                                      &scratch));
            assert_int_equal(scratch.symbols.count, count);
            for (size_t i = 0, at = 0; i < count; i++) {
                const sn_symbol *symbol = &scratch.symbols.items[i];
                assert_int_equal(symbol->id, ids[i]);
                assert_int_equal(symbol->size, word_of(&made, (size_t)ids[i]).size);
                assert_memory_equal(piece + at, word_of(&made, (size_t)ids[i]).data, symbol->size);
                at += symbol->size;
            }
        }
        free_sample(&made);
    }
    sn_bpe_scratch_free(&sn_memory_default, &scratch);
}

/* The mark of a whole word says what encoding it says. */
static void bpe_whole_words(void **state)
{
    (void)state;
    static sample made;
    sn_bpe_scratch scratch = {0};
    size_t whole = 0, parted = 0;
    for (uint32_t round = 100; round < 120; round++) {
        seed = round;
        make_sample(&made);
        build(&made, &(sn_bpe_options){.unknown = -1});
        for (size_t i = 0; i < made.count; i++) {
            sn_slice word = word_of(&made, i);
            assert_true(sn_bpe_encode(&made.bpe, &made.lexicon, &sn_memory_default, word.data,
                                      word.size, &scratch));
            _Bool is_whole = scratch.symbols.count == 1;
            assert_int_equal(sn_bpe_is_whole(&made.bpe, (int32_t)i), is_whole);
            whole += is_whole;
            parted += !is_whole;
        }
        free_sample(&made);
    }
    assert_in_range(whole, 500, 10000);
    assert_in_range(parted, 50, 10000);
    sn_bpe_scratch_free(&sn_memory_default, &scratch);
}

/* "a" merges with itself again and again: 2^19 letters and one, in one token and
 * what is left, in n log n steps. */
static void bpe_of_a_million_bytes(void **state)
{
    (void)state;
    enum { LEVELS = 6, SIZE = 1000000 };
    static sample made;
    sn_bpe_scratch scratch = {0};
    uint8_t *piece = malloc(SIZE);
    assert_non_null(piece);
    memset(piece, 'a', SIZE);
    made = (sample){.count = 0};
    for (size_t i = 0; i < LEVELS; i++) {
        add_word(&made, piece, (size_t)1 << i);
        if (i > 0)
            made.merges[made.merge_count++] =
                (sn_merge){.pair = (uint64_t)(i - 1) << 32 | (i - 1), .id = (int32_t)i};
    }
    assert_int_equal(sn_vocabulary_build(&sn_memory_default, made.bytes, made.offsets, NULL,
                                         made.count, INT32_MAX, &made.vocabulary, NULL),
                     0);
    made.lexicon = (sn_lexicon){&made.vocabulary, LEVELS, 0};
    build(&made, &(sn_bpe_options){.unknown = -1});
    for (size_t size = SIZE - 1; size <= SIZE; size++) {
        size_t rest = size % 32;
        assert_true(sn_bpe_encode(&made.bpe, &made.lexicon, &sn_memory_default, piece, size,
                                  &scratch));
        for (size_t i = 0; i < size / 32; i++)
            assert_int_equal(scratch.symbols.items[i].id, LEVELS - 1);
        assert_int_equal(scratch.symbols.count,
                         size / 32 + (size_t)__builtin_popcountll((unsigned long long)rest));
    }
    free_sample(&made);
    sn_bpe_scratch_free(&sn_memory_default, &scratch);
    free(piece);
}

static void build_wordpiece(const char *const *words, size_t count, const char *prefix,
                            uint64_t max_chars, sn_vocabulary *vocabulary, sn_wordpiece *out)
{
    uint8_t bytes[200];
    uint64_t offsets[20] = {0};
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + offsets[i], words[i], strlen(words[i]));
        offsets[i + 1] = offsets[i] + strlen(words[i]);
    }
    assert_int_equal(sn_vocabulary_build(&sn_memory_default, bytes, offsets, NULL, count, 20,
                                         vocabulary, NULL),
                     0);
    const sn_lexicon lexicon = {vocabulary, (int32_t)count, 0};
    const sn_slice slice = {(const uint8_t *)prefix, strlen(prefix)};
    assert_int_equal(
        sn_wordpiece_build(&sn_memory_default, &lexicon, slice, max_chars, out, NULL), 0);
}

/* Tokens of a word, none if it is unknown. */
static size_t wordpiece_ids(const sn_wordpiece *model, const sn_vocabulary *vocabulary,
                            const char *word, size_t size, sn_symbols *symbols)
{
    const sn_lexicon lexicon = {vocabulary, (int32_t)vocabulary->count, 0};
    assert_true(sn_wordpiece_encode(model, &lexicon, &sn_memory_default, (const uint8_t *)word,
                                    size, symbols));
    return symbols->count;
}

static void wordpiece(void **state)
{
    (void)state;
    /* The empty word and the prefix alone are in no text. */
    static const char *const words[] = {"",    "##",  "un",   "##believ", "##able", "unb",
                                        "##a", "##b", "##ab", "#",        "##un"};
    sn_vocabulary vocabulary;
    sn_wordpiece model;
    sn_symbols symbols = {0};
    build_wordpiece(words, sizeof words / sizeof *words, "##", 10, &vocabulary, &model);
    assert_int_equal(wordpiece_ids(&model, &vocabulary, "ununbelievable", 14, &symbols), 4);
    static const int32_t ids[] = {2, 10, 3, 4};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(symbols.items[i].id, ids[i]);
    /* The longest beginning decides, even where a shorter one would lead further. */
    assert_int_equal(wordpiece_ids(&model, &vocabulary, "unbelievable", 12, &symbols), 0);
    assert_int_equal(wordpiece_ids(&model, &vocabulary, "unbabab", 7, &symbols), 3);
    /* A text may hold the prefix itself. */
    assert_int_equal(wordpiece_ids(&model, &vocabulary, "##un", 4, &symbols), 1);
    assert_int_equal(wordpiece_ids(&model, &vocabulary, "un##", 4, &symbols), 0);
    /* Characters are counted, not bytes. */
    static const char accents[] = "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
                                  "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9x";
    assert_false(sn_wordpiece_is_long(&model, (const uint8_t *)accents, 20));
    assert_true(sn_wordpiece_is_long(&model, (const uint8_t *)accents, 21));
    sn_free(&sn_memory_default, symbols.items);
    sn_wordpiece_free(&sn_memory_default, &model);
    sn_vocabulary_free(&vocabulary);
}

static void wordpiece_of_a_million_bytes(void **state)
{
    (void)state;
    static const char *const words[] = {"a", "##a", "##aaaaaaaaaaaaaaaab"};
    enum { SIZE = 1000000 };
    sn_vocabulary vocabulary;
    sn_wordpiece model;
    sn_symbols symbols = {0};
    char *word = malloc(SIZE);
    assert_non_null(word);
    memset(word, 'a', SIZE);
    build_wordpiece(words, 3, "##", UINT64_MAX, &vocabulary, &model);
    assert_int_equal(wordpiece_ids(&model, &vocabulary, word, SIZE, &symbols), SIZE);
    word[SIZE - 1] = 'b';
    assert_int_equal(wordpiece_ids(&model, &vocabulary, word, SIZE, &symbols), SIZE - 16);
    word[SIZE - 1] = 'c';
    assert_int_equal(wordpiece_ids(&model, &vocabulary, word, SIZE, &symbols), 0);
    sn_free(&sn_memory_default, symbols.items);
    sn_wordpiece_free(&sn_memory_default, &model);
    sn_vocabulary_free(&vocabulary);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bpe_by_definition),
        cmocka_unit_test(bpe_whole_words),
        cmocka_unit_test(bpe_of_a_million_bytes),
        cmocka_unit_test(wordpiece),
        cmocka_unit_test(wordpiece_of_a_million_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
