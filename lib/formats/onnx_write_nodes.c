/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of the network: Gather, Transpose, then for each layer an LSTM and
 * what brings its two directions into one row, the mean over time, Gemm. The
 * initial state is left out: ONNX takes zeros then, as PyTorch does. */
#include <stdio.h>
#include <string.h>

#include "formats/onnx_fields.h"
#include "formats/onnx_write.h"
#include "formats/protobuf_write.h"

/* Axes of ReduceMean and Squeeze became inputs in these versions. */
#define SQUEEZE_AXES_INPUT 13
#define MEAN_AXES_INPUT 18
#define NAME_SIZE 32

/* A node under construction. */
typedef struct builder {
    sn_buffer node;
    sn_buffer attribute;
} builder;

_Bool sn_onnx_uses_axis_time(const sn_onnx_sizes *sizes)
{
    return sizes->opset >= MEAN_AXES_INPUT;
}

_Bool sn_onnx_uses_axis_direction(const sn_onnx_sizes *sizes)
{
    return sizes->directions == 1 && sizes->opset >= SQUEEZE_AXES_INPUT;
}

void sn_onnx_lstm_name(size_t layer, size_t direction, size_t which, char out[SN_ONNX_NAME_SIZE])
{
    static const char *const kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    snprintf(out, SN_ONNX_NAME_SIZE, "lstm.%s_l%zu%s", kinds[which], layer,
             direction ? "_reverse" : "");
}

/* ------------------------------------------------------------------- nodes */

/* Inputs and outputs are NULL-terminated lists; attributes follow. */
static void begin_node(builder *made, const char *operator, const char *name,
                       const char *const *inputs, const char *const *outputs)
{
    for (; *inputs; inputs++)
        sn_proto_put_text(&made->node, SN_NODE_INPUT, *inputs);
    for (; *outputs; outputs++)
        sn_proto_put_text(&made->node, SN_NODE_OUTPUT, *outputs);
    sn_proto_put_text(&made->node, SN_NODE_NAME, name);
    sn_proto_put_text(&made->node, SN_NODE_OP_TYPE, operator);
}

static void put_attribute(builder *made, uint64_t type)
{
    sn_proto_put_number(&made->attribute, SN_ATTRIBUTE_TYPE, type);
    sn_proto_put_message(&made->node, SN_NODE_ATTRIBUTE, &made->attribute);
}

static void add_integer(builder *made, const char *name, uint64_t value)
{
    sn_proto_put_text(&made->attribute, SN_ATTRIBUTE_NAME, name);
    sn_proto_put_number(&made->attribute, SN_ATTRIBUTE_I, value);
    put_attribute(made, SN_ATTRIBUTE_IS_INT);
}

static void add_integers(builder *made, const char *name, const uint64_t *values, size_t count)
{
    sn_proto_put_text(&made->attribute, SN_ATTRIBUTE_NAME, name);
    for (size_t i = 0; i < count; i++)
        sn_proto_put_number(&made->attribute, SN_ATTRIBUTE_INTS, values[i]);
    put_attribute(made, SN_ATTRIBUTE_IS_INTS);
}

static void add_float(builder *made, const char *name, float value)
{
    sn_proto_put_text(&made->attribute, SN_ATTRIBUTE_NAME, name);
    sn_proto_put_float(&made->attribute, SN_ATTRIBUTE_F, value);
    put_attribute(made, SN_ATTRIBUTE_IS_FLOAT);
}

static void add_string(builder *made, const char *name, const char *value)
{
    sn_proto_put_text(&made->attribute, SN_ATTRIBUTE_NAME, name);
    sn_proto_put_text(&made->attribute, SN_ATTRIBUTE_S, value);
    put_attribute(made, SN_ATTRIBUTE_IS_STRING);
}

static void end_node(builder *made, sn_buffer *graph)
{
    sn_proto_put_message(graph, SN_GRAPH_NODE, &made->node);
}

static void put_transpose(builder *made, const char *name, const char *from, const uint64_t *order,
                          size_t rank, sn_buffer *graph)
{
    begin_node(made, "Transpose", name, (const char *[]){from, NULL}, (const char *[]){name, NULL});
    add_integers(made, "perm", order, rank);
    end_node(made, graph);
}

/* Y [T, 1, B, H] becomes [T, B, H]. */
static void put_squeeze(builder *made, const sn_onnx_sizes *sizes, const char *from,
                        const char *name, sn_buffer *graph)
{
    const char *axes = sn_onnx_uses_axis_direction(sizes) ? SN_ONNX_AXIS_DIRECTION : NULL;
    begin_node(made, "Squeeze", name, (const char *[]){from, axes, NULL},
               (const char *[]){name, NULL});
    if (!axes)
        add_integers(made, "axes", (const uint64_t[]){1}, 1);
    end_node(made, graph);
}

/* Y [T, 2, B, H] becomes [T, B, 2, H], then [T, B, 2H]. */
static void put_merge(builder *made, const char *from, const char *name, sn_buffer *graph)
{
    char beside[NAME_SIZE + 8];
    snprintf(beside, sizeof beside, "%s.beside", name);
    put_transpose(made, beside, from, (const uint64_t[]){0, 2, 1, 3}, 4, graph);
    begin_node(made, "Reshape", name, (const char *[]){beside, SN_ONNX_MERGED, NULL},
               (const char *[]){name, NULL});
    end_node(made, graph);
}

