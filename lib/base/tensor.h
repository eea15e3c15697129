/* SPDX-License-Identifier: Apache-2.0
 *
 * A named view of numbers somewhere in a file: what readers hand to the model.
 * The reader has proved that every element lies inside `data`. */
#ifndef SN_BASE_TENSOR_H
#define SN_BASE_TENSOR_H

#include "base/memory.h"

#define SN_TENSOR_MAX_RANK 8

typedef enum sn_dtype {
    SN_F64,
    SN_F32,
    SN_F16,
    SN_BF16,
    SN_I64,
    SN_I32,
    SN_I16,
    SN_I8,
    SN_U64,
    SN_U32,
    SN_U16,
    SN_U8,
    SN_BOOL
} sn_dtype;

typedef struct sn_tensor {
    const char *name; /* NUL-terminated, owned by the tensor's bundle */
    sn_dtype dtype;
    uint32_t rank;
    uint64_t dims[SN_TENSOR_MAX_RANK];
    uint64_t strides[SN_TENSOR_MAX_RANK]; /* in elements, row-major when contiguous */
    uint64_t elements;                    /* product of dims, overflow-checked */
    const uint8_t *data;                  /* first element, little-endian, any alignment */
} sn_tensor;

/* Bytes of one element. */
size_t sn_dtype_size(sn_dtype dtype);
/* "float32", "int8", ... */
const char *sn_dtype_name(sn_dtype dtype);

/* Sets elements and row-major strides from rank and dims; false on overflow. */
_Bool sn_tensor_set_contiguous(sn_tensor *tensor);

/* Copies a floating tensor of any dtype and strides to row-major fp32 `out`
 * (tensor->elements floats). SHAPE or dtype trouble is an error, and so is a
 * NaN or an infinity, also one made by narrowing float64. */
sentiment_status sn_tensor_to_f32(const sn_tensor *tensor, float *out, sentiment_error *error);

/* Copies an SN_I8 tensor of any strides to row-major `out`. */
void sn_tensor_to_i8(const sn_tensor *tensor, int8_t *out);

#endif
