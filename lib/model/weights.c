/* SPDX-License-Identifier: Apache-2.0
 *
 * See weights.h. The names are those of the guide's SentimentClassifier:
 * embedding, lstm, fc; a prefix `module.` that all names share (nn.DataParallel)
 * is passed over. A network whose sizes do not fit together is refused here,
 * so that no engine ever has to look again. */
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#define WRAPPER "module."

static const char *const families[] = {"embedding.", "lstm.", "fc."};

static _Bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Characters to skip at the start of every name. */
static size_t common_prefix(const sn_bundle *bundle)
{
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (!starts_with(bundle->tensors[i].name, WRAPPER))
            return 0;
    return strlen(WRAPPER);
}

static const sn_tensor *find(const sn_bundle *bundle, size_t skip, const char *name)
{
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (strcmp(bundle->tensors[i].name + skip, name) == 0)
            return &bundle->tensors[i];
    return NULL;
}

static sentiment_status require(const sn_bundle *bundle, size_t skip, const char *name,
                                const sn_tensor **out, sentiment_error *error)
{
    *out = find(bundle, skip, name);
    if (*out)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET, "tensor '%s' is missing", name);
}

void sn_weight_name(uint32_t layer, uint32_t direction, size_t which,
                    char out[SN_WEIGHT_NAME_SIZE])
{
    static const char *const names[SN_LSTM_TENSORS] = {"weight_ih", "weight_hh", "bias_ih",
                                                       "bias_hh"};
    snprintf(out, SN_WEIGHT_NAME_SIZE, "lstm.%s_l%u%s", names[which], layer,
             direction ? "_reverse" : "");
}

/* ----------------------------------------------------------------- shapes */

/* "[1024, 128]" */
static void print_shape(const uint64_t *dims, uint32_t rank, char out[200])
{
    size_t length = 0;
    out[0] = '\0';
    for (uint32_t d = 0; d < rank && length < 160; d++)
        length += (size_t)snprintf(out + length, 200 - length, "%s%llu", d ? ", " : "",
                                   (unsigned long long)dims[d]);
}

/* columns 0: a vector. A view in which elements share memory (an expanded
 * tensor) would make a small file cost much memory: refused. */
static sentiment_status check_shape(const sn_tensor *tensor, uint64_t rows, uint64_t columns,
                                    sentiment_error *error)
{
    const uint64_t expected[2] = {rows, columns};
    uint32_t rank = columns ? 2 : 1;
    uint64_t span = 1;
    char found_text[200], expected_text[200];
    _Bool same = tensor->rank == rank;
    for (uint32_t d = 0; same && d < rank; d++) {
        same = tensor->dims[d] == expected[d];
        span += (tensor->dims[d] - 1) * tensor->strides[d];
    }
    if (!same) {
        print_shape(tensor->dims, tensor->rank, found_text);
        print_shape(expected, rank, expected_text);
        return sn_fail(error, SENTIMENT_ERROR_SHAPE_MISMATCH, SN_NO_OFFSET,
                       "tensor '%s' has shape [%s]; expected [%s]", tensor->name, found_text,
                       expected_text);
    }
    if (tensor->elements > span)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "tensor '%s': %llu elements share the memory of %llu", tensor->name,
                       (unsigned long long)tensor->elements, (unsigned long long)span);
    return SENTIMENT_OK;
}

/* Dimension `d` of a matrix that defines a size. */
static sentiment_status infer(const sn_tensor *tensor, uint32_t d, const char *what,
                              uint64_t limit, uint32_t *out, sentiment_error *error)
{
    if (tensor->rank != 2)
        return sn_fail(error, SENTIMENT_ERROR_SHAPE_MISMATCH, SN_NO_OFFSET,
                       "tensor '%s' has %u dimensions; expected 2", tensor->name, tensor->rank);
    if (tensor->dims[d] == 0 || tensor->dims[d] > limit)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "tensor '%s' makes %s %llu; expected 1 to %llu", tensor->name, what,
                       (unsigned long long)tensor->dims[d], (unsigned long long)limit);
    *out = (uint32_t)tensor->dims[d];
    return SENTIMENT_OK;
}

static sentiment_status infer_sizes(sn_weight_map *map, sentiment_error *error)
{
    const struct {
        const sn_tensor *tensor;
        uint32_t dimension;
        const char *what;
        uint64_t limit;
        uint32_t *out;
    } sizes[] = {
        {map->embedding, 0, "vocab_size", SN_MAX_VOCABULARY, &map->vocab_size},
        {map->embedding, 1, "embedding_dim", SN_MAX_WIDTH, &map->embedding_dim},
        {map->lstm[0][SN_W_HH], 1, "hidden_size", SN_MAX_WIDTH, &map->hidden_size},
        {map->fc_weight, 0, "num_classes", SN_MAX_CLASSES, &map->num_classes},
    };
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < 4; i++)
        status = infer(sizes[i].tensor, sizes[i].dimension, sizes[i].what, sizes[i].limit,
                       sizes[i].out, error);
    return status;
}

