/* SPDX-License-Identifier: Apache-2.0
 *
 * Following a graph from its input to its output: for each node that the output
 * needs, one function per operator says what its output holds, or why the node
 * is no part of this classifier. Weights are found on the way. */
#ifndef SN_FORMATS_ONNX_EVAL_H
#define SN_FORMATS_ONNX_EVAL_H

#include "formats/onnx_graph.h"

#define SN_ONNX_LAYERS_MOST 64
#define SN_ONNX_ATTRIBUTES_MOST 16
/* Constants may be copied and looked at for so many times the bytes that were read. */
#define SN_ONNX_WORK_FACTOR 8

/* One LSTM node: W [D, 4H, I], R [D, 4H, H], B [D, 8H], gates i, o, f, c. */
typedef struct sn_onnx_layer {
    sn_tensor w, r, b;
    _Bool has_bias;
} sn_onnx_layer;

typedef struct sn_onnx_network {
    sn_tensor embedding; /* [V, E] */
    _Bool has_embedding;
    sn_onnx_layer layers[SN_ONNX_LAYERS_MOST];
    uint32_t layer_count;
    uint64_t hidden, directions;
    sn_tensor fc_weight; /* [C, D*H] */
    sn_tensor fc_bias;   /* [C] */
    _Bool has_fc_weight, has_fc_bias;
} sn_onnx_network;

/* Memory that lives as long as the evaluation: numbers that had to be unpacked
 * or put together, and files with external data. */
typedef struct sn_onnx_store {
    const sn_memory *memory;
    const char *folder; /* NULL: no external data */
    const sn_read_options *options;
    void **blocks;
    size_t block_count, block_room;
    sn_bytes *files;
    char **paths; /* of the files, without links */
    size_t file_count;
    uint64_t work; /* bytes that may still be copied or looked at while folding constants */
} sn_onnx_store;

void sn_onnx_store_free(sn_onnx_store *store);
/* count*size bytes; NULL and an error if memory ran out. */
void *sn_onnx_store_block(sn_onnx_store *store, size_t count, size_t size, sentiment_error *error);

/* The TensorProto in `proto` as a tensor. Messages begin with `what`. */
sentiment_status sn_onnx_read_tensor(sn_onnx_store *store, sn_cursor proto, const char *what,
                                     sn_tensor *out, sentiment_error *error);

/* One attribute of a node. Lists are walked with sn_proto_next_value. */
typedef struct sn_onnx_attribute {
    sn_name name;
    uint64_t type; /* sn_onnx_attribute_type */
    uint64_t integer;
    float number;
    sn_name text;
    sn_cursor tensor;
    uint64_t integers[SN_ONNX_RANK];
    size_t count; /* of integers, floats or strings */
    sn_name strings[SN_ONNX_RANK];
    float numbers[SN_ONNX_RANK];
} sn_onnx_attribute;

typedef struct sn_onnx_context {
    sn_onnx_graph *graph;
    sn_onnx_store store;
    sn_onnx_network network;
} sn_onnx_context;

/* A node whose turn it is. */
typedef struct sn_onnx_call {
    sn_onnx_context *context;
    const sn_onnx_node *node;
    uint32_t number;
    sn_onnx_attribute attributes[SN_ONNX_ATTRIBUTES_MOST];
    size_t attribute_count;
    sn_onnx_value *out; /* the first output, zero but for its name and node */
} sn_onnx_call;

typedef sentiment_status sn_onnx_operator(sn_onnx_call *call, sentiment_error *error);

/* ---- for the operators */

/* "node 'name' (operator): why"; UNSUPPORTED. */
SN_PRINTF(3, 4)
sentiment_status sn_onnx_misfit(const sn_onnx_call *call, sentiment_error *error,
                                const char *format, ...);
/* The same with another code. */
SN_PRINTF(4, 5)
sentiment_status sn_onnx_misfit_as(const sn_onnx_call *call, sentiment_status code,
                                   sentiment_error *error, const char *format, ...);
/* Input `index`; *out is NULL where it was left out. */
sentiment_status sn_onnx_input(sn_onnx_call *call, uint32_t index, const sn_onnx_value **out,
                               sentiment_error *error);
