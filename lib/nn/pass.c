/* SPDX-License-Identifier: Apache-2.0
 *
 * See pass.h. A row occupies a slot of the scratch while it runs; when it is
 * done, the last slot's row moves into its place. */
#include "nn/pass.h"

#include <math.h>
#include <string.h>

#include "nn/int8.h"
#include "nn/settle.h"

/* Steps after which the running sum of h is added to the row's total: two
 * short sums instead of a long one keep the mean's rounding error small. */
#define FLUSH_STEPS 128

/* The two snapshots of a state. */
enum { SHORT_RUN, LONG_RUN };

/* A running row. */
typedef struct running {
    const sn_row *row;
    size_t first;     /* position of the row's first id */
    size_t time;      /* steps done */
    size_t run_begin; /* steps [run_begin, run_end) all read padding */
    size_t run_end;
    unsigned unflushed;
    unsigned quiet; /* int8: steps of the run since a byte of the state changed */
    sn_settle settle;
} running;

struct sn_scratch {
    const sn_lstm *lstm;
    size_t max_rows;
    running *slots;
    const float **inputs;  /* [max_rows] arguments of the kernels */
    const uint8_t **bytes; /* [max_rows] inputs in int8 */
    float **outputs;       /* [max_rows] */
    uint8_t *states;       /* int8: [layers][2][max_rows][padded], h as biased bytes */
    float *arena;          /* backs the arrays below */
    size_t arena_floats;
    float *h;          /* [layers][2][max_rows][padded] */
    float *c;          /* [layers][max_rows][padded] */
    float *snapshots;  /* [layers][2][max_rows][h, c][padded], see slot_settled */
    float *sum;        /* [max_rows][padded] of the top layer, since the last flush */
    float *unused_sum; /* [max_rows][padded] of the layers below */
    float *total;      /* [max_rows][padded] */
    float *folded;     /* [max_rows][directions*blocks*64], rows that the fold did not keep */
    float *projected;  /* [max_rows][blocks*64] */
    size_t current;    /* which of the two h is the present one */
};

static size_t plane(const sn_scratch *scratch)
{
    return scratch->max_rows * scratch->lstm->config.padded;
}

static float *layer_h(const sn_scratch *scratch, size_t layer, size_t which)
{
    return scratch->h + (layer * 2 + which) * plane(scratch);
}

/* int8: the bytes of layer_h, from which they follow (sn_int8_bytes). */
static uint8_t *layer_bytes(const sn_scratch *scratch, size_t layer, size_t which)
{
    return scratch->states ? scratch->states + (layer * 2 + which) * plane(scratch) : NULL;
}

static float *layer_c(const sn_scratch *scratch, size_t layer)
{
    return scratch->c + layer * plane(scratch);
}

/* h and c of a slot at an earlier step. */
static float *snapshot(const sn_scratch *scratch, size_t layer, size_t which, size_t slot)
{
    return scratch->snapshots + (layer * 2 + which) * 2 * plane(scratch) +
           slot * 2 * scratch->lstm->config.padded;
}

sentiment_status sn_scratch_create(const sn_lstm *lstm, size_t max_rows, sn_scratch **out,
                                   sentiment_error *error)
{
    const sn_lstm_config *config = &lstm->config;
    sn_scratch *scratch = sn_alloc_zero(lstm->memory, 1, sizeof *scratch);
    if (!scratch)
        return sn_fail_memory(error, "a session's scratch");
    scratch->lstm = lstm;
    scratch->max_rows = max_rows;
    size_t planes = config->layers * 7 + 3, gates = config->blocks * SN_BLOCK_GATES;
    scratch->arena_floats = planes * plane(scratch) + max_rows * gates * (config->directions + 1);
    scratch->arena = sn_alloc_aligned(lstm->memory, scratch->arena_floats, sizeof(float));
    scratch->slots = sn_alloc(lstm->memory, max_rows, sizeof *scratch->slots);
    scratch->inputs = sn_alloc(lstm->memory, max_rows, sizeof *scratch->inputs);
    scratch->bytes = sn_alloc(lstm->memory, max_rows, sizeof *scratch->bytes);
    scratch->outputs = sn_alloc(lstm->memory, max_rows, sizeof *scratch->outputs);
    if (lstm->int8)
        scratch->states = sn_alloc_aligned(lstm->memory, config->layers * 2, plane(scratch));
    if (!scratch->arena || !scratch->slots || !scratch->inputs || !scratch->bytes ||
        !scratch->outputs || (lstm->int8 && !scratch->states)) {
        sn_scratch_free(scratch);
        return sn_fail_memory(error, "a session's scratch");
    }
    scratch->h = scratch->arena;
    scratch->c = scratch->h + config->layers * 2 * plane(scratch);
    scratch->snapshots = scratch->c + config->layers * plane(scratch);
    scratch->sum = scratch->snapshots + config->layers * 4 * plane(scratch);
    scratch->unused_sum = scratch->sum + plane(scratch);
    scratch->total = scratch->unused_sum + plane(scratch);
    scratch->folded = scratch->total + plane(scratch);
    scratch->projected = scratch->folded + max_rows * gates * config->directions;
    *out = scratch;
    return SENTIMENT_OK;
}

