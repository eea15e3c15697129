/* SPDX-License-Identifier: Apache-2.0
 *
 * From a folder with a manifest to a version in memory. A native file is read
 * once, and what was digested is what is loaded; for the other formats the library
 * digests the weights again as it reads them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256.h"
#include "fail.h"
#include "registry_files.h"
#include "registry_private.h"

/* Bytes of a native file. */
#define LARGEST_MODEL (SIZE_MAX / 4)

typedef struct loading {
    serve_registry *registry;
    const char *name, *version;
    int folder; /* of the version */
    serve_manifest manifest;
    sentiment_error *error;
} loading;

/* "name/version/file" for messages. */
static const char *show(const loading *of, const char *file, char *shown, size_t size)
{
    snprintf(shown, size, "%s/%s/%s", of->name, of->version, file);
    return shown;
}

sentiment_status registry_manifest_read(int folder, const char *name, const char *version,
                                        serve_manifest *manifest, sentiment_error *error)
{
    sentiment_error detail = {.struct_size = sizeof detail};
    char shown[3 * REGISTRY_NAME], *text = NULL;
    size_t size = 0;
    snprintf(shown, sizeof shown, "%s/%s/" SERVE_MANIFEST_NAME, name, version);
    sentiment_status status = serve_files_read(folder, SERVE_MANIFEST_NAME, shown,
                                               SERVE_MANIFEST_LIMIT, NULL, &text, &size, error);
    if (status)
        return status;
    status = serve_manifest_parse(text, size, manifest, &detail);
    free(text);
    if (status)
        return serve_fail(error, status, "%s: %s", shown, detail.message);
    if ((manifest->name[0] && strcmp(manifest->name, name) != 0) ||
        (manifest->version[0] && strcmp(manifest->version, version) != 0)) {
        status = serve_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s: it is that of %s %s", shown,
                            manifest->name[0] ? manifest->name : name,
                            manifest->version[0] ? manifest->version : version);
        serve_manifest_clear(manifest);
    }
    return status;
}

/* ---------------------------------------------------------------- digests */

static sentiment_status compare(const loading *of, const serve_manifest_file *file,
                                const char hex[65])
{
    char shown[3 * REGISTRY_NAME];
    if (strcmp(hex, file->sha256) == 0)
        return SENTIMENT_OK;
    return serve_fail(of->error, SENTIMENT_ERROR_BAD_MODEL,
                      "%s: SHA-256 is %s, the manifest says %s",
                      show(of, file->name, shown, sizeof shown), hex, file->sha256);
}

static sentiment_status check_files(const loading *of)
{
    char shown[3 * REGISTRY_NAME], hex[65];
    for (size_t i = 0; i < of->manifest.count; i++) {
        const serve_manifest_file *file = &of->manifest.files[i];
        sentiment_status status =
            serve_files_digest(of->folder, file->name, show(of, file->name, shown, sizeof shown),
                               of->registry->cancel, hex, of->error);
        if (!status)
            status = compare(of, file, hex);
        if (status)
            return status;
    }
    return SENTIMENT_OK;
}

typedef struct stranger {
    const serve_manifest *manifest;
    char name[256];
} stranger;

static bool look(void *user, const char *name)
{
    stranger *found = user;
    if (name[0] == '.' || serve_manifest_lists(found->manifest, name))
        return true;
    snprintf(found->name, sizeof found->name, "%s", name);
    return false;
}

/* A folder's reader takes the files that it finds: one that the manifest does not
 * list could change the answers. */
static sentiment_status check_strangers(const loading *of)
{
    stranger found = {.manifest = &of->manifest};
    sentiment_status status = serve_files_each(of->folder, look, &found, of->error);
    if (!status && found.name[0])
        status =
            serve_fail(of->error, SENTIMENT_ERROR_BAD_MODEL,
                       "%s/%s: the manifest does not list '%s'", of->name, of->version, found.name);
    return status;
}

/* One name for all that the version is made of. */
static void take_fingerprint(const serve_manifest *manifest, char hex[65])
{
    sn_sha256 hash;
    sn_sha256_start(&hash);
    sn_sha256_add(&hash, manifest->format, strlen(manifest->format) + 1);
    for (size_t i = 0; i < manifest->count; i++) {
        sn_sha256_add(&hash, manifest->files[i].name, strlen(manifest->files[i].name) + 1);
        sn_sha256_add(&hash, manifest->files[i].sha256, 64);
    }
    sn_sha256_finish(&hash, hex);
}

/* ---------------------------------------------------------------- loading */

static void free_bytes(void *user, const void *data, size_t size)
{
    (void)data;
    (void)size;
    free(user);
}

static sentiment_status load_native(const loading *of, const sentiment_model_options *options,
                                    sentiment_model **model)
{
    const serve_manifest_file *file = &of->manifest.files[0];
    char shown[3 * REGISTRY_NAME], hex[65], *data = NULL;
    size_t size = 0;
    sn_sha256 hash;
    sentiment_status status =
        serve_files_read(of->folder, file->name, show(of, file->name, shown, sizeof shown),
                         LARGEST_MODEL, options->cancel, &data, &size, of->error);
    if (status)
        return status;
    sn_sha256_start(&hash);
    sn_sha256_add(&hash, data, size);
    sn_sha256_finish(&hash, hex);
    status = compare(of, file, hex);
    if (!status)
        status =
            sentiment_model_load_borrowed(data, size, free_bytes, data, options, model, of->error);
    if (status)
        free(data);
    return status;
}

