/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/manifest.c: what a manifest may say, and every way of saying it
 * wrong, after which nothing is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/manifest.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define NATIVE "\"format\":\"safetensors\",\"file\":\"m.safetensors\",\"sha256\":\"" A "\""

static sentiment_error last;

static sentiment_status parse(const char *text, serve_manifest *manifest)
{
    last = (sentiment_error){.struct_size = sizeof last};
    return serve_manifest_parse(text, strlen(text), manifest, &last);
}

static void reads_a_native_file(void **state)
{
    (void)state;
    serve_manifest manifest;
    assert_int_equal(parse("{" NATIVE ",\"name\":\"english\",\"version\":\"1.0-rc_2\","
                           "\"lineage\":[{\"action\": \"train\"}],\"by\":[1,null]}",
                           &manifest),
                     SENTIMENT_OK);
    assert_string_equal(manifest.format, "safetensors");
    assert_int_equal(manifest.count, 1);
    assert_string_equal(manifest.files[0].name, "m.safetensors");
    assert_string_equal(manifest.files[0].sha256, A);
    assert_string_equal(manifest.name, "english");
    assert_string_equal(manifest.version, "1.0-rc_2");
    assert_string_equal(manifest.lineage, "[{\"action\":\"train\"}]");
    assert_true(serve_manifest_lists(&manifest, "m.safetensors"));
    assert_true(serve_manifest_lists(&manifest, "manifest.json"));
    assert_false(serve_manifest_lists(&manifest, "config.json"));
    serve_manifest_clear(&manifest);
    assert_null(manifest.lineage);
    assert_int_equal(manifest.count, 0);
    serve_manifest_clear(&manifest);
    serve_manifest_clear(NULL);
}

