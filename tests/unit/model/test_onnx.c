/* SPDX-License-Identifier: Apache-2.0
 *
 * Models as ONNX files of our own: they survive bit for bit at every operator
 * set, words of any kind included; the same model gives the same bytes; damage
 * of any byte or a missing end is found or harmless; every failing allocation
 * ends cleanly. Files of others are in tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];

static int set_up(void **state)
{
    (void)state;
    unsetenv("SOURCE_DATE_EPOCH");
    scratch_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void save(const sentiment_model *model, const char *path, uint32_t opset)
{
    sentiment_error error = {.struct_size = sizeof error};
    const sentiment_save_options options = {.struct_size = sizeof options, .opset = opset};
    if (sn_model_save(model, path, &options, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
}

static void expect_same_bytes(const char *a, const char *b)
{
    size_t size_a, size_b;
    char *left = scratch_read(a, &size_a), *right = scratch_read(b, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(left, right, size_a);
    free(left);
    free(right);
}

/* The whole of a file; free() it. */
static uint8_t *file_of(sentiment_model *model, size_t *size)
{
    const char *path = scratch_path(folder, "m.onnx");
    save(model, path, 0);
    sn_model_release(model);
    return scratch_read(path, size);
}

static sentiment_status load(const uint8_t *data, size_t size,
                             const sentiment_model_options *options, sentiment_model **out,
                             sentiment_error *error)
{
    sn_bytes bytes;
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    return sn_model_load_bytes(&bytes, options, out, error);
}

/* Fails unless the bytes are refused with `code` and a message that says `what`. */
static void refuses(const uint8_t *data, size_t size, const sentiment_model_options *options,
                    sentiment_status code, const char *what)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    assert_int_equal(load(data, size, options, &model, &error), code);
    assert_null(model);
    if (!strstr(error.message, what))
        fail_msg("\"%s\" does not say \"%s\"", error.message, what);
}

static uint8_t *find_text(uint8_t *data, size_t size, const char *text)
{
    uint8_t *found = memmem(data, size, text, strlen(text));
    assert_non_null(found);
    return found;
}

/* ------------------------------------------------------------- round trips */

/* native -> onnx -> native: the same bytes; onnx again: the same bytes too. */
static void expect_round_trip(sentiment_model *model, uint32_t opset)
{
    const char *first = scratch_path(folder, "a.safetensors");
    const char *second = scratch_path(folder, "b.safetensors");
    const char *graph = scratch_path(folder, "m.onnx");
    const char *again = scratch_path(folder, "n.onnx");
    save(model, first, 0);
    save(model, graph, opset);
    sentiment_model *read = sample_load(graph);
    assert_string_equal(read->format, "onnx");
    sample_expect_equal(model, read);
    save(read, second, 0);
    expect_same_bytes(first, second);
    save(read, again, opset);
    expect_same_bytes(graph, again);
    sn_model_release(read);
    sn_model_release(model);
}

static void keeps_everything(void **state)
{
    (void)state;
    for (uint32_t opset = 11; opset <= 20; opset++)
        for (uint32_t shape = 0; shape < 4; shape++)
            expect_round_trip(sample_create(1 + shape / 2 * 2, shape % 2), opset);
    expect_round_trip(sample_assemble(), 0);
}

static void keeps_any_word(void **state)
{
    (void)state;
    static const uint8_t words[] = "\n\t\\u0041\xed\xa0\xbd\xed\xb8\x80" "a\0b\x7f\xf0\x9f\x98\x80"
                                   "\\\\ \r\n\xc3\xa9";
    static const uint64_t offsets[] = {0, 0, 2, 8, 14, 18, 22, 25, sizeof words - 1};
    static const int64_t in_place[] = {0, 1, 2, 3, 4, 5, 6, 7}, moved[] = {7, 7, 0, 10, 3, 2, 5, 6};
    const int64_t *const lists[] = {in_place, moved};
    for (size_t i = 0; i < 2; i++) {
        sentiment_model *model = sample_create(1, 0);
        sn_vocabulary *vocabulary = &model->tokenizer->tokenizer.vocabulary;
        sn_vocabulary_free(vocabulary);
        assert_int_equal(sn_vocabulary_build(&model->tokenizer->memory, words, offsets, lists[i], 8,
                                             SAMPLE_WORDS, vocabulary, NULL),
                         SENTIMENT_OK);
        expect_round_trip(model, 0);
    }
}

static void tells_what_it_is(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = file_of(sample_assemble(), &size);
    find_text(data, size, "libsentiment");
    find_text(data, size, "no padding, the mean runs over every position");
    find_text(data, size, "batch_size");
    find_text(data, size, "sequence_length");
    free(data);
    data = file_of(sample_create(1, 0), &size);
    find_text(data, size, "filled up with 0 to max_length");
    free(data);
}

