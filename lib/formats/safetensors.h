/* SPDX-License-Identifier: Apache-2.0
 *
 * The native file: docs/file-format.md. The vocabulary is a part of the format
 * (tensors vocab.*, or tokenizer.json); what the other tensors mean is not known
 * here. */
#ifndef SN_FORMATS_SAFETENSORS_H
#define SN_FORMATS_SAFETENSORS_H

#include "formats/bundle.h"

/* Metadata keys that this format writes by itself. */
#define SN_KEY_FORMAT "format"
#define SN_FORMAT_NAME "libsentiment"
#define SN_KEY_VERSION "format_version"
#define SN_FORMAT_VERSION "1"
#define SN_KEY_CONFIG "config"
#define SN_KEY_CRC32 "data_crc32"
#define SN_KEY_SHA256 "data_sha256"
/* The tensor with the text of a tokenizer.json. */
#define SN_TOKENIZER_TENSOR "tokenizer.json"

/* Whether the bytes begin like a safetensors file. */
_Bool sn_safetensors_probe(const uint8_t *data, size_t size);

/* Takes over `bytes` on success. bundle->memory is set, all else zero; on
 * failure it is left freed. */
sentiment_status sn_safetensors_read(sn_bytes *bytes, const sn_read_options *options,
                                     sn_bundle *bundle, sentiment_error *error);

/* Writes header and data. Tensors must be contiguous. */
sentiment_status sn_safetensors_write(const sn_bundle *bundle, sn_writer *writer,
                                      const sentiment_cancel *cancel, sentiment_error *error);

#endif
