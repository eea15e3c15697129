/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass works on: the states of a tile of rows, each in a slot. Shared by
 * pass.c, which makes the steps, and tail.c, which saves some of them. */
#ifndef SN_NN_SCRATCH_H
#define SN_NN_SCRATCH_H

#include "nn/cycle.h"
#include "nn/pass.h"
#include "nn/settle.h"

/* A running row. */
typedef struct sn_slot {
    const sn_row *row;
    size_t first;     /* position of the row's first id */
    size_t time;      /* steps done */
    size_t run_begin; /* steps [run_begin, run_end) all read padding */
    size_t run_end;
    unsigned unflushed;
    sn_settle settle; /* fp32 */
    sn_cycle cycle;   /* int8 */
} sn_slot;

struct sn_scratch {
    const sn_lstm *lstm;
    size_t max_rows;
    sn_slot *slots;
    const float **inputs;  /* [max_rows] arguments of the kernels */
    const uint8_t **bytes; /* [max_rows] inputs in int8 */
    float **outputs;       /* [max_rows] */
    uint8_t *states;       /* int8: [layers][2][max_rows][padded], h as biased bytes */
    float *arena;          /* backs the arrays below */
    size_t arena_floats;
    float *h;          /* [layers][2][max_rows][padded] */
    float *c;          /* [layers][max_rows][padded] */
    float *snapshots;  /* [layers][2][max_rows][h, c][padded], see tail.c */
    float *sum;        /* [max_rows][padded] of the top layer, since the last flush */
    float *unused_sum; /* [max_rows][padded] of the layers below */
    float *total;      /* [max_rows][padded] */
    float *folded;     /* [max_rows][directions*blocks*64], rows that the fold did not keep */
    float *projected;  /* [max_rows][blocks*64] */
    size_t current;    /* which of the two h is the present one */
};

static inline size_t sn_scratch_plane(const sn_scratch *scratch)
{
    return scratch->max_rows * scratch->lstm->config.padded;
}

static inline float *sn_layer_h(const sn_scratch *scratch, size_t layer, size_t which)
{
    return scratch->h + (layer * 2 + which) * sn_scratch_plane(scratch);
}

/* int8: the bytes of layer_h, from which they follow (sn_int8_bytes). */
static inline uint8_t *sn_layer_bytes(const sn_scratch *scratch, size_t layer, size_t which)
{
    return scratch->states ? scratch->states + (layer * 2 + which) * sn_scratch_plane(scratch)
                           : NULL;
}

static inline float *sn_layer_c(const sn_scratch *scratch, size_t layer)
{
    return scratch->c + layer * sn_scratch_plane(scratch);
}

/* h and c of a slot at an earlier step. */
static inline float *sn_snapshot(const sn_scratch *scratch, size_t layer, size_t which, size_t slot)
{
    return scratch->snapshots + (layer * 2 + which) * 2 * sn_scratch_plane(scratch) +
           slot * 2 * scratch->lstm->config.padded;
}

/* Position in the text of the slot's next step. */
static inline size_t sn_slot_position(const sn_pass *pass, const sn_slot *slot)
{
    return pass->direction ? slot->row->total - 1 - slot->time : slot->time;
}

#endif
