/* SPDX-License-Identifier: Apache-2.0
 *
 * See pieces.h. Runs the steps one after another over two buffers and two lists
 * of pieces, which are kept from text to text. */
#include "text/pieces.h"

#include <string.h>

#include "text/normalize.h"
#include "text/pretokenize.h"

/* Makes the scratch hold a new text, in one piece. */
static _Bool begin(struct sn_pieces_scratch *scratch, const sn_memory *memory, const uint8_t *text,
                   size_t size)
{
    scratch->memory = memory;
    scratch->now = &scratch->sides[0];
    scratch->next = &scratch->sides[1];
    scratch->pieces = &scratch->lists[0];
    scratch->cut = &scratch->lists[1];
    scratch->pieces->count = 0;
    scratch->size = size;
    scratch->moved = 0;
    /* A byte at least, so that there is an array to point into. */
    if (!sn_side_reserve(memory, scratch->now, size + !size, 0))
        return 0;
    if (size)
        memcpy(scratch->now->bytes, text, size);
    return 1;
}

static _Bool normalize(struct sn_pieces_scratch *scratch, const sn_steps *steps)
{
    for (size_t i = 0; i < steps->normalizer_count; i++)
        if (!sn_normalize(scratch, steps->normalizers[i]))
            return 0;
    return sn_list_add(scratch->memory, scratch->pieces, 0, scratch->size);
}

static _Bool split(struct sn_pieces_scratch *scratch, const sn_steps *steps)
{
    for (size_t i = 0; i < steps->splitter_count; i++) {
        scratch->cut->count = 0;
        if (!sn_pretokenize(scratch, &steps->splitters[i]))
            return 0;
        sn_list *old = scratch->pieces;
        scratch->pieces = scratch->cut;
        scratch->cut = old;
    }
    return 1;
}

/* Shows the scratch's text. */
static void publish(const struct sn_pieces_scratch *scratch, sn_pieces *pieces)
{
    const sn_side *now = scratch->now;
    pieces->bytes = now->bytes;
    pieces->size = scratch->size;
    pieces->from = scratch->moved ? now->from : NULL;
    pieces->to = scratch->moved ? now->to : NULL;
    pieces->begins = scratch->pieces->begins;
    pieces->ends = scratch->pieces->ends;
    pieces->count = scratch->pieces->count;
}

static sentiment_status run(const sn_steps *steps, _Bool whole, const sn_memory *memory,
                            const uint8_t *text, size_t size, sn_pieces *pieces,
                            sentiment_error *error)
{
    struct sn_pieces_scratch *scratch = pieces->scratch;
    if (!scratch)
        scratch = pieces->scratch = sn_alloc_zero(memory, 1, sizeof *scratch);
    *pieces = (sn_pieces){.scratch = scratch};
    if (!scratch || !begin(scratch, memory, text, size) || !normalize(scratch, steps) ||
        (whole && !split(scratch, steps)))
        return sn_fail_memory(error, "the pieces of a text");
    publish(scratch, pieces);
    return SENTIMENT_OK;
}

sentiment_status sn_pieces_make(const sn_steps *steps, const sn_memory *memory, const uint8_t *text,
                                size_t size, sn_pieces *pieces, sentiment_error *error)
{
    return run(steps, 1, memory, text, size, pieces, error);
}

sentiment_status sn_pieces_normalize(const sn_steps *steps, const sn_memory *memory,
                                     const uint8_t *text, size_t size, sn_pieces *pieces,
                                     sentiment_error *error)
{
    return run(steps, 0, memory, text, size, pieces, error);
}

void sn_pieces_free(const sn_memory *memory, sn_pieces *pieces)
{
    if (!pieces)
        return;
    struct sn_pieces_scratch *scratch = pieces->scratch;
    *pieces = (sn_pieces){0};
    if (!scratch)
        return;
    for (size_t i = 0; i < 2; i++) {
        sn_side_free(memory, &scratch->sides[i]);
        sn_free(memory, scratch->lists[i].begins);
        sn_free(memory, scratch->lists[i].ends);
    }
    sn_free(memory, scratch->segment);
    sn_free(memory, scratch->sorted);
    sn_free(memory, scratch);
}
