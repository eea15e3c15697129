/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing in int8: as lstm.c, with four inputs of a unit side by side, a scale
 * for each row, and where its sum begins. Filled-up weights, scales and
 * starts are zero. */
#include <string.h>

#include "nn/pack.h"

/* Where things go next. */
typedef struct arenas {
    int8_t *weights;
    float *floats;
    int32_t *starts;
} arenas;

/* How a matrix [4*hidden][groups*group] is packed: its column g*group+j becomes
 * column g*stride+j. */
typedef struct shape {
    size_t hidden, rows; /* rows: lanes of a row of gates, filled up */
    size_t groups, group, stride;
} shape;

static size_t shape_quads(const shape *of)
{
    return (of->groups * of->stride + SN_GROUP - 1) / SN_GROUP;
}

static shape shape_ih(const sn_lstm_config *config, size_t layer)
{
    shape of = {config->hidden, config->blocks * SN_BLOCK_GATES, config->directions, config->hidden,
                config->padded};
    if (layer == 0) {
        of.groups = 1;
        of.group = of.stride = config->embedding_dim;
    }
    return of;
}

static shape shape_hh(const sn_lstm_config *config)
{
    return (shape){config->hidden, config->blocks * SN_BLOCK_GATES, 1, config->hidden,
                   config->hidden};
}

/* Packs the matrix at `next` and moves it on. Each scale is over `divisor`. */
static void pack_matrix(const shape *of, const sn_int8_rows *source, float divisor, arenas *next,
                        sn_int8_matrix *out)
{
    size_t quads = shape_quads(of), columns = of->groups * of->group;
    for (size_t gate = 0; gate < SN_GATES; gate++)
        for (size_t unit = 0; unit < of->hidden; unit++) {
            size_t row = gate * of->hidden + unit, lane = sn_pack_lane(gate, unit);
            const int8_t *weights = source->weights + row * columns;
            int8_t *packed = next->weights + (unit / SN_BLOCK * quads * SN_BLOCK_GATES +
                                              gate * SN_BLOCK + unit % SN_BLOCK) *
                                                 SN_GROUP;
            int64_t sum = 0;
            for (size_t k = 0; k < columns; k++) {
                size_t at = k / of->group * of->stride + k % of->group;
                packed[at / SN_GROUP * SN_BLOCK_GATES * SN_GROUP + at % SN_GROUP] = weights[k];
                sum += weights[k];
            }
            uint32_t start = (uint32_t)(-128 * sum);
            memcpy(&next->starts[lane], &start, sizeof start);
            next->floats[lane] = source->scale[row] / divisor;
        }
    *out = (sn_int8_matrix){next->weights, next->floats, next->starts};
    next->weights += of->rows * quads * SN_GROUP;
    next->floats += of->rows;
    next->starts += of->rows;
}

/* Bytes of one direction of one layer; false on overflow. */
static _Bool layer_bytes(const sn_lstm_config *config, size_t layer, size_t *bytes)
{
    shape ih = shape_ih(config, layer), hh = shape_hh(config);
    return sn_multiply(ih.rows, (shape_quads(&ih) + shape_quads(&hh)) * SN_GROUP, bytes);
}

/* The three arenas, zeroed; false where memory does not do. */
static _Bool allocate(sn_lstm *lstm)
{
    const sn_lstm_config *config = &lstm->config;
    size_t count = config->layers * config->directions, bytes = 0, lanes, head, one;
    for (size_t layer = 0; layer < config->layers; layer++)
        if (!layer_bytes(config, layer, &one) || !sn_multiply(one, config->directions, &one) ||
            !sn_add(bytes, one, &bytes))
            return 0;
    if (!sn_multiply(config->blocks * SN_BLOCK_GATES, count, &lanes) ||
        !sn_multiply(config->directions * config->padded + 1, config->classes, &head) ||
        !sn_multiply(lanes, 3, &lstm->arena_floats) ||
        !sn_add(lstm->arena_floats, head, &lstm->arena_floats))
        return 0;
    lstm->arena_int8 = sn_alloc_aligned(lstm->memory, bytes, 1);
    lstm->arena = sn_alloc_aligned(lstm->memory, lstm->arena_floats, sizeof *lstm->arena);
    lstm->starts = sn_alloc_aligned(lstm->memory, lanes * 2, sizeof *lstm->starts);
    lstm->layers = sn_alloc(lstm->memory, count, sizeof *lstm->layers);
    if (!lstm->arena_int8 || !lstm->arena || !lstm->starts || !lstm->layers)
        return 0;
    memset(lstm->arena_int8, 0, bytes);
    memset(lstm->arena, 0, lstm->arena_floats * sizeof *lstm->arena);
    memset(lstm->starts, 0, lanes * 2 * sizeof *lstm->starts);
    return 1;
}

static void pack_layer(const sn_lstm_config *config, size_t layer, const sn_lstm_source *source,
                       arenas *next, sn_lstm_layer *out)
{
    shape ih = shape_ih(config, layer), hh = shape_hh(config);
    *out = (sn_lstm_layer){.inputs = sn_pack_inputs(config, layer), .bias = next->floats};
    sn_pack_bias(source, config->hidden, next->floats);
    next->floats += ih.rows;
    pack_matrix(&ih, &source->w_ih_int8, layer ? 127.0f : 1.0f, next, &out->w_ih_int8);
    pack_matrix(&hh, &source->w_hh_int8, 127.0f, next, &out->w_hh_int8);
}

sentiment_status sn_lstm_pack_int8(const sn_memory *memory, const sn_lstm_config *config,
                                   const sn_int8_rows *embedding, const sn_lstm_source *sources,
                                   const float *fc_weight, const float *fc_bias, sn_lstm *out,
                                   sentiment_error *error)
{
    sn_lstm lstm = {.memory = memory, .config = *config, .int8 = 1, .embedding_int8 = *embedding};
    if (!allocate(&lstm)) {
        sn_lstm_free(&lstm);
        return sn_fail_memory(error, "the packed weights");
    }
    arenas next = {lstm.arena_int8, lstm.arena, lstm.starts};
    for (size_t i = 0; i < config->layers * config->directions; i++)
        pack_layer(config, i / config->directions, &sources[i], &next, &lstm.layers[i]);
    sn_pack_head(config, fc_weight, fc_bias, next.floats, &lstm);
    *out = lstm;
    return SENTIMENT_OK;
}
