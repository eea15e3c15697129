/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk over the graph: which nodes the output needs, then one after the
 * other, each by the function of its operator. The first that has no place in
 * the classifier ends it. Nothing recurses; every node is looked at twice. */
#include "formats/onnx_eval.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/onnx_fields.h"

static const sn_proto_spec node_specs[] = {{SN_NODE_ATTRIBUTE, SN_PROTO_BYTES, 1}, {0}};
/* 6 and 11 are subgraphs: whoever has them is no operator of the table. */
static const sn_proto_spec attribute_specs[] = {
    {SN_ATTRIBUTE_NAME, SN_PROTO_BYTES, 0},    {SN_ATTRIBUTE_F, SN_PROTO_FIXED32, 0},
    {SN_ATTRIBUTE_I, SN_PROTO_VARINT, 0},      {SN_ATTRIBUTE_S, SN_PROTO_BYTES, 0},
    {SN_ATTRIBUTE_T, SN_PROTO_BYTES, 0},       {SN_ATTRIBUTE_FLOATS, SN_PROTO_FIXED32, 1},
    {SN_ATTRIBUTE_INTS, SN_PROTO_VARINT, 1},   {SN_ATTRIBUTE_STRINGS, SN_PROTO_BYTES, 1},
    {SN_ATTRIBUTE_TYPE, SN_PROTO_VARINT, 0},   {SN_ATTRIBUTE_REFERENCE, SN_PROTO_BYTES, 0},
    {0},
};
/* Bits of the fields of which an attribute has one. */
#define VALUE_FIELDS                                                                               \
    (1u << SN_ATTRIBUTE_F | 1u << SN_ATTRIBUTE_I | 1u << SN_ATTRIBUTE_S | 1u << SN_ATTRIBUTE_T |   \
     1u << SN_ATTRIBUTE_FLOATS | 1u << SN_ATTRIBUTE_INTS | 1u << SN_ATTRIBUTE_STRINGS)

/* Every operator of the network, with the attributes that it may have. */
static const struct {
    const char *name;
    sn_onnx_operator *run;
    const char *attributes; /* each followed by a blank */
} operators[] = {
    {"Add", sn_onnx_op_add, ""},
    {"Cast", sn_onnx_op_cast, "to saturate "},
    {"Concat", sn_onnx_op_concat, "axis "},
    {"Constant", sn_onnx_op_constant, "value value_int value_ints value_float value_floats "},
    {"ConstantOfShape", sn_onnx_op_constant_of_shape, "value "},
    {"Dropout", sn_onnx_op_dropout, "ratio seed "},
    {"Expand", sn_onnx_op_expand, ""},
    {"Gather", sn_onnx_op_gather, "axis "},
    {"Gemm", sn_onnx_op_gemm, "alpha beta transA transB "},
    {"Identity", sn_onnx_op_pass, ""},
    {"LSTM", sn_onnx_op_lstm,
     "activation_alpha activation_beta activations clip direction hidden_size input_forget "
     "layout "},
    {"MatMul", sn_onnx_op_matmul, ""},
    {"Mul", sn_onnx_op_mul, ""},
    {"ReduceMean", sn_onnx_op_reduce_mean, "axes keepdims noop_with_empty_axes "},
    {"Reshape", sn_onnx_op_reshape, "allowzero "},
    {"Shape", sn_onnx_op_shape, "start end "},
    {"Slice", sn_onnx_op_slice, ""},
    {"Squeeze", sn_onnx_op_squeeze, "axes "},
    {"Transpose", sn_onnx_op_transpose, "perm "},
    {"Unsqueeze", sn_onnx_op_unsqueeze, "axes "},
};

/* ------------------------------------------------------------------ errors */

