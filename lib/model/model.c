/* SPDX-License-Identifier: Apache-2.0
 *
 * See model.h: the life of a model and of a tokenizer handle. What their
 * numbers mean is weights.c's and config.c's business. */
#include "model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/config.h"
#include "model/metadata.h"
#include "model/quantized.h"

sn_memory sn_model_memory(const sentiment_model_options *options)
{
    const sentiment_allocator *allocator = options ? options->allocator : NULL;
    if (!allocator)
        return sn_memory_default;
    return (sn_memory){allocator->user, allocator->allocate, allocator->reallocate,
                       allocator->release};
}

/* ----------------------------------------------------------------- arena */

/* Floats of one direction of one layer; false on overflow. */
static _Bool lstm_floats(size_t hidden, size_t input, size_t *out)
{
    size_t rows, columns;
    return sn_multiply(hidden, 4, &rows) && sn_add(input, hidden, &columns) &&
           sn_add(columns, 2, &columns) && sn_multiply(rows, columns, out);
}

static _Bool count_floats(const sn_model_config *config, size_t *out)
{
    size_t total, part;
    size_t width = (size_t)config->directions * config->hidden_size;
    if (!sn_multiply(config->vocab_size, config->embedding_dim, &total))
        return 0;
    for (uint32_t layer = 0; layer < config->num_layers; layer++) {
        size_t input = layer ? width : config->embedding_dim;
        if (!lstm_floats(config->hidden_size, input, &part) ||
            !sn_multiply(part, config->directions, &part) || !sn_add(total, part, &total))
            return 0;
    }
    return sn_multiply(config->num_classes, width + 1, &part) && sn_add(total, part, out);
}

/* Those of them that int8 leaves fp32: the biases and the linear layer. */
static size_t count_plain_floats(const sn_model_config *config)
{
    size_t hidden = config->hidden_size, width = config->directions * hidden;
    return config->num_layers * 8 * width + config->num_classes * (width + 1);
}

static const float *carve(const float **next, size_t count)
{
    const float *block = *next;
    *next += count;
    return block;
}

/* Points the weights into the arena, in the order of model.h; in int8 the matrices
 * of embedding and LSTM are elsewhere. */
static void divide_storage(sentiment_model *model)
{
    const sn_model_config *config = &model->config;
    const float *next = model->storage;
    size_t rows = 4 * (size_t)config->hidden_size;
    size_t width = (size_t)config->directions * config->hidden_size;
    _Bool plain = model->precision == SENTIMENT_PRECISION_FP32;
    if (plain)
        model->weights.embedding = carve(&next, (size_t)config->vocab_size * config->embedding_dim);
    for (size_t i = 0; i < (size_t)config->num_layers * config->directions; i++) {
        sn_lstm_weights *lstm = &model->weights.lstm[i];
        if (plain) {
            size_t input = i < config->directions ? config->embedding_dim : width;
            lstm->w_ih = carve(&next, rows * input);
            lstm->w_hh = carve(&next, rows * config->hidden_size);
        }
        lstm->b_ih = carve(&next, rows);
        lstm->b_hh = carve(&next, rows);
    }
    model->weights.fc_weight = carve(&next, config->num_classes * width);
    model->weights.fc_bias = next;
}

sentiment_status sn_model_allocate_bare(const sn_model_config *config, const sn_memory *memory,
                                        sentiment_model **out, sentiment_error *error)
{
    sentiment_model *model = sn_alloc_zero(memory, 1, sizeof *model);
    if (!model)
        return sn_fail_memory(error, "a model");
    model->memory = *memory;
    atomic_init(&model->references, 1);
    model->config = *config;
    model->format = "memory";
    model->precision = SENTIMENT_PRECISION_FP32;
    if (pthread_mutex_init(&model->lock, NULL) != 0) {
        sn_free(memory, model);
        return sn_fail_memory(error, "a lock");
    }
    *out = model;
    return SENTIMENT_OK;
}

static sentiment_status allocate(const sn_model_config *config, int32_t precision,
                                 const sn_memory *memory, sentiment_model **out,
                                 sentiment_error *error)
{
    size_t floats, stored;
    sentiment_model *model = NULL;
    if (!count_floats(config, &floats))
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the sizes of the model overflow");
    sentiment_status status = sn_model_allocate_bare(config, memory, &model, error);
    if (status != SENTIMENT_OK)
        return status;
    model->precision = precision;
    model->weights.parameters = floats;
    size_t stacks = (size_t)config->num_layers * config->directions;
    model->weights.lstm = sn_alloc_zero(memory, stacks, sizeof *model->weights.lstm);
    stored = precision == SENTIMENT_PRECISION_INT8 ? count_plain_floats(config) : floats;
    model->storage = sn_alloc_aligned(memory, stored, sizeof *model->storage);
    if (!model->weights.lstm || !model->storage) {
        sn_model_release(model);
        return sn_fail_memory(error, "the weights");
    }
    divide_storage(model);
    *out = model;
    return SENTIMENT_OK;
}

sentiment_status sn_model_allocate(const sn_model_config *config, const sn_memory *memory,
                                   sentiment_model **out, sentiment_error *error)
{
    return allocate(config, SENTIMENT_PRECISION_FP32, memory, out, error);
}

sentiment_status sn_model_allocate_int8(const sn_model_config *config, const sn_memory *memory,
                                        sentiment_model **out, sentiment_error *error)
{
    return allocate(config, SENTIMENT_PRECISION_INT8, memory, out, error);
}

