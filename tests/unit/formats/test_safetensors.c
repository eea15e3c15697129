/* SPDX-License-Identifier: Apache-2.0
 *
 * The native file at the level of bytes: what a strict reader accepts, every
 * kind of header it refuses and where it says the fault is, its cost on
 * hostile headers, and that writing and reading give back the same bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "formats/formats.h"
#include "formats/safetensors.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

#define F32_2 "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":"
#define U8_N(n) "\"dtype\":\"U8\",\"shape\":[" #n "],\"data_offsets\":"

static const sn_read_options no_options = {0};

/* A file of a header and `data_size` bytes 0, 1, 2, ...; free() it. */
static uint8_t *make_file(const char *header, size_t header_size, size_t data_size, size_t *size)
{
    *size = 8 + header_size + data_size;
    uint8_t *file = malloc(*size);
    for (size_t i = 0; i < 8; i++)
        file[i] = (uint8_t)(header_size >> (8 * i));
    memcpy(file + 8, header, header_size);
    for (size_t i = 0; i < data_size; i++)
        file[8 + header_size + i] = (uint8_t)i;
    return file;
}

static sentiment_status read_file(const uint8_t *file, size_t size, sn_bundle *bundle,
                                  sentiment_error *error)
{
    sn_bytes bytes;
    *bundle = (sn_bundle){.memory = &sn_memory_default};
    sn_bytes_borrow(file, size, NULL, NULL, &bytes);
    return sn_safetensors_read(&bytes, &no_options, bundle, error);
}

static void expect(const char *header, size_t data_size, sentiment_status code, const char *words)
{
    size_t size;
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    uint8_t *file = make_file(header, strlen(header), data_size, &size);
    sentiment_status status = read_file(file, size, &bundle, &error);
    if (status != code || (status && !strstr(error.message, words)))
        fail_msg("%s: got %d '%s', expected %d '%s'", header, status, error.message, code, words);
    sn_bundle_free(&bundle);
    free(file);
}

