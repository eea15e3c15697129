/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants, and operators on them: exporters that do not fold constants leave
 * it to the graph to bring PyTorch's weights into ONNX's order, gate by gate.
 * Views cost nothing; what is copied is counted, so that a graph cannot make
 * much out of little. */
#include <string.h>

#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"

/* Takes `bytes` of the work that is allowed; false where it is used up. */
static _Bool spend(sn_onnx_context *context, uint64_t bytes)
{
    if (bytes > context->store.work)
        return 0;
    context->store.work -= bytes;
    return 1;
}

static uint64_t tensor_bytes(const sn_tensor *tensor)
{
    return tensor->elements * sn_dtype_size(tensor->dtype);
}

/* Position of the element with row-major number `index`, in elements. */
static uint64_t element_at(const sn_tensor *tensor, uint64_t index)
{
    uint64_t at = 0;
    for (uint32_t d = tensor->rank; d-- > 0;) {
        at += index % tensor->dims[d] * tensor->strides[d];
        index /= tensor->dims[d];
    }
    return at;
}

_Bool sn_onnx_is_zero(sn_onnx_context *context, const sn_tensor *tensor)
{
    size_t size = sn_dtype_size(tensor->dtype);
    if (tensor->dtype > SN_BF16 || !spend(context, tensor_bytes(tensor)))
        return 0;
    for (uint64_t i = 0; i < tensor->elements; i++) {
        uint64_t bits = sn_load_le(tensor->data + element_at(tensor, i) * size, size);
        uint64_t sign = (uint64_t)1 << (8 * size - 1);
        if (bits & ~sign)
            return 0;
    }
    return 1;
}

/* ---------------------------------------------------------------- Constant */

static sentiment_status constant_tensor(sn_onnx_call *call, const sn_onnx_attribute *from,
                                        sentiment_error *error)
{
    sn_onnx_value made = {.kind = SN_VALUE_TENSOR};
    char quoted[SN_QUOTE_SIZE];
    sn_quote(quoted, call->out->name.data, call->out->name.size);
    sentiment_status status =
        sn_onnx_read_tensor(&call->context->store, from->tensor, quoted, &made.tensor, error);
    if (status == SENTIMENT_OK)
        sn_onnx_become(call->out, &made);
    return status;
}

/* The short forms: a number or a list of them. */
static sentiment_status constant_numbers(sn_onnx_call *call, const sn_onnx_attribute *from,
                                         sentiment_error *error)
{
    _Bool listed = from->type == SN_ATTRIBUTE_IS_INTS || from->type == SN_ATTRIBUTE_IS_FLOATS;
    _Bool whole = from->type == SN_ATTRIBUTE_IS_INTS || from->type == SN_ATTRIBUTE_IS_INT;
    size_t count = listed ? from->count : 1;
    if (count > SN_ONNX_RANK)
        return sn_onnx_misfit(call, error, "it has %zu numbers", count);
    sn_onnx_value made = {.kind = SN_VALUE_TENSOR};
    made.tensor = (sn_tensor){
        .name = "", .dtype = whole ? SN_I64 : SN_F32, .rank = listed, .dims = {count}};
    sn_tensor_set_contiguous(&made.tensor);
    uint8_t *data = sn_onnx_store_block(&call->context->store, SN_ONNX_RANK, 8, error);
    if (!data)
        return SENTIMENT_ERROR_OUT_OF_MEMORY;
    if (whole)
        memcpy(data, listed ? from->integers : &from->integer, count * 8);
    else
        memcpy(data, listed ? from->numbers : &from->number, count * 4);
    made.tensor.data = data;
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_constant(sn_onnx_call *call, sentiment_error *error)
{
    static const struct {
        const char *name;
        uint64_t type;
    } forms[] = {
        {"value", SN_ATTRIBUTE_IS_TENSOR},       {"value_int", SN_ATTRIBUTE_IS_INT},
        {"value_ints", SN_ATTRIBUTE_IS_INTS},    {"value_float", SN_ATTRIBUTE_IS_FLOAT},
        {"value_floats", SN_ATTRIBUTE_IS_FLOATS},
    };
    if (call->attribute_count != 1)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                 "it has %zu values; expected one", call->attribute_count);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const sn_onnx_attribute *found;
        sentiment_status status = sn_onnx_typed(call, forms[i].name, forms[i].type, &found, error);
        if (status != SENTIMENT_OK)
            return status;
        if (found)
            return i ? constant_numbers(call, found, error) : constant_tensor(call, found, error);
    }
    return sn_onnx_misfit(call, error, "it has no value");
}

/* ------------------------------------------------------------ pass through */

sentiment_status sn_onnx_op_pass(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK)
        sn_onnx_become(call->out, from);
    return status;
}

static _Bool is_float(int64_t type)
{
    return type == SN_ONNX_FLOAT || type == SN_ONNX_FLOAT16 || type == SN_ONNX_BFLOAT16 ||
           type == SN_ONNX_DOUBLE;
}

static _Bool is_index(int64_t type)
{
    return type == SN_ONNX_INT64 || type == SN_ONNX_INT32;
}

/* Of numbers that are known, casts that change none. Activations may be cast to any floating
 * type: they are computed in float32 here, whatever a graph rounds them to. */
