/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model to a bundle, which a writer of lib/formats puts on disk. The
 * same model and options give the same bytes: the only date is that of a new
 * step of the lineage. */
#include <stdio.h>
#include <string.h>

#include "formats/folder.h"
#include "formats/formats.h"
#include "model/config.h"
#include "model/lineage.h"
#include "model/metadata.h"
#include "model/quantized.h"
#include "model/save_int8.h"
#include "model/tokenizer_json.h"
#include "model/weights.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#  error "tensors are written as they stand in memory: little-endian machines only"
#endif

/* A bundle that borrows weights and words from the model and owns the rest. */
typedef struct draft {
    sn_bundle bundle;
    sn_pairs metadata;
} draft;

/* ----------------------------------------------------------------- tensors */

static void add_tensor(sn_bundle *bundle, const char *name, const float *data, uint64_t rows,
                       uint64_t columns)
{
    sn_tensor *tensor = &bundle->tensors[bundle->tensor_count++];
    *tensor = (sn_tensor){.name = name, .dtype = SN_F32, .data = (const uint8_t *)data};
    tensor->rank = columns ? 2 : 1;
    tensor->dims[0] = rows;
    tensor->dims[1] = columns;
    tensor->strides[0] = columns ? columns : 1;
    tensor->strides[1] = 1;
    tensor->elements = rows * (columns ? columns : 1);
}

/* In the order of PyTorch's state_dict, forward before reverse. */
static void add_lstm(const sentiment_model *model, uint32_t layer, uint32_t direction,
                     sn_bundle *bundle, char (*names)[SN_WEIGHT_NAME_SIZE])
{
    const sn_model_config *config = &model->config;
    const sn_lstm_weights *lstm = &model->weights.lstm[layer * config->directions + direction];
    const float *data[SN_LSTM_TENSORS] = {lstm->w_ih, lstm->w_hh, lstm->b_ih, lstm->b_hh};
    uint64_t hidden = config->hidden_size;
    uint64_t input = layer ? config->directions * hidden : config->embedding_dim;
    const uint64_t columns[SN_LSTM_TENSORS] = {input, hidden, 0, 0};
    for (size_t which = 0; which < SN_LSTM_TENSORS; which++) {
        sn_weight_name(layer, direction, which, names[which]);
        add_tensor(bundle, names[which], data[which], 4 * hidden, columns[which]);
    }
}

static sentiment_status add_tensors(const sentiment_model *model, sn_bundle *bundle,
                                    sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    const sn_model_weights *weights = &model->weights;
    size_t stacks = (size_t)config->num_layers * config->directions;
    if (model->quantized)
        return sn_save_int8_tensors(model, bundle, error);
    bundle->names = sn_alloc(bundle->memory, stacks * SN_LSTM_TENSORS, SN_WEIGHT_NAME_SIZE);
    bundle->tensors =
        sn_alloc(bundle->memory, stacks * SN_LSTM_TENSORS + 3, sizeof *bundle->tensors);
    if (!bundle->names || !bundle->tensors)
        return sn_fail_memory(error, "the table of tensors");
    add_tensor(bundle, "embedding.weight", weights->embedding, config->vocab_size,
               config->embedding_dim);
    for (uint32_t i = 0; i < stacks; i++)
        add_lstm(model, i / config->directions, i % config->directions, bundle,
                 (char(*)[SN_WEIGHT_NAME_SIZE])bundle->names + i * SN_LSTM_TENSORS);
    add_tensor(bundle, "fc.weight", weights->fc_weight, config->num_classes,
               (uint64_t)config->directions * config->hidden_size);
    add_tensor(bundle, "fc.bias", weights->fc_bias, config->num_classes, 0);
    return SENTIMENT_OK;
}

static sentiment_status add_words(const sentiment_model *model, sn_bundle *bundle,
                                  sentiment_error *error)
{
    const sn_tokenizer *tokenizer = &model->tokenizer->tokenizer;
    const sn_vocabulary *vocabulary = &tokenizer->vocabulary;
    sn_words *words = &bundle->words;
    const char *json = sn_tokenizer_json_text(tokenizer, &bundle->tokenizer_json_size);
    if (json) {
        bundle->tokenizer_json =
            sn_duplicate(bundle->memory, json, bundle->tokenizer_json_size);
        return bundle->tokenizer_json ? SENTIMENT_OK : sn_fail_memory(error, "the tokenizer");
    }
    words->ids = sn_alloc(bundle->memory, vocabulary->count, sizeof *words->ids);
    if (!words->ids)
        return sn_fail_memory(error, "the vocabulary");
    for (size_t i = 0; i < vocabulary->count; i++)
        words->ids[i] = vocabulary->ids[i];
    words->bytes = vocabulary->bytes;
    words->offsets = vocabulary->offsets;
    words->count = vocabulary->count;
    words->vocab_size = model->config.vocab_size;
    bundle->has_words = 1;
    return SENTIMENT_OK;
}

