/* SPDX-License-Identifier: Apache-2.0
 *
 * The first half of a tokenizer.json: normalizers change the text, splitters
 * (pre-tokenizers) cut it into pieces, and every byte keeps its place in the
 * text as it was given. What a piece is worth is the model's business
 * (pipeline.h). The steps do what the pinned version of Hugging Face tokenizers
 * does, to the byte; docs/tokenizers.md has the rules. */
#ifndef SN_TEXT_PIECES_H
#define SN_TEXT_PIECES_H

#include "base/memory.h"
#include "base/status.h"

/* Sequences are flat: BertNormalizer is up to four steps. */
typedef enum sn_normalizer {
    SN_NORMALIZE_NFC,
    SN_NORMALIZE_NFD,
    SN_NORMALIZE_NFKC,
    SN_NORMALIZE_NFKD,
    SN_NORMALIZE_LOWERCASE,     /* per character, no final sigma */
    SN_NORMALIZE_STRIP_ACCENTS, /* drops combining marks; decomposes nothing */
    SN_NORMALIZE_BERT_CLEAN,    /* drops controls, makes whitespace a space */
    SN_NORMALIZE_BERT_CHINESE,  /* spaces around CJK ideographs */
    SN_NORMALIZE_BERT_ACCENTS   /* NFD, then drops nonspacing marks */
} sn_normalizer;

typedef enum sn_splitter_kind {
    SN_SPLIT_BERT,             /* whitespace; each punctuation mark by itself */
    SN_SPLIT_WHITESPACE,       /* \w+|[^\w\s]+ */
    SN_SPLIT_WHITESPACE_SPLIT, /* whitespace alone */
    SN_SPLIT_PUNCTUATION,      /* with a behaviour */
    SN_SPLIT_BYTE_LEVEL        /* GPT-2's: bytes become printable characters */
} sn_splitter_kind;

/* Where a punctuation mark goes. */
typedef enum sn_behaviour {
    SN_ISOLATED,
    SN_REMOVED,
    SN_MERGED_WITH_PREVIOUS,
    SN_MERGED_WITH_NEXT,
    SN_CONTIGUOUS
} sn_behaviour;

typedef struct sn_splitter {
    sn_splitter_kind kind;
    sn_behaviour behaviour; /* PUNCTUATION */
    _Bool add_prefix_space; /* BYTE_LEVEL: to each piece that has none */
    _Bool use_regex;        /* BYTE_LEVEL: cut at all, or only map the bytes */
} sn_splitter;

#define SN_MAX_STEPS 32

/* The normalizers and splitters of one tokenizer, in their order. */
typedef struct sn_steps {
    sn_normalizer normalizers[SN_MAX_STEPS];
    size_t normalizer_count;
    sn_splitter splitters[SN_MAX_STEPS];
    size_t splitter_count;
} sn_steps;

/* The pieces of a text: piece i is bytes[begins[i] .. ends[i]), never empty.
 * Reused from text to text; zero-initialise, free with sn_pieces_free. */
typedef struct sn_pieces {
    uint8_t *bytes; /* after all steps */
    size_t size;
    size_t *begins;
    size_t *ends;
    size_t count;
    /* Where byte b came from in the text as given: [from[b], to[b]), the whole
     * characters; neither ever falls. A token of the bytes [i, j) came from
     * [from[i], to[j - 1]). Bytes that a step put in take their neighbour's place,
     * as in the package. NULL while nothing has moved: then a token that is whole
     * characters came from [i, j). */
    uint64_t *from;
    uint64_t *to;
    /* Private: capacities and scratch. */
    struct sn_pieces_scratch *scratch;
} sn_pieces;

/* Cuts `text`, which is well-formed UTF-8 (bad sequences are U+FFFD already),
 * replacing what `pieces` held. OUT_OF_MEMORY only; no allocation once the
 * scratch is large enough. */
sentiment_status sn_pieces_make(const sn_steps *steps, const sn_memory *memory, const uint8_t *text,
                                size_t size, sn_pieces *pieces, sentiment_error *error);
/* The normalizers alone: one piece, none if nothing is left. For added tokens
 * that are looked for in the normalized text. */
sentiment_status sn_pieces_normalize(const sn_steps *steps, const sn_memory *memory,
                                     const uint8_t *text, size_t size, sn_pieces *pieces,
                                     sentiment_error *error);
void sn_pieces_free(const sn_memory *memory, sn_pieces *pieces);

#endif
