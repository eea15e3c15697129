/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalizers and splitters: readable examples, places, the golden texts, long
 * and hostile ones, memory that runs out. Usage: test_pieces golden_pieces.txt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "piece_answer.h"

static const char *golden_path;

static sn_steps steps_of(const char *letters)
{
    sn_steps steps;
    assert_non_null(piece_steps(letters, &steps));
    return steps;
}

static void make(const char *letters, const void *text, size_t size, sn_pieces *pieces)
{
    const sn_steps steps = steps_of(letters);
    assert_int_equal(sn_pieces_make(&steps, &sn_memory_default, text, size, pieces, NULL), 0);
}

/* The text's pieces, joined by |. */
static void pieces_are(const char *letters, const char *text, const char *expected)
{
    sn_pieces pieces = {0};
    char *joined = NULL;
    size_t length;
    make(letters, text, strlen(text), &pieces);
    FILE *out = open_memstream(&joined, &length);
    assert_non_null(out);
    for (size_t i = 0; i < pieces.count; i++) {
        assert_true(pieces.begins[i] < pieces.ends[i] && pieces.ends[i] <= pieces.size);
        if (i)
            fputc('|', out);
        fwrite(pieces.bytes + pieces.begins[i], 1, pieces.ends[i] - pieces.begins[i], out);
    }
    fclose(out);
    assert_string_equal(joined, expected);
    free(joined);
    sn_pieces_free(&sn_memory_default, &pieces);
}

typedef struct example {
    const char *letters, *text, *expected;
} example;

static void all_are(const example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pieces_are(examples[i].letters, examples[i].text, examples[i].expected);
}

#define ALL_ARE(examples) all_are(examples, sizeof(examples) / sizeof(examples)[0])

static void normalizer_examples(void **state)
{
    (void)state;
    static const example examples[] = {
        {":", "", ""},
        {":", "as it is", "as it is"},
        {"l:", "A\xC3\x89Z\xC4\xB0", "a\xC3\xA9zi\xCC\x87"},
        {"l:", "\xCE\x9F\xCE\xA3", "\xCE\xBF\xCF\x83"}, /* no final sigma */
        {"D:", "\xC3\xA9", "e\xCC\x81"},
        {"C:", "e\xCC\x81", "\xC3\xA9"},
        {"C:", "q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87"},
        {"C:", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C"},
        {"k:", "\xEF\xAC\x81\xC2\xB2", "fi2"},
        {"K:", "\xEF\xBD\xB6\xEF\xBE\x9E", "\xE3\x82\xAC"},
        {"s:", "e\xCC\x81\xC3\xA9", "e\xC3\xA9"},
        {"a:", "e\xCC\x81\xC3\xA9", "ee"},
        {"c:",
         "a\t\x01"
         "b\xC2\xA0\xEF\xBF\xBD\xE2\x80\x8B\x7F",
         "a b "},
        {"h:", "a\xE4\xB8\xAD", "a \xE4\xB8\xAD "},
        {"c:", "\x01\x02", ""},
        {"chal:", "\xC5\xA0\xC3\x86\t\xE4\xB8\xAD", "s\xC3\xA6  \xE4\xB8\xAD "},
    };
    ALL_ARE(examples);
}

static void splitter_examples(void **state)
{
    (void)state;
    static const example examples[] = {
        {":B", " Hi, you!? ", "Hi|,|you|!|?"},
        {":B", "a\xC2\xA0\xE2\x80\x99s", "a|\xE2\x80\x99|s"},
        {":W", "don't  stop_it..", "don|'|t|stop_it|.."},
        {":S",
         " a,b\xE3\x80\x80"
         "c ",
         "a,b|c"},
        {":P0", "a!!b", "a|!|!|b"},
        {":P1", "a!!b", "a|b"},
        {":P2", "!a!!b", "!|a!|!|b"},
        {":P3", "a!!b!", "a|!|!b|!"},
        {":P4", "!!a!!b", "!!|a|!!|b"},
        {":P3", "!!!", "!|!|!"},
        {":P2", "!!!", "!|!|!"},
        {":L2", "I'll go  to\tit's 'LL x",
         "I|'ll|\xC4\xA0go|\xC4\xA0|\xC4\xA0to|\xC4\x89|it|'s|"
         "\xC4\xA0'|LL|\xC4\xA0x"},
        {":L2", "a \n ", "a|\xC4\xA0\xC4\x8A\xC4\xA0"},
        {":L2", "x2\xC2\xB2?\xC3\xA9", "x|2\xC3\x82\xC2\xB2|?|\xC3\x83\xC2\xA9"},
        {":L3", "a b",
         "\xC4\xA0"
         "a|\xC4\xA0"
         "b"},
        {":L3", " a",
         "\xC4\xA0"
         "a"},
        {":L3", "\n a",
         "\xC4\xA0\xC4\x8A|\xC4\xA0"
         "a"},
        {":L3", "\na", "\xC4\xA0|\xC4\x8A|a"},
        {":L0", "a b",
         "a\xC4\xA0"
         "b"},
        {":L1", "'s", "\xC4\xA0's"},
        {":SL3", "a b",
         "\xC4\xA0"
         "a|\xC4\xA0"
         "b"},
    };
    ALL_ARE(examples);
}

/* ASCII that keeps its length has no places, changed or not. */
static void text_stays_where_it_is(void **state)
{
    (void)state;
    static const char *const letters[] = {"chal:B", "C:W", "Kk:S", "sl:P0", ":L2"};
    sn_pieces pieces = {0};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        make(letters[i], "I'M\xE2\x80\x99ok", i == 4 ? 3 : 8, &pieces);
        assert_null(pieces.from);
        assert_null(pieces.to);
        assert_int_equal(pieces.size, i == 4 ? 3 : 8);
    }
    sn_pieces_free(&sn_memory_default, &pieces);
}