static void put_layer(builder *made, const sn_onnx_sizes *sizes, size_t layer, const char *from,
                      const char *name, sn_buffer *graph)
{
    char w[NAME_SIZE], r[NAME_SIZE], b[NAME_SIZE], node[NAME_SIZE], y[NAME_SIZE];
    snprintf(w, sizeof w, "lstm.W_l%zu", layer);
    snprintf(r, sizeof r, "lstm.R_l%zu", layer);
    snprintf(b, sizeof b, "lstm.B_l%zu", layer);
    snprintf(node, sizeof node, "lstm.l%zu", layer);
    snprintf(y, sizeof y, "lstm.Y_l%zu", layer);
    begin_node(made, "LSTM", node, (const char *[]){from, w, r, b, NULL},
               (const char *[]){y, NULL});
    if (sizes->directions == 2)
        add_string(made, "direction", "bidirectional");
    add_integer(made, "hidden_size", sizes->hidden);
    end_node(made, graph);
    if (sizes->directions == 2)
        put_merge(made, y, name, graph);
    else
        put_squeeze(made, sizes, y, name, graph);
}

static void put_head(builder *made, const sn_onnx_sizes *sizes, const char *from, sn_buffer *graph)
{
    const char *axes = sn_onnx_uses_axis_time(sizes) ? SN_ONNX_AXIS_TIME : NULL;
    begin_node(made, "ReduceMean", "pooled", (const char *[]){from, axes, NULL},
               (const char *[]){"pooled", NULL});
    if (!axes)
        add_integers(made, "axes", (const uint64_t[]){0}, 1);
    add_integer(made, "keepdims", 0);
    end_node(made, graph);
    begin_node(made, "Gemm", "fc", (const char *[]){"pooled", "fc.weight", "fc.bias", NULL},
               (const char *[]){"output", NULL});
    add_float(made, "alpha", 1);
    add_float(made, "beta", 1);
    add_integer(made, "transB", 1);
    end_node(made, graph);
}

void sn_onnx_put_nodes(const sn_onnx_sizes *sizes, sn_buffer *graph)
{
    builder made = {.node = {.memory = graph->memory}, .attribute = {.memory = graph->memory}};
    char from[NAME_SIZE] = "embedded.by_time", to[NAME_SIZE];
    begin_node(&made, "Gather", "embedded",
               (const char *[]){"embedding.weight", "input", NULL},
               (const char *[]){"embedded", NULL});
    add_integer(&made, "axis", 0);
    end_node(&made, graph);
    put_transpose(&made, from, "embedded", (const uint64_t[]){1, 0, 2}, 3, graph);
    for (size_t layer = 0; layer < sizes->layers; layer++) {
        snprintf(to, sizeof to, "lstm.out_l%zu", layer);
        put_layer(&made, sizes, layer, from, to, graph);
        memcpy(from, to, sizeof from);
    }
    put_head(&made, sizes, from, graph);
    sn_buffer_free(&made.node);
    sn_buffer_free(&made.attribute);
}

/* --------------------------------------------------------------- signature */

/* One dimension: a name, or where it is NULL a size. */
static void put_dim(const char *name, uint64_t size, sn_buffer *shape)
{
    sn_buffer dim = {.memory = shape->memory};
    if (name)
        sn_proto_put_text(&dim, SN_DIM_PARAM, name);
    else
        sn_proto_put_number(&dim, SN_DIM_VALUE, size);
    sn_proto_put_message(shape, SN_SHAPE_DIM, &dim);
    sn_buffer_free(&dim);
}

static void put_value(uint32_t field, const char *name, uint64_t element, const char *second,
                      uint64_t size, sn_buffer *graph)
{
    sn_buffer shape = {.memory = graph->memory}, tensor = {.memory = graph->memory};
    sn_buffer type = {.memory = graph->memory}, value = {.memory = graph->memory};
    put_dim("batch_size", 0, &shape);
    put_dim(second, size, &shape);
    sn_proto_put_number(&tensor, SN_TYPE_ELEMENT, element);
    sn_proto_put_message(&tensor, SN_TYPE_SHAPE, &shape);
    sn_proto_put_message(&type, SN_TYPE_TENSOR, &tensor);
    sn_proto_put_text(&value, SN_VALUE_NAME, name);
    sn_proto_put_message(&value, SN_VALUE_TYPE, &type);
    sn_proto_put_message(graph, field, &value);
    sn_buffer_free(&shape);
    sn_buffer_free(&tensor);
    sn_buffer_free(&type);
    sn_buffer_free(&value);
}

void sn_onnx_put_signature(const sn_onnx_sizes *sizes, sn_buffer *graph)
{
    put_value(SN_GRAPH_INPUT, "input", SN_ONNX_INT64, "sequence_length", 0, graph);
    put_value(SN_GRAPH_OUTPUT, "output", SN_ONNX_FLOAT, NULL, sizes->classes, graph);
}
