/* SPDX-License-Identifier: Apache-2.0
 *
 * From text to token ids: checks the UTF-8, lets a splitter find the words,
 * lower-cases those that need it, looks them up. What a word is lies in
 * whitespace.c and words.c. */
#include "text/tokenizer.h"

#include "text/lower.h"
#include "text/pipeline.h"
#include "text/splitter.h"

enum { MIN_TOKENS = 64, MIN_FOLDED = 256 };

/* A text on its way through a splitter. */
typedef struct walk {
    const uint8_t *text;
    size_t size;
    size_t position;
    sn_split_fn split;
    const sn_memory *memory;
    sn_tokens *tokens;
    sn_span span; /* of the word at hand */
    /* The word's bytes: in the text, or lower-cased in tokens->folded. */
    const uint8_t *word;
    size_t word_size;
} walk;

static sn_split_fn splitter_of(int32_t kind)
{
    switch (kind) {
    case SENTIMENT_TOKENIZER_WHITESPACE:
        return sn_split_whitespace;
    case SENTIMENT_TOKENIZER_WORDS:
        return sn_split_words;
    default:
        return NULL;
    }
}

/* Room for the lower-cased form of `size` bytes. */
static _Bool reserve_folded(const sn_memory *memory, sn_tokens *tokens, size_t size)
{
    size_t need;
    if (!sn_multiply(size, SN_LOWER_GROWTH, &need))
        return 0;
    if (need <= tokens->folded_capacity)
        return 1;
    /* Doubling, so that ever longer words cost few allocations. */
    if (need < 2 * tokens->folded_capacity)
        need = 2 * tokens->folded_capacity;
    if (need < MIN_FOLDED)
        need = MIN_FOLDED;
    uint8_t *folded = sn_realloc(memory, tokens->folded, need, 1);
    if (!folded)
        return 0;
    tokens->folded = folded;
    tokens->folded_capacity = need;
    return 1;
}

_Bool sn_tokens_reserve(const sn_memory *memory, sn_tokens *tokens)
{
    if (tokens->count < tokens->capacity)
        return 1;
    size_t capacity = tokens->capacity ? 2 * tokens->capacity : MIN_TOKENS;
    int32_t *ids = sn_realloc(memory, tokens->ids, capacity, sizeof *ids);
    if (!ids)
        return 0;
    tokens->ids = ids;
    uint64_t *starts = sn_realloc(memory, tokens->starts, capacity, sizeof *starts);
    if (!starts)
        return 0;
    tokens->starts = starts;
    uint64_t *ends = sn_realloc(memory, tokens->ends, capacity, sizeof *ends);
    if (!ends)
        return 0;
    tokens->ends = ends;
    tokens->capacity = capacity;
    return 1;
}

static sentiment_status begin(walk *at, int32_t kind, const char *text, size_t size,
                              int32_t utf8_policy, sentiment_error *error)
{
    at->split = splitter_of(kind);
    if (!at->split && kind != SENTIMENT_TOKENIZER_HUGGINGFACE)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "there is no tokenizer of kind %d", (int)kind);
    if (utf8_policy != SENTIMENT_UTF8_STRICT && utf8_policy != SENTIMENT_UTF8_REPLACE)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "there is no UTF-8 policy %d", (int)utf8_policy);
    at->text = (const uint8_t *)(size ? text : "");
    at->size = size;
    if (utf8_policy == SENTIMENT_UTF8_STRICT) {
        size_t bad = sn_utf8_check(at->text, size);
        if (bad < size)
            return sn_fail(error, SENTIMENT_ERROR_INVALID_UTF8, bad,
                           "the text is not UTF-8: byte 0x%02X at offset %zu",
                           (unsigned)at->text[bad], bad);
    }
    return SENTIMENT_OK;
}

/* Lower-cases the word at hand into the scratch. */
static _Bool fold(walk *at)
{
    size_t start = at->span.start, end = at->span.end;
    if (!reserve_folded(at->memory, at->tokens, end - start))
        return 0;
    uint8_t *folded = at->tokens->folded;
    size_t size = 0;
    if (at->span.apostrophe) {
        folded[size++] = '\'';
        start += at->span.apostrophe;
    }
    at->word_size = size + sn_lower(at->text, at->size, start, end, folded + size);
    at->word = folded;
    return 1;
}

