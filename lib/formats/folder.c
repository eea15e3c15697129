/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader and writer of the guide's folder; a tokenizer.json takes the place of
 * tokenizer.pkl. The files are read as bytes and never executed; on writing all
 * three are complete on disk under other names before the first takes its own. */
#include "formats/folder.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "formats/formats.h"
#include "formats/pth.h"
#include "formats/tokenizer_pkl.h"
#include "formats/torchscript.h"

enum { MODEL, TOKENIZER, CONFIG, FILES };

static const char *const names[FILES] = {"model.pth", "tokenizer.pkl", "config.json"};
/* Takes the place of tokenizer.pkl where it exists. */
#define TOKENIZER_JSON "tokenizer.json"

/* ---------------------------------------------------------------- reading */

/* Paths of the files of a folder; paths[TOKENIZER] is that of tokenizer.json
 * where there is one. */
typedef struct file_set {
    const sn_memory *memory;
    char *paths[FILES];
    _Bool has_json;
} file_set;

static void free_paths(file_set *files)
{
    for (size_t i = 0; i < FILES; i++)
        sn_free(files->memory, files->paths[i]);
}

static sentiment_status make_paths(file_set *files, const char *folder, sentiment_error *error)
{
    char *json = sn_path_join(files->memory, folder, TOKENIZER_JSON);
    if (!json)
        return sn_fail_memory(error, "a path");
    files->has_json = sn_path_exists(json);
    for (size_t i = 0; i < FILES; i++) {
        if (i == TOKENIZER && files->has_json)
            continue;
        files->paths[i] = sn_path_join(files->memory, folder, names[i]);
        if (!files->paths[i]) {
            sn_free(files->memory, json);
            return sn_fail_memory(error, "a path");
        }
    }
    if (files->has_json)
        files->paths[TOKENIZER] = json;
    else
        sn_free(files->memory, json);
    return SENTIMENT_OK;
}

/* Says which files from `first` on are missing, and what was expected. */
static sentiment_status check_files(const char *folder, const file_set *files, size_t first,
                                    sentiment_error *error)
{
    char missing[64] = "";
    size_t count = 0;
    for (size_t i = first; i < FILES; i++) {
        if (sn_path_exists(files->paths[i]))
            continue;
        size_t length = strlen(missing);
        snprintf(missing + length, sizeof missing - length, "%s%s", count++ ? ", " : "", names[i]);
    }
    if (!count)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_NOT_FOUND, SN_NO_OFFSET,
                   "%s: %s missing; expected a folder with model.pth, tokenizer.pkl (or "
                   "tokenizer.json) and config.json, or a .safetensors, .onnx or .pt file",
                   folder, missing);
}

static sentiment_status read_text(const char *path, uint64_t limit, const sn_memory *memory,
                                  char **text, size_t *size, sentiment_error *error)
{
    sn_bytes bytes = {0};
    sentiment_status status = sn_file_read(path, memory, 0, limit, &bytes, error);
    if (status != SENTIMENT_OK)
        return status;
    *size = bytes.size;
    *text = sn_duplicate(memory, bytes.data, bytes.size);
    sn_bytes_free(&bytes);
    return *text ? SENTIMENT_OK : sn_fail_memory(error, path);
}

static sentiment_status read_tokenizer_pkl(const char *path, sn_bundle *bundle,
                                           sentiment_error *error)
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

static sentiment_status read_vocabulary(const file_set *files, sn_bundle *bundle,
                                        sentiment_error *error)
{
    if (files->has_json)
        return read_text(files->paths[TOKENIZER], SN_TOKENIZER_LIMIT, bundle->memory,
                         &bundle->tokenizer_json, &bundle->tokenizer_json_size, error);
    return read_tokenizer_pkl(files->paths[TOKENIZER], bundle, error);
}

