/* SPDX-License-Identifier: Apache-2.0
 *
 * See row_state.h. What the bytes are is the business of pass.c, which fills
 * them in and takes them back. */
#include "nn/row_state.h"

#include <string.h>

sentiment_status sn_row_state_init(const sn_lstm *lstm, sn_row_state *out, sentiment_error *error)
{
    sn_row_state state = {.memory = lstm->memory};
    state.size = (lstm->config.layers * 2 + 2) * lstm->config.padded * sizeof(float);
    state.bytes = sn_alloc(lstm->memory, state.size, 1);
    if (!state.bytes)
        return sn_fail_memory(error, "the state of a stream");
    sn_row_state_copy(&state, NULL);
    *out = state;
    return SENTIMENT_OK;
}

void sn_row_state_free(sn_row_state *state)
{
    if (!state->memory)
        return;
    sn_free(state->memory, state->bytes);
    *state = (sn_row_state){0};
}

void sn_row_state_copy(sn_row_state *to, const sn_row_state *from)
{
    to->time = from ? from->time : 0;
    to->unflushed = from ? from->unflushed : 0;
    if (from)
        memcpy(to->bytes, from->bytes, to->size);
    else
        memset(to->bytes, 0, to->size);
}
