/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/registry_make.c: a manifest that was made loads, in each format, and
 * speaks of nothing but what is read; a folder that is no model gets none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/registry.h"
#include "support/scratch.h"

static char root[SCRATCH_PATH_SIZE], model[SCRATCH_PATH_SIZE + 8], version[SCRATCH_PATH_SIZE + 16];
static serve_registry *registry;
static sentiment_error error;

static int set_up(void **state)
{
    (void)state;
    scratch_make(root);
    snprintf(model, sizeof model, "%s/m", root);
    snprintf(version, sizeof version, "%s/m/1", root);
    error = (sentiment_error){.struct_size = sizeof error};
    const serve_registry_options options = {.root = root};
    return mkdir(model, 0700) || mkdir(version, 0700) ||
           serve_registry_create(&options, &registry, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    serve_registry_free(registry);
    scratch_remove(model);
    scratch_remove(root);
    return 0;
}

static void save(const char *path)
{
    sentiment_model_config config = {.struct_size = sizeof config, .seed = 5};
    const sentiment_save_options options = {.struct_size = sizeof options,
                                            .lineage_json = "{\"action\":\"test\",\"created\":null,"
                                                            "\"library\":null}"};
    sentiment_model *made = NULL;
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 2;
    assert_int_equal(sentiment_model_create(&config, NULL, &made, NULL), SENTIMENT_OK);
    assert_int_equal(sentiment_model_save(made, path, &options, NULL), SENTIMENT_OK);
    sentiment_model_free(made);
}

static void make_and_load(const char *format, const char *lineage)
{
    serve_version *loaded = NULL;
    if (serve_registry_make_manifest(registry, "m", "1", &error))
        fail_msg("%s", error.message);
    if (serve_registry_load(registry, "m", "1", &loaded, NULL, &error))
        fail_msg("%s", error.message);
    assert_string_equal(loaded->format, format);
    assert_string_equal(loaded->lineage, lineage);
    serve_registry_release(loaded);
}

static bool manifest_has(const char *word)
{
    size_t size = 0;
    char *text = scratch_read(scratch_path(version, "manifest.json"), &size);
    bool found = strstr(text, word) != NULL;
    free(text);
    return found;
}

static void refuses(sentiment_status status)
{
    assert_int_equal(serve_registry_make_manifest(registry, "m", "1", &error), status);
    assert_int_not_equal(access(scratch_path(version, "manifest.json"), F_OK), 0);
}

static void makes_one_of_a_native_file(void **state)
{
    (void)state;
    save(scratch_path(version, "model.safetensors"));
    scratch_write(scratch_path(version, "README.md"), "notes", 5);
    make_and_load("safetensors", "[{\"action\":\"test\"}]");
    assert_false(manifest_has("README"));
    /* A newer model, a newer manifest. */
    scratch_write(scratch_path(version, "manifest.json"), "garbage", 7);
    make_and_load("safetensors", "[{\"action\":\"test\"}]");
    assert_int_equal(scratch_count(version), 3);
}

static void makes_one_of_a_folder(void **state)
{
    (void)state;
    save(version);
    make_and_load("folder", "[{\"action\":\"test\"}]");
    assert_true(manifest_has("tokenizer.pkl") && manifest_has("config.json"));
    scratch_write(scratch_path(version, "extra"), "x", 1);
    serve_version *loaded = NULL;
    assert_int_equal(serve_registry_load(registry, "m", "1", &loaded, NULL, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    make_and_load("folder", "[{\"action\":\"test\"}]");
    assert_true(manifest_has("\"extra\""));
}

static void makes_one_of_an_onnx_file(void **state)
{
    (void)state;
    save(scratch_path(version, "small.onnx"));
    make_and_load("onnx", "[{\"action\":\"test\"}]");
    assert_true(manifest_has("\"small.onnx\""));
}

static void makes_none_of_anything_else(void **state)
{
    (void)state;
    char name[32];
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    save(scratch_path(version, "a.safetensors"));
    save(scratch_path(version, "b.safetensors"));
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    unlink(scratch_path(version, "b.safetensors"));
    scratch_write(scratch_path(version, "odd name"), "", 0);
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    unlink(scratch_path(version, "odd name"));
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "f%d", i);
        scratch_write(scratch_path(version, name), "", 0);
    }
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "f%d", i);
        unlink(scratch_path(version, name));
    }
    scratch_write(scratch_path(version, "a.safetensors"), "garbage", 7);
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    unlink(scratch_path(version, "a.safetensors"));
    assert_int_equal(symlink("../x", scratch_path(version, "a.safetensors")), 0);
    refuses(SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(serve_registry_make_manifest(registry, "m", "2", &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_make_manifest(registry, "..", "1", &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
}

#define MAKE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKE_TEST(makes_one_of_a_native_file),
        MAKE_TEST(makes_one_of_a_folder),
        MAKE_TEST(makes_one_of_an_onnx_file),
        MAKE_TEST(makes_none_of_anything_else),
    };
    return cmocka_run_group_tests_name("serve registry make", tests, NULL, NULL);
}
