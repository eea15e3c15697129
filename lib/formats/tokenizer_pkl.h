/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenizer.pkl: the pickled SimpleTokenizer of the guide. Its class, whatever
 * it is called, is inert data: only word_to_idx and vocab_size are taken. */
#ifndef SN_FORMATS_TOKENIZER_PKL_H
#define SN_FORMATS_TOKENIZER_PKL_H

#include "base/buffer.h"
#include "formats/bundle.h"

/* Reads the words of an instance, or of a bare dict of word to index. */
sentiment_status sn_tokenizer_pkl_read(const uint8_t *data, size_t size, const sn_memory *memory,
                                       sn_words *out, sentiment_error *error);

/* Appends a pickle of a __main__.SimpleTokenizer with vocab_size and
 * word_to_idx, in the order of `words`. out->memory is set. */
sentiment_status sn_tokenizer_pkl_write(const sn_words *words, const sn_memory *memory,
                                        sn_buffer *out, sentiment_error *error);

#endif
