/* SPDX-License-Identifier: Apache-2.0
 *
 * Writer of ONNX files. What is small goes into one buffer, the tape; weights
 * are written from where they stand, gate after gate in ONNX's order i, o, f, c.
 * Lengths come before contents in a protobuf, so that the order of all pieces is
 * planned first. The same bundle gives the same bytes. */
#include "formats/onnx.h"

#include <stdio.h>

#include "formats/onnx_fields.h"
#include "formats/onnx_meta.h"
#include "formats/onnx_write.h"
#include "formats/protobuf_write.h"
#include "formats/safetensors.h"

/* No protobuf may be longer. */
#define PROTOBUF_LIMIT 2147483647u
#define STRIDE ((size_t)1 << 24)
#define GATES 4
/* Constants, embedding, linear layer: initializers beside those of the LSTM. */
#define OTHER_INITIALIZERS 6

/* A stretch of the file: of the tape where data is NULL. */
typedef struct piece {
    const uint8_t *data;
    size_t at;
    size_t size;
} piece;

typedef struct plan {
    const sn_bundle *bundle;
    sn_onnx_sizes sizes;
    sn_buffer tape;
    piece *pieces;
    size_t count;
    size_t taken;   /* bytes of the tape that stand in pieces */
    uint64_t bytes; /* of all pieces */
} plan;

/* ------------------------------------------------------------------ pieces */

static void add_piece(plan *made, const uint8_t *data, size_t at, size_t size)
{
    if (size == 0)
        return;
    made->pieces[made->count++] = (piece){data, at, size};
    made->bytes += size;
}

/* What was put on the tape since the last piece. */
static void cut(plan *made)
{
    add_piece(made, NULL, made->taken, made->tape.size - made->taken);
    made->taken = made->tape.size;
}

static size_t tensor_bytes(const sn_tensor *tensor)
{
    return (size_t)tensor->elements * sizeof(float);
}

static const sn_tensor *find_lstm(const plan *made, size_t layer, size_t direction, size_t which)
{
    char name[SN_ONNX_NAME_SIZE];
    sn_onnx_lstm_name(layer, direction, which, name);
    return sn_bundle_find(made->bundle, name);
}

/* ------------------------------------------------------------------- sizes */

static _Bool is_matrix(const sn_tensor *tensor)
{
    return tensor && tensor->dtype == SN_F32 && tensor->rank == 2;
}

/* The model floor has checked every shape; here it is enough to find them. */
static sentiment_status find_sizes(plan *made, uint32_t opset, sentiment_error *error)
{
    const sn_tensor *fc = sn_bundle_find(made->bundle, "fc.weight");
    const sn_tensor *first = find_lstm(made, 0, 0, SN_ONNX_W_HH);
    if (!is_matrix(sn_bundle_find(made->bundle, "embedding.weight")) || !is_matrix(fc) ||
        !is_matrix(first))
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "onnx: only the float32 weights of the classifier can be written; convert "
                       "the model from which this one was made");
    sn_onnx_sizes *sizes = &made->sizes;
    sizes->opset = opset ? opset : SN_ONNX_OPSET_DEFAULT;
    sizes->hidden = first->dims[1];
    sizes->classes = fc->dims[0];
    sizes->directions = find_lstm(made, 0, 1, SN_ONNX_W_HH) ? 2 : 1;
    while (find_lstm(made, sizes->layers, 0, SN_ONNX_W_HH))
        sizes->layers++;
    if (sizes->opset >= SN_ONNX_OPSET_MIN && sizes->opset <= SN_ONNX_OPSET_MAX)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                   "onnx: opset is %u; expected %d to %d", opset, SN_ONNX_OPSET_MIN,
                   SN_ONNX_OPSET_MAX);
}

/* ------------------------------------------------------------ initializers */

/* A TensorProto up to its data, as a field of the graph. */
static void begin_tensor(plan *made, const char *name, uint64_t type, const uint64_t *dims,
                         size_t rank, size_t bytes)
{
    sn_buffer head = {.memory = made->tape.memory};
    for (size_t d = 0; d < rank; d++)
        sn_proto_put_number(&head, SN_TENSOR_DIMS, dims[d]);
    sn_proto_put_number(&head, SN_TENSOR_DATA_TYPE, type);
    sn_proto_put_text(&head, SN_TENSOR_NAME, name);
    sn_proto_put_head(&head, SN_TENSOR_RAW_DATA, bytes);
    made->tape.failed |= head.failed;
    sn_proto_put_head(&made->tape, SN_GRAPH_INITIALIZER, (uint64_t)head.size + bytes);
    sn_buffer_append(&made->tape, head.data, head.size);
    sn_buffer_free(&head);
}