static sentiment_status check_lstm(const sn_weight_map *map, uint32_t layer, uint32_t direction,
                                   sentiment_error *error)
{
    const sn_tensor *const *lstm = map->lstm[layer * map->directions + direction];
    uint64_t hidden = map->hidden_size, rows = 4 * hidden;
    uint64_t input = layer ? map->directions * hidden : map->embedding_dim;
    sentiment_status status = check_shape(lstm[SN_W_IH], rows, input, error);
    if (status == SENTIMENT_OK)
        status = check_shape(lstm[SN_W_HH], rows, hidden, error);
    for (size_t i = SN_B_IH; status == SENTIMENT_OK && i < SN_LSTM_TENSORS; i++)
        if (lstm[i])
            status = check_shape(lstm[i], rows, 0, error);
    const sn_tensor *const *scales = map->scales[layer * map->directions + direction];
    for (size_t i = SN_W_IH; status == SENTIMENT_OK && map->quantized && i <= SN_W_HH; i++)
        status = check_shape(scales[i], rows, 0, error);
    return status;
}

static sentiment_status check_shapes(const sn_weight_map *map, sentiment_error *error)
{
    uint64_t width = (uint64_t)map->directions * map->hidden_size;
    sentiment_status status =
        check_shape(map->embedding, map->vocab_size, map->embedding_dim, error);
    if (status == SENTIMENT_OK && map->quantized)
        status = check_shape(map->embedding_scale, map->vocab_size, 0, error);
    for (uint32_t i = 0; status == SENTIMENT_OK && i < map->num_layers * map->directions; i++)
        status = check_lstm(map, i / map->directions, i % map->directions, error);
    if (status == SENTIMENT_OK)
        status = check_shape(map->fc_weight, map->num_classes, width, error);
    if (status == SENTIMENT_OK)
        status = check_shape(map->fc_bias, map->num_classes, 0, error);
    return status;
}

/* ------------------------------------------------------------------ names */

/* Layers are counted by their names; a second direction by its first tensor. */
static sentiment_status count_layers(const sn_bundle *bundle, size_t skip, sn_weight_map *map,
                                     sentiment_error *error)
{
    char name[SN_WEIGHT_NAME_SIZE];
    const sn_tensor *found;
    uint32_t layers = 0;
    for (; layers <= SN_MAX_LAYERS; layers++) {
        sn_weight_name(layers, 0, SN_W_HH, name);
        if (!find(bundle, skip, name))
            break;
    }
    if (layers > SN_MAX_LAYERS)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the LSTM has more than %d layers", SN_MAX_LAYERS);
    sn_weight_name(0, 1, SN_W_HH, name);
    map->directions = find(bundle, skip, name) ? 2 : 1;
    map->num_layers = layers ? layers : 1;
    sn_weight_name(0, 0, SN_W_HH, name);
    return require(bundle, skip, name, &found, error);
}

/* nn.LSTM(bias=False) has no bias at all: then they are zeros. */
static _Bool has_biases(const sn_bundle *bundle, size_t skip)
{
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (starts_with(bundle->tensors[i].name + skip, "lstm.bias_"))
            return 1;
    return 0;
}

static sentiment_status find_lstm(const sn_bundle *bundle, size_t skip, sn_weight_map *map,
                                  sentiment_error *error)
{
    char name[SN_WEIGHT_NAME_SIZE];
    size_t wanted = has_biases(bundle, skip) ? SN_LSTM_TENSORS : SN_B_IH;
    for (uint32_t i = 0; i < map->num_layers * map->directions; i++) {
        for (size_t which = 0; which < wanted; which++) {
            sn_weight_name(i / map->directions, i % map->directions, which, name);
            sentiment_status status = require(bundle, skip, name, &map->lstm[i][which], error);
            if (status != SENTIMENT_OK)
                return status;
        }
    }
    return SENTIMENT_OK;
}

/* The scales of int8 matrices. */
static sentiment_status find_scales(const sn_bundle *bundle, size_t skip, sn_weight_map *map,
                                    sentiment_error *error)
{
    char matrix[SN_WEIGHT_NAME_SIZE], name[SN_WEIGHT_NAME_SIZE];
    sn_weight_scale_name("embedding.weight", name);
    sentiment_status status = require(bundle, skip, name, &map->embedding_scale, error);
    for (uint32_t i = 0; i < map->num_layers * map->directions; i++) {
        for (size_t which = SN_W_IH; status == SENTIMENT_OK && which <= SN_W_HH; which++) {
            sn_weight_name(i / map->directions, i % map->directions, which, matrix);
            sn_weight_scale_name(matrix, name);
            status = require(bundle, skip, name, &map->scales[i][which], error);
        }
    }
    return status;
}

