/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader of the native file: 8 bytes little-endian header length, a JSON
 * header, the data. Strict, since two readers that disagree about one file are
 * a weakness: every byte of the data area belongs to exactly one tensor, no
 * key stands twice, nothing is left over. */
#include "formats/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cursor.h"
#include "formats/json.h"
#include "formats/names.h"

#define HEADER_LIMIT 100000000u
#define METADATA "__metadata__"
/* Bytes of data between two looks at the cancel token. */
#define STRIDE ((size_t)1 << 24)

static const struct {
    const char *name;
    sn_dtype dtype;
} dtypes[] = {
    {"F64", SN_F64}, {"F32", SN_F32}, {"F16", SN_F16}, {"BF16", SN_BF16}, {"I64", SN_I64},
    {"I32", SN_I32}, {"I16", SN_I16}, {"I8", SN_I8},   {"U64", SN_U64},   {"U32", SN_U32},
    {"U16", SN_U16}, {"U8", SN_U8},   {"BOOL", SN_BOOL},
};

SN_PRINTF(3, 4)
static sentiment_status bad(sentiment_error *error, uint64_t offset, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, offset, "safetensors: %s", text);
}

_Bool sn_safetensors_probe(const uint8_t *data, size_t size)
{
    return size >= 9 && data[8] == '{' && sn_load_le(data, 8) <= HEADER_LIMIT;
}

/* ----------------------------------------------------------------- header */

static sentiment_status parse_header(sn_cursor *cursor, json_t **header, sentiment_error *error)
{
    uint64_t length;
    if (!sn_take_le(cursor, 8, &length))
        return bad(error, 0, "the file ends inside the header length");
    if (length > HEADER_LIMIT || length > sn_cursor_left(cursor))
        return bad(error, 0, "the header has %llu bytes; at most %u and what is left are accepted",
                   (unsigned long long)length, HEADER_LIMIT);
    const uint8_t *text = sn_take(cursor, length);
    size_t end = (size_t)length;
    while (end && text[end - 1] == ' ')
        end--;
    if (end < 2 || text[0] != '{' || text[end - 1] != '}')
        return bad(error, 8, "the header does not begin with '{' and end with '}'");
    return sn_json_parse_object((const char *)text, end, "safetensors: header", 8, header, error);
}

static sentiment_status parse_dtype(const char *name, const json_t *value, sn_dtype *out,
                                    sentiment_error *error)
{
    const char *text = json_string_value(value);
    if (!text)
        return bad(error, 8, "tensor '%.80s': dtype is no string", name);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(dtypes[i].name, text) == 0) {
            *out = dtypes[i].dtype;
            return SENTIMENT_OK;
        }
    }
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, 8,
                   "safetensors: tensor '%.80s' has the unsupported dtype '%.40s'", name, text);
}

static sentiment_status parse_shape(const json_t *value, sn_tensor *tensor, sentiment_error *error)
{
    size_t rank = json_array_size(value);
    if (!json_is_array(value))
        return bad(error, 8, "tensor '%.80s': shape is no array", tensor->name);
    if (rank > SN_TENSOR_MAX_RANK)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, 8,
                       "safetensors: tensor '%.80s' has %zu dimensions; at most %d are supported",
                       tensor->name, rank, SN_TENSOR_MAX_RANK);
    tensor->rank = (uint32_t)rank;
    for (size_t d = 0; d < rank; d++)
        if (!sn_json_integer(json_array_get(value, d), INT64_MAX, &tensor->dims[d]))
            return bad(error, 8, "tensor '%.80s': dimension %zu is no integer from 0",
                       tensor->name, d);
    if (!sn_tensor_set_contiguous(tensor))
        return bad(error, 8, "tensor '%.80s': the product of the dimensions overflows",
                   tensor->name);
    return SENTIMENT_OK;
}

static sentiment_status parse_tensor(const json_t *entry, const uint8_t *data, size_t size,
                                     sn_tensor *tensor, sentiment_error *error)
{
    const json_t *dtype = json_object_get(entry, "dtype");
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin, end;
    if (json_object_size(entry) != 3 || !dtype || !shape || !offsets)
        return bad(error, 8, "tensor '%.80s': expected dtype, shape and data_offsets, no more",
                   tensor->name);
    sentiment_status status = parse_dtype(tensor->name, dtype, &tensor->dtype, error);
    if (status == SENTIMENT_OK)
        status = parse_shape(shape, tensor, error);
    if (status != SENTIMENT_OK)
        return status;
    if (json_array_size(offsets) != 2 ||
        !sn_json_integer(json_array_get(offsets, 0), size, &begin) ||
        !sn_json_integer(json_array_get(offsets, 1), size, &end) || begin > end)
        return bad(error, 8, "tensor '%.80s': data_offsets are no range within %zu bytes of data",
                   tensor->name, size);
    if (end - begin != tensor->elements * sn_dtype_size(tensor->dtype))
        return bad(error, 8, "tensor '%.80s' takes %llu bytes, its shape needs %llu", tensor->name,
                   (unsigned long long)(end - begin),
                   (unsigned long long)(tensor->elements * sn_dtype_size(tensor->dtype)));
    tensor->data = data + begin;
    return SENTIMENT_OK;
}

