#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_tables.c from the Unicode data inside CPython.

The tokenizers promise what CPython's str.lower() and str.split() do, so their
tables come from there, and from one version of it: Unicode 14.0.0 (CPython
3.11). Cased and Case_Ignorable are not exposed by unicodedata; they are found
by watching how a capital sigma behaves beside each code point, which is the
only use that lower-casing has for them. Usage: generate_unicode.py OUTPUT
"""
import sys
import unicodedata

UNICODE = "14.0.0"
SHIFT = 7
BLOCK = 1 << SHIFT
# Bits, as in unicode.h.
CASED, IGNORABLE, SPACE, PUNCTUATION, SYMBOL, PICTURE, EXPANDS = (1 << i for i in range(7))
BYTE_SPACE, BYTE_UPPER, BYTE_MARK, BYTE_HIGH = (1 << i for i in range(4))
# Reserved for pictographs to come (Extended_Pictographic in emoji-data.txt).
PICTURE_BLOCKS = ((0x1F000, 0x1FAFF), (0x1FC00, 0x1FFFD))


def is_picture(code, category):
    reserved = category == "Cn" and any(low <= code <= high for low, high in PICTURE_BLOCKS)
    return category == "So" or reserved


def record(code):
    """(distance to the lower-case code point, flags) of one code point."""
    char = chr(code)
    category = unicodedata.category(char)
    flags = 0
    cased = (char + "\u03a3").lower().endswith("\u03c2")
    cased_or_ignorable = ("a" + char + "\u03a3").lower().endswith("\u03c2")
    if cased:
        flags |= CASED
    elif cased_or_ignorable:
        flags |= IGNORABLE
    if char.isspace():
        flags |= SPACE
    if category[0] == "P":
        flags |= PUNCTUATION
    if category[0] == "S":
        flags |= SYMBOL
    if is_picture(code, category):
        flags |= SYMBOL | PICTURE
    lower = char.lower()
    if len(lower) > 1:
        assert code == 0x130 and lower == "i\u0307", hex(code)
        flags |= EXPANDS
    return ord(lower[0]) - code, flags


def check(records):
    """What the C code relies on."""
    kinds = SPACE | PUNCTUATION | SYMBOL | PICTURE
    for code, (delta, flags) in enumerate(records):
        # A token's kind may be read before or after lower-casing.
        assert records[code + delta][1] & kinds == flags & kinds, hex(code)
        assert not (flags & SPACE and flags & (CASED | IGNORABLE)), hex(code)
        # Three output bytes for each input byte are always enough.
        encoded = chr(code).lower().encode("utf-8", "surrogatepass")
        assert len(encoded) <= 3 * len(chr(code).encode("utf-8", "surrogatepass")), hex(code)
    assert sum(1 for _, flags in records if flags & SPACE) == 29
    assert sum(1 for c in range(0x110000) if chr(c).lower() != chr(c)) == 1433
    assert records[0x3A3][1] & CASED


def compress(records):
    """Distinct records, distinct blocks of record numbers, block numbers."""
    numbers, blocks, index = {}, {}, []
    rows = [numbers.setdefault(item, len(numbers)) for item in records]
    for start in range(0, len(rows), BLOCK):
        block = tuple(rows[start:start + BLOCK])
        index.append(blocks.setdefault(block, len(blocks)))
    assert len(numbers) <= 256 and len(blocks) <= 256, (len(numbers), len(blocks))
    return list(numbers), list(blocks), index


def byte_class(byte, records):
    if byte >= 0x80:
        return BYTE_HIGH
    delta, flags = records[byte]
    result = BYTE_SPACE if flags & SPACE else 0
    result |= BYTE_UPPER if delta else 0
    return result | (BYTE_MARK if flags & (PUNCTUATION | SYMBOL) else 0)


def rows_of(values, width=24):
    for start in range(0, len(values), width):
        yield "    " + ",".join(str(value) for value in values[start:start + width]) + ","


def write(out, records):
    distinct, blocks, index = compress(records)
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0",
        " *",
        " * Unicode %s properties, see unicode.h. Written by generate_unicode.py from" % UNICODE,
        " * CPython's unicodedata: change the script, not this file. */",
        "/* clang-format off */",
        '#include "text/tokenizer.h"',
        '#include "text/unicode.h"',
        "",
        'const char sn_unicode_version[] = "%s";' % UNICODE,
        "",
        "const sn_unicode_record sn_unicode_records[%d] = {" % len(distinct),
    ]
    lines += ["    {%d, %d}," % item for item in distinct]
    lines += ["};", "", "const uint8_t sn_unicode_index[%d] = {" % len(index)]
    lines += rows_of(index)
    lines += ["};", "", "const uint8_t sn_unicode_blocks[%d][%d] = {" % (len(blocks), BLOCK)]
    for block in blocks:
        lines += ["    {"] + ["    " + row for row in rows_of(block)] + ["    },"]
    lines += ["};", "", "const uint8_t sn_byte_classes[256] = {"]
    lines += rows_of([byte_class(byte, records) for byte in range(256)], 32)
    lines += ["};", ""]
    out.write("\n".join(lines))


def main():
    if unicodedata.unidata_version != UNICODE:
        sys.exit("this Python has Unicode %s; the tables are made with %s"
                 % (unicodedata.unidata_version, UNICODE))
    if len(sys.argv) != 2:
        sys.exit("usage: generate_unicode.py OUTPUT")
    records = [record(code) for code in range(0x110000)]
    check(records)
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        write(out, records)


if __name__ == "__main__":
    main()
