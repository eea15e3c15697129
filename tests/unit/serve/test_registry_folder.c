/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/registry_folder.c, registry_load.c, registry_files.c: what is found in
 * a folder of models, that only what its manifest says is loaded, and that whatever
 * else lies there, or in the way, leaves what is serving as it was. */
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

#include "base/sha256.h"
#include "serve/registry.h"
#include "support/scratch.h"

static char root[SCRATCH_PATH_SIZE];
static serve_registry *registry;
static sentiment_error error;

static const char *path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *path_of(const char *format, ...)
{
    char name[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return scratch_path(root, name);
}

static void write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(root);
    error = (sentiment_error){.struct_size = sizeof error};
    const serve_registry_options options = {.root = root};
    return mkdir(path_of("m"), 0700) || serve_registry_create(&options, &registry, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    serve_registry_free(registry);
    /* Copies: the buffers of scratch_path come round again while it removes. */
    char models[2][SCRATCH_PATH_SIZE];
    for (size_t i = 0; i < 2; i++) {
        memcpy(models[i], path_of("%c", "mn"[i]), sizeof models[i]);
        scratch_remove(models[i]);
    }
    scratch_remove(root);
    return 0;
}

static void digest_of(const char *path, char hex[65])
{
    sn_sha256 hash;
    size_t size = 0;
    void *data = scratch_read(path, &size);
    sn_sha256_start(&hash);
    sn_sha256_add(&hash, data, size);
    sn_sha256_finish(&hash, hex);
    free(data);
}

static void save(const char *path, uint64_t seed)
{
    sentiment_model_config config = {.struct_size = sizeof config, .seed = seed};
    sentiment_save_options options = {.struct_size = sizeof options,
                                      .metadata_json = "{\"name\":\"tiny\"}",
                                      .lineage_json = "{\"action\":\"test\",\"created\":null,"
                                                      "\"library\":null}"};
    sentiment_model *model = NULL;
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 2;
    assert_int_equal(sentiment_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
    assert_int_equal(sentiment_model_save(model, path, &options, NULL), SENTIMENT_OK);
    sentiment_model_free(model);
}

/* A native file with its manifest, in m/VERSION. */
static void add_native(const char *version, uint64_t seed, const char *more)
{
    char hex[65], text[512];
    mkdir(path_of("m/%s", version), 0700);
    const char *path = path_of("m/%s/model.safetensors", version);
    save(path, seed);
    digest_of(path, hex);
    snprintf(text, sizeof text,
             "{\"format\":\"safetensors\",\"file\":\"model.safetensors\",\"sha256\":\"%s\"%s}", hex,
             more);
    write_text(path_of("m/%s/manifest.json", version), text);
}

/* The guide's three files, in m/VERSION. */
static void add_folder(const char *version, uint64_t seed)
{
    char model[65], tokenizer[65], config[65], text[512];
    save(path_of("m/%s", version), seed);
    digest_of(path_of("m/%s/model.pth", version), model);
    digest_of(path_of("m/%s/tokenizer.pkl", version), tokenizer);
    digest_of(path_of("m/%s/config.json", version), config);
    snprintf(text, sizeof text,
             "{\"format\":\"folder\",\"sha256\":\"%s\",\"files\":{\"tokenizer.pkl\":\"%s\","
             "\"config.json\":\"%s\"}}",
             model, tokenizer, config);
    write_text(path_of("m/%s/manifest.json", version), text);
}

static sentiment_status load(const char *name, const char *version, serve_version **loaded)
{
    *loaded = NULL;
    return serve_registry_load(registry, name, version, loaded, NULL, &error);
}

static void refuses(const char *name, const char *version, sentiment_status code, const char *word)
{
    serve_version *loaded = NULL;
    assert_int_equal(load(name, version, &loaded), code);
    assert_null(loaded);
    if (!strstr(error.message, word))
        fail_msg("%s: no '%s'", error.message, word);
}

static void loads_a_native_file(void **state)
{
    (void)state;
    char hex[65];
    bool fresh = false;
    serve_version *first = NULL, *second = NULL;
    add_native("1", 1, ",\"lineage\":[{\"action\":\"said\"}]");
    digest_of(path_of("m/1/model.safetensors"), hex);
    assert_int_equal(serve_registry_load(registry, "m", "1", &first, &fresh, &error), SENTIMENT_OK);
    assert_true(fresh);
    assert_string_equal(first->name, "m");
    assert_string_equal(first->version, "1");
    assert_string_equal(first->format, "safetensors");
    assert_string_equal(first->sha256, hex);
    assert_string_equal(first->lineage, "[{\"action\":\"said\"}]");
    assert_string_equal(sentiment_model_get_metadata(first->model, "name"), "tiny");
    /* Once it serves it is handed out again; a changed file is another version. */
    assert_int_equal(serve_registry_activate(registry, first, NULL), SENTIMENT_OK);
    assert_int_equal(serve_registry_load(registry, "m", "1", &second, &fresh, &error),
                     SENTIMENT_OK);
    assert_false(fresh);
    assert_ptr_equal(first, second);
    serve_registry_release(second);
    add_native("1", 2, "");
    assert_int_equal(serve_registry_load(registry, "m", "1", &second, &fresh, &error),
                     SENTIMENT_OK);
    assert_true(fresh);
    assert_true(second->number > first->number);
    assert_string_not_equal(second->sha256, first->sha256);
    /* The manifest is silent: the model speaks. */
    assert_string_equal(second->lineage, "[{\"action\":\"test\"}]");
    serve_registry_release(second);
    serve_registry_release(first);
}

static void loads_a_folder(void **state)
{
    (void)state;
    serve_version *loaded = NULL;
    sentiment_model_info info = {.struct_size = sizeof info};
    add_folder("1", 3);
    if (load("m", "1", &loaded))
        fail_msg("%s", error.message);
    assert_string_equal(loaded->format, "folder");
    assert_int_equal(sentiment_model_get_info(loaded->model, &info, NULL), SENTIMENT_OK);
    assert_string_equal(info.format, "pytorch");
    serve_registry_release(loaded);
    /* Each of its files counts, and none may be added: tokenizer.json would win. */
    write_text(path_of("m/1/tokenizer.json"), "{}");
    refuses("m", "1", SENTIMENT_ERROR_BAD_MODEL, "does not list 'tokenizer.json'");
    unlink(path_of("m/1/tokenizer.json"));
    write_text(path_of("m/1/.note"), "hidden files are nobody's");
    assert_int_equal(load("m", "1", &loaded), SENTIMENT_OK);
    serve_registry_release(loaded);
    write_text(path_of("m/1/config.json"), "{}");
    refuses("m", "1", SENTIMENT_ERROR_BAD_MODEL, "m/1/config.json: SHA-256 is");
    unlink(path_of("m/1/config.json"));
    refuses("m", "1", SENTIMENT_ERROR_NOT_FOUND, "m/1/config.json");
}

/* Whatever goes wrong, requests go on with what there was. */
static void keeps_serving_through_garbage(void **state)
{
    (void)state;
    serve_version *loaded = NULL;
    size_t size = 0;
    add_native("1", 1, "");
    assert_int_equal(load("m", "1", &loaded), SENTIMENT_OK);
    assert_int_equal(serve_registry_activate(registry, loaded, NULL), SENTIMENT_OK);
    serve_registry_release(loaded);
    add_native("2", 2, "");
    char *model = scratch_read(path_of("m/2/model.safetensors"), &size);
    char *manifest = scratch_read(path_of("m/2/manifest.json"), &(size_t){0});
    model[size / 2] ^= 1;
    scratch_write(path_of("m/2/model.safetensors"), model, size);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "SHA-256 is");
    model[size / 2] ^= 1;
    scratch_write(path_of("m/2/model.safetensors"), model, size - 1);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "SHA-256 is");
    unlink(path_of("m/2/model.safetensors"));
    refuses("m", "2", SENTIMENT_ERROR_NOT_FOUND, "m/2/model.safetensors");
    assert_int_equal(mkdir(path_of("m/2/model.safetensors"), 0700), 0);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "not a regular file");
    rmdir(path_of("m/2/model.safetensors"));
    assert_int_equal(mkfifo(path_of("m/2/model.safetensors"), 0600), 0);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "not a regular file");
    unlink(path_of("m/2/model.safetensors"));
    scratch_write(path_of("m/2/model.safetensors"), model, size);
    for (size_t cut = 0; cut < strlen(manifest); cut += 7) {
        scratch_write(path_of("m/2/manifest.json"), manifest, cut);
        refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "m/2/manifest.json: invalid JSON");
    }
    unlink(path_of("m/2/manifest.json"));
    refuses("m", "2", SENTIMENT_ERROR_NOT_FOUND, "m/2/manifest.json");
    /* A digest of garbage makes no model of it. */
    char hex[65], text[300];
    write_text(path_of("m/2/model.safetensors"), "garbage");
    digest_of(path_of("m/2/model.safetensors"), hex);
    snprintf(text, sizeof text,
             "{\"format\":\"safetensors\",\"file\":\"model.safetensors\",\"sha256\":\"%s\"}", hex);
    write_text(path_of("m/2/manifest.json"), text);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "");
    snprintf(text, sizeof text,
             "{\"format\":\"onnx\",\"file\":\"model.safetensors\",\"sha256\":\"%s\"}", hex);
    write_text(path_of("m/2/manifest.json"), text);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "");
    serve_version *serving = serve_registry_acquire(registry, "m", "", 0, NULL);
    assert_string_equal(serving->version, "1");
    serve_registry_release(serving);
    /* Put right again, it loads. */
    scratch_write(path_of("m/2/model.safetensors"), model, size);
    write_text(path_of("m/2/manifest.json"), manifest);
    assert_int_equal(load("m", "2", &loaded), SENTIMENT_OK);
    serve_registry_release(loaded);
    free(model);
    free(manifest);
}