/* The same, but it must be there. */
sentiment_status sn_onnx_need(sn_onnx_call *call, uint32_t index, const sn_onnx_value **out,
                              sentiment_error *error);
/* The attribute, or NULL. */
const sn_onnx_attribute *sn_onnx_find_attribute(const sn_onnx_call *call, const char *name);
/* The same, held to be of one type (sn_onnx_attribute_type). */
sentiment_status sn_onnx_typed(const sn_onnx_call *call, const char *name, uint64_t type,
                               const sn_onnx_attribute **out, sentiment_error *error);
/* An integer attribute, or its default. */
sentiment_status sn_onnx_integer(const sn_onnx_call *call, const char *name, int64_t otherwise,
                                 int64_t *out, sentiment_error *error);
sentiment_status sn_onnx_float(const sn_onnx_call *call, const char *name, float otherwise,
                               float *out, sentiment_error *error);
/* What a value is, for messages: "the token ids", "weights or other constants", ... */
const char *sn_onnx_kind_name(uint32_t kind);

/* Whole numbers: *out becomes SIZES if `value` is of that kind or a small constant. */
_Bool sn_onnx_as_sizes(const sn_onnx_value *value, sn_onnx_value *out);
/* The same where none of them may be a size of the input: plain numbers. */
_Bool sn_onnx_as_integers(const sn_onnx_value *value, int64_t out[SN_ONNX_RANK], size_t *count);
/* Axes from attribute `name`, or from input `index` since operator set `since`; negative ones
 * are counted from the end of `rank`. *count is -1 where there are none. */
sentiment_status sn_onnx_axes(sn_onnx_call *call, const char *name, uint32_t index,
                              uint64_t since, size_t rank, size_t out[SN_ONNX_RANK], int *count,
                              sentiment_error *error);
_Bool sn_onnx_dim_equal(sn_onnx_dim a, sn_onnx_dim b);
/* *out = a*b; false on overflow or where one is negative. */
_Bool sn_onnx_dim_multiply(sn_onnx_dim a, sn_onnx_dim b, sn_onnx_dim *out);
static inline sn_onnx_dim sn_onnx_plain(int64_t value)
{
    return (sn_onnx_dim){.factor = value};
}
/* Whether the value is an activation: it has axes. */
_Bool sn_onnx_has_axes(const sn_onnx_value *value);
/* Axes of a value that are not SN_AXIS_ONE are these, in this order. */
_Bool sn_onnx_axes_are(const sn_onnx_value *value, const uint8_t *axes, size_t count);
/* Whether every number of a floating tensor is zero; false too where there are too many. */
_Bool sn_onnx_is_zero(sn_onnx_context *context, const sn_tensor *tensor);

/* Gives `out` what `from` holds; name and place stay. */
void sn_onnx_become(sn_onnx_value *out, const sn_onnx_value *from);
/* Gather on a list of sizes, and Concat of such lists (*done: they all were). */
sentiment_status sn_onnx_pick_sizes(sn_onnx_call *call, const sn_onnx_value *from,
                                    const sn_onnx_value *which, sentiment_error *error);
sentiment_status sn_onnx_join_sizes(sn_onnx_call *call, _Bool *done, sentiment_error *error);

/* onnx_sizes.c, onnx_constants.c, onnx_layout.c, onnx_network.c: see the table in onnx_eval.c. */
sn_onnx_operator sn_onnx_op_constant, sn_onnx_op_pass, sn_onnx_op_cast, sn_onnx_op_dropout,
    sn_onnx_op_shape, sn_onnx_op_mul, sn_onnx_op_concat, sn_onnx_op_constant_of_shape,
    sn_onnx_op_expand, sn_onnx_op_slice, sn_onnx_op_transpose, sn_onnx_op_squeeze,
    sn_onnx_op_unsqueeze, sn_onnx_op_reshape, sn_onnx_op_gather, sn_onnx_op_lstm,
    sn_onnx_op_reduce_mean, sn_onnx_op_gemm, sn_onnx_op_matmul, sn_onnx_op_add;

/* Evaluates the graph; context->network then holds all of the weights. */
sentiment_status sn_onnx_evaluate(sn_onnx_context *context, sentiment_error *error);

#endif
