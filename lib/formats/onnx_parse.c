/* SPDX-License-Identifier: Apache-2.0
 *
 * From the bytes of a ModelProto to a graph: everything is counted first, then
 * memory is taken once, then filled; then names become numbers. The nodes must
 * stand in an order in which each finds its inputs, as ONNX demands, so that
 * nobody needs to look for cycles. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/onnx_fields.h"
#include "formats/onnx_graph.h"

/* Of metadata_props: a hostile file must not make many small blocks of few bytes. */
#define ENTRIES_MOST 65536

#define ONE(number, wire) {number, wire, 0}
#define MANY(number, wire) {number, wire, 1}

static const sn_proto_spec model_specs[] = {
    ONE(SN_MODEL_IR_VERSION, SN_PROTO_VARINT), ONE(SN_MODEL_GRAPH, SN_PROTO_BYTES),
    MANY(SN_MODEL_OPSET_IMPORT, SN_PROTO_BYTES), MANY(SN_MODEL_METADATA, SN_PROTO_BYTES),
    MANY(SN_MODEL_FUNCTION, SN_PROTO_BYTES), {0},
};
static const sn_proto_spec opset_specs[] = {
    ONE(SN_OPSET_DOMAIN, SN_PROTO_BYTES), ONE(SN_OPSET_VERSION, SN_PROTO_VARINT), {0}};
static const sn_proto_spec entry_specs[] = {
    ONE(SN_ENTRY_KEY, SN_PROTO_BYTES), ONE(SN_ENTRY_VALUE, SN_PROTO_BYTES), {0}};
static const sn_proto_spec function_specs[] = {ONE(SN_FUNCTION_DOMAIN, SN_PROTO_BYTES), {0}};
static const sn_proto_spec graph_specs[] = {
    MANY(SN_GRAPH_NODE, SN_PROTO_BYTES),   MANY(SN_GRAPH_INITIALIZER, SN_PROTO_BYTES),
    MANY(SN_GRAPH_INPUT, SN_PROTO_BYTES),  MANY(SN_GRAPH_OUTPUT, SN_PROTO_BYTES),
    MANY(SN_GRAPH_SPARSE_INITIALIZER, SN_PROTO_BYTES), {0},
};
static const sn_proto_spec node_specs[] = {
    MANY(SN_NODE_INPUT, SN_PROTO_BYTES),  MANY(SN_NODE_OUTPUT, SN_PROTO_BYTES),
    ONE(SN_NODE_NAME, SN_PROTO_BYTES),    ONE(SN_NODE_OP_TYPE, SN_PROTO_BYTES),
    ONE(SN_NODE_DOMAIN, SN_PROTO_BYTES), {0},
};
static const sn_proto_spec tensor_specs[] = {ONE(SN_TENSOR_NAME, SN_PROTO_BYTES), {0}};
static const sn_proto_spec value_specs[] = {
    ONE(SN_VALUE_NAME, SN_PROTO_BYTES), ONE(SN_VALUE_TYPE, SN_PROTO_BYTES), {0}};

/* Something with a name that can be a node's input. At most 64 bytes, for sn_sort. */
typedef struct definition {
    sn_name name;
    sn_cursor proto; /* of an initializer or of an input */
    uint32_t node;   /* SN_ONNX_NONE for those two */
    uint32_t rank;   /* among those of one name the first counts */
    uint32_t is_input;
} definition;

enum { BY_INITIALIZER, BY_NODE, BY_INPUT };

/* What there is to fill, with what has been filled so far. */
typedef struct parse {
    sn_onnx_graph *graph;
    sn_proto message; /* the GraphProto */
    size_t nodes, definitions, references, inputs, outputs, metadata;
    definition *defined;
    sn_name *names; /* of the references */
    sn_name output;
} parse;

SN_PRINTF(3, 4)
static sentiment_status bad(sentiment_error *error, uint64_t offset, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, offset, "onnx: %s", text);
}

static sn_name text_of(const sn_proto_field *field)
{
    sn_name name;
    name.data = sn_proto_data(field, &name.size);
    return name;
}

/* The one BYTES field `number` of a message, empty where it is not there. */
static sentiment_status read_text(const sn_proto_field *field, const sn_proto_spec *specs,
                                  const char *what, uint32_t number, sn_name *out,
                                  sentiment_error *error)
{
    sn_proto message = sn_proto_enter(field, specs, what);
    sn_proto_field inner;
    int more;
    *out = (sn_name){(const uint8_t *)"", 0};
    while ((more = sn_proto_next(&message, &inner, error)) > 0)
        if (inner.number == number)
            *out = text_of(&inner);
    return more;
}

static _Bool is_standard(sn_name domain)
{
    return domain.size == 0 || sn_name_is(domain, "ai.onnx");
}

/* ------------------------------------------------------------------- model */