static void refuses_what_leads_elsewhere(void **state)
{
    (void)state;
    size_t size = 0;
    add_native("1", 1, "");
    add_native("5", 1, "");
    refuses("..", "m", SENTIMENT_ERROR_INVALID_ARGUMENT, "a name must be");
    refuses("m", "../m/1", SENTIMENT_ERROR_INVALID_ARGUMENT, "a name must be");
    refuses("m", ".", SENTIMENT_ERROR_INVALID_ARGUMENT, "a name must be");
    refuses("m", "", SENTIMENT_ERROR_INVALID_ARGUMENT, "a name must be");
    refuses("m", "9", SENTIMENT_ERROR_NOT_FOUND, "9");
    refuses("x", "1", SENTIMENT_ERROR_NOT_FOUND, "x");
    assert_int_equal(symlink("1", path_of("m/2")), 0);
    refuses("m", "2", SENTIMENT_ERROR_BAD_MODEL, "symbolic link");
    assert_int_equal(symlink("m", path_of("l")), 0);
    refuses("l", "1", SENTIMENT_ERROR_BAD_MODEL, "symbolic link");
    assert_int_equal(rename(path_of("m/1/model.safetensors"), path_of("m/real")), 0);
    assert_int_equal(symlink("../real", path_of("m/1/model.safetensors")), 0);
    refuses("m", "1", SENTIMENT_ERROR_BAD_MODEL, "symbolic link");
    unlink(path_of("m/5/model.safetensors"));
    unlink(path_of("m/5/manifest.json"));
    char *manifest = scratch_read(path_of("m/1/manifest.json"), &size);
    write_text(path_of("m/manifest"), manifest);
    free(manifest);
    assert_int_equal(symlink("../manifest", path_of("m/5/manifest.json")), 0);
    refuses("m", "5", SENTIMENT_ERROR_BAD_MODEL, "symbolic link");
    /* A manifest that was copied from another version. */
    add_native("6", 1, ",\"version\":\"7\"");
    refuses("m", "6", SENTIMENT_ERROR_BAD_MODEL, "it is that of m 7");
    unlink(path_of("l"));
    unlink(path_of("m/2"));
}

