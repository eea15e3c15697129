/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of onnx.proto (github.com/onnx/onnx) that reader and writer need, and
 * the keys that our own files have in their metadata beside those of the native
 * file. */
#ifndef SN_FORMATS_ONNX_FIELDS_H
#define SN_FORMATS_ONNX_FIELDS_H

enum sn_onnx_model_field {
    SN_MODEL_IR_VERSION = 1,
    SN_MODEL_PRODUCER_NAME = 2,
    SN_MODEL_PRODUCER_VERSION = 3,
    SN_MODEL_GRAPH = 7,
    SN_MODEL_OPSET_IMPORT = 8,
    SN_MODEL_METADATA = 14,
    SN_MODEL_FUNCTION = 25
};
enum sn_onnx_function_field { SN_FUNCTION_DOMAIN = 10 };
enum sn_onnx_opset_field { SN_OPSET_DOMAIN = 1, SN_OPSET_VERSION = 2 };
/* StringStringEntryProto */
enum sn_onnx_entry_field { SN_ENTRY_KEY = 1, SN_ENTRY_VALUE = 2 };
enum sn_onnx_graph_field {
    SN_GRAPH_NODE = 1,
    SN_GRAPH_NAME = 2,
    SN_GRAPH_INITIALIZER = 5,
    SN_GRAPH_INPUT = 11,
    SN_GRAPH_OUTPUT = 12,
    SN_GRAPH_SPARSE_INITIALIZER = 15
};
enum sn_onnx_node_field {
    SN_NODE_INPUT = 1,
    SN_NODE_OUTPUT = 2,
    SN_NODE_NAME = 3,
    SN_NODE_OP_TYPE = 4,
    SN_NODE_ATTRIBUTE = 5,
    SN_NODE_DOMAIN = 7
};
enum sn_onnx_attribute_field {
    SN_ATTRIBUTE_NAME = 1,
    SN_ATTRIBUTE_F = 2,
    SN_ATTRIBUTE_I = 3,
    SN_ATTRIBUTE_S = 4,
    SN_ATTRIBUTE_T = 5,
    SN_ATTRIBUTE_FLOATS = 7,
    SN_ATTRIBUTE_INTS = 8,
    SN_ATTRIBUTE_STRINGS = 9,
    SN_ATTRIBUTE_TYPE = 20,
    SN_ATTRIBUTE_REFERENCE = 21
};
enum sn_onnx_attribute_type {
    SN_ATTRIBUTE_IS_FLOAT = 1,
    SN_ATTRIBUTE_IS_INT = 2,
    SN_ATTRIBUTE_IS_STRING = 3,
    SN_ATTRIBUTE_IS_TENSOR = 4,
    SN_ATTRIBUTE_IS_FLOATS = 6,
    SN_ATTRIBUTE_IS_INTS = 7,
    SN_ATTRIBUTE_IS_STRINGS = 8
};
enum sn_onnx_tensor_field {
    SN_TENSOR_DIMS = 1,
    SN_TENSOR_DATA_TYPE = 2,
    SN_TENSOR_SEGMENT = 3,
    SN_TENSOR_FLOAT_DATA = 4,
    SN_TENSOR_INT32_DATA = 5,
    SN_TENSOR_INT64_DATA = 7,
    SN_TENSOR_NAME = 8,
    SN_TENSOR_RAW_DATA = 9,
    SN_TENSOR_DOUBLE_DATA = 10,
    SN_TENSOR_UINT64_DATA = 11,
    SN_TENSOR_EXTERNAL_DATA = 13,
    SN_TENSOR_DATA_LOCATION = 14
};
enum sn_onnx_data_type {
    SN_ONNX_FLOAT = 1,
    SN_ONNX_UINT8 = 2,
    SN_ONNX_INT8 = 3,
    SN_ONNX_UINT16 = 4,
    SN_ONNX_INT16 = 5,
    SN_ONNX_INT32 = 6,
    SN_ONNX_INT64 = 7,
    SN_ONNX_BOOL = 9,
    SN_ONNX_FLOAT16 = 10,
    SN_ONNX_DOUBLE = 11,
    SN_ONNX_UINT32 = 12,
    SN_ONNX_UINT64 = 13,
    SN_ONNX_BFLOAT16 = 16
};
/* ValueInfoProto, TypeProto, TypeProto.Tensor, TensorShapeProto and its Dimension. */
enum sn_onnx_value_field { SN_VALUE_NAME = 1, SN_VALUE_TYPE = 2 };
enum sn_onnx_type_field { SN_TYPE_TENSOR = 1 };
enum sn_onnx_type_tensor_field { SN_TYPE_ELEMENT = 1, SN_TYPE_SHAPE = 2 };
enum sn_onnx_shape_field { SN_SHAPE_DIM = 1 };
enum sn_onnx_dim_field { SN_DIM_VALUE = 1, SN_DIM_PARAM = 2 };

/* Operator sets that are written, and the newest one that is read: what the
 * operators of this network mean did not change between 18 and it. */
#define SN_ONNX_OPSET_MIN 11
#define SN_ONNX_OPSET_MAX 20
#define SN_ONNX_OPSET_DEFAULT 17
#define SN_ONNX_OPSET_READ_MAX 25

#define SN_KEY_VOCABULARY "vocabulary"
#define SN_KEY_VOCABULARY_IDS "vocabulary_ids"
#define SN_KEY_TOKENIZER_JSON "tokenizer_json"
#define SN_KEY_ROWS "input_rows"

#endif
