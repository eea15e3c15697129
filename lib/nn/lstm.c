/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing: from PyTorch's rows of [4*hidden][k] to blocks of hidden units with
 * their four gates side by side. Filled-up units and columns are zero. */
#include "nn/pack.h"

#include <string.h>

void sn_lstm_config_derive(sn_lstm_config *config)
{
    config->blocks = (config->hidden + SN_BLOCK - 1) / SN_BLOCK;
    config->padded = config->blocks * SN_BLOCK;
}

size_t sn_pack_inputs(const sn_lstm_config *config, size_t layer)
{
    return layer == 0 ? config->embedding_dim : config->directions * config->padded;
}

/* Floats of one direction of one layer; false on overflow. */
static _Bool layer_floats(const sn_lstm_config *config, size_t layer, size_t *floats)
{
    size_t rows = config->blocks * SN_BLOCK_GATES, columns;
    return sn_add(sn_pack_inputs(config, layer), config->hidden, &columns) &&
           sn_add(columns, 1, &columns) && sn_multiply(rows, columns, floats);
}

static _Bool arena_floats(const sn_lstm_config *config, size_t *floats)
{
    size_t row, total;
    if (!sn_multiply(config->directions, config->padded, &row) || !sn_add(row, 1, &row) ||
        !sn_multiply(row, config->classes, &total))
        return 0;
    for (size_t layer = 0; layer < config->layers; layer++) {
        size_t one;
        if (!layer_floats(config, layer, &one) || !sn_multiply(one, config->directions, &one) ||
            !sn_add(total, one, &total))
            return 0;
    }
    *floats = total;
    return 1;
}

/* Where packed weight (gate, unit, k) of a matrix with `columns` columns lies. */
static size_t packed_at(size_t gate, size_t unit, size_t k, size_t columns)
{
    return (unit / SN_BLOCK * columns + k) * SN_BLOCK_GATES + gate * SN_BLOCK + unit % SN_BLOCK;
}

/* source [4*hidden][groups*hidden] -> packed with groups*stride columns; column
 * g*hidden+j goes to g*stride+j. groups == 1 and stride == columns: plain. */
static void pack_matrix(float *packed, const float *source, size_t hidden, size_t groups,
                        size_t group, size_t stride)
{
    size_t columns = groups * group;
    for (size_t gate = 0; gate < SN_GATES; gate++)
        for (size_t unit = 0; unit < hidden; unit++) {
            const float *row = source + (gate * hidden + unit) * columns;
            for (size_t k = 0; k < columns; k++)
                packed[packed_at(gate, unit, k / group * stride + k % group, groups * stride)] =
                    row[k];
        }
}

void sn_pack_bias(const sn_lstm_source *source, size_t hidden, float *packed)
{
    for (size_t gate = 0; gate < SN_GATES; gate++)
        for (size_t unit = 0; unit < hidden; unit++) {
            size_t row = gate * hidden + unit;
            packed[packed_at(gate, unit, 0, 1)] = source->b_ih[row] + source->b_hh[row];
        }
}

/* Packs one direction of one layer at `next`; returns the first float behind it. */
static float *pack_layer(const sn_lstm_config *config, size_t layer, const sn_lstm_source *source,
                         float *next, sn_lstm_layer *out)
{
    size_t rows = config->blocks * SN_BLOCK_GATES, inputs = sn_pack_inputs(config, layer);
    float *w_hh = next, *w_ih = w_hh + rows * config->hidden, *bias = w_ih + rows * inputs;
    pack_matrix(w_hh, source->w_hh, config->hidden, 1, config->hidden, config->hidden);
    if (layer == 0)
        pack_matrix(w_ih, source->w_ih, config->hidden, 1, inputs, inputs);
    else
        pack_matrix(w_ih, source->w_ih, config->hidden, config->directions, config->hidden,
                    config->padded);
    sn_pack_bias(source, config->hidden, bias);
    *out = (sn_lstm_layer){.inputs = inputs, .w_ih = w_ih, .w_hh = w_hh, .bias = bias};
    return bias + rows;
}

void sn_pack_head(const sn_lstm_config *config, const float *weight, const float *bias, float *next,
                  sn_lstm *out)
{
    size_t groups = config->classes * config->directions;
    for (size_t g = 0; g < groups; g++)
        memcpy(next + g * config->padded, weight + g * config->hidden,
               config->hidden * sizeof *next);
    out->fc_weight = next;
    next += groups * config->padded;
    memcpy(next, bias, config->classes * sizeof *next);
    out->fc_bias = next;
}

sentiment_status sn_lstm_pack(const sn_memory *memory, const sn_lstm_config *config,
                              const float *embedding, const sn_lstm_source *sources,
                              const float *fc_weight, const float *fc_bias, sn_lstm *out,
                              sentiment_error *error)
{
    sn_lstm lstm = {.memory = memory, .config = *config, .embedding = embedding};
    size_t count = config->layers * config->directions;
    if (arena_floats(config, &lstm.arena_floats))
        lstm.arena = sn_alloc_aligned(memory, lstm.arena_floats, sizeof *lstm.arena);
    lstm.layers = sn_alloc(memory, count, sizeof *lstm.layers);
    if (!lstm.arena || !lstm.layers) {
        sn_lstm_free(&lstm);
        return sn_fail_memory(error, "the packed weights");
    }
    memset(lstm.arena, 0, lstm.arena_floats * sizeof *lstm.arena);
    float *next = lstm.arena;
    for (size_t i = 0; i < count; i++)
        next = pack_layer(config, i / config->directions, &sources[i], next, &lstm.layers[i]);
    sn_pack_head(config, fc_weight, fc_bias, next, &lstm);
    *out = lstm;
    return SENTIMENT_OK;
}

void sn_lstm_free(sn_lstm *lstm)
{
    if (!lstm->memory)
        return;
    sn_free_aligned(lstm->memory, lstm->arena);
    sn_free_aligned(lstm->memory, lstm->arena_int8);
    sn_free_aligned(lstm->memory, lstm->starts);
    sn_free(lstm->memory, lstm->layers);
    *lstm = (sn_lstm){0};
}
