/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a text may be parted for good: what stands before has all its tokens,
 * whatever comes, and what stands behind is cut as if it began a text. A cut
 * lies behind a stop: a character that no token holds together with the one
 * behind it, and that no rule looks across.
 *
 * Why that is enough. Lower-casing: a sigma looks back and ahead across
 * ignorable characters to a cased one (lower.c); a stop is neither, so a look
 * from either side ends at it with the answer that it has at the border of a
 * text. Splitting: a splitter keeps nothing but its position, and the cut is
 * one that it passes, since the token that ends at or before a stop never looks
 * past it (below). UTF-8: a stop is a whole sequence, and no byte that may begin
 * one is ever part of the bad sequence before it, so both sides are decoded as
 * they are in the whole text. The test tries every text of a nasty alphabet. */
#include "text/splitter.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { TEXT_STYLE = 0xFE0E, EMOJI_STYLE = 0xFE0F };

/* Whitespace is in no token of either kind, and no whitespace is cased or
 * ignorable. A look ahead (keycap, picture, style) wants no whitespace and ends
 * there. */
static _Bool is_space(sn_char character)
{
    return (sn_unicode(character.code)->flags & SN_SPACE) != 0;
}

size_t sn_cut_whitespace(const uint8_t *text, size_t size)
{
    for (size_t at = size; at > 0;) {
        sn_char last = sn_utf8_get_before(text, at);
        if (is_space(last))
            return at;
        at -= last.length;
    }
    return 0;
}

/* Of the words' grammar, punctuation that is no symbol always begins a token:
 * runs end before it, and the rest of a picture is joiners, symbols and
 * decoration. It is a token by itself, but for # and * that begin a keycap and
 * for a style behind it; so the character behind must be there to be seen. No
 * token before it looks past it: a keycap wants a style or U+20E3, a picture a
 * symbol. Cased or ignorable punctuation (the full stop, apostrophes) is out for
 * the sigma's sake. */
static _Bool is_mark(const uint8_t *text, size_t size, size_t at, sn_char last)
{
    const uint32_t wanted = SN_PUNCTUATION;
    const uint32_t all = wanted | SN_SYMBOL | SN_PICTURE | SN_CASED | SN_IGNORABLE;
    if ((sn_unicode(last.code)->flags & all) != wanted || last.code == '#' || last.code == '*' ||
        at == size)
        return 0;
    sn_char next = sn_utf8_get(text + at, size - at);
    return !next.bad && next.code != TEXT_STYLE && next.code != EMOJI_STYLE;
}

size_t sn_cut_words(const uint8_t *text, size_t size)
{
    for (size_t at = size; at > 0;) {
        sn_char last = sn_utf8_get_before(text, at);
        if (is_space(last) || is_mark(text, size, at, last))
            return at;
        at -= last.length;
    }
    return 0;
}
