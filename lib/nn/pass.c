/* SPDX-License-Identifier: Apache-2.0
 *
 * See pass.h. A row occupies a slot of the scratch while it runs; when it is
 * done, the last slot's row moves into its place. */
#include "nn/pass.h"

#include <string.h>

#include "base/cpu.h"
#include "nn/scratch.h"
#include "nn/tail.h"

/* Steps after which the running sum of h is added to the row's total: two
 * short sums instead of a long one keep the mean's rounding error small. */
#define FLUSH_STEPS 128

static void start_slot(const sn_pass *pass, const sn_row *row, sn_slot *slot)
{
    size_t padding = row->total - row->length;
    *slot = (sn_slot){.row = row};
    if (row->from) {
        slot->first = slot->time = row->from->time;
        slot->unflushed = row->from->unflushed;
    }
    slot->run_begin = pass->direction ? 0 : row->length;
    slot->run_end = slot->run_begin + padding;
}

/* Zero state for `count` slots. */
static void clear_state(const sn_pass *pass, sn_scratch *scratch, size_t count)
{
    size_t units = count * scratch->lstm->config.padded, bytes = units * sizeof(float);
    scratch->current = 0;
    for (size_t layer = 0; layer < pass->layers; layer++) {
        memset(sn_layer_h(scratch, layer, 0), 0, bytes);
        memset(sn_layer_c(scratch, layer), 0, bytes);
        if (scratch->states)
            memset(sn_layer_bytes(scratch, layer, 0), 128, units);
    }
    memset(scratch->sum, 0, bytes);
    memset(scratch->unused_sum, 0, bytes);
    memset(scratch->total, 0, bytes);
}

/* W_ih x + b of a layer for `count` slots whose x are in scratch->inputs, or in
 * int8 in scratch->bytes; the results' addresses go into scratch->inputs. */
static void project_layer(const sn_pass *pass, sn_scratch *scratch, const sn_lstm_layer *layer,
                          size_t count)
{
    size_t gates = scratch->lstm->config.blocks * SN_BLOCK_GATES;
    for (size_t s = 0; s < count; s++)
        scratch->outputs[s] = scratch->projected + s * gates;
    const sn_project project = {.weights = layer->w_ih,
                                .int8 = layer->w_ih_int8,
                                .bias = layer->bias,
                                .blocks = scratch->lstm->config.blocks,
                                .inputs = layer->inputs,
                                .rows = count,
                                .x = scratch->inputs,
                                .bytes = scratch->bytes,
                                .x_scale = 1.0f,
                                .out = scratch->outputs};
    (scratch->lstm->int8 ? pass->kernels->project_int8 : pass->kernels->project)(&project);
    for (size_t s = 0; s < count; s++)
        scratch->inputs[s] = scratch->outputs[s];
}

/* Sets what slot s hands upward as its input to the next layer. */
static void set_input(sn_scratch *scratch, size_t s, const void *activations, size_t at)
{
    if (scratch->lstm->int8)
        scratch->bytes[s] = (const uint8_t *)activations + at;
    else
        scratch->inputs[s] = (const float *)activations + at;
}

/* The first layer's gates of every slot's next step, into scratch->inputs. */
static void first_gates(const sn_pass *pass, sn_scratch *scratch, size_t count)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    size_t width = config->directions * config->padded;
    for (size_t s = 0; s < count; s++) {
        const sn_row *row = scratch->slots[s].row;
        size_t position = sn_slot_position(pass, &scratch->slots[s]);
        if (row->input) {
            set_input(scratch, s, row->input, position * width);
            continue;
        }
        size_t first = scratch->slots[s].first;
        int32_t token = position < row->length ? row->ids[position - first] : 0;
        scratch->inputs[s] = sn_fold_row(pass->fold, pass->kernels, token, pass->direction,
                                         scratch->folded + s * pass->fold->row);
    }
    if (pass->first_layer > 0)
        project_layer(
            pass, scratch,
            &scratch->lstm->layers[pass->first_layer * config->directions + pass->direction],
            count);
}

