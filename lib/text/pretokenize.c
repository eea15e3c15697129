/* SPDX-License-Identifier: Apache-2.0
 *
 * The splitters that leave the text as it is and say where its pieces lie. Each
 * of them cuts between characters that differ in some flags. ByteLevel, which
 * rewrites the text as well, is in byte_level.c. */
#include "text/pretokenize.h"

/* The pieces being made of one piece. */
typedef struct cutter {
    struct sn_pieces_scratch *scratch;
    const uint8_t *text;
    size_t begin, end; /* what of the piece is still to be cut */
    sn_behaviour behaviour;
} cutter;

static _Bool add(const cutter *work, size_t begin, size_t end)
{
    return sn_list_add(work->scratch->memory, work->scratch->cut, begin, end);
}

typedef _Bool (*cut_fn)(cutter *work);

/* Whitespace goes, each punctuation mark stands alone. */
static _Bool cut_bert(cutter *work)
{
    const uint32_t mask = SN_PIECE_SPACE | SN_PIECE_PUNCTUATION;
    size_t at = work->begin;
    while (at < work->end) {
        size_t begin = at, length;
        uint32_t flags = sn_flags_at(work->text, at, work->end, mask, &length);
        at += length;
        if (flags & SN_PIECE_SPACE)
            continue;
        if (flags == 0)
            at = sn_run_end(work->text, at, work->end, mask, 0);
        if (!add(work, begin, at))
            return 0;
    }
    return 1;
}

/* Runs of characters alike; whitespace goes. */
static _Bool cut_runs(cutter *work, uint32_t mask)
{
    size_t at = work->begin;
    while (at < work->end) {
        size_t begin = at, length;
        uint32_t flags = sn_flags_at(work->text, at, work->end, mask, &length);
        at = sn_run_end(work->text, at + length, work->end, mask, flags);
        if (!(flags & SN_PIECE_SPACE) && !add(work, begin, at))
            return 0;
    }
    return 1;
}

static _Bool cut_whitespace(cutter *work)
{
    return cut_runs(work, SN_PIECE_SPACE | SN_PIECE_WORD);
}

static _Bool cut_whitespace_split(cutter *work)
{
    return cut_runs(work, SN_PIECE_SPACE);
}

/* The marks of begin..end, of which one may belong to the run before them, and
 * one to the run behind them. */
static _Bool add_marks(cutter *work, size_t before, size_t begin, size_t end)
{
    size_t length, at = begin;
    if (work->behaviour == SN_REMOVED)
        return add(work, before, begin);
    if (work->behaviour == SN_CONTIGUOUS)
        return add(work, before, begin) && add(work, begin, end);
    if (work->behaviour == SN_MERGED_WITH_PREVIOUS && before < begin && begin < end) {
        sn_flags_at(work->text, at, end, 0, &length);
        at += length;
    }
    if (!add(work, before, at))
        return 0;
    for (; at < end; at += length) {
        sn_flags_at(work->text, at, end, 0, &length);
        if (!add(work, at, at + length))
            return 0;
    }
    return 1;
}

static _Bool cut_punctuation(cutter *work)
{
    const uint32_t mask = SN_PIECE_PUNCTUATION;
    size_t before = work->begin, at = before;
    while (before < work->end) {
        size_t begin = sn_run_end(work->text, at, work->end, mask, 0);
        size_t end = sn_run_end(work->text, begin, work->end, mask, mask);
        at = end;
        if (work->behaviour == SN_MERGED_WITH_NEXT && begin < end && end < work->end)
            end -= sn_utf8_get_before(work->text, end).length;
        if (!add_marks(work, before, begin, end))
            return 0;
        before = end;
    }
    return 1;
}

_Bool sn_pretokenize(struct sn_pieces_scratch *scratch, const sn_splitter *splitter)
{
    static const cut_fn cuts[] = {
        [SN_SPLIT_BERT] = cut_bert,
        [SN_SPLIT_WHITESPACE] = cut_whitespace,
        [SN_SPLIT_WHITESPACE_SPLIT] = cut_whitespace_split,
        [SN_SPLIT_PUNCTUATION] = cut_punctuation,
    };
    if (splitter->kind == SN_SPLIT_BYTE_LEVEL)
        return sn_pretokenize_byte_level(scratch, splitter);
    const sn_list *pieces = scratch->pieces;
    for (size_t i = 0; i < pieces->count; i++) {
        cutter work = {
            .scratch = scratch,
            .text = scratch->now->bytes,
            .begin = pieces->begins[i],
            .end = pieces->ends[i],
            .behaviour = splitter->behaviour,
        };
        if (!cuts[splitter->kind](&work))
            return 0;
    }
    return 1;
}
