#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden files of the guide's formats, with what PyTorch answers.

    make_golden.py [FOLDER]        (default: where this script is)

guide/NAME/       whole guide folders with expected.jsonl
pth/NAME.pth      state dicts that all hold the same two tensors
tokenizer_pkl/    tokenizers that all hold the same words

Needs torch (made with 1.13); the tests read the committed files and do not. The
same files come out each time, but for the storage keys of the legacy layout,
which are addresses.
"""
import collections
import datetime
import decimal
import json
import pathlib
import pickle
import re
import struct
import sys

import torch

import make_invalid as craft

WORDS = [
    "the", "good", "bad", "movie", "not", "great", "awful", "caf\u00e9", "stra\u00dfe", "don't",
    "\u1f40\u03b4\u03c5\u03c3\u03c3\u03b5\u03cd\u03c2", "i\u0307stanbul", "\U0001f600",
    "\u65e5\u672c", "good\u200bmovie", "\u03c3\u03c3\u03c2", "ok.", "a\\b", "line\nbreak", "",
    "\udce9", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "tab\tword", "nul\0word", "\\u0041", "\x1a", "\u00ff",
]
TEXTS = [
    "",
    "The GOOD movie, not a bad movie",
    "\u1f48\u0394\u03a5\u03a3\u03a3\u0395\u038e\u03a3 \u03a3\u03a3\u03a3 \u03a3",
    "\u0130stanbul good",
    "good\u00a0movie good\u200bmovie\u3000great\u2028awful",
    "\U0001f600 caf\u00c9 STRA\u1e9eE stra\u00dfe Don't",
    "  \t\n",
    " ".join(["good", "bad", "the", "unseen", "\u65e5\u672c"] * 20),
]
LENGTHS = [7, 64]


class SimpleTokenizer:
    def __init__(self, words):
        self.vocab_size = len(words)
        self.word_to_idx = {word: index for index, word in enumerate(words)}

    def encode(self, text):
        return [self.word_to_idx.get(word, 0) for word in text.lower().split()]


PlainTokenizer = SimpleTokenizer


class SentimentClassifier(torch.nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_size, num_classes, num_layers=1,
                 bidirectional=False):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, embedding_dim)
        self.lstm = torch.nn.LSTM(embedding_dim, hidden_size, num_layers=num_layers,
                                  bidirectional=bidirectional, batch_first=True)
        self.fc = torch.nn.Linear(hidden_size * (2 if bidirectional else 1), num_classes)

    def forward(self, ids):
        outputs, _ = self.lstm(self.embedding(ids))
        return self.fc(torch.mean(outputs, dim=1))


def words_for(size):
    words = list(dict.fromkeys(WORDS))[:size]
    return words + [f"word_{i}" for i in range(size - len(words))]


def expected(model, tokenizer):
    for text in TEXTS:
        tokens = tokenizer.encode(text)
        for length in LENGTHS:
            ids = tokens[:length]
            padded = torch.tensor([ids + [0] * (length - len(ids))], dtype=torch.long)
            with torch.no_grad():
                logits = model(padded)[0]
            probabilities = torch.softmax(logits, 0)
            yield {"text": text, "max_length": length, "tokens": len(tokens), "ids": ids,
                   "logits": logits.tolist(), "probabilities": probabilities.tolist(),
                   "prediction": int(logits.argmax())}


def as_views(state):
    """The same values, but transposed, sliced and sharing one storage."""
    views = collections.OrderedDict()
    for index, (name, value) in enumerate(state.items()):
        if index % 3 == 0 and value.dim() == 2:
            views[name] = value.t().contiguous().t()
        elif index % 3 == 1:
            whole = torch.full((value.shape[0] + 5,) + value.shape[1:], 9.0)
            whole[2:-3] = value
            views[name] = whole[2:-3]
        else:
            views[name] = value
    shared = torch.cat([state["lstm.bias_ih_l0"], state["lstm.bias_hh_l0"]])
    size = state["lstm.bias_ih_l0"].numel()
    views["lstm.bias_ih_l0"], views["lstm.bias_hh_l0"] = shared[:size], shared[size:]
    return views


class SlottedTokenizer:
    __slots__ = ("vocab_size", "word_to_idx")


class MixedTokenizer(SlottedTokenizer):
    """Slots of the base and a __dict__: the state is (dict, dict)."""


class Nested:
    pass


def publish(cls):
    """Makes a class what a pickle of its instances calls SimpleTokenizer."""
    cls.__name__ = cls.__qualname__ = "SimpleTokenizer"
    globals()["SimpleTokenizer"] = cls
    return cls


def dump(tokenizer, protocol):
    publish(type(tokenizer))
    return pickle.dumps(tokenizer, protocol=protocol)


def enrich(tokenizer):
    """Attributes of every kind that a tokenizer might pick up."""
    nested = Nested()
    nested.owner, nested.items = tokenizer, [1, (2.5, None, True), {"k": b"v"}]
    tokenizer.counts = collections.Counter("abracadabra")
    tokenizer.lists = collections.defaultdict(list, {"a": [1], "b": []})
    tokenizer.ordered = collections.OrderedDict([("x", 1), ("y", 2)])
    tokenizer.queue = collections.deque([1, 2, 3], maxlen=5)
    tokenizer.stop_words = {"the"}
    tokenizer.frozen = frozenset(["a", "b"])
    tokenizer.raw = b"\x00\xff bytes"
    tokenizer.mutable = bytearray(b"mutable")
    tokenizer.big = 10 ** 400
    tokenizer.negative = -(2 ** 63) - 1
    tokenizer.limits = [2 ** 63 - 1, -(2 ** 63), 2 ** 31, -1, 255, 256, 65535, 65536, 0]
    tokenizer.number = 1.5
    tokenizer.complex = 1 + 2j
    tokenizer.decimal = decimal.Decimal("1.25")
    tokenizer.date = datetime.datetime(2020, 2, 3)
    tokenizer.pattern = re.compile(r"\w+", re.UNICODE)
    tokenizer.function = len
    tokenizer.range = range(3)
    tokenizer.me = tokenizer
    tokenizer.loop = [tokenizer]
    tokenizer.loop.append(tokenizer.loop)
    tokenizer.nested = nested
    tokenizer.idx_to_word = {i: w for w, i in tokenizer.word_to_idx.items()}
    return tokenizer


def slotted(words, mixed):
    tokenizer = (MixedTokenizer if mixed else SlottedTokenizer)()
    tokenizer.vocab_size = len(words)
    tokenizer.word_to_idx = {word: index for index, word in enumerate(words)}
    if mixed:
        tokenizer.extra = "in __dict__"
    return tokenizer


GUIDES = {
    # name: (sizes, further arguments of write_guide)
    "h1": (dict(vocab_size=30, embedding_dim=3, hidden_size=1, num_classes=2), {}),
    "h37": (dict(vocab_size=60, embedding_dim=16, hidden_size=37, num_classes=3), {}),
    "h51-bidirectional": (dict(vocab_size=40, embedding_dim=5, hidden_size=51, num_classes=3,
                               bidirectional=True), {}),
    "h272-float16": (dict(vocab_size=40, embedding_dim=3, hidden_size=272, num_classes=5),
                     dict(dtype=torch.float16)),
    "two-layer": (dict(vocab_size=40, embedding_dim=7, hidden_size=37, num_classes=3,
                       num_layers=2), {}),
    "two-layer-bidirectional": (dict(vocab_size=40, embedding_dim=6, hidden_size=19,
                                     num_classes=4, num_layers=2, bidirectional=True), {}),
    "bfloat16": (dict(vocab_size=40, embedding_dim=8, hidden_size=13, num_classes=3),
                 dict(dtype=torch.bfloat16)),
    "float64": (dict(vocab_size=40, embedding_dim=8, hidden_size=13, num_classes=3),
                dict(dtype=torch.float64)),
    "legacy": (dict(vocab_size=40, embedding_dim=8, hidden_size=37, num_classes=3),
               dict(legacy=True)),
    "legacy-float16": (dict(vocab_size=30, embedding_dim=4, hidden_size=9, num_classes=3),
                       dict(legacy=True, dtype=torch.float16)),
    "views": (dict(vocab_size=40, embedding_dim=8, hidden_size=11, num_classes=3),
              dict(views=True)),
    "legacy-views": (dict(vocab_size=30, embedding_dim=4, hidden_size=9, num_classes=3),
                     dict(legacy=True, views=True)),
    "slots": (dict(vocab_size=30, embedding_dim=3, hidden_size=3, num_classes=3),
              dict(tokenizer="slots")),
    "slots-mixed": (dict(vocab_size=30, embedding_dim=3, hidden_size=3, num_classes=3),
                    dict(tokenizer="mixed")),
    "rich": (dict(vocab_size=30, embedding_dim=3, hidden_size=3, num_classes=3),
             dict(tokenizer="rich")),
}
for number in range(6):
    GUIDES[f"protocol-{number}"] = (
        dict(vocab_size=30, embedding_dim=3, hidden_size=4, num_classes=3), dict(protocol=number))


def write_guide(folder, seed, sizes, dtype=torch.float32, legacy=False, views=False,
                tokenizer="plain", protocol=4):
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    model = SentimentClassifier(**sizes).eval()
    state = collections.OrderedDict((k, v.detach().to(dtype)) for k, v in
                                    model.state_dict().items())
    model.load_state_dict(state)
    torch.save(as_views(state) if views else state, folder / "model.pth",
               _use_new_zipfile_serialization=not legacy)
    words = words_for(sizes["vocab_size"])
    plain = PlainTokenizer(words)
    made = {"plain": lambda: PlainTokenizer(words), "rich": lambda: enrich(PlainTokenizer(words)),
            "slots": lambda: slotted(words, False), "mixed": lambda: slotted(words, True)}
    (folder / "tokenizer.pkl").write_bytes(dump(made[tokenizer](), protocol))
    config = {"model_params": sizes, "training_params": {"learning_rate": 0.001}}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    with open(folder / "expected.jsonl", "w", encoding="utf-8") as out:
        for answer in expected(model, plain):
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")


def write_state_dicts(folder):
    """`a` is 3x4 with a[i][j] = (4i+j)/2 - 2, `b` is [1, -1]."""
    folder.mkdir(parents=True, exist_ok=True)
    a = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 2 - 2
    b = torch.tensor([1.0, -1.0])
    module = torch.nn.Module()
    module.a, module.b = torch.nn.Parameter(a), torch.nn.Parameter(b)
    ordered = collections.OrderedDict(a=a, b=b)
    whole = torch.full((5, 9), 7.0)
    whole[1:4, 2:6] = a
    shared = torch.cat([b, a.flatten()])
    versions = module.state_dict()
    save = lambda name, value, **how: torch.save(value, folder / f"{name}.pth", **how)
    save("ordered", ordered)
    save("module", versions)
    save("dict", {"a": a, "b": b})
    save("parameters", {"a": module.a, "b": module.b})
    save("transposed", {"a": a.t().contiguous().t(), "b": b})
    save("sliced", {"a": whole[1:4, 2:6], "b": b})
    save("shared", {"a": shared[2:].reshape(3, 4), "b": shared[:2]})
    save("extras", {"epoch": 3, "a": a, "note": "text", "nested": {"list": [1, None, True, 2.5]},
                    "b": b, "big": 2 ** 70, 5: "integer key", "ordered": ordered})
    save("types", {"a": a.double(), "b": b.half(), "i64": torch.tensor(7), "u8":
                   torch.tensor([1, 2], dtype=torch.uint8), "flag": torch.tensor([True]),
                   "empty": torch.zeros(0, 3), "bf16": b.bfloat16(), "i8": b.to(torch.int8),
                   "i16": b.to(torch.int16), "i32": b.to(torch.int32)})
    for protocol in (3, 4, 5):
        save(f"protocol-{protocol}", ordered, pickle_protocol=protocol)
    save("legacy", versions, _use_new_zipfile_serialization=False)
    save("legacy-protocol-4", ordered, _use_new_zipfile_serialization=False, pickle_protocol=4)
    save("legacy-shared", {"a": shared[2:].reshape(3, 4), "b": shared[:2]},
         _use_new_zipfile_serialization=False)


def write_crafted(folder):
    """The same two tensors as newer and older writers than this PyTorch put them."""
    a = b"".join(struct.pack("<f", i / 2 - 2) for i in range(12))
    b = struct.pack("<2f", 1, -1)
    untyped = craft.storage(count=48, kind="UntypedStorage", module="torch.storage")
    single = craft.storage(key="1", count=2)
    arguments = craft.tup(single, craft.num(0), craft.tup(craft.num(2)), craft.tup(craft.num(1)),
                          craft.FALSE, craft.ORDERED)
    from_type = craft.glob("torch._tensor", "_rebuild_from_type_v2") + craft.tup(
        craft.REBUILD, craft.glob("torch", "Tensor"), arguments,
        craft.mapping((craft.text("note"), craft.num(1)))) + b"R"
    of_v3 = craft.tensor(untyped, size=(3, 4), stride=(4, 1), tail=craft.glob("torch", "float32"),
                         rebuild=craft.glob("torch._utils", "_rebuild_tensor_v3"))
    parameter = craft.glob("torch._utils", "_rebuild_parameter")
    newer = craft.PROTO + craft.mapping(
        (craft.text("a"), of_v3),
        (craft.text("b"), parameter + craft.tup(from_type, craft.TRUE, craft.ORDERED) + b"R"))
    entries = [("data.pkl", newer + b"."), (".format_version", b"1"), (".storage_alignment", b"64"),
               ("byteorder", b"little"), ("data/0", a), ("data/1", b), ("version", b"3\n"),
               (".data/serialization_id", b"0" * 40)]
    entries = [craft.Entry(f"m/{name}", data) for name, data in entries]
    (folder / "newer.pth").write_bytes(craft.archive(entries, zip64=craft.end64()))
    # Python 2: OrderedDict from a list of lists, str for keys.
    of_v2 = craft.tensor(craft.storage(count=12), size=(3, 4), stride=(4, 1))
    pairs = b"](](U\x01a" + of_v2 + b"e](U\x01b" + craft.REBUILD + arguments + b"Ree"
    older = craft.PROTO + craft.glob("collections", "OrderedDict") + pairs + b"\x85R."
    entries = [craft.Entry(f"m/{name}", data) for name, data in
               [("data.pkl", older), ("data/0", a), ("data/1", b), ("version", b"2\n")]]
    (folder / "older.pth").write_bytes(craft.archive(entries))


class DictSubclass(dict):
    pass


def tokenizer_variants():
    """Pickles that all hold {good: 3, caf\u00e9: 1, smile: 0, lone surrogate: 7}."""
    words = {"good": 3, "caf\u00e9": 1, "\U0001f600": 0, "\udce9": 7}

    def instance(mapping, **more):
        tokenizer = PlainTokenizer([])
        tokenizer.vocab_size, tokenizer.word_to_idx = 8, mapping
        vars(tokenizer).update(more)
        return tokenizer

    yield "bare", words
    yield "bare-ordered", collections.OrderedDict(words)
    yield "attributes", {"vocab_size": 8, "word_to_idx": words}
    yield "plain", instance(words)
    yield "ordered", instance(collections.OrderedDict(words))
    yield "default", instance(collections.defaultdict(int, words))
    yield "counter", instance(collections.Counter(words))
    yield "subclass", instance(DictSubclass(words))
    yield "wide", instance(words, tail=list(range(5000)), deep=eval("[" * 40 + "]" * 40))
    tokenizer = slotted([], True)
    tokenizer.vocab_size, tokenizer.word_to_idx = 8, words
    yield "mixed", tokenizer
    undeclared = instance(words)
    del undeclared.vocab_size
    yield "undeclared", undeclared


def write_tokenizers(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in tokenizer_variants():
        # Python itself pickles __slots__ from protocol 2 on.
        for protocol in range(2 if name == "mixed" else 0, 6):
            data = (pickle.dumps(value, protocol) if isinstance(value, dict)
                    else dump(value, protocol))
            (folder / f"{name}-{protocol}.pkl").write_bytes(data)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for seed, (name, (sizes, options)) in enumerate(GUIDES.items()):
        write_guide(folder / "guide" / name, seed + 1, sizes, **options)
    write_state_dicts(folder / "pth")
    write_crafted(folder / "pth")
    write_tokenizers(folder / "tokenizer_pkl")


if __name__ == "__main__":
    main()
