/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a row stands between two runs of a pass: all that its later steps and
 * its mean depend on. A row that stops and goes on from here gives the bits of
 * one that never stopped, since the running sum and the place of its next flush
 * come along. Only for stacks that run forwards in lockstep. */
#ifndef SN_NN_ROW_STATE_H
#define SN_NN_ROW_STATE_H

#include "nn/lstm.h"

typedef struct sn_row_state {
    const sn_memory *memory;
    size_t time;        /* steps done, none of which read padding */
    unsigned unflushed; /* of them, those since the last flush of the sum */
    size_t size;
    uint8_t *bytes; /* [layers][h, c][padded], sum [padded], total [padded] */
} sn_row_state;

/* Makes the state before the first step. OUT_OF_MEMORY only. */
sentiment_status sn_row_state_init(const sn_lstm *lstm, sn_row_state *out, sentiment_error *error);
void sn_row_state_free(sn_row_state *state);
/* Makes `to` equal to `from`, a state of the same network; NULL: before the first step. */
void sn_row_state_copy(sn_row_state *to, const sn_row_state *from);

#endif
