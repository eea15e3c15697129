/* SPDX-License-Identifier: Apache-2.0
 *
 * A new classifier: the guide's SentimentClassifier(**model_params) with
 * PyTorch's initial distributions, words word_0, word_1, .... The generator
 * runs through the arena from its first float to its last, so that seed and
 * sizes alone decide every bit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/random.h"

/* Floats, or words, between two looks at the cancel token. */
#define STRIDE ((size_t)1 << 18)

static sentiment_status check_range(const char *name, uint32_t value, uint32_t limit,
                                    sentiment_error *error)
{
    if (value >= 1 && value <= limit)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                   "%s is %u; expected 1 to %u", name, value, limit);
}

static sentiment_status check_config(const sn_model_config *config, sentiment_error *error)
{
    const struct {
        const char *name;
        uint32_t value, limit;
    } sizes[] = {
        {"vocab_size", config->vocab_size, SN_MAX_VOCABULARY},
        {"embedding_dim", config->embedding_dim, SN_MAX_WIDTH},
        {"hidden_size", config->hidden_size, SN_MAX_WIDTH},
        {"num_classes", config->num_classes, SN_MAX_CLASSES},
        {"num_layers", config->num_layers, SN_MAX_LAYERS},
        {"max_length", config->max_length, SN_MAX_LENGTH},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        sentiment_status status =
            check_range(sizes[i].name, sizes[i].value, sizes[i].limit, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    if (config->padding != SENTIMENT_PADDING_NONE &&
        config->padding != SENTIMENT_PADDING_MAX_LENGTH)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "padding is %d, which is no enum sentiment_padding", config->padding);
    return SENTIMENT_OK;
}

static sentiment_status cancelled(const sentiment_cancel *cancel, sentiment_error *error)
{
    if (!sentiment_cancel_requested(cancel))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
}

/* Embedding N(0, 1), everything else uniform in +-1/sqrt(hidden_size). */
static sentiment_status fill_weights(sentiment_model *model, uint64_t seed,
                                     const sentiment_cancel *cancel, sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    size_t normal = (size_t)config->vocab_size * config->embedding_dim;
    size_t total = (size_t)model->weights.parameters;
    double bound = 1 / sqrt((double)config->hidden_size);
    sn_random random;
    sn_random_seed(&random, seed);
    for (size_t i = 0; i < total; i++) {
        model->storage[i] =
            i < normal ? sn_random_normal(&random) : sn_random_uniform(&random, bound);
        if (i % STRIDE == 0) {
            sentiment_status status = cancelled(cancel, error);
            if (status != SENTIMENT_OK)
                return status;
        }
    }
    return SENTIMENT_OK;
}

/* "word_" and ten digits at most. */
#define WORD_SIZE 16

static sentiment_status write_words(size_t count, char *bytes, uint64_t *offsets,
                                    const sentiment_cancel *cancel, sentiment_error *error)
{
    uint64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        offsets[i] = end;
        end += (uint64_t)snprintf(bytes + end, WORD_SIZE, "word_%zu", i);
        if (i % STRIDE == 0) {
            sentiment_status status = cancelled(cancel, error);
            if (status != SENTIMENT_OK)
                return status;
        }
    }
    offsets[count] = end;
    return SENTIMENT_OK;
}

static sentiment_status make_tokenizer(const sentiment_model *model,
                                       const sentiment_cancel *cancel, sn_tokenizer *out,
                                       sentiment_error *error)
{
    const sn_memory *memory = &model->memory;
    size_t count = model->config.vocab_size;
    char *bytes = sn_alloc(memory, count, WORD_SIZE);
    uint64_t *offsets = sn_alloc(memory, count + 1, sizeof *offsets);
    sentiment_status status = SENTIMENT_OK;
    if (!bytes || !offsets)
        status = sn_fail_memory(error, "the vocabulary");
    if (status == SENTIMENT_OK)
        status = write_words(count, bytes, offsets, cancel, error);
    if (status == SENTIMENT_OK)
        status = sn_vocabulary_build(memory, (const uint8_t *)bytes, offsets, NULL, count, count,
                                     &out->vocabulary, error);
    out->kind = SENTIMENT_TOKENIZER_WHITESPACE;
    sn_free(memory, bytes);
    sn_free(memory, offsets);
    return status;
}

static sentiment_status build(sentiment_model *model, uint64_t seed,
                              const sentiment_cancel *cancel, sentiment_error *error)
{
    sn_tokenizer tokenizer = {0};
    sentiment_status status = fill_weights(model, seed, cancel, error);
    if (status == SENTIMENT_OK)
        status = make_tokenizer(model, cancel, &tokenizer, error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_model_assemble(model, &tokenizer, NULL, 0, NULL, error);
    if (status != SENTIMENT_OK)
        sn_vocabulary_free(&tokenizer.vocabulary);
    return status;
}

sentiment_status sn_model_create(const sentiment_model_config *config,
                                 const sentiment_model_options *options, sentiment_model **out,
                                 sentiment_error *error)
{
    const sn_memory memory = sn_model_memory(options);
    const sn_model_config sizes = {
        .vocab_size = config->vocab_size,
        .embedding_dim = config->embedding_dim,
        .hidden_size = config->hidden_size,
        .num_classes = config->num_classes,
        .num_layers = config->num_layers ? config->num_layers : 1,
        .directions = config->bidirectional ? 2 : 1,
        .max_length = config->max_length ? config->max_length : SN_DEFAULT_LENGTH,
        .padding = config->padding ? config->padding : SN_DEFAULT_PADDING,
        .temperature = 1,
    };
    sentiment_model *model = NULL;
    sentiment_status status = check_config(&sizes, error);
    if (status == SENTIMENT_OK && config->bidirectional > 1)
        status = sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                         "bidirectional is %u; expected 0 or 1", config->bidirectional);
    if (status == SENTIMENT_OK)
        status = sn_model_allocate(&sizes, &memory, &model, error);
    if (status != SENTIMENT_OK)
        return status;
    model->log = options ? options->log : NULL;
    model->log_user = options ? options->log_user : NULL;
    status = build(model, config->seed, options ? options->cancel : NULL, error);
    if (status != SENTIMENT_OK) {
        sn_model_release(model);
        return status;
    }
    *out = model;
    return SENTIMENT_OK;
}
