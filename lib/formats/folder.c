/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader and writer of the guide's folder. The three files are read as bytes
 * and never executed; on writing all three are complete on disk under other
 * names before the first takes its own. */
#include "formats/folder.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "formats/formats.h"
#include "formats/pth.h"
#include "formats/tokenizer_pkl.h"

enum { MODEL, TOKENIZER, CONFIG, FILES };

static const char *const names[FILES] = {"model.pth", "tokenizer.pkl", "config.json"};

/* ---------------------------------------------------------------- reading */

/* Says which files are missing, and what was expected. */
static sentiment_status check_files(const char *folder, char *const paths[FILES],
                                    sentiment_error *error)
{
    char missing[64] = "";
    size_t count = 0;
    for (size_t i = 0; i < FILES; i++) {
        if (sn_path_exists(paths[i]))
            continue;
        size_t length = strlen(missing);
        snprintf(missing + length, sizeof missing - length, "%s%s", count++ ? ", " : "", names[i]);
    }
    if (!count)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_NOT_FOUND, SN_NO_OFFSET,
                   "%s: %s missing; expected a folder with model.pth, tokenizer.pkl and "
                   "config.json, or a native .safetensors file",
                   folder, missing);
}

/* tokenizer.json would win over tokenizer.pkl, so it cannot be ignored. */
static sentiment_status refuse_tokenizer_json(const sn_memory *memory, const char *folder,
                                              sentiment_error *error)
{
    char *path = sn_path_join(memory, folder, "tokenizer.json");
    if (!path)
        return sn_fail_memory(error, "a path");
    sentiment_status status = SENTIMENT_OK;
    if (sn_path_exists(path))
        status = sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                         "%s: takes the place of tokenizer.pkl, and tokenizer.json files are not "
                         "supported by this version",
                         path);
    sn_free(memory, path);
    return status;
}

static sentiment_status read_config(const char *path, sn_bundle *bundle, sentiment_error *error)
{
    sn_bytes bytes = {0};
    sentiment_status status =
        sn_file_read(path, bundle->memory, 0, SN_CONFIG_LIMIT, &bytes, error);
    if (status != SENTIMENT_OK)
        return status;
    bundle->config_size = bytes.size;
    bundle->config = sn_duplicate(bundle->memory, bytes.data, bytes.size);
    sn_bytes_free(&bytes);
    return bundle->config ? SENTIMENT_OK : sn_fail_memory(error, "config.json");
}