SN_PRINTF(4, 0)
static sentiment_status report(const sn_onnx_call *call, sentiment_status code,
                               sentiment_error *error, const char *format, va_list arguments)
{
    char reason[256], name[SN_QUOTE_SIZE], operator[SN_QUOTE_SIZE];
    const sn_onnx_node *node = call->node;
    vsnprintf(reason, sizeof reason, format, arguments);
    sn_quote(name, node->name.data, node->name.size);
    if (!node->name.size)
        snprintf(name, sizeof name, "number %u", call->number);
    return sn_fail(error, code, node->body.position, "onnx: node %s (%s) does not fit: %s", name,
                   sn_quote(operator, node->operator.data, node->operator.size), reason);
}

sentiment_status sn_onnx_misfit(const sn_onnx_call *call, sentiment_error *error,
                                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sentiment_status status =
        report(call, SENTIMENT_ERROR_UNSUPPORTED, error, format, arguments);
    va_end(arguments);
    return status;
}

sentiment_status sn_onnx_misfit_as(const sn_onnx_call *call, sentiment_status code,
                                   sentiment_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    sentiment_status status = report(call, code, error, format, arguments);
    va_end(arguments);
    return status;
}

/* -------------------------------------------------------------- attributes */

static void take_string(const sn_proto_field *field, sn_onnx_attribute *out)
{
    if (out->count < SN_ONNX_RANK)
        out->strings[out->count].data = sn_proto_data(field, &out->strings[out->count].size);
    out->count++;
}

/* Numbers past the room are counted: nobody can use so many. */
static sentiment_status take_numbers(sn_proto_field *field, sn_onnx_attribute *out,
                                     sentiment_error *error)
{
    _Bool state = 0, whole = field->number == SN_ATTRIBUTE_INTS;
    uint64_t value;
    int more;
    while ((more = sn_proto_next_value(field, whole ? SN_PROTO_VARINT : SN_PROTO_FIXED32, &state,
                                       &value, error)) > 0) {
        uint32_t bits = (uint32_t)value;
        if (out->count < SN_ONNX_RANK && whole)
            out->integers[out->count] = value;
        else if (out->count < SN_ONNX_RANK)
            memcpy(&out->numbers[out->count], &bits, sizeof bits);
        out->count++;
    }
    return more;
}

static void take_scalar(const sn_proto_field *field, sn_onnx_attribute *out)
{
    uint32_t bits = (uint32_t)field->value;
    switch (field->number) {
    case SN_ATTRIBUTE_NAME:
        out->name.data = sn_proto_data(field, &out->name.size);
        break;
    case SN_ATTRIBUTE_F:
        memcpy(&out->number, &bits, sizeof bits);
        break;
    case SN_ATTRIBUTE_I:
        out->integer = field->value;
        break;
    case SN_ATTRIBUTE_S:
        out->text.data = sn_proto_data(field, &out->text.size);
        break;
    case SN_ATTRIBUTE_T:
        out->tensor = field->bytes;
        break;
    default:
        out->type = field->value;
        break;
    }
}

static sentiment_status read_attribute(const sn_onnx_call *call, const sn_proto_field *from,
                                       sn_onnx_attribute *out, sentiment_error *error)
{
    sn_proto message = sn_proto_enter(from, attribute_specs, "attribute");
    sn_proto_field field;
    int more;
    *out = (sn_onnx_attribute){.name = {(const uint8_t *)"", 0}, .text = {(const uint8_t *)"", 0}};
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        sentiment_status status = SENTIMENT_OK;
        if (field.number == SN_ATTRIBUTE_REFERENCE)
            return sn_onnx_misfit(call, error, "an attribute refers to a function's");
        if (field.number == SN_ATTRIBUTE_STRINGS)
            take_string(&field, out);
        else if (field.number == SN_ATTRIBUTE_INTS || field.number == SN_ATTRIBUTE_FLOATS)
            status = take_numbers(&field, out, error);
        else
            take_scalar(&field, out);
        if (status != SENTIMENT_OK)
            return status;
    }
    uint64_t values = message.seen & VALUE_FIELDS;
    if (more == 0 && values & (values - 1))
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                 "an attribute of it has values of more than one type");
    return more;
}

/* Whether the blank-separated list holds the name. */
static _Bool is_known(const char *list, sn_name name)
{
    while (*list) {
        size_t length = strcspn(list, " ");
        if (name.size == length && memcmp(name.data, list, length) == 0)
            return 1;
        list += length + 1;
    }
    return 0;
}