/* ---------------------------------------------------------------- metadata */

/* Takes over `value`, a JSON value, and sets its compact text. */
static sentiment_status set_json(sn_pairs *pairs, const char *key, json_t *value,
                                 sentiment_error *error)
{
    char *text = value ? sn_json_text(pairs->memory, value, 0) : NULL;
    json_decref(value);
    if (!text)
        return sn_fail_memory(error, "metadata");
    sentiment_status status = sn_pairs_set(pairs, key, text, error);
    sn_free(pairs->memory, text);
    return status;
}

/* A tokenizer.json has Unicode tables of its own. */
static json_t *describe_tokenizer(int32_t kind)
{
    json_t *made = json_pack("{s:s, s:{}}", "kind", sn_tokenizer_name(kind), "options");
    if (made && kind != SENTIMENT_TOKENIZER_HUGGINGFACE &&
        json_object_set_new(made, "unicode", json_string(sn_unicode_version)) != 0) {
        json_decref(made);
        return NULL;
    }
    return made;
}

/* What the library says of a model, for programs that read no config.json. */
static sentiment_status set_own_keys(const sentiment_model *model, sn_pairs *pairs,
                                     sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    char version[40];
    snprintf(version, sizeof version, "%d.%d.%d", SENTIMENT_VERSION_MAJOR,
             SENTIMENT_VERSION_MINOR, SENTIMENT_VERSION_PATCH);
    sentiment_status status = sn_pairs_set(pairs, "library_version", version, error);
    if (status == SENTIMENT_OK)
        status = sn_pairs_set(pairs, "padding", sn_padding_name(config->padding), error);
    if (status == SENTIMENT_OK)
        status = set_json(pairs, "max_length", json_integer(config->max_length), error);
    if (status == SENTIMENT_OK)
        status = set_json(pairs, SN_KEY_TEMPERATURE, sn_json_float(config->temperature), error);
    if (status == SENTIMENT_OK)
        status = set_json(pairs, "tokenizer",
                          describe_tokenizer(model->tokenizer->tokenizer.kind), error);
    if (status == SENTIMENT_OK && model->has_labels)
        status = set_json(pairs, "labels", sn_json_labels(model), error);
    if (status == SENTIMENT_OK && model->quantized)
        status = set_json(pairs, SN_KEY_QUANTIZATION,
                          json_pack("{s:s, s:i}", "scheme", SN_QUANTIZATION_SCHEME, "version",
                                    SN_QUANTIZATION_VERSION),
                          error);
    return status;
}

/* The strings of save_options.metadata_json. */
static sentiment_status set_given_keys(const char *text, sn_pairs *pairs, sentiment_error *error)
{
    json_t *given = NULL;
    sentiment_status status =
        sn_json_parse_object(text, strlen(text), "metadata_json", 0, &given, error);
    if (status == SENTIMENT_ERROR_BAD_MODEL)
        return sn_fail_in(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "save options");
    void *at = status == SENTIMENT_OK ? json_object_iter(given) : NULL;
    for (; status == SENTIMENT_OK && at; at = json_object_iter_next(given, at)) {
        const char *key = json_object_iter_key(at);
        const char *value = json_string_value(json_object_iter_value(at));
        if (value)
            status = sn_metadata_set(pairs, key, value, error);
        else
            status = sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                             "metadata_json: the value of '%.80s' is no string", key);
    }
    json_decref(given);
    return status;
}

/* Everything that came with the model, but what is written anew. */
static sentiment_status copy_foreign_keys(const sentiment_model *model, sn_pairs *pairs,
                                          sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < model->metadata_count; i++) {
        const sn_pair *pair = &model->metadata[i];
        if (!sn_metadata_is_reserved(pair->key))
            status = sn_pairs_set(pairs, pair->key, pair->value, error);
    }
    return status;
}

/* A folder's config.json says itself what the own keys would repeat. */
static sentiment_status add_metadata(const sentiment_model *model,
                                     const sentiment_save_options *options, _Bool folder,
                                     draft *made, sentiment_error *error)
{
    sn_pairs *pairs = &made->metadata;
    pairs->memory = &model->memory;
    sentiment_status status = copy_foreign_keys(model, pairs, error);
    if (status == SENTIMENT_OK && options && options->metadata_json)
        status = set_given_keys(options->metadata_json, pairs, error);
    if (status == SENTIMENT_OK)
        status = sn_lineage_extend(model, options ? options->lineage_json : NULL, pairs, error);
    if (status == SENTIMENT_OK && !folder)
        status = set_own_keys(model, pairs, error);
    made->bundle.metadata = pairs->items;
    made->bundle.metadata_count = pairs->count;
    return status;
}

