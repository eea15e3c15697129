/* SPDX-License-Identifier: Apache-2.0
 *
 * From the text of a Hugging Face tokenizer.json to a tokenizer of the kind
 * HUGGINGFACE. What this library does not know is refused by name. */
#ifndef SN_MODEL_TOKENIZER_JSON_H
#define SN_MODEL_TOKENIZER_JSON_H

#include "base/memory.h"
#include "base/status.h"
#include "text/tokenizer.h"

/* Token ids lie in [0, limit), else BAD_MODEL. The tokenizer keeps a copy of the
 * text, for saving. `memory` must outlive the tokenizer. */
sentiment_status sn_tokenizer_json_build(const sn_memory *memory, const char *text, size_t size,
                                         uint64_t limit, sn_tokenizer *out,
                                         sentiment_error *error);
/* The text that a tokenizer was built from; NULL for the other kinds. */
const char *sn_tokenizer_json_text(const sn_tokenizer *tokenizer, size_t *size);
/* Names of the parts of the text that are not used, such as "decoder"; NULL: none. */
const char *sn_tokenizer_json_ignored(const sn_tokenizer *tokenizer);

#endif
