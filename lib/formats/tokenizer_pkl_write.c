/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes tokenizer.pkl: the guide's SimpleTokenizer, protocol 2, without a
 * memo, as nothing in it is shared. */
#include "base/status.h"
#include "formats/pickle_write.h"
#include "formats/tokenizer_pkl.h"

/* Pairs between two SETITEMS, as Python writes them: readers stack them. */
#define BATCH 1000

static void put_words(sn_buffer *out, const sn_words *words)
{
    sn_pickle_put(out, "}");
    for (size_t i = 0; i < words->count; i++) {
        if (i % BATCH == 0)
            sn_pickle_put(out, i ? "u(" : "(");
        sn_pickle_put_string(out, words->bytes + words->offsets[i],
                             (size_t)(words->offsets[i + 1] - words->offsets[i]));
        sn_pickle_put_int(out, words->ids ? words->ids[i] : (int64_t)i);
    }
    if (words->count)
        sn_pickle_put(out, "u");
}

sentiment_status sn_tokenizer_pkl_write(const sn_words *words, const sn_memory *memory,
                                        sn_buffer *out, sentiment_error *error)
{
    (void)memory;
    sn_pickle_put(out, "\x80\x02");
    sn_pickle_put_global(out, "__main__", "SimpleTokenizer");
    sn_pickle_put(out, ")\x81}(");
    sn_pickle_put_text(out, "vocab_size");
    sn_pickle_put_int(out, words->vocab_size >= 0 ? words->vocab_size : (int64_t)words->count);
    sn_pickle_put_text(out, "word_to_idx");
    put_words(out, words);
    sn_pickle_put(out, "ub.");
    return out->failed ? sn_fail_memory(error, "tokenizer.pkl") : SENTIMENT_OK;
}
