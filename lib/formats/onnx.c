/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader of ONNX files: parse, follow the graph, and copy the weights that were
 * found into one block, with PyTorch's names and its order of the gates. After
 * that the file is no longer needed. */
#include "formats/onnx.h"

#include <string.h>

#include "base/cursor.h"
#include "formats/folder.h"
#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"
#include "formats/onnx_write.h"

/* What constants may be worked on in a small file. */
#define WORK_LEAST ((uint64_t)1 << 20)
#define GATES 4

_Bool sn_onnx_probe(const uint8_t *data, size_t size)
{
    /* Field 1 is the version of the format; the next field is one of a model's: a text or a
     * message, or its own version, which is the number in field 5. */
    return size > 4 && data[0] == 0x08 && data[1] > 0 && data[1] < 0x80 && data[2] != 0 &&
           ((data[2] & 7) == 2 || data[2] == (5 << 3 | SN_PROTO_VARINT));
}

/* ------------------------------------------------------------------- input */

static const sn_proto_spec value_specs[] = {{SN_VALUE_TYPE, SN_PROTO_BYTES, 0}, {0}};
static const sn_proto_spec type_specs[] = {{SN_TYPE_TENSOR, SN_PROTO_BYTES, 0}, {0}};
static const sn_proto_spec tensor_specs[] = {
    {SN_TYPE_ELEMENT, SN_PROTO_VARINT, 0}, {SN_TYPE_SHAPE, SN_PROTO_BYTES, 0}, {0}};
static const sn_proto_spec shape_specs[] = {{SN_SHAPE_DIM, SN_PROTO_BYTES, 1}, {0}};
static const sn_proto_spec dim_specs[] = {{SN_DIM_VALUE, SN_PROTO_VARINT, 0}, {0}};

/* What the graph says of its input. */
typedef struct signature {
    uint64_t type;
    _Bool has_shape;
    size_t rank;
    uint64_t sizes[2]; /* 0: any */
} signature;

static sentiment_status read_shape(const sn_proto_field *from, signature *out,
                                   sentiment_error *error)
{
    sn_proto shape = sn_proto_enter(from, shape_specs, "shape");
    sn_proto_field field, inner;
    int more;
    out->has_shape = 1;
    while ((more = sn_proto_next(&shape, &field, error)) > 0) {
        sn_proto dim = sn_proto_enter(&field, dim_specs, "dimension");
        int found = sn_proto_next(&dim, &inner, error);
        if (found < 0)
            return found;
        if (found && (inner.value == 0 || inner.value > INT32_MAX))
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, inner.offset,
                           "onnx: a dimension of the graph's input is %lld",
                           (long long)inner.value);
        if (out->rank < 2)
            out->sizes[out->rank] = found ? inner.value : 0;
        out->rank++;
    }
    return more;
}

/* ValueInfoProto, TypeProto, TypeProto.Tensor: each lies in the one before. */
static sentiment_status read_signature(sn_cursor value, signature *out, sentiment_error *error)
{
    sn_proto outer = {.cursor = value, .specs = value_specs, .what = "input"};
    sn_proto_field field;
    int more = sn_proto_next(&outer, &field, error);
    if (more > 0) {
        sn_proto type = sn_proto_enter(&field, type_specs, "type");
        more = sn_proto_next(&type, &field, error);
    }
    if (more <= 0)
        return more;
    sn_proto tensor = sn_proto_enter(&field, tensor_specs, "tensor type");
    while ((more = sn_proto_next(&tensor, &field, error)) > 0) {
        if (field.number == SN_TYPE_ELEMENT) {
            out->type = field.value;
        } else {
            sentiment_status status = read_shape(&field, out, error);
            if (status != SENTIMENT_OK)
                return status;
        }
    }
    return more;
}

/* The token ids: whole numbers of the shape [batch, sequence]. A graph of fixed
 * sizes is the same network; its Reshapes then name them as numbers. */
static sentiment_status open_input(sn_onnx_graph *graph, sentiment_error *error)
{
    sn_onnx_value *input = &graph->values[graph->input];
    signature said = {.type = 0};
    char quoted[SN_QUOTE_SIZE];
    sentiment_status status = read_signature(input->proto, &said, error);
    if (status != SENTIMENT_OK)
        return status;
    if ((said.type != SN_ONNX_INT64 && said.type != SN_ONNX_INT32) ||
        (said.has_shape && said.rank != 2))
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "onnx: the graph's input %s has the type %llu and %zu axes; expected whole "
                       "numbers, [batch, sequence]",
                       sn_quote(quoted, input->name.data, input->name.size),
                       (unsigned long long)said.type, said.rank);
    input->kind = SN_VALUE_IDS;
    input->rank = 2;
    input->axes[0] = SN_AXIS_BATCH;
    input->axes[1] = SN_AXIS_TIME;
    input->dims[0] = said.sizes[0] ? sn_onnx_plain((int64_t)said.sizes[0])
                                   : (sn_onnx_dim){.factor = 1, .batch = 1};
    input->dims[1] = said.sizes[1] ? sn_onnx_plain((int64_t)said.sizes[1])
                                   : (sn_onnx_dim){.factor = 1, .time = 1};
    return SENTIMENT_OK;
}

