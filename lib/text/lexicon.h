/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a tokenizer.json's model: the vocabulary without the added tokens
 * that the model knows nothing of. Those stand last in it, with ids of their own
 * one behind the other. */
#ifndef SN_TEXT_LEXICON_H
#define SN_TEXT_LEXICON_H

#include "text/trie.h"
#include "text/vocabulary.h"

typedef struct sn_lexicon {
    const sn_vocabulary *vocabulary;
    int32_t added_first;
    int32_t added_count;
} sn_lexicon;

/* Id of a word of the model, -1 if it has none. */
static inline int32_t sn_lexicon_find(const sn_lexicon *lexicon, const uint8_t *word, size_t size)
{
    int32_t id = sn_vocabulary_find(lexicon->vocabulary, word, size);
    if ((uint32_t)id - (uint32_t)lexicon->added_first < (uint32_t)lexicon->added_count)
        return -1;
    return id;
}

/* How many words the model has: numbers 0 to that. */
static inline size_t sn_lexicon_count(const sn_lexicon *lexicon)
{
    return lexicon->vocabulary->count - (size_t)lexicon->added_count;
}

static inline sn_slice sn_lexicon_word(const sn_lexicon *lexicon, size_t number)
{
    const sn_vocabulary *words = lexicon->vocabulary;
    uint64_t begin = words->offsets[number];
    return (sn_slice){words->bytes + begin, (size_t)(words->offsets[number + 1] - begin)};
}

#endif
