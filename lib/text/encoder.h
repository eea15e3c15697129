/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of pipeline.c: scratch memory, and a text on its way through the
 * stages. */
#ifndef SN_TEXT_ENCODER_H
#define SN_TEXT_ENCODER_H

#include "text/pipeline.h"

/* A text with U+FFFD in place of what is no UTF-8, and where each byte came from. */
typedef struct sn_replaced {
    uint8_t *bytes;
    uint64_t *from, *to;
    size_t size;
    size_t capacity;
} sn_replaced;

/* Replaces what `out` held. */
sentiment_status sn_replace(const sn_memory *memory, const uint8_t *text, size_t size,
                            sn_replaced *out, sentiment_error *error);

struct sn_encoder {
    sn_replaced replaced;
    sn_hits hits, normalized_hits;
    sn_pieces normalized;
    sn_pieces pieces;
    sn_bpe_scratch bpe; /* its symbols serve WordPiece, too */
};

typedef struct sn_walk {
    const sn_pipeline *pipeline;
    sn_lexicon lexicon;
    const sn_memory *memory;
    sn_tokens *tokens;
    sn_encoder *scratch;
    const uint8_t *text; /* well-formed */
    size_t size;
    /* What a token's range goes through, from the last to the first; NULL: nothing. */
    const sn_pieces *pieces;
    const sn_pieces *normalized;
    size_t normalized_begin; /* of what was split, in the normalized text */
    size_t begin;            /* of what was normalized, in the text */
    const sn_replaced *replaced;
    size_t replaced_size; /* of the text before that */
} sn_walk;

/* Moves a token's range off the spaces at its borders, of which `word`, the
 * token's text, tells how many there are. The range lies in at->text. */
void sn_trim_range(const sn_walk *at, sn_slice word, size_t *begin, size_t *end);

#endif
