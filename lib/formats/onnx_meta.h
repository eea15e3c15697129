/* SPDX-License-Identifier: Apache-2.0
 *
 * metadata_props of an ONNX file: the strings of a native file's metadata, and in
 * our own files config, digests and vocabulary too. */
#ifndef SN_FORMATS_ONNX_META_H
#define SN_FORMATS_ONNX_META_H

#include "base/buffer.h"
#include "formats/bundle.h"
#include "formats/names.h"

/* One entry of metadata_props, somewhere in the file. */
typedef struct sn_onnx_entry {
    sn_name key;
    sn_name value;
} sn_onnx_entry;

/* Appends every entry as a field of a ModelProto, in the order of the keys. */
sentiment_status sn_onnx_put_metadata(const sn_bundle *bundle, const sentiment_cancel *cancel,
                                      sn_buffer *model, sentiment_error *error);

/* Fills metadata, and from an own file config, words or tokenizer_json. Sorts
 * the entries. */
sentiment_status sn_onnx_take_metadata(sn_onnx_entry *entries, size_t count, sn_bundle *bundle,
                                       sentiment_error *error);
/* Holds the weights, once they are in the bundle, against the digests of an own
 * file; `entries` are those of sn_onnx_take_metadata. */
sentiment_status sn_onnx_check_digests(const sn_onnx_entry *entries, size_t count,
                                       const sn_bundle *bundle, const sn_read_options *options,
                                       sentiment_error *error);

#endif
