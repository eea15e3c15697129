/* SPDX-License-Identifier: Apache-2.0
 *
 * Logits to probabilities, the same bits on every machine: no libm. */
#ifndef SN_NN_SOFTMAX_H
#define SN_NN_SOFTMAX_H

#include <stddef.h>

/* probabilities = softmax(logits / temperature), computed in double. The
 * logits are finite, count >= 1, temperature > 0. */
void sn_softmax(const float *logits, size_t count, float temperature, float *probabilities);

/* softmax(logits / temperature)[index] alone, the same bits as sn_softmax's. */
float sn_probability(const float *logits, size_t count, float temperature, size_t index);

/* Index of the largest value, the lowest among equals. */
size_t sn_argmax(const float *values, size_t count);

#endif
