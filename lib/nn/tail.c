/* SPDX-License-Identifier: Apache-2.0
 *
 * See tail.h. */
#include "nn/tail.h"

#include <math.h>
#include <string.h>

/* The two snapshots of a state that fp32 takes; int8 takes two in turn. */
enum { SHORT_RUN, LONG_RUN };

/* Whether the step that the slot has just done read padding. */
static _Bool in_run(const sn_slot *slot)
{
    return slot->time >= slot->run_begin && slot->time < slot->run_end;
}

/* Steps of the run, the present one included. */
static size_t steps_done(const sn_slot *slot)
{
    return slot->time - slot->run_begin + 1;
}

/* Copies a slot's state to one of its two snapshots. */
static void take_snapshot(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t which)
{
    size_t padded = scratch->lstm->config.padded, bytes = padded * sizeof(float);
    for (size_t l = 0; l < pass->layers; l++) {
        float *to = sn_snapshot(scratch, l, which, s);
        memcpy(to, sn_layer_h(scratch, l, scratch->current) + s * padded, bytes);
        memcpy(to + padded, sn_layer_c(scratch, l) + s * padded, bytes);
    }
}

/* Largest net move of a slot's state since the snapshot; that of a cell counts
 * in proportion to its size, as its rounding does. */
static float move_since(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t which)
{
    size_t padded = scratch->lstm->config.padded;
    float largest = 0.0f;
    for (size_t l = 0; l < pass->layers; l++) {
        const float *before = sn_snapshot(scratch, l, which, s);
        const float *h = sn_layer_h(scratch, l, scratch->current) + s * padded;
        const float *c = sn_layer_c(scratch, l) + s * padded;
        for (size_t j = 0; j < padded; j++) {
            float size = fabsf(c[j]) > 1.0f ? fabsf(c[j]) : 1.0f;
            float move_h = fabsf(h[j] - before[j]),
                  move_c = fabsf(c[j] - before[padded + j]) / size;
            largest = move_h > largest ? move_h : largest;
            largest = move_c > largest ? move_c : largest;
        }
    }
    return largest;
}

/* fp32: whether the rest of the run may be skipped. */
static _Bool is_settled(const sn_pass *pass, const sn_scratch *scratch, size_t s)
{
    sn_slot *slot = &scratch->slots[s];
    /* Backwards the run comes first, and every later position starts from its end. */
    size_t done = steps_done(slot), remaining = slot->row->total - slot->time - 1;
    _Bool settled = 0;
    if (done % SN_SETTLE_STEPS)
        return 0;
    if (done > SN_SETTLE_STEPS)
        settled = sn_settle_observe(&slot->settle, move_since(pass, scratch, s, SHORT_RUN),
                                    remaining, slot->row->total, pass->settle_tolerance);
    take_snapshot(pass, scratch, s, SHORT_RUN);
    if (done % SN_SETTLE_LONG_STEPS == 0) {
        if (done > SN_SETTLE_LONG_STEPS)
            settled = settled || sn_settle_stands_still(move_since(pass, scratch, s, LONG_RUN));
        take_snapshot(pass, scratch, s, LONG_RUN);
    }
    return settled;
}

/* Whether a slot's state has the bits of a snapshot. */
static _Bool is_same(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t which)
{
    size_t padded = scratch->lstm->config.padded, bytes = padded * sizeof(float);
    for (size_t l = 0; l < pass->layers; l++) {
        const float *before = sn_snapshot(scratch, l, which, s);
        if (memcmp(before, sn_layer_h(scratch, l, scratch->current) + s * padded, bytes) != 0 ||
            memcmp(before + padded, sn_layer_c(scratch, l) + s * padded, bytes) != 0)
            return 0;
    }
    return 1;
}

/* int8: looks for a circle. */
static void seek_circle(const sn_pass *pass, const sn_scratch *scratch, size_t s)
{
    sn_slot *slot = &scratch->slots[s];
    size_t done = steps_done(slot);
    unsigned which;
    for (which = 0; which < 2; which++) {
        if (slot->cycle.taken[which] && is_same(pass, scratch, s, which)) {
            sn_cycle_close(&slot->cycle, done, which);
            /* The first snapshot's place takes the sum of h over the circle. */
            memset(sn_snapshot(scratch, pass->layers - 1, 0, s), 0,
                   scratch->lstm->config.padded * sizeof(float));
            return;
        }
    }
    if (sn_cycle_keep(&slot->cycle, done, &which))
        take_snapshot(pass, scratch, s, which);
}

/* int8: one step of the second walk round a circle; at its end, as many more walks
 * as fit into the run. */
static sn_tail walk_circle(const sn_pass *pass, const sn_scratch *scratch, size_t s)
{
    size_t padded = scratch->lstm->config.padded, top = pass->layers - 1;
    sn_slot *slot = &scratch->slots[s];
    sn_cycle *cycle = &slot->cycle;
    float *mean = sn_snapshot(scratch, top, 0, s);
    const float *h = sn_layer_h(scratch, top, scratch->current) + s * padded;
    if (cycle->left == 0) /* what remains of the run is less than a circle */
        return (sn_tail){0};
    for (size_t j = 0; j < padded; j++)
        mean[j] += h[j];
    if (--cycle->left > 0)
        return (sn_tail){0};
    for (size_t j = 0; j < padded; j++)
        mean[j] /= (float)cycle->period;
    size_t remaining = slot->run_end - slot->time - 1;
    return (sn_tail){remaining / cycle->period * cycle->period, mean};
}

sn_tail sn_tail_look(const sn_pass *pass, sn_scratch *scratch, size_t s)
{
    size_t padded = scratch->lstm->config.padded;
    const sn_slot *slot = &scratch->slots[s];
    if (!in_run(slot))
        return (sn_tail){0};
    if (scratch->lstm->int8) {
        if (slot->cycle.period)
            return walk_circle(pass, scratch, s);
        seek_circle(pass, scratch, s);
        return (sn_tail){0};
    }
    if (!is_settled(pass, scratch, s))
        return (sn_tail){0};
    return (sn_tail){slot->run_end - slot->time - 1,
                     sn_layer_h(scratch, pass->layers - 1, scratch->current) + s * padded};
}
