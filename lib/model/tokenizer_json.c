/* SPDX-License-Identifier: Apache-2.0
 *
 * See tokenizer_json.h. */
#include "model/tokenizer_json.h"

sentiment_status sn_tokenizer_json_build(const sn_memory *memory, const char *text, size_t size,
                                         uint64_t limit, sn_tokenizer *out,
                                         sentiment_error *error)
{
    (void)memory, (void)text, (void)size, (void)limit, (void)out;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                   "tokenizer.json files are not supported by this version");
}

const char *sn_tokenizer_json_text(const sn_tokenizer *tokenizer, size_t *size)
{
    (void)tokenizer, (void)size;
    return NULL;
}

const char *sn_tokenizer_json_ignored(const sn_tokenizer *tokenizer)
{
    (void)tokenizer;
    return NULL;
}
