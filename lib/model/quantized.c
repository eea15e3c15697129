/* SPDX-License-Identifier: Apache-2.0
 *
 * See quantized.h. */
#include "model/quantized.h"

/* Rows between two looks at the cancel token. */
#define STRIDE 1024

sentiment_status sn_quantized_check(const sn_model_config *config, sentiment_error *error)
{
    const struct {
        const char *what;
        uint64_t inputs;
    } rows[] = {
        {"embedding_dim", config->embedding_dim},
        {"hidden_size", config->hidden_size},
        {"the outputs of a layer (2 * hidden_size)",
         config->num_layers > 1 ? (uint64_t)config->directions * config->hidden_size : 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].inputs > SN_INT8_MAX_INPUTS)
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "%s: %llu are too wide for int8, whose sums of 32 bits hold %d "
                           "products; expected precision fp32",
                           rows[i].what, (unsigned long long)rows[i].inputs, SN_INT8_MAX_INPUTS);
    return SENTIMENT_OK;
}

/* Inputs of the layer that direction `i` of all belongs to. */
static size_t inputs_of(const sn_model_config *config, size_t i)
{
    return i < config->directions ? config->embedding_dim
                                  : (size_t)config->directions * config->hidden_size;
}

/* Adds rows x columns weights and their scales; false on overflow. */
static _Bool count(size_t rows, size_t columns, sn_quantized *quantized)
{
    size_t weights;
    return sn_multiply(rows, columns, &weights) &&
           sn_add(quantized->weight_count, weights, &quantized->weight_count) &&
           sn_add(quantized->scale_count, rows, &quantized->scale_count);
}

static _Bool count_all(const sn_model_config *config, sn_quantized *quantized)
{
    size_t rows = 4 * (size_t)config->hidden_size;
    _Bool fits = count(config->vocab_size, config->embedding_dim, quantized);
    for (size_t i = 0; fits && i < (size_t)config->num_layers * config->directions; i++)
        fits = count(rows, inputs_of(config, i), quantized) &&
               count(rows, config->hidden_size, quantized);
    return fits;
}

/* The next matrix of the arenas. */
static sn_int8_rows carve(sn_int8_rows *next, size_t rows, size_t columns)
{
    sn_int8_rows matrix = *next;
    next->weights += rows * columns;
    next->scale += rows;
    return matrix;
}

static void divide(const sn_model_config *config, sn_quantized *quantized)
{
    size_t rows = 4 * (size_t)config->hidden_size;
    sn_int8_rows next = {quantized->weights, quantized->scales};
    quantized->embedding = carve(&next, config->vocab_size, config->embedding_dim);
    for (size_t i = 0; i < (size_t)config->num_layers * config->directions; i++) {
        quantized->lstm[i].w_ih = carve(&next, rows, inputs_of(config, i));
        quantized->lstm[i].w_hh = carve(&next, rows, config->hidden_size);
    }
}

sentiment_status sn_quantized_allocate(const sn_model_config *config, const sn_memory *memory,
                                       sn_quantized **out, sentiment_error *error)
{
    sentiment_status status = sn_quantized_check(config, error);
    if (status != SENTIMENT_OK)
        return status;
    sn_quantized *quantized = sn_alloc_zero(memory, 1, sizeof *quantized);
    if (!quantized)
        return sn_fail_memory(error, "the weights");
    quantized->memory = memory;
    quantized->lstm = sn_alloc_zero(memory, (size_t)config->num_layers * config->directions,
                                    sizeof *quantized->lstm);
    if (count_all(config, quantized)) {
        quantized->weights = sn_alloc_aligned(memory, quantized->weight_count, 1);
        quantized->scales =
            sn_alloc_aligned(memory, quantized->scale_count, sizeof *quantized->scales);
    }
    if (!quantized->lstm || !quantized->weights || !quantized->scales) {
        sn_quantized_free(quantized);
        return sn_fail_memory(error, "the weights");
    }
    divide(config, quantized);
    *out = quantized;
    return SENTIMENT_OK;
}

void sn_quantized_free(sn_quantized *quantized)
{
    if (!quantized)
        return;
    const sn_memory *memory = quantized->memory;
    sn_free(memory, quantized->lstm);
    sn_free_aligned(memory, quantized->weights);
    sn_free_aligned(memory, quantized->scales);
    sn_free(memory, quantized);
}

uint64_t sn_quantized_bytes(const sn_quantized *quantized)
{
    return sizeof *quantized + quantized->weight_count +
           quantized->scale_count * sizeof *quantized->scales;
}

/* Where the next row goes. */
typedef struct target {
    int8_t *weights;
    float *scale;
    const sentiment_cancel *cancel;
} target;

static sentiment_status quantize(const float *source, size_t rows, size_t columns, target *to,
                                 sentiment_error *error)
{
    for (size_t r = 0; r < rows; r++) {
        if (r % STRIDE == 0 && sentiment_cancel_requested(to->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        *to->scale++ = sn_int8_quantize(source + r * columns, columns, to->weights);
        to->weights += columns;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_quantized_make(const sentiment_model *model, const sn_memory *memory,
                                   const sentiment_cancel *cancel, sn_quantized **out,
                                   sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    size_t rows = 4 * (size_t)config->hidden_size;
    sn_quantized *made = NULL;
    sentiment_status status = sn_quantized_allocate(config, memory, &made, error);
    if (status != SENTIMENT_OK)
        return status;
    target to = {made->weights, made->scales, cancel};
    status =
        quantize(model->weights.embedding, config->vocab_size, config->embedding_dim, &to, error);
    for (size_t i = 0;
         status == SENTIMENT_OK && i < (size_t)config->num_layers * config->directions; i++) {
        status = quantize(model->weights.lstm[i].w_ih, rows, inputs_of(config, i), &to, error);
        if (status == SENTIMENT_OK)
            status = quantize(model->weights.lstm[i].w_hh, rows, config->hidden_size, &to, error);
    }
    if (status == SENTIMENT_OK)
        *out = made;
    else
        sn_quantized_free(made);
    return status;
}