/* ----------------------------------------------------------------- weights */

/* Where the next tensor of the bundle goes. */
typedef struct block {
    sn_bundle *bundle;
    uint8_t *next;
    char *name;
} block;

/* A row-major tensor of the bundle, still without numbers. */
static sn_tensor *add_tensor(block *out, const char *name, sn_dtype dtype, uint64_t rows,
                             uint64_t columns)
{
    sn_tensor *tensor = &out->bundle->tensors[out->bundle->tensor_count++];
    *tensor = (sn_tensor){.name = out->name, .dtype = dtype, .rank = columns ? 2 : 1,
                          .dims = {rows, columns}, .data = out->next};
    memcpy(out->name, name, strlen(name) + 1);
    out->name += SN_ONNX_NAME_SIZE;
    sn_tensor_set_contiguous(tensor);
    out->next += tensor->elements * sn_dtype_size(dtype);
    return tensor;
}

/* Copies `count` numbers that lie `stride` elements apart. */
static uint8_t *copy_row(uint8_t *out, const uint8_t *from, uint64_t count, uint64_t stride,
                         size_t size)
{
    if (stride == 1) {
        memcpy(out, from, (size_t)count * size);
        return out + count * size;
    }
    for (uint64_t i = 0; i < count; i++, out += size)
        memcpy(out, from + i * stride * size, size);
    return out;
}

/* A matrix or vector as it stands. */
static void add_plain(block *out, const char *name, const sn_tensor *from)
{
    uint64_t rows = from->rank == 2 ? from->dims[0] : 1, last = from->rank - 1;
    size_t size = sn_dtype_size(from->dtype);
    uint8_t *at = out->next;
    add_tensor(out, name, from->dtype, from->dims[0], from->rank == 2 ? from->dims[1] : 0);
    for (uint64_t r = 0; r < rows; r++) {
        const uint8_t *row = from->data + (from->rank == 2 ? r * from->strides[0] * size : 0);
        at = copy_row(at, row, from->dims[last], from->strides[last], size);
    }
}

/* The gates of one direction from ONNX's i, o, f, c to PyTorch's i, f, g, o. `from` is
 * [D, 4H, columns] or, with columns 0, [D, 8H], whose second half `shift` may begin. */
static void add_gates(block *out, const char *name, const sn_tensor *from, uint64_t direction,
                      uint64_t shift, uint64_t hidden, uint64_t columns)
{
    static const uint64_t order[GATES] = {0, 2, 3, 1};
    size_t size = sn_dtype_size(from->dtype);
    const uint8_t *begin = from->data + direction * from->strides[0] * size;
    uint8_t *at = out->next;
    add_tensor(out, name, from->dtype, GATES * hidden, columns);
    for (size_t gate = 0; gate < GATES; gate++) {
        uint64_t first = shift + order[gate] * hidden;
        for (uint64_t r = 0; columns && r < hidden; r++)
            at = copy_row(at, begin + (first + r) * from->strides[1] * size, columns,
                          from->strides[2], size);
        if (!columns)
            at = copy_row(at, begin + first * from->strides[1] * size, hidden, from->strides[1],
                          size);
    }
}

static void add_zeros(block *out, const char *name, uint64_t count)
{
    uint8_t *at = out->next;
    add_tensor(out, name, SN_F32, count, 0);
    memset(at, 0, (size_t)(out->next - at));
}

/* In the order of PyTorch's state_dict. */
static void add_layer(block *out, const sn_onnx_network *network, size_t index)
{
    const sn_onnx_layer *layer = &network->layers[index];
    uint64_t hidden = network->hidden;
    for (uint64_t d = 0; d < network->directions; d++) {
        char names[SN_ONNX_LSTM_TENSORS][SN_ONNX_NAME_SIZE];
        for (size_t which = 0; which < SN_ONNX_LSTM_TENSORS; which++)
            sn_onnx_lstm_name(index, d, which, names[which]);
        add_gates(out, names[SN_ONNX_W_IH], &layer->w, d, 0, hidden, layer->w.dims[2]);
        add_gates(out, names[SN_ONNX_W_HH], &layer->r, d, 0, hidden, hidden);
        for (size_t half = 0; half < 2; half++) {
            const char *name = names[SN_ONNX_B_IH + half];
            if (layer->has_bias)
                add_gates(out, name, &layer->b, d, half * GATES * hidden, hidden, 0);
            else
                add_zeros(out, name, GATES * hidden);
        }
    }
}

