#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokenizers of a tokenizer.json against Hugging Face tokenizers: are the tokens
the same, and how fast. Usage, after .ci/venv.sh build-python:

    build-python/bin/python bench/tokenizer_json.py BUILD DATA [SIZE]

BUILD is a build folder, DATA a folder with train.tsv and dev.tsv (a header, a
column `text`). Trains a WordLevel, an uncased and a cased WordPiece and a
byte-level BPE tokenizer of SIZE words (20,000) on train.tsv, compares every id
and offset on dev.tsv and on 5,000 random texts, then times both on dev.tsv, a
text a call from Python, in one thread and by turns.
"""
import os
import random
import statistics
import sys
import tempfile
import time

os.environ['TOKENIZERS_PARALLELISM'] = 'false'
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, 'tests', part) for part in ('python', 'unit/text')]

import piece_reference  # noqa: E402
import tokenizer_json  # noqa: E402

TORTURE, ROUNDS = 5000, 7


def texts_of(path):
    with open(path, encoding='utf-8', newline='\n') as file:
        lines = file.read().split('\n')
    column = lines[0].split('\t').index('text')
    return [line.split('\t')[column] for line in lines[1:] if line]


def differences(ours, package, texts):
    count = 0
    for text in texts:
        found = package.tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = ours.encode(text)
        same = ids == found.ids and tokenizer_json.char_offsets(text, offsets) == found.offsets
        count += not same
        if not same and count <= 3:
            print('  differs:', ascii(text[:200]), '\n    package', found.ids[:20],
                  found.offsets[:20], '\n    ours   ', ids[:20], offsets[:20])
    return count


def seconds(function, texts):
    started = time.perf_counter()
    for text in texts:
        function(text)
    return time.perf_counter() - started


def speeds(ours, package, texts):
    """Medians, theirs and ours."""
    encoded = [text.encode() for text in texts]
    encode = package.tokenizer.encode
    theirs, own = [], []
    for _ in range(ROUNDS):
        theirs.append(seconds(lambda text: encode(text, add_special_tokens=False), texts))
        own.append(seconds(ours.run, encoded))
    return statistics.median(theirs), statistics.median(own)


def main():
    build, data = sys.argv[1:3]
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 20000
    train, dev = (texts_of(os.path.join(data, name)) for name in ('train.tsv', 'dev.tsv'))
    numbers = random.Random(1)
    torture = [piece_reference.random_text(numbers) for _ in range(TORTURE)]
    wrong = 0
    for kind in tokenizer_json.KINDS:
        text = tokenizer_json.train(kind, train, size)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer_json.make_folder(os.path.join(build, 'sentiment'), folder, text)
            ours = tokenizer_json.Ours(os.path.join(build, 'libsentiment.so'), folder)
        package = tokenizer_json.Package(text)
        on_dev, on_torture = (differences(ours, package, texts) for texts in (dev, torture))
        theirs, own = speeds(ours, package, dev)
        print(f'{kind:10} dev {len(dev) - on_dev}/{len(dev)} same, torture '
              f'{TORTURE - on_torture}/{TORTURE} same; package {theirs * 1e3:.1f} ms, ours '
              f'{own * 1e3:.1f} ms: {theirs / own:.1f}x', flush=True)
        wrong += on_dev + on_torture
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