static sentiment_status read_tokenizer(const char *path, sn_bundle *bundle, sentiment_error *error)
{
    sn_bytes bytes = {0};
    sentiment_status status =
        sn_file_read(path, bundle->memory, 0, SN_TOKENIZER_LIMIT, &bytes, error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_tokenizer_pkl_read(bytes.data, bytes.size, bundle->memory, &bundle->words, error);
    sn_bytes_free(&bytes);
    if (status != SENTIMENT_OK)
        return sn_fail_in(error, status, "%s", path);
    bundle->has_words = 1;
    return SENTIMENT_OK;
}

static sentiment_status read_model(sn_bytes *bytes, const char *path,
                                   const sn_read_options *options, sn_bundle *bundle,
                                   sentiment_error *error)
{
    sn_bytes own = {0};
    sentiment_status status = SENTIMENT_OK;
    if (!bytes) {
        status = sn_file_read(path, bundle->memory, options->use_mmap, SN_MODEL_LIMIT, &own, error);
        if (status != SENTIMENT_OK)
            return status;
        bytes = &own;
    }
    status = sn_pth_read(bytes, options, bundle, error);
    sn_bytes_free(&own);
    return status == SENTIMENT_OK ? status : sn_fail_in(error, status, "%s", path);
}

/* `bytes` may be NULL: then paths[MODEL] is read. */
static sentiment_status read_files(sn_bytes *bytes, const char *folder, char *const paths[FILES],
                                   const sn_read_options *options, sn_bundle *bundle,
                                   sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    sn_bundle extra = {.memory = memory, .words = {.vocab_size = -1}};
    sentiment_status status = check_files(folder, paths, error);
    if (status == SENTIMENT_OK)
        status = read_config(paths[CONFIG], &extra, error);
    /* In a folder that may not be searched, everything seems to exist. */
    if (status == SENTIMENT_OK)
        status = refuse_tokenizer_json(memory, folder, error);
    if (status == SENTIMENT_OK)
        status = read_tokenizer(paths[TOKENIZER], &extra, error);
    if (status == SENTIMENT_OK)
        status = read_model(bytes, paths[MODEL], options, bundle, error);
    if (status != SENTIMENT_OK) {
        sn_bundle_free(&extra);
        sn_bundle_free(bundle);
        return status;
    }
    bundle->config = extra.config;
    bundle->config_size = extra.config_size;
    bundle->words = extra.words;
    bundle->has_words = 1;
    return SENTIMENT_OK;
}

static sentiment_status make_paths(const sn_memory *memory, const char *folder,
                                   char *paths[FILES], sentiment_error *error)
{
    for (size_t i = 0; i < FILES; i++) {
        paths[i] = sn_path_join(memory, folder, names[i]);
        if (!paths[i])
            return sn_fail_memory(error, "a path");
    }
    return SENTIMENT_OK;
}

static void free_paths(const sn_memory *memory, char *paths[FILES])
{
    for (size_t i = 0; i < FILES; i++)
        sn_free(memory, paths[i]);
}

sentiment_status sn_folder_read(const char *folder, const sn_read_options *options,
                                sn_bundle *bundle, sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    char *paths[FILES] = {0};
    sentiment_status status = make_paths(memory, folder, paths, error);
    if (status == SENTIMENT_OK)
        status = read_files(NULL, folder, paths, options, bundle, error);
    free_paths(memory, paths);
    return status;
}

sentiment_status sn_folder_read_beside(sn_bytes *bytes, const char *path,
                                       const sn_read_options *options, sn_bundle *bundle,
                                       sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    char *paths[FILES] = {0};
    const char *slash = strrchr(path, '/');
    sentiment_status status = SENTIMENT_OK;
    char *folder = slash ? sn_duplicate(memory, path, (size_t)(slash - path) + 1)
                         : sn_duplicate(memory, ".", 1);
    if (!folder) {
        status = sn_fail_memory(error, "a path");
        goto out;
    }
    status = make_paths(memory, folder, paths, error);
    if (status != SENTIMENT_OK)
        goto out;
    /* The weights may have any name here. */
    sn_free(memory, paths[MODEL]);
    paths[MODEL] = sn_duplicate(memory, path, strlen(path));
    if (!paths[MODEL])
        status = sn_fail_memory(error, "a path");
    else
        status = read_files(bytes, folder, paths, options, bundle, error);
out:
    free_paths(memory, paths);
    sn_free(memory, folder);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* The bytes of one of the three files. */
static sentiment_status encode(size_t which, const sn_bundle *bundle, sn_buffer *out,
                               sentiment_error *error)
{
    switch (which) {
    case MODEL:
        return sn_pth_write(bundle->tensors, bundle->tensor_count, bundle->memory, out, error);
    case TOKENIZER:
        return sn_tokenizer_pkl_write(&bundle->words, bundle->memory, out, error);
    default:
        sn_buffer_append(out, bundle->config, bundle->config_size);
        return out->failed ? sn_fail_memory(error, "config.json") : SENTIMENT_OK;
    }
}

/* Writes one file aside, to its last byte on disk. */
static sentiment_status write_aside(size_t which, const sn_bundle *bundle, const char *path,
                                    sn_writer *writer, sentiment_error *error)
{
    sn_buffer bytes = {.memory = bundle->memory};
    sentiment_status status = encode(which, bundle, &bytes, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_open(writer, path, bundle->memory, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_write(writer, bytes.data, bytes.size, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_sync(writer, error);
    sn_buffer_free(&bytes);
    return status;
}

sentiment_status sn_formats_write_folder(const sn_bundle *bundle, const char *path,
                                         const sentiment_cancel *cancel, sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    sn_writer writers[FILES] = {{0}};
    char *paths[FILES] = {0};
    _Bool existed = sn_path_exists(path);
    sentiment_status status = sn_directory_make(path, error);
    if (status == SENTIMENT_OK)
        status = refuse_tokenizer_json(memory, path, error);
    if (status == SENTIMENT_OK)
        status = make_paths(memory, path, paths, error);
    for (size_t i = 0; status == SENTIMENT_OK && i < FILES; i++) {
        status = write_aside(i, bundle, paths[i], &writers[i], error);
        if (status == SENTIMENT_OK && sentiment_cancel_requested(cancel))
            status = sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    for (size_t i = 0; status == SENTIMENT_OK && i < FILES; i++)
        status = sn_writer_commit(&writers[i], error);
    for (size_t i = 0; i < FILES; i++)
        sn_writer_abort(&writers[i]);
    if (status != SENTIMENT_OK && !existed)
        sn_directory_remove(path);
    free_paths(memory, paths);
    return status;
}
