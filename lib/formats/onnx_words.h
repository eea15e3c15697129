/* SPDX-License-Identifier: Apache-2.0
 *
 * The vocabulary as text, for the metadata of an ONNX file, where strings must
 * be UTF-8: a line for each word, \\ for a backslash, \uXXXX for controls and
 * lone surrogates (docs/file-format.md). Ids stand apart, and only where word i
 * does not have the id i. */
#ifndef SN_FORMATS_ONNX_WORDS_H
#define SN_FORMATS_ONNX_WORDS_H

#include "base/buffer.h"
#include "formats/bundle.h"

/* Appends the words to `text`, and to `ids` the ids where they are needed. */
sentiment_status sn_onnx_words_write(const sn_words *words, sn_buffer *text, sn_buffer *ids,
                                     sentiment_error *error);
/* The words of `text`, with the ids in the string `ids` (may be NULL). On failure
 * `out` holds nothing. */
sentiment_status sn_onnx_words_read(const sn_memory *memory, const uint8_t *text, size_t size,
                                    const char *ids, sn_words *out, sentiment_error *error);

#endif
