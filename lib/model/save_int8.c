/* SPDX-License-Identifier: Apache-2.0
 *
 * The tensors of an int8 model for its native file: what is fp32 comes first, in
 * the order of an fp32 file, then the matrices, so that every float is aligned. */
#include "model/save_int8.h"

#include "model/quantized.h"
#include "model/weights.h"

/* Matrices and their scales: of the embedding, and of each direction of each layer. */
#define PART_NAMES 6

typedef char name[SN_WEIGHT_NAME_SIZE];

static void add(sn_bundle *bundle, const char *called, sn_dtype dtype, const void *data,
                uint64_t rows, uint64_t columns)
{
    sn_tensor *tensor = &bundle->tensors[bundle->tensor_count++];
    *tensor = (sn_tensor){.name = called,
                          .dtype = dtype,
                          .rank = columns ? 2 : 1,
                          .dims = {rows, columns},
                          .data = data};
    /* The model holds that many already. */
    (void)sn_tensor_set_contiguous(tensor);
}

/* What one direction of one layer keeps fp32: scales and biases. */
static void add_floats(const sentiment_model *model, size_t i, name *names, sn_bundle *bundle)
{
    const sn_model_config *config = &model->config;
    const sn_lstm_weights *lstm = &model->weights.lstm[i];
    const sn_quantized_lstm *matrices = &model->quantized->lstm[i];
    const float *data[] = {matrices->w_ih.scale, matrices->w_hh.scale, lstm->b_ih, lstm->b_hh};
    uint64_t rows = 4 * (uint64_t)config->hidden_size;
    for (size_t which = SN_W_IH; which < SN_LSTM_TENSORS; which++) {
        sn_weight_name((uint32_t)i / config->directions, (uint32_t)i % config->directions, which,
                       names[which]);
        if (which <= SN_W_HH)
            sn_weight_scale_name(names[which], names[SN_LSTM_TENSORS + which]);
        add(bundle, names[which <= SN_W_HH ? SN_LSTM_TENSORS + which : which], SN_F32, data[which],
            rows, 0);
    }
}

sentiment_status sn_save_int8_tensors(const sentiment_model *model, sn_bundle *bundle,
                                      sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    const sn_quantized *quantized = model->quantized;
    size_t stacks = (size_t)config->num_layers * config->directions;
    uint64_t hidden = config->hidden_size, width = config->directions * hidden;
    name *names = sn_alloc(bundle->memory, stacks, PART_NAMES * sizeof *names);
    bundle->names = (char *)names;
    bundle->tensors = sn_alloc(bundle->memory, stacks * PART_NAMES + 4, sizeof *bundle->tensors);
    if (!bundle->names || !bundle->tensors)
        return sn_fail_memory(error, "the table of tensors");
    add(bundle, "embedding.weight_scale", SN_F32, quantized->embedding.scale, config->vocab_size,
        0);
    for (size_t i = 0; i < stacks; i++)
        add_floats(model, i, names + i * PART_NAMES, bundle);
    add(bundle, "fc.weight", SN_F32, model->weights.fc_weight, config->num_classes, width);
    add(bundle, "fc.bias", SN_F32, model->weights.fc_bias, config->num_classes, 0);
    add(bundle, "embedding.weight", SN_I8, quantized->embedding.weights, config->vocab_size,
        config->embedding_dim);
    for (size_t i = 0; i < stacks; i++) {
        const sn_quantized_lstm *lstm = &quantized->lstm[i];
        uint64_t input = i < config->directions ? config->embedding_dim : width;
        add(bundle, names[i * PART_NAMES + SN_W_IH], SN_I8, lstm->w_ih.weights, 4 * hidden, input);
        add(bundle, names[i * PART_NAMES + SN_W_HH], SN_I8, lstm->w_hh.weights, 4 * hidden, hidden);
    }
    return SENTIMENT_OK;
}
