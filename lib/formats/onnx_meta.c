/* SPDX-License-Identifier: Apache-2.0
 *
 * See onnx_meta.h. The digests cover the weights as the native file has them,
 * tensor behind tensor, and then the text of the vocabulary: the graph is checked
 * by being understood. */
#include "formats/onnx_meta.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/sha256.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_words.h"
#include "formats/protobuf_write.h"
#include "formats/safetensors.h"

#define STRIDE ((size_t)1 << 24)
/* Entries that the writer adds to those of the bundle. */
#define OWN_ENTRIES 8

#define ROWS_MAX_LENGTH                                                                            \
  "token ids, filled up with 0 to max_length; the mean runs over every position"
#define ROWS_NONE                                                                                  \
  "token ids, all rows of a batch of equal length: no padding, the mean runs over every position"

static int by_key(const void *a, const void *b)
{
    return sn_name_compare(((const sn_onnx_entry *)a)->key, ((const sn_onnx_entry *)b)->key);
}

static const sn_name *find(const sn_onnx_entry *entries, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (sn_name_is(entries[i].key, key))
            return &entries[i].value;
    return NULL;
}

/* ----------------------------------------------------------------- digests */

typedef struct digests {
    uLong crc;
    sn_sha256 hash;
    _Bool wants_hash;
} digests;

