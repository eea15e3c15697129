/* SPDX-License-Identifier: Apache-2.0
 *
 * A manifest for a folder with a model in it. What is written is what the loader
 * would accept at this moment; whether the model is the right one is for whoever
 * asks for the manifest to know. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "registry_files.h"
#include "registry_private.h"

typedef struct listing {
    char names[1 + SERVE_MANIFEST_FILES][REGISTRY_NAME];
    size_t count;
    bool strange; /* a name that no manifest can have, or too many */
} listing;

static bool list(void *user, const char *name)
{
    listing *found = user;
    if (name[0] == '.' || strcmp(name, SERVE_MANIFEST_NAME) == 0)
        return true;
    found->strange =
        !serve_registry_is_name(name, strlen(name)) || found->count == 1 + SERVE_MANIFEST_FILES;
    if (!found->strange)
        memcpy(found->names[found->count++], name, strlen(name) + 1);
    return !found->strange;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), size = strlen(suffix);
    return length >= size && strcmp(name + length - size, suffix) == 0;
}

/* The only name with that end, moved to the front; false: none, or several. */
static bool find_only(listing *found, const char *suffix)
{
    size_t at = 0, count = 0;
    for (size_t i = 0; i < found->count; i++) {
        if (!ends_with(found->names[i], suffix))
            continue;
        at = i;
        count++;
    }
    if (count != 1)
        return false;
    char name[REGISTRY_NAME];
    memcpy(name, found->names[at], sizeof name);
    memcpy(found->names[at], found->names[0], sizeof name);
    memcpy(found->names[0], name, sizeof name);
    return true;
}

/* The format, the weights first in the listing, and nothing in it that is not read. */
static const char *find_format(listing *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->names[i], "model.pth") == 0)
            return find_only(found, "model.pth") ? "folder" : NULL;
    if (find_only(found, ".onnx"))
        return "onnx";
    if (!find_only(found, ".safetensors"))
        return NULL;
    found->count = 1;
    return "safetensors";
}

/* The lineage of the model at a path, which must load; NULL: the status says why. */
static json_t *read_lineage(const char *path, const sentiment_cancel *cancel,
                            sentiment_status *status, sentiment_error *error)
{
    const sentiment_model_options options = {.struct_size = sizeof options, .cancel = cancel};
    sentiment_model *model = NULL;
    *status = sentiment_model_load(path, &options, &model, error);
    if (*status)
        return NULL;
    const char *text = sentiment_model_get_metadata(model, "lineage");
    json_t *lineage = text ? json_loads(text, 0, NULL) : json_array();
    sentiment_model_free(model);
    if (!lineage)
        *status = serve_fail_memory(error);
    return lineage;
}

/* Sets "sha256" of the weights, and "files" with those of the rest. */
static sentiment_status add_digests(int folder, const listing *found, json_t *manifest,
                                    const sentiment_cancel *cancel, sentiment_error *error)
{
    json_t *files = json_object();
    char hex[65];
    for (size_t i = 0; i < found->count; i++) {
        sentiment_status status =
            serve_files_digest(folder, found->names[i], found->names[i], cancel, hex, error);
        if (!status && json_object_set_new(i ? files : manifest, i ? found->names[i] : "sha256",
                                           json_string(hex)))
            status = serve_fail_memory(error);
        if (status) {
            json_decref(files);
            return status;
        }
    }
    if (json_object_set_new(manifest, "files", files))
        return serve_fail_memory(error);
    return SENTIMENT_OK;
}

static sentiment_status write_manifest(serve_registry *registry, int folder, json_t *manifest,
                                       const listing *found, const char *path,
                                       sentiment_error *error)
{
    sentiment_status status = add_digests(folder, found, manifest, registry->cancel, error);
    if (status)
        return status;
    json_t *lineage = read_lineage(path, registry->cancel, &status, error);
    if (!lineage)
        return status;
    bool whole = json_object_set_new(manifest, "lineage", lineage) == 0;
    char *text = whole ? json_dumps(manifest, JSON_INDENT(1)) : NULL;
    status = text ? serve_files_write(folder, SERVE_MANIFEST_NAME, text, strlen(text), error)
                  : serve_fail_memory(error);
    free(text);
    return status;
}

static sentiment_status make(serve_registry *registry, int folder, const char *name,
                             const char *version, sentiment_error *error)
{
    listing found = {.count = 0};
    sentiment_status status = serve_files_each(folder, list, &found, error);
    if (status)
        return status;
    const char *format = found.strange ? NULL : find_format(&found);
    if (!format)
        return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "%s/%s: expected model.pth, one .onnx or one .safetensors file, and at "
                          "most 16 others with names of A-Z a-z 0-9 . _ -",
                          name, version);
    size_t size = strlen(registry->root) + 4 * REGISTRY_NAME;
    char *path = malloc(size);
    json_t *manifest = json_pack("{s:s,s:s,s:s,s:s}", "name", name, "version", version, "format",
                                 format, "file", found.names[0]);
    if (path && manifest) {
        bool whole = strcmp(format, "folder") == 0;
        snprintf(path, size, "%s/%s/%s%s%s", registry->root, name, version, whole ? "" : "/",
                 whole ? "" : found.names[0]);
        status = write_manifest(registry, folder, manifest, &found, path, error);
    } else {
        status = serve_fail_memory(error);
    }
    free(path);
    json_decref(manifest);
    return status;
}

sentiment_status serve_registry_make_manifest(serve_registry *registry, const char *name,
                                              const char *version, sentiment_error *error)
{
    sentiment_status status = registry_check_name(name, error);
    if (!status)
        status = registry_check_name(version, error);
    if (status)
        return status;
    if (!registry->root)
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "there is no folder of models");
    int folder = serve_files_open(registry->root, name, version, &status, error);
    if (folder < 0)
        return status;
    status = make(registry, folder, name, version, error);
    close(folder);
    return status;
}
