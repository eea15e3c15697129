/* SPDX-License-Identifier: Apache-2.0
 *
 * The trie, forwards and backwards, against looking at every string; added
 * tokens in texts; and shapes that would take quadratic time if it were done
 * the simple way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/added_tokens.h"

enum { STRINGS = 40, TEXT = 300 };

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void fill(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)"ab\xC3\xFF"[draw(4) ? draw(2) : draw(4)];
}

static _Bool is_there(const sn_slice *strings, size_t count, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strings[i].size == size && memcmp(strings[i].data, bytes, size) == 0)
            return 1;
    return 0;
}

/* Different random strings; returns how many. */
static size_t make_strings(uint8_t (*bytes)[12], sn_slice *strings)
{
    size_t count = 0, wanted = draw(STRINGS) + 1;
    for (size_t i = 0; i < wanted; i++) {
        size_t size = draw(draw(2) ? 3 : 10) + 1;
        fill(bytes[count], size);
        if (!is_there(strings, count, bytes[count], size)) {
            strings[count] = (sn_slice){bytes[count], size};
            count++;
        }
    }
    return count;
}

/* The longest string that the bytes begin with, by looking at all of them. */
static uint32_t longest_of(const sn_slice *strings, size_t count, const uint8_t *bytes, size_t left)
{
    uint32_t found = SN_TRIE_NONE;
    for (uint32_t i = 0; i < count; i++)
        if (strings[i].size <= left && memcmp(strings[i].data, bytes, strings[i].size) == 0 &&
            (found == SN_TRIE_NONE || strings[i].size > strings[found].size))
            found = i;
    return found;
}

static void finds_the_longest(void **state)
{
    (void)state;
    uint8_t bytes[STRINGS][12], text[TEXT];
    sn_slice strings[STRINGS];
    size_t twins[2], hits = 0;
    for (seed = 1; seed < 200000000; seed += 1000003) {
        uint32_t start = seed;
        size_t count = make_strings(bytes, strings);
        sn_trie forward, backward;
        assert_int_equal(
            sn_trie_build(&sn_memory_default, strings, count, 0, &forward, twins, NULL), 0);
        assert_int_equal(
            sn_trie_build(&sn_memory_default, strings, count, 1, &backward, twins, NULL), 0);
        fill(text, sizeof text);
        uint32_t node = 0;
        for (size_t i = sizeof text; i-- > 0;) {
            size_t length = 0;
            uint32_t expected = longest_of(strings, count, text + i, sizeof text - i);
            assert_int_equal(sn_trie_longest(&forward, text + i, sizeof text - i, &length),
                             expected);
            node = sn_trie_step(&backward, node, text[i]);
            assert_int_equal(node ? backward.nodes[node].value : SN_TRIE_NONE, expected);
            if (expected != SN_TRIE_NONE)
                assert_int_equal(length, strings[expected].size);
            hits += expected != SN_TRIE_NONE;
        }
        sn_trie_free(&sn_memory_default, &forward);
        sn_trie_free(&sn_memory_default, &backward);
        seed = start;
    }
    assert_in_range(hits, 10000, 100000);
}

static void twins_and_none(void **state)
{
    (void)state;
    const sn_slice strings[] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"abc", 3},
                                {(const uint8_t *)"b", 1},  {(const uint8_t *)"abc", 3}};
    size_t twins[2], length;
    sn_trie trie;
    for (int backward = 0; backward < 2; backward++) {
        assert_int_equal(
            sn_trie_build(&sn_memory_default, strings, 4, backward != 0, &trie, twins, NULL),
            SENTIMENT_ERROR_BAD_MODEL);
        assert_int_equal(twins[0], 1);
        assert_int_equal(twins[1], 3);
        assert_null(trie.nodes);
    }
    assert_int_equal(sn_trie_build(&sn_memory_default, strings, 0, 1, &trie, twins, NULL), 0);
    assert_int_equal(sn_trie_longest(&trie, (const uint8_t *)"a", 1, &length), SN_TRIE_NONE);
    sn_trie_free(&sn_memory_default, &trie);
}

/* Parts of a text, as begin-end of plain ones and begin-end=id of tokens. */
static void parts_are(const sn_matcher *matcher, const char *text, const char *expected)
{
    char found[400] = "";
    sn_hits hits = {0};
    sn_parts parts;
    sn_part part;
    assert_true(sn_parts_begin(matcher, &sn_memory_default, (const uint8_t *)text, strlen(text),
                               &hits, &parts));
    while (sn_parts_next(&parts, &part)) {
        size_t length = strlen(found);
        snprintf(found + length, sizeof found - length, "%s%zu-%zu", length ? " " : "", part.begin,
                 part.end);
        length = strlen(found);
        if (part.id >= 0)
            snprintf(found + length, sizeof found - length, "=%d", (int)part.id);
    }
    assert_string_equal(found, expected);
    sn_free(&sn_memory_default, hits.items);
}

/* As the package does it; the last rows show that whitespace taken by a token is
 * not closed to the next one. */
