/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_tokenizer_*: argument checks and delegation, nothing else. */
#include "api/checks.h"
#include "model/model.h"

sentiment_tokenizer *sentiment_model_get_tokenizer(const sentiment_model *model)
{
    return model ? sn_tokenizer_retain(model->tokenizer) : NULL;
}

sentiment_tokenizer *sentiment_tokenizer_retain(sentiment_tokenizer *tokenizer)
{
    return sn_tokenizer_retain(tokenizer);
}

void sentiment_tokenizer_free(sentiment_tokenizer *tokenizer)
{
    sn_tokenizer_release(tokenizer);
}

/* Copies tokens to the caller's arrays; an unknown word stands there as ~id. */
static void give_tokens(const sn_tokens *tokens, int32_t *ids, uint64_t *starts, uint64_t *ends)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (ids)
            ids[i] = tokens->ids[i] < 0 ? ~tokens->ids[i] : tokens->ids[i];
        if (starts)
            starts[i] = tokens->starts[i];
        if (ends)
            ends[i] = tokens->ends[i];
    }
}

sentiment_status sentiment_tokenizer_encode(const sentiment_tokenizer *tokenizer, const char *text,
                                            size_t size, int32_t utf8_policy, size_t capacity,
                                            int32_t *ids, uint64_t *starts, uint64_t *ends,
                                            size_t *length, sentiment_error *error)
{
    sn_tokens tokens = {0};
    if (!tokenizer || !length || (!text && size))
        return sn_null_argument(error, !tokenizer ? "tokenizer" : !length ? "length" : "text");
    sentiment_status status =
        sn_check_choice(utf8_policy, SENTIMENT_UTF8_REPLACE, "utf8_policy", error);
    if (status)
        return status;
    status = sn_tokenizer_encode(&tokenizer->tokenizer, &tokenizer->memory, text ? text : "", size,
                                 utf8_policy, &tokens, error);
    if (!status) {
        *length = tokens.count;
        if (tokens.count <= capacity)
            give_tokens(&tokens, ids, starts, ends);
        else
            status = sn_fail(error, SENTIMENT_ERROR_BUFFER_TOO_SMALL, SN_NO_OFFSET,
                             "the text has %zu tokens; the arrays have room for %zu", tokens.count,
                             capacity);
    }
    sn_tokens_free(&tokenizer->memory, &tokens);
    return status;
}

sentiment_status sentiment_tokenizer_get_word(const sentiment_tokenizer *tokenizer, int32_t id,
                                              const char **word, size_t *length)
{
    size_t size;
    if (!tokenizer || !word || !length)
        return SENTIMENT_ERROR_INVALID_ARGUMENT;
    const uint8_t *bytes = sn_vocabulary_word(&tokenizer->tokenizer.vocabulary, id, &size);
    if (!bytes)
        return SENTIMENT_ERROR_NOT_FOUND;
    *word = (const char *)bytes;
    *length = size;
    return SENTIMENT_OK;
}
