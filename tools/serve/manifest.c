/* SPDX-License-Identifier: Apache-2.0
 *
 * A manifest comes with a model, from wherever that comes: it is bounded before it
 * is parsed, keys given twice are refused, and every name is held against the rule
 * for names before anything is opened. */
#include "manifest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static sentiment_status bad(sentiment_error *error, const char *what)
{
    return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s", what);
}

static bool read_digest(const json_t *value, char sha256[65])
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) != 64)
        return false;
    for (size_t i = 0; i < 64; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        sha256[i] = c;
    }
    sha256[64] = '\0';
    return true;
}

static bool read_name(const char *text, size_t size, char name[SERVE_REGISTRY_NAME_LIMIT + 1])
{
    if (!serve_registry_is_name(text, size))
        return false;
    memcpy(name, text, size);
    name[size] = '\0';
    return true;
}

static sentiment_status read_format(const json_t *object, serve_manifest *manifest,
                                    sentiment_error *error)
{
    static const char *const formats[] = {"safetensors", "folder", "onnx"};
    const char *format = json_string_value(json_object_get(object, "format"));
    for (size_t i = 0; format && i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(format, formats[i]) == 0) {
            strcpy(manifest->format, formats[i]);
            return SENTIMENT_OK;
        }
    }
    return bad(error, "\"format\" must be \"safetensors\", \"folder\" or \"onnx\"");
}

static sentiment_status read_weights(const json_t *object, serve_manifest *manifest,
                                     sentiment_error *error)
{
    const json_t *file = json_object_get(object, "file");
    bool folder = strcmp(manifest->format, "folder") == 0;
    const char *name = folder && !file ? "model.pth" : json_string_value(file);
    size_t size = name ? strlen(name) : 0;
    if (!name || (file && json_string_length(file) != size) ||
        !read_name(name, size, manifest->files[0].name) || serve_manifest_lists(manifest, name))
        return bad(error, "\"file\" must be the name of a file beside the manifest");
    if (folder && strcmp(name, "model.pth") != 0)
        return bad(error, "\"file\" of a folder must be \"model.pth\"");
    if (!read_digest(json_object_get(object, "sha256"), manifest->files[0].sha256))
        return bad(error, "\"sha256\" must be 64 hexadecimal digits");
    manifest->count = 1;
    return SENTIMENT_OK;
}

static sentiment_status read_files(json_t *object, serve_manifest *manifest, sentiment_error *error)
{
    json_t *files = json_object_get(object, "files"), *value;
    const char *key;
    size_t length;
    if (!files)
        return SENTIMENT_OK;
    if (!json_is_object(files) || json_object_size(files) > SERVE_MANIFEST_FILES)
        return bad(error, "\"files\" must be an object of at most 16 names with their SHA-256");
    json_object_keylen_foreach(files, key, length, value)
    {
        serve_manifest_file *file = &manifest->files[manifest->count];
        if (!read_name(key, length, file->name) || serve_manifest_lists(manifest, file->name))
            return bad(error, "\"files\" has a name that is none, or the name of another file");
        if (!read_digest(value, file->sha256))
            return bad(error, "\"files\" must have 64 hexadecimal digits for each name");
        manifest->count++;
    }
    return SENTIMENT_OK;
}

static sentiment_status read_lineage(const json_t *object, serve_manifest *manifest,
                                     sentiment_error *error)
{
    const json_t *lineage = json_object_get(object, "lineage"), *step;
    size_t index;
    if (!lineage)
        return SENTIMENT_OK;
    if (!json_is_array(lineage))
        return bad(error, "\"lineage\" must be an array of objects");
    json_array_foreach(lineage, index, step)
    {
        if (!json_is_object(step))
            return bad(error, "\"lineage\" must be an array of objects");
    }
    manifest->lineage = json_dumps(lineage, JSON_COMPACT);
    return manifest->lineage ? SENTIMENT_OK : serve_fail_memory(error);
}

/* An optional name: of the model, or of its version. */
static sentiment_status read_own(const json_t *object, const char *key, char *name,
                                 sentiment_error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return SENTIMENT_OK;
    if (!json_is_string(value) ||
        !read_name(json_string_value(value), json_string_length(value), name))
        return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "\"%s\" must be the name of its folder",
                          key);
    return SENTIMENT_OK;
}

static sentiment_status read_all(json_t *object, serve_manifest *manifest, sentiment_error *error)
{
    sentiment_status status = read_format(object, manifest, error);
    if (!status)
        status = read_weights(object, manifest, error);
    if (!status)
        status = read_files(object, manifest, error);
    if (!status)
        status = read_own(object, "name", manifest->name, error);
    if (!status)
        status = read_own(object, "version", manifest->version, error);
    if (!status)
        status = read_lineage(object, manifest, error);
    return status;
}

sentiment_status serve_manifest_parse(const char *text, size_t size, serve_manifest *manifest,
                                      sentiment_error *error)
{
    json_error_t wrong;
    *manifest = (serve_manifest){0};
    if (size > SERVE_MANIFEST_LIMIT)
        return bad(error, "the manifest is larger than 1 MiB");
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &wrong);
    if (!object && json_error_code(&wrong) == json_error_out_of_memory)
        return serve_fail_memory(error);
    if (!object)
        return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "invalid JSON at byte %d: %s",
                          wrong.position, wrong.text);
    sentiment_status status = json_is_object(object) ? read_all(object, manifest, error)
                                                     : bad(error, "the manifest must be an object");
    json_decref(object);
    if (status)
        serve_manifest_clear(manifest);
    return status;
}

void serve_manifest_clear(serve_manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->lineage);
    *manifest = (serve_manifest){0};
}

bool serve_manifest_lists(const serve_manifest *manifest, const char *name)
{
    if (strcmp(name, SERVE_MANIFEST_NAME) == 0)
        return true;
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(name, manifest->files[i].name) == 0)
            return true;
    return false;
}
