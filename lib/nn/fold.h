/* SPDX-License-Identifier: Apache-2.0
 *
 * Folded input projections. W_ih e(token) + b of the first layer depends on
 * the token alone, so it is computed on a token's first use and kept, up to a
 * bound of memory. Shared by all sessions of a model, without locks. */
#ifndef SN_NN_FOLD_H
#define SN_NN_FOLD_H

#include <stdatomic.h>

#include "nn/lstm.h"

/* Wrapped, so that the array is plain memory to the allocator. */
typedef struct sn_fold_slot {
    _Atomic uint32_t number;
} sn_fold_slot;

typedef struct sn_fold {
    const sn_lstm *lstm;
    size_t row;      /* floats of a row: directions * blocks*4*16 */
    size_t capacity; /* rows in the arena */
    float *arena;    /* [capacity][row] */
    /* Per token: number of its arena row plus 1, 0 while it has none. */
    sn_fold_slot *slots;
    _Atomic uint32_t used; /* arena rows given out; may run past capacity */
} sn_fold;

/* At most `bytes` of rows, and no more rows than tokens. */
sentiment_status sn_fold_init(const sn_lstm *lstm, uint64_t bytes, sn_fold *out,
                              sentiment_error *error);
void sn_fold_free(sn_fold *fold);

/* Gates [blocks][4][16] of a token for a direction. `scratch` [row] is used
 * when the arena is full; the bits are the same either way. Any thread. */
const float *sn_fold_row(sn_fold *fold, const sn_kernels *kernels, int32_t token, size_t direction,
                         float *scratch);

#endif
