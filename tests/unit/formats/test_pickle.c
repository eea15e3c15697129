/* SPDX-License-Identifier: Apache-2.0
 *
 * The pickle machine by itself: opcodes, limits, walks. Whole files are tested
 * where they are read (test_pth.c, test_tokenizer_pkl.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "formats/pickle.h"
#include "formats/pickle_write.h"
#include "golden_files.h"

static const sn_pickle_policy anything = {.persistent = 1};

/* Reads bytes from a block of exactly their size. */
static sentiment_status read_bytes(const void *data, size_t size, sn_pickle *pickle,
                                   sentiment_error *error)
{
    static uint8_t *copy; /* of the last call, as strings are views of it */
    free(copy);
    copy = golden_copy(data, size);
    sentiment_status status =
        sn_pickle_read(pickle, copy, size, "test", 1000, &anything, &sn_memory_default, error);
    if (status || size == 0) {
        free(copy);
        copy = NULL;
    }
    return status;
}

#define READ(text, pickle) read_bytes(text, sizeof(text) - 1, pickle, NULL)

static const sn_pickle_node *root_of(const sn_pickle *pickle)
{
    return sn_pickle_get(pickle, pickle->root);
}

static void expect_int(const char *text, size_t size, int64_t value)
{
    sn_pickle pickle;
    assert_int_equal(read_bytes(text, size, &pickle, NULL), SENTIMENT_OK);
    assert_int_equal(root_of(&pickle)->kind, SN_PICKLE_INT);
    assert_true(root_of(&pickle)->value.integer == value);
    sn_pickle_free(&pickle);
}

#define EXPECT_INT(text, value) expect_int(text, sizeof(text) - 1, value)

static void test_integers(void **state)
{
    (void)state;
    EXPECT_INT("K\xff.", 255);
    EXPECT_INT("M\xff\xff.", 65535);
    EXPECT_INT("J\xff\xff\xff\xff.", -1);
    EXPECT_INT("J\x00\x00\x00\x80.", INT32_MIN);
    EXPECT_INT("\x8a\x00.", 0);
    EXPECT_INT("\x8a\x01\xff.", -1);
    EXPECT_INT("\x8a\x02\xff\x00.", 255);
    EXPECT_INT("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", INT64_MAX);
    EXPECT_INT("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", INT64_MIN);
    EXPECT_INT("\x8a\x09\x05\x00\x00\x00\x00\x00\x00\x00\x00.", 5);
    EXPECT_INT("\x8a\x0a\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff.", -2);
    EXPECT_INT("\x8b\x01\x00\x00\x00\x07.", 7);
    EXPECT_INT("I42\n.", 42);
    EXPECT_INT("I-42\n.", -42);
    EXPECT_INT("L9223372036854775807L\n.", INT64_MAX);
    EXPECT_INT("L-9223372036854775808L\n.", INT64_MIN);
}

static void expect_kind(const char *text, size_t size, sn_pickle_kind kind)
{
    sn_pickle pickle;
    assert_int_equal(read_bytes(text, size, &pickle, NULL), SENTIMENT_OK);
    assert_int_equal(root_of(&pickle)->kind, kind);
    sn_pickle_free(&pickle);
}

#define EXPECT_KIND(text, kind) expect_kind(text, sizeof(text) - 1, kind)