static sentiment_status read_opset(const sn_proto_field *field, sn_onnx_graph *graph,
                                   sentiment_error *error)
{
    sn_proto message = sn_proto_enter(field, opset_specs, "opset_import");
    sn_proto_field inner;
    sn_name domain = {(const uint8_t *)"", 0};
    uint64_t version = 0;
    int more;
    while ((more = sn_proto_next(&message, &inner, error)) > 0) {
        if (inner.number == SN_OPSET_DOMAIN)
            domain = text_of(&inner);
        else
            version = inner.value;
    }
    if (more < 0 || !is_standard(domain))
        return more;
    if (graph->opset)
        return bad(error, field->offset, "two versions of the standard operators are imported");
    if (version < SN_ONNX_OPSET_MIN || version > SN_ONNX_OPSET_READ_MAX)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, field->offset,
                       "onnx: operator set %llu is not supported; expected %d to %d",
                       (unsigned long long)version, SN_ONNX_OPSET_MIN, SN_ONNX_OPSET_READ_MAX);
    graph->opset = version;
    return SENTIMENT_OK;
}

/* Functions of other domains are no operators known here; one of the standard
 * domain could change what a known one means. */
static sentiment_status check_function(const sn_proto_field *field, sentiment_error *error)
{
    sn_name domain;
    sentiment_status status = read_text(field, function_specs, "function", SN_FUNCTION_DOMAIN,
                                        &domain, error);
    if (status == SENTIMENT_OK && is_standard(domain))
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, field->offset,
                       "onnx: the model defines a standard operator anew");
    return status;
}

static sentiment_status read_entry(const sn_proto_field *field, sn_onnx_graph *graph,
                                   sentiment_error *error)
{
    sn_onnx_entry *entry = &graph->metadata[graph->metadata_count];
    sentiment_status status =
        read_text(field, entry_specs, "metadata_props", SN_ENTRY_KEY, &entry->key, error);
    if (status == SENTIMENT_OK)
        status = read_text(field, entry_specs, "metadata_props", SN_ENTRY_VALUE, &entry->value,
                           error);
    graph->metadata_count += status == SENTIMENT_OK;
    return status;
}

/* First walk over the model: what it imports, where its graph is. */
static sentiment_status scan_model(sn_proto model, parse *state, sentiment_error *error)
{
    sn_proto_field field;
    int more;
    _Bool has_graph = 0;
    while ((more = sn_proto_next(&model, &field, error)) > 0) {
        sentiment_status status = SENTIMENT_OK;
        if (field.number == SN_MODEL_GRAPH) {
            state->message = sn_proto_enter(&field, graph_specs, "graph");
            has_graph = 1;
        } else if (field.number == SN_MODEL_OPSET_IMPORT) {
            status = read_opset(&field, state->graph, error);
        } else if (field.number == SN_MODEL_FUNCTION) {
            status = check_function(&field, error);
        } else if (field.number == SN_MODEL_METADATA) {
            state->metadata++;
        }
        if (status != SENTIMENT_OK)
            return status;
    }
    if (more < 0)
        return more;
    if (state->metadata > ENTRIES_MOST)
        return bad(error, SN_NO_OFFSET, "metadata_props has %zu entries; at most %d are read",
                   state->metadata, ENTRIES_MOST);
    if (!has_graph || !state->graph->opset)
        return bad(error, SN_NO_OFFSET, "the model has no %s",
                   has_graph ? "version of the standard operators" : "graph");
    return SENTIMENT_OK;
}

/* Second walk, for what is a list in it. */
static sentiment_status read_metadata(sn_proto model, sn_onnx_graph *graph,
                                      sentiment_error *error)
{
    sn_proto_field field;
    int more;
    while ((more = sn_proto_next(&model, &field, error)) > 0) {
        if (field.number != SN_MODEL_METADATA)
            continue;
        sentiment_status status = read_entry(&field, graph, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    return more;
}

/* ------------------------------------------------------------------- graph */

static sentiment_status count_references(const sn_proto_field *field, parse *state,
                                         sentiment_error *error)
{
    sn_proto node = sn_proto_enter(field, node_specs, "node");
    sn_proto_field inner;
    int more;
    while ((more = sn_proto_next(&node, &inner, error)) > 0) {
        state->references += inner.number == SN_NODE_INPUT || inner.number == SN_NODE_OUTPUT;
        state->definitions += inner.number == SN_NODE_OUTPUT;
    }
    return more;
}

static sentiment_status count_graph(parse *state, sentiment_error *error)
{
    sn_proto message = state->message;
    sn_proto_field field;
    int more;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        sentiment_status status = SENTIMENT_OK;
        state->definitions +=
            field.number == SN_GRAPH_INITIALIZER || field.number == SN_GRAPH_INPUT;
        state->outputs += field.number == SN_GRAPH_OUTPUT;
        if (field.number == SN_GRAPH_NODE) {
            state->nodes++;
            status = count_references(&field, state, error);
        } else if (field.number == SN_GRAPH_SPARSE_INITIALIZER) {
            status = sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, field.offset,
                             "onnx: sparse initializers are not supported");
        }
        if (status != SENTIMENT_OK)
            return status;
    }
    if (more < 0)
        return more;
    if (state->definitions > SN_ONNX_VALUES_MOST || state->nodes > SN_ONNX_VALUES_MOST ||
        state->references > SN_ONNX_REFERENCES_MOST)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "onnx: the graph has %zu nodes and %zu values; at most %d are supported",
                       state->nodes, state->definitions, SN_ONNX_VALUES_MOST);
    if (state->outputs != 1)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "onnx: the graph has %zu outputs; the classifier has one, the logits",
                       state->outputs);
    return SENTIMENT_OK;
}

