/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader and the writer of tokenizer.pkl: every protocol and every shape
 * of instance gives the same words, every hostile file an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_pkl.h"
#include "golden_files.h"

static sentiment_status read_bytes(const uint8_t *data, size_t size, sn_words *words,
                                   sentiment_error *error)
{
    memset(words, 0, sizeof *words);
    sentiment_status status = sn_tokenizer_pkl_read(data, size, &sn_memory_default, words, error);
    if (status) {
        assert_null(words->bytes);
        assert_null(words->offsets);
        assert_null(words->ids);
    }
    return status;
}

/* Id of a word, -1 if it is not there. */
static int64_t find(const sn_words *words, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i < words->count; i++)
        if (words->offsets[i + 1] - words->offsets[i] == size &&
            memcmp(words->bytes + words->offsets[i], word, size) == 0)
            return words->ids[i];
    return -1;
}

static void read_golden(const golden_file *file)
{
    sn_words words;
    sentiment_error error = {.struct_size = sizeof error};
    if (read_bytes(file->data, file->size, &words, &error))
        fail_msg("%s: %s", file->name, error.message);
    _Bool declared = strncmp(file->name, "bare", 4) != 0 && strncmp(file->name, "unde", 4) != 0;
    assert_int_equal(words.vocab_size, declared ? 8 : -1);
    assert_int_equal(words.count, 4);
    assert_int_equal(find(&words, "good"), 3);
    assert_int_equal(find(&words, "caf\xc3\xa9"), 1);
    assert_int_equal(find(&words, "\xf0\x9f\x98\x80"), 0);
    assert_int_equal(find(&words, "\xed\xb3\xa9"), 7);
    /* The order of the dict is kept. */
    assert_memory_equal(words.bytes, "good", 4);
    sn_words_free(&sn_memory_default, &words);
}

static void test_shapes(void **state)
{
    (void)state;
    assert_true(golden_each("tokenizer_pkl", read_golden) >= 60);
}

static void read_guide(const golden_file *file)
{
    sn_words words;
    sentiment_error error = {.struct_size = sizeof error};
    if (read_bytes(file->data, file->size, &words, &error))
        fail_msg("%s: %s", file->name, error.message);
    assert_int_equal(words.vocab_size, (int64_t)words.count);
    for (size_t i = 0; i < words.count; i++)
        assert_int_equal(words.ids[i], (int64_t)i);
    assert_int_equal(find(&words, "don't"), 9);
    assert_int_equal(find(&words, "a\\b"), 17);
    assert_int_equal(find(&words, "line\nbreak"), 18);
    assert_int_equal(find(&words, ""), 19);
    assert_int_equal(find(&words, "\\u0041"), 23);
    assert_int_equal(find(&words, "\xc3\xbf"), 25);
    sn_words_free(&sn_memory_default, &words);
}

static void test_guides(void **state)
{
    (void)state;
    assert_true(golden_each_guide("tokenizer.pkl", read_guide) >= 20);
}

static void expect_refused(const golden_file *file)
{
    sn_words words;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = read_bytes(file->data, file->size, &words, &error);
    if (status != SENTIMENT_ERROR_BAD_MODEL)
        fail_msg("%s was read with status %d", file->name, status);
    if (!strstr(error.message, "byte ") || error.offset == SN_NO_OFFSET)
        fail_msg("%s: no place in \"%s\"", file->name, error.message);
    if (getenv("SHOW_MESSAGES"))
        print_message("%-32s %s\n", file->name, error.message);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(golden_each("invalid/tokenizer_pkl", expect_refused) >= 60);
}

static void expect_message(const char *name, const char *part)
{
    char path[128];
    sn_words words;
    sentiment_error error = {.struct_size = sizeof error};
    snprintf(path, sizeof path, "invalid/tokenizer_pkl/%s.pkl", name);
    golden_file file = golden_read(path);
    assert_int_equal(read_bytes(file.data, file.size, &words, &error), SENTIMENT_ERROR_BAD_MODEL);
    if (!strstr(error.message, part))
        fail_msg("%s: no \"%s\" in \"%s\"", name, part, error.message);
    golden_free(&file);
}

static void test_messages(void **state)
{
    (void)state;
    expect_message("no-words", "'vocab_size', 'idx_to_word', 'lower'");
    expect_message("no-attributes", "attributes: none");
    expect_message("index-is-bool", "the index of word 'a' is a boolean");
    expect_message("index-of-9-bytes", "the index of word 'a' is an integer beyond 64 bits");
    expect_message("word-is-number", "a word that is an integer");
    expect_message("size-is-string", "vocab_size is a string");
    expect_message("words-is-list", "word_to_idx is a list");
    expect_message("word-bomb", "longer than the file");
}

static void test_truncated(void **state)
{
    (void)state;
    static const char *const names[] = {"guide/protocol-0/tokenizer.pkl",
                                        "guide/protocol-2/tokenizer.pkl",
                                        "guide/rich/tokenizer.pkl"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        golden_file file = golden_read(names[n]);
        for (size_t size = 0; size < file.size; size++) {
            uint8_t *cut = golden_copy(file.data, size);
            sn_words words;
            assert_int_equal(read_bytes(cut, size, &words, NULL), SENTIMENT_ERROR_BAD_MODEL);
            free(cut);
        }
        golden_free(&file);
    }
}