static void checks_the_opset(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0);
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_save_options options = {.struct_size = sizeof options};
    const uint32_t bad[] = {1, 10, 21, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        options.opset = bad[i];
        assert_int_equal(sn_model_save(model, scratch_path(folder, "m.onnx"), &options, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "opset"));
    }
    assert_int_equal(scratch_count(folder), 0);
    sn_model_release(model);
}

static void refuses_int8(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0), *small = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_model_quantize(model, NULL, &small, NULL), SENTIMENT_OK);
    assert_int_equal(sn_model_save(small, scratch_path(folder, "m.onnx"), NULL, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "int8"));
    assert_int_equal(scratch_count(folder), 0);
    sn_model_release(small);
    sn_model_release(model);
}

/* ------------------------------------------------------------------ damage */

static void finds_damage(void **state)
{
    (void)state;
    size_t size;
    sentiment_model_options options = {.struct_size = sizeof options, .digest = 1};
    uint8_t *data = file_of(sample_create(1, 0), &size);
    sentiment_model *model = NULL;
    assert_int_equal(load(data, size, &options, &model, NULL), SENTIMENT_OK);
    assert_int_equal(strlen(model->sha256), 64);
    /* The third weight of the embedding: its name, a tag, a length, then data. */
    uint8_t *weight = find_text(data, size, "embedding.weightJ") + 16 + 3 + 8;
    assert_memory_equal(weight, model->weights.embedding + 2, 4);
    sn_model_release(model);
    weight[1] ^= 1;
    refuses(data, size, NULL, SENTIMENT_ERROR_BAD_MODEL, "CRC-32");
    weight[1] ^= 1;
    uint8_t *word = find_text(data, size, "word_3");
    word[5] = '9';
    refuses(data, size, NULL, SENTIMENT_ERROR_BAD_MODEL, "CRC-32");
    word[5] = '3';
    uint8_t *digest = find_text(data, size, "data_sha256") + 11 + 2;
    digest[0] = digest[0] == '0' ? '1' : '0';
    refuses(data, size, &options, SENTIMENT_ERROR_BAD_MODEL, "SHA-256");
    uint8_t *version = find_text(data, size, "format_version") + 14 + 2;
    assert_int_equal(*version, '1');
    *version = '2';
    refuses(data, size, NULL, SENTIMENT_ERROR_UNSUPPORTED, "format_version");
    free(data);
}

static void needs_every_byte(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = file_of(sample_assemble(), &size);
    for (size_t cut = 0; cut < size; cut++) {
        sentiment_model *model = NULL;
        sentiment_error error = {.struct_size = sizeof error};
        /* A copy, so that a sanitizer sees a read past its end. */
        uint8_t *part = malloc(cut ? cut : 1);
        assert_non_null(part);
        memcpy(part, data, cut);
        assert_int_not_equal(load(part, cut, NULL, &model, &error), SENTIMENT_OK);
        assert_true(strlen(error.message) > 0);
        free(part);
    }
    free(data);
}

/* Whatever a byte is changed to: an error that says something, or a model. */
static void survives_any_byte(void **state)
{
    (void)state;
    static const uint8_t masks[] = {0x01, 0x04, 0x80, 0xff};
    size_t size, loaded = 0;
    uint8_t *data = file_of(sample_create(2, 1), &size);
    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof masks; i++) {
            sentiment_model *model = NULL;
            sentiment_error error = {.struct_size = sizeof error};
            data[at] ^= masks[i];
            if (load(data, size, NULL, &model, &error) == SENTIMENT_OK)
                loaded++;
            else
                assert_true(strlen(error.message) > 0);
            sn_model_release(model);
            data[at] ^= masks[i];
        }
    }
    /* Names of values and nodes, producer and the like may be anything. */
    assert_in_range(loaded, 1, 4 * size / 2);
    free(data);
}

/* ------------------------------------------------------------- allocations */

static void fails_without_memory(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = file_of(sample_create(2, 1), &size);
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        const sentiment_model_options options = {.struct_size = sizeof options,
                                                 .allocator = &hooks};
        sentiment_model *model = NULL;
        sentiment_status status = load(data, size, &options, &model, NULL);
        if (status == SENTIMENT_OK)
            status = sn_model_save(model, scratch_path(folder, "n.onnx"), NULL, NULL);
        sn_model_release(model);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    expect_same_bytes(scratch_path(folder, "m.onnx"), scratch_path(folder, "n.onnx"));
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_any_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_what_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checks_the_opset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_int8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_any_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fails_without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
