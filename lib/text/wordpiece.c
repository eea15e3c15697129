/* SPDX-License-Identifier: Apache-2.0
 *
 * See wordpiece.h. Of a word with n bytes each token costs the bytes of the
 * longest word that shares its beginning, so a word costs no more than n times
 * the vocabulary's longest word, and mostly little more than n. */
#include "text/wordpiece.h"

#include <string.h>

/* Words that begin with the prefix and go on; `slices` has room for all. */
static sentiment_status build_words(const sn_memory *memory, const sn_lexicon *lexicon,
                                    sn_slice prefix, sn_slice *slices, sn_word_trie *out,
                                    sentiment_error *error)
{
    size_t twins[2], words = sn_lexicon_count(lexicon);
    out->numbers = sn_alloc(memory, words, sizeof *out->numbers);
    if (!out->numbers)
        return sn_fail_memory(error, "the vocabulary");
    for (size_t i = 0; i < words; i++) {
        sn_slice word = sn_lexicon_word(lexicon, i);
        if (word.size <= prefix.size ||
            (prefix.size && memcmp(word.data, prefix.data, prefix.size) != 0))
            continue;
        slices[out->count] = (sn_slice){word.data + prefix.size, word.size - prefix.size};
        out->numbers[out->count++] = (uint32_t)i;
    }
    return sn_trie_build(memory, slices, out->count, 0, &out->trie, twins, error);
}

sentiment_status sn_wordpiece_build(const sn_memory *memory, const sn_lexicon *lexicon,
                                    sn_slice prefix, uint64_t max_chars, sn_wordpiece *out,
                                    sentiment_error *error)
{
    static const sn_slice none = {(const uint8_t *)"", 0};
    sn_wordpiece made = {.max_chars = max_chars};
    sn_slice *slices = sn_alloc(memory, sn_lexicon_count(lexicon), sizeof *slices);
    if (!slices)
        return sn_fail_memory(error, "the vocabulary");
    sentiment_status status =
        build_words(memory, lexicon, none, slices, &made.initial, error);
    if (status == SENTIMENT_OK)
        status = build_words(memory, lexicon, prefix, slices, &made.continuing, error);
    sn_free(memory, slices);
    if (status != SENTIMENT_OK) {
        sn_wordpiece_free(memory, &made);
        return status;
    }
    *out = made;
    return SENTIMENT_OK;
}

static void free_words(const sn_memory *memory, sn_word_trie *words)
{
    sn_trie_free(memory, &words->trie);
    sn_free(memory, words->numbers);
}

void sn_wordpiece_free(const sn_memory *memory, sn_wordpiece *model)
{
    free_words(memory, &model->initial);
    free_words(memory, &model->continuing);
    *model = (sn_wordpiece){0};
}

uint64_t sn_wordpiece_bytes(const sn_wordpiece *model)
{
    return sn_trie_bytes(&model->initial.trie) + sn_trie_bytes(&model->continuing.trie) +
           sizeof(uint32_t) * (model->initial.count + (uint64_t)model->continuing.count);
}

_Bool sn_wordpiece_is_long(const sn_wordpiece *model, const uint8_t *word, size_t size)
{
    uint64_t chars = 0;
    if (size <= model->max_chars)
        return 0;
    for (size_t i = 0; i < size; i++)
        chars += (word[i] & 0xC0) != 0x80;
    return chars > model->max_chars;
}

_Bool sn_wordpiece_encode(const sn_wordpiece *model, const sn_lexicon *lexicon,
                          const sn_memory *memory, const uint8_t *word, size_t size,
                          sn_symbols *symbols)
{
    const sn_word_trie *words = &model->initial;
    const int32_t *ids = lexicon->vocabulary->ids;
    symbols->count = 0;
    for (size_t position = 0; position < size; words = &model->continuing) {
        size_t length = 0;
        uint32_t found = sn_trie_longest(&words->trie, word + position, size - position, &length);
        if (found == SN_TRIE_NONE) {
            symbols->count = 0;
            break;
        }
        if (!sn_symbols_push(memory, symbols, ids[words->numbers[found]], length))
            return 0;
        position += length;
    }
    return 1;
}