static void places_follow_the_text(void **state)
{
    (void)state;
    /* 0:E-acute 2:e 3:acute 5:NUL 6:ideograph */
    static const char text[] = "\xC3\x89"
                               "e\xCC\x81\0\xE4\xB8\xAD";
    static const uint64_t from[] = {0, 2, 6, 6, 6, 6, 6}, to[] = {2, 3, 9, 9, 9, 9, 9};
    sn_pieces pieces = {0};
    make("chal:", text, sizeof text - 1, &pieces);
    assert_int_equal(pieces.size, 7);
    assert_memory_equal(pieces.bytes, "ee \xE4\xB8\xAD ", 7);
    assert_memory_equal(pieces.from, from, sizeof from);
    assert_memory_equal(pieces.to, to, sizeof to);
    sn_pieces_free(&sn_memory_default, &pieces);
}

static void normalizing_alone_does_not_cut(void **state)
{
    (void)state;
    const sn_steps steps = steps_of("cl:B");
    const sn_memory *memory = &sn_memory_default;
    sn_pieces pieces = {0};
    assert_int_equal(sn_pieces_normalize(&steps, memory, (const uint8_t *)"A b!", 4, &pieces, NULL),
                     0);
    assert_int_equal(pieces.count, 1);
    assert_int_equal(pieces.begins[0], 0);
    assert_int_equal(pieces.ends[0], 4);
    assert_memory_equal(pieces.bytes, "a b!", 4);
    assert_int_equal(sn_pieces_normalize(&steps, memory, (const uint8_t *)"\x01", 1, &pieces, NULL),
                     0);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(sn_pieces_normalize(&steps, memory, NULL, 0, &pieces, NULL), 0);
    assert_int_equal(pieces.count, 0);
    sn_pieces_free(memory, &pieces);
    sn_pieces_free(memory, NULL);
}

static void golden_texts(void **state)
{
    (void)state;
    FILE *file = fopen(golden_path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0, lines = 0;
    sn_pieces pieces = {0};
    while (getline(&line, &capacity, file) > 0) {
        char *found = NULL, *expected = strstr(line, " = ");
        size_t length;
        assert_non_null(expected);
        *expected = '\0';
        expected += strlen(" = ");
        expected[strcspn(expected, "\n")] = '\0';
        FILE *out = open_memstream(&found, &length);
        assert_non_null(out);
        assert_true(piece_answer(line, &pieces, out));
        fclose(out);
        if (strcmp(found, expected) != 0)
            fail_msg("%s\nexpected %s\nfound    %s", line, expected, found);
        free(found);
        lines++;
    }
    sn_pieces_free(&sn_memory_default, &pieces);
    free(line);
    fclose(file);
    assert_in_range(lines, 500, 1000);
}

enum { MANY = 1000000 };

/* Two marks of different classes in turn, a million of them behind one letter: a
 * sort that compares neighbours would not come back. */
static void a_million_marks_are_sorted(void **state)
{
    (void)state;
    uint8_t *text = malloc(2 * MANY + 1);
    assert_non_null(text);
    text[0] = 'q';
    for (size_t i = 0; i < MANY; i++) /* U+0307 above, U+0323 below */
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\xA3" : "\xCC\x87", 2);
    sn_pieces pieces = {0};
    for (const char *form = "CDKk"; *form; form++) {
        const char letters[] = {*form, ':', 'B', '\0'};
        make(letters, text, 2 * MANY + 1, &pieces);
        assert_int_equal(pieces.size, 2 * MANY + 1);
        for (size_t i = 0; i < MANY; i++)
            if (memcmp(pieces.bytes + 1 + 2 * i, i < MANY / 2 ? "\xCC\xA3" : "\xCC\x87", 2) != 0)
                fail_msg("%s: mark %zu is not in its place", letters, i);
    }
    make("a:", text, 2 * MANY + 1, &pieces);
    assert_int_equal(pieces.size, 1);
    sn_pieces_free(&sn_memory_default, &pieces);
    free(text);
}

/* What grows most, and many small pieces. */
static void long_texts_grow(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    uint8_t *text = malloc(3 * COUNT);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 3 * i, "\xEF\xB7\xBA", 3); /* U+FDFA: 18 characters, 33 bytes */
    sn_pieces pieces = {0};
    make("k:W", text, 3 * COUNT, &pieces);
    assert_int_equal(pieces.size, 33 * COUNT);
    assert_int_equal(pieces.count, 3 * COUNT + 1);
    assert_int_equal(pieces.from[pieces.size - 1], 3 * COUNT - 3);
    assert_int_equal(pieces.to[pieces.size - 1], 3 * COUNT);
    memset(text, '!', 3 * COUNT);
    make(":B", text, 3 * COUNT, &pieces);
    assert_int_equal(pieces.count, 3 * COUNT);
    assert_null(pieces.from);
    sn_pieces_free(&sn_memory_default, &pieces);
    free(text);
}

