/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts the words of a training set and makes the vocabulary of the most
 * frequent ones. Id 0 has no word: it stands for every word that is left out. */
#ifndef SN_ENGINE_TRAIN_WORDS_H
#define SN_ENGINE_TRAIN_WORDS_H

#include "base/memory.h"
#include "base/status.h"
#include "text/vocabulary.h"

typedef struct sn_counted_word {
    size_t start, size; /* in sn_word_counts.bytes */
    uint64_t count;
    uint64_t hash;
} sn_counted_word;

/* Zero-initialise and set memory. */
typedef struct sn_word_counts {
    const sn_memory *memory;
    uint8_t *bytes;
    size_t bytes_size, bytes_capacity;
    sn_counted_word *words;
    size_t count, capacity;
    uint32_t *slots; /* word number + 1, 0: empty */
    size_t slot_count;
} sn_word_counts;

/* One more occurrence; of the type sn_word_fn, with the counts as `user`. */
sentiment_status sn_word_counts_add(void *user, const uint8_t *word, size_t size,
                                    sentiment_error *error);
/* The words that occur min_count times or more, by falling count, then by
 * bytes, with the ids 1, 2, ... below `limit`. */
sentiment_status sn_word_counts_vocabulary(const sn_word_counts *counts, uint64_t min_count,
                                           size_t limit, sn_vocabulary *out,
                                           sentiment_error *error);
void sn_word_counts_free(sn_word_counts *counts);

#endif
