/* SPDX-License-Identifier: Apache-2.0
 *
 * Small random networks in PyTorch's layout, packed in fp32 or in int8, and a
 * straightforward reference in double. */
#ifndef TEST_NN_NETWORK_H
#define TEST_NN_NETWORK_H

#include "nn/classifier.h"

#define NETWORK_CLASSES 3
#define NETWORK_WORDS 50
#define NETWORK_EMBEDDING 5

typedef struct network {
    sn_lstm_config config;
    float *embedding, *fc_weight, *fc_bias;
    sn_lstm_source *sources;
    _Bool int8;
    sn_int8_rows embedding_int8;
    sn_lstm lstm;
    sn_fold fold;
} network;

/* Weights are uniform in [-scale, scale), those of the embedding in [-1, 1). The
 * same arguments give the same weights, in either precision. */
void network_make(network *net, size_t hidden, size_t layers, size_t directions, float scale,
                  _Bool int8, uint64_t fold_bytes);
void network_free(network *net);

/* The logits of ids[0..length) and token 0 up to `total` positions. In int8 from
 * the quantized weights, with every h rounded to a byte before it is multiplied. */
void network_reference(const network *net, const int32_t *ids, size_t length, size_t total,
                       double logits[NETWORK_CLASSES]);

#endif
