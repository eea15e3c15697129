/* SPDX-License-Identifier: Apache-2.0
 *
 * WordPiece: a word is the longest of the vocabulary's words that it begins
 * with, then again and again the longest of those with a prefix (##) that the
 * rest begins with. If that leads nowhere, all of it is unknown. */
#ifndef SN_TEXT_WORDPIECE_H
#define SN_TEXT_WORDPIECE_H

#include "base/status.h"
#include "text/lexicon.h"
#include "text/symbols.h"

/* Words by their beginnings. */
typedef struct sn_word_trie {
    sn_trie trie;
    uint32_t *numbers; /* of the words, by the trie's values */
    size_t count;
} sn_word_trie;

typedef struct sn_wordpiece {
    uint64_t max_chars; /* longer words are unknown */
    sn_word_trie initial;
    sn_word_trie continuing; /* those with the prefix, without it */
} sn_wordpiece;

sentiment_status sn_wordpiece_build(const sn_memory *memory, const sn_lexicon *lexicon,
                                    sn_slice prefix, uint64_t max_chars, sn_wordpiece *out,
                                    sentiment_error *error);
void sn_wordpiece_free(const sn_memory *memory, sn_wordpiece *model);
uint64_t sn_wordpiece_bytes(const sn_wordpiece *model);

/* Replaces the symbols by those of the word, none if it is unknown; false if
 * memory ran out. */
_Bool sn_wordpiece_encode(const sn_wordpiece *model, const sn_lexicon *lexicon,
                          const sn_memory *memory, const uint8_t *word, size_t size,
                          sn_symbols *symbols);
/* Whether the word has more characters than the model looks at. */
_Bool sn_wordpiece_is_long(const sn_wordpiece *model, const uint8_t *word, size_t size);

#endif
