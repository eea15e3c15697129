/* SPDX-License-Identifier: Apache-2.0
 *
 * See metadata.h. A model has a few dozen entries, so that inserting into a
 * sorted array is all the data structure it takes. */
#include "model/metadata.h"

#include <string.h>

#include "model/config.h"
#include "model/lineage.h"

/* docs/file-format.md tells what each of them holds. */
static const char *const reserved[] = {
    "config",          "data_crc32", "data_sha256", "format",      "format_version", "labels",
    "library_version", "lineage",    "max_length",  "padding",     "quantization",   "temperature",
    "tokenizer",
    /* These four stand in ONNX files only. */
    "input_rows",      "tokenizer_json", "vocabulary", "vocabulary_ids",
};

_Bool sn_lineage_is_old_key(const char *key)
{
    return strncmp(key, SN_LINEAGE_PREFIX, strlen(SN_LINEAGE_PREFIX)) == 0;
}

_Bool sn_metadata_is_reserved(const char *key)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(reserved[i], key) == 0)
            return 1;
    return sn_lineage_is_old_key(key);
}

void sn_pairs_free(const sn_memory *memory, sn_pair *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sn_free(memory, items[i].key);
        sn_free(memory, items[i].value);
    }
    sn_free(memory, items);
}

uint64_t sn_pairs_bytes(const sn_pairs *pairs)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < pairs->count; i++)
        bytes += strlen(pairs->items[i].key) + strlen(pairs->items[i].value) + 2 +
                 sizeof *pairs->items;
    return bytes;
}

static sentiment_status insert(sn_pairs *pairs, size_t at, const char *key, char *value,
                               sentiment_error *error)
{
    sn_pair *items = sn_realloc(pairs->memory, pairs->items, pairs->count + 1, sizeof *items);
    if (!items)
        return sn_fail_memory(error, "metadata");
    pairs->items = items;
    char *own_key = sn_duplicate(pairs->memory, key, strlen(key));
    if (!own_key)
        return sn_fail_memory(error, "metadata");
    memmove(items + at + 1, items + at, (pairs->count - at) * sizeof *items);
    items[at] = (sn_pair){own_key, value};
    pairs->count++;
    return SENTIMENT_OK;
}

/* Position of the key, or where it belongs. */
static size_t position(const sn_pairs *pairs, const char *key)
{
    size_t low = 0, high = pairs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(pairs->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *sn_pairs_get(const sn_pairs *pairs, const char *key)
{
    size_t at = position(pairs, key);
    return at < pairs->count && strcmp(pairs->items[at].key, key) == 0 ? pairs->items[at].value
                                                                       : NULL;
}

void sn_pairs_remove(sn_pairs *pairs, size_t at)
{
    sn_free(pairs->memory, pairs->items[at].key);
    sn_free(pairs->memory, pairs->items[at].value);
    pairs->count--;
    memmove(pairs->items + at, pairs->items + at + 1, (pairs->count - at) * sizeof *pairs->items);
}

sentiment_status sn_pairs_copy(sn_pairs *pairs, const sn_pair *items, size_t count,
                               sentiment_error *error)
{
    pairs->items = sn_alloc_zero(pairs->memory, count, sizeof *items);
    if (!pairs->items)
        return sn_fail_memory(error, "metadata");
    for (; pairs->count < count; pairs->count++) {
        const sn_pair *from = &items[pairs->count];
        sn_pair to = {sn_duplicate(pairs->memory, from->key, strlen(from->key)),
                      sn_duplicate(pairs->memory, from->value, strlen(from->value))};
        if (!to.key || !to.value) {
            sn_free(pairs->memory, to.key);
            sn_free(pairs->memory, to.value);
            return sn_fail_memory(error, "metadata");
        }
        pairs->items[pairs->count] = to;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_pairs_set(sn_pairs *pairs, const char *key, const char *value,
                              sentiment_error *error)
{
    size_t at = position(pairs, key);
    char *copy = sn_duplicate(pairs->memory, value, strlen(value));
    if (!copy)
        return sn_fail_memory(error, "metadata");
    if (at < pairs->count && strcmp(pairs->items[at].key, key) == 0) {
        sn_free(pairs->memory, pairs->items[at].value);
        pairs->items[at].value = copy;
        return SENTIMENT_OK;
    }
    sentiment_status status = insert(pairs, at, key, copy, error);
    if (status != SENTIMENT_OK)
        sn_free(pairs->memory, copy);
    return status;
}

/* jansson makes no string of bytes that are not UTF-8. */
static _Bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

sentiment_status sn_metadata_set(sn_pairs *pairs, const char *key, const char *value,
                                 sentiment_error *error)
{
    if (sn_metadata_is_reserved(key))
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "metadata key '%s' is written by the library itself", key);
    if (!is_utf8(key) || !is_utf8(value))
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "metadata is not valid UTF-8");
    return sn_pairs_set(pairs, key, value, error);
}

sentiment_status sn_model_set_metadata(sentiment_model *model, const char *key, const char *value,
                                       sentiment_error *error)
{
    sn_pairs pairs = {&model->memory, model->metadata, model->metadata_count};
    sentiment_status status = sn_metadata_set(&pairs, key, value, error);
    model->metadata = pairs.items;
    model->metadata_count = pairs.count;
    return status;
}

sentiment_status sn_metadata_retune(sentiment_model *model, sentiment_error *error)
{
    sn_pairs pairs = {&model->memory, model->metadata, model->metadata_count};
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = pairs.count; i-- > 0;) {
        const char *key = pairs.items[i].key;
        if (strcmp(key, SN_KEY_GOLDEN) == 0 || strcmp(key, SN_KEY_BASELINE) == 0)
            sn_pairs_remove(&pairs, i);
    }
    if (sn_pairs_get(&pairs, SN_KEY_TEMPERATURE)) {
        json_t *value = sn_json_float(model->config.temperature);
        char *text = value ? sn_json_text(&model->memory, value, 0) : NULL;
        status = text ? sn_pairs_set(&pairs, SN_KEY_TEMPERATURE, text, error)
                      : sn_fail_memory(error, "metadata");
        sn_free(&model->memory, text);
        json_decref(value);
    }
    model->metadata = pairs.items;
    model->metadata_count = pairs.count;
    return status;
}