/* 1: a word is at hand; 0: there is none left; -1: out of memory. */
static int next_word(walk *at)
{
    if (!at->split(at->text, at->size, &at->position, &at->span))
        return 0;
    if (at->span.changes || at->span.apostrophe)
        return fold(at) ? 1 : -1;
    at->word = at->text + at->span.start;
    at->word_size = at->span.end - at->span.start;
    return 1;
}

void sn_tokens_free(const sn_memory *memory, sn_tokens *tokens)
{
    if (!tokens)
        return;
    sn_free(memory, tokens->ids);
    sn_free(memory, tokens->starts);
    sn_free(memory, tokens->ends);
    sn_free(memory, tokens->folded);
    sn_encoder_free(memory, tokens->encoder);
    *tokens = (sn_tokens){0};
}

uint64_t sn_tokens_bytes(const sn_tokens *tokens)
{
    size_t token = sizeof *tokens->ids + sizeof *tokens->starts + sizeof *tokens->ends;
    return tokens->capacity * (uint64_t)token + tokens->folded_capacity +
           sn_encoder_bytes(tokens->encoder);
}

void sn_tokenizer_free(sn_tokenizer *tokenizer)
{
    sn_vocabulary_free(&tokenizer->vocabulary);
    sn_pipeline_free(tokenizer->pipeline);
    *tokenizer = (sn_tokenizer){0};
}

uint64_t sn_tokenizer_bytes(const sn_tokenizer *tokenizer)
{
    uint64_t bytes = sn_vocabulary_bytes(&tokenizer->vocabulary);
    return tokenizer->pipeline ? bytes + sn_pipeline_bytes(tokenizer->pipeline) : bytes;
}

size_t sn_tokenizer_cut(const sn_tokenizer *tokenizer, const char *text, size_t size)
{
    switch (tokenizer->kind) {
    case SENTIMENT_TOKENIZER_WHITESPACE:
        return sn_cut_whitespace((const uint8_t *)text, size);
    case SENTIMENT_TOKENIZER_WORDS:
        return sn_cut_words((const uint8_t *)text, size);
    case SENTIMENT_TOKENIZER_HUGGINGFACE:
        return sn_pipeline_cut(tokenizer->pipeline, (const uint8_t *)text, size);
    default:
        return 0;
    }
}

sentiment_status sn_tokenizer_encode(const sn_tokenizer *tokenizer, const sn_memory *memory,
                                     const char *text, size_t size, int32_t utf8_policy,
                                     sn_tokens *tokens, sentiment_error *error)
{
    walk at = {.memory = memory, .tokens = tokens};
    tokens->count = 0;
    sentiment_status status = begin(&at, tokenizer->kind, text, size, utf8_policy, error);
    if (status != SENTIMENT_OK)
        return status;
    if (tokenizer->kind == SENTIMENT_TOKENIZER_HUGGINGFACE)
        return sn_pipeline_encode(tokenizer, memory, at.text, size, tokens, error);
    int more;
    while ((more = next_word(&at)) > 0 && sn_tokens_reserve(memory, tokens)) {
        size_t i = tokens->count++;
        tokens->ids[i] = sn_vocabulary_find(&tokenizer->vocabulary, at.word, at.word_size);
        tokens->starts[i] = at.span.start;
        tokens->ends[i] = at.span.end;
    }
    if (more != 0) {
        tokens->count = 0;
        return sn_fail_memory(error, "the tokens of a text");
    }
    return SENTIMENT_OK;
}

sentiment_status sn_tokenizer_split(int32_t kind, const sn_memory *memory, const char *text,
                                    size_t size, int32_t utf8_policy, sn_tokens *scratch,
                                    sn_word_fn word, void *user, sentiment_error *error)
{
    walk at = {.memory = memory, .tokens = scratch};
    if (kind == SENTIMENT_TOKENIZER_HUGGINGFACE)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "a tokenizer.json cuts texts into more than words");
    sentiment_status status = begin(&at, kind, text, size, utf8_policy, error);
    int more = 0;
    while (status == SENTIMENT_OK && (more = next_word(&at)) > 0)
        status = word(user, at.word, at.word_size, error);
    if (more < 0)
        status = sn_fail_memory(error, "the words of a text");
    return status;
}
