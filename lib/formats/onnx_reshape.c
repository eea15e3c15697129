/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshape. Of an activation each new axis is one old axis, or several that stand
 * behind each other; several may only be the two directions of an LSTM and its
 * hidden units, which together are the features of a position. */
#include <string.h>

#include "formats/onnx_eval.h"

typedef struct reshape {
    sn_onnx_call *call;
    const sn_onnx_value *from;
    sn_onnx_value shape; /* SIZES: what the node asks for */
} reshape;

/* 0 takes the old size over, unless allowzero says that it means 0. */
static sentiment_status fill_zeros(reshape *state, sentiment_error *error)
{
    int64_t allow_zero;
    sentiment_status status =
        sn_onnx_integer(state->call, "allowzero", 0, &allow_zero, error);
    for (uint32_t d = 0; status == SENTIMENT_OK && d < state->shape.count; d++) {
        if (state->shape.dims[d].factor != 0)
            continue;
        if (allow_zero || d >= state->from->rank)
            return sn_onnx_misfit(state->call, error, "it makes an axis of the size 0");
        state->shape.dims[d] = state->from->dims[d];
    }
    return status;
}

/* -1 is what is left of the product of all sizes. */
static sentiment_status fill_rest(reshape *state, sentiment_error *error)
{
    sn_onnx_dim all = sn_onnx_plain(1), known = sn_onnx_plain(1);
    uint32_t rest = SN_ONNX_RANK;
    _Bool fine = 1;
    for (uint32_t d = 0; d < state->from->rank; d++)
        fine = fine && sn_onnx_dim_multiply(all, state->from->dims[d], &all);
    for (uint32_t d = 0; d < state->shape.count; d++) {
        if (state->shape.dims[d].factor == -1 && rest == SN_ONNX_RANK)
            rest = d;
        else
            fine = fine && sn_onnx_dim_multiply(known, state->shape.dims[d], &known);
    }
    if (fine && rest < SN_ONNX_RANK) {
        fine = known.factor > 0 && all.factor % known.factor == 0 && known.batch <= all.batch &&
               known.time <= all.time;
        if (fine)
            state->shape.dims[rest] = (sn_onnx_dim){.factor = all.factor / known.factor,
                                                    .batch = (uint8_t)(all.batch - known.batch),
                                                    .time = (uint8_t)(all.time - known.time)};
    } else if (fine) {
        fine = sn_onnx_dim_equal(all, known);
    }
    return fine ? SENTIMENT_OK
                : sn_onnx_misfit(state->call, error, "its shape does not fit the input's");
}

/* Adds an old axis to a new one; false if the two may not become one. */
static _Bool absorb(uint8_t *axis, uint8_t more)
{
    if (more == SN_AXIS_ONE)
        return 1;
    if (*axis == SN_AXIS_ONE)
        *axis = more;
    else if (*axis == SN_AXIS_DIRECTION && more == SN_AXIS_HIDDEN)
        *axis = SN_AXIS_FEATURE;
    else
        return 0;
    return 1;
}

/* From the first axis to the last: each new one takes old ones until its size is
 * reached, the last one also those of size 1 that are left. */
static sentiment_status match_axes(reshape *state, sn_onnx_value *made, sentiment_error *error)
{
    const sn_onnx_value *from = state->from;
    const sn_onnx_dim one = sn_onnx_plain(1);
    uint32_t at = 0, count = state->shape.count;
    for (uint32_t d = 0; d < count; d++) {
        sn_onnx_dim size = one, wanted = state->shape.dims[d];
        made->axes[d] = SN_AXIS_ONE;
        made->dims[d] = wanted;
        _Bool first = 1;
        while (at < from->rank) {
            _Bool reached = sn_onnx_dim_equal(size, wanted);
            _Bool is_one = sn_onnx_dim_equal(from->dims[at], one);
            _Bool takes = !reached || (is_one && (d + 1 == count || (first && wanted.factor == 1)));
            if (!takes)
                break;
            if (!sn_onnx_dim_multiply(size, from->dims[at], &size) ||
                !absorb(&made->axes[d], from->axes[at]))
                return sn_onnx_misfit(state->call, error,
                                      "it mixes axes of %s that stand for different things",
                                      sn_onnx_kind_name(from->kind));
            at++;
            first = 0;
        }
        if (!sn_onnx_dim_equal(size, wanted))
            return sn_onnx_misfit(state->call, error, "its axis %u is no axis of the input", d);
    }
    return at == from->rank
               ? SENTIMENT_OK
               : sn_onnx_misfit(state->call, error, "it leaves an axis of the input over");
}