static sentiment_status add_bytes(digests *sums, const uint8_t *data, size_t size,
                                  const sentiment_cancel *cancel, sentiment_error *error)
{
    for (size_t done = 0; done < size;) {
        size_t take = size - done < STRIDE ? size - done : STRIDE;
        sums->crc = crc32(sums->crc, data + done, (uInt)take);
        if (sums->wants_hash)
            sn_sha256_add(&sums->hash, data + done, take);
        done += take;
        if (sentiment_cancel_requested(cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    return SENTIMENT_OK;
}

/* The weights, then what `entries` hold of the vocabulary. */
static sentiment_status digest(const sn_bundle *bundle, const sn_onnx_entry *entries, size_t count,
                               digests *sums, const sentiment_cancel *cancel,
                               sentiment_error *error)
{
    static const char *const texts[] = {SN_KEY_VOCABULARY, SN_KEY_VOCABULARY_IDS,
                                        SN_KEY_TOKENIZER_JSON};
    sentiment_status status = SENTIMENT_OK;
    sums->crc = crc32(0, NULL, 0);
    sn_sha256_start(&sums->hash);
    for (size_t i = 0; status == SENTIMENT_OK && i < bundle->tensor_count; i++) {
        const sn_tensor *tensor = &bundle->tensors[i];
        size_t size = (size_t)tensor->elements * sn_dtype_size(tensor->dtype);
        status = add_bytes(sums, tensor->data, size, cancel, error);
    }
    for (size_t i = 0; status == SENTIMENT_OK && i < sizeof texts / sizeof texts[0]; i++) {
        const sn_name *text = find(entries, count, texts[i]);
        if (text)
            status = add_bytes(sums, text->data, text->size, cancel, error);
    }
    return status;
}

static void crc_text(const digests *sums, char out[9])
{
    snprintf(out, 9, "%08lx", (unsigned long)sums->crc & 0xfffffffful);
}

sentiment_status sn_onnx_check_digests(const sn_onnx_entry *entries, size_t count,
                                       const sn_bundle *bundle, const sn_read_options *options,
                                       sentiment_error *error)
{
    const char *crc = sn_bundle_metadata(bundle, SN_KEY_CRC32);
    const char *sha = sn_bundle_metadata(bundle, SN_KEY_SHA256);
    digests sums = {.wants_hash = options->digest && sha};
    char found[65];
    if (!bundle->native || (!crc && !sums.wants_hash))
        return SENTIMENT_OK;
    sentiment_status status = digest(bundle, entries, count, &sums, options->cancel, error);
    if (status != SENTIMENT_OK)
        return status;
    crc_text(&sums, found);
    if (crc && strcmp(crc, found) != 0)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "onnx: the file is damaged: its data has CRC-32 %s, recorded is '%.40s'",
                       found, crc);
    if (!sums.wants_hash)
        return SENTIMENT_OK;
    sn_sha256_finish(&sums.hash, found);
    if (strcmp(sha, found) != 0)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "onnx: the file is damaged: its data has SHA-256 %s, recorded is '%.80s'",
                       found, sha);
    return SENTIMENT_OK;
}

/* ---------------------------------------------------------------- writing */

/* A list with room for every entry, and the texts that are made for it. */
typedef struct draft {
    sn_onnx_entry *entries;
    size_t count;
    sn_buffer words, ids;
    char crc[9], sha[65];
} draft;

static void add(draft *made, const char *key, const void *value, size_t size)
{
    made->entries[made->count++] =
        (sn_onnx_entry){{(const uint8_t *)key, strlen(key)}, {value, size}};
}

static void add_text(draft *made, const char *key, const char *value)
{
    add(made, key, value, strlen(value));
}

static sentiment_status add_vocabulary(draft *made, const sn_bundle *bundle,
                                       sentiment_error *error)
{
    if (bundle->tokenizer_json) {
        add(made, SN_KEY_TOKENIZER_JSON, bundle->tokenizer_json, bundle->tokenizer_json_size);
        return SENTIMENT_OK;
    }
    if (!bundle->has_words)
        return SENTIMENT_OK;
    sentiment_status status =
        sn_onnx_words_write(&bundle->words, &made->words, &made->ids, error);
    if (status != SENTIMENT_OK)
        return status;
    add(made, SN_KEY_VOCABULARY, made->words.data, made->words.size);
    if (made->ids.size)
        add(made, SN_KEY_VOCABULARY_IDS, made->ids.data, made->ids.size);
    return SENTIMENT_OK;
}

static sentiment_status add_entries(draft *made, const sn_bundle *bundle,
                                    const sentiment_cancel *cancel, sentiment_error *error)
{
    const char *padding = sn_bundle_metadata(bundle, "padding");
    digests sums = {.wants_hash = 1};
    for (size_t i = 0; i < bundle->metadata_count; i++)
        add_text(made, bundle->metadata[i].key, bundle->metadata[i].value);
    if (bundle->config)
        add(made, SN_KEY_CONFIG, bundle->config, bundle->config_size);
    add_text(made, SN_KEY_FORMAT, SN_FORMAT_NAME);
    add_text(made, SN_KEY_VERSION, SN_FORMAT_VERSION);
    add_text(made, SN_KEY_ROWS,
             padding && strcmp(padding, "none") == 0 ? ROWS_NONE : ROWS_MAX_LENGTH);
    sentiment_status status = add_vocabulary(made, bundle, error);
    if (status == SENTIMENT_OK)
        status = digest(bundle, made->entries, made->count, &sums, cancel, error);
    if (status != SENTIMENT_OK)
        return status;
    crc_text(&sums, made->crc);
    sn_sha256_finish(&sums.hash, made->sha);
    add_text(made, SN_KEY_CRC32, made->crc);
    add_text(made, SN_KEY_SHA256, made->sha);
    return SENTIMENT_OK;
}

static void put_entries(const draft *made, sn_buffer *model)
{
    sn_buffer entry = {.memory = model->memory};
    for (size_t i = 0; i < made->count; i++) {
        const sn_onnx_entry *from = &made->entries[i];
        sn_proto_put_bytes(&entry, SN_ENTRY_KEY, from->key.data, from->key.size);
        sn_proto_put_bytes(&entry, SN_ENTRY_VALUE, from->value.data, from->value.size);
        sn_proto_put_message(model, SN_MODEL_METADATA, &entry);
    }
    sn_buffer_free(&entry);
}

sentiment_status sn_onnx_put_metadata(const sn_bundle *bundle, const sentiment_cancel *cancel,
                                      sn_buffer *model, sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    draft made = {.words = {.memory = memory}, .ids = {.memory = memory}};
    size_t room;
    if (sn_add(bundle->metadata_count, OWN_ENTRIES, &room))
        made.entries = sn_alloc(memory, room, sizeof *made.entries);
    sentiment_status status = made.entries ? add_entries(&made, bundle, cancel, error)
                                           : sn_fail_memory(error, "metadata");
    if (status == SENTIMENT_OK) {
        sn_sort(made.entries, made.count, sizeof *made.entries, by_key);
        put_entries(&made, model);
        if (model->failed)
            status = sn_fail_memory(error, "metadata");
    }
    sn_free(memory, made.entries);
    sn_buffer_free(&made.words);
    sn_buffer_free(&made.ids);
    return status;
}

/* ---------------------------------------------------------------- reading */

static sentiment_status check_string(sn_name text, const char *what, sentiment_error *error)
{
    if (sn_name_utf8_check(text.data, text.size, 0) == text.size &&
        (text.size == 0 || !memchr(text.data, 0, text.size)))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "onnx: a %s of metadata_props is not UTF-8, or holds NUL", what);
}