/* ------------------------------------------------------------------ saving */

/* A file of its own is indented for people, as the guide's json.dump does, and
 * holds the metadata. */
static sentiment_status add_config(const sentiment_model *model, _Bool folder, draft *made,
                                   sentiment_error *error)
{
    sn_bundle *bundle = &made->bundle;
    json_t *config = NULL;
    sentiment_status status = sn_json_parse_object(model->config_json, strlen(model->config_json),
                                                   "config", 0, &config, error);
    if (status == SENTIMENT_OK && folder)
        status = sn_config_give_metadata(config, &made->metadata, error);
    if (status == SENTIMENT_OK)
        bundle->config = sn_json_text(bundle->memory, config, folder ? 2 : 0);
    json_decref(config);
    if (status != SENTIMENT_OK)
        return status;
    if (!bundle->config)
        return sn_fail_memory(error, "the configuration");
    bundle->config_size = strlen(bundle->config);
    if (folder && bundle->config_size > SN_CONFIG_LIMIT)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "config.json would have %zu bytes, most of them metadata; at most %llu "
                       "can be read again",
                       bundle->config_size, (unsigned long long)SN_CONFIG_LIMIT);
    return SENTIMENT_OK;
}

/* Frees what the draft owns; weights and words are the model's. */
static void free_draft(draft *made)
{
    const sn_memory *memory = made->bundle.memory;
    sn_free(memory, made->bundle.names);
    sn_free(memory, made->bundle.tensors);
    sn_free(memory, made->bundle.words.ids);
    sn_free(memory, made->bundle.tokenizer_json);
    sn_free(memory, made->bundle.config);
    sn_pairs_free(memory, made->metadata.items, made->metadata.count);
}

static _Bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* AUTO goes by the name; names of formats that are only read are no folders. */
static sentiment_status choose_format(const char *path, int32_t asked, int32_t *out,
                                      sentiment_error *error)
{
    static const char *const others[] = {".pth", ".pt", ".bin", ".pkl", ".json", ".gguf"};
    if (asked < SENTIMENT_FORMAT_AUTO || asked > SENTIMENT_FORMAT_ONNX)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "format is %d, which is no enum sentiment_format", asked);
    *out = asked;
    if (asked != SENTIMENT_FORMAT_AUTO)
        return SENTIMENT_OK;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (ends_with(path, others[i]))
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "%s: %s files cannot be written; expected the name of a .safetensors "
                           "or .onnx file, or of a folder",
                           path, others[i]);
    *out = ends_with(path, ".safetensors") ? SENTIMENT_FORMAT_SAFETENSORS
           : ends_with(path, ".onnx")      ? SENTIMENT_FORMAT_ONNX
                                           : SENTIMENT_FORMAT_FOLDER;
    return SENTIMENT_OK;
}

sentiment_status sn_model_save(const sentiment_model *model, const char *path,
                               const sentiment_save_options *options, sentiment_error *error)
{
    const sentiment_cancel *cancel = options ? options->cancel : NULL;
    draft made = {.bundle = {.memory = &model->memory}};
    int32_t format = SENTIMENT_FORMAT_AUTO;
    sentiment_status status =
        choose_format(path, options ? options->format : SENTIMENT_FORMAT_AUTO, &format, error);
    if (status == SENTIMENT_OK)
        status = sn_model_require_weights(model, "saving", error);
    if (status != SENTIMENT_OK)
        return status;
    if (model->quantized && format != SENTIMENT_FORMAT_SAFETENSORS)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "%s: int8 weights fit into .safetensors files only; for other formats "
                       "convert the fp32 model that this one was made from",
                       path);
    _Bool folder = format == SENTIMENT_FORMAT_FOLDER;
    status = add_tensors(model, &made.bundle, error);
    if (status == SENTIMENT_OK)
        status = add_words(model, &made.bundle, error);
    if (status == SENTIMENT_OK)
        status = add_metadata(model, options, folder, &made, error);
    if (status == SENTIMENT_OK)
        status = add_config(model, folder, &made, error);
    if (status == SENTIMENT_OK && format == SENTIMENT_FORMAT_ONNX)
        status = sn_formats_write_onnx(&made.bundle, path, options ? options->opset : 0, cancel,
                                       error);
    else if (status == SENTIMENT_OK)
        status = folder ? sn_formats_write_folder(&made.bundle, path, cancel, error)
                        : sn_formats_write_safetensors(&made.bundle, path, cancel, error);
    free_draft(&made);
    return status;
}
