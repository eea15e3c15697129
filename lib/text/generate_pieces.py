#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes pieces_tables.c by asking Hugging Face tokenizers, one version of it.

The package gets its properties of characters from several libraries with
several versions of Unicode, so every property is probed: each code point is
given to the component that uses the property. Of unicodedata only the numbers
of combining classes are taken; which code point has which class is probed too.
Surrogates have no properties: they cannot be part of a text.
Usage: build-python/bin/python lib/text/generate_pieces.py OUTPUT
"""
import sys
import unicodedata

try:
    import tokenizers
    from tokenizers import normalizers, pre_tokenizers
except ImportError:
    sys.exit("no package tokenizers: run me with build-python/bin/python (.ci/venv.sh)")

VERSION = "0.23.3"
SHIFT = 7
BLOCK = 1 << SHIFT
# Bits, as in pieces_unicode.h.
FLAGS = ("SPACE PUNCTUATION WORD LETTER NUMBER CLEANED SECOND HIGH NONSPACING MARK CHINESE "
         "CANONICAL COMPATIBLE NFC NFKC").split()
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}
CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
HANGUL = range(0xAC00, 0xD7A4)
VOWELS, FINALS = range(0x1161, 0x1176), range(0x11A8, 0x11C3)
# One mark of a high class and one of a low one: between them a mark is moved,
# anything else keeps its place.
HIGH, LOW = "\u0345", "\u0334"

nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
nfkc, nfkd = normalizers.NFKC().normalize_str, normalizers.NFKD().normalize_str


def bert(**wanted):
    """A BertNormalizer that does one thing."""
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **wanted}).normalize_str


def whole(splitter, text):
    """Whether a splitter leaves the text in one piece."""
    return [piece for piece, _ in splitter.pre_tokenize_str(text)] == [text]


def probe_normalizers(flags):
    clean, chinese = bert(clean_text=True), bert(handle_chinese_chars=True)
    accents, marks = bert(strip_accents=True), normalizers.StripAccents().normalize_str
    spaced = set()
    for code in CODES:
        char = chr(code)
        cleaned = clean(char)
        assert cleaned in ("", " ", char), hex(code)
        if cleaned == "":
            flags[code] |= BIT["CLEANED"]
        elif cleaned == " ":
            spaced.add(code)
        if chinese(char) != char:
            assert chinese(char) == " " + char + " ", hex(code)
            flags[code] |= BIT["CHINESE"]
        if nfd(char) == char and accents(char) == "":
            flags[code] |= BIT["NONSPACING"]
        if marks(char) == "":
            flags[code] |= BIT["MARK"]
    return spaced


def probe_splitters(flags, spaced):
    words, spaces = pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()
    marks, bert_pieces = pre_tokenizers.Punctuation(), pre_tokenizers.BertPreTokenizer()
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for code in CODES:
        char = chr(code)
        space = not whole(spaces, "a" + char)
        # One idea of whitespace serves everybody.
        assert space == (whole(words, "a" + char) is False and
                         words.pre_tokenize_str(char) == []), hex(code)
        assert (code in spaced) == (space and not flags[code] & BIT["CLEANED"]), hex(code)
        count = [len(gpt2.pre_tokenize_str(left + char)) for left in "a1!"]
        assert sorted(count) == ([2, 2, 2] if space else [1, 2, 2]), (hex(code), count)
        punctuation = not whole(marks, "a" + char)
        assert (punctuation or space) == (not whole(bert_pieces, "a" + char)), hex(code)
        word = whole(words, "a" + char)
        assert word or space or whole(words, "!" + char), hex(code)
        for name, true in (("SPACE", space), ("PUNCTUATION", punctuation), ("WORD", word),
                           ("LETTER", count[0] == 1), ("NUMBER", count[1] == 1)):
            flags[code] |= BIT[name] if true else 0


def probe_lower():
    lower, bert_lower = normalizers.Lowercase().normalize_str, bert(lowercase=True)
    deltas = [0] * 0x110000
    for code in CODES:
        small = lower(chr(code))
        assert small == bert_lower(chr(code)), hex(code)
        if len(small) != 1:
            assert code == 0x130 and small == "i\u0307", hex(code)
        deltas[code] = ord(small[0]) - code
    return deltas


def class_of(mark, references):
    """The reference class that a mark sorts with, found by halving."""
    low, high = 0, len(references) - 1
    while low <= high:
        middle = (low + high) // 2
        number, other = references[middle]
        if nfd("a" + mark + other) != "a" + mark + other:
            low = middle + 1
        elif nfd("a" + other + mark) != "a" + other + mark:
            high = middle - 1
        else:
            return number
    raise AssertionError("a new combining class: " + hex(ord(mark)))


def probe_classes():
    moved = [code for code in CODES if nfd(chr(code)) == chr(code) and
             nfd("a" + HIGH + chr(code) + LOW) != "a" + HIGH + chr(code) + LOW]
    known = {unicodedata.combining(chr(code)): chr(code) for code in reversed(moved)}
    known.pop(0, None)
    references = sorted(known.items())
    classes = [0] * 0x110000
    for code in moved:
        classes[code] = class_of(chr(code), references)
    return classes


def syllable(code):
    """Hangul syllables decompose by arithmetic."""
    index = code - 0xAC00
    parts = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    return "".join(map(chr, parts + ([0x11A7 + index % 28] if index % 28 else [])))


def probe_forms(flags, classes):
    """({code: (NFD, NFKD)}, {(first, second): composite})."""
    forms, pairs = {}, {}
    for code in CODES:
        char = chr(code)
        canonical, compatible = nfd(char), nfkd(char)
        if code in HANGUL:
            assert canonical == compatible == syllable(code) and nfc(canonical) == char
            flags[code] |= BIT["CANONICAL"] | BIT["COMPATIBLE"]
            continue
        if compatible != char:
            forms[code] = canonical, compatible
            flags[code] |= BIT["COMPATIBLE"] | (BIT["CANONICAL"] if canonical != char else 0)
        else:
            assert canonical == char
        if canonical != char and nfc(canonical) == char:
            first, second = nfc(canonical[:-1]), canonical[-1]
            assert len(first) == 1 and nfc(first + second) == char, hex(code)
            pairs[ord(first), ord(second)] = code
    seconds = {second for _, second in pairs} | {*VOWELS, *FINALS}
    for code in seconds:
        flags[code] |= BIT["SECOND"]
    check_pairs(pairs, classes)
    for code in CODES:
        for name, form, decomposed in (("NFC", nfc, nfd), ("NFKC", nfkc, nfkd)):
            first = ord(decomposed(chr(code))[0])
            if form(chr(code)) != chr(code) or classes[first] or first in seconds:
                flags[code] |= BIT[name]
    return forms, pairs


def check_pairs(pairs, classes):
    """That nothing else composes, where sorting does not take the two apart."""
    for first in {first for first, _ in pairs}:
        for second in {second for _, second in pairs}:
            both = chr(first) + chr(second)
            if classes[second] < classes[ord(nfd(chr(first))[-1])]:
                continue
            expected = pairs.get((first, second))
            assert nfc(both) == (chr(expected) if expected else nfc(both[0]) + nfc(both[1])), both


def check(flags, classes):
    """What the C code relies on."""
    for code in range(0x80):
        assert not flags[code] & ~sum(BIT[name] for name in (
            "SPACE", "PUNCTUATION", "WORD", "LETTER", "NUMBER", "CLEANED")), hex(code)
    for code in CODES:
        if flags[code] & BIT["CANONICAL"]:
            first = nfd(chr(code))[0]
            assert not classes[code] and (not classes[ord(first)] or code > 0x300)
        assert not (flags[code] & BIT["SPACE"] and flags[code] & BIT["PUNCTUATION"])
    assert all(nfd(chr(code)) == chr(code) for code in CODES if classes[code])


def pool_of(forms):
    """Entries (canonical, compatible) of (offset, length) into one pool of code points."""
    pool, places, entries, index = [], {}, [(0, 0, 0, 0)], [0] * 0x110000
    for code, both in sorted(forms.items()):
        entry = ()
        for text in both:
            key = tuple(map(ord, text))
            if text == chr(code):
                entry += 0, 0
                continue
            if key not in places:
                places[key] = len(pool)
                pool += key
            entry += places[key], len(key)
        index[code] = len(entries)
        entries.append(entry)
    return pool, entries, index


def two_levels(rows):
    """Distinct blocks and which of them each block of code points is."""
    blocks, index = {}, []
    for start in range(0, len(rows), BLOCK):
        block = tuple(rows[start:start + BLOCK])
        index.append(blocks.setdefault(block, len(blocks)))
    assert len(blocks) <= 256, len(blocks)
    return list(blocks), index


def rows_of(values, indent="    "):
    line = indent
    for value in map(str, values):
        if len(line) + len(value) + 1 > 100:
            yield line
            line = indent
        line += value + ","
    yield line


def table(kind, name, rows):
    blocks, index = two_levels(rows)
    yield from ["const uint8_t %s_index[%d] = {" % (name, len(index)), *rows_of(index), "};", ""]
    yield "const %s %s_blocks[%d][%d] = {" % (kind, name, len(blocks), BLOCK)
    for block in blocks:
        yield from ["    {", *rows_of(block, "     "), "    },"]
    yield from ["};", ""]


def lines_of(flags, classes, lower, forms, pairs):
    numbers = {}
    rows = [numbers.setdefault(row, len(numbers)) for row in zip(lower, flags, classes)]
    pool, entries, index = pool_of(forms)
    assert len(pool) < 0x10000 and len(numbers) <= 256
    yield from [
        "/* SPDX-License-Identifier: Apache-2.0", " *",
        " * Properties of characters as Hugging Face tokenizers %s has them, see" % VERSION,
        " * pieces_unicode.h. Written by lib/text/generate_pieces.py from that package:",
        " * change the script, not this file. */", "/* clang-format off */",
        '#include "text/pieces_unicode.h"', "",
        "const sn_piece_record sn_piece_records[%d] = {" % len(numbers)]
    yield from rows_of("{%d,%d,%d}" % row for row in numbers)
    yield from ["};", "", "const uint8_t sn_piece_bytes[256] = {"]
    yield from rows_of([flags[code] & 0x7F for code in range(128)] + [128] * 128)
    yield from ["};", ""]
    yield from table("uint8_t", "sn_piece", rows)
    yield from ["const sn_piece_form sn_piece_forms[%d] = {" % len(entries)]
    yield from rows_of("{%d,%d,%d,%d}" % entry for entry in entries)
    yield from ["};", ""]
    yield from table("uint16_t", "sn_piece_form", index)
    yield from ["const uint32_t sn_piece_pool[%d] = {" % len(pool), *rows_of(pool), "};", ""]
    yield "const size_t sn_piece_pair_count = %d;" % len(pairs)
    yield "const sn_piece_pair sn_piece_pairs[%d] = {" % len(pairs)
    yield from rows_of("{%d,%d,%d}" % (*pair, code) for pair, code in sorted(pairs.items()))
    yield from ["};"]


def main():
    if tokenizers.__version__ != VERSION:
        sys.exit("this is tokenizers %s; the tables are made with %s"
                 % (tokenizers.__version__, VERSION))
    if len(sys.argv) != 2:
        sys.exit("usage: generate_pieces.py OUTPUT")
    flags = [0] * 0x110000
    spaced = probe_normalizers(flags)
    probe_splitters(flags, spaced)
    classes = probe_classes()
    forms, pairs = probe_forms(flags, classes)
    check(flags, classes)
    lines = list(lines_of(flags, classes, probe_lower(), forms, pairs))
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