/* Enough of everything that every buffer has to grow. */
static size_t demanding_text(uint8_t *text, size_t capacity)
{
    static const char part[] = "\xC3\x89gal! \xE4\xB8\xAD \xC4\xB0 \xEF\xB7\xBA ";
    size_t size = 0;
    for (; size + sizeof part + 200 < capacity; size += sizeof part - 1)
        memcpy(text + size, part, sizeof part - 1);
    for (size_t i = 0; i < 100; i++, size += 2)
        memcpy(text + size, i % 2 ? "\xCC\xA3" : "\xCC\x87", 2);
    return size;
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    uint8_t text[1500];
    const size_t size = demanding_text(text, sizeof text);
    const sn_steps steps = steps_of("chaKl:BL3");
    size_t n = 1;
    for (;; n++) {
        counter count = {.fail_at = n};
        const sn_memory memory = counting_memory(&count);
        sentiment_error error = {.struct_size = sizeof error};
        sn_pieces pieces = {0};
        sentiment_status status = sn_pieces_make(&steps, &memory, text, size, &pieces, &error);
        _Bool failed = count.calls >= n;
        assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
        /* What failed can be used again. */
        assert_true(status == SENTIMENT_OK || pieces.count == 0);
        count.fail_at = 0;
        assert_int_equal(sn_pieces_make(&steps, &memory, text, size, &pieces, NULL), SENTIMENT_OK);
        assert_true(pieces.count > 100);
        sn_pieces_free(&memory, &pieces);
        assert_int_equal(count.live, 0);
        if (!failed)
            break;
    }
    assert_in_range(n, 12, 60);
}

static void memory_is_kept(void **state)
{
    (void)state;
    uint8_t text[1500];
    const size_t size = demanding_text(text, sizeof text);
    const sn_steps steps = steps_of("chaKl:BL3");
    counter count = {0};
    const sn_memory memory = counting_memory(&count);
    sn_pieces pieces = {0};
    assert_int_equal(sn_pieces_make(&steps, &memory, text, size, &pieces, NULL), SENTIMENT_OK);
    const size_t calls = count.calls, pieces_count = pieces.count;
    assert_int_equal(sn_pieces_make(&steps, &memory, text, size, &pieces, NULL), SENTIMENT_OK);
    assert_int_equal(sn_pieces_make(&steps, &memory, text, 20, &pieces, NULL), SENTIMENT_OK);
    assert_int_equal(sn_pieces_make(&steps, &memory, text, size, &pieces, NULL), SENTIMENT_OK);
    assert_int_equal(count.calls, calls);
    assert_int_equal(pieces.count, pieces_count);
    sn_pieces_free(&memory, &pieces);
    assert_int_equal(count.live, 0);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    golden_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalizer_examples),
        cmocka_unit_test(splitter_examples),
        cmocka_unit_test(text_stays_where_it_is),
        cmocka_unit_test(places_follow_the_text),
        cmocka_unit_test(normalizing_alone_does_not_cut),
        cmocka_unit_test(golden_texts),
        cmocka_unit_test(a_million_marks_are_sorted),
        cmocka_unit_test(long_texts_grow),
        cmocka_unit_test(no_memory_is_reported),
        cmocka_unit_test(memory_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
