#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden_pieces.txt: texts with their pieces, made by Hugging Face
tokenizers, for machines without that package.

A line is `steps text = pieces`, see piece_answer.h. Usage:
build-python/bin/python tests/unit/text/make_golden_pieces.py OUTPUT
"""
import random
import sys

import tokenizers

import piece_reference as reference

SEED, COUNT = 20260102, 120
EXAMPLES = [
    "", " ", "a", "Great movie, I loved it!", "It's 2 o'clock, they'll say:  \"we'd've\"  \t go ",
    "don't stop...  now?!", "na\u00efve Caf\u00e9 CAFE\u0301 \u00c5\u212b\u0041\u030a",
    "\u0160\u00c6\u0152\u0153 \u0130STANBUL \u1e9e\u00df \u039f\u0394\u039f\u03a3",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002abc\u4e2d\uf900\U0002f800\U00020000",
    "\u0645\u0631\u062d\u064e\u0628\u0627\u064b\u060c \u0643\u064a\u0641\u061f \u0622\u0627\u0653",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0939\u093f\u0928\u094d\u0926\u0940\u0964 \u0958",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab \u1100\u1161\u11a7 \uac00\u11a8\u11a8",
    "\U0001f469\u200d\U0001f4bb \u2764\ufe0f 1\ufe0f\u20e3 \U0001f44d\U0001f3fd",
    "a\u0000b\u0001c\u007f\u0085d\ufffd\u200b\u00ad\ufeff", "\u00a0\u2003x\u3000\u2028y\u0085",
    "\ufb01\ufb03 \u2460\u00b2\u00bd \uff21\uff76\uff9e \ufdfa \u1e9b\u0323 \u2126",
    "q\u0307\u0323 s\u0323\u0307 \u0344 \u0f73\u0f75 \u0958\u09c7\u09be \U0001d15e \U000110ab",
    "$1+1=2 a_b #tag @me http://x.y/z?q=1 [UNK] <s>",
]
STEPS = [":", ":B", ":W", ":S", ":P0", ":P1", ":P2", ":P3", ":P4", ":L0", ":L1", ":L2", ":L3",
         "C:", "D:", "K:", "k:", "l:", "s:", "c:", "h:", "a:", "chal:B", "ch:B", "Dsl:W", "k:SL3"]


def line(part, text):
    return part.question(text) + " = " + part.answer(text)


def main():
    if tokenizers.__version__ != reference.VERSION:
        sys.exit("this is tokenizers %s, not %s" % (tokenizers.__version__, reference.VERSION))
    if len(sys.argv) != 2:
        sys.exit("usage: make_golden_pieces.py OUTPUT")
    numbers = random.Random(SEED)
    lines = [line(reference.Steps(name), text) for name in STEPS for text in EXAMPLES]
    for _ in range(COUNT):
        lines.append(line(reference.Steps(reference.random_steps(numbers)),
                          reference.random_text(numbers)))
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
