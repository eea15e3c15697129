/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_model_*: argument checks and delegation, nothing else. */
#include <math.h>
#include <string.h>

#include "api/checks.h"
#include "engine/train.h"
#include "model/default.h"
#include "model/model.h"
#include "model/tokenizer_json.h"

#define INVALID SENTIMENT_ERROR_INVALID_ARGUMENT

/* A file may be given another temperature, what is made has none to replace. */
static sentiment_status check_temperature(float temperature, _Bool loading, sentiment_error *error)
{
    if (temperature == 0 || (loading && temperature > 0 && isfinite(temperature)))
        return SENTIMENT_OK;
    return sn_fail(
        error, INVALID, SN_NO_OFFSET, "temperature is %g; expected %s", (double)temperature,
        loading ? "a number above 0, or 0 for that of the file" : "0: it is an option of loading");
}

static sentiment_status take_options(const sentiment_model_options *given, _Bool loading,
                                     sentiment_model_options *copy, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    sentiment_model_options_init(copy);
    if (given)
        status = sn_take_struct(copy, sizeof *copy, given, "sentiment_model_options", error);
    if (!status)
        status = sn_check_flag(copy->use_mmap, "use_mmap", error);
    if (!status)
        status = sn_check_flag(copy->allow_missing_crc, "allow_missing_crc", error);
    if (!status)
        status = sn_check_flag(copy->digest, "digest", error);
    if (!status)
        status = check_temperature(copy->temperature, loading, error);
    if (!status)
        status = sn_check_zero(copy->reserved, "sentiment_model_options.reserved", error);
    const sentiment_allocator *hooks = copy->allocator;
    if (!status && hooks &&
        (hooks->struct_size < sizeof *hooks || !hooks->allocate || !hooks->reallocate ||
         !hooks->release))
        status =
            sn_fail(error, INVALID, SN_NO_OFFSET,
                    "the allocator is incomplete; expected struct_size %zu and three functions",
                    sizeof *hooks);
    return status;
}

sentiment_status sentiment_model_create(const sentiment_model_config *config,
                                        const sentiment_model_options *options,
                                        sentiment_model **model, sentiment_error *error)
{
    sentiment_model_config sizes = {0};
    sentiment_model_options copy;
    if (!config || !model)
        return sn_null_argument(error, config ? "model" : "config");
    sentiment_status status =
        sn_take_struct(&sizes, sizeof sizes, config, "sentiment_model_config", error);
    if (!status)
        status = take_options(options, 0, &copy, error);
    if (!status)
        status = sn_check_choice(sizes.padding, SENTIMENT_PADDING_MAX_LENGTH, "padding", error);
    if (!status)
        status = sn_check_flag(sizes.bidirectional, "bidirectional", error);
    if (!status)
        status = sn_check_zero(sizes.reserved, "sentiment_model_config.reserved", error);
    return status ? status : sn_model_create(&sizes, &copy, model, error);
}

sentiment_status sentiment_model_load(const char *path, const sentiment_model_options *options,
                                      sentiment_model **model, sentiment_error *error)
{
    sentiment_model_options copy;
    if (!path || !model)
        return sn_null_argument(error, path ? "model" : "path");
    sentiment_status status = take_options(options, 1, &copy, error);
    return status ? status : sn_model_load(path, &copy, model, error);
}

sentiment_status sentiment_model_find_default(char *path, size_t capacity, size_t *length,
                                              sentiment_error *error)
{
    char *found = NULL;
    if (!length || (!path && capacity))
        return sn_null_argument(error, length ? "path" : "length");
    sentiment_status status = sn_default_model(&sn_memory_default, &found, error);
    if (status)
        return status;
    *length = strlen(found);
    if (*length < capacity)
        memcpy(path, found, *length + 1);
    else
        status = sn_fail(error, SENTIMENT_ERROR_BUFFER_TOO_SMALL, SN_NO_OFFSET,
                         "the path has %zu bytes and a NUL; there is room for %zu", *length,
                         capacity);
    sn_free(&sn_memory_default, found);
    return status;
}

sentiment_status sentiment_model_load_copy(const void *data, size_t size,
                                           const sentiment_model_options *options,
                                           sentiment_model **model, sentiment_error *error)
{
    sentiment_model_options copy;
    sn_bytes bytes;
    if (!data || !model)
        return sn_null_argument(error, data ? "model" : "data");
    sentiment_status status = take_options(options, 1, &copy, error);
    if (status)
        return status;
    sn_memory memory = sn_model_memory(&copy);
    status = sn_bytes_copy(data, size, &memory, &bytes, error);
    if (status)
        return status;
    status = sn_model_load_bytes(&bytes, &copy, model, error);
    if (status)
        sn_bytes_free(&bytes);
    return status;
}

sentiment_status sentiment_model_load_borrowed(const void *data, size_t size,
                                               sentiment_release_fn release, void *release_user,
                                               const sentiment_model_options *options,
                                               sentiment_model **model, sentiment_error *error)
{
    sentiment_model_options copy;
    sn_bytes bytes;
    if (!data || !model)
        return sn_null_argument(error, data ? "model" : "data");
    sentiment_status status = take_options(options, 1, &copy, error);
    if (status)
        return status;
    sn_bytes_borrow(data, size, release, release_user, &bytes);
    return sn_model_load_bytes(&bytes, &copy, model, error);
}

