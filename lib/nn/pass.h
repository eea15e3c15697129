/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of an LSTM over a tile of rows in one direction: all layers in
 * lockstep where nothing runs backwards, one layer at a time otherwise. Each
 * row stands at its own time step and leaves the tile when it is done, so that
 * the tile shrinks and no padding is computed for anyone else's sake. A row's
 * result does not depend on its neighbours by a single bit. */
#ifndef SN_NN_PASS_H
#define SN_NN_PASS_H

#include "nn/fold.h"
#include "nn/row_state.h"
#include "nn/team.h"

/* A text as the network sees it: ids, then token 0 up to `total` positions. */
typedef struct sn_row {
    const int32_t *ids; /* from position from->time on */
    size_t length;      /* <= total */
    size_t total;
    float *pooled; /* [directions*padded], the mean of h goes here */
    /* What layers hand upward: h as floats, or in int8 as biased bytes. */
    const void *input; /* [total][directions*padded] of the layer below, NULL: tokens */
    void *output;      /* [total][directions*padded] for the layer above, NULL: none */
    const sn_row_state *from; /* goes on from here, at most at `length`; NULL: the beginning */
    sn_row_state *to;         /* takes the state at the end; may be `from`; NULL: none */
} sn_row;

/* Told of the top layer's h at a position; `count` > 1 stands for that many
 * positions from `position` on (in the pass's direction) with the same h. */
typedef void (*sn_visit_fn)(void *user, size_t direction, size_t position, size_t count,
                            const float *h);

typedef struct sn_pass {
    const sn_lstm *lstm;
    const sn_kernels *kernels;
    sn_fold *fold;
    size_t first_layer;
    size_t layers;    /* in lockstep, from first_layer on */
    size_t direction; /* 0 forwards, 1 backwards */
    /* Largest estimated error of a pooled unit from stopping in a settled
     * state; 0: run every step. */
    float settle_tolerance;
    sn_team *team; /* shares the steps, NULL: nobody; only with a single row */
    sn_visit_fn visit; /* may be NULL; only with a single row */
    void *visit_user;
} sn_pass;

/* Bytes of one h on its way to the layer above. */
static inline size_t sn_pass_width(const sn_lstm *lstm)
{
    return lstm->int8 ? sizeof(uint8_t) : sizeof(float);
}

/* Scratch of one thread. */
typedef struct sn_scratch sn_scratch;

sentiment_status sn_scratch_create(const sn_lstm *lstm, size_t max_rows, sn_scratch **out,
                                   sentiment_error *error);
void sn_scratch_free(sn_scratch *scratch);
uint64_t sn_scratch_bytes(const sn_scratch *scratch);

/* Runs the pass over at most max_rows rows, each with total >= 1. */
void sn_pass_run(const sn_pass *pass, sn_scratch *scratch, const sn_row *rows, size_t count);

#endif