/* All of them, so that none goes unseen that would change what the node does. */
static sentiment_status read_attributes(sn_onnx_call *call, const char *known,
                                        sentiment_error *error)
{
    sn_proto message = {.cursor = call->node->body, .specs = node_specs, .what = "node"};
    sn_proto_field field;
    int more;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        char quoted[SN_QUOTE_SIZE];
        if (call->attribute_count == SN_ONNX_ATTRIBUTES_MOST)
            return sn_onnx_misfit(call, error, "it has more than %d attributes",
                                  SN_ONNX_ATTRIBUTES_MOST);
        sn_onnx_attribute *made = &call->attributes[call->attribute_count];
        sentiment_status status = read_attribute(call, &field, made, error);
        if (status != SENTIMENT_OK)
            return status;
        sn_quote(quoted, made->name.data, made->name.size);
        if (!is_known(known, made->name))
            return sn_onnx_misfit(call, error, "its attribute %s is not known", quoted);
        for (size_t i = 0; i < call->attribute_count; i++)
            if (sn_name_compare(call->attributes[i].name, made->name) == 0)
                return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                         "its attribute %s stands twice", quoted);
        call->attribute_count++;
    }
    return more;
}

const sn_onnx_attribute *sn_onnx_find_attribute(const sn_onnx_call *call, const char *name)
{
    for (size_t i = 0; i < call->attribute_count; i++)
        if (sn_name_is(call->attributes[i].name, name))
            return &call->attributes[i];
    return NULL;
}

sentiment_status sn_onnx_typed(const sn_onnx_call *call, const char *name, uint64_t type,
                               const sn_onnx_attribute **out, sentiment_error *error)
{
    const sn_onnx_attribute *found = sn_onnx_find_attribute(call, name);
    if (found && found->type != type)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error,
                                 "its attribute '%s' has the type %llu, expected %llu", name,
                                 (unsigned long long)found->type, (unsigned long long)type);
    *out = found;
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_integer(const sn_onnx_call *call, const char *name, int64_t otherwise,
                                 int64_t *out, sentiment_error *error)
{
    const sn_onnx_attribute *found = NULL;
    sentiment_status status = sn_onnx_typed(call, name, SN_ATTRIBUTE_IS_INT, &found, error);
    *out = found ? (int64_t)found->integer : otherwise;
    return status;
}

sentiment_status sn_onnx_float(const sn_onnx_call *call, const char *name, float otherwise,
                               float *out, sentiment_error *error)
{
    const sn_onnx_attribute *found = NULL;
    sentiment_status status = sn_onnx_typed(call, name, SN_ATTRIBUTE_IS_FLOAT, &found, error);
    *out = found ? found->number : otherwise;
    return status;
}

/* ------------------------------------------------------------------ inputs */

/* The tensor of an initializer is read when the first node asks for it. */
static sentiment_status open_value(sn_onnx_context *context, sn_onnx_value *value,
                                   sentiment_error *error)
{
    char quoted[SN_QUOTE_SIZE], what[SN_QUOTE_SIZE + 16];
    if (!value->is_proto)
        return SENTIMENT_OK;
    snprintf(what, sizeof what, "initializer %s",
             sn_quote(quoted, value->name.data, value->name.size));
    sentiment_status status =
        sn_onnx_read_tensor(&context->store, value->proto, what, &value->tensor, error);
    if (status != SENTIMENT_OK)
        return status;
    value->is_proto = 0;
    value->kind = SN_VALUE_TENSOR;
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_input(sn_onnx_call *call, uint32_t index, const sn_onnx_value **out,
                               sentiment_error *error)
{
    const sn_onnx_node *node = call->node;
    sn_onnx_graph *graph = call->context->graph;
    *out = NULL;
    if (index >= node->inputs || graph->references[node->first + index] == SN_ONNX_NONE)
        return SENTIMENT_OK;
    sn_onnx_value *value = &graph->values[graph->references[node->first + index]];
    sentiment_status status = open_value(call->context, value, error);
    if (status == SENTIMENT_OK)
        *out = value;
    return status;
}

sentiment_status sn_onnx_need(sn_onnx_call *call, uint32_t index, const sn_onnx_value **out,
                              sentiment_error *error)
{
    sentiment_status status = sn_onnx_input(call, index, out, error);
    if (status == SENTIMENT_OK && !*out)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error, "its input %u is missing",
                                 index);
    return status;
}

