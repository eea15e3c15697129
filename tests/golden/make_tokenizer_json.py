#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tokenizer_json/: small tokenizers, and what Hugging Face tokenizers
makes of texts with them.

    build-python/bin/python tests/golden/make_tokenizer_json.py [FOLDER]

NAME.json is a tokenizer.json. A line of NAME.txt is a text in hex, " = ", and
its tokens: id,start,end with offsets in bytes. The same files come out each time
but for the order of equally frequent words.
"""
import json
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, part) for part in ('python', 'unit/text', 'unit/model')]

import tokenizer_json  # noqa: E402
import tokenizer_json_random as made  # noqa: E402

TEXTS = 60
FIXED = [
    "", " ", "I love this product!", "  Unbelievably GOOD, isn't it?  ", "na\u00efve caf\u00e9",
    "\u0160\u00c6 \u0430\u0431\u0432 \u0645\u0631\u062d\u0628\u0627",
    "\u4f60\u597d\uff0c\u4e16\u754c", "\U0001f44d\U0001f3fd\U0001f600",
    "\u0928\u092e\u0938\u094d\u0924\u0947\u0964", "a\u0300\u0301b e\u0301\u0301",
    "[MASK] <mask>  ok", "x\u0000y\u200bz", "a" * 150, "ab" * 40,
    "don't you'll we've I'M 12345 3.14", "line\none\r\n\ttwo   three ",
]


def tokens(*flags):
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return [{"id": number, "content": content, **{name: name in on for name in names}}
            for number, content, on in flags]


def trained(kind, size=300):
    return json.loads(tokenizer_json.train(kind, made.LINES * 3, size))


def roberta():
    """Added tokens that take the space before them, trimmed offsets, truncation."""
    given = trained('bpe', 340)
    given['added_tokens'] += tokens((340, '<mask>', ('lstrip', 'special')),
                                    (341, 'good', ('single_word', 'normalized')),
                                    (342, '</s>', ('rstrip', 'normalized', 'special')))
    given['post_processor'] = {"type": "RobertaProcessing", "sep": ["</s>", 342],
                               "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": True}
    given['pre_tokenizer']['add_prefix_space'] = True
    given['truncation'] = {"direction": "Left", "max_length": 5, "strategy": "LongestFirst",
                           "stride": 0}
    given['decoder'] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                        "use_regex": True}
    return given


def old_bpe():
    """As files of 2020 are: no type, merges as strings, empty affixes."""
    given = trained('bpe', 320)
    model = given['model']
    del model['type']
    model['merges'] = ['#version: 0.2'] + [' '.join(pair) for pair in model['merges']]
    model['continuing_subword_prefix'] = model['end_of_word_suffix'] = ''
    del model['ignore_merges'], model['byte_fallback']
    return given


def fallback():
    """Characters that are none of the words fall back to bytes, or are unknown."""
    given = trained('bpe', 280)
    words = ['<unk>', *('<0x%02X>' % byte for byte in range(256) if byte != 0xC3),
             *'abcdefghilmnorstuvy ', 'th', 'the', 'oo', 'in', 'ing', ' t', ' the']
    merges = [('t', 'h'), ('th', 'e'), ('o', 'o'), ('i', 'n'), ('in', 'g'), (' ', 't'),
              (' t', 'h'), (' ', 'the')]
    words += [' th']
    given['model'] = {"type": "BPE", "dropout": None, "unk_token": "<unk>",
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": {word: i for i, word in enumerate(words)},
                      "merges": [list(pair) for pair in merges]}
    given['added_tokens'] = []
    given['normalizer'] = {"type": "NFKC"}
    given['pre_tokenizer'] = None
    return given


def affixes():
    """Prefix and suffix of characters, as old subword tokenizers have them."""
    numbers = random.Random(5)
    while True:
        model = made.bpe(numbers)
        if model['end_of_word_suffix'] and len(model['merges']) > 50:
            return made.whole(model, pre_tokenizer={"type": "Whitespace"},
                              normalizer={"type": "Lowercase"})


def dropping():
    """Characters without a word are left out."""
    given = trained('bpe', 300)
    vocab = given['model']['vocab']
    gone = [word for word in vocab if '\u00c3' in word or 'z' in word]
    given['model']['merges'] = [pair for pair in given['model']['merges']
                                if not set(gone) & {*pair, ''.join(pair)}]
    kept = [word for word in vocab if word not in gone]
    given['model']['vocab'] = {word: i for i, word in enumerate(kept)}
    return given


FILES = {
    'wordlevel': lambda: trained('wordlevel'), 'uncased': lambda: trained('uncased'),
    'cased': lambda: trained('cased'), 'bpe': lambda: trained('bpe', 400), 'roberta': roberta,
    'old-bpe': old_bpe, 'fallback': fallback, 'affixes': affixes, 'dropping': dropping,
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'tokenizer_json')
    os.makedirs(folder, exist_ok=True)
    for name, make in FILES.items():
        text = json.dumps(make(), ensure_ascii=True, indent=None, separators=(',', ':')) + '\n'
        package, numbers = tokenizer_json.Package(text), random.Random(name)
        texts = FIXED + [made.random_text(numbers) for _ in range(TEXTS - len(FIXED))]
        with open(os.path.join(folder, name + '.json'), 'w', encoding='ascii') as file:
            file.write(text)
        with open(os.path.join(folder, name + '.txt'), 'w', encoding='ascii') as file:
            for line in texts:
                ids, offsets = package.encode(line)
                answer = ' '.join(f'{id},{start},{end}' for id, (start, end) in zip(ids, offsets))
                file.write(f'{line.encode().hex()} = {answer}\n')


if __name__ == '__main__':
    main()