static void test_kinds(void **state)
{
    (void)state;
    EXPECT_KIND("N.", SN_PICKLE_NONE);
    EXPECT_KIND("\x88.", SN_PICKLE_BOOL);
    EXPECT_KIND("I01\n.", SN_PICKLE_BOOL);
    EXPECT_KIND("I00\n.", SN_PICKLE_BOOL);
    EXPECT_KIND("I1\n.", SN_PICKLE_INT);
    EXPECT_KIND("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.", SN_PICKLE_BIG);
    EXPECT_KIND("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\x7f\xff.", SN_PICKLE_BIG);
    EXPECT_KIND("L9223372036854775808L\n.", SN_PICKLE_BIG);
    EXPECT_KIND("L-9223372036854775809L\n.", SN_PICKLE_BIG);
    EXPECT_KIND("F1.5\n.", SN_PICKLE_FLOAT);
    EXPECT_KIND("G\x3f\xf0\0\0\0\0\0\0.", SN_PICKLE_FLOAT);
    EXPECT_KIND("C\x02\xff\xfe.", SN_PICKLE_BYTES);
    EXPECT_KIND("B\x01\0\0\0x.", SN_PICKLE_BYTES);
    EXPECT_KIND("\x8e\x01\0\0\0\0\0\0\0x.", SN_PICKLE_BYTES);
    EXPECT_KIND("\x96\x01\0\0\0\0\0\0\0x.", SN_PICKLE_BYTES);
    EXPECT_KIND("U\x02\xc3\xa9.", SN_PICKLE_BYTES);
    EXPECT_KIND("S'a\\x00'\n.", SN_PICKLE_BYTES);
    EXPECT_KIND(").", SN_PICKLE_TUPLE);
    EXPECT_KIND("(NNt.", SN_PICKLE_TUPLE);
    EXPECT_KIND("(NNl.", SN_PICKLE_LIST);
    EXPECT_KIND("(NNd.", SN_PICKLE_DICT);
    EXPECT_KIND("\x8f(NN\x90.", SN_PICKLE_SET);
    EXPECT_KIND("(NN\x91.", SN_PICKLE_SET);
    EXPECT_KIND("ca\nB\n.", SN_PICKLE_GLOBAL);
    EXPECT_KIND("ca\nB\n)R.", SN_PICKLE_CALL);
    EXPECT_KIND("ca\nB\n)\x81.", SN_PICKLE_OBJECT);
    EXPECT_KIND("ca\nB\n)}\x92.", SN_PICKLE_OBJECT);
    EXPECT_KIND("(Nia\nB\n.", SN_PICKLE_OBJECT);
    EXPECT_KIND("(ca\nB\nNo.", SN_PICKLE_OBJECT);
    EXPECT_KIND("(ca\nB\no.", SN_PICKLE_OBJECT);
    EXPECT_KIND("Pkey\n.", SN_PICKLE_PERSISTENT);
    EXPECT_KIND("NQ.", SN_PICKLE_PERSISTENT);
    EXPECT_KIND("(NN1N.", SN_PICKLE_NONE);
    EXPECT_KIND("N(0.", SN_PICKLE_NONE);
    EXPECT_KIND("N20.", SN_PICKLE_NONE);
}

static void expect_text(const char *data, size_t size, const char *expected)
{
    sn_pickle pickle;
    assert_int_equal(read_bytes(data, size, &pickle, NULL), SENTIMENT_OK);
    if (!sn_pickle_is_text(&pickle, pickle.root, expected))
        fail_msg("expected %s", expected);
    sn_pickle_free(&pickle);
}

#define EXPECT_TEXT(data, expected) expect_text(data, sizeof(data) - 1, expected)

static void test_text(void **state)
{
    (void)state;
    EXPECT_TEXT("X\x02\0\0\0hi.", "hi");
    EXPECT_TEXT("\x8c\x02hi.", "hi");
    EXPECT_TEXT("\x8d\x02\0\0\0\0\0\0\0hi.", "hi");
    EXPECT_TEXT("X\x03\0\0\0\xed\xa0\x80.", "\xed\xa0\x80");
    EXPECT_TEXT("U\x02hi.", "hi");
    EXPECT_TEXT("T\x02\0\0\0hi.", "hi");
    EXPECT_TEXT("S'hi'\n.", "hi");
    EXPECT_TEXT("S\"it's\"\n.", "it's");
    EXPECT_TEXT("V\n.", "");
    EXPECT_TEXT("Vplain\n.", "plain");
    EXPECT_TEXT("V\xe9\n.", "\xc3\xa9");
    EXPECT_TEXT("V\\u65e5\\U0001f600\n.", "\xe6\x97\xa5\xf0\x9f\x98\x80");
    EXPECT_TEXT("V\\ud83d\\ude00\n.", "\xed\xa0\xbd\xed\xb8\x80");
    EXPECT_TEXT("V\\x41\\\\u0041\\\n.", "\\x41\\\\u0041\\");
    EXPECT_TEXT("Va\n0Vb\n0V\xff\xff\n.", "\xc3\xbf\xc3\xbf");
}

