/* SPDX-License-Identifier: Apache-2.0
 *
 * See tensor.h. Conversions are exact bit manipulations, so that they are the
 * same on every machine. */
#include "base/tensor.h"

#include <math.h>
#include <string.h>

#include "base/cursor.h"
#include "base/status.h"

static const struct {
    const char *name;
    uint8_t size;
} dtypes[] = {
    [SN_F64] = {"float64", 8},   [SN_F32] = {"float32", 4}, [SN_F16] = {"float16", 2},
    [SN_BF16] = {"bfloat16", 2}, [SN_I64] = {"int64", 8},   [SN_I32] = {"int32", 4},
    [SN_I16] = {"int16", 2},     [SN_I8] = {"int8", 1},     [SN_U64] = {"uint64", 8},
    [SN_U32] = {"uint32", 4},    [SN_U16] = {"uint16", 2},  [SN_U8] = {"uint8", 1},
    [SN_BOOL] = {"bool", 1},
};

size_t sn_dtype_size(sn_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *sn_dtype_name(sn_dtype dtype)
{
    return dtypes[dtype].name;
}

_Bool sn_tensor_set_contiguous(sn_tensor *tensor)
{
    size_t elements = 1, strides = 1;
    for (uint32_t d = tensor->rank; d-- > 0;) {
        if (tensor->dims[d] > SIZE_MAX)
            return 0;
        tensor->strides[d] = strides;
        if (!sn_multiply(elements, (size_t)tensor->dims[d], &elements))
            return 0;
        if (!sn_multiply(strides, tensor->dims[d] ? (size_t)tensor->dims[d] : 1, &strides))
            return 0;
    }
    size_t bytes;
    tensor->elements = elements;
    return sn_multiply(elements, sn_dtype_size(tensor->dtype), &bytes);
}

static float float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16. */
static float half_to_float(uint32_t half)
{
    uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent == 31)
        return float_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent)
        return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

static float load_float(const uint8_t *bytes, sn_dtype dtype)
{
    switch (dtype) {
    case SN_F64: {
        uint64_t bits = sn_load_le(bytes, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return (float)value;
    }
    case SN_F32:
        return float_from_bits((uint32_t)sn_load_le(bytes, 4));
    case SN_F16:
        return half_to_float((uint32_t)sn_load_le(bytes, 2));
    default:
        return float_from_bits((uint32_t)sn_load_le(bytes, 2) << 16);
    }
}

/* Position in `data`, in elements, of the element with row-major number `index`. */
static uint64_t element_at(const sn_tensor *tensor, uint64_t index)
{
    uint64_t at = 0;
    for (uint32_t d = tensor->rank; d-- > 0;) {
        at += index % tensor->dims[d] * tensor->strides[d];
        index /= tensor->dims[d];
    }
    return at;
}

static _Bool is_contiguous(const sn_tensor *tensor)
{
    uint64_t stride = 1;
    for (uint32_t d = tensor->rank; d-- > 0;) {
        if (tensor->dims[d] != 1 && tensor->strides[d] != stride)
            return 0;
        stride *= tensor->dims[d];
    }
    return 1;
}

sentiment_status sn_tensor_to_f32(const sn_tensor *tensor, float *out, sentiment_error *error)
{
    size_t size = sn_dtype_size(tensor->dtype);
    if (tensor->dtype > SN_BF16)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "tensor '%s' has type %s; expected float32, float64, float16 or bfloat16",
                       tensor->name, sn_dtype_name(tensor->dtype));
    _Bool contiguous = is_contiguous(tensor);
    for (uint64_t i = 0; i < tensor->elements; i++) {
        uint64_t at = contiguous ? i : element_at(tensor, i);
        float value = load_float(tensor->data + at * size, tensor->dtype);
        if (!isfinite(value))
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "tensor '%s': element %llu is not a finite float32", tensor->name,
                           (unsigned long long)i);
        out[i] = value;
    }
    return SENTIMENT_OK;
}

void sn_tensor_to_i8(const sn_tensor *tensor, int8_t *out)
{
    _Bool contiguous = is_contiguous(tensor);
    for (uint64_t i = 0; i < tensor->elements; i++)
        memcpy(out + i, tensor->data + (contiguous ? i : element_at(tensor, i)), 1);
}