static void cancels(void **state)
{
    (void)state;
    sentiment_cancel *cancel = NULL;
    serve_version *loaded = NULL;
    serve_registry *other = NULL;
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    const serve_registry_options options = {.root = root, .cancel = cancel};
    assert_int_equal(serve_registry_create(&options, &other, NULL), SENTIMENT_OK);
    add_native("1", 1, "");
    add_folder("2", 1);
    sentiment_cancel_request(cancel);
    assert_int_equal(serve_registry_load(other, "m", "1", &loaded, NULL, &error),
                     SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(serve_registry_load(other, "m", "2", &loaded, NULL, &error),
                     SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_reset(cancel);
    assert_int_equal(serve_registry_load(other, "m", "2", &loaded, NULL, &error), SENTIMENT_OK);
    serve_registry_release(loaded);
    serve_registry_free(other);
    sentiment_cancel_free(cancel);
}

/* ------------------------------------------------------- scan, plan, labels */

static void scans_in_order(void **state)
{
    (void)state;
    static const char *const order[] = {"1.9", "1.10", "1.10a", "2"};
    serve_registry_found *found = NULL;
    size_t count = 7;
    assert_int_equal(serve_registry_scan(registry, &found, &count, &error), SENTIMENT_OK);
    assert_int_equal(count, 0);
    free(found);
    for (size_t i = 4; i > 0; i--)
        add_native(order[i - 1], i, "");
    assert_int_equal(mkdir(path_of("m/3"), 0700), 0);
    assert_int_equal(mkdir(path_of("m/.hidden"), 0700), 0);
    write_text(path_of("m/file"), "");
    write_text(path_of("file"), "");
    assert_int_equal(symlink("m", path_of("link")), 0);
    assert_int_equal(mkdir(path_of("n"), 0700), 0);
    unlink(path_of("m/2/model.safetensors"));
    assert_int_equal(serve_registry_scan(registry, &found, &count, &error), SENTIMENT_OK);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(found[i].name, "m");
        assert_string_equal(found[i].version, order[i]);
        assert_int_equal(found[i].status, i == 3 ? SENTIMENT_ERROR_NOT_FOUND : SENTIMENT_OK);
    }
    assert_string_equal(found[3].message, "m/2/model.safetensors: no such file");
    assert_string_equal(found[4].version, "3");
    assert_int_equal(found[4].status, SENTIMENT_ERROR_NOT_FOUND);
    free(found);
    unlink(path_of("link"));
    const serve_registry_options options = {.root = path_of("none")};
    serve_registry *other = NULL;
    assert_int_equal(serve_registry_create(&options, &other, NULL), SENTIMENT_OK);
    assert_int_equal(serve_registry_scan(other, &found, &count, &error), SENTIMENT_ERROR_NOT_FOUND);
    /* The path of the folder is nobody's business. */
    assert_null(strstr(error.message, root));
    serve_registry_free(other);
}

static void plans_by_labels_or_height(void **state)
{
    (void)state;
    serve_registry_plan plan = {{""}, {0}};
    assert_int_equal(serve_registry_read_plan(registry, "m", &plan, &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_read_plan(registry, "x", &plan, &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_read_plan(registry, "..", &plan, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    add_native("9", 1, "");
    add_native("10", 2, "");
    add_native("11", 3, "");
    write_text(path_of("m/11/manifest.json"), "garbage");
    assert_int_equal(serve_registry_read_plan(registry, "m", &plan, &error), SENTIMENT_OK);
    assert_string_equal(plan.version[SERVE_LABEL_STABLE], "10");
    assert_string_equal(plan.version[SERVE_LABEL_CANARY], "");
    assert_true(plan.share[SERVE_LABEL_STABLE] == 1);
    write_text(path_of("m/labels.json"),
               "{\"stable\":\"9\",\"canary\":{\"version\":\"10\",\"share\":0.25},"
               "\"shadow\":{\"version\":\"11\"}}");
    assert_int_equal(serve_registry_read_plan(registry, "m", &plan, &error), SENTIMENT_OK);
    assert_string_equal(plan.version[SERVE_LABEL_STABLE], "9");
    assert_string_equal(plan.version[SERVE_LABEL_CANARY], "10");
    assert_true(plan.share[SERVE_LABEL_CANARY] == 0.25);
    assert_string_equal(plan.version[SERVE_LABEL_SHADOW], "11");
    assert_true(plan.share[SERVE_LABEL_SHADOW] == 1);
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"stable\":9}",
        "{\"stable\":\"../9\"}",
        "{\"stable\":\"9\",\"canary\":\"10\"}",
        "{\"stable\":\"9\",\"canary\":{\"version\":\"10\"}}",
        "{\"stable\":\"9\",\"canary\":{\"version\":\"10\",\"share\":\"1\"}}",
        "{\"stable\":\"9\",\"canary\":{\"version\":\"10\",\"share\":1.5}}",
        "{\"stable\":\"9\",\"canary\":{\"share\":0.5}}",
        "{\"stable\":\"9\",\"canary\":{\"version\":\"9\",\"share\":0.5}}",
        "{\"stable\":\"9\",\"stable\":\"10\"}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_text(path_of("m/labels.json"), wrong[i]);
        assert_int_equal(serve_registry_read_plan(registry, "m", &plan, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_string_equal(plan.version[SERVE_LABEL_CANARY], "10");
    }
}

static void saves_labels(void **state)
{
    (void)state;
    serve_registry_plan plan;
    serve_version *loaded = NULL;
    assert_int_equal(serve_registry_save_plan(registry, "m", &error), SENTIMENT_ERROR_NOT_FOUND);
    for (uint64_t i = 1; i <= 3; i++) {
        char version[] = {(char)('0' + i), '\0'};
        add_native(version, i, "");
        assert_int_equal(load("m", version, &loaded), SENTIMENT_OK);
        if (i == 3)
            serve_registry_set_label(registry, loaded, SERVE_LABEL_CANARY, 0.1, NULL);
        else
            serve_registry_activate(registry, loaded, NULL);
        serve_registry_release(loaded);
    }
    write_text(path_of("m/labels.json"), "garbage");
    assert_int_equal(serve_registry_save_plan(registry, "m", &error), SENTIMENT_OK);
    assert_int_equal(serve_registry_read_plan(registry, "m", &plan, &error), SENTIMENT_OK);
    assert_string_equal(plan.version[SERVE_LABEL_STABLE], "2");
    assert_string_equal(plan.version[SERVE_LABEL_CANARY], "3");
    assert_true(plan.share[SERVE_LABEL_CANARY] == 0.1);
    assert_string_equal(plan.version[SERVE_LABEL_SHADOW], "");
    /* Nothing is left beside it. */
    assert_int_equal(scratch_count(path_of("m")), 4);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(loads_a_native_file),
        FOLDER_TEST(loads_a_folder),
        FOLDER_TEST(keeps_serving_through_garbage),
        FOLDER_TEST(refuses_what_leads_elsewhere),
        FOLDER_TEST(cancels),
        FOLDER_TEST(scans_in_order),
        FOLDER_TEST(plans_by_labels_or_height),
        FOLDER_TEST(saves_labels),
    };
    return cmocka_run_group_tests_name("serve registry folder", tests, NULL, NULL);
}