/* A weight as it stands in the bundle. */
static void put_weight(plan *made, const char *name)
{
    const sn_tensor *tensor = sn_bundle_find(made->bundle, name);
    begin_tensor(made, name, SN_ONNX_FLOAT, tensor->dims, tensor->rank, tensor_bytes(tensor));
    cut(made);
    add_piece(made, tensor->data, 0, tensor_bytes(tensor));
}

/* The gates of a tensor in ONNX's order; PyTorch's is i, f, g, o. */
static void put_gates(plan *made, const sn_tensor *tensor)
{
    static const size_t order[GATES] = {0, 3, 1, 2};
    size_t gate = tensor_bytes(tensor) / GATES;
    for (size_t i = 0; i < GATES; i++)
        add_piece(made, tensor->data + order[i] * gate, 0, gate);
}

/* W, R or B of a layer: both directions in one tensor. B is b_ih, then b_hh. */
static void put_lstm_tensor(plan *made, size_t layer, char kind, size_t which, size_t last)
{
    const sn_tensor *first = find_lstm(made, layer, 0, which);
    char name[16 + SN_ONNX_NAME_SIZE];
    snprintf(name, sizeof name, "lstm.%c_l%zu", kind, layer);
    size_t parts = last - which + 1, directions = made->sizes.directions;
    const uint64_t dims[] = {directions, first->dims[0] * parts, first->dims[1]};
    begin_tensor(made, name, SN_ONNX_FLOAT, dims, first->rank + 1,
                 tensor_bytes(first) * parts * directions);
    cut(made);
    for (size_t direction = 0; direction < directions; direction++)
        for (size_t part = which; part <= last; part++)
            put_gates(made, find_lstm(made, layer, direction, part));
}

static void put_integers(plan *made, const char *name, const uint64_t *values, uint64_t count)
{
    begin_tensor(made, name, SN_ONNX_INT64, &count, 1, (size_t)count * 8);
    for (size_t i = 0; i < count; i++)
        sn_buffer_u64le(&made->tape, values[i]);
}

static void put_initializers(plan *made)
{
    const sn_onnx_sizes *sizes = &made->sizes;
    put_weight(made, "embedding.weight");
    for (size_t layer = 0; layer < sizes->layers; layer++) {
        put_lstm_tensor(made, layer, 'W', SN_ONNX_W_IH, SN_ONNX_W_IH);
        put_lstm_tensor(made, layer, 'R', SN_ONNX_W_HH, SN_ONNX_W_HH);
        put_lstm_tensor(made, layer, 'B', SN_ONNX_B_IH, SN_ONNX_B_HH);
    }
    put_weight(made, "fc.weight");
    put_weight(made, "fc.bias");
    if (sn_onnx_uses_axis_time(sizes))
        put_integers(made, SN_ONNX_AXIS_TIME, (const uint64_t[]){0}, 1);
    if (sn_onnx_uses_axis_direction(sizes))
        put_integers(made, SN_ONNX_AXIS_DIRECTION, (const uint64_t[]){1}, 1);
    if (sizes->directions == 2)
        put_integers(made, SN_ONNX_MERGED, (const uint64_t[]){0, 0, 2 * sizes->hidden}, 3);
}

/* ------------------------------------------------------------------- model */

/* The lowest version of the file format that has this operator set. */
static uint64_t ir_version(uint32_t opset)
{
    static const uint8_t versions[] = {6, 7, 7, 7, 8, 8, 8, 8, 9, 9};
    return versions[opset - SN_ONNX_OPSET_MIN];
}

static void put_head(uint32_t opset, sn_buffer *out)
{
    char version[40];
    snprintf(version, sizeof version, "%d.%d.%d", SENTIMENT_VERSION_MAJOR,
             SENTIMENT_VERSION_MINOR, SENTIMENT_VERSION_PATCH);
    sn_proto_put_number(out, SN_MODEL_IR_VERSION, ir_version(opset));
    sn_proto_put_text(out, SN_MODEL_PRODUCER_NAME, SN_FORMAT_NAME);
    sn_proto_put_text(out, SN_MODEL_PRODUCER_VERSION, version);
}