/* Every byte replaced by every opcode and by every single-bit change: whatever
 * that means now, it ends within bounds. */
static void test_changed(void **state)
{
    (void)state;
    static const char opcodes[] = "(.0123FGIJKLMNPQRSTUVXabcdeghijlopqrstu])}\x80\x81\x85\x86\x8a"
                                  "\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\xff";
    golden_file file = golden_read("guide/slots-mixed/tokenizer.pkl");
    for (size_t i = 0; i < file.size; i++) {
        uint8_t original = file.data[i];
        for (size_t k = 0; k < sizeof opcodes + 8; k++) {
            sn_words words;
            int changed = k < sizeof opcodes ? opcodes[k] : original ^ 1 << (k - sizeof opcodes);
            file.data[i] = (uint8_t)changed;
            if (read_bytes(file.data, file.size, &words, NULL) == SENTIMENT_OK) {
                assert_true(words.offsets[words.count] <= file.size);
                sn_words_free(&sn_memory_default, &words);
            }
        }
        file.data[i] = original;
    }
    golden_free(&file);
}

static void test_memory(void **state)
{
    (void)state;
    static const char *const names[] = {"guide/rich/tokenizer.pkl",
                                        "guide/protocol-0/tokenizer.pkl"};
    for (size_t f = 0; f < 2; f++) {
        golden_file file = golden_read(names[f]);
        for (size_t n = 1;; n++) {
            faulty_allocator faulty = {.fail_at = n};
            sn_memory memory = golden_faulty_memory(&faulty);
            sn_words words = {0};
            sentiment_status status =
                sn_tokenizer_pkl_read(file.data, file.size, &memory, &words, NULL);
            sn_words_free(&memory, &words);
            assert_int_equal(faulty_allocator_live(&faulty), 0);
            assert_int_equal(status, faulty_allocator_failed(&faulty)
                                         ? SENTIMENT_ERROR_OUT_OF_MEMORY
                                         : SENTIMENT_OK);
            if (!faulty_allocator_failed(&faulty))
                break;
        }
        golden_free(&file);
    }
}

/* ------------------------------------------------------------------ writing */

static void expect_same(const sn_words *a, const sn_words *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets);
    assert_memory_equal(a->bytes, b->bytes, a->offsets[a->count]);
    for (size_t i = 0; i < a->count; i++)
        assert_int_equal(a->ids ? a->ids[i] : (int64_t)i, b->ids[i]);
}

static void write_and_read(const sn_words *words, int64_t vocab_size)
{
    sn_words again;
    sn_buffer out = {.memory = &sn_memory_default};
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_tokenizer_pkl_write(words, &sn_memory_default, &out, &error), 0);
    if (read_bytes(out.data, out.size, &again, &error))
        fail_msg("%s", error.message);
    assert_int_equal(again.vocab_size, vocab_size);
    expect_same(words, &again);
    sn_words_free(&sn_memory_default, &again);
    sn_buffer_free(&out);
}

static void test_write(void **state)
{
    (void)state;
    char bytes[] = "goodcaf\xc3\xa9\xed\xb3\xa9";
    uint64_t offsets[] = {0, 4, 9, 9, 12};
    int64_t ids[] = {0, 65535, -70000, INT64_MAX};
    sn_words words = {.bytes = (uint8_t *)bytes, .offsets = offsets, .count = 4, .vocab_size = -1};
    write_and_read(&words, 4);
    words.ids = ids;
    words.vocab_size = 100000;
    write_and_read(&words, 100000);
    words.count = 0;
    write_and_read(&words, 100000);
}

/* Around the size of a batch, on which readers stack the words. */
static void test_write_batches(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 999, 1000, 1001, 2000, 2500};
    uint8_t bytes[2500];
    uint64_t offsets[2501];
    for (size_t i = 0; i <= 2500; i++)
        offsets[i] = i;
    memset(bytes, 'w', sizeof bytes);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        sn_words words = {
            .bytes = bytes, .offsets = offsets, .count = counts[k], .vocab_size = -1};
        write_and_read(&words, (int64_t)counts[k]);
    }
}

static void test_write_memory(void **state)
{
    (void)state;
    uint64_t offsets[] = {0, 400};
    uint8_t bytes[400];
    memset(bytes, 'w', sizeof bytes);
    sn_words words = {.bytes = bytes, .offsets = offsets, .count = 1, .vocab_size = -1};
    for (size_t n = 1; n <= 2; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sn_memory memory = golden_faulty_memory(&faulty);
        sn_buffer out = {.memory = &memory};
        assert_int_equal(sn_tokenizer_pkl_write(&words, &memory, &out, NULL),
                         SENTIMENT_ERROR_OUT_OF_MEMORY);
        sn_buffer_free(&out);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),       cmocka_unit_test(test_guides),
        cmocka_unit_test(test_invalid),      cmocka_unit_test(test_messages),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_changed),
        cmocka_unit_test(test_memory),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_batches), cmocka_unit_test(test_write_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