/* Names go into one block; *count is the number of tensors. */
static sentiment_status copy_names(json_t *header, sn_bundle *bundle, sentiment_error *error)
{
    size_t bytes = 1, count = 0;
    for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
        bytes += strlen(json_object_iter_key(at)) + 1;
        count++;
    }
    bundle->names = sn_alloc(bundle->memory, bytes, 1);
    bundle->tensors = sn_alloc_zero(bundle->memory, count, sizeof *bundle->tensors);
    if (!bundle->names || !bundle->tensors)
        return sn_fail_memory(error, "the table of tensors");
    char *name = bundle->names;
    for (void *at = json_object_iter(header); at; at = json_object_iter_next(header, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, METADATA) == 0)
            continue;
        size_t length = strlen(key) + 1;
        bundle->tensors[bundle->tensor_count++].name = memcpy(name, key, length);
        name += length;
    }
    return SENTIMENT_OK;
}

static size_t tensor_bytes(const sn_tensor *tensor)
{
    return (size_t)tensor->elements * sn_dtype_size(tensor->dtype);
}

static int by_position(const void *a, const void *b)
{
    const sn_tensor *left = a, *right = b;
    if (left->data != right->data)
        return left->data < right->data ? -1 : 1;
    return (tensor_bytes(left) > tensor_bytes(right)) - (tensor_bytes(left) < tensor_bytes(right));
}

/* One tensor behind the other from the first byte of data to the last. */
static sentiment_status check_layout(sn_bundle *bundle, const uint8_t *data, size_t size,
                                     uint64_t base, sentiment_error *error)
{
    const uint8_t *expected = data;
    qsort(bundle->tensors, bundle->tensor_count, sizeof *bundle->tensors, by_position);
    for (size_t i = 0; i < bundle->tensor_count; i++) {
        const sn_tensor *tensor = &bundle->tensors[i];
        if (tensor->data != expected)
            return bad(error, base + (uint64_t)(tensor->data - data),
                       "tensor '%.80s' %s", tensor->name,
                       tensor->data < expected ? "overlaps the one before it"
                                               : "leaves a hole before it");
        expected += tensor_bytes(tensor);
    }
    if (expected != data + size)
        return bad(error, base + (uint64_t)(expected - data), "%zu bytes belong to no tensor",
                   (size_t)(data + size - expected));
    return SENTIMENT_OK;
}

static sentiment_status read_tensors(json_t *header, sn_cursor *cursor, sn_bundle *bundle,
                                     sentiment_error *error)
{
    uint64_t base = cursor->position;
    size_t size = sn_cursor_left(cursor);
    const uint8_t *data = sn_take(cursor, size);
    sentiment_status status = copy_names(header, bundle, error);
    for (size_t i = 0; status == SENTIMENT_OK && i < bundle->tensor_count; i++) {
        sn_tensor *tensor = &bundle->tensors[i];
        status = parse_tensor(json_object_get(header, tensor->name), data, size, tensor, error);
    }
    return status == SENTIMENT_OK ? check_layout(bundle, data, size, base, error) : status;
}

/* --------------------------------------------------------------- metadata */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const sn_pair *)a)->key, ((const sn_pair *)b)->key);
}

/* Metadata of other programs is kept, but means nothing here. */
static sentiment_status read_own_keys(sn_bundle *bundle, sentiment_error *error)
{
    const char *format = sn_bundle_metadata(bundle, SN_KEY_FORMAT);
    const char *version = sn_bundle_metadata(bundle, SN_KEY_VERSION);
    const char *config = sn_bundle_metadata(bundle, SN_KEY_CONFIG);
    if (!format || strcmp(format, SN_FORMAT_NAME) != 0)
        return SENTIMENT_OK;
    if (!version || strcmp(version, SN_FORMAT_VERSION) != 0)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, 8,
                       "safetensors: format_version is '%.20s'; this library reads version %s",
                       version ? version : "missing", SN_FORMAT_VERSION);
    bundle->native = 1;
    if (config) {
        bundle->config_size = strlen(config);
        bundle->config = sn_duplicate(bundle->memory, config, bundle->config_size);
    }
    return config && !bundle->config ? sn_fail_memory(error, "the configuration") : SENTIMENT_OK;
}