static _Bool may_cast(const sn_onnx_value *from, int64_t to)
{
    const sn_tensor *tensor = &from->tensor;
    if (from->kind == SN_VALUE_SIZES || from->kind == SN_VALUE_IDS)
        return is_index(to);
    if (from->kind != SN_VALUE_TENSOR)
        return is_float(to);
    if (tensor->dtype == SN_I64 || tensor->dtype == SN_I32)
        return is_index(to) && (to == SN_ONNX_INT64 || tensor->dtype == SN_I32);
    return (to == SN_ONNX_DOUBLE && tensor->dtype <= SN_BF16) ||
           (to == SN_ONNX_FLOAT && tensor->dtype > SN_F64 && tensor->dtype <= SN_BF16);
}

sentiment_status sn_onnx_op_cast(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    int64_t to;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "to", 0, &to, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!may_cast(from, to))
        return sn_onnx_misfit(call, error, "it casts %s to type %lld",
                              sn_onnx_kind_name(from->kind), (long long)to);
    sn_onnx_become(call->out, from);
    return SENTIMENT_OK;
}

/* Without training it passes everything on. */
sentiment_status sn_onnx_op_dropout(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *training;
    sentiment_status status = sn_onnx_input(call, 2, &training, error);
    if (status != SENTIMENT_OK)
        return status;
    if (training &&
        (training->kind != SN_VALUE_TENSOR || training->tensor.dtype != SN_BOOL ||
         training->tensor.elements != 1 || training->tensor.data[0] != 0))
        return sn_onnx_misfit(call, error, "it is in training mode");
    return sn_onnx_op_pass(call, error);
}

/* ------------------------------------------------------------------ Concat */

static _Bool joins(const sn_tensor *a, const sn_tensor *b, size_t axis)
{
    if (a->dtype != b->dtype || a->rank != b->rank)
        return 0;
    for (uint32_t d = 0; d < a->rank; d++)
        if (d != axis && a->dims[d] != b->dims[d])
            return 0;
    return 1;
}

/* Shape of the whole; every part is looked at. */
static sentiment_status plan_join(sn_onnx_call *call, int64_t axis, sn_tensor *out,
                                  sentiment_error *error)
{
    for (uint32_t i = 0; i < call->node->inputs; i++) {
        const sn_onnx_value *part;
        sentiment_status status = sn_onnx_need(call, i, &part, error);
        if (status != SENTIMENT_OK)
            return status;
        const sn_tensor *tensor = &part->tensor;
        if (part->kind != SN_VALUE_TENSOR)
            return sn_onnx_misfit(call, error, "it joins %s with something else",
                                  sn_onnx_kind_name(part->kind));
        if (i == 0)
            *out = *tensor;
        if (axis < -(int64_t)out->rank || axis >= (int64_t)out->rank ||
            !joins(out, tensor, (size_t)(axis < 0 ? axis + out->rank : axis)))
            return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                     "input %u cannot be joined with the first one", i);
        size_t along = (size_t)(axis < 0 ? axis + out->rank : axis), sum;
        /* Sizes are signed elsewhere; a tensor with an axis of size 0 may have any others. */
        if (i && (!sn_add((size_t)out->dims[along], (size_t)tensor->dims[along], &sum) ||
                  sum > INT64_MAX))
            return sn_onnx_misfit(call, error, "the result is too large");
        if (i)
            out->dims[along] = sum;
    }
    return SENTIMENT_OK;
}

/* Copies a part to where it begins along the axis. */
static void copy_part(const sn_tensor *part, const sn_tensor *whole, size_t axis, uint64_t begin,
                      uint8_t *out)
{
    size_t size = sn_dtype_size(part->dtype);
    for (uint64_t i = 0; i < part->elements; i++) {
        uint64_t left = i, to = begin * whole->strides[axis], from = 0;
        for (uint32_t d = part->rank; d-- > 0;) {
            uint64_t at = left % part->dims[d];
            left /= part->dims[d];
            to += at * whole->strides[d];
            from += at * part->strides[d];
        }
        memcpy(out + to * size, part->data + from * size, size);
    }
}

static sentiment_status join(sn_onnx_call *call, int64_t axis, sentiment_error *error)
{
    sn_onnx_context *context = call->context;
    sn_onnx_value made = {.kind = SN_VALUE_TENSOR};
    uint64_t begin = 0;
    sentiment_status status = plan_join(call, axis, &made.tensor, error);
    if (status != SENTIMENT_OK)
        return status;
    size_t along = (size_t)(axis < 0 ? axis + made.tensor.rank : axis);
    if (!sn_tensor_set_contiguous(&made.tensor) || !spend(context, tensor_bytes(&made.tensor)))
        return sn_onnx_misfit(call, error, "it makes more of the weights than the file holds");
    uint8_t *data = sn_onnx_store_block(&context->store, (size_t)made.tensor.elements,
                                        sn_dtype_size(made.tensor.dtype), error);
    if (!data)
        return SENTIMENT_ERROR_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < call->node->inputs; i++) {
        const sn_onnx_value *part;
        status = sn_onnx_need(call, i, &part, error);
        if (status != SENTIMENT_OK)
            return status;
        copy_part(&part->tensor, &made.tensor, along, begin, data);
        begin += part->tensor.dims[along];
    }
    made.tensor.data = data;
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_concat(sn_onnx_call *call, sentiment_error *error)
{
    int64_t axis;
    _Bool done;
    const sn_onnx_value *first;
    sentiment_status status = sn_onnx_need(call, 0, &first, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "axis", INT64_MIN, &axis, error);
    if (status != SENTIMENT_OK)
        return status;
    if (axis == 0 || axis == -1) {
        status = sn_onnx_join_sizes(call, &done, error);
        if (status != SENTIMENT_OK || done)
            return status;
    }
    return join(call, axis, error);
}
