/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the two halves of the ONNX writer: sizes and weights of the network,
 * and the nodes that compute it. */
#ifndef SN_FORMATS_ONNX_WRITE_H
#define SN_FORMATS_ONNX_WRITE_H

#include "base/buffer.h"
#include "formats/bundle.h"

enum { SN_ONNX_W_IH, SN_ONNX_W_HH, SN_ONNX_B_IH, SN_ONNX_B_HH, SN_ONNX_LSTM_TENSORS };

/* PyTorch's name of an LSTM tensor, such as "lstm.weight_ih_l0_reverse". */
#define SN_ONNX_NAME_SIZE 40
void sn_onnx_lstm_name(size_t layer, size_t direction, size_t which, char out[SN_ONNX_NAME_SIZE]);

typedef struct sn_onnx_sizes {
    uint32_t opset;
    uint64_t hidden, classes;
    size_t layers, directions;
} sn_onnx_sizes;

/* Appends the nodes, and then input and output, as fields of a GraphProto. */
void sn_onnx_put_nodes(const sn_onnx_sizes *sizes, sn_buffer *graph);
void sn_onnx_put_signature(const sn_onnx_sizes *sizes, sn_buffer *graph);

/* Names of the constants among the initializers that the nodes use. */
#define SN_ONNX_AXIS_TIME "axis.time"           /* int64 [1]: 0 */
#define SN_ONNX_AXIS_DIRECTION "axis.direction" /* int64 [1]: 1 */
#define SN_ONNX_MERGED "shape.merged"           /* int64 [3]: 0, 0, 2H */
_Bool sn_onnx_uses_axis_time(const sn_onnx_sizes *sizes);
_Bool sn_onnx_uses_axis_direction(const sn_onnx_sizes *sizes);

#endif