static sentiment_status read_companions(const file_set *files, sn_bundle *bundle,
                                        sentiment_error *error)
{
    sentiment_status status = read_text(files->paths[CONFIG], SN_CONFIG_LIMIT, bundle->memory,
                                        &bundle->config, &bundle->config_size, error);
    return status == SENTIMENT_OK ? read_vocabulary(files, bundle, error) : status;
}

sentiment_status sn_folder_read_companions(const char *folder, sn_bundle *bundle,
                                           sentiment_error *error)
{
    file_set files = {.memory = bundle->memory};
    sentiment_status status = make_paths(&files, folder, error);
    if (status == SENTIMENT_OK)
        status = check_files(folder, &files, TOKENIZER, error);
    if (status == SENTIMENT_OK)
        status = read_companions(&files, bundle, error);
    free_paths(&files);
    return status;
}

static sentiment_status read_tokenizer(const char *path, const file_set *files, sn_bundle *bundle,
                                       sentiment_error *error)
{
    if (!sn_path_exists(files->paths[TOKENIZER]))
        return sn_fail(error, SENTIMENT_ERROR_NOT_FOUND, SN_NO_OFFSET,
                       "%s: there is no vocabulary in it, and neither tokenizer.json nor "
                       "tokenizer.pkl beside it",
                       path);
    if (!sn_path_exists(files->paths[CONFIG]))
        return read_vocabulary(files, bundle, error);
    return read_companions(files, bundle, error);
}

sentiment_status sn_folder_read_tokenizer(const char *path, sn_bundle *bundle,
                                          sentiment_error *error)
{
    file_set files = {.memory = bundle->memory};
    char *folder = sn_folder_of(bundle->memory, path);
    if (!folder)
        return sn_fail_memory(error, "a path");
    sentiment_status status = make_paths(&files, folder, error);
    if (status == SENTIMENT_OK)
        status = read_tokenizer(path, &files, bundle, error);
    free_paths(&files);
    sn_free(bundle->memory, folder);
    return status;
}

/* `bytes` may be NULL: then `path` is read, and its digest taken here. */
static sentiment_status read_model(sn_bytes *bytes, const char *path,
                                   const sn_read_options *options, sn_bundle *bundle,
                                   sentiment_error *error)
{
    sn_bytes own = {0};
    char digest[65] = "";
    sentiment_status status = SENTIMENT_OK;
    if (!bytes) {
        status = sn_file_read(path, bundle->memory, options->use_mmap, SN_MODEL_LIMIT, &own, error);
        if (status != SENTIMENT_OK)
            return status;
        bytes = &own;
        status = sn_bytes_digest(bytes, options, digest, error);
    }
    if (status == SENTIMENT_OK)
        status = sn_torchscript_probe(bytes->data, bytes->size)
                     ? sn_torchscript_read(bytes, options, bundle, error)
                     : sn_pth_read(bytes, options, bundle, error);
    sn_bytes_free(&own);
    if (status == SENTIMENT_OK)
        memcpy(bundle->sha256, digest, sizeof digest);
    return status == SENTIMENT_OK ? status : sn_fail_in(error, status, "%s", path);
}

/* Moves what the companions gave into the bundle of the weights. */
static void take_companions(sn_bundle *bundle, sn_bundle *extra)
{
    bundle->config = extra->config;
    bundle->config_size = extra->config_size;
    bundle->tokenizer_json = extra->tokenizer_json;
    bundle->tokenizer_json_size = extra->tokenizer_json_size;
    bundle->words = extra->words;
    bundle->has_words = extra->has_words;
}

static sentiment_status read_files(sn_bytes *bytes, const char *folder, const file_set *files,
                                   const sn_read_options *options, sn_bundle *bundle,
                                   sentiment_error *error)
{
    sn_bundle extra = {.memory = bundle->memory, .words = {.vocab_size = -1}};
    sentiment_status status = check_files(folder, files, MODEL, error);
    if (status == SENTIMENT_OK)
        status = read_companions(files, &extra, error);
    if (status == SENTIMENT_OK)
        status = read_model(bytes, files->paths[MODEL], options, bundle, error);
    if (status != SENTIMENT_OK) {
        sn_bundle_free(&extra);
        sn_bundle_free(bundle);
        return status;
    }
    take_companions(bundle, &extra);
    return SENTIMENT_OK;
}

