#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Normalizers and splitters against the live package that they follow.

Usage: test_pieces_python.py PIECE_LINES [SEED [COUNT]]
"""
import random
import subprocess
import sys

import piece_reference as reference

SEED, COUNT = 1, 8000


def ask(program, questions):
    """The C program's answers."""
    run = subprocess.run([program], input="".join(line + "\n" for line in questions),
                         capture_output=True, text=True, check=True)
    answers = run.stdout.split("\n")
    assert len(answers) == len(questions) + 1, len(answers)
    return answers


def random_texts(program, seed, count):
    numbers, steps = random.Random(seed), {}
    questions, expected = [], []
    for _ in range(count):
        name = reference.random_steps(numbers)
        part = steps.setdefault(name, reference.Steps(name))
        text = reference.random_text(numbers)
        questions.append(part.question(text))
        expected.append(part.answer(text))
    return compare(questions, ask(program, questions), expected, "random texts")


def compare(questions, found, expected, what):
    wrong = 0
    for question, one, other in zip(questions, found, expected):
        if one != other:
            wrong += 1
            if wrong <= 5:
                print(question, "\n  package:", other, "\n  C:      ", one)
    print(len(questions), what + ",", wrong, "differ")
    return wrong


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    count = int(sys.argv[3]) if len(sys.argv) > 3 else COUNT
    wrong = random_texts(sys.argv[1], seed, count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
