/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in int8, as docs/quantization.md tells: rows of weights with a scale
 * each, and h as biased bytes. */
#ifndef SN_NN_INT8_H
#define SN_NN_INT8_H

#include <stddef.h>
#include <stdint.h>

/* Inputs of a row at most: 127 * 127 * 133,144 is the last such product below
 * 2^31, so that no sum leaves its 32 bits. */
#define SN_INT8_MAX_INPUTS 133144

/* A matrix [rows][columns], row-major: row j is scale[j] * weights[j]. */
typedef struct sn_int8_rows {
    const int8_t *weights; /* in [-127, 127] */
    const float *scale;    /* [rows] >= 0 */
} sn_int8_rows;

/* One row: returns the scale, the largest |w| / 127, and fills `out` with
 * rint(w / scale) held in [-127, 127]; with zeros where the scale is zero. */
float sn_int8_quantize(const float *row, size_t columns, int8_t *out);

/* out = 128 + rint(127 h), ties to even, |h| <= 1: what the kernels make of an h. */
void sn_int8_bytes(const float *h, size_t count, uint8_t *out);

#endif
