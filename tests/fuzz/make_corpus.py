#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets: make_corpus.py [FOLDER].

The default folder is corpus/ where this script is. Files called found-* are not
its own: fuzzing found them, and they stay. Seeds are small golden and hostile
files of tests/golden, and files made here that lie about themselves. Each
begins with the two bytes of harness.h: the allocation that fails, and switches.
The same files come out each time; only the standard library is needed.
"""
import pathlib
import sys
import zlib

import seeds_native
import seeds_onnx
import seeds_pickle
import seeds_serve
import seeds_text
import seeds_tokenizer

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / 'golden'
LARGEST = 4096


class Corpus:
    """The folder of one target."""

    def __init__(self, root, target):
        self.folder = root / target
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            if not old.name.startswith('found-'):
                old.unlink()

    def add(self, name, data, flags=0, fails=0):
        """A seed; which of its first allocations fails depends on its name, unless said."""
        path = self.folder / name
        assert not path.exists(), path
        path.write_bytes(bytes([fails or zlib.crc32(name.encode()) % 29 + 1, flags]) + data)

    def add_files(self, folder, suffix, largest=LARGEST):
        """The small files of a folder of tests/golden."""
        prefix = folder.split('/')[-1 if folder.startswith('torchscript') else 0]
        for path in sorted((GOLDEN / folder).glob('*' + suffix)):
            data = path.read_bytes()
            if len(data) <= largest:
                self.add(f'{prefix}-{path.stem}', data)


def write_all(root):
    """Every target's seeds."""
    corpus = Corpus(root, 'zip')
    corpus.add_files('pth', '.pth')
    corpus.add_files('invalid/zip', '.pth')
    corpus.add_files('torchscript/odd', '.pt')
    for name, data in seeds_pickle.tensor_archives():
        if name in ('good', 'two-tensors'):
            corpus.add(name, data)
    corpus.add('crc-missing-accepted', (GOLDEN / 'invalid/zip/crc-missing.pth').read_bytes(), 1)

    corpus = Corpus(root, 'pickle')
    corpus.add_files('tokenizer_pkl', '.pkl')
    corpus.add_files('invalid/tokenizer_pkl', '.pkl')
    for source in (seeds_pickle.line_pickles, seeds_pickle.lying_pickles,
                   seeds_pickle.state_pickles):
        for name, data in source():
            corpus.add(name, data)

    corpus = Corpus(root, 'pth')
    corpus.add_files('pth', '.pth')
    corpus.add_files('invalid/pth', '.pth')
    for name, data in seeds_pickle.tensor_archives():
        corpus.add('tensor-' + name, data)

    corpus = Corpus(root, 'torchscript')
    corpus.add_files('invalid/torchscript', '.pt')
    # zlib's window, while it makes more than it may.
    corpus.add('no-window', (GOLDEN / 'invalid/torchscript/code-says-less.pt').read_bytes(),
               fails=3)
    for folder in sorted((GOLDEN / 'torchscript').iterdir()):
        corpus.add_files(f'torchscript/{folder.name}', '.pt', 5500)

    corpus = Corpus(root, 'safetensors')
    for number, (name, data) in enumerate(seeds_native.good_natives()):
        corpus.add(name, data, (0, 2, 4, 36, 68, 130, 132)[number % 7])
    for number, (name, data) in enumerate(seeds_native.int8_natives()):
        corpus.add('int8-' + name, data, (4, 2, 36, 68)[number % 4])
    for name, data in seeds_native.bad_natives():
        corpus.add('bad-' + name, data)

    corpus = Corpus(root, 'onnx')
    for source in (seeds_onnx.good_graphs, seeds_onnx.own_metadata):
        for number, (name, data) in enumerate(source()):
            corpus.add(name, data, number % 10 + number % 2 * 128 + (0, 16, 48, 80)[number % 4])
    for source in (seeds_onnx.bad_graphs, seeds_onnx.bad_protobufs):
        for name, data in source():
            corpus.add('bad-' + name, data)
    corpus = Corpus(root, 'tokenizer_json')
    for number, (name, data) in enumerate(seeds_tokenizer.files()):
        corpus.add(name, data, number * 37 % 256)

    corpus = Corpus(root, 'config')
    for number, (name, data, flags) in enumerate(seeds_native.configs()):
        corpus.add(name, data.encode(), flags | (number % 2) * 8)

    corpus = Corpus(root, 'text')
    for number, (name, data) in enumerate(sorted(seeds_text.TEXTS.items())):
        corpus.add(name, data.encode(), number * 37 % 256)
    for name, data in sorted(seeds_text.BROKEN.items()):
        corpus.add('broken-' + name, data, 128)

    # The same texts behind the bytes that tell how to read them.
    texts = sorted([(name, data.encode()) for name, data in seeds_text.TEXTS.items()]
                   + [('broken-' + name, data) for name, data in seeds_text.BROKEN.items()])
    corpus = Corpus(root, 'stream')
    for number, (name, data) in enumerate(texts):
        corpus.add(name, bytes([number * 7, number * 37 % 256]) + data)
    corpus = Corpus(root, 'pieces')
    for number, (name, data) in enumerate(texts):
        normalizer, splitter = number % 9, (number % 5) | (number % 32) * 8
        corpus.add(name, bytes([0x11, normalizer, splitter]) + data)
        # All of BertNormalizer, then what BERT or RoBERTa splits by.
        last = number % 2 * 196
        corpus.add('bert-' + name, bytes([0x14, 6, 7, 8, 4, last]) + data)

    corpus = Corpus(root, 'model')
    for number, (name, data) in enumerate(seeds_pickle.folders()):
        corpus.add(name, data, number % 2 * 128)

    corpus = Corpus(root, 'manifest')
    for name, data in seeds_serve.manifests():
        corpus.add(name, data)
    for name, data in seeds_serve.labels():
        corpus.add('labels-' + name, data, 1)
    corpus = Corpus(root, 'http')
    for number, (name, data) in enumerate(seeds_serve.requests()):
        corpus.add(name, data, number)
    corpus = Corpus(root, 'baseline')
    for name, data, classes in seeds_serve.baselines():
        corpus.add(name, data, classes - 1)


if __name__ == '__main__':
    write_all(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / 'corpus')
