/* SPDX-License-Identifier: Apache-2.0
 *
 * See scratch.h: the memory of a pass. */
#include "nn/scratch.h"

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
    scratch->arena_floats =
        planes * sn_scratch_plane(scratch) + max_rows * gates * (config->directions + 1);
    scratch->arena = sn_alloc_aligned(lstm->memory, scratch->arena_floats, sizeof(float));
    scratch->slots = sn_alloc(lstm->memory, max_rows, sizeof *scratch->slots);
    scratch->inputs = sn_alloc(lstm->memory, max_rows, sizeof *scratch->inputs);
    scratch->bytes = sn_alloc(lstm->memory, max_rows, sizeof *scratch->bytes);
    scratch->outputs = sn_alloc(lstm->memory, max_rows, sizeof *scratch->outputs);
    if (lstm->int8)
        scratch->states =
            sn_alloc_aligned(lstm->memory, config->layers * 2, sn_scratch_plane(scratch));
    if (!scratch->arena || !scratch->slots || !scratch->inputs || !scratch->bytes ||
        !scratch->outputs || (lstm->int8 && !scratch->states)) {
        sn_scratch_free(scratch);
        return sn_fail_memory(error, "a session's scratch");
    }
    scratch->h = scratch->arena;
    scratch->c = scratch->h + config->layers * 2 * sn_scratch_plane(scratch);
    scratch->snapshots = scratch->c + config->layers * sn_scratch_plane(scratch);
    scratch->sum = scratch->snapshots + config->layers * 4 * sn_scratch_plane(scratch);
    scratch->unused_sum = scratch->sum + sn_scratch_plane(scratch);
    scratch->total = scratch->unused_sum + sn_scratch_plane(scratch);
    scratch->folded = scratch->total + sn_scratch_plane(scratch);
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
           (scratch->states ? scratch->lstm->config.layers * 2 * sn_scratch_plane(scratch) : 0) +
           scratch->max_rows * (sizeof(sn_slot) + 3 * sizeof(float *));
}