static void added_tokens(void **state)
{
    (void)state;
    static const char *const words[] = {"<s>", "cat", "<m>", "<r>", "catty", " ", "e"};
    static const sn_added_token flags[] = {
        {.id = 0},
        {.id = 1, .single_word = 1},
        {.id = 2, .lstrip = 1},
        {.id = 3, .rstrip = 1},
        {.id = 4},
        {.id = 5},
        {.id = 6, .lstrip = 1, .rstrip = 1, .single_word = 1},
    };
    static const char *const examples[][2] = {
        {"", ""},
        {"x", "0-1"},
        {"<s>", "0-3=0"},
        {"a<s><s>b", "0-1 1-4=0 4-7=0 7-8"},
        {"cat", "0-3=1"},
        {"cats cat_ \xC3\xA9"
         "cat",
         "0-4 4-5=5 5-9 9-10=5 10-15"},
        {"cat-cat!", "0-3=1 3-4 4-7=1 7-8"},
        {"cattycat", "0-5=4 5-8"},
        {"\xE3\x80\x80\t<m>\t<m>", "0-7=2 7-11=2"},
        {"<r>\xC2\xA0\t", "0-6=3"},
        {"\t\te\t\t", "0-5=6"},
        {"e\xCC\x81 e", "0-3 3-4=5 4-5=6"},
        {"<r>  x", "0-5=3 3-4=5 4-5=5 5-6"},
        {"<r> <m>", "0-4=3 3-4=5 4-7=2"},
    };
    enum { COUNT = sizeof words / sizeof *words };
    sn_slice strings[COUNT];
    size_t twins[2];
    sn_matcher matcher;
    for (size_t i = 0; i < COUNT; i++)
        strings[i] = (sn_slice){(const uint8_t *)words[i], strlen(words[i])};
    assert_int_equal(sn_matcher_build(&sn_memory_default, strings, flags, COUNT, &matcher, twins,
                                      NULL),
                     0);
    assert_true(matcher.has_space && matcher.strips_left && matcher.strips_right);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        parts_are(&matcher, examples[i][0], examples[i][1]);
    sn_matcher_free(&sn_memory_default, &matcher);
}

static size_t count_parts(const sn_matcher *matcher, const uint8_t *text, size_t size)
{
    sn_hits hits = {0};
    sn_parts parts;
    sn_part part;
    size_t count = 0;
    assert_true(sn_parts_begin(matcher, &sn_memory_default, text, size, &hits, &parts));
    while (sn_parts_next(&parts, &part))
        count++;
    sn_free(&sn_memory_default, hits.items);
    return count;
}

/* Texts of a million bytes: each of these would take minutes, were a byte looked
 * at more than a few times. */
static void hostile_shapes(void **state)
{
    (void)state;
    enum { SIZE = 1000000, LONG = 200000, MANY = 100000 };
    uint8_t *text = malloc(SIZE), *bytes = malloc((size_t)MANY * 12);
    sn_slice *strings = calloc(MANY, sizeof *strings);
    sn_added_token *items = calloc(MANY, sizeof *items);
    size_t twins[2];
    sn_matcher matcher;
    assert_true(text && bytes && strings && items);
    /* A long string that almost matches everywhere, and a short one that does. */
    memset(text, 'a', SIZE);
    memset(bytes, 'a', LONG);
    bytes[0] = 'b';
    bytes[LONG - 1] = 'b';
    strings[0] = (sn_slice){bytes, LONG - 1};
    strings[1] = (sn_slice){bytes + 1, LONG - 1};
    strings[2] = (sn_slice){bytes + 1, 1};
    assert_int_equal(sn_matcher_build(&sn_memory_default, strings, items, 3, &matcher, twins, NULL),
                     0);
    assert_int_equal(count_parts(&matcher, text, SIZE), SIZE);
    sn_matcher_free(&sn_memory_default, &matcher);
    /* Whitespace that every token takes. */
    memset(text, ' ', SIZE);
    strings[0] = (sn_slice){text, 1};
    items[0].lstrip = items[0].rstrip = 1;
    assert_int_equal(sn_matcher_build(&sn_memory_default, strings, items, 1, &matcher, twins, NULL),
                     0);
    assert_int_equal(count_parts(&matcher, text, SIZE), 1);
    items[0].lstrip = 0;
    sn_matcher_free(&sn_memory_default, &matcher);
    assert_int_equal(sn_matcher_build(&sn_memory_default, strings, items, 1, &matcher, twins, NULL),
                     0);
    assert_int_equal(count_parts(&matcher, text, SIZE), SIZE);
    sn_matcher_free(&sn_memory_default, &matcher);
    /* A hundred thousand strings. */
    for (size_t i = 0; i < MANY; i++) {
        int size = snprintf((char *)bytes + 12 * i, 12, "<%zu>", i);
        strings[i] = (sn_slice){bytes + 12 * i, (size_t)size};
        items[i] = (sn_added_token){.id = (int32_t)i};
    }
    assert_int_equal(
        sn_matcher_build(&sn_memory_default, strings, items, MANY, &matcher, twins, NULL), 0);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (uint8_t)"<123><99999>7"[i % 13];
    assert_int_equal(count_parts(&matcher, text, SIZE), SIZE / 13 * 3);
    sn_matcher_free(&sn_memory_default, &matcher);
    free(text);
    free(bytes);
    free(strings);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_longest),
        cmocka_unit_test(twins_and_none),
        cmocka_unit_test(added_tokens),
        cmocka_unit_test(hostile_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
