/* SPDX-License-Identifier: Apache-2.0
 *
 * See formats.h. A new format is a row of `readers`; what is merely known by
 * sight is a row of `strangers`, so that the message can say what was found. */
#include "formats/formats.h"

#include <string.h>

#include "base/cursor.h"
#include "formats/folder.h"
#include "formats/onnx.h"
#include "formats/pth.h"
#include "formats/safetensors.h"

/* `path` is NULL when the bytes come from memory. */
typedef struct reader {
    _Bool (*probe)(const uint8_t *data, size_t size);
    sentiment_status (*read)(sn_bytes *bytes, const char *path, const sn_read_options *options,
                             sn_bundle *bundle, sentiment_error *error);
} reader;

static _Bool begins(const uint8_t *data, size_t size, const char *magic, size_t length)
{
    return size >= length && memcmp(data, magic, length) == 0;
}

/* A zip, or the magic number that PyTorch pickled before 1.6, whose place is
 * behind the protocol, or from protocol 4 on behind a frame's header. */
static _Bool probe_pytorch(const uint8_t *data, size_t size)
{
    static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
    static const size_t places[] = {2, 11};
    if (size < 2 || data[0] != 0x80)
        return begins(data, size, "PK\x03\x04", 4);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (size > places[i] &&
            begins(data + places[i], size - places[i], magic, sizeof magic - 1))
            return 1;
    return 0;
}

static sentiment_status read_pytorch(sn_bytes *bytes, const char *path,
                                     const sn_read_options *options, sn_bundle *bundle,
                                     sentiment_error *error)
{
    if (!path)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "these bytes are a PyTorch file, which has no vocabulary; load it by path "
                       "from beside its tokenizer.pkl and config.json");
    return sn_folder_read_beside(bytes, path, options, bundle, error);
}

static sentiment_status read_native(sn_bytes *bytes, const char *path,
                                    const sn_read_options *options, sn_bundle *bundle,
                                    sentiment_error *error)
{
    sentiment_status status = sn_safetensors_read(bytes, options, bundle, error);
    return status != SENTIMENT_OK && path ? sn_fail_in(error, status, "%s", path) : status;
}

/* Other people's graphs have no vocabulary in them. */
static sentiment_status read_onnx(sn_bytes *bytes, const char *path,
                                  const sn_read_options *options, sn_bundle *bundle,
                                  sentiment_error *error)
{
    sentiment_status status = sn_onnx_read(bytes, path, options, bundle, error);
    if (status != SENTIMENT_OK)
        return path ? sn_fail_in(error, status, "%s", path) : status;
    if (bundle->has_words || bundle->tokenizer_json)
        return SENTIMENT_OK;
    if (path)
        status = sn_folder_read_tokenizer(path, bundle, error);
    else
        status = sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                         "these bytes are an ONNX model without a vocabulary; load it by path "
                         "from beside its tokenizer.json or tokenizer.pkl");
    if (status != SENTIMENT_OK)
        sn_bundle_free(bundle);
    return status;
}

/* The first two are told by more bytes than ONNX. */
static const reader readers[] = {
    {probe_pytorch, read_pytorch},
    {sn_safetensors_probe, read_native},
    {sn_onnx_probe, read_onnx},
};

static const struct {
    const char *magic;
    size_t length;
    const char *what;
} strangers[] = {
    {"\x80", 1, "a pickle that is no PyTorch model"},
    {"\x1f\x8b", 2, "compressed with gzip"},
    {"{", 1, "a JSON text"},
    {"\x89HDF", 4, "an HDF5 file"},
    {"GGUF", 4, "a GGUF model"},
    {"\x7f" "ELF", 4, "a program"},
    {"version https://git-lfs", 23, "a Git LFS pointer, not the file itself"},
    {"<", 1, "a web page or XML"},
};

static sentiment_status refuse(const sn_bytes *bytes, const char *path, sentiment_error *error)
{
    const char *what = bytes->size ? "of no kind known here" : "empty";
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (begins(bytes->data, bytes->size, strangers[i].magic, strangers[i].length)) {
            what = strangers[i].what;
            break;
        }
    }
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, 0,
                   "%s%sthe content is %s; expected a .safetensors model, an ONNX model, a "
                   "PyTorch model.pth, or a folder with one",
                   path ? path : "", path ? ": " : "", what);
}

static sentiment_status read_any(sn_bytes *bytes, const char *path,
                                 const sn_read_options *options, sn_bundle *bundle,
                                 sentiment_error *error)
{
    char digest[65];
    if (sentiment_cancel_requested(options->cancel))
        return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    sentiment_status status = sn_bytes_digest(bytes, options, digest, error);
    if (status != SENTIMENT_OK)
        return status;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (!readers[i].probe(bytes->data, bytes->size))
            continue;
        status = readers[i].read(bytes, path, options, bundle, error);
        if (status == SENTIMENT_OK)
            memcpy(bundle->sha256, digest, sizeof digest);
        return status;
    }
    return refuse(bytes, path, error);
}

sentiment_status sn_formats_read_bytes(sn_bytes *bytes, const sn_read_options *options,
                                       sn_bundle *bundle, sentiment_error *error)
{
    return read_any(bytes, NULL, options, bundle, error);
}

sentiment_status sn_formats_read_path(const char *path, const sn_read_options *options,
                                      sn_bundle *bundle, sentiment_error *error)
{
    sn_bytes bytes = {0};
    int directory = sn_path_is_directory(path, error);
    if (directory < 0)
        return directory;
    if (directory)
        return sn_folder_read(path, options, bundle, error);
    sentiment_status status =
        sn_file_read(path, bundle->memory, options->use_mmap, SN_MODEL_LIMIT, &bytes, error);
    if (status != SENTIMENT_OK)
        return status;
    status = read_any(&bytes, path, options, bundle, error);
    sn_bytes_free(&bytes);
    return status;
}

sentiment_status sn_formats_write_safetensors(const sn_bundle *bundle, const char *path,
                                              const sentiment_cancel *cancel,
                                              sentiment_error *error)
{
    sn_writer writer = {0};
    sentiment_status status = sn_writer_open(&writer, path, bundle->memory, error);
    if (status == SENTIMENT_OK)
        status = sn_safetensors_write(bundle, &writer, cancel, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_commit(&writer, error);
    sn_writer_abort(&writer);
    return status;
}

sentiment_status sn_formats_write_onnx(const sn_bundle *bundle, const char *path, uint32_t opset,
                                       const sentiment_cancel *cancel, sentiment_error *error)
{
    sn_writer writer = {0};
    sentiment_status status = sn_writer_open(&writer, path, bundle->memory, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_write(bundle, opset, &writer, cancel, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_commit(&writer, error);
    sn_writer_abort(&writer);
    return status;
}
