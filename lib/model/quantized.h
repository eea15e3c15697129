/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrices of a model in int8, as docs/quantization.md tells. Biases and
 * the linear layer stay fp32 and are not here. */
#ifndef SN_MODEL_QUANTIZED_H
#define SN_MODEL_QUANTIZED_H

#include "model/model.h"
#include "nn/int8.h"

/* The scheme in a native file's metadata. */
#define SN_KEY_QUANTIZATION "quantization"
#define SN_QUANTIZATION_SCHEME "int8-rows"
#define SN_QUANTIZATION_VERSION 1

/* One direction of one layer. */
typedef struct sn_quantized_lstm {
    sn_int8_rows w_ih; /* [4*hidden][input] */
    sn_int8_rows w_hh; /* [4*hidden][hidden] */
} sn_quantized_lstm;

typedef struct sn_quantized {
    const sn_memory *memory;
    sn_int8_rows embedding;  /* [vocab_size][embedding_dim] */
    sn_quantized_lstm *lstm; /* [num_layers * directions], layer-major */
    /* One arena each, in the order embedding, per layer and direction w_ih w_hh. */
    int8_t *weights;
    size_t weight_count;
    float *scales;
    size_t scale_count;
} sn_quantized;

/* UNSUPPORTED where a sum of that many products may leave 32 bits. */
sentiment_status sn_quantized_check(const sn_model_config *config, sentiment_error *error);

/* Room for the matrices of such a network. `memory` must outlive the result. */
sentiment_status sn_quantized_allocate(const sn_model_config *config, const sn_memory *memory,
                                       sn_quantized **out, sentiment_error *error);
void sn_quantized_free(sn_quantized *quantized);
/* Bytes of memory held. */
uint64_t sn_quantized_bytes(const sn_quantized *quantized);

/* Quantizes the matrices of an fp32 model. */
sentiment_status sn_quantized_make(const sentiment_model *model, const sn_memory *memory,
                                   const sentiment_cancel *cancel, sn_quantized **out,
                                   sentiment_error *error);

#endif
