#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random texts through the C tokenizers and through Python's own str methods.

Usage: test_python.py TOKENIZE_LINES [SEED [COUNT]]. Exits with 77 (skipped)
where this Python's Unicode is not the one that the tables were made with.
"""
import os
import random
import subprocess
import sys
import unicodedata

import reference

SEED, COUNT = 1, 20000
# What runs the programs of a cross build; meson says it.
WRAPPER = os.environ.get("MESON_EXE_WRAPPER", "").split()


def random_question(numbers):
    kind = numbers.choice((reference.WHITESPACE, reference.WORDS))
    bad = numbers.random() < 0.4
    policy = numbers.choice((reference.STRICT, reference.REPLACE)) if bad else reference.STRICT
    if numbers.random() < 0.25:
        code = (numbers.randrange(0x110000) for _ in range(numbers.randint(1, 8)))
        data = "".join(chr(c) for c in code if not 0xD800 <= c <= 0xDFFF).encode()
    else:
        data = reference.random_text(numbers, bad)
    return kind, policy, data


def main():
    if unicodedata.unidata_version != reference.UNICODE:
        print("skipped: Unicode", unicodedata.unidata_version)
        return 77
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    count = int(sys.argv[3]) if len(sys.argv) > 3 else COUNT
    numbers = random.Random(seed)
    questions = [random_question(numbers) for _ in range(count)]
    lines = "".join("%d %d %s\n" % (kind, policy, data.hex()) for kind, policy, data in questions)
    run = subprocess.run([*WRAPPER, sys.argv[1]], input=lines, capture_output=True, text=True,
                         check=True)
    answers = run.stdout.split("\n")
    assert len(answers) == count + 1, len(answers)
    wrong = 0
    for question, found in zip(questions, answers):
        expected = reference.show(reference.tokenize(*question))
        if found != expected:
            wrong += 1
            print(question, "\n  Python:", expected, "\n  C:     ", found)
    print(count, "texts,", wrong, "differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