/* One time step of all layers for `count` slots. */
static void step_layers(const sn_pass *pass, sn_scratch *scratch, size_t count)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    size_t next = !scratch->current;
    void (*kernel)(const sn_step *) =
        scratch->lstm->int8 ? pass->kernels->step_int8 : pass->kernels->step;
    first_gates(pass, scratch, count);
    for (size_t l = 0; l < pass->layers; l++) {
        size_t index = (pass->first_layer + l) * config->directions + pass->direction;
        const sn_lstm_layer *layer = &scratch->lstm->layers[index];
        if (l > 0) {
            const void *below = sn_layer_h(scratch, l - 1, next);
            if (scratch->lstm->int8)
                below = sn_layer_bytes(scratch, l - 1, next);
            for (size_t s = 0; s < count; s++)
                set_input(scratch, s, below, s * config->padded);
            project_layer(pass, scratch, layer, count);
        }
        const sn_step step = {.weights = layer->w_hh,
                              .int8 = layer->w_hh_int8,
                              .blocks = config->blocks,
                              .hidden = config->hidden,
                              .rows = count,
                              .gates = scratch->inputs,
                              .h = sn_layer_h(scratch, l, scratch->current),
                              .h_next = sn_layer_h(scratch, l, next),
                              .bytes = sn_layer_bytes(scratch, l, scratch->current),
                              .bytes_next = sn_layer_bytes(scratch, l, next),
                              .c = sn_layer_c(scratch, l),
                              .sum = l + 1 == pass->layers ? scratch->sum : scratch->unused_sum,
                              .descending = scratch->current == 1};
        if (pass->team)
            sn_team_step(pass->team, kernel, &step);
        else
            kernel(&step);
    }
    scratch->current = next;
}

static void flush_sum(const sn_scratch *scratch, size_t s)
{
    size_t padded = scratch->lstm->config.padded;
    float *total = scratch->total + s * padded, *sum = scratch->sum + s * padded;
    for (size_t j = 0; j < padded; j++) {
        total[j] += sum[j];
        sum[j] = 0.0f;
    }
    scratch->slots[s].unflushed = 0;
}

/* Adds what the tail's steps would have added. */
static void skip_steps(const sn_pass *pass, sn_scratch *scratch, size_t s, const sn_tail *tail)
{
    size_t padded = scratch->lstm->config.padded;
    sn_slot *slot = &scratch->slots[s];
    float *total = scratch->total + s * padded;
    for (size_t j = 0; j < padded; j++)
        total[j] += (float)tail->steps * tail->h[j];
    if (pass->visit)
        pass->visit(pass->visit_user, pass->direction, sn_slot_position(pass, slot), tail->steps,
                    tail->h);
    slot->time += tail->steps;
}

/* Writes the present h of a slot for the layer above. */
static void hand_upward(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t position)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    size_t width = sn_pass_width(scratch->lstm), padded = config->padded;
    const void *h = sn_layer_h(scratch, pass->layers - 1, scratch->current) + s * padded;
    if (scratch->lstm->int8)
        h = sn_layer_bytes(scratch, pass->layers - 1, scratch->current) + s * padded;
    memcpy((uint8_t *)scratch->slots[s].row->output +
               (position * config->directions + pass->direction) * padded * width,
           h, padded * width);
}

/* What follows a step for one slot; true when its row is done. */
static _Bool finish_step(const sn_pass *pass, sn_scratch *scratch, size_t s)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    sn_slot *slot = &scratch->slots[s];
    const sn_row *row = slot->row;
    const float *h = sn_layer_h(scratch, pass->layers - 1, scratch->current) + s * config->padded;
    size_t position = sn_slot_position(pass, slot);
    if (row->output)
        hand_upward(pass, scratch, s, position);
    if (pass->visit)
        pass->visit(pass->visit_user, pass->direction, position, 1, h);
    sn_tail tail = {0};
    if (pass->settle_tolerance > 0.0f)
        tail = sn_tail_look(pass, scratch, s);
    slot->time++;
    if (++slot->unflushed == FLUSH_STEPS)
        flush_sum(scratch, s);
    if (tail.steps > 0)
        skip_steps(pass, scratch, s, &tail);
    return slot->time == row->total;
}

/* The mean of a finished row. */
static void pool_row(const sn_pass *pass, sn_scratch *scratch, size_t s)
{
    size_t padded = scratch->lstm->config.padded;
    const sn_row *row = scratch->slots[s].row;
    if (!row->pooled)
        return;
    flush_sum(scratch, s);
    const float *total = scratch->total + s * padded;
    float *pooled = row->pooled + pass->direction * padded;
    for (size_t j = 0; j < padded; j++)
        pooled[j] = total[j] / (float)row->total;
}