/* A shared value is one node; a cycle is a number. */
static void test_sharing(void **state)
{
    (void)state;
    sn_pickle pickle;
    assert_int_equal(READ("\x80\x04]\x94]\x94(h\0h\0h\1e.", &pickle), SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(READ("\x80\x04]\x94(h\0]\x94h\1e.", &pickle), SENTIMENT_OK);
    sn_pickle_walk walk = sn_pickle_items(&pickle, pickle.root);
    assert_int_equal(sn_pickle_next(&walk), pickle.root);
    sn_pickle_id inner = sn_pickle_next(&walk);
    assert_int_equal(sn_pickle_get(&pickle, inner)->kind, SN_PICKLE_LIST);
    assert_int_equal(sn_pickle_next(&walk), inner);
    assert_int_equal(sn_pickle_next(&walk), 0);
    sn_pickle_free(&pickle);
    /* The three ways to name a memo entry; the second PUT of an entry wins. */
    assert_int_equal(READ("Np5\n0]q\5r\6\0\0\0(g5\nh\6j\5\0\0\0e.", &pickle), SENTIMENT_OK);
    walk = sn_pickle_items(&pickle, pickle.root);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sn_pickle_next(&walk), pickle.root);
    sn_pickle_free(&pickle);
}

/* Items that come in several goes, between those of another container. */
static void test_runs(void **state)
{
    (void)state;
    sn_pickle pickle;
    sn_pickle_id key, value;
    assert_int_equal(READ("}(K\1](K\7K\7eK\2NuK\3Ns(K\4NK\5Nu.", &pickle), SENTIMENT_OK);
    sn_pickle_walk walk = sn_pickle_pairs(&pickle, pickle.root);
    for (int64_t expected = 1; expected <= 5; expected++) {
        assert_true(sn_pickle_next_pair(&walk, &key, &value));
        assert_int_equal(sn_pickle_get(&pickle, key)->value.integer, expected);
        assert_int_equal(sn_pickle_get(&pickle, value)->kind,
                         expected == 1 ? SN_PICKLE_LIST : SN_PICKLE_NONE);
    }
    assert_false(sn_pickle_next_pair(&walk, &key, &value));
    sn_pickle_free(&pickle);
}

static void expect_mapping(const char *data, size_t size, int64_t value)
{
    sn_pickle pickle;
    assert_int_equal(read_bytes(data, size, &pickle, NULL), SENTIMENT_OK);
    assert_true(sn_pickle_is_mapping(&pickle, pickle.root));
    sn_pickle_id found = sn_pickle_lookup(&pickle, pickle.root, "a");
    assert_int_equal(sn_pickle_get(&pickle, found)->value.integer, value);
    assert_int_equal(sn_pickle_lookup(&pickle, pickle.root, "b"), 0);
    sn_pickle_free(&pickle);
}

#define EXPECT_MAPPING(data, value) expect_mapping(data, sizeof(data) - 1, value)

static void test_mappings(void **state)
{
    (void)state;
    EXPECT_MAPPING("}U\1aK\1s.", 1);
    EXPECT_MAPPING("}(U\1aK\1U\1aK\2u.", 2);
    EXPECT_MAPPING("ccollections\nOrderedDict\n)RU\1aK\3s.", 3);
    EXPECT_MAPPING("ccollections\nOrderedDict\n(]((U\1aK\4lU\1aK\5\x86""etR.", 5);
    EXPECT_MAPPING("ccollections\nCounter\n}U\1aK\4s\x85R.", 4);
    EXPECT_MAPPING("ccollections\nCounter\n}U\1aK\4s\x85RU\1aK\5s.", 5);
    EXPECT_MAPPING("ccollections\ndefaultdict\nN\x85RU\1aK\6s.", 6);
    EXPECT_MAPPING("ccopyreg\n_reconstructor\n(NN}U\1aK\7stR.", 7);
    EXPECT_MAPPING("cmy\nDict\n)\x81U\1aK\x8s.", 8);
    sn_pickle pickle;
    assert_int_equal(READ("cmy\nFunction\n}U\1aK\1s\x85R.", &pickle), SENTIMENT_OK);
    assert_false(sn_pickle_is_mapping(&pickle, pickle.root));
    sn_pickle_free(&pickle);
}

