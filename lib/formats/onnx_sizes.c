/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes that a graph computes from its input: Shape, and what exporters do with
 * its result until it is the shape of an initial state or of a Reshape. A size
 * is a number, or a number times the size of batch or sequence; more is not
 * needed, and anything else does not fit. */
#include <string.h>

#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"

void sn_onnx_become(sn_onnx_value *out, const sn_onnx_value *from)
{
    sn_onnx_value made = *from;
    made.name = out->name;
    made.node = out->node;
    made.proto = out->proto;
    *out = made;
}

_Bool sn_onnx_has_axes(const sn_onnx_value *value)
{
    return value->kind == SN_VALUE_IDS || value->kind == SN_VALUE_STEPS ||
           value->kind == SN_VALUE_POOLED || value->kind == SN_VALUE_PRODUCT ||
           value->kind == SN_VALUE_LOGITS;
}

/* ------------------------------------------------------------ single sizes */

_Bool sn_onnx_dim_equal(sn_onnx_dim a, sn_onnx_dim b)
{
    return a.factor == b.factor && a.batch == b.batch && a.time == b.time;
}

_Bool sn_onnx_dim_multiply(sn_onnx_dim a, sn_onnx_dim b, sn_onnx_dim *out)
{
    if (a.factor < 0 || b.factor < 0 || (b.factor && a.factor > INT64_MAX / b.factor))
        return 0;
    *out = (sn_onnx_dim){.factor = a.factor * b.factor,
                         .batch = (uint8_t)(a.batch + b.batch),
                         .time = (uint8_t)(a.time + b.time)};
    return out->batch <= 1 && out->time <= 1;
}

/* ----------------------------------------------------------- lists of them */

static int64_t load_integer(const sn_tensor *tensor, uint64_t index)
{
    uint64_t at = tensor->rank ? index * tensor->strides[0] : 0;
    const uint8_t *from = tensor->data + at * sn_dtype_size(tensor->dtype);
    if (tensor->dtype == SN_I64)
        return (int64_t)sn_load_le(from, 8);
    return (int64_t)(int32_t)(uint32_t)sn_load_le(from, 4);
}

_Bool sn_onnx_as_sizes(const sn_onnx_value *value, sn_onnx_value *out)
{
    const sn_tensor *tensor = &value->tensor;
    if (value->kind == SN_VALUE_SIZES) {
        *out = *value;
        return 1;
    }
    if (value->kind != SN_VALUE_TENSOR || tensor->rank > 1 || tensor->elements > SN_ONNX_RANK ||
        (tensor->dtype != SN_I64 && tensor->dtype != SN_I32))
        return 0;
    *out = (sn_onnx_value){
        .kind = SN_VALUE_SIZES, .rank = tensor->rank, .count = (uint32_t)tensor->elements};
    for (uint32_t i = 0; i < out->count; i++)
        out->dims[i] = sn_onnx_plain(load_integer(tensor, i));
    return 1;
}

_Bool sn_onnx_as_integers(const sn_onnx_value *value, int64_t out[SN_ONNX_RANK], size_t *count)
{
    sn_onnx_value sizes;
    if (!sn_onnx_as_sizes(value, &sizes))
        return 0;
    for (uint32_t i = 0; i < sizes.count; i++) {
        if (sizes.dims[i].batch || sizes.dims[i].time)
            return 0;
        out[i] = sizes.dims[i].factor;
    }
    *count = sizes.count;
    return 1;
}

