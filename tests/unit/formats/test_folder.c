/* SPDX-License-Identifier: Apache-2.0
 *
 * The guide's folder as files on disk, and the choice of a reader by content:
 * what is missing is named, what is in the way is refused, a full disk leaves
 * the old three files as they were. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "golden_files.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

static const sn_read_options no_options = {0};
static const char *const names[] = {"model.pth", "tokenizer.pkl", "config.json"};

static char folder[SCRATCH_PATH_SIZE];
static char model[SCRATCH_PATH_SIZE]; /* a folder in it, with the sample */

static float weights[4096] = {1, -2, 3.5f, 0, 1e-40f, 7};
static uint8_t word_bytes[] = "onetwo\xc3\xa9";
static uint64_t word_offsets[] = {0, 3, 6, 8};
static int64_t word_ids[] = {5, 1, 0};
static char config_text[] = "{\"model_params\":{}}";

static sn_bundle sample(sn_tensor *tensor, const sn_memory *memory)
{
    *tensor = (sn_tensor){.name = "fc.weight", .dtype = SN_F32, .rank = 2, .dims = {2, 2048}};
    tensor->data = (const uint8_t *)weights;
    assert_true(sn_tensor_set_contiguous(tensor));
    return (sn_bundle){.memory = memory,
                       .tensors = tensor,
                       .tensor_count = 1,
                       .words = {word_bytes, word_offsets, word_ids, 3, 6},
                       .has_words = 1,
                       .config = config_text,
                       .config_size = sizeof config_text - 1};
}

static int set_up(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default);
    scratch_make(folder);
    strcpy(model, scratch_path(folder, "model"));
    return sn_formats_write_folder(&out, model, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static sentiment_status read_path(const char *path, sentiment_error *error)
{
    sn_bundle bundle = {.memory = &sn_memory_default};
    sentiment_status status = sn_formats_read_path(path, &no_options, &bundle, error);
    sn_bundle_free(&bundle);
    return status;
}

static void expect_failure(const char *path, sentiment_status code, const char *words)
{
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(read_path(path, &error), code);
    if (!strstr(error.message, words) || !strstr(error.message, path))
        fail_msg("'%s' lacks '%s' or '%s'", error.message, words, path);
}

static void check_sample(const sn_bundle *bundle)
{
    assert_string_equal(bundle->format, "pytorch");
    assert_int_equal(bundle->tensor_count, 1);
    assert_string_equal(bundle->tensors[0].name, "fc.weight");
    assert_int_equal(bundle->tensors[0].elements, 4096);
    assert_memory_equal(bundle->tensors[0].data, weights, sizeof weights);
    assert_true(bundle->has_words);
    assert_int_equal(bundle->words.count, 3);
    assert_int_equal(bundle->words.vocab_size, 6);
    assert_memory_equal(bundle->words.bytes, word_bytes, 8);
    assert_memory_equal(bundle->words.offsets, word_offsets, sizeof word_offsets);
    assert_memory_equal(bundle->words.ids, word_ids, sizeof word_ids);
    assert_string_equal(bundle->config, config_text);
}

/* By the folder, with and without a slash, by its model.pth, mapped or read. */
static void reads_what_it_wrote(void **state)
{
    (void)state;
    const char *paths[] = {model, scratch_path(model, ""), scratch_path(model, "model.pth")};
    for (size_t i = 0; i < 6; i++) {
        sn_bundle in = {.memory = &sn_memory_default};
        sn_read_options options = {.use_mmap = i >= 3};
        assert_int_equal(sn_formats_read_path(paths[i % 3], &options, &in, NULL), SENTIMENT_OK);
        check_sample(&in);
        sn_bundle_free(&in);
    }
}

/* A bare file beside which the others stand, in the current folder. */
static void reads_a_bare_name(void **state)
{
    (void)state;
    char before[SCRATCH_PATH_SIZE];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(model), 0);
    assert_int_equal(rename("model.pth", "weights.bin"), 0);
    sentiment_status status = read_path("weights.bin", NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, SENTIMENT_OK);
}

/* A bare file is known by its content, whatever protocol its layout was pickled in. */
static void reads_legacy_files(void **state)
{
    (void)state;
    static const char *const files[] = {"pth/legacy.pth", "pth/legacy-protocol-4.pth"};
    for (size_t i = 0; i < 2; i++) {
        golden_file file = golden_read(files[i]);
        const char *path = scratch_path(model, "weights.bin");
        sn_bundle in = {.memory = &sn_memory_default};
        scratch_write(path, file.data, file.size);
        assert_int_equal(sn_formats_read_path(path, &no_options, &in, NULL), SENTIMENT_OK);
        assert_string_equal(in.format, "pytorch-legacy");
        sn_bundle_free(&in);
        golden_free(&file);
    }
}

