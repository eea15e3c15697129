#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small ONNX files that must be refused, and what the refusal must say.

    make_onnx_invalid.py [FOLDER]      (default: invalid/onnx where this script is)

Each starts from a network of one layer that is fine (fine.onnx) and has one thing
wrong. reasons.txt has a line for each: name, status, a part of the message. Only
the standard library is needed; the same files come out each time.
"""
import pathlib
import pickle
import struct
import sys

import onnx_wrong_nodes
from onnx_craft import (BAD, CASES, FLOAT, HUGE, INT64, UNSUPPORTED, Model, attribute, case, data,
                        encode_node, floats, longs, node, number, tensor, tweak, value_info, varint,
                        weights)

# ----------------------------------------------------------------- protobuf

def make_protobuf():
    fine = Model().encode()
    graph = Model().graph()
    head = number(1, 8) + data(2, "make_onnx_invalid")
    tail = data(8, data(1, "") + number(2, 17))
    for cut in (3, 10, 30, len(fine) // 2, len(fine) - 1):
        case("cut-at-%d" % cut, BAD, "", fine[:cut])
    case("field-zero", BAD, "no field begins here", head + b"\x00\x00" + tail)
    case("field-number-too-large", BAD, "no field begins here",
         head + varint(1 << 34) + b"\x00" + tail)
    case("group", BAD, "wire type 3", head + b"\x9b\x06\x9c\x06" + tail)
    case("wire-type-7", BAD, "wire type 7", head + b"\x9f\x06" + tail)
    case("endless-varint", BAD, "no field begins here", head + b"\xff" * 30)
    case("value-of-eleven-bytes", BAD, "holds no number", head + b"\x28" + b"\xff" * 10 + b"\x01")
    case("length-past-the-end", BAD, "longer than the message", head + b"\x3a\xff\xff\xff\xff\x07")
    case("length-of-64-bits", BAD, "longer than the message",
         head + b"\x3a" + b"\xff" * 9 + b"\x01")
    case("graph-as-number", BAD, "wire type 0, expected 2", head + number(7, 5) + tail)
    case("graph-twice", BAD, "stands twice", head + data(7, graph) + data(7, graph) + tail)
    case("no-graph", BAD, "no graph", head + tail)
    nested = b""
    for _ in range(20000):
        nested = data(6, nested) if len(nested) < 6000 else nested
    model = Model()
    model.find("m")["attributes"]["body"] = nested + number(20, 5)
    case("deep-subgraph", UNSUPPORTED, "attribute 'body'", model.encode())


# -------------------------------------------------------------------- model

def make_model():
    @case("no-opset", BAD, "no version of the standard operators")
    def _(model):
        model.opset = None

    for version in (0, 10, 26, 1 << 63):
        @case("opset-%d" % version, UNSUPPORTED, "operator set %d" % version)
        def _(model, version=version):
            model.opset = version

    @case("opset-twice", BAD, "two versions")
    def _(model):
        model.extra = data(8, number(2, 13))

    @case("function-of-a-standard-operator", UNSUPPORTED, "defines a standard operator anew")
    def _(model):
        model.extra = data(25, data(1, "LSTM") + data(10, "ai.onnx"))

    @case("metadata-twice", BAD, "has the key 'a' twice")
    def _(model):
        model.metadata = [("a", "1"), ("b", "2"), ("a", "1")]

    @case("metadata-not-utf8", BAD, "is not UTF-8")
    def _(model):
        model.metadata = [("a", b"\xff")]

    @case("metadata-nul", BAD, "holds NUL")
    def _(model):
        model.metadata = [("a\0b", "1")]

    own = [("format", "libsentiment"), ("format_version", "1")]
    for name, status, says, pairs in (
            ("own-without-version", UNSUPPORTED, "format_version is 'missing'", own[:1]),
            ("own-version-2", UNSUPPORTED, "format_version is '2'",
             [own[0], ("format_version", "2")]),
            ("own-words-without-line-end", BAD, "line 2 does not end",
             own + [("vocabulary", "a\nb")]),
            ("own-words-bad-escape", BAD, "line 2 has a backslash", own + [("vocabulary",
                                                                             "a\n\\x\n")]),
            ("own-words-cut-escape", BAD, "line 1 has a backslash", own + [("vocabulary",
                                                                             "\\u12\n")]),
            ("own-ids-too-few", BAD, "number 1 of 2", own + [("vocabulary", "a\nb\n"),
                                                              ("vocabulary_ids", "1")]),
            ("own-ids-too-many", BAD, "number 1 of 1", own + [("vocabulary", "a\n"),
                                                               ("vocabulary_ids", "1 2")]),
            ("own-ids-negative", BAD, "number 1 of 1", own + [("vocabulary", "a\n"),
                                                               ("vocabulary_ids", "-1")]),
            ("own-two-tokenizers", BAD, "both vocabulary and tokenizer_json",
             own + [("vocabulary", "a\n"), ("tokenizer_json", "{}")]),
            ("own-crc-wrong", BAD, "CRC-32", own + [("data_crc32", "00000000")])):
        @case(name, status, says)
        def _(model, pairs=pairs):
            model.metadata = pairs


# -------------------------------------------------------------------- graph

def make_graph():
    @case("no-input", UNSUPPORTED, "no input")
    def _(model):
        model.inputs = []
        model.find("x")["inputs"] = ["E", "one"]

    @case("two-inputs", UNSUPPORTED, "more than one input")
    def _(model):
        model.inputs.append(value_info("mask", INT64, ("batch", "sequence")))

    @case("two-outputs", UNSUPPORTED, "2 outputs")
    def _(model):
        model.outputs.append(value_info("m", FLOAT, ("batch", 2)))

    @case("no-output", UNSUPPORTED, "0 outputs")
    def _(model):
        model.outputs = []

    @case("output-of-nothing", BAD, "nothing gives the graph's output 'logits'")
    def _(model):
        model.outputs = [value_info("logits", FLOAT, ("batch", 2))]

    @case("output-is-pooled", UNSUPPORTED, "output is the mean over the positions")
    def _(model):
        model.outputs = [value_info("m", FLOAT, ("batch", 2))]

    @case("output-is-input", UNSUPPORTED, "output is the token ids")
    def _(model):
        model.outputs = [value_info("input", INT64, ("batch", 2))]

    @case("float-input", UNSUPPORTED, "type 1 and 2 axes")
    def _(model):
        model.inputs = [value_info("input", FLOAT, ("batch", "sequence"))]

    @case("input-of-three-axes", UNSUPPORTED, "3 axes")
    def _(model):
        model.inputs = [value_info("input", INT64, ("batch", "sequence", 4))]

    for size in (0, -1, HUGE):
        @case("input-dimension-%d" % size, BAD, "a dimension of the graph's input")
        def _(model, size=size):
            model.inputs = [value_info("input", INT64, ("batch", size))]

    @case("sparse-initializer", UNSUPPORTED, "sparse")
    def _(model):
        model.graph_extra = data(15, b"")

    @case("value-twice", BAD, "'h' is given twice")
    def _(model):
        model.nodes.insert(0, node("Identity", "E", "h"))

    @case("initializer-twice", BAD, "'E' is given twice")
    def _(model):
        model.tensors["again"] = model.tensors["E"]

    @case("initializer-without-name", BAD, "has no name")
    def _(model):
        model.tensors["E2"] = tensor("", (1,), floats(1))

    @case("cycle", BAD, "takes 'h', which nothing before it gives")
    def _(model):
        model.find("xt")["inputs"] = ["h"]

    @case("out-of-order", BAD, "takes 'h', which nothing before it gives")
    def _(model):
        model.nodes[3], model.nodes[4] = model.nodes[4], model.nodes[3]

    @case("itself", BAD, "takes 'm', which nothing before it gives")
    def _(model):
        model.find("m")["inputs"] = ["m"]

    @case("unknown-value", BAD, "takes 'nowhere'")
    def _(model):
        model.find("m")["inputs"] = ["nowhere"]

    @case("attribute-twice", BAD, "'keepdims' stands twice")
    def _(model):
        place = model.at("m")
        model.nodes[place] = encode_node(model.nodes[place]) + data(5, attribute("keepdims", 1))

    tweak("foreign-domain", UNSUPPORTED, "node 'm' ('ReduceMean') does not fit: its operator is of "
          "the domain 'com.example'", "m", domain="com.example")
    tweak("unknown-operator", UNSUPPORTED, "node 'h' ('Softmax') does not fit: the classifier has "
          "no such operator", "h", operator="Softmax")
    tweak("nameless-node", UNSUPPORTED, "node number 3 ('Softmax')", "h", operator="Softmax",
          name="")
    tweak("unknown-attribute", UNSUPPORTED, "attribute 'ball' is not known", "m", ball=3)
    tweak("attribute-reference", UNSUPPORTED, "refers to a function's", "m",
          keepdims=data(21, "k") + number(20, 2))
    tweak("attribute-of-two-types", BAD, "values of more than one type", "xt",
          perm=b"\x3d" + struct.pack("<f", 0) + number(8, 1) + number(8, 0) + number(8, 2) +
          number(20, 7))
    tweak("attribute-type", BAD, "'keepdims' has the type 1, expected 2", "m", keepdims=0.0)
    tweak("attribute-without-type", BAD, "'keepdims' has the type 0", "m", keepdims=number(3, 0))


# ------------------------------------------------------------------ tensors

def make_tensors():
    says = "initializer 'E'"
    weights("dims-negative", BAD, "dimension 0 is negative", "E", tensor("E", (-3, 2), floats(6)))
    weights("dims-overflow", BAD, "overflows", "E", tensor("E", (HUGE, HUGE), floats(6)))
    weights("dims-huge", BAD, "overflows", "E", tensor("E", (HUGE, 2), floats(6)))
    weights("dims-too-many", UNSUPPORTED, "more than 8", "E", tensor("E", (1,) * 9, floats(1)))
    weights("raw-too-short", BAD, says + ": it holds 20 bytes; the dimensions ask for 24", "E",
            tensor("E", (3, 2), floats(5)))
    weights("raw-too-long", BAD, "it holds 28 bytes", "E", tensor("E", (3, 2), floats(7)))
    weights("no-data", BAD, "it holds 0 bytes", "E", tensor("E", (3, 2), None))
    weights("data-type-string", UNSUPPORTED, "unsupported data type 8", "E",
            tensor("E", (3, 2), floats(6), 8))
    weights("data-type-missing", UNSUPPORTED, "unsupported data type 0", "E",
            tensor("E", (3, 2), floats(6), 0))
    weights("list-and-raw", BAD, "given twice", "E",
            tensor("E", (3, 2), floats(6), extra=data(4, floats(6))))
    weights("list-too-short", BAD, "it holds 5 numbers", "E",
            tensor("E", (3, 2), None, extra=data(4, floats(5))))
    weights("list-cut", BAD, "ends inside a number", "E",
            tensor("E", (3, 2), None, extra=data(4, floats(6)[:-1])))
    weights("list-of-another-type", BAD, "list of another type", "E",
            tensor("E", (3, 2), None, extra=data(5, b"\x01" * 6)))
    weights("segmented", UNSUPPORTED, "segments", "E",
            tensor("E", (3, 2), floats(6), extra=data(3, b"")))
    weights("not-a-number", BAD, "not a finite", "E",
            tensor("E", (3, 2), floats(5) + struct.pack("<f", float("nan"))))
    weights("infinite", BAD, "not a finite", "F",
            tensor("F", (2, 2), struct.pack("<f", float("inf")) + floats(3)))

    def external(**entries):
        return number(14, 1) + b"".join(data(13, data(1, key) + data(2, text))
                                        for key, text in entries.items())

    for name, status, says, entries in (
            ("missing", "NOT_FOUND", "no-such-file", {"location": "no-such-file"}),
            ("absolute", BAD, "no file below", {"location": "/etc/passwd"}),
            ("parent", BAD, "no file below", {"location": "../../pth/dict.pth"}),
            ("inner-parent", BAD, "no file below", {"location": "a/../../onnx/external.bin"}),
            ("empty-location", BAD, "no file below", {"location": ""}),
            ("no-location", BAD, "without a location", {"offset": "0"}),
            ("folder", BAD, "no file below", {"location": "."}),
            ("nul", BAD, "is no path", {"location": "external.bin\0x"}),
            ("long-location", BAD, "is no path", {"location": "x" * 2000}),
            ("offset-past-the-end", BAD, "from byte 64 of the 32",
             {"location": "external.bin", "offset": "64"}),
            ("length-past-the-end", BAD, "24 bytes from byte 16 of the 32",
             {"location": "external.bin", "offset": "16", "length": "24"}),
            ("length-wrong", BAD, "8 bytes from byte 0",
             {"location": "external.bin", "length": "8"}),
            ("length-unsaid", BAD, "32 bytes from byte 0", {"location": "external.bin"}),
            ("offset-negative", BAD, "is no number",
             {"location": "external.bin", "offset": "-8"}),
            ("offset-huge", BAD, "is no number",
             {"location": "external.bin", "offset": "9" * 30})):
        weights("external-" + name, status, says, "E",
                tensor("E", (3, 2), None, extra=external(**entries)))
    twice = number(14, 1) + data(13, data(1, "location") + data(2, "external.bin")) * 2
    weights("external-key-twice", BAD, "stands twice", "E",
            tensor("E", (3, 2), None, extra=twice))
    both = external(location="external.bin", length="24")
    weights("external-and-raw", BAD, "given twice", "E",
            tensor("E", (3, 2), floats(6), extra=both))
    weights("external-location-2", BAD, "unknown data_location", "E",
            tensor("E", (3, 2), floats(6), extra=number(14, 2)))


# ------------------------------------------------------ constants on the way

def make_constants():
    @case("concat-bomb", UNSUPPORTED, "more of the weights than the file holds")
    def _(model):
        nodes = [node("Concat", "E,E", "c0", axis=0)]
        nodes += [node("Concat", "c%d,c%d" % (i, i), "c%d" % (i + 1), axis=0) for i in range(60)]
        model.nodes[0:0] = nodes
        model.find("x")["inputs"] = ["c60", "input"]

    @case("concat-of-different-shapes", BAD, "cannot be joined")
    def _(model):
        model.nodes.insert(0, node("Concat", "E,W", "EW", axis=0))
        model.find("x")["inputs"] = ["EW", "input"]

    @case("concat-past-the-end", BAD, "cannot be joined")
    def _(model):
        model.nodes.insert(0, node("Concat", "E,E", "EE", axis=2))
        model.find("x")["inputs"] = ["EE", "input"]

    @case("concat-of-nothing-huge", UNSUPPORTED, "node 'c' ('Concat') does not fit: the result is")
    def _(model):
        model.tensors["N"] = tensor("N", (0, HUGE), b"")
        model.nodes.insert(0, node("Concat", "N,N", "c", axis=1))
        model.find("x")["inputs"] = ["c", "input"]

    for name, make in (("zeros", node("ConstantOfShape", "least", "z")),
                       ("expanded-zeros", node("Expand", "nought,least", "z"))):
        model = Model()
        model.tensors["least"] = tensor("least", (1,), longs(-1 << 63), INT64)
        model.tensors["minus"] = tensor("minus", (1,), longs(-1), INT64)
        model.tensors["nought"] = tensor("nought", (1,), floats(1, 0))
        model.nodes.insert(model.at("y"), make)
        model.nodes.insert(model.at("y"), node("Slice", "z,minus,minus", "state"))
        model.find("y")["inputs"] = ["xt", "W", "R", "B", "", "state"]
        case(name + "-of-negative-size", BAD, "its shape has the size -9223372036854775808",
             model.encode())

    @case("reshape-of-sizes", UNSUPPORTED, "node 'r' ('Reshape') does not fit: it reshapes a list")
    def _(model):
        model.tensors["two"] = tensor("two", (1,), longs(2), INT64)
        model.tensors["three"] = tensor("three", (1,), longs(3), INT64)
        model.nodes[:0] = [node("Shape", "input", "s"), node("Reshape", "s,three", "r"),
                           node("Concat", "r,two", "t", axis=0)]
        model.nodes.insert(model.at("xt"), node("Reshape", "x,t", "x2"))
        model.find("xt")["inputs"] = ["x2"]

    @case("constant-without-value", BAD, "it has 0 values")
    def _(model):
        model.nodes.insert(0, node("Constant", "", "c"))
        model.find("x")["inputs"] = ["c", "input"]

    @case("constant-strings", UNSUPPORTED, "'value_string' is not known")
    def _(model):
        model.nodes.insert(0, node("Constant", "", "c", value_string="x"))
        model.find("x")["inputs"] = ["c", "input"]

    @case("slice-backwards", UNSUPPORTED, "steps of -1")
    def _(model):
        model.tensors["minus"] = tensor("minus", (1,), longs(-1), INT64)
        model.nodes.insert(0, node("Slice", "E,minus,minus,minus,minus", "s"))
        model.find("x")["inputs"] = ["s", "input"]

    @case("slice-without-axis", BAD, "it has no axis 7")
    def _(model):
        model.tensors["seven"] = tensor("seven", (1,), longs(7), INT64)
        model.nodes.insert(0, node("Slice", "E,one,one,seven", "s"))
        model.find("x")["inputs"] = ["s", "input"]

    @case("gather-past-the-sizes", BAD, "there is no element 7")
    def _(model):
        model.tensors["seven"] = tensor("seven", (1,), longs(7), INT64)
        model.nodes.insert(0, node("Gather", "s,seven", "g"))
        model.nodes.insert(0, node("Shape", "input", "s"))
        model.nodes.insert(2, node("ConstantOfShape", "g", "z"))
        model.find("y")["inputs"] = ["xt", "W", "R", "B", "", "z"]


class SimpleTokenizer:
    def __init__(self):
        self.vocab_size = 3
        self.word_to_idx = {"word_0": 0, "word_1": 1, "word_2": 2}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "invalid" / "onnx"
    folder.mkdir(parents=True, exist_ok=True)
    for make in (make_protobuf, make_model, make_graph, onnx_wrong_nodes.make, make_tensors,
                 make_constants):
        make()
    (folder / "fine.onnx").write_bytes(Model().encode())
    tokenizer = pickle.dumps(SimpleTokenizer(), protocol=2)
    (folder / "tokenizer.pkl").write_bytes(tokenizer)
    (folder / "external.bin").write_bytes(floats(8))
    lines = []
    for name, (status, says, content) in sorted(CASES.items()):
        (folder / (name + ".onnx")).write_bytes(content)
        lines.append("%s\t%s\t%s\n" % (name, status, says))
    (folder / "reasons.txt").write_text("".join(lines), encoding="ascii")


main()
