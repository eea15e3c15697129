/* SPDX-License-Identifier: Apache-2.0
 *
 * The ONNX checker: what is asked before the plugin is searched for, what is
 * said where there is none, what comes from the plugin. Arguments: a plugin that
 * dislikes everything; or "required" or "optional", then the folders of golden
 * files: what the real one says of good and bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/onnx_check.h"
#include "model/model.h"
#include "support/scratch.h"

static char **folders;
static char folder[SCRATCH_PATH_SIZE];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void fails_with(const char *path, sentiment_status code, const char *says)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = sn_onnx_check(path, &error);
    if (status != code || error.code != code || !strstr(error.message, says))
        fail_msg("%s: %d \"%s\" is not %d \"%s\"", path, status, error.message, code, says);
}

/* --------------------------------------------------- with the plugin faked */

static void test_without_plugin(void **state)
{
    (void)state;
    const char *file = scratch_path(folder, "m.onnx");
    scratch_write(file, "x", 1);
    setenv("SENTIMENT_PLUGIN_PATH", "/nonexistent", 1);
    fails_with(scratch_path(folder, "none"), SENTIMENT_ERROR_NOT_FOUND, "none");
    fails_with(folder, SENTIMENT_ERROR_IO, "folder");
    fails_with("/dev/null", SENTIMENT_ERROR_IO, "device");
    fails_with(file, SENTIMENT_ERROR_ENGINE_UNAVAILABLE,
               "the ONNX checker needs libsentiment-onnx.so");
    fails_with(file, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, "-Donnx=enabled");
    fails_with(file, SENTIMENT_ERROR_ENGINE_UNAVAILABLE,
               "/nonexistent/libsentiment-onnx.so: not there");
}

static void test_with_fake(void **state)
{
    (void)state;
    char file[SCRATCH_PATH_SIZE + 32], says[2 * sizeof file + 64];
    snprintf(file, sizeof file, "%s/m.onnx", folder);
    scratch_write(file, "x", 1);
    char *plugin = realpath(folders[0], NULL);
    assert_non_null(plugin);
    assert_int_equal(symlink(plugin, scratch_path(folder, "libsentiment-onnx.so")), 0);
    free(plugin);
    setenv("SENTIMENT_PLUGIN_PATH", folder, 1);
    snprintf(says, sizeof says, "%s: fake checker dislikes %s", file, file);
    fails_with(file, SENTIMENT_ERROR_BAD_MODEL, says);
    fails_with(scratch_path(folder, "none"), SENTIMENT_ERROR_NOT_FOUND, "none");
}

/* ------------------------------------------------------- the real checker */

static const char *golden(size_t which, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s.onnx", folders[which], name);
    return path;
}

static void accepts(const char *path)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_onnx_check(path, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
}

static void test_accepts_pytorchs_files(void **state)
{
    (void)state;
    static const char *const names[] = {"1.13-11-1", "1.13-14-2b", "1.13-17-2b",
                                        "1.13-unfolded-17-2b", "own-external", "own-matmul"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        accepts(golden(0, names[i]));
}

/* A checker says honestly that it does not know what is newer than it. */
static void test_accepts_ours(void **state)
{
    (void)state;
    for (uint32_t opset = 11; opset <= 20; opset++) {
        for (uint32_t shape = 0; shape < 4; shape++) {
            const sentiment_model_config config = {.struct_size = sizeof config,
                                                   .vocab_size = 5,
                                                   .embedding_dim = 3,
                                                   .hidden_size = 4,
                                                   .num_classes = 2,
                                                   .num_layers = 1 + shape / 2,
                                                   .bidirectional = shape % 2};
            const sentiment_save_options options = {.struct_size = sizeof options,
                                                    .opset = opset};
            const char *path = scratch_path(folder, "m.onnx");
            sentiment_error error = {.struct_size = sizeof error};
            sentiment_model *model = NULL;
            assert_int_equal(sn_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
            assert_int_equal(sn_model_save(model, path, &options, NULL), SENTIMENT_OK);
            sn_model_release(model);
            sentiment_status status = sn_onnx_check(path, &error);
            _Bool newer = status == SENTIMENT_ERROR_UNSUPPORTED &&
                          strstr(error.message, "the checker, onnx ");
            if (status != SENTIMENT_OK && (opset <= 17 || !newer))
                fail_msg("%s", error.message);
        }
    }
}

static void test_refuses_bad_files(void **state)
{
    (void)state;
    static const char *const names[] = {"cut-at-30",         "no-graph",      "no-opset",
                                        "value-twice",       "cycle",         "unknown-value",
                                        "unknown-attribute", "reshape-negative",
                                        "transpose-two-axes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fails_with(golden(1, names[i]), SENTIMENT_ERROR_BAD_MODEL, names[i]);
    fails_with(golden(1, "unknown-attribute"), SENTIMENT_ERROR_BAD_MODEL, "ball");
    accepts(golden(1, "fine"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(int count, char **arguments)
{
    const struct CMUnitTest faked[] = {IN_FOLDER(test_without_plugin), IN_FOLDER(test_with_fake)};
    const struct CMUnitTest real[] = {IN_FOLDER(test_accepts_pytorchs_files),
                                      IN_FOLDER(test_accepts_ours),
                                      IN_FOLDER(test_refuses_bad_files)};
    folders = arguments + 1;
    if (count == 2)
        return cmocka_run_group_tests(faked, NULL, NULL);
    if (count != 4) {
        fprintf(stderr, "usage: %s PLUGIN | required|optional ONNX INVALID\n", arguments[0]);
        return 2;
    }
    sentiment_error error = {.struct_size = sizeof error};
    folders++;
    if (sn_onnx_check(golden(1, "fine"), &error) == SENTIMENT_ERROR_ENGINE_UNAVAILABLE) {
        fprintf(stderr, "%s\n", error.message);
        return strcmp(arguments[1], "required") == 0 ? 1 : 77;
    }
    return cmocka_run_group_tests(real, NULL, NULL);
}
