#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden_tokens.txt: texts with their tokens, made by CPython.

A line is `kind policy text = tokens`: enum sentiment_tokenizer_kind, enum
sentiment_utf8_policy, the text in hex, then start,end,word(hex) for each token
or `!offset` of the first bad byte. Usage: make_golden_tokens.py OUTPUT
"""
import random
import sys
import unicodedata

import reference

SEED = 20260101
EXAMPLES = [
    "", " ", "I love this product!", "don't", "don\u2019t stop", "rock`n`roll", "[NAME] is here",
    "see https://example.org/a_b?c=1#d", "so good!!! \U0001f602\U0001f602\U0001f602", "#happy @you",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002",
    "\u0645\u0631\u062d\u0628\u0627\u060c \u0643\u064a\u0641",
    "\u0928\u092e\u0938\u094d\u0924\u0947\u0964", "na\u00efve caf\u00e9 CAFE\u0301",
    "\u1f48\u0394\u03a5\u03a3\u03a3\u0395\u038e\u03a3, \u03a3", "\u0130STANBUL Istanbul",
    "\U0001f44d\U0001f3fd ok", "\U0001f1fa\U0001f1f8\U0001f1eb\U0001f1f7\U0001f1ec",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 family", "\u2764\ufe0f \u2764",
    "1\ufe0f\u20e3 12\u20e3",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!", "3.14 $5 50% a+b=c",
    "a\x00b \x00", "tab\tnew\nline\u2028sep\u3000end", "--- ... ***",
    "\U0001f9d1\u200d\u2695\ufe0f",
]


def line(kind, policy, data):
    answer = reference.show(reference.tokenize(kind, policy, data))
    return "%d %d %s = %s" % (kind, policy, data.hex(), answer)


def main():
    if unicodedata.unidata_version != reference.UNICODE:
        sys.exit("needs a Python with Unicode " + reference.UNICODE)
    if len(sys.argv) != 2:
        sys.exit("usage: make_golden_tokens.py OUTPUT")
    numbers = random.Random(SEED)
    texts = [example.encode() for example in EXAMPLES]
    texts += [reference.random_text(numbers, bad=False) for _ in range(120)]
    texts += [reference.random_text(numbers, bad=True) for _ in range(120)]
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as out:
        for data in texts:
            for kind in (reference.WHITESPACE, reference.WORDS):
                for policy in (reference.STRICT, reference.REPLACE):
                    out.write(line(kind, policy, data) + "\n")


if __name__ == "__main__":
    main()
