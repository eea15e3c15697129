/* SPDX-License-Identifier: Apache-2.0
 *
 * NFD, NFKD, NFC and NFKC (Unicode Standard Annex 15). Most characters are
 * stable: they stay, and nothing moves or composes across them. What lies
 * between is decomposed, sorted and composed as a segment; each character
 * carries along what it takes of the source, counted as in the package, so that
 * places come out the same. Time is linear: long runs of marks are sorted by
 * counting. */
#include "text/normalize.h"
#include "text/pieces_unicode.h"
#include "text/utf8.h"

/* Hangul (Unicode 3.12). LAST_TRAILING - TRAILING = 27: TRAILING itself is no jamo. */
enum {
    SYLLABLE = 0xAC00,
    LEADING = 0x1100,
    VOWEL = 0x1161,
    TRAILING = 0x11A7,
    LEADINGS = 19,
    VOWELS = 21,
    TRAILINGS = 28,
    SYLLABLES = LEADINGS * VOWELS * TRAILINGS
};

enum { CLASSES = 256, SHORT_RUN = 24, MIN_SEGMENT = 64, LONGEST_FORM = 18 };

typedef struct segment {
    struct sn_pieces_scratch *scratch;
    size_t count;
    sn_form form;
    uint32_t unstable;
} segment;

/* The flags of characters that change or let others pass; the marks aside. */
static uint32_t unstable_flags(sn_form form)
{
    if (form.composed)
        return form.compatible ? SN_PIECE_NFKC : SN_PIECE_NFC;
    return (form.compatible ? SN_PIECE_COMPATIBLE : SN_PIECE_CANONICAL) | form.dropped;
}

static _Bool is_stable(uint32_t code, uint32_t unstable)
{
    const sn_piece_record *record = sn_piece(code);
    return !(record->flags & unstable) && record->class == 0;
}

static _Bool reserve(const sn_memory *memory, sn_segment_char **chars, size_t *capacity,
                     size_t need)
{
    if (need <= *capacity)
        return 1;
    size_t grown = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : need;
    grown = grown > need ? grown : need;
    grown = grown > MIN_SEGMENT ? grown : MIN_SEGMENT;
    sn_segment_char *larger = sn_realloc(memory, *chars, grown, sizeof **chars);
    if (!larger)
        return 0;
    *chars = larger;
    *capacity = grown;
    return 1;
}

/* Adds a character; `inside`: it is not the first one of a decomposition. */
static void add_one(segment *work, uint32_t code, _Bool inside)
{
    work->scratch->segment[work->count++] = (sn_segment_char){code, sn_piece(code)->class, inside};
}

static void add_syllable(segment *work, uint32_t index)
{
    add_one(work, LEADING + index / (VOWELS * TRAILINGS), 0);
    add_one(work, VOWEL + index % (VOWELS * TRAILINGS) / TRAILINGS, 1);
    if (index % TRAILINGS)
        add_one(work, TRAILING + index % TRAILINGS, 1);
}

/* Adds `count` units of UTF-16. */
static void add_units(segment *work, const uint16_t *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t code = units[i];
        _Bool inside = i > 0;
        if (code - 0xD800 < 0x400)
            code = 0x10000 + ((code - 0xD800) << 10) + (units[++i] - 0xDC00u);
        add_one(work, code, inside);
    }
}

/* Adds a character of the source, decomposed. */
static _Bool add(segment *work, uint32_t code)
{
    struct sn_pieces_scratch *scratch = work->scratch;
    size_t need;
    if (!sn_add(work->count, LONGEST_FORM, &need) ||
        !reserve(scratch->memory, &scratch->segment, &scratch->segment_capacity, need))
        return 0;
    if (code - SYLLABLE < SYLLABLES) {
        add_syllable(work, code - SYLLABLE);
        return 1;
    }
    const uint16_t *form = sn_piece_form(code);
    if (!form || (!work->form.compatible && (form[0] & 0xF) == 0))
        add_one(work, code, 0);
    else if (work->form.compatible)
        add_units(work, form + 1 + (form[0] >> 4 & 0xF), form[0] >> 8);
    else
        add_units(work, form + 1, form[0] & 0xF);
    return 1;
}

static void sort_short(sn_segment_char *run, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        sn_segment_char moving = run[i];
        size_t at = i;
        for (; at > 0 && run[at - 1].class > moving.class; at--)
            run[at] = run[at - 1];
        run[at] = moving;
    }
}

/* By counting: there are few classes, and equal ones must keep their order. */
static void sort_long(sn_segment_char *run, size_t count, sn_segment_char *sorted)
{
    size_t starts[CLASSES] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        starts[run[i].class]++;
    for (size_t class = 0; class < CLASSES; class ++) {
        size_t number = starts[class];
        starts[class] = sum;
        sum += number;
    }
    for (size_t i = 0; i < count; i++)
        sorted[starts[run[i].class]++] = run[i];
    for (size_t i = 0; i < count; i++)
        run[i] = sorted[i];
}