const char *sn_onnx_kind_name(uint32_t kind)
{
    static const char *const names[] = {
        [SN_VALUE_UNKNOWN] = "something unknown",
        [SN_VALUE_TENSOR] = "a constant",
        [SN_VALUE_SIZES] = "a list of sizes",
        [SN_VALUE_ZEROS] = "zeros",
        [SN_VALUE_IDS] = "the token ids",
        [SN_VALUE_STEPS] = "what each position has",
        [SN_VALUE_STATE] = "the last state of an LSTM",
        [SN_VALUE_POOLED] = "the mean over the positions",
        [SN_VALUE_PRODUCT] = "the product with fc.weight",
        [SN_VALUE_LOGITS] = "the logits",
    };
    return names[kind];
}

/* -------------------------------------------------------------------- walk */

/* Backwards from the output: the nodes stand in order. */
static void mark_needed(sn_onnx_graph *graph)
{
    uint32_t last = graph->values[graph->output].node;
    if (last != SN_ONNX_NONE)
        graph->nodes[last].needed = 1;
    for (size_t i = graph->node_count; i-- > 0;) {
        const sn_onnx_node *node = &graph->nodes[i];
        for (uint32_t j = 0; node->needed && j < node->inputs; j++) {
            uint32_t value = graph->references[node->first + j];
            if (value != SN_ONNX_NONE && graph->values[value].node != SN_ONNX_NONE)
                graph->nodes[graph->values[value].node].needed = 1;
        }
    }
}

static sentiment_status run_node(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_node *node = call->node;
    sn_onnx_graph *graph = call->context->graph;
    char quoted[SN_QUOTE_SIZE];
    if (node->domain.size && !sn_name_is(node->domain, "ai.onnx"))
        return sn_onnx_misfit(call, error, "its operator is of the domain %s",
                              sn_quote(quoted, node->domain.data, node->domain.size));
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (!sn_name_is(node->operator, operators[i].name))
            continue;
        uint32_t first = node->outputs ? graph->references[node->first + node->inputs]
                                       : SN_ONNX_NONE;
        sn_onnx_value unused = {0};
        call->out = first == SN_ONNX_NONE ? &unused : &graph->values[first];
        sentiment_status status = read_attributes(call, operators[i].attributes, error);
        return status == SENTIMENT_OK ? operators[i].run(call, error) : status;
    }
    return sn_onnx_misfit(call, error, "the classifier has no such operator");
}

sentiment_status sn_onnx_evaluate(sn_onnx_context *context, sentiment_error *error)
{
    static const uint8_t expected[] = {SN_AXIS_BATCH, SN_AXIS_CLASS};
    sn_onnx_graph *graph = context->graph;
    mark_needed(graph);
    for (size_t i = 0; i < graph->node_count; i++) {
        sn_onnx_call call = {
            .context = context, .node = &graph->nodes[i], .number = (uint32_t)i};
        if (!graph->nodes[i].needed)
            continue;
        if (sentiment_cancel_requested(context->store.options->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        sentiment_status status = run_node(&call, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    const sn_onnx_value *output = &graph->values[graph->output];
    /* A bias of other logits is none of these. */
    _Bool is_bare = output->kind == SN_VALUE_PRODUCT && !context->network.has_fc_bias;
    if ((output->kind == SN_VALUE_LOGITS || is_bare) && output->rank == 2 &&
        sn_onnx_axes_are(output, expected, 2) && output->layers == context->network.layer_count)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                   "onnx: the graph's output is %s; expected logits of the shape [batch, classes]",
                   sn_onnx_kind_name(output->kind));
}
