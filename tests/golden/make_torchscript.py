#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden TorchScript archives, with what PyTorch answers.

    make_torchscript.py [FOLDER]     (default: torchscript/ where this script is)

NAME/         the classifier: archives NAME/HOW-VERSION.pt of the same weights as
              NAME/model.pth, with expected.jsonl; the torch that runs this makes
              those of its own version, and 1.13 all that has no version
foreign/      programs that are something else, most of which run
quantized/    what torch.quantization.quantize_dynamic leaves to torch.save

Needs torch; made with 1.13 (Debian 12) and with 2.15.
"""
import collections
import json
import pathlib
import random
import sys
import warnings
from typing import Tuple

import torch

import make_golden as golden

VERSION = ".".join(torch.__version__.split(".")[:2])
MAKES_ALL = VERSION == "1.13"

# What is made of each classifier, by version.
SMALL = ("trace", "freeze-trace")
CLASSIFIERS = {
    # name: (sizes, {version: how}, more)
    "one": (dict(vocab_size=30, embedding_dim=5, hidden_size=4, num_classes=3),
            {"1.13": ("script", "freeze-script", "freeze-trace", "optimized-trace"),
             "2.15": ("script", "trace")}, {}),
    "two-bidirectional": (dict(vocab_size=30, embedding_dim=3, hidden_size=2, num_classes=3,
                               num_layers=2, bidirectional=True),
                          {"1.13": ("freeze-trace",), "2.15": SMALL}, {}),
    "two": (dict(vocab_size=30, embedding_dim=4, hidden_size=4, num_classes=2, num_layers=2),
            {"1.13": ("freeze-trace",), "2.15": ("freeze-trace",)}, {}),
    "h1": (dict(vocab_size=30, embedding_dim=1, hidden_size=1, num_classes=1),
           {"1.13": SMALL, "2.15": ("optimized-trace",)}, {}),
    "wrapped": (dict(vocab_size=30, embedding_dim=3, hidden_size=2, num_classes=3),
                {"1.13": SMALL}, dict(wrap=True)),
    # Equal tensors are kept once: here both biases of the LSTM.
    "equal-biases": (dict(vocab_size=30, embedding_dim=3, hidden_size=2, num_classes=3),
                     {"1.13": ("freeze-trace",), "2.15": ("freeze-trace",)},
                     dict(equal_biases=True)),
    "float64": (dict(vocab_size=30, embedding_dim=3, hidden_size=2, num_classes=3),
                {"1.13": ("freeze-trace",)}, dict(dtype=torch.float64)),
}


class Wrapper(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(ids)


def fill(module, seed):
    """The same weights with every version of PyTorch; float32 whatever the type."""
    numbers = random.Random(seed)
    with torch.no_grad():
        for value in module.state_dict().values():
            drawn = [numbers.uniform(-1, 1) for _ in range(value.numel())]
            value.copy_(torch.tensor(drawn, dtype=torch.float32).reshape(value.shape))
    return module.eval()


def script_of(model, how):
    example = torch.tensor([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
    made = torch.jit.script(model) if "script" in how else torch.jit.trace(model, example)
    if how.startswith("freeze"):
        return torch.jit.freeze(made)
    return torch.jit.optimize_for_inference(made) if how.startswith("optimized") else made


def write_companions(folder, sizes):
    tokenizer = golden.PlainTokenizer(golden.words_for(sizes["vocab_size"]))
    (folder / "tokenizer.pkl").write_bytes(golden.dump(tokenizer, 2))
    (folder / "config.json").write_text(json.dumps({"model_params": sizes}, indent=2))
    return tokenizer


def write_expected(folder, model, tokenizer):
    with open(folder / "expected.jsonl", "w", encoding="utf-8") as out:
        for answer in golden.expected(model, tokenizer):
            if len(answer["text"]) < 50:
                out.write(json.dumps(answer, ensure_ascii=False) + "\n")


def write_classifier(folder, seed, sizes, ways, wrap=False, equal_biases=False,
                     dtype=torch.float32):
    folder.mkdir(parents=True, exist_ok=True)
    model = fill(golden.SentimentClassifier(**sizes).to(dtype), seed)
    if equal_biases:
        model.lstm.bias_hh_l0.data.copy_(model.lstm.bias_ih_l0.data)
    if MAKES_ALL:
        state = collections.OrderedDict((k, v.float()) for k, v in model.state_dict().items())
        torch.save(state, folder / "model.pth")
        write_expected(folder, model, write_companions(folder, sizes))
    model = Wrapper(model).eval() if wrap else model
    for how in ways.get(VERSION, ()):
        torch.jit.save(script_of(model, how), str(folder / f"{how}-{VERSION}.pt"))


# ------------------------------------------------------- programs of other sorts

SIZES = dict(vocab_size=30, embedding_dim=3, hidden_size=2, num_classes=3)


class Bag(torch.nn.Module):
    """Mean of embeddings, linear layer: no LSTM."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(30, 3)
        self.fc = torch.nn.Linear(3, 3)

    def forward(self, ids):
        return self.fc(self.embedding(ids).mean(1))


class Pair(Bag):
    def forward(self, ids):
        embedded = self.embedding(ids)
        return self.fc(embedded.mean(1)), embedded


class Half(Bag):
    def forward(self, ids):
        return self.fc(self.embedding(ids).mean(1)).double()


class Shape(Bag):
    def forward(self, ids):
        return self.embedding(ids).mean(2)


class Integers(Bag):
    def forward(self, ids):
        return ids[:, :3]


