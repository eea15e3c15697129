/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of an LSTM stack and a linear head in the packed layouts of the
 * kernels. Made once from PyTorch's layout, then immutable and shared by
 * every session of a model. */
#ifndef SN_NN_LSTM_H
#define SN_NN_LSTM_H

#include "base/memory.h"
#include "base/status.h"
#include "kernels/kernels.h"
#include "nn/int8.h"

/* Sizes of the network. */
typedef struct sn_lstm_config {
    size_t vocab_size;
    size_t embedding_dim;
    size_t hidden; /* units of one direction */
    size_t layers;
    size_t directions; /* 1 or 2 */
    size_t classes;
    /* Derived: hidden filled up to whole blocks. */
    size_t blocks;
    size_t padded;
} sn_lstm_config;

/* One direction of one layer, packed: in fp32 or in int8. */
typedef struct sn_lstm_layer {
    size_t inputs;     /* embedding_dim, or directions*padded above layer 0 */
    const float *w_ih; /* [blocks][inputs][4][16] */
    const float *w_hh; /* [blocks][hidden][4][16] */
    /* The scales of both but the first layer's w_ih are over 127: those of h are in them. */
    sn_int8_matrix w_ih_int8, w_hh_int8;
    const float *bias; /* [blocks][4][16], b_ih + b_hh */
} sn_lstm_layer;

typedef struct sn_lstm {
    const sn_memory *memory;
    sn_lstm_config config;
    sn_lstm_layer *layers;  /* [layers*directions], layer-major */
    _Bool int8;
    const float *embedding;      /* [vocab_size][embedding_dim], not owned */
    sn_int8_rows embedding_int8; /* the same in int8, not owned */
    const float *fc_weight; /* [classes][directions*padded] */
    const float *fc_bias;   /* [classes] */
    /* These back all of the above but the embedding. */
    float *arena;
    size_t arena_floats;
    int8_t *arena_int8;
    int32_t *starts;
} sn_lstm;

/* One direction of one layer as PyTorch keeps it, gate order i, f, g, o. */
typedef struct sn_lstm_source {
    const float *w_ih; /* [4*hidden][inputs] */
    const float *w_hh; /* [4*hidden][hidden] */
    const float *b_ih; /* [4*hidden] */
    const float *b_hh; /* [4*hidden] */
    sn_int8_rows w_ih_int8, w_hh_int8; /* the same matrices for sn_lstm_pack_int8 */
} sn_lstm_source;

/* Fills in the derived sizes. */
void sn_lstm_config_derive(sn_lstm_config *config);

/* Packs. sources: [layers*directions]; fc_weight [classes][directions*hidden].
 * `memory` and `embedding` must outlive the result. OUT_OF_MEMORY only. */
sentiment_status sn_lstm_pack(const sn_memory *memory, const sn_lstm_config *config,
                              const float *embedding, const sn_lstm_source *sources,
                              const float *fc_weight, const float *fc_bias, sn_lstm *out,
                              sentiment_error *error);

/* The same from matrices in int8, each of at most SN_INT8_MAX_INPUTS columns. */
sentiment_status sn_lstm_pack_int8(const sn_memory *memory, const sn_lstm_config *config,
                                   const sn_int8_rows *embedding, const sn_lstm_source *sources,
                                   const float *fc_weight, const float *fc_bias, sn_lstm *out,
                                   sentiment_error *error);
void sn_lstm_free(sn_lstm *lstm);

#endif