static sentiment_status check_entries(const sn_onnx_entry *entries, size_t count,
                                      sentiment_error *error)
{
    char quoted[SN_QUOTE_SIZE];
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < count; i++) {
        if (i && sn_name_compare(entries[i - 1].key, entries[i].key) == 0)
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "onnx: metadata_props has the key %s twice",
                           sn_quote(quoted, entries[i].key.data, entries[i].key.size));
        status = check_string(entries[i].key, "key", error);
        if (status == SENTIMENT_OK)
            status = check_string(entries[i].value, "value", error);
    }
    return status;
}

/* The keys that only an ONNX file has: they become other parts of the bundle. */
static _Bool is_consumed(const sn_bundle *bundle, sn_name key)
{
    static const char *const keys[] = {SN_KEY_VOCABULARY, SN_KEY_VOCABULARY_IDS,
                                       SN_KEY_TOKENIZER_JSON, SN_KEY_ROWS};
    for (size_t i = 0; bundle->native && i < sizeof keys / sizeof keys[0]; i++)
        if (sn_name_is(key, keys[i]))
            return 1;
    return 0;
}

static sentiment_status copy_text(const sn_memory *memory, const sn_name *from, char **out,
                                  size_t *size, sentiment_error *error)
{
    if (!from)
        return SENTIMENT_OK;
    *out = sn_duplicate(memory, from->data, from->size);
    *size = from->size;
    return *out ? SENTIMENT_OK : sn_fail_memory(error, "metadata");
}

static sentiment_status take_words(const sn_onnx_entry *entries, size_t count, sn_bundle *bundle,
                                   sentiment_error *error)
{
    const sn_name *text = find(entries, count, SN_KEY_VOCABULARY);
    char *ids = NULL;
    size_t size = 0;
    if (!text)
        return SENTIMENT_OK;
    sentiment_status status = copy_text(bundle->memory, find(entries, count, SN_KEY_VOCABULARY_IDS),
                                        &ids, &size, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_words_read(bundle->memory, text->data, text->size, ids, &bundle->words,
                                    error);
    sn_free(bundle->memory, ids);
    bundle->has_words = status == SENTIMENT_OK;
    return status;
}

static sentiment_status take_own_keys(const sn_onnx_entry *entries, size_t count,
                                      sn_bundle *bundle, sentiment_error *error)
{
    const char *version = sn_bundle_metadata(bundle, SN_KEY_VERSION);
    if (!version || strcmp(version, SN_FORMAT_VERSION) != 0)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "onnx: format_version is '%.20s'; this library reads version %s",
                       version ? version : "missing", SN_FORMAT_VERSION);
    if (find(entries, count, SN_KEY_TOKENIZER_JSON) && find(entries, count, SN_KEY_VOCABULARY))
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "onnx: metadata_props has both " SN_KEY_VOCABULARY
                       " and " SN_KEY_TOKENIZER_JSON);
    sentiment_status status = copy_text(bundle->memory, find(entries, count, SN_KEY_CONFIG),
                                        &bundle->config, &bundle->config_size, error);
    if (status == SENTIMENT_OK)
        status = copy_text(bundle->memory, find(entries, count, SN_KEY_TOKENIZER_JSON),
                           &bundle->tokenizer_json, &bundle->tokenizer_json_size, error);
    if (status == SENTIMENT_OK)
        status = take_words(entries, count, bundle, error);
    return status;
}

sentiment_status sn_onnx_take_metadata(sn_onnx_entry *entries, size_t count, sn_bundle *bundle,
                                       sentiment_error *error)
{
    sn_sort(entries, count, sizeof *entries, by_key);
    sentiment_status status = check_entries(entries, count, error);
    if (status != SENTIMENT_OK)
        return status;
    const sn_name *format = find(entries, count, SN_KEY_FORMAT);
    bundle->native = format && sn_name_is(*format, SN_FORMAT_NAME);
    bundle->metadata = sn_alloc_zero(bundle->memory, count, sizeof *bundle->metadata);
    if (!bundle->metadata)
        return sn_fail_memory(error, "metadata");
    for (size_t i = 0; i < count; i++) {
        const sn_onnx_entry *from = &entries[i];
        if (is_consumed(bundle, from->key))
            continue;
        sn_pair *pair = &bundle->metadata[bundle->metadata_count++];
        pair->key = sn_duplicate(bundle->memory, from->key.data, from->key.size);
        pair->value = sn_duplicate(bundle->memory, from->value.data, from->value.size);
        if (!pair->key || !pair->value)
            return sn_fail_memory(error, "metadata");
    }
    return bundle->native ? take_own_keys(entries, count, bundle, error) : SENTIMENT_OK;
}