sentiment_status sentiment_model_save(const sentiment_model *model, const char *path,
                                      const sentiment_save_options *options, sentiment_error *error)
{
    sentiment_save_options copy;
    sentiment_save_options_init(&copy);
    if (!model || !path)
        return sn_null_argument(error, model ? "path" : "model");
    sentiment_status status = SENTIMENT_OK;
    if (options)
        status = sn_take_struct(&copy, sizeof copy, options, "sentiment_save_options", error);
    if (!status)
        status = sn_check_choice(copy.format, SENTIMENT_FORMAT_ONNX, "format", error);
    if (!status)
        status = sn_check_zero(copy.reserved, "sentiment_save_options.reserved", error);
    if (!status && copy.opset && (copy.opset < 11 || copy.opset > 20))
        status = sn_fail(error, INVALID, SN_NO_OFFSET, "opset is %u; expected 11 to 20, or 0",
                         copy.opset);
    return status ? status : sn_model_save(model, path, &copy, error);
}

static sentiment_status take_dataset(const sentiment_dataset *given, sentiment_dataset *copy,
                                     const char *name, sentiment_error *error)
{
    if (!given)
        return sn_null_argument(error, name);
    sentiment_status status = sn_take_struct(copy, sizeof *copy, given, "sentiment_dataset", error);
    if (!status && (!copy->offsets || !copy->labels || (!copy->text && copy->count)))
        status =
            sn_fail(error, INVALID, SN_NO_OFFSET, "%s: text, offsets or labels are NULL", name);
    return status;
}

sentiment_status sentiment_model_train(const sentiment_dataset *train, const sentiment_dataset *dev,
                                       const char *const *labels, size_t label_count,
                                       const sentiment_train_options *train_options,
                                       const sentiment_model_options *options,
                                       sentiment_model **model, sentiment_error *error)
{
    sentiment_dataset train_copy = {0}, dev_copy = {0};
    sentiment_train_options how;
    sentiment_model_options copy;
    if (!labels || !model)
        return sn_null_argument(error, labels ? "model" : "labels");
    sentiment_train_options_init(&how);
    sentiment_status status = take_dataset(train, &train_copy, "train", error);
    if (!status)
        status = take_dataset(dev, &dev_copy, "dev", error);
    if (!status && train_options)
        status = sn_take_struct(&how, sizeof how, train_options, "sentiment_train_options", error);
    if (!status)
        status = take_options(options, 0, &copy, error);
    return status
               ? status
               : sn_train(&train_copy, &dev_copy, labels, label_count, &how, &copy, model, error);
}

sentiment_status sentiment_model_quantize(const sentiment_model *model,
                                          const sentiment_model_options *options,
                                          sentiment_model **quantized, sentiment_error *error)
{
    sentiment_model_options copy;
    if (!model || !quantized)
        return sn_null_argument(error, model ? "quantized" : "model");
    sentiment_status status = take_options(options, 0, &copy, error);
    return status ? status : sn_model_quantize(model, &copy, quantized, error);
}

sentiment_model *sentiment_model_retain(sentiment_model *model)
{
    return sn_model_retain(model);
}

void sentiment_model_free(sentiment_model *model)
{
    sn_model_release(model);
}

sentiment_status sentiment_model_get_info(const sentiment_model *model, sentiment_model_info *info,
                                          sentiment_error *error)
{
    if (!model || !info)
        return sn_null_argument(error, model ? "info" : "model");
    const sn_model_config *config = &model->config;
    const sn_tokenizer *tokenizer = &model->tokenizer->tokenizer;
    sentiment_model_info filled = {
        .vocab_size = config->vocab_size,
        .embedding_dim = config->embedding_dim,
        .hidden_size = config->hidden_size,
        .num_classes = config->num_classes,
        .num_layers = config->num_layers,
        .bidirectional = config->directions == 2,
        .max_length = config->max_length,
        .padding = config->padding,
        .precision = model->precision,
        .tokenizer = tokenizer->kind,
        .temperature = config->temperature,
        .parameters = model->weights.parameters,
        .vocabulary_words = tokenizer->vocabulary.count,
        .memory_bytes = model->memory_bytes,
        .format = model->format,
        .sha256 = model->sha256[0] ? model->sha256 : NULL,
        .tokenizer_ignored = sn_tokenizer_json_ignored(tokenizer),
        .has_script = model->script.size != 0,
        .has_weights = model->weights.parameters != 0,
    };
    return sn_give_struct(info, &filled, sizeof filled, "sentiment_model_info", error);
}

const char *sentiment_model_get_label(const sentiment_model *model, int32_t index)
{
    if (!model || index < 0 || (uint32_t)index >= model->config.num_classes)
        return NULL;
    return model->labels[index];
}

sentiment_status sentiment_model_get_metadata_at(const sentiment_model *model, size_t index,
                                                 const char **key, const char **value)
{
    if (!model || index >= model->metadata_count)
        return SENTIMENT_ERROR_NOT_FOUND;
    if (key)
        *key = model->metadata[index].key;
    if (value)
        *value = model->metadata[index].value;
    return SENTIMENT_OK;
}

const char *sentiment_model_get_metadata(const sentiment_model *model, const char *key)
{
    for (size_t i = 0; model && key && i < model->metadata_count; i++)
        if (strcmp(model->metadata[i].key, key) == 0)
            return model->metadata[i].value;
    return NULL;
}
