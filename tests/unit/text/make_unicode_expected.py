#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_expected.h: what CPython answers, as CRC-32 values.

test_unicode.c asks the C code the same questions in the same order; a value
covers a block of 4096 code points, so that a difference is easy to find.
Usage: make_unicode_expected.py OUTPUT
"""
import itertools
import sys
import unicodedata
import zlib

import reference

BLOCK = 4096
SIGMA, JOINER, STYLE, KEYCAP = "\u03a3", "\u200d", "\ufe0f", "\u20e3"
FACE, TONE, REGION = "\U0001f600", "\U0001f3fd", "\U0001f1e6"
# {} is the code point; the same lists are in test_unicode.c.
LOWER = ["{}", "a{}", "{}S", "aS{}", "a{}S", "a{}S{}b", "aS{}b", "aS{}S"]
WHITESPACE = ["x{}y", "{}"]
WORDS = ["{}", "a{}b", "{}V{}", "FJ{}", "{}JF", "1{}K", "{}K", "R{}", "{}T", "{}V1VK"]
LETTERS = {"S": SIGMA, "J": JOINER, "V": STYLE, "K": KEYCAP, "F": FACE, "T": TONE, "R": REGION}
# One of each kind that the final sigma tells apart.
CONTEXT = [SIGMA, "a", "B", "1", " ", "'", "\u0301", "\u0345", "\u4e2d", "\u0130", "\u3000"]
# Bytes at every border of the UTF-8 table.
BORDERS = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
           0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]


def fill(probe, char):
    text = "".join(LETTERS.get(letter, letter) for letter in probe)
    return text.replace("{}", char)


def lower_bytes(char):
    return b"".join(fill(probe, char).lower().encode() + b"\xff" for probe in LOWER)


def token_bytes(kind, probes, char):
    result = b""
    for probe in probes:
        tokens = reference.tokenize(kind, reference.STRICT, fill(probe, char).encode())
        for start, end, word in tokens:
            result += bytes((start, end)) + word
        result += b"\xff"
    return result


def block_values(answer):
    values = []
    for first in range(0, 0x110000, BLOCK):
        crc = 0
        for code in range(first, first + BLOCK):
            if not 0xD800 <= code <= 0xDFFF:
                crc = zlib.crc32(answer(chr(code)), crc)
        values.append(crc)
    return values


def context_values():
    values = []
    for length in range(1, 6):
        crc = 0
        for letters in itertools.product(CONTEXT, repeat=length):
            crc = zlib.crc32("".join(letters).lower().encode() + b"\xff", crc)
        values.append(crc)
    return values


def utf8_answer(data):
    try:
        data.decode()
        first = len(data)
    except UnicodeDecodeError as error:
        first = error.start
    return bytes((first,)) + data.decode(errors="replace").encode() + b"\xff"


def utf8_values():
    values = []
    for length in range(1, 3):
        crc = 0
        for data in itertools.product(range(256), repeat=length):
            crc = zlib.crc32(utf8_answer(bytes(data)), crc)
        values.append(crc)
    for length in range(3, 5):
        crc = 0
        for data in itertools.product(BORDERS, repeat=length):
            crc = zlib.crc32(utf8_answer(bytes(data)), crc)
        values.append(crc)
    return values


def table(name, values):
    rows = ["static const uint32_t %s[%d] = {" % (name, len(values))]
    for start in range(0, len(values), 8):
        rows.append("    " + " ".join("0x%08x," % value for value in values[start:start + 8]))
    return rows + ["};", ""]


def main():
    if unicodedata.unidata_version != reference.UNICODE:
        sys.exit("needs a Python with Unicode " + reference.UNICODE)
    if len(sys.argv) != 2:
        sys.exit("usage: make_unicode_expected.py OUTPUT")
    lines = ["/* SPDX-License-Identifier: Apache-2.0",
             " *",
             " * CPython's answers to the questions of test_unicode.c. Written by",
             " * make_unicode_expected.py. */",
             "/* clang-format off */",
             "#include <stdint.h>",
             ""]
    lines += table("expected_lower", block_values(lower_bytes))
    lines += table("expected_whitespace", block_values(
        lambda char: token_bytes(reference.WHITESPACE, WHITESPACE, char)))
    lines += table("expected_words", block_values(
        lambda char: token_bytes(reference.WORDS, WORDS, char)))
    lines += table("expected_contexts", context_values())
    lines += table("expected_utf8", utf8_values())
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("\n".join(lines))


if __name__ == "__main__":
    main()