static void define(parse *state, sn_name name, sn_cursor proto, uint32_t node, uint32_t rank)
{
    state->defined[state->definitions++] =
        (definition){name, proto, node, rank, rank == BY_INPUT};
}

/* The names of the node itself, and its inputs. */
static sentiment_status read_node(const sn_proto_field *field, parse *state,
                                  sentiment_error *error)
{
    sn_onnx_node *node = &state->graph->nodes[state->graph->node_count++];
    const sn_name empty = {(const uint8_t *)"", 0};
    sn_proto message = sn_proto_enter(field, node_specs, "node");
    sn_proto_field inner;
    int more;
    *node = (sn_onnx_node){.name = empty, .operator = empty, .domain = empty,
                           .body = field->bytes, .first = (uint32_t)state->references};
    while ((more = sn_proto_next(&message, &inner, error)) > 0) {
        sn_name text = text_of(&inner);
        if (inner.number == SN_NODE_NAME) {
            node->name = text;
        } else if (inner.number == SN_NODE_OP_TYPE) {
            node->operator = text;
        } else if (inner.number == SN_NODE_DOMAIN) {
            node->domain = text;
        } else if (inner.number == SN_NODE_INPUT) {
            state->names[state->references++] = text;
            node->inputs++;
        }
    }
    return more;
}

/* A walk of their own: protobuf allows fields in any order. */
static sentiment_status read_outputs(const sn_proto_field *field, parse *state,
                                     sentiment_error *error)
{
    uint32_t number = (uint32_t)state->graph->node_count - 1;
    sn_proto message = sn_proto_enter(field, node_specs, "node");
    sn_proto_field inner;
    int more;
    while ((more = sn_proto_next(&message, &inner, error)) > 0) {
        if (inner.number != SN_NODE_OUTPUT)
            continue;
        sn_name text = text_of(&inner);
        state->names[state->references++] = text;
        state->graph->nodes[number].outputs++;
        if (text.size)
            define(state, text, inner.bytes, number, BY_NODE);
    }
    return more;
}

static sentiment_status fill_graph(parse *state, sentiment_error *error)
{
    sn_proto message = state->message;
    sn_proto_field field;
    int more;
    state->definitions = state->references = 0;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        sentiment_status status = SENTIMENT_OK;
        sn_name name;
        if (field.number == SN_GRAPH_NODE) {
            status = read_node(&field, state, error);
            if (status == SENTIMENT_OK)
                status = read_outputs(&field, state, error);
        } else if (field.number == SN_GRAPH_INITIALIZER) {
            status = read_text(&field, tensor_specs, "tensor", SN_TENSOR_NAME, &name, error);
            define(state, name, field.bytes, SN_ONNX_NONE, BY_INITIALIZER);
        } else if (field.number == SN_GRAPH_INPUT) {
            status = read_text(&field, value_specs, "input", SN_VALUE_NAME, &name, error);
            define(state, name, field.bytes, SN_ONNX_NONE, BY_INPUT);
        } else {
            status = read_text(&field, value_specs, "output", SN_VALUE_NAME, &state->output, error);
        }
        if (status != SENTIMENT_OK)
            return status;
    }
    return more;
}

/* ------------------------------------------------------------------- names */

static int by_name(const void *a, const void *b)
{
    const definition *left = a, *right = b;
    int order = sn_name_compare(left->name, right->name);
    return order ? order : (left->rank > right->rank) - (left->rank < right->rank);
}