static void names_the_missing_file(void **state)
{
    (void)state;
    char text[64];
    for (size_t i = 0; i < 3; i++) {
        const char *path = scratch_path(model, names[i]), *aside = scratch_path(folder, "aside");
        assert_int_equal(rename(path, aside), 0);
        strcpy(text, names[i]);
        strcat(text, " missing");
        expect_failure(model, SENTIMENT_ERROR_NOT_FOUND, text);
        assert_int_equal(rename(aside, path), 0);
    }
    assert_int_equal(unlink(scratch_path(model, names[0])), 0);
    assert_int_equal(unlink(scratch_path(model, names[2])), 0);
    expect_failure(model, SENTIMENT_ERROR_NOT_FOUND, "model.pth, config.json missing");
}

static void refuses_folders_for_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *path = scratch_path(model, names[i]), *aside = scratch_path(folder, "aside");
        assert_int_equal(rename(path, aside), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(read_path(model, &error), SENTIMENT_ERROR_IO);
        assert_non_null(strstr(error.message, "is a folder; expected a file"));
        assert_non_null(strstr(error.message, names[i]));
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rename(aside, path), 0);
    }
}

/* It wins over tokenizer.pkl, and is written where a model came with one. */
static void prefers_tokenizer_json(void **state)
{
    (void)state;
    sn_tensor tensor;
    char json[] = "{\"model\": 1}";
    sn_bundle out = sample(&tensor, &sn_memory_default), in = {.memory = &sn_memory_default};
    scratch_write(scratch_path(model, "tokenizer.json"), json, sizeof json - 1);
    assert_int_equal(sn_formats_read_path(model, &no_options, &in, NULL), SENTIMENT_OK);
    assert_false(in.has_words);
    assert_int_equal(in.tokenizer_json_size, sizeof json - 1);
    assert_string_equal(in.tokenizer_json, json);
    sn_bundle_free(&in);
    assert_int_equal(sn_formats_write_folder(&out, model, NULL, NULL),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_int_equal(scratch_count(model), 4);
    json[0] = '[';
    out.tokenizer_json = json;
    out.tokenizer_json_size = sizeof json - 1;
    assert_int_equal(sn_formats_write_folder(&out, model, NULL, NULL), SENTIMENT_OK);
    assert_int_equal(sn_formats_read_path(model, &no_options, &in, NULL), SENTIMENT_OK);
    assert_string_equal(in.tokenizer_json, json);
    sn_bundle_free(&in);
}

static void ignores_other_files(void **state)
{
    (void)state;
    scratch_write(scratch_path(model, "notes.txt"), "x", 1);
    scratch_write(scratch_path(model, "model.onnx"), "x", 1);
    assert_int_equal(read_path(model, NULL), SENTIMENT_OK);
}

static void refuses_without_permission(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip();
    assert_int_equal(chmod(scratch_path(model, "config.json"), 0), 0);
    expect_failure(model, SENTIMENT_ERROR_IO, "config.json");
    assert_int_equal(chmod(model, 0), 0);
    sentiment_status status = read_path(model, NULL);
    assert_int_equal(chmod(model, 0700), 0);
    assert_int_equal(status, SENTIMENT_ERROR_IO);
}

static void prefixes_the_faulty_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        size_t size;
        const char *path = scratch_path(model, names[i]);
        char *content = scratch_read(path, &size);
        scratch_write(path, content, size / 2);
        assert_int_equal(read_path(model, &error), SENTIMENT_ERROR_BAD_MODEL);
        assert_non_null(strstr(error.message, path));
        scratch_write(path, content, size);
        free(content);
    }
}

static void says_what_it_found(void **state)
{
    (void)state;
    static const struct {
        const char *content, *words;
    } strangers[] = {
        {"", "empty"},         {"hello", "no kind known"}, {"\x1f\x8b\x08", "gzip"},
        {"{\"a\":1}", "JSON"}, {"\x80\x04N.", "pickle"},   {"<html>", "web page"},
    };
    const char *path = scratch_path(folder, "file");
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        scratch_write(path, strangers[i].content, strlen(strangers[i].content));
        expect_failure(path, SENTIMENT_ERROR_BAD_MODEL, strangers[i].words);
    }
    expect_failure(scratch_path(folder, "absent"), SENTIMENT_ERROR_NOT_FOUND, "No such file");
}

