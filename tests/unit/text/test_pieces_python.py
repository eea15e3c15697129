#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Normalizers and splitters against the live package that they follow: every
code point in several neighbourhoods, and random texts.

Usage: test_pieces_python.py INTERPRETER TOOLS PIECE_LINES [SEED [COUNT]], TOOLS
being tests/python. Exits with 77 (skipped) without the interpreter.
"""
import random
import re
import subprocess
import sys
import unicodedata

SEED, COUNT, BATCH = 1, 8000, 2048
PLACES = re.compile(r"@\d+,\d+\.")
# Steps and a neighbourhood for each code point: every one of them, or those with
# rules of their own; the text alone, or its places too.
EVERY = [("cl:B", "a%s"), ("hK:W", "a%s"), ("ka:L2", "1%s"), ("Cs:P0", "%s!"), ("D:S", " %s")]
SPECIAL = [(":W", "!%s"), (":P4", "a%s"), (":L3", "a%s"), (":L3", "!%s"), (":L3", "\n%s"),
           ("C:", "a\u0345%s\u0334"), ("C:", "%s\u0323\u0307\u09be"), ("D:", "a\u0301%s\u0323"),
           ("K:", "%s\u3099")]
WITH_PLACES = [("ch:L3", "a%s"), ("sl:", "a%sb"), ("C:", "%s\u0301"), ("K:", "\u1100%s\u11a8"),
               ("k:", "e%s\u0338"), ("al:B", "%s\u0323%s")]


def ask(program, questions):
    """The C program's answers."""
    run = subprocess.run([program], input="".join(line + "\n" for line in questions),
                         capture_output=True, text=True, check=True)
    answers = run.stdout.split("\n")
    assert len(answers) == len(questions) + 1, len(answers)
    return answers[:-1]


def compare(what, questions, found, expected):
    """Prints the first differences; their number."""
    wrong = 0
    for question, one, other in zip(questions, found, expected):
        if one != other:
            wrong += 1
            if wrong <= 5:
                print(question, "\n  package:", other, "\n  C:      ", one)
    print(what + ":", len(questions), "texts,", wrong, "differ")
    return wrong


def random_texts(reference, program, seed, count):
    numbers, steps = random.Random(seed), {}
    questions, expected = [], []
    for _ in range(count):
        name = reference.random_steps(numbers)
        part = steps.setdefault(name, reference.Steps(name))
        text = reference.random_text(numbers)
        questions.append(part.question(text))
        expected.append(part.answer(text))
    return compare("random texts", questions, ask(program, questions), expected)


def batches(codes, pattern):
    """The code points in their neighbourhood, many to a text."""
    for start in range(0, len(codes), BATCH):
        yield " ".join(pattern.replace("%s", chr(code)) for code in codes[start:start + BATCH])


def is_special(code):
    """Assigned, and not one of the long rows of ideographs and syllables."""
    name = unicodedata.name(chr(code), "")
    if unicodedata.category(chr(code)) in ("Cs", "Co", "Cn"):
        return False
    rows = ("CJK UNIFIED", "HANGUL SYLLABLE", "TANGUT", "CUNEIFORM", "EGYPTIAN", "ANATOLIAN", "YI ")
    return not name.startswith(rows) or code % 16 == 0


def code_points(reference, program, what, codes, patterns, places):
    """Differences over `codes` in each of the neighbourhoods."""
    wrong = 0
    for name, pattern in patterns:
        part = reference.Steps(name)
        texts = list(batches(codes, pattern))
        questions = [part.question(text) for text in texts]
        found = ask(program, questions)
        if places:
            expected = [part.answer(text) for text in texts]
        else:
            found = [PLACES.sub("", line) for line in found]
            expected = [part.answer_without_places(text) for text in texts]
        wrong += compare("%s code points, %s" % (what, name), questions, found, expected)
    return wrong


def main():
    sys.path.insert(0, sys.argv[2])
    import venv  # tests/python/venv.py
    arguments = venv.require(sys.argv)
    import piece_reference as reference
    program = arguments[1]
    seed = int(arguments[2]) if len(arguments) > 2 else SEED
    count = int(arguments[3]) if len(arguments) > 3 else COUNT
    wrong = random_texts(reference, program, seed, count)
    every = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    special = [code for code in every if is_special(code)]
    wrong += code_points(reference, program, "all", every, EVERY, False)
    wrong += code_points(reference, program, "special", special, SPECIAL, False)
    wrong += code_points(reference, program, "special", special, WITH_PLACES, True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
