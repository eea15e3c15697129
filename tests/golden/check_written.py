#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that Python opens the guide's files as this library writes them.

    check_written.py WRITTEN [ORIGINAL]        one folder, against another
    check_written.py --rewrite PROGRAM FOLDER  each folder in FOLDER, rewritten
                                               by PROGRAM into a temporary one

WRITTEN must open with plain torch.load and pickle.load, in an archive that
unzip accepts, with words and bit-identical float32 weights as in ORIGINAL.
Exits with 77, "skipped", where torch is not installed.
"""
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import zipfile

try:
    import torch
except ImportError:
    print("torch is not installed: skipped")
    sys.exit(77)

# What runs the programs of a cross build; meson says it.
WRAPPER = os.environ.get("MESON_EXE_WRAPPER", "").split()


class SimpleTokenizer:
    """What the pickle needs to be there: a class of this name in __main__."""


def load_tokenizer(folder):
    with open(folder / "tokenizer.pkl", "rb") as file:
        return pickle.load(file)


class AnyClass(pickle.Unpickler):
    """Originals were made by richer classes; here each is a plain one."""

    def find_class(self, module, name):
        if module != "__main__":
            return super().find_class(module, name)
        return type(name, (), {})


def load_any(folder):
    with open(folder / "tokenizer.pkl", "rb") as file:
        return AnyClass(file).load()


def load_weights(folder):
    path = folder / "model.pth"
    assert zipfile.ZipFile(path).testzip() is None, f"{path}: wrong CRC"
    plain = torch.load(path, map_location="cpu")
    safe = torch.load(path, map_location="cpu", weights_only=True)
    assert list(plain) == list(safe)
    for name, value in plain.items():
        assert value.dtype == torch.float32 and value.is_contiguous(), f"{path}: {name}"
        assert torch.equal(value, safe[name]), f"{path}: {name}"
    return plain


def compare(written, original):
    weights = load_weights(written)
    tokenizer = load_tokenizer(written)
    assert type(tokenizer) is SimpleTokenizer
    assert len(tokenizer.word_to_idx) <= tokenizer.vocab_size
    if original is None:
        return
    expected = torch.load(original / "model.pth", map_location="cpu")
    assert list(weights) == list(expected), f"{written}: other tensors"
    for name, value in expected.items():
        value = value.to(torch.float32).contiguous()
        assert value.shape == weights[name].shape, f"{written}: shape of {name}"
        same = value.numpy().tobytes() == weights[name].numpy().tobytes()
        assert same, f"{written}: values of {name}"
    words = load_any(original)
    assert list(words.word_to_idx.items()) == list(tokenizer.word_to_idx.items()), f"{written}"
    assert words.vocab_size == tokenizer.vocab_size


def main():
    if sys.argv[1] != "--rewrite":
        compare(*map(pathlib.Path, sys.argv[1:3]),
                *([None] if len(sys.argv) == 2 else []))
        return
    folders = sorted(p for p in pathlib.Path(sys.argv[3]).iterdir() if p.is_dir())
    assert folders, "no folders"
    for folder in folders:
        with tempfile.TemporaryDirectory() as target:
            subprocess.run([*WRAPPER, sys.argv[2], folder, target], check=True)
            compare(pathlib.Path(target), folder)
    print(f"torch {torch.__version__} opened {len(folders)} rewritten folders")


if __name__ == "__main__":
    main()
