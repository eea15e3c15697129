/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to weights: finds the tensors of the classifier in a bundle, infers
 * the network's sizes from them and copies them into a model's arena. */
#ifndef SN_MODEL_WEIGHTS_H
#define SN_MODEL_WEIGHTS_H

#include "model/model.h"

enum { SN_W_IH, SN_W_HH, SN_B_IH, SN_B_HH, SN_LSTM_TENSORS };

/* Tensors of the bundle by what they are. */
typedef struct sn_weight_map {
    const sn_tensor *embedding, *fc_weight, *fc_bias;
    /* By layer * directions + direction; biases may be NULL, all or none. */
    const sn_tensor *lstm[SN_MAX_LAYERS * 2][SN_LSTM_TENSORS];
    /* The scales of an int8 model, of embedding, w_ih and w_hh; else NULL. */
    _Bool quantized;
    const sn_tensor *embedding_scale, *scales[SN_MAX_LAYERS * 2][2];
    uint32_t vocab_size, embedding_dim, hidden_size, num_classes, num_layers, directions;
    /* Tensors that are none of the classifier's. */
    size_t ignored;
    const char *first_ignored;
} sn_weight_map;

/* PyTorch's name of an LSTM tensor, such as "lstm.weight_ih_l0_reverse". */
#define SN_WEIGHT_NAME_SIZE 40
void sn_weight_name(uint32_t layer, uint32_t direction, size_t which,
                    char out[SN_WEIGHT_NAME_SIZE]);
/* The name of an int8 matrix's scales, such as "embedding.weight_scale". */
void sn_weight_scale_name(const char *name, char out[SN_WEIGHT_NAME_SIZE]);

/* Finds every tensor and checks every shape. */
sentiment_status sn_weights_find(const sn_bundle *bundle, sn_weight_map *out,
                                 sentiment_error *error);
/* Converts them into the arena of a model of the same sizes. */
sentiment_status sn_weights_fill(const sn_weight_map *map, sentiment_model *model,
                                 const sentiment_cancel *cancel, sentiment_error *error);

/* The parts of both that int8 adds (weights_int8.c): whether a bundle says it is,
 * the types of the matrices, and they themselves with their scales. */
_Bool sn_weights_quantized(const sn_bundle *bundle);
sentiment_status sn_weights_check_types(const sn_weight_map *map, sentiment_error *error);
sentiment_status sn_weights_fill_int8(const sn_weight_map *map, sentiment_model *model,
                                      const sentiment_cancel *cancel, sentiment_error *error);

#endif