/* Until version 4 of the format an initializer was an input too: a default. */
static sentiment_status make_values(parse *state, sentiment_error *error)
{
    sn_onnx_graph *graph = state->graph;
    char quoted[SN_QUOTE_SIZE];
    sn_sort(state->defined, state->definitions, sizeof *state->defined, by_name);
    for (size_t i = 0; i < state->definitions; i++) {
        const definition *from = &state->defined[i], *before = from - 1;
        _Bool again = i && sn_name_compare(before->name, from->name) == 0;
        if (again && from->is_input && before->rank == BY_INITIALIZER)
            continue;
        if (again || from->name.size == 0)
            return bad(error, SN_NO_OFFSET, "the value %s %s",
                       sn_quote(quoted, from->name.data, from->name.size),
                       again ? "is given twice" : "has no name");
        if (from->is_input && state->inputs++)
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "onnx: the graph has more than one input: %s; the classifier has one, "
                           "the token ids",
                           sn_quote(quoted, from->name.data, from->name.size));
        if (from->is_input)
            graph->input = (uint32_t)graph->value_count;
        graph->values[graph->value_count++] =
            (sn_onnx_value){.name = from->name,
                            .proto = from->proto,
                            .is_proto = from->node == SN_ONNX_NONE && !from->is_input,
                            .node = from->node};
        if (from->is_input)
            graph->values[graph->input].proto = from->proto;
    }
    return state->inputs ? SENTIMENT_OK
                         : sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                                   "onnx: the graph has no input; the classifier has one, the "
                                   "token ids");
}

static uint32_t find_value(const sn_onnx_graph *graph, sn_name name)
{
    size_t low = 0, high = graph->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = sn_name_compare(graph->values[middle].name, name);
        if (order == 0)
            return (uint32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SN_ONNX_NONE;
}

/* Names to numbers; a node takes only what stands before it. */
static sentiment_status link_nodes(parse *state, sentiment_error *error)
{
    sn_onnx_graph *graph = state->graph;
    char quoted[SN_QUOTE_SIZE];
    for (size_t i = 0; i < graph->node_count; i++) {
        const sn_onnx_node *node = &graph->nodes[i];
        for (uint32_t j = 0; j < node->inputs + node->outputs; j++) {
            sn_name name = state->names[node->first + j];
            uint32_t value = name.size ? find_value(graph, name) : SN_ONNX_NONE;
            graph->references[node->first + j] = value;
            if (j >= node->inputs || name.size == 0)
                continue;
            _Bool known = value != SN_ONNX_NONE && (graph->values[value].node == SN_ONNX_NONE ||
                                                    graph->values[value].node < i);
            if (!known)
                return bad(error, SN_NO_OFFSET, "node %zu takes %s, which nothing before it gives",
                           i, sn_quote(quoted, name.data, name.size));
        }
    }
    graph->output = find_value(graph, state->output);
    if (graph->output == SN_ONNX_NONE)
        return bad(error, SN_NO_OFFSET, "nothing gives the graph's output %s",
                   sn_quote(quoted, state->output.data, state->output.size));
    return SENTIMENT_OK;
}

/* -------------------------------------------------------------------- all */

static sentiment_status allocate(parse *state, sentiment_error *error)
{
    sn_onnx_graph *graph = state->graph;
    const sn_memory *memory = graph->memory;
    graph->nodes = sn_alloc(memory, state->nodes, sizeof *graph->nodes);
    graph->values = sn_alloc(memory, state->definitions, sizeof *graph->values);
    graph->references = sn_alloc(memory, state->references, sizeof *graph->references);
    graph->metadata = sn_alloc(memory, state->metadata, sizeof *graph->metadata);
    state->defined = sn_alloc(memory, state->definitions, sizeof *state->defined);
    state->names = sn_alloc(memory, state->references, sizeof *state->names);
    return graph->nodes && graph->values && graph->references && graph->metadata &&
                   state->defined && state->names
               ? SENTIMENT_OK
               : sn_fail_memory(error, "the graph");
}

sentiment_status sn_onnx_parse(const uint8_t *data, size_t size, sn_onnx_graph *graph,
                               sentiment_error *error)
{
    const sn_proto model = {
        .cursor = {data, size, 0}, .specs = model_specs, .what = "model"};
    parse state = {.graph = graph};
    sentiment_status status = scan_model(model, &state, error);
    if (status == SENTIMENT_OK)
        status = count_graph(&state, error);
    if (status == SENTIMENT_OK)
        status = allocate(&state, error);
    if (status == SENTIMENT_OK)
        status = read_metadata(model, graph, error);
    if (status == SENTIMENT_OK)
        status = fill_graph(&state, error);
    if (status == SENTIMENT_OK)
        status = make_values(&state, error);
    if (status == SENTIMENT_OK)
        status = link_nodes(&state, error);
    sn_free(graph->memory, state.defined);
    sn_free(graph->memory, state.names);
    return status;
}

void sn_onnx_graph_free(sn_onnx_graph *graph)
{
    if (!graph->memory)
        return;
    sn_free(graph->memory, graph->nodes);
    sn_free(graph->memory, graph->values);
    sn_free(graph->memory, graph->references);
    sn_free(graph->memory, graph->metadata);
}