/* Moves the state of slot `from` into slot `to`. */
static void move_slot(const sn_pass *pass, sn_scratch *scratch, size_t from, size_t to)
{
    size_t padded = scratch->lstm->config.padded, bytes = padded * sizeof(float);
    if (from == to)
        return;
    scratch->slots[to] = scratch->slots[from];
    for (size_t l = 0; l < pass->layers; l++) {
        float *h = sn_layer_h(scratch, l, scratch->current), *c = sn_layer_c(scratch, l);
        memcpy(h + to * padded, h + from * padded, bytes);
        memcpy(c + to * padded, c + from * padded, bytes);
        if (scratch->states) {
            uint8_t *state = sn_layer_bytes(scratch, l, scratch->current);
            memcpy(state + to * padded, state + from * padded, padded);
        }
        for (size_t which = 0; which < 2; which++)
            memcpy(sn_snapshot(scratch, l, which, to), sn_snapshot(scratch, l, which, from),
                   2 * bytes);
    }
    memcpy(scratch->sum + to * padded, scratch->sum + from * padded, bytes);
    memcpy(scratch->total + to * padded, scratch->total + from * padded, bytes);
}

/* One vector of a saved state: into the slot, or out of it. Returns where the
 * next one is. */
static uint8_t *carry(uint8_t *saved, void *slot, size_t size, _Bool out)
{
    if (out)
        memcpy(saved, slot, size);
    else
        memcpy(slot, saved, size);
    return saved + size;
}

/* A slot's whole state, in the order of sn_row_state.bytes; in int8 the bytes of h
 * follow from h. */
static void carry_slot(const sn_pass *pass, const sn_scratch *scratch, size_t s, uint8_t *saved,
                       _Bool out)
{
    size_t padded = scratch->lstm->config.padded, at = s * padded, size = padded * sizeof(float);
    for (size_t l = 0; l < pass->layers; l++) {
        saved = carry(saved, sn_layer_h(scratch, l, scratch->current) + at, size, out);
        saved = carry(saved, sn_layer_c(scratch, l) + at, size, out);
        if (scratch->states && !out)
            sn_int8_bytes(sn_layer_h(scratch, l, scratch->current) + at, padded,
                          sn_layer_bytes(scratch, l, scratch->current) + at);
    }
    saved = carry(saved, scratch->sum + at, size, out);
    carry(saved, scratch->total + at, size, out);
}

/* Ends the row of a slot: leaves its state and its mean, fills the slot with the
 * last one, and returns how many slots are left. */
static size_t end_row(const sn_pass *pass, sn_scratch *scratch, size_t s, size_t count)
{
    const sn_slot *slot = &scratch->slots[s];
    sn_row_state *to = slot->row->to;
    if (to) {
        to->time = slot->time;
        to->unflushed = slot->unflushed;
        carry_slot(pass, scratch, s, to->bytes, 1);
    }
    pool_row(pass, scratch, s);
    move_slot(pass, scratch, count - 1, s);
    return count - 1;
}

void sn_pass_run(const sn_pass *pass, sn_scratch *scratch, const sn_row *rows, size_t count)
{
    /* A cell that forgets ends in denormals; its h has long been zero then. */
    uint64_t rounding = sn_cpu_fix_rounding();
    for (size_t s = 0; s < count; s++)
        start_slot(pass, &rows[s], &scratch->slots[s]);
    clear_state(pass, scratch, count);
    for (size_t s = count; s-- > 0;) {
        if (rows[s].from)
            carry_slot(pass, scratch, s, rows[s].from->bytes, 0);
        if (scratch->slots[s].time == rows[s].total)
            count = end_row(pass, scratch, s, count);
    }
    while (count > 0) {
        step_layers(pass, scratch, count);
        /* From the last slot down: the slot that moves has been looked at. */
        for (size_t s = count; s-- > 0;)
            if (finish_step(pass, scratch, s))
                count = end_row(pass, scratch, s, count);
    }
    sn_cpu_restore_rounding(rounding);
}
