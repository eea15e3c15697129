# SPDX-License-Identifier: Apache-2.0
"""Tokenizers of a tokenizer.json, ours and the package's, side by side: ours
through libsentiment.so, the package's offsets as bytes. Needs the tests' own
Python environment (.ci/venv.sh)."""
import ctypes
import json
import os
import subprocess

import tokenizers

VERSION = '0.23.3'
U64, I32, SIZE = ctypes.c_uint64, ctypes.c_int32, ctypes.c_size_t


class Error(ctypes.Structure):
    _fields_ = [('struct_size', ctypes.c_uint32), ('code', I32), ('offset', U64),
                ('message', ctypes.c_char * 496)]


class Ours:
    """The tokenizer of a model folder."""

    def __init__(self, library, folder):
        self.library = ctypes.CDLL(library)
        self.error = Error(struct_size=ctypes.sizeof(Error))
        for name in ('sentiment_model_get_tokenizer',):
            getattr(self.library, name).restype = ctypes.c_void_p
        model = ctypes.c_void_p()
        load = self.library.sentiment_model_load
        if load(folder.encode(), None, ctypes.byref(model), ctypes.byref(self.error)) != 0:
            raise ValueError(self.error.message.decode())
        self.tokenizer = ctypes.c_void_p(self.library.sentiment_model_get_tokenizer(model))
        self.library.sentiment_model_free(model)
        self.function = self.library.sentiment_tokenizer_encode
        self.function.argtypes = [ctypes.c_void_p, ctypes.c_char_p, SIZE, I32, SIZE,
                                  ctypes.POINTER(I32), ctypes.POINTER(U64), ctypes.POINTER(U64),
                                  ctypes.POINTER(SIZE), ctypes.POINTER(Error)]
        self.reserve(1024)

    def reserve(self, capacity):
        self.capacity = capacity
        self.ids = (I32 * capacity)()
        self.starts = (U64 * capacity)()
        self.ends = (U64 * capacity)()
        self.length = SIZE()
        self.arrays = (capacity, self.ids, self.starts, self.ends, ctypes.byref(self.length),
                       ctypes.byref(self.error))

    def run(self, text):
        """The number of tokens; the arrays hold them."""
        if self.function(self.tokenizer, text, len(text), 0, *self.arrays) == -12:
            self.reserve(2 * self.length.value)
            return self.run(text)
        return self.length.value

    def encode(self, text):
        """Ids, and offsets in bytes."""
        count = self.run(text.encode())
        return self.ids[:count], list(zip(self.starts[:count], self.ends[:count]))


def byte_offsets(text, offsets):
    """The package counts characters."""
    places = [0]
    for char in text:
        places.append(places[-1] + len(char.encode()))
    return [(places[start], places[end]) for start, end in offsets]


class Package:
    """The reference."""

    def __init__(self, text):
        assert tokenizers.__version__ == VERSION, tokenizers.__version__
        self.tokenizer = tokenizers.Tokenizer.from_str(text)
        self.tokenizer.no_truncation()

    def encode(self, text):
        found = self.tokenizer.encode(text, add_special_tokens=False)
        return found.ids, byte_offsets(text, found.offsets)


def char_offsets(text, offsets):
    """Bytes within a character count as the package counts them: a start is that
    character, an end likewise unless it ends the text."""
    places, index = {}, 0
    for number, char in enumerate(text):
        for _ in char.encode():
            places[index] = number
            index += 1
    places[index] = len(text)
    return [(places[start], places[end]) for start, end in offsets]


def make_folder(command, folder, text, rows=None):
    """A model folder with this tokenizer.json, and weights of no use."""
    if rows is None:
        given = json.loads(text)
        ids = list(given['model']['vocab'].values())
        rows = max(ids + [token['id'] for token in given.get('added_tokens', [])]) + 1
    subprocess.run([command, 'create', '--vocab-size', str(rows), '--embedding-dim', '1',
                    '--hidden-size', '1', '--num-classes', '2', folder], check=True)
    os.remove(os.path.join(folder, 'tokenizer.pkl'))
    with open(os.path.join(folder, 'tokenizer.json'), 'w', encoding='utf-8') as file:
        file.write(text)
    return folder


def train(kind, texts, size):
    """A tokenizer trained by the package, as the text of its tokenizer.json."""
    from tokenizers import models, normalizers, pre_tokenizers, trainers
    special = ['[UNK]', '[PAD]', '[CLS]', '[SEP]', '[MASK]']
    if kind == 'wordlevel':
        made = tokenizers.Tokenizer(models.WordLevel(unk_token='[UNK]'))
        made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=special)
    elif kind == 'bpe':
        made = tokenizers.Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=['<|endoftext|>'], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    else:
        made = tokenizers.Tokenizer(models.WordPiece(unk_token='[UNK]'))
        made.normalizer = normalizers.BertNormalizer(lowercase=kind == 'uncased')
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special,
                                            show_progress=False)
    made.train_from_iterator(texts, trainer)
    return made.to_str()


KINDS = ('wordlevel', 'uncased', 'cased', 'bpe')