/* Numbers of an attribute or of an input, whichever this operator set has. */
static sentiment_status find_axes(sn_onnx_call *call, const char *name, uint32_t index,
                                  uint64_t since, int64_t out[SN_ONNX_RANK], int *count,
                                  sentiment_error *error)
{
    const sn_onnx_attribute *attribute = NULL;
    const sn_onnx_value *value = NULL;
    size_t found = 0;
    sentiment_status status = sn_onnx_typed(call, name, SN_ATTRIBUTE_IS_INTS, &attribute, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, index, &value, error);
    if (status != SENTIMENT_OK)
        return status;
    *count = -1;
    if (!attribute && !value)
        return SENTIMENT_OK;
    if (call->context->graph->opset < since ? value != NULL : attribute != NULL)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                 "its %s do not stand where operator set %llu has them", name,
                                 (unsigned long long)call->context->graph->opset);
    if (value && !sn_onnx_as_integers(value, out, &found))
        return sn_onnx_misfit(call, error, "its %s are no constant", name);
    if (attribute) {
        found = attribute->count;
        for (size_t i = 0; i < found && i < SN_ONNX_RANK; i++)
            out[i] = (int64_t)attribute->integers[i];
    }
    if (found > SN_ONNX_RANK)
        return sn_onnx_misfit(call, error, "it has %zu %s", found, name);
    *count = (int)found;
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_axes(sn_onnx_call *call, const char *name, uint32_t index,
                              uint64_t since, size_t rank, size_t out[SN_ONNX_RANK], int *count,
                              sentiment_error *error)
{
    int64_t axes[SN_ONNX_RANK];
    uint32_t seen = 0;
    sentiment_status status = find_axes(call, name, index, since, axes, count, error);
    for (int i = 0; status == SENTIMENT_OK && i < *count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + (int64_t)rank : axes[i];
        if (axes[i] < -(int64_t)rank || axis < 0 || axis >= (int64_t)rank || seen >> axis & 1)
            return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                     "%lld is no axis of it, or stands twice among its %s",
                                     (long long)axes[i], name);
        seen |= 1u << axis;
        out[i] = (size_t)axis;
    }
    return status;
}

/* --------------------------------------------------------------- operators */

/* Sizes of whatever has a shape. */
static _Bool shape_of(const sn_onnx_value *value, sn_onnx_value *out)
{
    *out = (sn_onnx_value){.kind = SN_VALUE_SIZES, .rank = 1};
    if (value->kind == SN_VALUE_TENSOR) {
        out->count = value->tensor.rank;
        for (uint32_t d = 0; d < out->count; d++)
            out->dims[d] = sn_onnx_plain((int64_t)value->tensor.dims[d]);
        return 1;
    }
    if (!sn_onnx_has_axes(value) && value->kind != SN_VALUE_ZEROS)
        return 0;
    out->count = value->rank;
    memcpy(out->dims, value->dims, sizeof out->dims);
    return 1;
}

sentiment_status sn_onnx_op_shape(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    sn_onnx_value all, made = {.kind = SN_VALUE_SIZES, .rank = 1};
    int64_t start, end;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!shape_of(from, &all))
        return sn_onnx_misfit(call, error, "it takes %s", sn_onnx_kind_name(from->kind));
    status = sn_onnx_integer(call, "start", 0, &start, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "end", all.count, &end, error);
    if (status != SENTIMENT_OK)
        return status;
    start += start < 0 ? all.count : 0;
    end += end < 0 ? all.count : 0;
    end = end > all.count ? all.count : end;
    for (int64_t d = start < 0 ? 0 : start; d < end; d++)
        made.dims[made.count++] = all.dims[d];
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_mul(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *inputs[2];
    sn_onnx_value a, b;
    for (uint32_t i = 0; i < 2; i++) {
        sentiment_status status = sn_onnx_need(call, i, &inputs[i], error);
        if (status != SENTIMENT_OK)
            return status;
    }
    if (!sn_onnx_as_sizes(inputs[0], &a) || !sn_onnx_as_sizes(inputs[1], &b) || a.count != 1 ||
        b.count != 1 || !sn_onnx_dim_multiply(a.dims[0], b.dims[0], &a.dims[0]))
        return sn_onnx_misfit(call, error, "it multiplies %s by %s",
                              sn_onnx_kind_name(inputs[0]->kind),
                              sn_onnx_kind_name(inputs[1]->kind));
    a.rank = a.rank > b.rank ? a.rank : b.rank;
    sn_onnx_become(call->out, &a);
    return SENTIMENT_OK;
}

