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
# Code points to a block, and blocks to a group.
BLOCK, GROUP = 16, 32
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


def units(text):
    """UTF-16."""
    data = text.encode("utf-16-le")
    return tuple(data[i] | data[i + 1] << 8 for i in range(0, len(data), 2))


def pool_of(forms):
    """All decompositions in one row of UTF-16, and where each code point's entry is
    (0: it has none). Equal ones are written once."""
    pool, places, index = [0], {}, [0] * 0x110000
    for code, (canonical, compatible) in sorted(forms.items()):
        first = units(canonical) if canonical != chr(code) else ()
        second = units(compatible)
        if (first, second) not in places:
            places[first, second] = len(pool)
            begin = 0 if second == first else len(first)
            assert len(first) < 16 and len(second) < 256
            pool += (len(first) | begin << 4 | len(second) << 8, *first[:begin], *second)
        index[code] = places[first, second]
    assert len(pool) < 0x10000
    return pool, index


def distinct(rows, size):
    """The distinct blocks of `size` rows, and which of them each block is."""
    blocks, index = {}, []
    for start in range(0, len(rows), size):
        index.append(blocks.setdefault(tuple(rows[start:start + size]), len(blocks)))
    return list(blocks), index


def rows_of(values, indent="    "):
    line = indent
    for value in map(str, values):
        if len(line) + len(value) + 1 > 100:
            yield line
            line = indent
        line += value + ","
    yield line


def array(declaration, values):
    return ["const %s = {" % declaration, *rows_of(values), "};", ""]


def nested(declaration, blocks):
    yield "const %s = {" % declaration
    for block in blocks:
        yield from ["    {", *rows_of(block, "     "), "    },"]
    yield from ["};", ""]


def table(kind, name, rows):
    """Three levels: groups, blocks, values."""
    blocks, index = distinct(rows, BLOCK)
    groups, top = distinct(index, GROUP)
    assert len(groups) <= 256, len(groups)
    yield from array("uint8_t %s_top[%d]" % (name, len(top)), top)
    yield from nested("uint16_t %s_groups[%d][%d]" % (name, len(groups), GROUP), groups)
    yield from nested("%s %s_blocks[%d][%d]" % (kind, name, len(blocks), BLOCK), blocks)


def pair_rows(pairs):
    """BMP first, then plane 1, without the plane: a pair never leaves its own."""
    rows = []
    for (first, second), composite in sorted(pairs.items()):
        assert first >> 16 == second >> 16 == composite >> 16 <= 1, hex(composite)
        rows.append("{%d,%d,%d}" % (first & 0xFFFF, second & 0xFFFF, composite & 0xFFFF))
    return rows


def lines_of(flags, classes, lower, forms, pairs):
    numbers = {}
    rows = [numbers.setdefault(row, len(numbers)) for row in zip(lower, flags, classes)]
    pool, places = pool_of(forms)
    low = sum(1 for first, _ in pairs if first < 0x10000)
    assert len(numbers) <= 256
    yield from [
        "/* SPDX-License-Identifier: Apache-2.0", " *",
        " * Properties of characters as Hugging Face tokenizers %s has them, see" % VERSION,
        " * pieces_unicode.h. Written by lib/text/generate_pieces.py from that package:",
        " * change the script, not this file. */", "/* clang-format off */",
        '#include "text/pieces_unicode.h"', ""]
    yield from array("sn_piece_record sn_piece_records[%d]" % len(numbers),
                     ["{%d,%d,%d}" % row for row in numbers])
    yield from array("uint8_t sn_piece_bytes[256]",
                     [flags[code] & 0x7F for code in range(128)] + [BIT["HIGH"]] * 128)
    yield from table("uint8_t", "sn_piece", rows)
    yield from table("uint16_t", "sn_piece_form", places)
    yield from array("uint16_t sn_piece_pool[%d]" % len(pool), pool)
    yield from array("size_t sn_piece_pair_starts[3]", [0, low, len(pairs)])
    yield from array("sn_piece_pair sn_piece_pairs[%d]" % len(pairs), pair_rows(pairs))


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
        out.write("\n".join(lines[:-1]) + "\n")


if __name__ == "__main__":
    main()