static _Bool is_mapped(const sn_weight_map *map, const sn_tensor *tensor)
{
    if (tensor == map->embedding || tensor == map->fc_weight || tensor == map->fc_bias)
        return 1;
    for (uint32_t i = 0; i < map->num_layers * map->directions; i++)
        for (size_t which = 0; which < SN_LSTM_TENSORS; which++)
            if (tensor == map->lstm[i][which] ||
                (which <= SN_W_HH && tensor == map->scales[i][which]))
                return 1;
    return tensor == map->embedding_scale;
}

/* A tensor that belongs to our modules and yet has no place changes what the
 * network computes; others (say, a loss's weights) do not. */
static sentiment_status check_strays(const sn_bundle *bundle, size_t skip, sn_weight_map *map,
                                     sentiment_error *error)
{
    for (size_t i = 0; i < bundle->tensor_count; i++) {
        const sn_tensor *tensor = &bundle->tensors[i];
        const char *name = tensor->name + skip;
        if (is_mapped(map, tensor))
            continue;
        if (starts_with(name, "lstm.weight_hr"))
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "tensor '%s': LSTMs with projections (proj_size) are not supported",
                           tensor->name);
        for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
            if (starts_with(name, families[f]))
                return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                               "tensor '%s' has no place in the classifier", tensor->name);
        if (map->ignored++ == 0)
            map->first_ignored = tensor->name;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_weights_find(const sn_bundle *bundle, sn_weight_map *out,
                                 sentiment_error *error)
{
    sn_weight_map map = {.quantized = sn_weights_quantized(bundle)};
    size_t skip = common_prefix(bundle);
    sentiment_status status = require(bundle, skip, "embedding.weight", &map.embedding, error);
    if (status == SENTIMENT_OK)
        status = count_layers(bundle, skip, &map, error);
    if (status == SENTIMENT_OK)
        status = find_lstm(bundle, skip, &map, error);
    if (status == SENTIMENT_OK)
        status = require(bundle, skip, "fc.weight", &map.fc_weight, error);
    if (status == SENTIMENT_OK)
        status = require(bundle, skip, "fc.bias", &map.fc_bias, error);
    if (status == SENTIMENT_OK && map.quantized)
        status = find_scales(bundle, skip, &map, error);
    if (status == SENTIMENT_OK)
        status = sn_weights_check_types(&map, error);
    if (status == SENTIMENT_OK)
        status = check_strays(bundle, skip, &map, error);
    if (status == SENTIMENT_OK)
        status = infer_sizes(&map, error);
    if (status == SENTIMENT_OK)
        status = check_shapes(&map, error);
    if (status == SENTIMENT_OK)
        *out = map;
    return status;
}

/* ------------------------------------------------------------- conversion */

/* Converts one tensor, or zeros where there is none, and moves `next` on. */
static sentiment_status fill(const sn_tensor *tensor, size_t count, float **next,
                             const sentiment_cancel *cancel, sentiment_error *error)
{
    float *out = *next;
    *next += count;
    if (sentiment_cancel_requested(cancel))
        return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    if (tensor)
        return sn_tensor_to_f32(tensor, out, error);
    memset(out, 0, count * sizeof *out);
    return SENTIMENT_OK;
}

sentiment_status sn_weights_fill(const sn_weight_map *map, sentiment_model *model,
                                 const sentiment_cancel *cancel, sentiment_error *error)
{
    float *next = model->storage;
    size_t rows = 4 * (size_t)map->hidden_size, first = map->quantized ? SN_B_IH : SN_W_IH;
    sentiment_status status = SENTIMENT_OK;
    if (!map->quantized)
        status = fill(map->embedding, (size_t)map->embedding->elements, &next, cancel, error);
    for (uint32_t i = 0; status == SENTIMENT_OK && i < map->num_layers * map->directions; i++) {
        for (size_t which = first; status == SENTIMENT_OK && which < SN_LSTM_TENSORS; which++) {
            const sn_tensor *tensor = map->lstm[i][which];
            size_t count = tensor ? (size_t)tensor->elements : rows;
            status = fill(tensor, count, &next, cancel, error);
        }
    }
    if (status == SENTIMENT_OK)
        status = fill(map->fc_weight, (size_t)map->fc_weight->elements, &next, cancel, error);
    if (status == SENTIMENT_OK)
        status = fill(map->fc_bias, (size_t)map->fc_bias->elements, &next, cancel, error);
    if (status == SENTIMENT_OK && map->quantized)
        status = sn_weights_fill_int8(map, model, cancel, error);
    return status;
}