void sn_scratch_free(sn_scratch *scratch)
{
    if (!scratch)
        return;
    const sn_memory *memory = scratch->lstm->memory;
    sn_free_aligned(memory, scratch->arena);
    sn_free_aligned(memory, scratch->states);
    sn_free(memory, scratch->slots);
    sn_free(memory, (void *)scratch->inputs);
    sn_free(memory, (void *)scratch->bytes);
    sn_free(memory, scratch->outputs);
    sn_free(memory, scratch);
}

uint64_t sn_scratch_bytes(const sn_scratch *scratch)
{
    return sizeof *scratch + scratch->arena_floats * sizeof(float) +
           (scratch->states ? scratch->lstm->config.layers * 2 * plane(scratch) : 0) +
           scratch->max_rows * (sizeof(running) + 3 * sizeof(float *));
}

/* Position in the text of the slot's next step. */
static size_t slot_position(const sn_pass *pass, const running *slot)
{
    return pass->direction ? slot->row->total - 1 - slot->time : slot->time;
}

static void start_slot(const sn_pass *pass, const sn_row *row, running *slot)
{
    size_t padding = row->total - row->length;
    *slot = (running){.row = row};
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
        memset(layer_h(scratch, layer, 0), 0, bytes);
        memset(layer_c(scratch, layer), 0, bytes);
        if (scratch->states)
            memset(layer_bytes(scratch, layer, 0), 128, units);
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
        size_t position = slot_position(pass, &scratch->slots[s]);
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
    first_gates(pass, scratch, count);
    for (size_t l = 0; l < pass->layers; l++) {
        size_t index = (pass->first_layer + l) * config->directions + pass->direction;
        const sn_lstm_layer *layer = &scratch->lstm->layers[index];
        if (l > 0) {
            const void *below = layer_h(scratch, l - 1, next);
            if (scratch->lstm->int8)
                below = layer_bytes(scratch, l - 1, next);
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
                              .h = layer_h(scratch, l, scratch->current),
                              .h_next = layer_h(scratch, l, next),
                              .bytes = layer_bytes(scratch, l, scratch->current),
                              .bytes_next = layer_bytes(scratch, l, next),
                              .c = layer_c(scratch, l),
                              .sum = l + 1 == pass->layers ? scratch->sum : scratch->unused_sum,
                              .descending = scratch->current == 1};
        (scratch->lstm->int8 ? pass->kernels->step_int8 : pass->kernels->step)(&step);
    }
    scratch->current = next;
}

/* Whether the step that the slot has just done read padding. */
static _Bool in_run(const running *slot)
{
    return slot->time >= slot->run_begin && slot->time < slot->run_end;
}

/* Copies a slot's state to one of its two snapshots. */
static void take_snapshot(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t which)
{
    size_t padded = scratch->lstm->config.padded, bytes = padded * sizeof(float);
    for (size_t l = 0; l < pass->layers; l++) {
        float *to = snapshot(scratch, l, which, s);
        memcpy(to, layer_h(scratch, l, scratch->current) + s * padded, bytes);
        memcpy(to + padded, layer_c(scratch, l) + s * padded, bytes);
    }
}

/* Largest net move of a slot's state since the snapshot; that of a cell counts
 * in proportion to its size, as its rounding does. */