static sentiment_status read_metadata(json_t *object, sn_bundle *bundle, sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    if (!json_is_object(object))
        return bad(error, 8, "%s is no object", METADATA);
    bundle->metadata = sn_alloc_zero(memory, json_object_size(object), sizeof *bundle->metadata);
    if (!bundle->metadata)
        return sn_fail_memory(error, "metadata");
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        const char *value = json_string_value(json_object_iter_value(at));
        if (!value)
            return bad(error, 8, "the value of metadata key '%.80s' is no string", key);
        sn_pair *pair = &bundle->metadata[bundle->metadata_count++];
        pair->key = sn_duplicate(memory, key, strlen(key));
        pair->value = sn_duplicate(memory, value, strlen(value));
        if (!pair->key || !pair->value)
            return sn_fail_memory(error, "metadata");
    }
    qsort(bundle->metadata, bundle->metadata_count, sizeof *bundle->metadata, by_key);
    return read_own_keys(bundle, error);
}

/* Compares the data area's CRC-32 with the one in the metadata, if it is there. */
static sentiment_status check_crc(const sn_bundle *bundle, const uint8_t *data, size_t size,
                                  uint64_t base, const sentiment_cancel *cancel,
                                  sentiment_error *error)
{
    const char *expected = sn_bundle_metadata(bundle, SN_KEY_CRC32);
    char found[9];
    uLong crc = crc32(0, NULL, 0);
    if (!expected)
        return SENTIMENT_OK;
    for (size_t done = 0; done < size;) {
        size_t take = size - done < STRIDE ? size - done : STRIDE;
        crc = crc32(crc, data + done, (uInt)take);
        done += take;
        if (sentiment_cancel_requested(cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    snprintf(found, sizeof found, "%08lx", (unsigned long)crc & 0xfffffffful);
    if (strcmp(found, expected) != 0)
        return bad(error, base, "the file is damaged: its data has CRC-32 %s, recorded is '%.40s'",
                   found, expected);
    return SENTIMENT_OK;
}

/* The same for the SHA-256, which takes longer and is only looked at on demand. */
static sentiment_status check_sha256(const sn_bundle *bundle, const uint8_t *data, size_t size,
                                     uint64_t base, const sn_read_options *options,
                                     sentiment_error *error)
{
    const char *expected = sn_bundle_metadata(bundle, SN_KEY_SHA256);
    const sn_bytes area = {.data = data, .size = size};
    char found[65];
    if (!expected)
        return SENTIMENT_OK;
    sentiment_status status = sn_bytes_digest(&area, options, found, error);
    if (status == SENTIMENT_OK && found[0] && strcmp(found, expected) != 0)
        return bad(error, base, "the file is damaged: its data has SHA-256 %s, recorded is '%.80s'",
                   found, expected);
    return status;
}

/* ------------------------------------------------------------- vocabulary */

static _Bool is_vector(const sn_tensor *tensor, sn_dtype a, sn_dtype b)
{
    return tensor->rank == 1 && (tensor->dtype == a || tensor->dtype == b);
}

static int64_t load_signed(const uint8_t *bytes, size_t size)
{
    uint64_t value = sn_load_le(bytes, size);
    return size == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

static sentiment_status fill_words(const sn_tensor *bytes, const sn_tensor *offsets,
                                   const sn_tensor *ids, sn_words *words, sentiment_error *error)
{
    memcpy(words->bytes, bytes->data, (size_t)bytes->elements);
    for (size_t i = 0; i <= words->count; i++) {
        words->offsets[i] = sn_load_le(offsets->data + 4 * i, 4);
        if (words->offsets[i] < (i ? words->offsets[i - 1] : 0) ||
            words->offsets[i] > bytes->elements)
            return bad(error, SN_NO_OFFSET, "vocab.offsets: element %zu is out of order", i);
    }
    if (words->offsets[0] != 0 || words->offsets[words->count] != bytes->elements)
        return bad(error, SN_NO_OFFSET, "vocab.offsets does not cover vocab.bytes");
    for (size_t i = 0; i < words->count; i++) {
        size_t length = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        /* A tokenizer.pkl may have brought lone surrogates, as Python's strings can. */
        if (sn_name_utf8_check(words->bytes + words->offsets[i], length, 1) != length)
            return bad(error, SN_NO_OFFSET, "vocab.bytes: word %zu is not UTF-8", i);
    }
    for (size_t i = 0; ids && i < words->count; i++) {
        size_t size = sn_dtype_size(ids->dtype);
        words->ids[i] = load_signed(ids->data + size * i, size);
    }
    return SENTIMENT_OK;
}

/* vocab.bytes U8 [n], vocab.offsets U32 [count+1], vocab.ids I32 or I64 [count]. */
static sentiment_status read_words(sn_bundle *bundle, sentiment_error *error)
{
    const sn_tensor *bytes = sn_bundle_find(bundle, "vocab.bytes");
    const sn_tensor *offsets = sn_bundle_find(bundle, "vocab.offsets");
    const sn_tensor *ids = sn_bundle_find(bundle, "vocab.ids");
    sn_words *words = &bundle->words;
    if (!bytes && !offsets && !ids)
        return SENTIMENT_OK;
    if (!bytes || !offsets)
        return bad(error, SN_NO_OFFSET, "tensor 'vocab.%s' is missing beside its companions",
                   bytes ? "offsets" : "bytes");
    if (!is_vector(bytes, SN_U8, SN_U8) || !is_vector(offsets, SN_U32, SN_U32) ||
        (ids && !is_vector(ids, SN_I32, SN_I64)) || offsets->elements == 0 ||
        (ids && ids->elements != offsets->elements - 1))
        return bad(error, SN_NO_OFFSET,
                   "expected vocab.bytes U8 [n], vocab.offsets U32 [n+1], vocab.ids I32 [n]");
    words->count = (size_t)offsets->elements - 1;
    words->bytes = sn_alloc(bundle->memory, (size_t)bytes->elements, 1);
    words->offsets = sn_alloc(bundle->memory, words->count + 1, sizeof *words->offsets);
    if (ids)
        words->ids = sn_alloc(bundle->memory, words->count, sizeof *words->ids);
    if (!words->bytes || !words->offsets || (ids && !words->ids))
        return sn_fail_memory(error, "the vocabulary");
    bundle->has_words = 1;
    return fill_words(bytes, offsets, ids, words, error);
}

/* tokenizer.json U8 [n], the text of such a file, in place of the words. */
static sentiment_status read_tokenizer_json(sn_bundle *bundle, sentiment_error *error)
{
    const sn_tensor *text = sn_bundle_find(bundle, SN_TOKENIZER_TENSOR);
    if (!text)
        return SENTIMENT_OK;
    if (bundle->has_words)
        return bad(error, SN_NO_OFFSET, "there are both vocab.bytes and " SN_TOKENIZER_TENSOR);
    if (!is_vector(text, SN_U8, SN_U8))
        return bad(error, SN_NO_OFFSET, "expected " SN_TOKENIZER_TENSOR " U8 [n]");
    bundle->tokenizer_json_size = (size_t)text->elements;
    bundle->tokenizer_json =
        sn_duplicate(bundle->memory, text->data, bundle->tokenizer_json_size);
    return bundle->tokenizer_json ? SENTIMENT_OK : sn_fail_memory(error, "the tokenizer");
}

/* The vocabulary is words now; the model need not wonder about its tensors. */
static void drop_vocabulary_tensors(sn_bundle *bundle)
{
    size_t kept = 0;
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (strncmp(bundle->tensors[i].name, "vocab.", 6) != 0 &&
            strcmp(bundle->tensors[i].name, SN_TOKENIZER_TENSOR) != 0)
            bundle->tensors[kept++] = bundle->tensors[i];
    bundle->tensor_count = kept;
}

sentiment_status sn_safetensors_read(sn_bytes *bytes, const sn_read_options *options,
                                     sn_bundle *bundle, sentiment_error *error)
{
    sn_cursor cursor = {bytes->data, bytes->size, 0};
    json_t *header = NULL, *metadata = NULL;
    bundle->format = "safetensors";
    bundle->words.vocab_size = -1;
    sentiment_status status = parse_header(&cursor, &header, error);
    if (status != SENTIMENT_OK)
        goto out;
    uint64_t base = cursor.position;
    metadata = json_object_get(header, METADATA);
    if (metadata)
        status = read_metadata(metadata, bundle, error);
    if (status == SENTIMENT_OK)
        status = read_tensors(header, &cursor, bundle, error);
    if (status == SENTIMENT_OK)
        status = check_crc(bundle, bytes->data + base, bytes->size - (size_t)base, base,
                           options->cancel, error);
    if (status == SENTIMENT_OK)
        status = check_sha256(bundle, bytes->data + base, bytes->size - (size_t)base, base,
                              options, error);
    if (status == SENTIMENT_OK)
        status = read_words(bundle, error);
    if (status == SENTIMENT_OK)
        status = read_tokenizer_json(bundle, error);
    if (status == SENTIMENT_OK)
        drop_vocabulary_tensors(bundle);
out:
    json_decref(header);
    if (status != SENTIMENT_OK) {
        sn_bundle_free(bundle);
        return status;
    }
    bundle->file = *bytes;
    *bytes = (sn_bytes){0};
    return SENTIMENT_OK;
}