/* *sum += the bytes of `elements` numbers; false on overflow. */
static _Bool add_bytes(size_t *sum, uint64_t elements, sn_dtype dtype)
{
    size_t bytes;
    return elements <= SIZE_MAX && sn_multiply((size_t)elements, sn_dtype_size(dtype), &bytes) &&
           sn_add(*sum, bytes, sum);
}

static _Bool count_bytes(const sn_onnx_network *network, size_t *bytes)
{
    uint64_t bias = 2 * GATES * network->hidden * network->directions;
    _Bool fine = add_bytes(bytes, network->embedding.elements, network->embedding.dtype) &&
                 add_bytes(bytes, network->fc_weight.elements, network->fc_weight.dtype) &&
                 add_bytes(bytes, network->fc_weight.dims[0], SN_F64);
    for (uint32_t i = 0; fine && i < network->layer_count; i++) {
        const sn_onnx_layer *layer = &network->layers[i];
        fine = add_bytes(bytes, layer->w.elements, layer->w.dtype) &&
               add_bytes(bytes, layer->r.elements, layer->r.dtype) &&
               add_bytes(bytes, bias, layer->has_bias ? layer->b.dtype : SN_F32);
    }
    return fine;
}

static sentiment_status fill_bundle(const sn_onnx_network *network, sn_bundle *bundle,
                                    sentiment_error *error)
{
    size_t bytes = 0;
    size_t count = 3 + (size_t)(network->layer_count * network->directions) * SN_ONNX_LSTM_TENSORS;
    if (!count_bytes(network, &bytes))
        return sn_fail_memory(error, "the weights");
    bundle->decoded = sn_alloc(bundle->memory, bytes, 1);
    bundle->names = sn_alloc(bundle->memory, count, SN_ONNX_NAME_SIZE);
    bundle->tensors = sn_alloc(bundle->memory, count, sizeof *bundle->tensors);
    if (!bundle->decoded || !bundle->names || !bundle->tensors)
        return sn_fail_memory(error, "the weights");
    block out = {bundle, bundle->decoded, bundle->names};
    add_plain(&out, "embedding.weight", &network->embedding);
    for (uint32_t i = 0; i < network->layer_count; i++)
        add_layer(&out, network, i);
    add_plain(&out, "fc.weight", &network->fc_weight);
    if (network->has_fc_bias)
        add_plain(&out, "fc.bias", &network->fc_bias);
    else
        add_zeros(&out, "fc.bias", network->fc_weight.dims[0]);
    return SENTIMENT_OK;
}

/* --------------------------------------------------------------------- all */

static sentiment_status read_graph(const sn_bytes *bytes, sn_onnx_context *context,
                                   sn_onnx_graph *graph, const sn_read_options *options,
                                   sn_bundle *bundle, sentiment_error *error)
{
    sentiment_status status = sn_onnx_parse(bytes->data, bytes->size, graph, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_take_metadata(graph->metadata, graph->metadata_count, bundle, error);
    if (status == SENTIMENT_OK)
        status = open_input(graph, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_evaluate(context, error);
    if (status == SENTIMENT_OK)
        status = fill_bundle(&context->network, bundle, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_check_digests(graph->metadata, graph->metadata_count, bundle, options,
                                       error);
    return status;
}

sentiment_status sn_onnx_read(sn_bytes *bytes, const char *path, const sn_read_options *options,
                              sn_bundle *bundle, sentiment_error *error)
{
    const sn_memory *memory = bundle->memory;
    sn_onnx_graph graph = {.memory = memory, .input = SN_ONNX_NONE};
    char *folder = path ? sn_folder_of(memory, path) : NULL;
    sn_onnx_context *context = sn_alloc_zero(memory, 1, sizeof *context);
    sentiment_status status = SENTIMENT_OK;
    bundle->format = "onnx";
    bundle->words.vocab_size = -1;
    if (!context || (path && !folder)) {
        status = sn_fail_memory(error, "an ONNX model");
        goto out;
    }
    context->graph = &graph;
    context->store = (sn_onnx_store){.memory = memory,
                                     .folder = folder,
                                     .options = options,
                                     .work = WORK_LEAST +
                                             SN_ONNX_WORK_FACTOR * (uint64_t)bytes->size};
    status = read_graph(bytes, context, &graph, options, bundle, error);
out:
    if (context)
        sn_onnx_store_free(&context->store);
    sn_free(memory, context);
    sn_free(memory, folder);
    sn_onnx_graph_free(&graph);
    if (status != SENTIMENT_OK)
        sn_bundle_free(bundle);
    else
        sn_bytes_free(bytes);
    return status;
}
