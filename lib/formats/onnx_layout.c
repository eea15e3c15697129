/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that only move numbers. Of a constant they change the view; of an
 * activation the list of axes, so that it stays known what stands along each:
 * a Reshape, for instance, may put the two directions of an LSTM side by side,
 * but not mix the rows of a batch. */
#include <string.h>

#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"

#define AXES_INPUT 13

_Bool sn_onnx_axes_are(const sn_onnx_value *value, const uint8_t *axes, size_t count)
{
    size_t at = 0;
    for (uint32_t d = 0; d < value->rank; d++) {
        if (value->axes[d] == SN_AXIS_ONE)
            continue;
        if (at == count || value->axes[d] != axes[at])
            return 0;
        at++;
    }
    return at == count;
}

static uint32_t rank_of(const sn_onnx_value *value)
{
    return value->kind == SN_VALUE_TENSOR ? value->tensor.rank : value->rank;
}

/* What can be moved at all: everything with a shape, but for lists of sizes. */
static sentiment_status need_shaped(sn_onnx_call *call, const sn_onnx_value **out,
                                    sentiment_error *error)
{
    sentiment_status status = sn_onnx_need(call, 0, out, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_onnx_has_axes(*out) && (*out)->kind != SN_VALUE_TENSOR &&
        (*out)->kind != SN_VALUE_ZEROS)
        return sn_onnx_misfit(call, error, "it takes %s", sn_onnx_kind_name((*out)->kind));
    return SENTIMENT_OK;
}

/* Axis `to` of `out` becomes axis `from` of `in`, whatever the kind. */
static void move_axis(sn_onnx_value *out, uint32_t to, const sn_onnx_value *in, uint32_t from)
{
    out->axes[to] = in->axes[from];
    out->dims[to] = in->dims[from];
    out->tensor.dims[to] = in->tensor.dims[from];
    out->tensor.strides[to] = in->tensor.strides[from];
}

static void put_one(sn_onnx_value *out, uint32_t to)
{
    out->axes[to] = SN_AXIS_ONE;
    out->dims[to] = sn_onnx_plain(1);
    out->tensor.dims[to] = 1;
    out->tensor.strides[to] = 0;
}

static void set_rank(sn_onnx_value *out, uint32_t rank)
{
    if (out->kind == SN_VALUE_TENSOR)
        out->tensor.rank = rank;
    else
        out->rank = rank;
}

/* --------------------------------------------------------------- Transpose */

sentiment_status sn_onnx_op_transpose(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    const sn_onnx_attribute *perm;
    uint32_t seen = 0;
    sentiment_status status = need_shaped(call, &from, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_typed(call, "perm", SN_ATTRIBUTE_IS_INTS, &perm, error);
    if (status != SENTIMENT_OK)
        return status;
    uint32_t rank = rank_of(from);
    sn_onnx_value made = *from;
    if (perm && perm->count != rank)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                 "its perm has %zu axes, its input %u", perm->count, rank);
    for (uint32_t d = 0; d < rank; d++) {
        uint64_t source = perm ? perm->integers[d] : rank - 1 - d;
        if (source >= rank || seen >> source & 1)
            return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                     "its perm is no order of the axes");
        seen |= 1u << source;
        move_axis(&made, d, from, (uint32_t)source);
    }
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* ------------------------------------------------------ Squeeze, Unsqueeze */

static _Bool is_one(const sn_onnx_value *value, uint32_t axis)
{
    if (value->kind == SN_VALUE_TENSOR)
        return value->tensor.dims[axis] == 1;
    if (value->kind == SN_VALUE_ZEROS)
        return sn_onnx_dim_equal(value->dims[axis], sn_onnx_plain(1));
    return value->axes[axis] == SN_AXIS_ONE;
}

