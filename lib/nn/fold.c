/* SPDX-License-Identifier: Apache-2.0
 *
 * See fold.h. Two threads that meet on a new token may both compute it; the
 * first to publish wins, and the other's arena row stays unused: rare, and
 * cheaper than a lock on every token. */
#include "nn/fold.h"

sentiment_status sn_fold_init(const sn_lstm *lstm, uint64_t bytes, sn_fold *out,
                              sentiment_error *error)
{
    const sn_lstm_config *config = &lstm->config;
    sn_fold fold = {.lstm = lstm, .row = config->directions * config->blocks * SN_BLOCK_GATES};
    uint64_t capacity = bytes / (fold.row * sizeof(float));
    fold.capacity = capacity < config->vocab_size ? (size_t)capacity : config->vocab_size;
    fold.arena = sn_alloc_aligned(lstm->memory, fold.capacity, fold.row * sizeof(float));
    fold.slots = sn_alloc(lstm->memory, config->vocab_size, sizeof *fold.slots);
    if (!fold.arena || !fold.slots) {
        sn_fold_free(&fold);
        return sn_fail_memory(error, "folded input projections");
    }
    for (size_t i = 0; i < config->vocab_size; i++)
        atomic_init(&fold.slots[i].number, 0);
    out->lstm = fold.lstm;
    out->row = fold.row;
    out->capacity = fold.capacity;
    out->arena = fold.arena;
    out->slots = fold.slots;
    atomic_init(&out->used, 0);
    return SENTIMENT_OK;
}

void sn_fold_free(sn_fold *fold)
{
    if (!fold->lstm)
        return;
    sn_free_aligned(fold->lstm->memory, fold->arena);
    sn_free(fold->lstm->memory, fold->slots);
    fold->lstm = NULL;
}

static void compute(const sn_fold *fold, const sn_kernels *kernels, int32_t token, float *out)
{
    const sn_lstm_config *config = &fold->lstm->config;
    const float *x = NULL;
    const uint8_t *bytes = NULL;
    sn_project project = {.blocks = config->blocks, .rows = 1, .x = &x, .bytes = &bytes};
    if (fold->lstm->int8) {
        const sn_int8_rows *rows = &fold->lstm->embedding_int8;
        bytes = (const uint8_t *)rows->weights + (size_t)token * config->embedding_dim;
        project.x_flip = SN_FLIP_SIGNED;
        project.x_scale = rows->scale[token];
    } else {
        x = fold->lstm->embedding + (size_t)token * config->embedding_dim;
    }
    for (size_t d = 0; d < config->directions; d++) {
        const sn_lstm_layer *layer = &fold->lstm->layers[d];
        float *gates = out + d * config->blocks * SN_BLOCK_GATES;
        project.weights = layer->w_ih;
        project.int8 = layer->w_ih_int8;
        project.bias = layer->bias;
        project.inputs = layer->inputs;
        project.out = &gates;
        (fold->lstm->int8 ? kernels->project_int8 : kernels->project)(&project);
    }
}

const float *sn_fold_row(sn_fold *fold, const sn_kernels *kernels, int32_t token, size_t direction,
                         float *scratch)
{
    size_t offset = direction * fold->lstm->config.blocks * SN_BLOCK_GATES;
    _Atomic uint32_t *slot = &fold->slots[token].number;
    uint32_t number = atomic_load_explicit(slot, memory_order_acquire);
    if (number)
        return fold->arena + (number - 1) * fold->row + offset;

    uint32_t used = atomic_load_explicit(&fold->used, memory_order_relaxed);
    if (used < fold->capacity)
        used = atomic_fetch_add_explicit(&fold->used, 1, memory_order_relaxed);
    if (used >= fold->capacity) {
        compute(fold, kernels, token, scratch);
        return scratch + offset;
    }
    float *row = fold->arena + used * fold->row;
    compute(fold, kernels, token, row);
    uint32_t none = 0;
    atomic_compare_exchange_strong_explicit(slot, &none, used + 1, memory_order_release,
                                            memory_order_relaxed);
    return row + offset;
}
