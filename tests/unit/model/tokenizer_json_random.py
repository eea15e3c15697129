# SPDX-License-Identifier: Apache-2.0
"""Random tokenizers, as the dictionaries of their tokenizer.json, and texts for
them. Needs the tests' own Python environment (.ci/venv.sh)."""
import json

import piece_reference
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

LINES = [
    "I love this product, it's unbelievably good!", "Not bad... not bad at all?!", "ok ok OK Ok",
    "Worst movie ever; we'll never, ever watch it again.",
    "na\u00efve caf\u00e9 \u0160koda \u00c6sir",
    "the quick brown fox jumps over the lazy dog 12345 times", "lowercase UPPERCASE MixedCase",
    "\u4f60\u597d\uff0c\u4e16\u754c \u3053\u3093\u306b\u3061\u306f",
    "\u0645\u0631\u062d\u0628\u0627 \U0001f600\U0001f44d\U0001f3fd",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e",
    "aaa aaaa aaaaa abab ababab bcbcbc", "tab\there  two  spaces   three",
    "x_y-z a.b.c don't can't",
]
NORMALIZERS = [
    {"type": "Lowercase"}, {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"},
    {"type": "StripAccents"},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
     "strip_accents": None, "lowercase": True},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False,
     "strip_accents": None, "lowercase": False},
    {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True,
     "strip_accents": True, "lowercase": False},
]
SPLITTERS = [
    {"type": "BertPreTokenizer"}, {"type": "Whitespace"}, {"type": "WhitespaceSplit"},
    {"type": "Punctuation", "behavior": "Isolated"},
    {"type": "Punctuation", "behavior": "MergedWithNext"},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False},
]
CONTENTS = [
    "[MASK]", "<s>", "</s>", "good", "Good", "ab", "abab", "a", "\u00e9", "caf\u00e9", "e\u0301",
    " ", "  ", "new york", "\u4f60", "!", "...", "\U0001f600", "[", "MASK", "<mask>", "x_y", "\t",
    "aaaa", "\u0130", "it's", "\u2060",
]
PROCESSORS = [
    None, None, None,
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
    {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True,
     "add_prefix_space": True},
]


def random_steps(numbers, choices, key, most):
    chosen = [numbers.choice(choices) for _ in range(numbers.randint(0, most))]
    if not chosen:
        return None
    if len(chosen) == 1:
        return chosen[0]
    if len(chosen) > 2 and numbers.random() < 0.5:
        chosen = [{"type": "Sequence", key: chosen[:2]}, *chosen[2:]]
    return {"type": "Sequence", key: chosen}


def characters(numbers):
    """Some of the characters of LINES, and what ByteLevel makes of bytes."""
    every = sorted(set("".join(LINES)) | set(pre_tokenizers.ByteLevel.alphabet()))
    return numbers.sample(every, int(len(every) * numbers.choice((0.5, 0.9, 1))))


def random_words(numbers):
    words = [word for line in LINES for word in line.split()]
    parts = set(characters(numbers))
    for _ in range(150):
        word = numbers.choice(words)
        start = numbers.randrange(len(word))
        parts.add(word[start:start + numbers.randint(1, 6)])
    return sorted(parts)


def word_level(numbers):
    words = ["[UNK]", *random_words(numbers)]
    return {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)},
            "unk_token": "[UNK]"}


def wordpiece(numbers):
    prefix = numbers.choice(("##", "##", "", "a"))
    words = random_words(numbers)
    vocab = {}
    for word in ["[UNK]", *words, *(prefix + word for word in words if numbers.random() < 0.8)]:
        vocab.setdefault(word, len(vocab))
    return {"type": "WordPiece", "vocab": vocab, "unk_token": "[UNK]",
            "continuing_subword_prefix": prefix,
            "max_input_chars_per_word": numbers.choice((100, 100, 5, 1, 0))}


def bpe(numbers):
    """Trained, since merges must fit the words."""
    made = tokenizers.Tokenizer(models.BPE())
    splitter = numbers.choice(SPLITTERS[:3] + SPLITTERS[5:])
    made.pre_tokenizer = tokenizers.Tokenizer.from_str(json.dumps(whole(
        word_level(numbers), pre_tokenizer=splitter))).pre_tokenizer
    affixes = {"continuing_subword_prefix": "##"} if numbers.random() < 0.3 else {}
    if affixes and numbers.random() < 0.5:
        affixes["end_of_word_suffix"] = "</w>"
    trainer = trainers.BpeTrainer(
        vocab_size=numbers.choice((0, 200, 400, 600)), show_progress=False,
        special_tokens=["[UNK]"] + ["<0x%02X>" % i for i in range(256)] * (numbers.random() < 0.2),
        initial_alphabet=characters(numbers), limit_alphabet=numbers.choice((30, 1000)),
        **affixes)
    made.train_from_iterator(LINES * 2, trainer)
    model = json.loads(made.to_str())["model"]
    model["unk_token"] = numbers.choice((None, "[UNK]"))
    model["fuse_unk"] = numbers.random() < 0.5
    model["ignore_merges"] = numbers.random() < 0.3
    model["byte_fallback"] = not affixes and numbers.random() < 0.5
    if numbers.random() < 0.5 and not any(" " in part for pair in model["merges"] for part in pair):
        model["merges"] = [" ".join(pair) for pair in model["merges"]]
    if numbers.random() < 0.3 and model["merges"]:
        model["merges"] += numbers.choices(model["merges"], k=5)
    return model


def whole(model, **parts):
    given = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
             "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {**given, **parts, "model": model}


def added_tokens(numbers, model):
    tokens, next_id = [], len(model["vocab"])
    for content in numbers.sample(CONTENTS, numbers.choice((0, 0, 1, 3, 8))):
        number = model["vocab"].get(content, next_id)
        next_id += number == next_id
        flag = {key: numbers.random() < 0.3
                for key in ("single_word", "lstrip", "rstrip", "normalized", "special")}
        tokens.append({"id": number, "content": content, **flag})
    return tokens


def random_tokenizer(numbers):
    model = numbers.choice((word_level, wordpiece, bpe, bpe))(numbers)
    return whole(
        model, added_tokens=added_tokens(numbers, model),
        normalizer=random_steps(numbers, NORMALIZERS, "normalizers", 3),
        pre_tokenizer=random_steps(numbers, SPLITTERS, "pretokenizers", 3),
        post_processor=numbers.choice(PROCESSORS))


def random_text(numbers):
    parts = []
    for _ in range(numbers.randint(0, 6)):
        kind = numbers.random()
        if kind < 0.35:
            line = numbers.choice(LINES)
            start = numbers.randrange(len(line))
            parts.append(line[start:start + numbers.randint(1, 30)])
        elif kind < 0.65:
            parts.append(numbers.choice(CONTENTS))
        elif kind < 0.75:
            parts.append(numbers.choice("ab \u3000") * numbers.choice((1, 3, 70)))
        else:
            parts.append(piece_reference.random_part(numbers))
        parts.append(numbers.choice(("", "", " ", "  ")))
    return "".join(parts)
