/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of readers and writers. Readers are chosen by content. */
#ifndef SN_FORMATS_FORMATS_H
#define SN_FORMATS_FORMATS_H

#include "formats/bundle.h"

/* Reads a native file, a guide folder, or a bare model.pth that stands in one
 * (its config.json and tokenizer.pkl are then taken from beside it).
 * bundle->memory is set, all else zero; on failure it is left freed. */
sentiment_status sn_formats_read_path(const char *path, const sn_read_options *options,
                                      sn_bundle *bundle, sentiment_error *error);

/* Reads a native file from bytes. Takes over `bytes` on success only. */
sentiment_status sn_formats_read_bytes(sn_bytes *bytes, const sn_read_options *options,
                                       sn_bundle *bundle, sentiment_error *error);

/* Writers. Tensors must be contiguous, and for all but the native file fp32 (words
 * and config as in the bundle). */
sentiment_status sn_formats_write_safetensors(const sn_bundle *bundle, const char *path,
                                              const sentiment_cancel *cancel,
                                              sentiment_error *error);
/* `opset` as in sn_onnx_write. */
sentiment_status sn_formats_write_onnx(const sn_bundle *bundle, const char *path, uint32_t opset,
                                       const sentiment_cancel *cancel, sentiment_error *error);
sentiment_status sn_formats_write_folder(const sn_bundle *bundle, const char *path,
                                         const sentiment_cancel *cancel, sentiment_error *error);

#endif