static void needs_a_path_for_pytorch(void **state)
{
    (void)state;
    sn_bundle bundle = {.memory = &sn_memory_default};
    sentiment_error error = {.struct_size = sizeof error};
    sn_bytes bytes;
    sn_bytes_borrow("PK\x03\x04", 4, NULL, NULL, &bytes);
    assert_int_equal(sn_formats_read_bytes(&bytes, &no_options, &bundle, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "by path"));
}

/* ---------------------------------------------------------------- writing */

/* The size limit lets the model through or not; no file may change. */
static void leaves_the_old_on_a_full_disk(void **state)
{
    (void)state;
    struct rlimit before, small;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default);
    sentiment_error error = {.struct_size = sizeof error};
    char long_config[40000];
    char *old[3];
    size_t sizes[3];
    for (size_t i = 0; i < 3; i++)
        old[i] = scratch_read(scratch_path(model, names[i]), &sizes[i]);
    memset(long_config, ' ', sizeof long_config);
    out.config = long_config; /* the last of the three files is the one too long */
    out.config_size = sizeof long_config;
    weights[0] = 42;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t limit = 1000; limit <= 32000; limit += 31000) {
        small = before;
        small.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        sentiment_status status = sn_formats_write_folder(&out, model, NULL, &error);
        sentiment_status fresh =
            sn_formats_write_folder(&out, scratch_path(folder, "fresh"), NULL, NULL);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(fresh, SENTIMENT_ERROR_IO);
        assert_false(sn_path_exists(scratch_path(folder, "fresh")));
        assert_int_equal(status, SENTIMENT_ERROR_IO);
        assert_non_null(strstr(error.message, limit == 1000 ? "model.pth" : "config.json"));
        assert_int_equal(scratch_count(model), 3);
        for (size_t i = 0; i < 3; i++) {
            size_t size;
            char *now = scratch_read(scratch_path(model, names[i]), &size);
            assert_int_equal(size, sizes[i]);
            assert_memory_equal(now, old[i], size);
            free(now);
        }
    }
    weights[0] = 1;
    for (size_t i = 0; i < 3; i++)
        free(old[i]);
}

static void refuses_bad_targets(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default);
    sentiment_error error = {.struct_size = sizeof error};
    const char *file = scratch_path(folder, "file");
    scratch_write(file, "x", 1);
    assert_int_equal(sn_formats_write_folder(&out, file, NULL, &error), SENTIMENT_ERROR_IO);
    assert_int_equal(sn_formats_write_folder(&out, scratch_path(folder, "a/b"), NULL, &error),
                     SENTIMENT_ERROR_NOT_FOUND);
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    sn_tensor tensor;
    sn_bundle out = sample(&tensor, &sn_memory_default);
    sentiment_cancel *cancel;
    const char *other = scratch_path(folder, "other");
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    assert_int_equal(sn_formats_write_folder(&out, other, cancel, NULL),
                     SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(scratch_count(other), 0);
    sentiment_cancel_free(cancel);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_tensor tensor;
        sn_bundle out = sample(&tensor, &memory), in = {.memory = &memory};
        sentiment_status status = sn_formats_write_folder(&out, model, NULL, NULL);
        if (status == SENTIMENT_OK)
            status = sn_formats_read_path(n % 2 ? model : scratch_path(model, "model.pth"),
                                          &no_options, &in, NULL);
        sn_bundle_free(&in);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    assert_int_equal(scratch_count(model), 3);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(reads_what_it_wrote),
        FILE_TEST(reads_a_bare_name),
        FILE_TEST(names_the_missing_file),
        FILE_TEST(refuses_folders_for_files),
        FILE_TEST(prefers_tokenizer_json),
        FILE_TEST(ignores_other_files),
        FILE_TEST(refuses_without_permission),
        FILE_TEST(prefixes_the_faulty_file),
        FILE_TEST(says_what_it_found),
        FILE_TEST(needs_a_path_for_pytorch),
        FILE_TEST(reads_legacy_files),
        FILE_TEST(leaves_the_old_on_a_full_disk),
        FILE_TEST(refuses_bad_targets),
        FILE_TEST(stops_when_cancelled),
        FILE_TEST(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
