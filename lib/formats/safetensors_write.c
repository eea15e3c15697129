/* SPDX-License-Identifier: Apache-2.0
 *
 * Writer of the native file. The same bundle gives the same bytes: tensors in
 * the bundle's order, then the vocabulary, single bytes behind all else; metadata
 * in the order of its keys; no date. The data is read twice, once for its digests
 * (which stand in the header, before it) and once to be written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/sha256.h"
#include "formats/json.h"
#include "formats/safetensors.h"

/* The header ends at a multiple of this, so that a mapped file is aligned. */
#define HEADER_ALIGNMENT 64
#define STRIDE ((size_t)1 << 24)
/* vocab.ids, vocab.offsets, vocab.bytes; or tokenizer.json, and a caller may give both. */
#define VOCABULARY_TENSORS 4

/* Everything that goes into the data area, in order. */
typedef struct plan {
    const sn_memory *memory;
    sn_tensor *tensors;
    size_t count;
    uint8_t *offsets; /* vocab.offsets, little-endian */
    uint8_t *ids;     /* vocab.ids, little-endian */
} plan;

static void store_le32(uint8_t *out, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static const char *dtype_name(sn_dtype dtype)
{
    static const char *const names[] = {
        [SN_F64] = "F64", [SN_F32] = "F32", [SN_F16] = "F16", [SN_BF16] = "BF16", [SN_I64] = "I64",
        [SN_I32] = "I32", [SN_I16] = "I16", [SN_I8] = "I8",   [SN_U64] = "U64",   [SN_U32] = "U32",
        [SN_U16] = "U16", [SN_U8] = "U8",   [SN_BOOL] = "BOOL",
    };
    return names[dtype];
}

static size_t tensor_bytes(const sn_tensor *tensor)
{
    return (size_t)tensor->elements * sn_dtype_size(tensor->dtype);
}

/* ------------------------------------------------------------- vocabulary */

static void add_vector(plan *made, const char *name, sn_dtype dtype, const uint8_t *data,
                       size_t elements)
{
    sn_tensor *tensor = &made->tensors[made->count++];
    *tensor = (sn_tensor){.name = name, .dtype = dtype, .rank = 1, .data = data};
    tensor->dims[0] = tensor->elements = elements;
    tensor->strides[0] = 1;
}

static _Bool ids_are_positions(const sn_words *words)
{
    for (size_t i = 0; words->ids && i < words->count; i++)
        if (words->ids[i] != (int64_t)i)
            return 0;
    return 1;
}

static sentiment_status add_ids(plan *made, const sn_words *words, sentiment_error *error)
{
    made->ids = sn_alloc(made->memory, words->count, 4);
    if (!made->ids)
        return sn_fail_memory(error, "the vocabulary");
    for (size_t i = 0; i < words->count; i++) {
        if (words->ids[i] < 0 || words->ids[i] > INT32_MAX)
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "word %zu has the id %lld; the native file holds 0 to 2147483647", i,
                           (long long)words->ids[i]);
        store_le32(made->ids + 4 * i, (uint32_t)words->ids[i]);
    }
    add_vector(made, "vocab.ids", SN_I32, made->ids, words->count);
    return SENTIMENT_OK;
}

/* Takes the place of the words. */
static void add_tokenizer_json(plan *made, const sn_bundle *bundle)
{
    add_vector(made, SN_TOKENIZER_TENSOR, SN_U8, (const uint8_t *)bundle->tokenizer_json,
               bundle->tokenizer_json_size);
}

