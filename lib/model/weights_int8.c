/* SPDX-License-Identifier: Apache-2.0
 *
 * See weights.h: the matrices of an int8 model, which are I8 tensors with an
 * F32 scale for each row. Strict, since two programs that read such a file
 * differently would give different answers without anybody noticing. */
#include <math.h>
#include <stdio.h>

#include "model/quantized.h"
#include "model/weights.h"

#define SCALE_SUFFIX "_scale"

_Bool sn_weights_quantized(const sn_bundle *bundle)
{
    return bundle->native && sn_bundle_metadata(bundle, SN_KEY_QUANTIZATION);
}

void sn_weight_scale_name(const char *name, char out[SN_WEIGHT_NAME_SIZE])
{
    snprintf(out, SN_WEIGHT_NAME_SIZE, "%.*s%s", SN_WEIGHT_NAME_SIZE - (int)sizeof SCALE_SUFFIX,
             name, SCALE_SUFFIX);
}

/* I8 where the metadata says so, and only there. */
static sentiment_status check_type(const sn_tensor *matrix, const sn_tensor *scale, _Bool quantized,
                                   sentiment_error *error)
{
    if (quantized && matrix->dtype != SN_I8)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "tensor '%s' has type %s; expected int8, as the metadata key '%s' says",
                       matrix->name, sn_dtype_name(matrix->dtype), SN_KEY_QUANTIZATION);
    if (!quantized && matrix->dtype == SN_I8)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "tensor '%s' has type int8; expected floats, since there is no metadata "
                       "key '%s' of a native file",
                       matrix->name, SN_KEY_QUANTIZATION);
    if (quantized && scale->dtype != SN_F32)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "tensor '%s' has type %s; expected float32", scale->name,
                       sn_dtype_name(scale->dtype));
    return SENTIMENT_OK;
}

sentiment_status sn_weights_check_types(const sn_weight_map *map, sentiment_error *error)
{
    sentiment_status status =
        check_type(map->embedding, map->embedding_scale, map->quantized, error);
    for (uint32_t i = 0; status == SENTIMENT_OK && i < map->num_layers * map->directions; i++)
        for (size_t which = SN_W_IH; status == SENTIMENT_OK && which <= SN_W_HH; which++)
            status = check_type(map->lstm[i][which], map->scales[i][which], map->quantized, error);
    return status;
}

/* What the scheme promises of each row. */
static sentiment_status check_rows(const sn_tensor *matrix, const sn_tensor *scale,
                                   const int8_t *weights, const float *scales,
                                   sentiment_error *error)
{
    size_t rows = (size_t)matrix->dims[0], columns = (size_t)matrix->dims[1];
    for (size_t r = 0; r < rows; r++) {
        if (signbit(scales[r]))
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "tensor '%s': element %zu is negative", scale->name, r);
        for (size_t k = 0; k < columns; k++) {
            int value = weights[r * columns + k];
            if (value == -128 || (scales[r] == 0 && value != 0))
                return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                               "tensor '%s': element %zu of row %zu is %d; expected %s",
                               matrix->name, k, r, value,
                               value == -128 ? "-127 to 127" : "0, as the row's scale is 0");
        }
    }
    return SENTIMENT_OK;
}

/* Where the next matrix goes. */
typedef struct target {
    int8_t *weights;
    float *scales;
    const sentiment_cancel *cancel;
} target;

static sentiment_status fill(const sn_tensor *matrix, const sn_tensor *scale, target *to,
                             sentiment_error *error)
{
    if (sentiment_cancel_requested(to->cancel))
        return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    sn_tensor_to_i8(matrix, to->weights);
    sentiment_status status = sn_tensor_to_f32(scale, to->scales, error);
    if (status == SENTIMENT_OK)
        status = check_rows(matrix, scale, to->weights, to->scales, error);
    to->weights += matrix->elements;
    to->scales += scale->elements;
    return status;
}

sentiment_status sn_weights_fill_int8(const sn_weight_map *map, sentiment_model *model,
                                      const sentiment_cancel *cancel, sentiment_error *error)
{
    sentiment_status status =
        sn_quantized_allocate(&model->config, &model->memory, &model->quantized, error);
    if (status != SENTIMENT_OK)
        return status;
    target to = {model->quantized->weights, model->quantized->scales, cancel};
    status = fill(map->embedding, map->embedding_scale, &to, error);
    for (uint32_t i = 0; status == SENTIMENT_OK && i < map->num_layers * map->directions; i++)
        for (size_t which = SN_W_IH; status == SENTIMENT_OK && which <= SN_W_HH; which++)
            status = fill(map->lstm[i][which], map->scales[i][which], &to, error);
    return status;
}