sentiment_status sn_model_require_weights(const sentiment_model *model, const char *action,
                                          sentiment_error *error)
{
    if (!model->foreign)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                   "%s: this TorchScript program is not the classifier: %.280s; run it with "
                   "--engine torch if you trust it",
                   action, model->foreign);
}

/* ------------------------------------------------------------- completion */

static sentiment_status set_labels(sentiment_model *model, const char *const *labels,
                                   size_t count, sentiment_error *error)
{
    size_t classes = model->config.num_classes;
    if (count && count != classes)
        return sn_fail(error, SENTIMENT_ERROR_SHAPE_MISMATCH, SN_NO_OFFSET,
                       "%zu labels were given for %zu classes", count, classes);
    model->labels = sn_alloc_zero(&model->memory, classes, sizeof *model->labels);
    if (!model->labels)
        return sn_fail_memory(error, "the labels");
    for (size_t i = 0; i < classes; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        const char *label = count ? labels[i] : number;
        model->labels[i] = sn_duplicate(&model->memory, label, strlen(label));
        if (!model->labels[i])
            return sn_fail_memory(error, "the labels");
    }
    model->has_labels = count != 0;
    return SENTIMENT_OK;
}

/* What the model holds beside its weights, to tell in the info. */
static uint64_t count_bytes(const sentiment_model *model)
{
    uint64_t bytes = sizeof *model + sizeof *model->tokenizer;
    if (model->quantized)
        bytes += count_plain_floats(&model->config) * sizeof(float) +
                 sn_quantized_bytes(model->quantized);
    else
        bytes += model->weights.parameters * sizeof(float);
    if (model->weights.lstm)
        bytes += (uint64_t)model->config.num_layers * model->config.directions *
                 sizeof *model->weights.lstm;
    bytes += sn_tokenizer_bytes(&model->tokenizer->tokenizer);
    for (size_t i = 0; i < model->config.num_classes; i++)
        bytes += sizeof *model->labels + strlen(model->labels[i]) + 1;
    return bytes + strlen(model->config_json) + 1;
}

sentiment_status sn_model_assemble(sentiment_model *model, sn_tokenizer *tokenizer,
                                   const char *const *labels, size_t label_count,
                                   const char *config_text, sentiment_error *error)
{
    sentiment_status status = set_labels(model, labels, label_count, error);
    if (status == SENTIMENT_OK)
        status = sn_config_complete(model, tokenizer->kind, config_text, &model->config_json,
                                    error);
    if (status == SENTIMENT_OK)
        status = sn_tokenizer_wrap(&model->memory, tokenizer, &model->tokenizer, error);
    if (status == SENTIMENT_OK)
        model->memory_bytes += count_bytes(model);
    return status;
}

/* ------------------------------------------------------------- references */

sentiment_model *sn_model_retain(sentiment_model *model)
{
    if (model)
        atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

static void free_labels(sentiment_model *model)
{
    for (size_t i = 0; model->labels && i < model->config.num_classes; i++)
        sn_free(&model->memory, model->labels[i]);
    sn_free(&model->memory, model->labels);
}

void sn_model_release(sentiment_model *model)
{
    /* Whoever takes the last reference must see what the others did before. */
    if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    sn_memory memory = model->memory;
    for (size_t i = 0; i < SN_PREPARED_SLOTS; i++)
        if (model->prepared[i].destroy)
            model->prepared[i].destroy(model->prepared[i].data);
    sn_tokenizer_release(model->tokenizer);
    free_labels(model);
    sn_pairs_free(&memory, model->metadata, model->metadata_count);
    sn_free(&memory, model->config_json);
    sn_free(&memory, model->weights.lstm);
    sn_free_aligned(&memory, model->storage);
    sn_quantized_free(model->quantized);
    sn_bytes_free(&model->source);
    sn_bytes_free(&model->script);
    sn_free(&memory, model->foreign);
    pthread_mutex_destroy(&model->lock);
    sn_free(&memory, model);
}

sentiment_tokenizer *sn_tokenizer_retain(sentiment_tokenizer *tokenizer)
{
    if (tokenizer)
        atomic_fetch_add_explicit(&tokenizer->references, 1, memory_order_relaxed);
    return tokenizer;
}

void sn_tokenizer_release(sentiment_tokenizer *tokenizer)
{
    if (!tokenizer ||
        atomic_fetch_sub_explicit(&tokenizer->references, 1, memory_order_acq_rel) != 1)
        return;
    sn_memory memory = tokenizer->memory;
    sn_tokenizer_free(&tokenizer->tokenizer);
    sn_free(&memory, tokenizer);
}

sentiment_status sn_tokenizer_wrap(const sn_memory *memory, sn_tokenizer *tokenizer,
                                   sentiment_tokenizer **out, sentiment_error *error)
{
    sentiment_tokenizer *handle = sn_alloc_zero(memory, 1, sizeof *handle);
    if (!handle)
        return sn_fail_memory(error, "a tokenizer");
    handle->memory = *memory;
    atomic_init(&handle->references, 1);
    handle->tokenizer = *tokenizer;
    /* The hooks that the vocabulary was built with may not live as long. */
    handle->tokenizer.vocabulary.memory = &handle->memory;
    *tokenizer = (sn_tokenizer){0};
    *out = handle;
    return SENTIMENT_OK;
}

/* ---------------------------------------------------------------- messages */

void sn_model_log(const sentiment_model *model, int32_t level, const char *format, ...)
{
    char message[512];
    if (!model->log)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    model->log(model->log_user, level, message);
}