static void reads_a_folder(void **state)
{
    (void)state;
    serve_manifest manifest;
    assert_int_equal(parse("{\"format\":\"folder\",\"sha256\":\"" B "\",\"files\":{\"config.json\":"
                           "\"" A "\",\"tokenizer.pkl\":\"" B "\"}}",
                           &manifest),
                     SENTIMENT_OK);
    assert_int_equal(manifest.count, 3);
    assert_string_equal(manifest.files[0].name, "model.pth");
    assert_string_equal(manifest.files[0].sha256,
                        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_true(serve_manifest_lists(&manifest, "config.json"));
    assert_true(serve_manifest_lists(&manifest, "tokenizer.pkl"));
    assert_null(manifest.lineage);
    assert_string_equal(manifest.name, "");
    serve_manifest_clear(&manifest);
}

static void refuses_everything_else(void **state)
{
    (void)state;
#define FILE_RULE "\"file\" must be the name of a file beside the manifest"
#define FILES(content) "{" NATIVE ",\"files\":" content "}"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "invalid JSON at byte "},
        {"{", "invalid JSON at byte "},
        {"{" NATIVE "} x", "invalid JSON at byte "},
        {"{" NATIVE ",\"file\":\"a\"}", "invalid JSON at byte "},
        {"{" NATIVE ",\"by\":\"\xff\"}", "invalid JSON at byte "},
        {"[]", "the manifest must be an object"},
        {"{}", "\"format\" must be"},
        {"{\"format\":\"torchscript\"}", "\"format\" must be"},
        {"{\"format\":1}", "\"format\" must be"},
        {"{\"format\":\"onnx\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":7}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"..\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"../m\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"/etc/passwd\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"a/b\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\".hidden\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"manifest.json\"}", FILE_RULE},
        {"{\"format\":\"onnx\",\"file\":\"m.onnx\"}", "\"sha256\" must be 64"},
        {"{\"format\":\"onnx\",\"file\":\"m.onnx\",\"sha256\":\"abc\"}", "\"sha256\" must be 64"},
        {"{\"format\":\"onnx\",\"file\":\"m.onnx\",\"sha256\":\"" A "a\"}", "\"sha256\" must be"},
        {"{\"format\":\"onnx\",\"file\":\"m.onnx\",\"sha256\":\"g" A "\"}", "\"sha256\" must be"},
        {"{\"format\":\"folder\",\"file\":\"m\",\"sha256\":\"" A "\"}",
         "\"file\" of a folder must be \"model.pth\""},
        {FILES("[]"), "\"files\" must be an object"},
        {FILES("{\"../x\":\"" A "\"}"), "\"files\" has a name that is none"},
        {FILES("{\"\":\"" A "\"}"), "\"files\" has a name that is none"},
        {FILES("{\"m.safetensors\":\"" A "\"}"), "\"files\" has a name that is none"},
        {FILES("{\"manifest.json\":\"" A "\"}"), "\"files\" has a name that is none"},
        {FILES("{\"x\":\"1\"}"), "\"files\" must have 64"},
        {FILES("{\"x\":null}"), "\"files\" must have 64"},
        {"{" NATIVE ",\"lineage\":{}}", "\"lineage\" must be an array of objects"},
        {"{" NATIVE ",\"lineage\":[1]}", "\"lineage\" must be an array of objects"},
        {"{" NATIVE ",\"name\":\"..\"}", "\"name\" must be the name of its folder"},
        {"{" NATIVE ",\"name\":null}", "\"name\" must be the name of its folder"},
        {"{" NATIVE ",\"version\":2}", "\"version\" must be the name of its folder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_manifest manifest;
        assert_int_equal(parse(cases[i].text, &manifest), SENTIMENT_ERROR_BAD_MODEL);
        if (strncmp(last.message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: %s, expected %s", cases[i].text, last.message, cases[i].message);
        assert_null(manifest.lineage);
        assert_int_equal(manifest.count, 0);
    }
    serve_manifest manifest;
    assert_int_equal(
        serve_manifest_parse("{" NATIVE ",\"file\0\":1}", sizeof NATIVE + 12, &manifest, NULL),
        SENTIMENT_ERROR_BAD_MODEL);
}

static void bounds_its_size(void **state)
{
    (void)state;
    serve_manifest manifest;
    char files[17 * 80], text[sizeof files + 200];
    for (int count = 16; count <= 17; count++) {
        size_t used = 0;
        for (int i = 0; i < count; i++)
            used += (size_t)snprintf(files + used, sizeof files - used, "%s\"f%d\":\"%s\"",
                                     i ? "," : "", i, A);
        snprintf(text, sizeof text, "{" NATIVE ",\"files\":{%s}}", files);
        assert_int_equal(parse(text, &manifest), count == 16 ? 0 : SENTIMENT_ERROR_BAD_MODEL);
        assert_int_equal(manifest.count, count == 16 ? 17 : 0);
        serve_manifest_clear(&manifest);
    }
    size_t size = SERVE_MANIFEST_LIMIT + 1, head = strlen("{" NATIVE);
    char *large = malloc(size);
    assert_non_null(large);
    memset(large, ' ', size);
    memcpy(large, "{" NATIVE, head);
    large[size - 2] = '}';
    assert_int_equal(serve_manifest_parse(large, size - 1, &manifest, NULL), SENTIMENT_OK);
    serve_manifest_clear(&manifest);
    assert_int_equal(serve_manifest_parse(large, size, &manifest, NULL), SENTIMENT_ERROR_BAD_MODEL);
    /* Depth that would overflow a stack. */
    memset(large, '[', size);
    assert_int_equal(serve_manifest_parse(large, size - 1, &manifest, NULL),
                     SENTIMENT_ERROR_BAD_MODEL);
    free(large);
}

static void tells_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "a.b", "1..2", "A-_.z", "v1.0.0-rc.1"};
    static const char *const wrong[] = {"",    ".",   "..",  ".a",   "-a",   "_a",       "a/b",
                                        "a b", "a\n", "../", "a\\b", "a%2e", "\xc3\xa9", "a:b"};
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(serve_registry_is_name(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(serve_registry_is_name(wrong[i], strlen(wrong[i])));
    memset(name, 'n', sizeof name);
    assert_true(serve_registry_is_name(name, SERVE_REGISTRY_NAME_LIMIT));
    assert_false(serve_registry_is_name(name, SERVE_REGISTRY_NAME_LIMIT + 1));
    assert_false(serve_registry_is_name("a\0b", 3));
    assert_false(serve_registry_is_name("\0", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_native_file),
        cmocka_unit_test(reads_a_folder),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(bounds_its_size),
        cmocka_unit_test(tells_names),
    };
    return cmocka_run_group_tests_name("serve manifest", tests, NULL, NULL);
}
