/* SPDX-License-Identifier: Apache-2.0
 *
 * The normalizers that look at one character at a time. Runs of ASCII are gone
 * through eight bytes at a time. */
#include "text/normalize.h"

#include <string.h>

#include "text/pieces_unicode.h"
#include "text/utf8.h"

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

enum { CAPITAL_I_DOT = 0x130, DOT_ABOVE = 0x307, ALL_ASCII = 0x80 };

static uint64_t load_eight(const uint8_t *bytes)
{
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    return eight;
}

size_t sn_ascii_run(const uint8_t *text, size_t at, size_t size)
{
    size_t begin = at;
    while (size - at >= 8 && !(load_eight(text + at) & EVERY(0x80)))
        at += 8;
    while (at < size && text[at] < ALL_ASCII)
        at++;
    return at - begin;
}

/* A run of bytes that clean_text leaves alone: printable ASCII. */
static size_t clean_run(const uint8_t *text, size_t at, size_t size)
{
    size_t begin = at;
    while (size - at >= 8) {
        uint64_t eight = load_eight(text + at);
        /* Without high bits, adding does not carry: 0x7F and up, 0x20 and up. */
        uint64_t low = eight & EVERY(0x7F);
        if ((eight | (low + EVERY(0x01)) | ~(low + EVERY(0x60))) & EVERY(0x80))
            break;
        at += 8;
    }
    while (at < size && text[at] >= 0x20 && text[at] < 0x7F)
        at++;
    return at - begin;
}

static _Bool clean(struct sn_pieces_scratch *scratch)
{
    sn_rewrite rewrite = sn_rewrite_begin(scratch);
    _Bool fine = 1;
    for (size_t at = 0; fine;) {
        size_t run = clean_run(rewrite.source, at, rewrite.size);
        fine = sn_rewrite_keep(&rewrite, run);
        at += run;
        if (at == rewrite.size || !fine)
            break;
        sn_char next = sn_utf8_get(rewrite.source + at, rewrite.size - at);
        uint32_t flags = sn_piece(next.code)->flags;
        if (flags & SN_PIECE_CLEANED)
            fine = sn_rewrite_drop(&rewrite, 0);
        else if (flags & SN_PIECE_SPACE)
            fine = sn_rewrite_put(&rewrite, ' ', 0);
        else
            fine = sn_rewrite_keep(&rewrite, next.length);
        at += next.length;
    }
    return fine && sn_rewrite_end(&rewrite);
}

/* What becomes of a character that is not ASCII; `flags` are the ones looked for. */
typedef _Bool (*change_fn)(sn_rewrite *rewrite, sn_char next, uint32_t flags);

/* Goes through the characters that are not ASCII. */
static _Bool each_high(struct sn_pieces_scratch *scratch, uint32_t flags, change_fn change)
{
    sn_rewrite rewrite = sn_rewrite_begin(scratch);
    _Bool fine = 1;
    size_t at = sn_ascii_run(rewrite.source, 0, rewrite.size);
    while (fine && at < rewrite.size) {
        sn_char next = sn_utf8_get(rewrite.source + at, rewrite.size - at);
        if (sn_piece(next.code)->flags & flags) {
            fine = sn_rewrite_keep(&rewrite, at - rewrite.taken);
            fine = fine && change(&rewrite, next, flags);
        }
        at += next.length;
        at += sn_ascii_run(rewrite.source, at, rewrite.size);
    }
    return fine && sn_rewrite_end(&rewrite);
}

static _Bool drop(sn_rewrite *rewrite, sn_char next, uint32_t flags)
{
    (void)next, (void)flags;
    return sn_rewrite_drop(rewrite, 0);
}

static _Bool set_apart(sn_rewrite *rewrite, sn_char next, uint32_t flags)
{
    (void)flags;
    return sn_rewrite_put_before(rewrite, ' ') && sn_rewrite_keep(rewrite, next.length) &&
           sn_rewrite_put(rewrite, ' ', 1);
}

static void lower_ascii(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (uint8_t)(text[i] + ((uint8_t)(text[i] - 'A') < 26 ? 'a' - 'A' : 0));
}

static _Bool lower(struct sn_pieces_scratch *scratch)
{
    sn_rewrite rewrite = sn_rewrite_begin(scratch);
    for (size_t at = 0;;) {
        size_t run = sn_ascii_run(rewrite.source, at, rewrite.size);
        lower_ascii(rewrite.source + at, run);
        at += run;
        if (at == rewrite.size)
            return sn_rewrite_end(&rewrite);
        sn_char next = sn_utf8_get(rewrite.source + at, rewrite.size - at);
        int64_t delta = sn_piece(next.code)->lower;
        if (delta != 0 && !(sn_rewrite_keep(&rewrite, at - rewrite.taken) &&
                            sn_rewrite_put(&rewrite, (uint32_t)(next.code + delta), 0)))
            return 0;
        if (next.code == CAPITAL_I_DOT && !sn_rewrite_put(&rewrite, DOT_ABOVE, 1))
            return 0;
        at += next.length;
    }
}

_Bool sn_normalize(struct sn_pieces_scratch *scratch, sn_normalizer step)
{
    switch (step) {
    case SN_NORMALIZE_NFC:
        return sn_normalize_form(scratch, (sn_form){.composed = 1});
    case SN_NORMALIZE_NFD:
        return sn_normalize_form(scratch, (sn_form){0});
    case SN_NORMALIZE_NFKC:
        return sn_normalize_form(scratch, (sn_form){.compatible = 1, .composed = 1});
    case SN_NORMALIZE_NFKD:
        return sn_normalize_form(scratch, (sn_form){.compatible = 1});
    case SN_NORMALIZE_LOWERCASE:
        return lower(scratch);
    case SN_NORMALIZE_STRIP_ACCENTS:
        return each_high(scratch, SN_PIECE_MARK, drop);
    case SN_NORMALIZE_BERT_CLEAN:
        return clean(scratch);
    case SN_NORMALIZE_BERT_CHINESE:
        return each_high(scratch, SN_PIECE_CHINESE, set_apart);
    case SN_NORMALIZE_BERT_ACCENTS:
        return sn_normalize_form(scratch, (sn_form){.dropped = SN_PIECE_NONSPACING});
    }
    return 1;
}
