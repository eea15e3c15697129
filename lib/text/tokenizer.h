/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokenizers: text to token ids with byte offsets. Immutable, shared between
 * threads; scratch memory is the caller's. */
#ifndef SN_TEXT_TOKENIZER_H
#define SN_TEXT_TOKENIZER_H

#include "base/memory.h"
#include "base/status.h"
#include "text/vocabulary.h"

/* A token whose word is not in the vocabulary is kept as ~id, negative, with the
 * id that the network reads for it: 0, unless a tokenizer.json says otherwise. */
#define SN_UNKNOWN (~0)

/* Version of the Unicode tables, such as "14.0.0". */
extern const char sn_unicode_version[];

/* What a tokenizer.json describes (pipeline.h). */
typedef struct sn_pipeline sn_pipeline;

typedef struct sn_tokenizer {
    int32_t kind; /* enum sentiment_tokenizer_kind, never DEFAULT */
    sn_vocabulary vocabulary;
    sn_pipeline *pipeline; /* HUGGINGFACE only, owned; NULL otherwise */
    uint32_t max_length;   /* truncation of its own, 0: none */
    _Bool truncate_left;   /* which end is cut off: the beginning of the text */
} sn_tokenizer;

/* Frees what a tokenizer owns and zeroes it. */
void sn_tokenizer_free(sn_tokenizer *tokenizer);
/* Bytes of memory held. */
uint64_t sn_tokenizer_bytes(const sn_tokenizer *tokenizer);

/* Tokens of one text, growing as needed and reused from text to text. */
typedef struct sn_tokens {
    int32_t *ids;     /* vocabulary id, or ~id of an unknown word */
    uint64_t *starts; /* byte offsets into the text as it was given */
    uint64_t *ends;
    size_t count;
    size_t capacity;
    /* Scratch: the lower-cased bytes of one word. */
    uint8_t *folded;
    size_t folded_capacity;
    struct sn_encoder *encoder; /* HUGGINGFACE's (pipeline.h) */
} sn_tokens;

void sn_tokens_free(const sn_memory *memory, sn_tokens *tokens);
/* Bytes of memory held. */
uint64_t sn_tokens_bytes(const sn_tokens *tokens);
/* Room for one more token; false if memory ran out. */
_Bool sn_tokens_reserve(const sn_memory *memory, sn_tokens *tokens);

/* Replaces the tokens of `tokens` by those of the text. utf8_policy is
 * enum sentiment_utf8_policy. Fails with INVALID_UTF8 (offset: first bad byte)
 * or OUT_OF_MEMORY, leaving count 0. No allocation once the scratch is large
 * enough. */
sentiment_status sn_tokenizer_encode(const sn_tokenizer *tokenizer, const sn_memory *memory,
                                     const char *text, size_t size, int32_t utf8_policy,
                                     sn_tokens *tokens, sentiment_error *error);

/* A position p of the text such that, whatever follows the text, the tokens of
 * all of it are those of the bytes before p and then those of the bytes from p
 * on, each encoded alone. Never in the middle of a UTF-8 sequence. 0 where none
 * is known. Streams forget what lies before it. */
size_t sn_tokenizer_cut(const sn_tokenizer *tokenizer, const char *text, size_t size);

/* Calls `word` with each token's lower-cased bytes, in order: how training
 * counts words. Stops at the first failure of `word`. Of a text that is not
 * UTF-8, under STRICT, no word is handed out. Only the scratch part of
 * `scratch` is used. */
typedef sentiment_status (*sn_word_fn)(void *user, const uint8_t *bytes, size_t size,
                                       sentiment_error *error);
sentiment_status sn_tokenizer_split(int32_t kind, const sn_memory *memory, const char *text,
                                    size_t size, int32_t utf8_policy, sn_tokens *scratch,
                                    sn_word_fn word, void *user, sentiment_error *error);

#endif