/* 4-byte tensors first: the bytes of the words may end anywhere. */
static sentiment_status add_words(plan *made, const sn_words *words, sentiment_error *error)
{
    uint64_t total = words->offsets[words->count];
    if (total > UINT32_MAX)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the vocabulary has %llu bytes; the native file holds at most 4 GiB",
                       (unsigned long long)total);
    if (!ids_are_positions(words)) {
        sentiment_status status = add_ids(made, words, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    made->offsets = sn_alloc(made->memory, words->count + 1, 4);
    if (!made->offsets)
        return sn_fail_memory(error, "the vocabulary");
    for (size_t i = 0; i <= words->count; i++)
        store_le32(made->offsets + 4 * i, (uint32_t)words->offsets[i]);
    add_vector(made, "vocab.offsets", SN_U32, made->offsets, words->count + 1);
    add_vector(made, "vocab.bytes", SN_U8, words->bytes, (size_t)total);
    return SENTIMENT_OK;
}

/* Single bytes go behind everything wider, whose places are then aligned. */
static void put_bytes_last(plan *made)
{
    size_t wide = 0;
    for (size_t i = 0; i < made->count; i++) {
        sn_tensor tensor = made->tensors[i];
        if (sn_dtype_size(tensor.dtype) == 1)
            continue;
        memmove(made->tensors + wide + 1, made->tensors + wide, (i - wide) * sizeof tensor);
        made->tensors[wide++] = tensor;
    }
}

static sentiment_status make_plan(const sn_bundle *bundle, plan *made, sentiment_error *error)
{
    size_t room;
    made->memory = bundle->memory;
    if (!sn_add(bundle->tensor_count, VOCABULARY_TENSORS, &room))
        return sn_fail_memory(error, "the table of tensors");
    made->tensors = sn_alloc(made->memory, room, sizeof *made->tensors);
    if (!made->tensors)
        return sn_fail_memory(error, "the table of tensors");
    if (bundle->tensor_count)
        memcpy(made->tensors, bundle->tensors, bundle->tensor_count * sizeof *made->tensors);
    made->count = bundle->tensor_count;
    if (bundle->tokenizer_json)
        add_tokenizer_json(made, bundle);
    sentiment_status status =
        bundle->has_words ? add_words(made, &bundle->words, error) : SENTIMENT_OK;
    put_bytes_last(made);
    return status;
}

static void free_plan(plan *made)
{
    if (!made->memory)
        return;
    sn_free(made->memory, made->tensors);
    sn_free(made->memory, made->offsets);
    sn_free(made->memory, made->ids);
}

/* ----------------------------------------------------------------- header */

static sentiment_status digest(const plan *made, const sentiment_cancel *cancel, char crc_hex[9],
                               char sha_hex[65], sentiment_error *error)
{
    uLong crc = crc32(0, NULL, 0);
    sn_sha256 hash;
    sn_sha256_start(&hash);
    for (size_t i = 0; i < made->count; i++) {
        const sn_tensor *tensor = &made->tensors[i];
        for (size_t done = 0, size = tensor_bytes(tensor); done < size;) {
            size_t take = size - done < STRIDE ? size - done : STRIDE;
            crc = crc32(crc, tensor->data + done, (uInt)take);
            sn_sha256_add(&hash, tensor->data + done, take);
            done += take;
            if (sentiment_cancel_requested(cancel))
                return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        }
    }
    snprintf(crc_hex, 9, "%08lx", (unsigned long)crc & 0xfffffffful);
    sn_sha256_finish(&hash, sha_hex);
    return SENTIMENT_OK;
}

/* Sets key to value and reports whether it worked. */
static _Bool set_text(json_t *object, const char *key, const char *value)
{
    return json_object_set_new(object, key, json_string(value)) == 0;
}

static json_t *describe_metadata(const sn_bundle *bundle, const char *crc, const char *sha)
{
    json_t *metadata = json_object();
    _Bool fine = metadata != NULL;
    for (size_t i = 0; fine && i < bundle->metadata_count; i++)
        fine = set_text(metadata, bundle->metadata[i].key, bundle->metadata[i].value);
    if (fine && bundle->config)
        fine = set_text(metadata, SN_KEY_CONFIG, bundle->config);
    if (fine)
        fine = set_text(metadata, SN_KEY_FORMAT, SN_FORMAT_NAME) &&
               set_text(metadata, SN_KEY_VERSION, SN_FORMAT_VERSION) &&
               set_text(metadata, SN_KEY_CRC32, crc) && set_text(metadata, SN_KEY_SHA256, sha);
    if (!fine) {
        json_decref(metadata);
        return NULL;
    }
    return metadata;
}

static json_t *describe_tensor(const sn_tensor *tensor, uint64_t begin)
{
    json_t *shape = json_array();
    for (uint32_t d = 0; d < tensor->rank; d++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->dims[d])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(tensor->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin,
                     (json_int_t)(begin + tensor_bytes(tensor)));
}

/* Keys of the metadata sorted, those of the header in file order. */
static json_t *describe(const sn_bundle *bundle, const plan *made, const char *crc,
                        const char *sha)
{
    uint64_t begin = 0;
    json_t *header = json_object();
    json_t *metadata = describe_metadata(bundle, crc, sha);
    char *sorted = metadata ? json_dumps(metadata, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    _Bool fine = sorted && json_object_set_new(header, "__metadata__",
                                               json_loads(sorted, 0, NULL)) == 0;
    for (size_t i = 0; fine && i < made->count; i++) {
        const sn_tensor *tensor = &made->tensors[i];
        fine = json_object_set_new(header, tensor->name, describe_tensor(tensor, begin)) == 0;
        begin += tensor_bytes(tensor);
    }
    free(sorted);
    json_decref(metadata);
    if (!fine) {
        json_decref(header);
        return NULL;
    }
    return header;
}

/* Length and JSON, padded with spaces. */
static sentiment_status make_header(const sn_bundle *bundle, const plan *made,
                                    const sentiment_cancel *cancel, sn_buffer *out,
                                    sentiment_error *error)
{
    char crc[9], sha[65];
    sentiment_status status = digest(made, cancel, crc, sha, error);
    if (status != SENTIMENT_OK)
        return status;
    json_t *header = describe(bundle, made, crc, sha);
    char *text = header ? sn_json_text(bundle->memory, header, 0) : NULL;
    json_decref(header);
    if (!text)
        return sn_fail_memory(error, "the header");
    size_t length = strlen(text);
    size_t padding = (HEADER_ALIGNMENT - (8 + length) % HEADER_ALIGNMENT) % HEADER_ALIGNMENT;
    sn_buffer_u64le(out, length + padding);
    sn_buffer_append(out, text, length);
    while (padding-- > 0)
        sn_buffer_u8(out, ' ');
    sn_free(bundle->memory, text);
    return out->failed ? sn_fail_memory(error, "the header") : SENTIMENT_OK;
}

static sentiment_status write_data(const plan *made, sn_writer *writer,
                                   const sentiment_cancel *cancel, sentiment_error *error)
{
    for (size_t i = 0; i < made->count; i++) {
        const sn_tensor *tensor = &made->tensors[i];
        for (size_t done = 0, size = tensor_bytes(tensor); done < size; done += STRIDE) {
            size_t take = size - done < STRIDE ? size - done : STRIDE;
            sentiment_status status = sn_writer_write(writer, tensor->data + done, take, error);
            if (status != SENTIMENT_OK)
                return status;
            if (sentiment_cancel_requested(cancel))
                return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        }
    }
    return SENTIMENT_OK;
}

sentiment_status sn_safetensors_write(const sn_bundle *bundle, sn_writer *writer,
                                      const sentiment_cancel *cancel, sentiment_error *error)
{
    plan made = {0};
    sn_buffer header = {.memory = bundle->memory};
    sentiment_status status = make_plan(bundle, &made, error);
    if (status == SENTIMENT_OK)
        status = make_header(bundle, &made, cancel, &header, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_write(writer, header.data, header.size, error);
    if (status == SENTIMENT_OK)
        status = write_data(&made, writer, cancel, error);
    sn_buffer_free(&header);
    free_plan(&made);
    return status;
}
