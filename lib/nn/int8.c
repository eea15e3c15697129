/* SPDX-License-Identifier: Apache-2.0
 *
 * See int8.h. Every operation is one IEEE single-precision operation, so that
 * the same weights give the same bytes on every machine. */
#include "nn/int8.h"

#include <math.h>

float sn_int8_quantize(const float *row, size_t columns, int8_t *out)
{
    float largest = 0.0f;
    for (size_t k = 0; k < columns; k++) {
        float size = fabsf(row[k]);
        largest = size > largest ? size : largest;
    }
    float scale = largest / 127.0f;
    for (size_t k = 0; k < columns; k++) {
        /* A subnormal scale is coarse: the quotient may lie beyond 127. */
        float value = scale > 0.0f ? rintf(row[k] / scale) : 0.0f;
        value = value > 127.0f ? 127.0f : value < -127.0f ? -127.0f : value;
        out[k] = (int8_t)value;
    }
    return scale;
}

void sn_int8_bytes(const float *h, size_t count, uint8_t *out)
{
    for (size_t j = 0; j < count; j++)
        out[j] = (uint8_t)((int32_t)rintf(127.0f * h[j]) + 128);
}