/* A constant of the same numbers in another shape, where it need not be copied. */
static sentiment_status reshape_constant(reshape *state, sentiment_error *error)
{
    const sn_tensor *old = &state->from->tensor;
    sn_onnx_value made = *state->from, plain = {.rank = old->rank};
    sn_tensor straight = *old;
    for (uint32_t d = 0; d < old->rank; d++)
        plain.dims[d] = sn_onnx_plain((int64_t)old->dims[d]);
    state->from = &plain;
    sentiment_status status = fill_zeros(state, error);
    if (status == SENTIMENT_OK)
        status = fill_rest(state, error);
    if (status != SENTIMENT_OK)
        return status;
    sn_tensor_set_contiguous(&straight);
    for (uint32_t d = 0; d < old->rank; d++)
        if (old->dims[d] > 1 && old->strides[d] != straight.strides[d])
            return sn_onnx_misfit(state->call, error, "it reshapes a part of a constant");
    made.tensor.rank = state->shape.count;
    for (uint32_t d = 0; d < state->shape.count; d++) {
        if (state->shape.dims[d].batch || state->shape.dims[d].time)
            return sn_onnx_misfit(state->call, error, "its shape is no constant");
        made.tensor.dims[d] = (uint64_t)state->shape.dims[d].factor;
    }
    if (!sn_tensor_set_contiguous(&made.tensor))
        return sn_onnx_misfit(state->call, error, "its shape is too large");
    sn_onnx_become(state->call->out, &made);
    return SENTIMENT_OK;
}

/* Sizes have one order only: a list, or a single number. */
static _Bool keeps_sizes(const sn_onnx_value *sizes, const sn_onnx_value *shape)
{
    const sn_onnx_dim *wanted = &shape->dims[0];
    if (shape->count == 0)
        return sizes->count == 1;
    return shape->count == 1 && !wanted->batch && !wanted->time &&
           (wanted->factor == -1 || wanted->factor == sizes->count ||
            (wanted->factor == 0 && sizes->rank == 1));
}

sentiment_status sn_onnx_op_reshape(sn_onnx_call *call, sentiment_error *error)
{
    reshape state = {.call = call};
    const sn_onnx_value *shape;
    sn_onnx_value sizes;
    sentiment_status status = sn_onnx_need(call, 0, &state.from, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &shape, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_onnx_as_sizes(shape, &state.shape) || state.shape.rank != 1)
        return sn_onnx_misfit(call, error, "its shape is %s", sn_onnx_kind_name(shape->kind));
    if (sn_onnx_as_sizes(state.from, &sizes)) {
        if (!keeps_sizes(&sizes, &state.shape))
            return sn_onnx_misfit(call, error, "it reshapes %s",
                                  sn_onnx_kind_name(state.from->kind));
        sizes.rank = state.shape.count;
        sn_onnx_become(call->out, &sizes);
        return SENTIMENT_OK;
    }
    if (state.from->kind == SN_VALUE_TENSOR)
        return reshape_constant(&state, error);
    if (!sn_onnx_has_axes(state.from))
        return sn_onnx_misfit(call, error, "it takes %s", sn_onnx_kind_name(state.from->kind));
    sn_onnx_value made = *state.from;
    made.rank = state.shape.count;
    status = fill_zeros(&state, error);
    if (status == SENTIMENT_OK)
        status = fill_rest(&state, error);
    if (status == SENTIMENT_OK)
        status = match_axes(&state, &made, error);
    if (status == SENTIMENT_OK)
        sn_onnx_become(call->out, &made);
    return status;
}
