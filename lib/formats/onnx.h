/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX models of the guide's classifier. The reader walks the graph from its
 * input to its output and follows what each value holds, so that every spelling
 * of the network is understood and everything else is refused by its node. */
#ifndef SN_FORMATS_ONNX_H
#define SN_FORMATS_ONNX_H

#include "formats/bundle.h"

/* Whether the bytes begin like a serialized ModelProto. */
_Bool sn_onnx_probe(const uint8_t *data, size_t size);

/* Takes over `bytes` on success. bundle->memory is set, all else zero; on failure
 * it is left freed. Words and config come from our own metadata, where they are
 * there. External data is read from the folder of `path`, never where it is NULL. */
sentiment_status sn_onnx_read(sn_bytes *bytes, const char *path, const sn_read_options *options,
                              sn_bundle *bundle, sentiment_error *error);

/* Writes the classifier of the bundle, whose tensors have PyTorch's names and are
 * contiguous fp32. `opset` is 11 to 20, 0 for the default. */
sentiment_status sn_onnx_write(const sn_bundle *bundle, uint32_t opset, sn_writer *writer,
                               const sentiment_cancel *cancel, sentiment_error *error);

#endif
