/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model/save.c and the files as a whole: models survive native file,
 * folder and native file again bit for bit, the same model gives the same
 * bytes, metadata follows its rules, and every failing allocation of saving
 * and loading ends cleanly. */
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

static void save(const sentiment_model *model, const char *path)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_model_save(model, path, NULL, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
}

static const char *metadata(const sentiment_model *model, const char *key)
{
    for (size_t i = 0; i < model->metadata_count; i++)
        if (strcmp(model->metadata[i].key, key) == 0)
            return model->metadata[i].value;
    return NULL;
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

/* native -> folder -> native, each loaded and compared with the original. */
static void expect_round_trip(sentiment_model *model)
{
    const char *first = scratch_path(folder, "a.safetensors");
    const char *second = scratch_path(folder, "b.safetensors");
    const char *guide = scratch_path(folder, "guide");
    save(model, first);
    sentiment_model *native = sample_load(first);
    assert_string_equal(native->format, "safetensors");
    sample_expect_equal(model, native);
    save(native, guide);
    sentiment_model *pytorch = sample_load(guide);
    assert_string_equal(pytorch->format, "pytorch");
    sample_expect_equal(model, pytorch);
    save(native, second);
    expect_same_bytes(first, second);
    save(pytorch, second);
    sentiment_model *again = sample_load(second);
    sample_expect_equal(model, again);
    assert_string_equal(metadata(native, "data_sha256"), metadata(again, "data_sha256"));
    expect_same_bytes(first, second);
    sn_model_release(native);
    sn_model_release(pytorch);
    sn_model_release(again);
    sn_model_release(model);
}

static void keeps_everything(void **state)
{
    (void)state;
    expect_round_trip(sample_create(1, 0));
    expect_round_trip(sample_create(3, 1));
    expect_round_trip(sample_assemble());
}

static void writes_what_people_read(void **state)
{
    (void)state;
    size_t size;
    sentiment_model *model = sample_assemble();
    const char *guide = scratch_path(folder, "guide");
    save(model, guide);
    char *text = scratch_read(scratch_path(guide, "config.json"), &size);
    assert_string_equal(text, "{\n"
                              "  \"model_params\": {\n"
                              "    \"vocab_size\": 4,\n"
                              "    \"embedding_dim\": 2,\n"
                              "    \"hidden_size\": 3,\n"
                              "    \"num_classes\": 2\n"
                              "  },\n"
                              "  \"training_params\": {\n"
                              "    \"learning_rate\": 0.1\n"
                              "  },\n"
                              "  \"labels\": [\n"
                              "    \"schlecht\",\n"
                              "    \"tr\\u00E8s bien\"\n"
                              "  ],\n"
                              "  \"padding\": \"none\",\n"
                              "  \"max_length\": 128,\n"
                              "  \"temperature\": 1.3,\n"
                              "  \"tokenizer\": \"words\",\n"
                              "  \"libsentiment\": {\n"
                              "    \"metadata\": {\n"
                              "      \"note\": \"train \\\"x\\\"\"\n"
                              "    }\n"
                              "  }\n"
                              "}");
    free(text);
    sn_model_release(model);
}

static void writes_the_documented_metadata(void **state)
{
    (void)state;
    sentiment_model *model = sample_assemble();
    const char *path = scratch_path(folder, "a.safetensors");
    save(model, path);
    sentiment_model *loaded = sample_load(path);
    assert_string_equal(metadata(loaded, "format"), "libsentiment");
    assert_string_equal(metadata(loaded, "format_version"), "1");
    assert_string_equal(metadata(loaded, "library_version"), "0.3.0");
    assert_string_equal(metadata(loaded, "labels"), "[\"schlecht\",\"tr\xc3\xa8s bien\"]");
    assert_string_equal(metadata(loaded, "padding"), "none");
    assert_string_equal(metadata(loaded, "max_length"), "128");
    assert_string_equal(metadata(loaded, "temperature"), "1.3");
    assert_string_equal(metadata(loaded, "tokenizer"),
                        "{\"kind\":\"words\",\"options\":{},\"unicode\":\"14.0.0\"}");
    assert_string_equal(metadata(loaded, "note"), "train \"x\"");
    assert_string_equal(metadata(loaded, "config"), loaded->config_json);
    assert_int_equal(strlen(metadata(loaded, "data_crc32")), 8);
    assert_null(metadata(loaded, "lineage"));
    for (size_t i = 1; i < loaded->metadata_count; i++)
        assert_true(strcmp(loaded->metadata[i - 1].key, loaded->metadata[i].key) < 0);
    sn_model_release(loaded);
    sn_model_release(model);
}

static void merges_given_metadata(void **state)
{
    (void)state;
    sentiment_model *model = sample_assemble();
    sentiment_save_options options = {
        .struct_size = sizeof options,
        .format = SENTIMENT_FORMAT_SAFETENSORS,
        .metadata_json = "{\"note\":\"new\",\"a\":\"\\u00e9\"}"};
    const char *path = scratch_path(folder, "no-extension");
    assert_int_equal(sn_model_save(model, path, &options, NULL), SENTIMENT_OK);
    sentiment_model *loaded = sample_load(path);
    assert_string_equal(metadata(loaded, "note"), "new");
    assert_string_equal(metadata(loaded, "a"), "\xc3\xa9");
    sn_model_release(loaded);
    static const char *const bad[] = {"[]", "{", "{\"a\":1}", "{\"padding\":\"none\"}",
                                      "{\"data_crc32\":\"0\"}", "{\"a\":\"1\",\"a\":\"2\"}",
                                      "{\"lineage\":\"[]\"}", "{\"lineage.a\":\"b\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        options.metadata_json = bad[i];
        assert_int_equal(sn_model_save(model, path, &options, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_true(strlen(error.message) > 0);
    }
    assert_int_equal(scratch_count(folder), 1);
    assert_int_equal(sn_model_set_metadata(model, "config", "{}", NULL),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sn_model_set_metadata(model, "a", "\xff", NULL),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    sn_model_release(model);
}

static void chooses_the_format(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0);
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_save_options options = {.struct_size = sizeof options,
                                      .format = SENTIMENT_FORMAT_FOLDER};
    const char *odd = scratch_path(folder, "x.safetensors");
    assert_int_equal(sn_model_save(model, odd, &options, NULL), SENTIMENT_OK);
    assert_int_equal(scratch_count(odd), 3);
    assert_int_equal(sn_model_save(model, odd, NULL, &error), SENTIMENT_ERROR_IO);
    assert_int_equal(sn_model_save(model, scratch_path(folder, "m.pth"), NULL, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, ".pth"));
    const char *graph = scratch_path(folder, "m.onnx");
    assert_int_equal(sn_model_save(model, graph, NULL, NULL), SENTIMENT_OK);
    sentiment_model *read = sample_load(graph);
    assert_string_equal(read->format, "onnx");
    sn_model_release(read);
    options.format = 9;
    assert_int_equal(sn_model_save(model, odd, &options, NULL), SENTIMENT_ERROR_INVALID_ARGUMENT);
    sn_model_release(model);
}

static void prefixes_the_path(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0);
    sentiment_error error = {.struct_size = sizeof error};
    const char *guide = scratch_path(folder, "guide");
    save(model, guide);
    sn_model_release(model);
    model = NULL;
    scratch_write(scratch_path(guide, "config.json"), "{}", 2);
    assert_int_equal(sn_model_load(guide, NULL, &model, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_memory_equal(error.message, guide, strlen(guide));
    assert_non_null(strstr(error.message, "model_params"));
    assert_null(model);
}

/* ------------------------------------------------------------ from memory */

static size_t released;

static void count_release(void *user, const void *data, size_t size)
{
    assert_ptr_equal(user, &released);
    assert_non_null(data);
    assert_true(size > 0);
    released++;
}

static void gives_borrowed_bytes_back_once(void **state)
{
    (void)state;
    sentiment_model *model = sample_assemble(), *loaded = NULL;
    const char *path = scratch_path(folder, "a.safetensors");
    size_t size;
    sn_bytes bytes;
    save(model, path);
    uint8_t *file = scratch_read(path, &size);
    released = 0;
    file[size - 1] ^= 1;
    sn_bytes_borrow(file, size, count_release, &released, &bytes);
    assert_int_equal(sn_model_load_bytes(&bytes, NULL, &loaded, NULL), SENTIMENT_ERROR_BAD_MODEL);
    file[size - 1] ^= 1;
    assert_int_equal(sn_model_load_bytes(&bytes, NULL, &loaded, NULL), SENTIMENT_OK);
    sample_expect_equal(model, loaded);
    sn_model_retain(loaded);
    sn_model_release(loaded);
    assert_int_equal(released, 0);
    sn_model_release(loaded);
    assert_int_equal(released, 1);
    free(file);
    sn_model_release(model);
}

/* The tokenizer outlives its model. */
static void counts_references(void **state)
{
    (void)state;
    faulty_allocator counting = {0};
    sentiment_allocator hooks = faulty_allocator_hooks(&counting);
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
    sentiment_model_config config = {.struct_size = sizeof config, .vocab_size = 3,
                                     .embedding_dim = 1, .hidden_size = 1, .num_classes = 1};
    sentiment_model *model = NULL;
    assert_int_equal(sn_model_create(&config, &options, &model, NULL), SENTIMENT_OK);
    sentiment_tokenizer *tokenizer = sn_tokenizer_retain(model->tokenizer);
    sn_model_release(sn_model_retain(model));
    sn_model_release(model);
    assert_int_equal(
        sn_vocabulary_find(&tokenizer->tokenizer.vocabulary, (const uint8_t *)"word_2", 6), 2);
    sn_tokenizer_release(tokenizer);
    assert_int_equal(faulty_allocator_live(&counting), 0);
    sn_model_release(NULL);
    sn_tokenizer_release(NULL);
    assert_null(sn_model_retain(NULL));
    assert_null(sn_tokenizer_retain(NULL));
}

/* ------------------------------------------------------------ allocations */

static sentiment_status save_and_load(const sentiment_model *model, const char *path,
                                      const sentiment_model_options *options)
{
    sentiment_model *copy = NULL;
    const sentiment_save_options how = {.struct_size = sizeof how,
                                        .metadata_json = "{\"k\":\"v\"}",
                                        .lineage_json = "{\"action\":\"test\"}"};
    sentiment_status status = sn_model_save(model, path, &how, NULL);
    if (status == SENTIMENT_OK)
        status = sn_model_load(path, options, &copy, NULL);
    if (status == SENTIMENT_OK)
        sample_expect_equal(model, copy);
    sn_model_release(copy);
    return status;
}

/* The model's own hooks serve its saving; they start to fail once it is made. */
static void walk_through_failures(const char *path)
{
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {0};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
        sentiment_model_config config = {.struct_size = sizeof config, .vocab_size = 3,
                                         .embedding_dim = 2, .hidden_size = 1, .num_classes = 2,
                                         .num_layers = 2, .bidirectional = 1};
        sentiment_model *model = NULL;
        assert_int_equal(sn_model_create(&config, &options, &model, NULL), SENTIMENT_OK);
        size_t live = faulty_allocator_live(&faulty);
        faulty.fail_at = faulty_allocator_calls(&faulty) + n;
        sentiment_status status = save_and_load(model, path, &options);
        assert_int_equal(faulty_allocator_live(&faulty), live);
        _Bool failed = faulty_allocator_failed(&faulty);
        sn_model_release(model);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_OK);
        if (!failed) {
            assert_true(n > 40);
            break;
        }
    }
    assert_int_equal(scratch_count(folder), 1);
}

static void survives_every_failed_allocation_of_a_file(void **state)
{
    (void)state;
    walk_through_failures(scratch_path(folder, "a.safetensors"));
}

static void survives_every_failed_allocation_of_a_folder(void **state)
{
    (void)state;
    walk_through_failures(scratch_path(folder, "guide"));
    assert_int_equal(scratch_count(scratch_path(folder, "guide")), 3);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(keeps_everything),
        FILE_TEST(writes_what_people_read),
        FILE_TEST(writes_the_documented_metadata),
        FILE_TEST(merges_given_metadata),
        FILE_TEST(chooses_the_format),
        FILE_TEST(prefixes_the_path),
        FILE_TEST(gives_borrowed_bytes_back_once),
        FILE_TEST(counts_references),
        FILE_TEST(survives_every_failed_allocation_of_a_file),
        FILE_TEST(survives_every_failed_allocation_of_a_folder),
    };
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