sentiment_status sn_folder_read(const char *folder, const sn_read_options *options,
                                sn_bundle *bundle, sentiment_error *error)
{
    file_set files = {.memory = bundle->memory};
    sentiment_status status = make_paths(&files, folder, error);
    if (status == SENTIMENT_OK)
        status = read_files(NULL, folder, &files, options, bundle, error);
    free_paths(&files);
    return status;
}

char *sn_folder_of(const sn_memory *memory, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? sn_duplicate(memory, path, (size_t)(slash - path) + 1)
                 : sn_duplicate(memory, ".", 1);
}

sentiment_status sn_folder_read_beside(sn_bytes *bytes, const char *path,
                                       const sn_read_options *options, sn_bundle *bundle,
                                       sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    file_set files = {.memory = memory};
    char *folder = sn_folder_of(memory, path);
    if (!folder)
        return sn_fail_memory(error, "a path");
    sentiment_status status = make_paths(&files, folder, error);
    if (status == SENTIMENT_OK) {
        /* The weights may have any name here. */
        sn_free(memory, files.paths[MODEL]);
        files.paths[MODEL] = sn_duplicate(memory, path, strlen(path));
        status = files.paths[MODEL]
                     ? read_files(bytes, folder, &files, options, bundle, error)
                     : sn_fail_memory(error, "a path");
    }
    free_paths(&files);
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
        if (bundle->tokenizer_json) {
            sn_buffer_append(out, bundle->tokenizer_json, bundle->tokenizer_json_size);
            return out->failed ? sn_fail_memory(error, TOKENIZER_JSON) : SENTIMENT_OK;
        }
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

/* Where the files go. A tokenizer.json that is there already would take the place
 * of the tokenizer.pkl that is to be written. */
static sentiment_status make_targets(const sn_bundle *bundle, const char *folder, file_set *files,
                                     sentiment_error *error)
{
    sentiment_status status = make_paths(files, folder, error);
    if (status != SENTIMENT_OK || files->has_json == (bundle->tokenizer_json != NULL))
        return status;
    if (files->has_json)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "%s: would take the place of the tokenizer.pkl to be written; expected a "
                       "folder without tokenizer.json",
                       files->paths[TOKENIZER]);
    sn_free(files->memory, files->paths[TOKENIZER]);
    files->paths[TOKENIZER] = sn_path_join(files->memory, folder, TOKENIZER_JSON);
    return files->paths[TOKENIZER] ? SENTIMENT_OK : sn_fail_memory(error, "a path");
}

sentiment_status sn_formats_write_folder(const sn_bundle *bundle, const char *path,
                                         const sentiment_cancel *cancel, sentiment_error *error)
{
    sn_writer writers[FILES] = {{0}};
    file_set files = {.memory = bundle->memory};
    _Bool existed = sn_path_exists(path);
    sentiment_status status = sn_directory_make(path, error);
    if (status == SENTIMENT_OK)
        status = make_targets(bundle, path, &files, error);
    for (size_t i = 0; status == SENTIMENT_OK && i < FILES; i++) {
        status = write_aside(i, bundle, files.paths[i], &writers[i], error);
        if (status == SENTIMENT_OK && sentiment_cancel_requested(cancel))
            status = sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    for (size_t i = 0; status == SENTIMENT_OK && i < FILES; i++)
        status = sn_writer_commit(&writers[i], error);
    for (size_t i = 0; i < FILES; i++)
        sn_writer_abort(&writers[i]);
    if (status != SENTIMENT_OK && !existed)
        sn_directory_remove(path);
    free_paths(&files);
    return status;
}