static void put_opset(uint32_t opset, sn_buffer *out)
{
    sn_buffer import = {.memory = out->memory};
    sn_proto_put_text(&import, SN_OPSET_DOMAIN, "");
    sn_proto_put_number(&import, SN_OPSET_VERSION, opset);
    sn_proto_put_message(out, SN_MODEL_OPSET_IMPORT, &import);
    sn_buffer_free(&import);
}

static sentiment_status make_plan(plan *made, sentiment_error *error)
{
    const sn_onnx_sizes *sizes = &made->sizes;
    size_t lstm = sizes->layers * sizes->directions * SN_ONNX_LSTM_TENSORS * GATES;
    size_t others = 3 * sizes->layers + OTHER_INITIALIZERS;
    made->pieces = sn_alloc(made->tape.memory, lstm + 2 * others + 2, sizeof *made->pieces);
    if (!made->pieces)
        return sn_fail_memory(error, "the plan of an ONNX file");
    sn_onnx_put_nodes(sizes, &made->tape);
    sn_proto_put_text(&made->tape, SN_GRAPH_NAME, "sentiment_classifier");
    put_initializers(made);
    sn_onnx_put_signature(sizes, &made->tape);
    cut(made);
    return made->tape.failed ? sn_fail_memory(error, "an ONNX file") : SENTIMENT_OK;
}

static sentiment_status check_limit(uint64_t bytes, sentiment_error *error)
{
    if (bytes <= PROTOBUF_LIMIT)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                   "onnx: the file would have %llu bytes, and a protobuf has at most %u; save the "
                   "model as .safetensors",
                   (unsigned long long)bytes, PROTOBUF_LIMIT);
}

static sentiment_status write_bytes(sn_writer *writer, const uint8_t *data, size_t size,
                                    const sentiment_cancel *cancel, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    for (size_t done = 0; status == SENTIMENT_OK && done < size; done += STRIDE) {
        size_t take = size - done < STRIDE ? size - done : STRIDE;
        status = sn_writer_write(writer, data + done, take, error);
        if (status == SENTIMENT_OK && sentiment_cancel_requested(cancel))
            status = sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    return status;
}

static sentiment_status write_pieces(const plan *made, sn_writer *writer,
                                     const sentiment_cancel *cancel, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < made->count; i++) {
        const piece *next = &made->pieces[i];
        const uint8_t *data = next->data ? next->data : made->tape.data + next->at;
        status = write_bytes(writer, data, next->size, cancel, error);
    }
    return status;
}

sentiment_status sn_onnx_write(const sn_bundle *bundle, uint32_t opset, sn_writer *writer,
                               const sentiment_cancel *cancel, sentiment_error *error)
{
    plan made = {.bundle = bundle, .tape = {.memory = bundle->memory}};
    sn_buffer head = {.memory = bundle->memory}, tail = {.memory = bundle->memory};
    sentiment_status status = find_sizes(&made, opset, error);
    if (status == SENTIMENT_OK)
        status = make_plan(&made, error);
    if (status == SENTIMENT_OK)
        status = check_limit(made.bytes, error);
    if (status != SENTIMENT_OK)
        goto out;
    put_head(made.sizes.opset, &head);
    sn_proto_put_head(&head, SN_MODEL_GRAPH, made.bytes);
    put_opset(made.sizes.opset, &tail);
    status = sn_onnx_put_metadata(bundle, cancel, &tail, error);
    if (status == SENTIMENT_OK && head.failed)
        status = sn_fail_memory(error, "an ONNX file");
    if (status == SENTIMENT_OK)
        status = check_limit(head.size + made.bytes + tail.size, error);
    if (status == SENTIMENT_OK)
        status = write_bytes(writer, head.data, head.size, cancel, error);
    if (status == SENTIMENT_OK)
        status = write_pieces(&made, writer, cancel, error);
    if (status == SENTIMENT_OK)
        status = write_bytes(writer, tail.data, tail.size, cancel, error);
out:
    sn_buffer_free(&made.tape);
    sn_buffer_free(&head);
    sn_buffer_free(&tail);
    sn_free(bundle->memory, made.pieces);
    return status;
}