static void test_position(void **state)
{
    (void)state;
    sn_pickle pickle;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(READ("N.tail", &pickle), SENTIMENT_OK);
    assert_int_equal(sn_pickle_used(&pickle), 2);
    pickle.error = &error;
    assert_int_equal(sn_pickle_expect_end(&pickle), SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.offset, 1002);
    assert_string_equal(error.message, "test: byte 2: 4 bytes stand behind STOP");
    sn_pickle_free(&pickle);
    assert_int_equal(read_bytes("NNh\7", 4, &pickle, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.offset, 1002);
}

/* Exactly as deep, as full and as open as allowed, and one more. */
static sentiment_status read_repeated(const char *unit, size_t unit_size, size_t count,
                                      const char *end, size_t end_size)
{
    sn_pickle pickle;
    sn_buffer out = {.memory = &sn_memory_default};
    for (size_t i = 0; i < count; i++)
        sn_buffer_append(&out, unit, unit_size);
    sn_buffer_append(&out, end, end_size);
    sentiment_status status = read_bytes(out.data, out.size, &pickle, NULL);
    sn_pickle_free(&pickle);
    sn_buffer_free(&out);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    char tuples[SN_PICKLE_MAX_DEPTH + 1];
    memset(tuples, '\x85', sizeof tuples);
    tuples[SN_PICKLE_MAX_DEPTH - 1] = '.';
    assert_int_equal(read_repeated(")", 1, 1, tuples, SN_PICKLE_MAX_DEPTH), SENTIMENT_OK);
    tuples[SN_PICKLE_MAX_DEPTH - 1] = '\x85';
    tuples[SN_PICKLE_MAX_DEPTH] = '.';
    assert_int_equal(read_repeated(")", 1, 1, tuples, sizeof tuples), SENTIMENT_ERROR_BAD_MODEL);

    char pops[SN_PICKLE_MAX_MARKS + 3];
    memset(pops, '0', sizeof pops);
    memcpy(pops + SN_PICKLE_MAX_MARKS, "N.", 2);
    assert_int_equal(read_repeated("(", 1, SN_PICKLE_MAX_MARKS, pops, SN_PICKLE_MAX_MARKS + 2),
                     SENTIMENT_OK);
    memcpy(pops + SN_PICKLE_MAX_MARKS, "0N.", 3);
    assert_int_equal(read_repeated("(", 1, SN_PICKLE_MAX_MARKS + 1, pops, sizeof pops),
                     SENTIMENT_ERROR_BAD_MODEL);

    assert_int_equal(read_repeated("N", 1, SN_PICKLE_MAX_STACK, "t.", 2),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(read_repeated("N2", 2, SN_PICKLE_MAX_STACK / 2, "2.", 2),
                     SENTIMENT_ERROR_BAD_MODEL);
}

static void put_index(sn_buffer *out, uint32_t index)
{
    sn_buffer_u8(out, 'r');
    sn_buffer_u32le(out, index);
}

/* Indices far apart cost no more than indices in a row. */
static void test_sparse_memo(void **state)
{
    (void)state;
    sn_pickle pickle;
    sn_buffer out = {.memory = &sn_memory_default};
    sn_buffer_u8(&out, 'N');
    for (uint32_t i = 0; i < 20000; i++)
        put_index(&out, i * 214748u);
    sn_buffer_text(&out, "0j");
    sn_buffer_u32le(&out, 19999 * 214748u);
    sn_buffer_u8(&out, '.');
    faulty_allocator counter = {0};
    sn_memory memory = golden_faulty_memory(&counter);
    assert_int_equal(sn_pickle_read(&pickle, out.data, out.size, "test", 0, &anything, &memory,
                                    NULL),
                     SENTIMENT_OK);
    assert_int_equal(root_of(&pickle)->kind, SN_PICKLE_NONE);
    assert_true(pickle.memo_capacity <= 65536);
    sn_pickle_free(&pickle);
    sn_buffer_free(&out);
}

/* The hash of the memo (pickle.c), so that indices can be chosen to collide. */
static uint32_t memo_hash(uint32_t key)
{
    uint32_t hash = key * 0x9e3779b1u;
    hash = (hash ^ hash >> 15) * 0x85ebca77u;
    return hash ^ hash >> 13;
}

/* Thousands of indices for one slot are refused, not probed through. */
static void test_colliding_memo(void **state)
{
    (void)state;
    sn_pickle pickle;
    sentiment_error error = {.struct_size = sizeof error};
    sn_buffer out = {.memory = &sn_memory_default};
    sn_buffer_u8(&out, 'N');
    for (uint32_t index = 0, found = 0; found < 2000; index++)
        if ((memo_hash(index) & 0xfff) == 0) {
            put_index(&out, index);
            found++;
        }
    sn_buffer_u8(&out, '.');
    assert_int_equal(read_bytes(out.data, out.size, &pickle, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "collide"));
    sn_buffer_free(&out);
}

/* Each opcode with nothing, and with anything, before and behind it. */
static void test_every_opcode(void **state)
{
    (void)state;
    static const char *const before[] = {"", "N", "(", "(NN", "}(", "](N", "ca\nb\n)", "NNN"};
    static const char behind[] = "\1\0\0\0\0\0\0\0\n\n..............";
    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (size_t b = 0; b < sizeof before / sizeof *before; b++)
            for (size_t tail = 0; tail < sizeof behind; tail++) {
                uint8_t data[64];
                size_t size = strlen(before[b]);
                memcpy(data, before[b], size);
                data[size++] = (uint8_t)opcode;
                memcpy(data + size, behind, tail);
                sn_pickle pickle;
                (void)read_bytes(data, size + tail, &pickle, NULL);
                sn_pickle_free(&pickle);
            }
}

static void test_writer(void **state)
{
    (void)state;
    static const int64_t values[] = {0,       255,         256,         65535,     65536,
                                     -1,      INT32_MAX,   INT32_MIN,   INT64_MAX, INT64_MIN,
                                     1LL << 31, -(1LL << 31) - 1};
    size_t count = sizeof values / sizeof *values;
    sn_buffer out = {.memory = &sn_memory_default};
    sn_pickle pickle;
    sn_pickle_put(&out, "\x80\x02](");
    for (size_t i = 0; i < count; i++)
        sn_pickle_put_int(&out, values[i]);
    sn_pickle_put_global(&out, "mod", "name");
    sn_pickle_put_memo(&out, 9);
    sn_pickle_put_recall(&out, 9);
    sn_pickle_put_text(&out, "text");
    sn_pickle_put(&out, "e.");
    assert_int_equal(read_bytes(out.data, out.size, &pickle, NULL), SENTIMENT_OK);
    sn_pickle_walk walk = sn_pickle_items(&pickle, pickle.root);
    for (size_t i = 0; i < count; i++)
        assert_true(sn_pickle_get(&pickle, sn_pickle_next(&walk))->value.integer == values[i]);
    sn_pickle_id name = sn_pickle_next(&walk);
    assert_true(sn_pickle_is_global(&pickle, name, "mod", "name"));
    assert_int_equal(sn_pickle_next(&walk), name);
    assert_true(sn_pickle_is_text(&pickle, sn_pickle_next(&walk), "text"));
    sn_pickle_free(&pickle);
    sn_buffer_free(&out);
}

static void test_quote(void **state)
{
    (void)state;
    char out[SN_QUOTE_SIZE], wide[200];
    assert_string_equal(sn_quote(out, (const uint8_t *)"a\n\xff\xc3\xa9\x7f", 6), "'a??\xc3\xa9?'");
    for (size_t i = 0; i + 1 < sizeof wide; i += 2)
        memcpy(wide + i, "\xc3\xa9", 2);
    sn_quote(out, (const uint8_t *)wide, sizeof wide);
    assert_true(strlen(out) < SN_QUOTE_SIZE);
    assert_int_equal(sn_name_utf8_check((const uint8_t *)out, strlen(out), 0), strlen(out));
    assert_string_equal(out + strlen(out) - 4, "'...");
}

static int by_number(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

static void test_sort(void **state)
{
    (void)state;
    uint32_t numbers[257], seed = 1;
    for (size_t count = 0; count <= 257; count++) {
        for (size_t i = 0; i < count; i++)
            numbers[i] = (seed = seed * 1664525u + 1013904223u) >> 25;
        sn_sort(numbers, count, sizeof *numbers, by_number);
        for (size_t i = 1; i < count; i++)
            assert_true(numbers[i - 1] <= numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),     cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_text),         cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_runs),         cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_position),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sparse_memo),  cmocka_unit_test(test_colliding_memo),
        cmocka_unit_test(test_every_opcode), cmocka_unit_test(test_writer),
        cmocka_unit_test(test_quote),        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