static void accepts(void **state)
{
    (void)state;
    expect("{}", 0, SENTIMENT_OK, "");
    expect("{}      ", 0, SENTIMENT_OK, "");
    expect("{\"__metadata__\":{}}", 0, SENTIMENT_OK, "");
    expect("{\"a\":{" F32_2 "[0,8]}}", 8, SENTIMENT_OK, "");
    expect("{\"b\":{" F32_2 "[8,16]},\"a\":{" F32_2 "[0,8]}}", 16, SENTIMENT_OK, "");
    expect("{\"s\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, SENTIMENT_OK, "");
    expect("{\"e\":{" U8_N(0) "[0,0]},\"a\":{" F32_2 "[0,8]},\"z\":{" U8_N(0) "[8,8]}}", 8,
           SENTIMENT_OK, "");
}

/* Header, bytes of data, words of the message; all are BAD_MODEL. */
static const struct {
    const char *header;
    size_t data;
    const char *words;
} invalid[] = {
    {"", 0, "does not begin"},
    {" {}", 0, "does not begin"},
    {"{", 0, "does not begin"},
    {"{}\n", 0, "does not begin"},
    {"{}x", 0, "does not begin"},
    {"{}{}", 0, "not valid JSON"},
    {"{\"a\":}", 0, "not valid JSON"},
    {"{\"\xff\":{}}", 0, "not valid JSON"},
    {"{\"a\\u0000b\":{" F32_2 "[0,8]}}", 8, "not valid JSON"},
    {"{\"a\":{" F32_2 "[0,8]},\"a\":{" F32_2 "[8,16]}}", 16, "duplicate"},
    {"{\"a\":{\"dtype\":\"U8\"," F32_2 "[0,8]}}", 8, "duplicate"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate"},
    {"{\"__metadata__\":[]}", 0, "is no object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "'k' is no string"},
    {"{\"__metadata__\":{\"k\":null}}", 0, "'k' is no string"},
    {"{\"a\":7}", 0, "expected dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "expected dtype, shape and data_offsets"},
    {"{\"a\":{" F32_2 "[0,8],\"x\":1}}", 8, "expected dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype is no string"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, "shape is no array"},
    {"{\"a\":{" U8_N(-1) "[0,1]}}", 1, "dimension 0"},
    {"{\"a\":{" U8_N(1.0) "[0,1]}}", 1, "dimension 0"},
    {"{\"a\":{" U8_N(true) "[0,1]}}", 1, "dimension 0"},
    {"{\"a\":{" U8_N("1") "[0,1]}}", 1, "dimension 0"},
    {"{\"a\":{" U8_N(99999999999999999999) "[0,1]}}", 1, "not valid JSON"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
     "overflows"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0,
     "overflows"},
    {"{\"a\":{" F32_2 "[0]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[0,8,8]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[0,8.0]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[-8,0]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[8,0]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[0,16]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[0,9223372036854775807]}}", 8, "no range"},
    {"{\"a\":{" F32_2 "{}}}", 8, "no range"},
    {"{\"a\":{" F32_2 "[0,4]}}", 4, "takes 4 bytes, its shape needs 8"},
    {"{\"a\":{" F32_2 "[0,12]}}", 12, "takes 12 bytes, its shape needs 8"},
    {"{\"a\":{" F32_2 "[1,9]}}", 9, "hole"},
    {"{\"a\":{" F32_2 "[0,8]},\"b\":{" F32_2 "[12,20]}}", 20, "hole"},
    {"{\"a\":{" F32_2 "[0,8]},\"b\":{" F32_2 "[4,12]}}", 12, "overlaps"},
    {"{\"a\":{" F32_2 "[0,8]},\"b\":{" F32_2 "[0,8]}}", 8, "overlaps"},
    {"{\"a\":{" F32_2 "[0,8]}}", 9, "1 bytes belong to no tensor"},
    {"{}", 1, "1 bytes belong to no tensor"},
    {"{\"__metadata__\":{\"data_crc32\":\"00000000\"},\"a\":{" F32_2 "[0,8]}}", 8, "CRC-32"},
    {"{\"__metadata__\":{\"data_crc32\":\"\"},\"a\":{" F32_2 "[0,8]}}", 8, "CRC-32"},
    {"{\"vocab.bytes\":{" U8_N(2) "[0,2]}}", 2, "'vocab.offsets' is missing"},
    {"{\"vocab.offsets\":{" U8_N(2) "[0,2]}}", 2, "'vocab.bytes' is missing"},
    {"{\"vocab.ids\":{" U8_N(2) "[0,2]}}", 2, "'vocab.bytes' is missing"},
    {"{\"vocab.bytes\":{" U8_N(4) "[0,4]},\"vocab.offsets\":{" U8_N(4) "[4,8]}}", 8,
     "expected vocab.bytes"},
    {"{\"vocab.bytes\":{" U8_N(0) "[0,0]},\"vocab.offsets\":{\"dtype\":\"U32\",\"shape\":[0],"
     "\"data_offsets\":[0,0]}}",
     0, "expected vocab.bytes"},
    /* The data 00 01 02 03 makes the first offset 0x03020100. */
    {"{\"vocab.offsets\":{\"dtype\":\"U32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"vocab.bytes\":{" U8_N(4) "[4,8]}}",
     8, "out of order"},
    {"{\"tokenizer.json\":{" F32_2 "[0,8]}}", 8, "expected tokenizer.json U8 [n]"},
    {"{\"tokenizer.json\":{\"dtype\":\"U8\",\"shape\":[2,4],\"data_offsets\":[0,8]}}", 8,
     "expected tokenizer.json U8 [n]"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        expect(invalid[i].header, invalid[i].data, SENTIMENT_ERROR_BAD_MODEL, invalid[i].words);
}

static void names_what_is_unsupported(void **state)
{
    (void)state;
    expect("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
           SENTIMENT_ERROR_UNSUPPORTED, "'F8_E4M3'");
    expect("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
           SENTIMENT_ERROR_UNSUPPORTED, "9 dimensions");
    expect("{\"__metadata__\":{\"format\":\"libsentiment\",\"format_version\":\"2\"}}", 0,
           SENTIMENT_ERROR_UNSUPPORTED, "'2'");
    expect("{\"__metadata__\":{\"format\":\"libsentiment\"}}", 0, SENTIMENT_ERROR_UNSUPPORTED,
           "missing");
}

/* Every prefix of a good file is refused, and so are lengths that lie. */
static void refuses_truncated_files(void **state)
{
    (void)state;
    static const char header[] = "{\"a\":{" F32_2 "[0,8]}}";
    size_t size;
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    uint8_t *file = make_file(header, sizeof header - 1, 8, &size);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(read_file(file, cut, &bundle, &error), SENTIMENT_ERROR_BAD_MODEL);
        assert_true(error.offset <= size || error.offset == SENTIMENT_NO_OFFSET);
    }
    file[7] = 0x7f;
    assert_int_equal(read_file(file, size, &bundle, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.offset, 0);
    assert_non_null(strstr(error.message, "at most 100000000"));
    free(file);
}

static void tells_offsets(void **state)
{
    (void)state;
    static const char header[] = "{\"a\":{" F32_2 "[0,8]},\"b\":{" F32_2 "[12,20]}}";
    static const char broken[] = "{\"a\":1,\"b\" 2}";
    size_t size;
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    uint8_t *file = make_file(header, sizeof header - 1, 20, &size);
    read_file(file, size, &bundle, &error);
    assert_int_equal(error.offset, 8 + sizeof header - 1 + 12);
    free(file);
    file = make_file(broken, sizeof broken - 1, 0, &size);
    read_file(file, size, &bundle, &error);
    assert_in_range(error.offset, 8 + 10, 8 + 13);
    free(file);
}

/* 10 KB of the worst for a JSON parser: depth, and many small objects. */
static void bounds_hostile_headers(void **state)
{
    (void)state;
    enum { SIZE = 10000 };
    char *header = malloc(SIZE + 1);
    memset(header, '[', SIZE);
    memcpy(header, "{\"a\":", 5);
    header[SIZE - 1] = '}';
    header[SIZE] = '\0';
    expect(header, 0, SENTIMENT_ERROR_BAD_MODEL, "not valid JSON");
    for (size_t i = 5; i + 6 < SIZE; i += 6)
        memcpy(header + i, "{\"a\":{", 6);
    expect(header, 0, SENTIMENT_ERROR_BAD_MODEL, "not valid JSON");
    free(header);
}

/* ------------------------------------------------------------- round trips */

static sn_pair pairs[] = {{(char *)(uintptr_t) "author", (char *)(uintptr_t) "\"q\" \xc3\xa9\n"},
                          {(char *)(uintptr_t) "zeta", (char *)(uintptr_t) ""}};

static const float weights[6] = {1, -2, 3.5f, 0, 1e-40f, 7};
static uint8_t word_bytes[] = "onetwo\xc3\xa9";
static uint64_t word_offsets[] = {0, 3, 3, 6, 8};
static int64_t word_ids[] = {5, 1, 0, 5};
static char config_text[] = "{\"model_params\":{}}";

static sn_bundle sample(sn_tensor *tensor, const sn_memory *memory)
{
    *tensor = (sn_tensor){.name = "fc.weight", .dtype = SN_F32, .rank = 2, .dims = {2, 3}};
    tensor->data = (const uint8_t *)weights;
    assert_true(sn_tensor_set_contiguous(tensor));
    return (sn_bundle){.memory = memory,
                       .tensors = tensor,
                       .tensor_count = 1,
                       .words = {word_bytes, word_offsets, word_ids, 4, 6},
                       .has_words = 1,
                       .config = config_text,
                       .config_size = sizeof config_text - 1,
                       .metadata = pairs,
                       .metadata_count = 2};
}

static char folder[SCRATCH_PATH_SIZE];

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void check_sample(const sn_bundle *bundle)
{
    assert_string_equal(bundle->format, "safetensors");
    assert_true(bundle->native);
    assert_int_equal(bundle->tensor_count, 1);
    assert_string_equal(bundle->tensors[0].name, "fc.weight");
    assert_int_equal(bundle->tensors[0].dims[0], 2);
    assert_int_equal(bundle->tensors[0].dims[1], 3);
    assert_memory_equal(bundle->tensors[0].data, weights, sizeof weights);
    assert_int_equal(bundle->words.count, 4);
    assert_memory_equal(bundle->words.offsets, word_offsets, sizeof word_offsets);
    assert_memory_equal(bundle->words.bytes, word_bytes, 8);
    assert_memory_equal(bundle->words.ids, word_ids, sizeof word_ids);
    assert_string_equal(bundle->config, config_text);
    assert_string_equal(sn_bundle_metadata(bundle, "author"), "\"q\" \xc3\xa9\n");
    assert_string_equal(sn_bundle_metadata(bundle, "zeta"), "");
    assert_string_equal(sn_bundle_metadata(bundle, "format"), "libsentiment");
    assert_int_equal(strlen(sn_bundle_metadata(bundle, "data_sha256")), 64);
    for (size_t i = 1; i < bundle->metadata_count; i++)
        assert_true(strcmp(bundle->metadata[i - 1].key, bundle->metadata[i].key) < 0);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    const char *path = scratch_path(folder, "a"), *again = scratch_path(folder, "b");
    size_t size, size_again;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, NULL), SENTIMENT_OK);
    check_sample(&in);
    sn_bundle_free(&in);
    assert_int_equal(sn_formats_write_safetensors(&out, again, NULL, NULL), SENTIMENT_OK);
    uint8_t *first = scratch_read(path, &size), *second = scratch_read(again, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(first, second, size);
    assert_int_equal((8 + sn_load_le(first, 8)) % 64, 0);
    /* Every flipped bit of the data is found. */
    for (size_t at = 8 + (size_t)sn_load_le(first, 8); at < size; at++) {
        sentiment_error error = {.struct_size = sizeof error};
        first[at] ^= 0x10;
        assert_int_equal(read_file(first, size, &in, &error), SENTIMENT_ERROR_BAD_MODEL);
        assert_non_null(strstr(error.message, "CRC-32"));
        first[at] ^= 0x10;
    }
    free(first);
    free(second);
}

/* Bytes stand behind all else, words included, so that nothing wider is misplaced;
 * beyond that the order is the bundle's. */
static void puts_bytes_last(void **state)
{
    (void)state;
    static const int8_t bytes[3] = {-127, 0, 127};
    sn_tensor tensors[4], last;
    sn_bundle out = sample(&last, &sn_memory_default), in = {.memory = &sn_memory_default};
    const char *path = scratch_path(folder, "a");
    for (size_t i = 0; i < 3; i += 2) {
        tensors[i] = (sn_tensor){.name = i ? "y" : "z", .dtype = SN_I8, .rank = 1, .dims = {3}};
        tensors[i].data = (const uint8_t *)bytes;
        assert_true(sn_tensor_set_contiguous(&tensors[i]));
    }
    tensors[1] = tensors[3] = last;
    tensors[1].name = "x";
    out.tensors = tensors;
    out.tensor_count = 4;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, NULL), SENTIMENT_OK);
    static const char *const names[] = {"x", "fc.weight", "z", "y"};
    static const size_t places[] = {0, 24, 24 + 24 + 16 + 20, 24 + 24 + 16 + 20 + 3};
    assert_int_equal(in.tensor_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(in.tensors[i].name, names[i]);
        assert_int_equal(in.tensors[i].data - in.tensors[0].data, places[i]);
    }
    assert_memory_equal(in.tensors[2].data, bytes, 3);
    assert_int_equal(in.words.count, 4);
    sn_bundle_free(&in);
}

static void leaves_out_plain_ids(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    int64_t plain[] = {0, 1, 2, 3};
    const char *path = scratch_path(folder, "a");
    out.words.ids = plain;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, NULL), SENTIMENT_OK);
    assert_null(in.words.ids);
    sn_bundle_free(&in);
    plain[3] = INT64_C(1) << 31;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL),
                     SENTIMENT_ERROR_UNSUPPORTED);
}