/* A list of one size becomes a single number, or the other way round. */
static sentiment_status change_sizes(sn_onnx_call *call, const sn_onnx_value *from, uint32_t rank,
                                     const char *axes, sentiment_error *error)
{
    size_t list[SN_ONNX_RANK];
    int count = -1;
    sn_onnx_value made;
    sentiment_status status = sn_onnx_axes(call, axes, 1, AXES_INPUT, 1, list, &count, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_onnx_as_sizes(from, &made) || made.rank == rank || made.count != 1 || count != 1)
        return sn_onnx_misfit(call, error, "it takes %s", sn_onnx_kind_name(from->kind));
    made.rank = rank;
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_squeeze(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    size_t axes[SN_ONNX_RANK];
    int count;
    uint32_t removed = 0, kept = 0;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK && from->kind == SN_VALUE_SIZES)
        return change_sizes(call, from, 0, "axes", error);
    if (status == SENTIMENT_OK)
        status = need_shaped(call, &from, error);
    if (status != SENTIMENT_OK)
        return status;
    uint32_t rank = rank_of(from);
    status = sn_onnx_axes(call, "axes", 1, AXES_INPUT, rank, axes, &count, error);
    if (status != SENTIMENT_OK)
        return status;
    if (count < 0)
        return sn_onnx_misfit(call, error, "it does not say which axes it removes");
    for (int i = 0; i < count; i++) {
        if (!is_one(from, (uint32_t)axes[i]))
            return sn_onnx_misfit(call, error, "axis %zu of %s has not the size 1", axes[i],
                                  sn_onnx_kind_name(from->kind));
        removed |= 1u << axes[i];
    }
    sn_onnx_value made = *from;
    for (uint32_t d = 0; d < rank; d++)
        if (!(removed >> d & 1))
            move_axis(&made, kept++, from, d);
    set_rank(&made, kept);
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_unsqueeze(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from, *listed;
    const sn_onnx_attribute *attribute;
    size_t axes[SN_ONNX_RANK], more = 0;
    int64_t numbers[SN_ONNX_RANK];
    int count;
    uint32_t added = 0, source = 0;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK && from->kind == SN_VALUE_SIZES)
        return change_sizes(call, from, 1, "axes", error);
    if (status == SENTIMENT_OK)
        status = need_shaped(call, &from, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, 1, &listed, error);
    if (status != SENTIMENT_OK)
        return status;
    /* Negative axes count from the end of the result, which has as many more. */
    attribute = sn_onnx_find_attribute(call, "axes");
    if (attribute)
        more = attribute->count;
    else if (listed && !sn_onnx_as_integers(listed, numbers, &more))
        return sn_onnx_misfit(call, error, "its axes are no constant");
    if (more == 0 || more > SN_ONNX_RANK - rank_of(from))
        return sn_onnx_misfit(call, error, "it adds %zu axes", more);
    uint32_t rank = rank_of(from) + (uint32_t)more;
    status = sn_onnx_axes(call, "axes", 1, AXES_INPUT, rank, axes, &count, error);
    if (status != SENTIMENT_OK)
        return status;
    for (int i = 0; i < count; i++)
        added |= 1u << axes[i];
    sn_onnx_value made = *from;
    for (uint32_t d = 0; d < rank; d++) {
        if (added >> d & 1)
            put_one(&made, d);
        else
            move_axis(&made, d, from, source++);
    }
    set_rank(&made, rank);
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* ------------------------------------------------------------------- Slice */

typedef struct cut {
    int64_t starts[SN_ONNX_RANK], ends[SN_ONNX_RANK], axes[SN_ONNX_RANK], steps[SN_ONNX_RANK];
    size_t count;
} cut;

static sentiment_status read_cut(sn_onnx_call *call, cut *out, sentiment_error *error)
{
    int64_t *const lists[] = {out->starts, out->ends, out->axes, out->steps};
    for (uint32_t i = 0; i < 4; i++) {
        const sn_onnx_value *input;
        size_t count = 0;
        sentiment_status status = i < 2 ? sn_onnx_need(call, i + 1, &input, error)
                                        : sn_onnx_input(call, i + 1, &input, error);
        if (status != SENTIMENT_OK)
            return status;
        if (!input) {
            for (size_t j = 0; j < out->count; j++)
                lists[i][j] = i == 2 ? (int64_t)j : 1;
            continue;
        }
        if (!sn_onnx_as_integers(input, lists[i], &count) || (i && count != out->count))
            return sn_onnx_misfit(call, error, "its bounds are no constants, or not equally many");
        out->count = count;
    }
    return SENTIMENT_OK;
}

/* Start and length along an axis of `size`. */
static sentiment_status clamp(sn_onnx_call *call, const cut *wanted, size_t which, int64_t size,
                              int64_t *start, int64_t *length, sentiment_error *error)
{
    int64_t from = wanted->starts[which], to = wanted->ends[which];
    if (wanted->steps[which] != 1)
        return sn_onnx_misfit(call, error, "it takes steps of %lld",
                              (long long)wanted->steps[which]);
    from += from < 0 ? size : 0;
    to += to < 0 ? size : 0;
    from = from < 0 ? 0 : from > size ? size : from;
    to = to < from ? from : to > size ? size : to;
    *start = from;
    *length = to - from;
    return SENTIMENT_OK;
}

/* Numbers behind each other in a list of sizes. */
static sentiment_status slice_sizes(sn_onnx_call *call, const sn_onnx_value *from,
                                    const cut *wanted, sentiment_error *error)
{
    int64_t start = 0, length = 0;
    sn_onnx_value made = *from;
    if (from->rank != 1 || wanted->count != 1 || (wanted->axes[0] != 0 && wanted->axes[0] != -1))
        return sn_onnx_misfit(call, error, "it cuts a list of sizes in another way than one list");
    sentiment_status status = clamp(call, wanted, 0, from->count, &start, &length, error);
    if (status != SENTIMENT_OK)
        return status;
    for (int64_t i = 0; i < length; i++)
        made.dims[i] = from->dims[start + i];
    made.count = (uint32_t)length;
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* One axis of a constant, or of zeros. */
static sentiment_status slice_axis(sn_onnx_call *call, const cut *wanted, size_t which,
                                   sn_onnx_value *made, sentiment_error *error)
{
    int64_t rank = rank_of(made), axis = wanted->axes[which], start = 0, length = 0;
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error, "it has no axis %lld",
                                 (long long)wanted->axes[which]);
    _Bool known = made->kind == SN_VALUE_TENSOR;
    const sn_onnx_dim *dim = &made->dims[axis];
    if (!known && (dim->batch || dim->time))
        return sn_onnx_misfit(call, error, "it cuts along the batch or the sequence");
    int64_t size = known ? (int64_t)made->tensor.dims[axis] : dim->factor;
    sentiment_status status = clamp(call, wanted, which, size, &start, &length, error);
    if (status != SENTIMENT_OK)
        return status;
    made->dims[axis] = sn_onnx_plain(length);
    if (known) {
        sn_tensor *tensor = &made->tensor;
        if (length)
            tensor->data +=
                (uint64_t)start * tensor->strides[axis] * sn_dtype_size(tensor->dtype);
        if (size)
            tensor->elements = tensor->elements / (uint64_t)size * (uint64_t)length;
        tensor->dims[axis] = (uint64_t)length;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_slice(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    cut wanted = {.count = 0};
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK)
        status = read_cut(call, &wanted, error);
    if (status != SENTIMENT_OK)
        return status;
    if (from->kind == SN_VALUE_SIZES)
        return slice_sizes(call, from, &wanted, error);
    if (from->kind != SN_VALUE_TENSOR && from->kind != SN_VALUE_ZEROS)
        return sn_onnx_misfit(call, error, "it cuts %s", sn_onnx_kind_name(from->kind));
    sn_onnx_value made = *from;
    for (size_t i = 0; status == SENTIMENT_OK && i < wanted.count; i++)
        status = slice_axis(call, &wanted, i, &made, error);
    if (status == SENTIMENT_OK)
        sn_onnx_become(call->out, &made);
    return status;
}
