#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files of the guide's classifier as PyTorch exports it, with what
PyTorch answers.

    make_onnx.py [FOLDER]          (default: onnx/ where this script is)

Run it with PyTorch 1.13, which writes 1.13-*.onnx, and with PyTorch 2.6 or newer
and the packages onnx and onnxscript, which writes old-* (its TorchScript
exporter), new-* (its dynamo exporter) and own-* (the same network spelt in other
ways). tokenizer.pkl stands beside all of them. answers-*.txt has a line for each
file and row of token ids: name, ids, logits. The tests read the committed files
and need no PyTorch.
"""
import pathlib
import pickle
import sys
import warnings

import torch

SIZES = {"vocab_size": 7, "embedding_dim": 3, "hidden_size": 4, "num_classes": 2}
SHAPES = {"1": (1, False), "2": (2, False), "1b": (1, True), "2b": (2, True)}
ROWS = [[1], [2, 3], [6, 5, 4, 3, 2, 1, 0], [0, 0, 3, 0, 0], [4] * 30]
DYNAMIC = {"input": {0: "batch_size", 1: "sequence_length"}, "output": {0: "batch_size"}}


class SentimentClassifier(torch.nn.Module):
    def __init__(self, vocab_size, embedding_dim, hidden_size, num_classes, num_layers=1,
                 bidirectional=False, bias=True):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab_size, embedding_dim)
        self.lstm = torch.nn.LSTM(embedding_dim, hidden_size, num_layers=num_layers,
                                  bidirectional=bidirectional, bias=bias, batch_first=True)
        self.fc = torch.nn.Linear(hidden_size * (2 if bidirectional else 1), num_classes)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, x):
        embedded = self.embedding(x)
        lstm_out, _ = self.lstm(embedded)
        pooled = torch.mean(lstm_out, dim=1)
        pooled = self.dropout(pooled)
        return self.fc(pooled)


def network(shape, **options):
    layers, bidirectional = SHAPES[shape]
    torch.manual_seed(20 + layers + 10 * bidirectional)
    model = SentimentClassifier(**SIZES, num_layers=layers, bidirectional=bidirectional, **options)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight))
    return model.eval()


class SimpleTokenizer:
    def __init__(self, vocab_size):
        self.vocab_size = vocab_size
        self.word_to_idx = {f"word_{i}": i for i in range(vocab_size)}


class Writer:
    def __init__(self, folder):
        self.folder = folder
        self.answers = []

    def answer(self, name, model):
        with torch.no_grad():
            for row in ROWS:
                logits = model(torch.tensor([row]))[0].tolist()
                self.answers.append("\t".join([name, " ".join(map(str, row)),
                                               " ".join("%.9g" % value for value in logits)]))

    def export(self, name, model, opset, fold=True, axes=True, answers=None, batch=2, **how):
        if axes:
            how["dynamic_axes"] = DYNAMIC
        ids = torch.tensor([[1, 2, 3, 4, 5]] * batch)
        torch.onnx.export(model, ids, str(self.folder / (name + ".onnx")), export_params=True,
                          opset_version=opset, do_constant_folding=fold, input_names=["input"],
                          output_names=["output"], **how)
        self.answer(name, answers or model)

    def finish(self, name):
        path = self.folder / ("answers-%s.txt" % name)
        path.write_text("\n".join(self.answers) + "\n", encoding="ascii")


def export_all(out, prefix, opsets, **how):
    """What differs by operator set, and what differs by the switches of the export."""
    for opset in opsets:
        for shape in ("1", "2b"):
            out.export("%s-%d-%s" % (prefix, opset, shape), network(shape), opset, **how)
    opset = opsets[-1]
    for shape in ("2", "1b"):
        out.export("%s-%d-%s" % (prefix, opset, shape), network(shape), opset, **how)
    for shape in ("1", "2b"):
        for batch in (1, 2):
            out.export("%s-fixed%d-%s" % (prefix, batch, shape), network(shape), opset,
                       axes=False, batch=batch, **how)
        out.export("%s-nobias-%s" % (prefix, shape), network(shape, bias=False), opset, **how)


def export_unfolded(out, prefix, opsets, **how):
    for opset in opsets:
        for shape in ("1", "2b"):
            out.export("%s-unfolded-%d-%s" % (prefix, opset, shape), network(shape), opset,
                       fold=False, **how)
    out.export("%s-unfolded-fixed-2b" % prefix, network("2b"), opsets[-1], fold=False, axes=False,
               **how)


def make_old(out):
    export_all(out, "1.13", [11, 14, 17])
    export_unfolded(out, "1.13", [11, 17])
    out.export("1.13-double-1b", network("1b").double(), 17, answers=network("1b"))
    out.finish("1.13")


def make_new(out):
    import make_onnx_variants
    export_all(out, "old", list(range(11, 21)), dynamo=False)
    export_unfolded(out, "old", [13, 20], dynamo=False)
    inside = {"dynamo": True, "external_data": False}
    export_all(out, "new", list(range(18, 21)), **inside)
    out.export("new-external-2b", network("2b"), 18, dynamo=True, external_data=True)
    for path in out.folder.glob("new-*.onnx"):
        make_onnx_variants.strip(str(path))
    make_onnx_variants.make(out, network)
    out.finish("2")


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "onnx"
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    tokenizer = pickle.dumps(SimpleTokenizer(SIZES["vocab_size"]), protocol=2)
    (folder / "tokenizer.pkl").write_bytes(tokenizer)
    out = Writer(folder)
    if torch.__version__.startswith("1."):
        make_old(out)
    else:
        make_new(out)


main()