static float move_since(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t which)
{
    size_t padded = scratch->lstm->config.padded;
    float largest = 0.0f;
    for (size_t l = 0; l < pass->layers; l++) {
        const float *before = snapshot(scratch, l, which, s);
        const float *h = layer_h(scratch, l, scratch->current) + s * padded;
        const float *c = layer_c(scratch, l) + s * padded;
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

/* After a step inside a run: whether the rest of the run may be skipped. */
static _Bool slot_settled(const sn_pass *pass, const sn_scratch *scratch, size_t s)
{
    running *slot = &scratch->slots[s];
    /* Backwards the run comes first, and every later position starts from its end. */
    size_t done = slot->time - slot->run_begin + 1, remaining = slot->row->total - slot->time - 1;
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

/* The rest of a run in a settled state: `steps` more times the present h. */
static void skip_steps(const sn_pass *pass, sn_scratch *scratch, size_t s, size_t steps)
{
    size_t padded = scratch->lstm->config.padded;
    running *slot = &scratch->slots[s];
    float *total = scratch->total + s * padded;
    const float *h = layer_h(scratch, pass->layers - 1, scratch->current) + s * padded;
    for (size_t j = 0; j < padded; j++)
        total[j] += (float)steps * h[j];
    if (pass->visit && steps > 0)
        pass->visit(pass->visit_user, pass->direction, slot_position(pass, slot), steps, h);
    slot->time += steps;
}

/* Writes the present h of a slot for the layer above. */
static void hand_upward(const sn_pass *pass, const sn_scratch *scratch, size_t s, size_t position)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    size_t width = sn_pass_width(scratch->lstm), padded = config->padded;
    const void *h = layer_h(scratch, pass->layers - 1, scratch->current) + s * padded;
    if (scratch->lstm->int8)
        h = layer_bytes(scratch, pass->layers - 1, scratch->current) + s * padded;
    memcpy((uint8_t *)scratch->slots[s].row->output +
               (position * config->directions + pass->direction) * padded * width,
           h, padded * width);
}

/* What follows a step for one slot; true when its row is done. */
static _Bool finish_step(const sn_pass *pass, sn_scratch *scratch, size_t s)
{
    const sn_lstm_config *config = &scratch->lstm->config;
    running *slot = &scratch->slots[s];
    const sn_row *row = slot->row;
    const float *h = layer_h(scratch, pass->layers - 1, scratch->current) + s * config->padded;
    size_t position = slot_position(pass, slot);
    if (row->output)
        hand_upward(pass, scratch, s, position);
    if (pass->visit)
        pass->visit(pass->visit_user, pass->direction, position, 1, h);
    _Bool settled = pass->settle_tolerance > 0.0f && in_run(slot) && slot_settled(pass, scratch, s);
    slot->time++;
    if (++slot->unflushed == FLUSH_STEPS)
        flush_sum(scratch, s);
    if (settled && slot->time < slot->run_end)
        skip_steps(pass, scratch, s, slot->run_end - slot->time);
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
        float *h = layer_h(scratch, l, scratch->current), *c = layer_c(scratch, l);
        memcpy(h + to * padded, h + from * padded, bytes);
        memcpy(c + to * padded, c + from * padded, bytes);
        if (scratch->states) {
            uint8_t *state = layer_bytes(scratch, l, scratch->current);
            memcpy(state + to * padded, state + from * padded, padded);
        }
        for (size_t which = SHORT_RUN; which <= LONG_RUN; which++)
            memcpy(snapshot(scratch, l, which, to), snapshot(scratch, l, which, from), 2 * bytes);
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
        saved = carry(saved, layer_h(scratch, l, scratch->current) + at, size, out);
        saved = carry(saved, layer_c(scratch, l) + at, size, out);
        if (scratch->states && !out)
            sn_int8_bytes(layer_h(scratch, l, scratch->current) + at, padded,
                          layer_bytes(scratch, l, scratch->current) + at);
    }
    saved = carry(saved, scratch->sum + at, size, out);
    carry(saved, scratch->total + at, size, out);
}

/* Ends the row of a slot: leaves its state and its mean, fills the slot with the
 * last one, and returns how many slots are left. */
static size_t end_row(const sn_pass *pass, sn_scratch *scratch, size_t s, size_t count)
{
    const running *slot = &scratch->slots[s];
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
}
