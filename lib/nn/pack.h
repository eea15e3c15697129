/* SPDX-License-Identifier: Apache-2.0
 *
 * What packing in fp32 (lstm.c) and in int8 (lstm_int8.c) share. */
#ifndef SN_NN_PACK_H
#define SN_NN_PACK_H

#include "nn/lstm.h"

/* Columns of a layer's packed W_ih. */
size_t sn_pack_inputs(const sn_lstm_config *config, size_t layer);

/* Where gate `gate` of a unit lies in a row of gates. */
static inline size_t sn_pack_lane(size_t gate, size_t unit)
{
    return unit / SN_BLOCK * SN_BLOCK_GATES + gate * SN_BLOCK + unit % SN_BLOCK;
}

/* b_ih + b_hh into [blocks][4][16]; filled-up lanes are left alone. */
void sn_pack_bias(const sn_lstm_source *source, size_t hidden, float *packed);

/* The linear head at `next`: classes * (directions*padded + 1) floats; filled-up
 * columns are left alone. */
void sn_pack_head(const sn_lstm_config *config, const float *weight, const float *bias, float *next,
                  sn_lstm *out);

#endif
