/* SPDX-License-Identifier: Apache-2.0
 *
 * A parsed ONNX graph: nodes, and the values that they take and give. What is
 * inside attributes and tensors is only looked at when somebody asks. */
#ifndef SN_FORMATS_ONNX_GRAPH_H
#define SN_FORMATS_ONNX_GRAPH_H

#include "base/tensor.h"
#include "formats/names.h"
#include "formats/onnx_meta.h"
#include "formats/protobuf.h"

/* What a graph may have at most: a network of 64 layers, its weights sliced gate
 * by gate, needs a quarter of it. */
#define SN_ONNX_VALUES_MOST 65536
#define SN_ONNX_REFERENCES_MOST 262144
#define SN_ONNX_RANK SN_TENSOR_MAX_RANK

/* No value: an input that was left out. */
#define SN_ONNX_NONE UINT32_MAX

/* A size: factor, times the batch's if `batch`, times the sequence's if `time`. */
typedef struct sn_onnx_dim {
    int64_t factor;
    uint8_t batch, time;
} sn_onnx_dim;

/* What stands along an axis of an activation. */
typedef enum sn_onnx_axis {
    SN_AXIS_ONE, /* nothing: the size is 1 */
    SN_AXIS_BATCH,
    SN_AXIS_TIME,
    SN_AXIS_DIRECTION, /* of a bidirectional LSTM, ... */
    SN_AXIS_HIDDEN,    /* ... with the units of one direction */
    SN_AXIS_FEATURE,   /* everything that a position has */
    SN_AXIS_CLASS
} sn_onnx_axis;

typedef enum sn_onnx_kind {
    SN_VALUE_UNKNOWN = 0, /* not computed: nobody needs it, or not yet */
    SN_VALUE_TENSOR,      /* known numbers: `tensor` */
    SN_VALUE_SIZES,       /* whole numbers, of which some are sizes of the input: `dims` */
    SN_VALUE_ZEROS,       /* zeros of the shape `dims` */
    SN_VALUE_IDS,         /* the graph's input, along `axes` */
    SN_VALUE_STEPS,       /* what the embedding or an LSTM gives for every position */
    SN_VALUE_STATE,       /* the last state of an LSTM, which the classifier does not use */
    SN_VALUE_POOLED,      /* the mean over the positions */
    SN_VALUE_PRODUCT,     /* pooled times fc.weight, the bias still to come */
    SN_VALUE_LOGITS
} sn_onnx_kind;

typedef struct sn_onnx_value {
    sn_name name;
    sn_cursor proto;  /* of an initializer, until its tensor is needed */
    _Bool is_proto;
    uint32_t kind;    /* sn_onnx_kind */
    uint32_t node;    /* that gives it, SN_ONNX_NONE for inputs and initializers */
    uint32_t layers;  /* STEPS: LSTM layers that were passed */
    uint32_t rank;    /* of dims and axes; SIZES: 0 for a single number, else 1 */
    uint32_t count;   /* SIZES: numbers in `dims` */
    uint8_t axes[SN_ONNX_RANK]; /* sn_onnx_axis; IDS, STEPS, POOLED, PRODUCT, LOGITS */
    sn_onnx_dim dims[SN_ONNX_RANK];
    sn_tensor tensor;
} sn_onnx_value;

typedef struct sn_onnx_node {
    sn_name name, operator, domain;
    sn_cursor body;
    /* Into the graph's references; outputs stand behind the inputs. */
    uint32_t first, inputs, outputs;
    _Bool needed;
} sn_onnx_node;

typedef struct sn_onnx_graph {
    const sn_memory *memory;
    uint64_t opset;
    sn_onnx_node *nodes;
    size_t node_count;
    sn_onnx_value *values; /* sorted by name */
    size_t value_count;
    uint32_t *references; /* numbers of values, SN_ONNX_NONE for none */
    uint32_t input, output;
    sn_onnx_entry *metadata;
    size_t metadata_count;
} sn_onnx_graph;

/* Parses a ModelProto: everything but the inside of attributes and tensors.
 * `graph` is zero but for its memory, and to be freed in any case. */
sentiment_status sn_onnx_parse(const uint8_t *data, size_t size, sn_onnx_graph *graph,
                               sentiment_error *error);
void sn_onnx_graph_free(sn_onnx_graph *graph);

#endif
