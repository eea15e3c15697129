/* SPDX-License-Identifier: Apache-2.0
 *
 * What a tokenizer.json describes: added tokens are cut out, the rest goes
 * through normalizers and splitters (pieces.h), and a model turns each piece
 * into token ids. docs/tokenizers.md has the rules, lib/model/tokenizer_json.h
 * the reader. The words are those of the tokenizer's vocabulary. */
#ifndef SN_TEXT_PIPELINE_H
#define SN_TEXT_PIPELINE_H

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pieces.h"
#include "text/tokenizer.h"
#include "text/wordpiece.h"

typedef enum sn_word_model { SN_WORD_LEVEL, SN_WORD_PIECE, SN_BPE } sn_word_model;

/* The offsets of tokens leave out spaces at their borders, as the package's
 * ByteLevel and RobertaProcessing post-processors do. */
typedef struct sn_trim {
    _Bool on;
    _Bool keeps_prefix_space; /* one at the beginning of the text, put in by add_prefix_space */
} sn_trim;

struct sn_pipeline {
    sn_memory memory;
    sn_matcher raw;        /* added tokens, found in the text as it was given */
    sn_matcher normalized; /* and in the normalized text */
    sn_steps steps;
    sn_steps splitters; /* of the steps, for text that is normalized already */
    sn_word_model model;
    sn_wordpiece wordpiece; /* WORD_PIECE */
    sn_bpe bpe;             /* BPE */
    int32_t unknown;        /* id of what the model does not know, -1: none (BPE) */
    int32_t added_first; /* as in sn_lexicon */
    int32_t added_count;
    sn_trim trim;
    char *text; /* of the tokenizer.json, NUL-terminated */
    size_t text_size;
    char ignored[64]; /* parts of it that are not used */
};

/* Memory that encoding reuses from text to text; hangs on sn_tokens. */
typedef struct sn_encoder sn_encoder;
void sn_encoder_free(const sn_memory *memory, sn_encoder *encoder);
/* Bytes of memory held; `encoder` may be NULL. */
uint64_t sn_encoder_bytes(const sn_encoder *encoder);

void sn_pipeline_free(sn_pipeline *pipeline);
/* Bytes of memory held, the vocabulary's aside. */
uint64_t sn_pipeline_bytes(const sn_pipeline *pipeline);

/* sn_tokenizer_encode and sn_tokenizer_cut for this kind. Bad bytes are read as
 * U+FFFD: a policy that forbids them has been seen to before. */
sentiment_status sn_pipeline_encode(const sn_tokenizer *tokenizer, const sn_memory *memory,
                                    const uint8_t *text, size_t size, sn_tokens *tokens,
                                    sentiment_error *error);
size_t sn_pipeline_cut(const sn_pipeline *pipeline, const uint8_t *text, size_t size);

#endif