static void refuses_words_that_are_not_utf8(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    sentiment_error error = {.struct_size = sizeof error};
    const char *path = scratch_path(folder, "a");
    word_offsets[3] = 7; /* cuts the two bytes of the last letter */
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    word_offsets[3] = 6;
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "word 2 is not UTF-8"));
}

/* The text of a tokenizer.json stands in for the words, to the byte. */
static void keeps_a_tokenizer_json(void **state)
{
    (void)state;
    static char text[] = "{\"version\": \"1.0\"}\n\0\xFF";
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    sentiment_error error = {.struct_size = sizeof error};
    const char *path = scratch_path(folder, "a");
    out.tokenizer_json = text;
    out.tokenizer_json_size = sizeof text - 1;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "there are both vocab.bytes and tokenizer.json"));
    out.has_words = 0;
    assert_int_equal(sn_formats_write_safetensors(&out, path, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(path, &no_options, &in, NULL), SENTIMENT_OK);
    assert_false(in.has_words);
    assert_int_equal(in.tensor_count, 1);
    assert_int_equal(in.tokenizer_json_size, sizeof text - 1);
    assert_memory_equal(in.tokenizer_json, text, sizeof text);
    sn_bundle_free(&in);
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    sn_read_options options = {0};
    sentiment_cancel *cancel;
    const char *path = scratch_path(folder, "a"), *other = scratch_path(folder, "b");
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_write_safetensors(&out, path, cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    options.cancel = cancel;
    assert_int_equal(sn_formats_read_path(path, &options, &in, NULL), SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(sn_formats_write_safetensors(&out, other, cancel, NULL),
                     SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(scratch_count(folder), 1);
    sentiment_cancel_free(cancel);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "a");
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_tensor tensor;
        sn_bundle out = sample(&tensor, &memory), in = {.memory = &memory};
        sentiment_status status = sn_formats_write_safetensors(&out, path, NULL, NULL);
        if (status == SENTIMENT_OK)
            status = sn_formats_read_path(path, &no_options, &in, NULL);
        sn_bundle_free(&in);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    assert_int_equal(scratch_count(folder), 1);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(names_what_is_unsupported),
        cmocka_unit_test(refuses_truncated_files),
        cmocka_unit_test(tells_offsets),
        cmocka_unit_test(bounds_hostile_headers),
        FILE_TEST(writes_what_it_reads),
        FILE_TEST(puts_bytes_last),
        FILE_TEST(leaves_out_plain_ids),
        FILE_TEST(refuses_words_that_are_not_utf8),
        FILE_TEST(keeps_a_tokenizer_json),
        FILE_TEST(stops_when_cancelled),
        FILE_TEST(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}