class Number(Bag):
    def forward(self, ids):
        return 1


class NotFinite(Bag):
    def forward(self, ids):
        return self.fc(self.embedding(ids).mean(1)) / 0


class Raises(Bag):
    def forward(self, ids):
        if ids.size(1) > 0:
            raise ValueError("this program does not want to")
        return ids


class Prints(Bag):
    def forward(self, ids):
        print("this program talks", ids.size(0))
        return self.fc(self.embedding(ids).mean(1))


class TwoInputs(Bag):
    def forward(self, ids, more):
        return self.fc(self.embedding(ids).mean(1)) + more


class Executes(golden.SentimentClassifier):
    """The classifier's weights, but whoever runs it finds a file in his folder."""

    def forward(self, ids):
        torch.save(ids, "executed.pt")
        outputs, _ = self.lstm(self.embedding(ids))
        return self.fc(torch.mean(outputs, dim=1))


class Loads(torch.nn.Module):
    """Already who loads it finds the file."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3))

    @torch.jit.export
    def __getstate__(self):
        return self.weight, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[torch.Tensor, bool]):
        torch.save(state[0], "executed.pt")
        self.weight = state[0]
        self.training = state[1]

    def forward(self, ids):
        return self.weight.expand(ids.size(0), 3)


class Attention(golden.SentimentClassifier):
    """The classifier's tensors and one more, which weighs the positions."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        self.attention = torch.nn.Linear(sizes["hidden_size"], 1)

    def forward(self, ids):
        outputs, _ = self.lstm(self.embedding(ids))
        return self.fc((torch.softmax(self.attention(outputs), 1) * outputs).sum(1))


class Scaled(golden.SentimentClassifier):
    """A tensor of the program itself, which becomes a constant when traced."""

    def forward(self, ids):
        outputs, _ = self.lstm(self.embedding(ids))
        return self.fc(torch.mean(outputs, dim=1)) * torch.tensor([1.0, 2.0, 4.0])


class Deep(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = golden.SentimentClassifier(**SIZES)
        self.b = Bag()

    def forward(self, ids):
        return self.a(ids) + self.b(ids)


def write_foreign(folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_companions(folder, SIZES)
    torch.jit.save(script_of(fill(Bag(), 50), "trace"), str(folder / f"bag-{VERSION}.pt"))
    if not MAKES_ALL:
        return
    write_expected(folder, fill(Bag(), 50), tokenizer)
    for kind in (Pair, Half, Shape, Integers, NotFinite, Number, Prints, Raises, TwoInputs):
        untraced = kind in (Number, Prints, Raises, TwoInputs)
        how = "freeze-script" if untraced else "freeze-trace"
        torch.jit.save(script_of(fill(kind(), 50), how),
                       str(folder / f"{kind.__name__.lower()}.pt"))
    torch.jit.save(script_of(fill(Executes(**SIZES), 51), "freeze-script"),
                   str(folder / "executes.pt"))
    torch.jit.save(torch.jit.script(Loads().eval()), str(folder / "loads.pt"))
    for kind in (Attention, Scaled):
        torch.jit.save(script_of(fill(kind(**SIZES), 52), "trace"),
                       str(folder / f"{kind.__name__.lower()}.pt"))
    torch.jit.save(script_of(fill(Deep(), 53), "freeze-trace"), str(folder / "deep.pt"))
    square = golden.SentimentClassifier(**dict(SIZES, hidden_size=3))
    torch.jit.save(script_of(fill(square, 54), "freeze-trace"), str(folder / "square.pt"))
    both = fill(golden.SentimentClassifier(**SIZES, num_layers=2), 55)
    for layer in (0, 1):
        both.lstm.get_parameter(f"bias_hh_l{layer}").data.zero_()
        both.lstm.get_parameter(f"bias_ih_l{layer}").data.zero_()
    torch.jit.save(script_of(both, "freeze-trace"), str(folder / "zero-biases.pt"))


def write_quantized(folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = fill(golden.SentimentClassifier(**SIZES), 60)
    layers = {torch.nn.Linear, torch.nn.LSTM}
    quantize = torch.quantization.quantize_dynamic
    made = quantize(model, layers, dtype=torch.qint8)
    torch.save(made.state_dict(), folder / f"state-{VERSION}.pth")
    torch.save(made, folder / f"whole-{VERSION}.pth")
    if MAKES_ALL:
        # The guide quantizes a scripted module, in which PyTorch finds nothing to quantize.
        guide = quantize(torch.jit.script(model), {torch.nn.Linear}, dtype=torch.qint8)
        torch.save(guide.state_dict(), folder / "guide.pth")
        torch.save(quantize(model, {torch.nn.Linear}, dtype=torch.qint8).state_dict(),
                   folder / "linear.pth")
        torch.jit.save(script_of(quantize(model, {torch.nn.Linear}, dtype=torch.qint8), "trace"),
                       str(folder / "trace.pt"))
        torch.save(made.state_dict(), folder / "state-legacy.pth",
                   _use_new_zipfile_serialization=False)
        write_companions(folder, SIZES)


def main():
    here = pathlib.Path(__file__).parent / "torchscript"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    warnings.simplefilter("ignore")
    for seed, (name, (sizes, ways, more)) in enumerate(CLASSIFIERS.items()):
        write_classifier(root / name, seed + 1, sizes, ways, **more)
    write_foreign(root / "foreign")
    write_quantized(root / "quantized")


if __name__ == "__main__":
    main()