/* An element, or some, of a list of sizes. */
sentiment_status sn_onnx_pick_sizes(sn_onnx_call *call, const sn_onnx_value *from,
                                    const sn_onnx_value *which, sentiment_error *error)
{
    int64_t indices[SN_ONNX_RANK];
    size_t count;
    sn_onnx_value sizes, made = {.kind = SN_VALUE_SIZES};
    if (!sn_onnx_as_sizes(from, &sizes) || sizes.rank != 1 ||
        !sn_onnx_as_integers(which, indices, &count))
        return sn_onnx_misfit(call, error, "it takes from %s by %s",
                              sn_onnx_kind_name(from->kind), sn_onnx_kind_name(which->kind));
    sn_onnx_as_sizes(which, &made);
    for (size_t i = 0; i < count; i++) {
        int64_t at = indices[i] < 0 ? indices[i] + sizes.count : indices[i];
        if (at < 0 || at >= sizes.count)
            return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                     "there is no element %lld", (long long)indices[i]);
        made.dims[i] = sizes.dims[at];
    }
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* Lists of sizes one behind the other; false if one of the inputs is none. */
sentiment_status sn_onnx_join_sizes(sn_onnx_call *call, _Bool *done, sentiment_error *error)
{
    sn_onnx_value made = {.kind = SN_VALUE_SIZES, .rank = 1};
    *done = 0;
    for (uint32_t i = 0; i < call->node->inputs; i++) {
        const sn_onnx_value *input;
        sn_onnx_value sizes;
        sentiment_status status = sn_onnx_need(call, i, &input, error);
        if (status != SENTIMENT_OK)
            return status;
        if (!sn_onnx_as_sizes(input, &sizes) || sizes.rank != 1 ||
            made.count + sizes.count > SN_ONNX_RANK)
            return SENTIMENT_OK;
        memcpy(made.dims + made.count, sizes.dims, sizes.count * sizeof *made.dims);
        made.count += sizes.count;
    }
    sn_onnx_become(call->out, &made);
    *done = 1;
    return SENTIMENT_OK;
}

/* A list of sizes that can be a shape. */
static sentiment_status need_sizes(sn_onnx_call *call, const sn_onnx_value *shape,
                                   sn_onnx_value *out, sentiment_error *error)
{
    if (!sn_onnx_as_sizes(shape, out) || out->rank != 1)
        return sn_onnx_misfit(call, error, "its shape is %s", sn_onnx_kind_name(shape->kind));
    for (uint32_t d = 0; d < out->count; d++)
        if (out->dims[d].factor < 0)
            return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                     "its shape has the size %lld",
                                     (long long)out->dims[d].factor);
    return SENTIMENT_OK;
}

/* Value and shape of zeros; anything but zero is no initial state. */
static sentiment_status make_zeros(sn_onnx_call *call, const sn_onnx_value *shape,
                                   sentiment_error *error)
{
    sn_onnx_value sizes;
    sentiment_status status = need_sizes(call, shape, &sizes, error);
    if (status != SENTIMENT_OK)
        return status;
    sizes.kind = SN_VALUE_ZEROS;
    sizes.rank = sizes.count;
    sn_onnx_become(call->out, &sizes);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_constant_of_shape(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *shape;
    const sn_onnx_attribute *attribute;
    sn_tensor value;
    sentiment_status status = sn_onnx_need(call, 0, &shape, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_typed(call, "value", SN_ATTRIBUTE_IS_TENSOR, &attribute, error);
    if (status == SENTIMENT_OK && attribute) {
        status = sn_onnx_read_tensor(&call->context->store, attribute->tensor,
                                     "value of ConstantOfShape", &value, error);
        if (status == SENTIMENT_OK && !sn_onnx_is_zero(call->context, &value))
            return sn_onnx_misfit(call, error, "it makes something else than floating zeros");
    }
    return status == SENTIMENT_OK ? make_zeros(call, shape, error) : status;
}

/* Expand repeats along axes of size 1; the repeated thing must be zeros. */
sentiment_status sn_onnx_op_expand(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from, *shape;
    sn_onnx_value sizes, old;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &shape, error);
    if (status != SENTIMENT_OK)
        return status;
    _Bool zero = from->kind == SN_VALUE_ZEROS ||
                 (from->kind == SN_VALUE_TENSOR && sn_onnx_is_zero(call->context, &from->tensor));
    if (!zero || !shape_of(from, &old))
        return sn_onnx_misfit(call, error, "it repeats %s; only zeros may be repeated",
                              sn_onnx_kind_name(from->kind));
    status = need_sizes(call, shape, &sizes, error);
    if (status != SENTIMENT_OK)
        return status;
    if (sizes.count < old.count)
        return sn_onnx_misfit(call, error, "its shape has %u axes, what it repeats %u",
                              sizes.count, old.count);
    for (uint32_t d = 0; d < old.count; d++) {
        sn_onnx_dim *size = &sizes.dims[sizes.count - old.count + d];
        const sn_onnx_dim one = sn_onnx_plain(1);
        if (sn_onnx_dim_equal(*size, one))
            *size = old.dims[d];
        else if (!sn_onnx_dim_equal(old.dims[d], one) && !sn_onnx_dim_equal(old.dims[d], *size))
            return sn_onnx_misfit(call, error, "axis %u cannot be repeated", d);
    }
    sizes.kind = SN_VALUE_ZEROS;
    sizes.rank = sizes.count;
    sn_onnx_become(call->out, &sizes);
    return SENTIMENT_OK;
}