static sentiment_status load_path(const loading *of, sentiment_model_options *options,
                                  sentiment_model **model)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    const serve_manifest_file *file = &of->manifest.files[0];
    bool folder = strcmp(of->manifest.format, "folder") == 0;
    sentiment_status status = check_strangers(of);
    if (!status)
        status = check_files(of);
    if (status)
        return status;
    size_t size = strlen(of->registry->root) + 4 * REGISTRY_NAME;
    char *path = malloc(size);
    if (!path)
        return serve_fail_memory(of->error);
    snprintf(path, size, "%s/%s/%s%s%s", of->registry->root, of->name, of->version,
             folder ? "" : "/", folder ? "" : file->name);
    options->digest = 1;
    status = sentiment_model_load(path, options, model, of->error);
    free(path);
    if (!status)
        status = sentiment_model_get_info(*model, &info, of->error);
    if (!status && info.sha256)
        status = compare(of, file, info.sha256);
    return status;
}

/* Whatever a file is called: it must be what the manifest says it is. */
static sentiment_status check_format(const loading *of, const sentiment_model *model)
{
    static const char *const formats[][3] = {
        {"safetensors", "safetensors"}, {"onnx", "onnx"}, {"folder", "pytorch", "pytorch-legacy"}};
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_status status = sentiment_model_get_info(model, &info, of->error);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (size_t j = 1; j < 3 && formats[i][j]; j++)
            if (strcmp(of->manifest.format, formats[i][0]) == 0 &&
                strcmp(info.format, formats[i][j]) == 0)
                return SENTIMENT_OK;
    return serve_fail(of->error, SENTIMENT_ERROR_BAD_MODEL,
                      "%s/%s: the format is %s, the manifest says %s", of->name, of->version,
                      info.format, of->manifest.format);
}

/* Where the manifest is silent, the model itself tells where it comes from. */
static char *copy_lineage(const sentiment_model *model, const char *manifest)
{
    const char *own = sentiment_model_get_metadata(model, "lineage");
    return strdup(manifest ? manifest : own ? own : "[]");
}

/* Takes over `model` on success. */
static sentiment_status make_version(serve_registry *registry, const char *name,
                                     const char *version, sentiment_model *model,
                                     const char *lineage, registry_version **made,
                                     sentiment_error *error)
{
    sentiment_error detail = {.struct_size = sizeof detail};
    char *copy = copy_lineage(model, lineage);
    if (!copy)
        return serve_fail_memory(error);
    *made = registry_version_make(registry, name, version, model, copy, &detail);
    if (*made)
        return SENTIMENT_OK;
    free(copy);
    return serve_fail(error, detail.code, "%s", detail.message);
}

static sentiment_status load_model(loading *of, registry_version **loaded)
{
    sentiment_model_options options = {.struct_size = sizeof options,
                                       .cancel = of->registry->cancel};
    sentiment_model *model = NULL;
    registry_version *made = NULL;
    sentiment_status status = strcmp(of->manifest.format, "safetensors") == 0
                                  ? load_native(of, &options, &model)
                                  : load_path(of, &options, &model);
    if (!status)
        status = check_format(of, model);
    if (!status)
        status = make_version(of->registry, of->name, of->version, model, of->manifest.lineage,
                              &made, of->error);
    if (status) {
        sentiment_model_free(model);
        return status;
    }
    memcpy(made->format, of->manifest.format, sizeof made->format);
    memcpy(made->sha256, of->manifest.files[0].sha256, sizeof made->sha256);
    *loaded = made;
    return SENTIMENT_OK;
}

static sentiment_status load_or_find(loading *of, serve_version **loaded, bool *fresh)
{
    char fingerprint[65];
    take_fingerprint(&of->manifest, fingerprint);
    registry_version *found = registry_find(of->registry, of->name, of->version, fingerprint);
    bool is_fresh = !found;
    sentiment_status status = found ? SENTIMENT_OK : load_model(of, &found);
    if (status)
        return status;
    if (is_fresh)
        memcpy(found->fingerprint, fingerprint, sizeof fingerprint);
    if (fresh)
        *fresh = is_fresh;
    *loaded = &found->shown;
    return SENTIMENT_OK;
}

sentiment_status serve_registry_load(serve_registry *registry, const char *name,
                                     const char *version, serve_version **loaded, bool *fresh,
                                     sentiment_error *error)
{
    loading of = {.registry = registry, .name = name, .version = version, .error = error};
    sentiment_status status = registry_check_name(name, error);
    if (!status)
        status = registry_check_name(version, error);
    if (status)
        return status;
    if (!registry->root)
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "there is no folder of models");
    of.folder = serve_files_open(registry->root, name, version, &status, error);
    if (of.folder < 0)
        return status;
    status = registry_manifest_read(of.folder, name, version, &of.manifest, error);
    if (!status)
        status = load_or_find(&of, loaded, fresh);
    serve_manifest_clear(&of.manifest);
    close(of.folder);
    return status;
}

sentiment_status serve_registry_adopt(serve_registry *registry, const char *name,
                                      const char *version, sentiment_model *model,
                                      serve_version **adopted, sentiment_error *error)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_status status = registry_check_name(name, error);
    if (!status)
        status = registry_check_name(version, error);
    if (!status)
        status = sentiment_model_get_info(model, &info, error);
    if (status)
        return status;
    registry_version *made = NULL;
    status =
        make_version(registry, name, version, sentiment_model_retain(model), NULL, &made, error);
    if (status) {
        sentiment_model_free(model);
        return status;
    }
    snprintf(made->format, sizeof made->format, "%s", info.format);
    snprintf(made->sha256, sizeof made->sha256, "%s", info.sha256 ? info.sha256 : "");
    *adopted = &made->shown;
    return SENTIMENT_OK;
}