/* Puts each run of marks into canonical order. */
static _Bool sort(segment *work)
{
    struct sn_pieces_scratch *scratch = work->scratch;
    for (size_t begin = 0, end; begin < work->count; begin = end + 1) {
        sn_segment_char *run = scratch->segment + begin;
        for (end = begin; end < work->count && scratch->segment[end].class != 0;)
            end++;
        size_t count = end - begin;
        if (count <= SHORT_RUN) {
            sort_short(run, count);
            continue;
        }
        if (!reserve(scratch->memory, &scratch->sorted, &scratch->sorted_capacity, count))
            return 0;
        sort_long(run, count, scratch->sorted);
    }
    return 1;
}

/* The composite of two characters, 0 if there is none. */
static uint32_t pair_of(uint32_t first, uint32_t second)
{
    if (first - LEADING < LEADINGS && second - VOWEL < VOWELS)
        return SYLLABLE + ((first - LEADING) * VOWELS + second - VOWEL) * TRAILINGS;
    if (first - SYLLABLE < SYLLABLES && (first - SYLLABLE) % TRAILINGS == 0 &&
        second - TRAILING - 1 < TRAILINGS - 1)
        return first + second - TRAILING;
    if (!(sn_piece(second)->flags & SN_PIECE_SECOND))
        return 0;
    uint32_t plane = first >> 16;
    if (plane != second >> 16 || plane > 1)
        return 0;
    size_t low = sn_piece_pair_starts[plane], high = sn_piece_pair_starts[plane + 1];
    const uint32_t wanted = (first & 0xFFFF) << 16 | (second & 0xFFFF);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const sn_piece_pair *pair = &sn_piece_pairs[middle];
        uint32_t key = (uint32_t)pair->first << 16 | pair->second;
        if (key == wanted)
            return plane << 16 | pair->composite;
        if (key < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* Composes in place. A mark is blocked from the last starter by one of its own
 * class or a higher one that stayed in between. */
static void compose(segment *work)
{
    sn_segment_char *chars = work->scratch->segment, *starter = NULL;
    size_t kept = 0;
    uint32_t last = 0; /* class of the last one that stayed behind the starter */
    for (size_t i = 0; i < work->count; i++) {
        sn_segment_char next = chars[i];
        uint32_t composite = 0;
        if (starter && (last == 0 || last < next.class))
            composite = pair_of(starter->code, next.code);
        if (composite) {
            starter->code = composite;
            starter->change += next.change - 1;
            continue;
        }
        chars[kept] = next;
        if (next.class == 0)
            starter = &chars[kept];
        last = starter ? next.class : 0;
        kept++;
    }
    work->count = kept;
}

/* Writes a finished segment. */
static _Bool write_out(const segment *work, sn_rewrite *rewrite)
{
    const sn_segment_char *chars = work->scratch->segment;
    uint32_t dropped = work->form.dropped;
    for (size_t i = 0; i < work->count; i++) {
        _Bool drops = dropped && sn_piece(chars[i].code)->flags & dropped;
        if (!(drops ? sn_rewrite_drop(rewrite, chars[i].change)
                    : sn_rewrite_put(rewrite, chars[i].code, chars[i].change)))
            return 0;
    }
    return 1;
}

/* The segment from `*at`, up to the next stable character but at least one. */
static _Bool one_segment(segment *work, sn_rewrite *rewrite, size_t *at)
{
    work->count = 0;
    for (_Bool first = 1; *at < rewrite->size; first = 0) {
        sn_char next = sn_utf8_get(rewrite->source + *at, rewrite->size - *at);
        if (!first && is_stable(next.code, work->unstable))
            break;
        if (!add(work, next.code))
            return 0;
        *at += next.length;
    }
    if (!sort(work))
        return 0;
    if (work->form.composed)
        compose(work);
    return write_out(work, rewrite);
}

_Bool sn_normalize_form(struct sn_pieces_scratch *scratch, sn_form form)
{
    sn_rewrite rewrite = sn_rewrite_begin(scratch);
    segment work = {.scratch = scratch, .form = form, .unstable = unstable_flags(form)};
    size_t at = sn_ascii_run(rewrite.source, 0, rewrite.size);
    while (at < rewrite.size) {
        sn_char next = sn_utf8_get(rewrite.source + at, rewrite.size - at);
        if (is_stable(next.code, work.unstable)) {
            at += next.length;
        } else {
            /* It may compose with the stable character before it. */
            if (form.composed && at > rewrite.taken)
                at -= sn_utf8_get_before(rewrite.source, at).length;
            if (!sn_rewrite_keep(&rewrite, at - rewrite.taken) ||
                !one_segment(&work, &rewrite, &at))
                return 0;
        }
        at += sn_ascii_run(rewrite.source, at, rewrite.size);
    }
    return sn_rewrite_end(&rewrite);
}
