/* SPDX-License-Identifier: Apache-2.0
 *
 * The splitter of our own models: runs of letters, digits and marks; each
 * punctuation mark or symbol alone; emoji sequences whole. The grammar in
 * docs/tokenizers.md names the rules used here. */
#include "text/lower.h"
#include "text/splitter.h"

enum {
    JOINER = 0x200D,
    BACKTICK = 0x60,     /* these three are people's ways to type an apostrophe: */
    LEFT_QUOTE = 0x2018, /* the word is U+0027 */
    RIGHT_QUOTE = 0x2019,
    KEYCAP = 0x20E3,
    TEXT_STYLE = 0xFE0E,
    EMOJI_STYLE = 0xFE0F
};

static _Bool within(uint32_t code, uint32_t low, uint32_t high)
{
    return code >= low && code <= high;
}

/* The character at `at`; at the end of the text a NUL of no length. */
static sn_char peek(const uint8_t *text, size_t size, size_t at)
{
    return at < size ? sn_utf8_get(text + at, size - at) : (sn_char){0, 0, 0};
}

static _Bool is_style(uint32_t code)
{
    return code == TEXT_STYLE || code == EMOJI_STYLE;
}

/* keycap, behind its first character: [style] U+20E3. Its end, or 0. */
static size_t keycap_end(const uint8_t *text, size_t size, size_t at)
{
    sn_char next = peek(text, size, at);
    if (is_style(next.code)) {
        at += next.length;
        next = peek(text, size, at);
    }
    return next.code == KEYCAP ? at + next.length : 0;
}

/* decoration: styles, skin tones and the tags of subdivision flags. */
static size_t skip_decoration(const uint8_t *text, size_t size, size_t at)
{
    for (;;) {
        sn_char next = peek(text, size, at);
        if (!is_style(next.code) && !within(next.code, 0x1F3FB, 0x1F3FF) &&
            !within(next.code, 0xE0020, 0xE007F))
            return at;
        at += next.length;
    }
}

/* picture, behind its first character: decoration (joiner symbol decoration)*. */
static size_t picture_end(const uint8_t *text, size_t size, size_t at)
{
    for (;;) {
        at = skip_decoration(text, size, at);
        sn_char joiner = peek(text, size, at);
        if (joiner.code != JOINER)
            return at;
        sn_char next = peek(text, size, at + joiner.length);
        if (!(sn_unicode(next.code)->flags & SN_SYMBOL))
            return at;
        at += joiner.length + next.length;
    }
}

/* The end of the token that begins with the punctuation mark or symbol `first`
 * and goes on at `at`. */
static size_t mark_end(const uint8_t *text, size_t size, sn_char first, size_t at)
{
    if (first.code == '#' || first.code == '*') {
        size_t end = keycap_end(text, size, at);
        if (end)
            return end;
    }
    sn_char next = peek(text, size, at);
    if (within(first.code, 0x1F1E6, 0x1F1FF) && within(next.code, 0x1F1E6, 0x1F1FF))
        return at + next.length;
    if (sn_unicode(first.code)->flags & SN_PICTURE)
        return picture_end(text, size, at);
    return is_style(next.code) ? at + next.length : at;
}

/* A keycap in or at the start of a run shows only when its style or U+20E3 is
 * reached, at `at`: then the run must end before the digit. */
static _Bool is_keycap(const uint8_t *text, size_t size, size_t start, size_t at, uint32_t code)
{
    if (code != KEYCAP && code != EMOJI_STYLE && code != TEXT_STYLE)
        return 0;
    return at > start && within(text[at - 1], '0', '9') && keycap_end(text, size, at) != 0;
}

/* A run: everything up to whitespace, punctuation or a symbol. */
static void scan_run(const uint8_t *text, size_t size, sn_span *span)
{
    size_t at = span->start;
    while (at < size) {
        uint8_t class = sn_byte_classes[text[at]];
        if (!(class & (SN_BYTE_SPACE | SN_BYTE_MARK | SN_BYTE_HIGH))) {
            span->changes |= (class & SN_BYTE_UPPER) != 0;
            at++;
            continue;
        }
        if (!(class & SN_BYTE_HIGH))
            break;
        sn_char next = sn_utf8_get_high(text + at, size - at);
        const sn_unicode_record *record = sn_unicode(next.code);
        if (record->flags & (SN_SPACE | SN_PUNCTUATION | SN_SYMBOL))
            break;
        if (is_keycap(text, size, span->start, at, next.code)) {
            at = at - 1 > span->start ? at - 1 : keycap_end(text, size, at);
            break;
        }
        span->changes |= sn_lower_changes(next, record);
        at += next.length;
    }
    span->end = at;
}

_Bool sn_split_words(const uint8_t *text, size_t size, size_t *position, sn_span *span)
{
    size_t at = sn_skip_space(text, size, *position);
    *position = at;
    if (at == size)
        return 0;
    *span = (sn_span){.start = at};
    sn_char first = sn_utf8_get(text + at, size - at);
    const sn_unicode_record *record = sn_unicode(first.code);
    if (record->flags & (SN_PUNCTUATION | SN_SYMBOL)) {
        span->end = mark_end(text, size, first, at + first.length);
        /* The rest of a sequence may hold a symbol with a lower case. */
        span->changes = sn_lower_changes(first, record) || span->end > at + first.length;
        if (first.code == BACKTICK || first.code == LEFT_QUOTE || first.code == RIGHT_QUOTE)
            span->apostrophe = first.length;
    } else {
        scan_run(text, size, span);
    }
    *position = span->end;
    return 1;
}
