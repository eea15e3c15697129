# SPDX-License-Identifier: Apache-2.0
"""Graphs that compute something else than the classifier, operator by operator.
Part of make_onnx_invalid.py."""
import copy

from onnx_craft import (BAD, FLOAT, FLOAT16, HUGE, INT64, SHAPE, UNSUPPORTED, Model, case, data,
                        floats, insert, longs, node, number, tensor, tweak, value_info, weights)

def make_embedding():
    tweak("ids-not-the-input", UNSUPPORTED, "node 'x' ('Gather')", "x", inputs="E,one")
    tweak("gather-columns", UNSUPPORTED, "node 'x' ('Gather')", "x", axis=1)
    tweak("gather-alone", BAD, "its input 1 is missing", "x", inputs="E")
    weights("embedding-of-one-axis", UNSUPPORTED, "node 'x' ('Gather')", "E",
            tensor("E", (6,), floats(6)))
    weights("embedding-empty", UNSUPPORTED, "node 'x' ('Gather')", "E", tensor("E", (3, 0), b""))
    weights("embedding-of-integers", UNSUPPORTED, "node 'x' ('Gather')", "E",
            tensor("E", (3, 2), longs(1, 2, 3, 4, 5, 6), INT64))
    @case("embedding-on-the-side", UNSUPPORTED, "node 'x2' ('Gather') does not fit: it is a second")
    def _(model):
        model.tensors["E"] = tensor("E", (3, 3), floats(9))
        model.tensors["W"] = tensor("W", (1, 8, 3), floats(24))
        model.nodes[1:1] = [node("Transpose", "E", "Et"), node("Gather", "Et,input", "x2"),
                            node("Shape", "x2", "s")]
        model.find("xt")["inputs"] = ["x3"]
        model.nodes.insert(model.at("xt"), node("Reshape", "x,s", "x3"))

    insert("scaled-embedding", UNSUPPORTED, "it multiplies", "xt", node("Mul", "x,E", "x2"),
           x="x2")


def make_lstm():
    for name, says, changes in (
            ("clip", "attribute 'clip'", {"clip": 1.0}),
            ("activation-alpha", "attribute 'activation_alpha'", {"activation_alpha": [0.5]}),
            ("relu", "activations", {"activations": ["Sigmoid", "Relu", "Tanh"]}),
            ("two-activations", "activations", {"activations": ["Sigmoid", "Tanh"]}),
            ("reverse", "forward", {"direction": "reverse"}),
            ("coupled-gates", "couples", {"input_forget": 1}),
            ("hidden-size-0", "hidden_size is 0", {"hidden_size": 0}),
            ("hidden-size-huge", "hidden_size is %d" % HUGE, {"hidden_size": HUGE}),
            ("hidden-size-missing", "hidden_size is 0", {"hidden_size": None}),
            ("batch-first", "its axes in another order", {"layout": 1}),
            ("sequence-lengths", "lengths of its rows", {"inputs": "xt,W,R,B,one"}),
            ("peepholes", "peepholes", {"inputs": "xt,W,R,B,,,,B"}),
            ("state-not-zero", "initial state is not zero", {"inputs": "xt,W,R,B,,R"}),
            ("state-of-ids", "initial state is the token ids", {"inputs": "xt,W,R,B,,input"}),
            ("no-recurrence", "input 2 is missing", {"inputs": "xt,W"}),
            ("x-constant", "its X is a constant", {"inputs": "W,W,R,B"})):
        status = BAD if "hidden" in name or name == "no-recurrence" else UNSUPPORTED
        tweak("lstm-" + name, status, says, "y", **changes)
    tweak("lstm-hidden-size-wrong", SHAPE, "its W is no floating constant", "y", hidden_size=3)
    tweak("lstm-bidirectional", SHAPE, "its W is no floating constant", "y",
          direction="bidirectional")
    tweak("lstm-r-of-w", SHAPE, "its B is no floating constant", "y", inputs="xt,W,R,R")
    weights("lstm-w-too-wide", SHAPE, "its W is no floating constant", "W",
            tensor("W", (1, 8, 3), floats(24)))
    tweak("lstm-last-state", UNSUPPORTED, "it takes the last state of an LSTM", "y",
          outputs="all,y")

    @case("two-lstms-on-one-input", UNSUPPORTED, "another LSTM takes the same input")
    def _(model):
        model.nodes.insert(model.at("y"), node("LSTM", "xt,W,R,B", "side", hidden_size=2))
        model.nodes.insert(model.at("h") + 1, node("Shape", "side", "s"))
        model.nodes.insert(model.at("m"), node("Concat", "s,one", "sizes", axis=0))
        model.find("m")["inputs"] = ["h", "sizes"]
        model.find("y")["name"] = "second"

    @case("layer-left-out", UNSUPPORTED, "output is the logits")
    def _(model):
        place = model.at("m")
        model.nodes[place:place] = [
            node("LSTM", "h,W,R,B", "y2", hidden_size=2), node("Shape", "y2", "s2"),
            node("Gather", "s2,one", "ones"), node("Reshape", "h,target", "h2")]
        model.nodes.insert(model.at("h2"), node("Concat", "zero,zero,ones", "target", axis=0))
        model.tensors["zero"] = tensor("zero", (1,), longs(0), INT64)
        model.nodes.insert(model.at("target"), node("Mul", "ones,two", "wide"))
        model.find("target")["inputs"] = ["zero", "zero", "wide"]
        model.tensors["two"] = tensor("two", (1,), longs(2), INT64)
        model.find("m")["inputs"] = ["h2"]

    @case("layers-of-different-size", UNSUPPORTED, "layers differ")
    def _(model):
        place = model.at("m")
        model.nodes[place:place] = [node("LSTM", "h,W3,R3", "y2", hidden_size=3),
                                    node("Squeeze", "y2,one", "h2")]
        model.find("m")["inputs"] = ["h2"]
        model.tensors["W3"] = tensor("W3", (1, 12, 2), floats(24))
        model.tensors["R3"] = tensor("R3", (1, 12, 3), floats(36))

    zeros = node("ConstantOfShape", "shape", "state")
    for name, status, says, sizes in (
            ("state-wide", SHAPE, "not of the shape [1, batch, 2]", (1, 4, 3)),
            ("state-flat", SHAPE, "not of the shape", (1, 2)),
            ("state-for-one-row", SHAPE, "not of the shape", (1, 1, 2)),
            ("state-of-two-directions", SHAPE, "not of the shape", (2, 1, 2))):
        model = Model()
        model.tensors["shape"] = tensor("shape", (len(sizes),), longs(*sizes), INT64)
        model.nodes.insert(model.at("y"), copy.deepcopy(zeros))
        model.find("y")["inputs"] = ["xt", "W", "R", "B", "", "state", "state"]
        case("lstm-" + name, status, says, model.encode())

    @case("state-of-ones", UNSUPPORTED, "something else than floating zeros")
    def _(model):
        model.tensors["shape"] = tensor("shape", (3,), longs(1, 1, 2), INT64)
        model.nodes.insert(model.at("y"), node(
            "ConstantOfShape", "shape", "state",
            value=data(5, tensor("", (1,), floats(1, 8))) + number(20, 4)))
        model.find("y")["inputs"] = ["xt", "W", "R", "B", "", "state", "state"]

    insert("state-expanded-ones", UNSUPPORTED, "only zeros may be repeated", "y",
           node("Expand", "G,one", "state"), B="state")


def make_layout():
    tweak("transpose-twice-the-same", BAD, "perm is no order", "xt", perm=[1, 1, 2])
    tweak("transpose-past-the-end", BAD, "perm is no order", "xt", perm=[1, 0, 3])
    tweak("transpose-two-axes", BAD, "its perm has 2 axes", "xt", perm=[1, 0])
    tweak("transpose-wrong", UNSUPPORTED, "node 'y' ('LSTM')", "xt", perm=[0, 1, 2])

    @case("squeeze-time", UNSUPPORTED, "axis 0 of what each position has")
    def _(model):
        model.tensors["one"] = tensor("one", (1,), longs(0), INT64)

    tweak("squeeze-without-axes", UNSUPPORTED, "which axes", "h", inputs="y")
    tweak("squeeze-attribute-at-17", BAD, "where operator set 17 has them", "h", inputs="y",
          axes=[1])
    for name, status, says, sizes in (
            ("mixes", UNSUPPORTED, "mixes axes", (0, -1)),
            ("two-rests", UNSUPPORTED, "does not fit the input's", (-1, -1, 2)),
            ("negative", UNSUPPORTED, "does not fit the input's", (0, -2, 2)),
            ("too-many", UNSUPPORTED, "does not fit the input's", (0, 0, 5)),
            ("zero-past-the-end", UNSUPPORTED, "size 0", (0, 0, 0, 0, 0)),
            ("overflow", UNSUPPORTED, "does not fit the input's", (HUGE, HUGE, 2)),
            ("swaps", UNSUPPORTED, "does not fit", (0, 2, 0))):
        model = Model()
        model.tensors["sizes"] = tensor("sizes", (len(sizes),), longs(*sizes), INT64)
        model.nodes[model.at("h")] = node("Reshape", "y,sizes", "h")
        case("reshape-" + name, status, says, model.encode())
    insert("slice-of-steps", UNSUPPORTED, "it cuts what each position has", "m",
           node("Slice", "h,one,one", "part"), h="part")


def make_head():
    tweak("mean-over-batch", UNSUPPORTED, "over the positions alone", "m", axes=[1])
    tweak("mean-over-features", UNSUPPORTED, "over the positions alone", "m", axes=[-1])
    tweak("mean-over-two", UNSUPPORTED, "over the positions alone", "m", axes=[0, 1])
    tweak("mean-over-all", UNSUPPORTED, "over the positions alone", "m", axes=None)
    tweak("mean-axis-past-the-end", BAD, "3 is no axis", "m", axes=[3])
    tweak("mean-axis-twice", BAD, "stands twice", "m", axes=[0, -3])
    tweak("mean-axes-input-at-17", BAD, "where operator set 17 has them", "m", inputs="h,one",
          axes=None)
    tweak("mean-of-embeddings", UNSUPPORTED, "the mean of embeddings", "m", inputs="xt")
    tweak("mean-of-ids", UNSUPPORTED, "the mean of the token ids", "m", inputs="input")
    tweak("max-pooling", UNSUPPORTED, "node 'm' ('ReduceMax')", "m", operator="ReduceMax")
    tweak("gemm-alpha", UNSUPPORTED, "alpha", "output", alpha=0.5)
    tweak("gemm-beta", UNSUPPORTED, "alpha, beta", "output", beta=2.0)
    tweak("gemm-trans-a", UNSUPPORTED, "transA", "output", transA=1)
    tweak("gemm-of-steps", UNSUPPORTED, "expected [batch, features]", "output", inputs="h,F,G")
    tweak("gemm-of-a-vector", SHAPE, "no floating constant for 2 features", "output",
          inputs="m,G,G")
    tweak("gemm-bias-too-long", SHAPE, "no floating constant of 2 numbers", "output",
          inputs="m,F,B")
    tweak("gemm-computed-weight", SHAPE, "no floating constant for 2 features", "output",
          inputs="m,m,G")
    tweak("kept-dimension", UNSUPPORTED, "expected [batch, features]", "m", keepdims=1)

    @case("softmax", UNSUPPORTED, "node 'probabilities' ('Softmax')")
    def _(model):
        model.nodes.append(node("Softmax", "output", "probabilities"))
        model.outputs = [value_info("probabilities", FLOAT, ("batch", 2))]

    @case("residual", UNSUPPORTED, "it adds")
    def _(model):
        model.nodes.insert(model.at("m"), node("Add", "h,h", "hh"))
        model.find("m")["inputs"] = ["hh"]

    @case("second-bias", UNSUPPORTED, "it adds the logits and a constant")
    def _(model):
        model.nodes.append(node("Add", "output,G", "more"))
        model.outputs = [value_info("more", FLOAT, ("batch", 2))]

    for name, says, first, side in (
            ("gemm-on-the-side", "node 'b' ('Gemm') does not fit: it is a second linear layer",
             node("Gemm", "m,F,G", "a", transB=1), node("Gemm", "m,R2,E2", "b", transB=1)),
            ("bias-on-the-side", "output is the product with fc.weight",
             node("Gemm", "m,F", "a", transB=1), node("Add", "a,G", "b")),
            ("bias-twice", "node 'b' ('Add') does not fit: it adds a second bias",
             node("Gemm", "m,F", "p", transB=1), node("Add", "p,E2", "b"))):
        model = Model()
        model.tensors["R2"] = tensor("R2", (2, 2), floats(4, 5))
        model.tensors["E2"] = tensor("E2", (2,), floats(2, 5))
        more = [node("Add", "p,G", "a")] if name == "bias-twice" else []
        model.nodes[-1:] = [first, *more, side, node("Shape", "b", "s"),
                            node("Reshape", "a,s", "output")]
        case(name, UNSUPPORTED, says, model.encode())

    @case("bias-along-the-batch", UNSUPPORTED, "the classes are not the last axis")
    def _(model):
        model.inputs = [value_info("input", INT64, (2, "sequence"))]
        model.nodes[-1:] = [node("Gemm", "m,F", "p", transB=1), node("Transpose", "p", "t"),
                            node("Add", "t,G", "b"), node("Transpose", "b", "output")]

    @case("bias-with-more-axes", SHAPE, "no floating constant of 2 numbers")
    def _(model):
        model.tensors["G"] = tensor("G", (1, 1, 2), floats(2))
        model.nodes[-1:] = [node("Gemm", "m,F", "p", transB=1), node("Add", "p,G", "output")]

    @case("dropout-in-training", UNSUPPORTED, "training mode")
    def _(model):
        model.tensors["yes"] = tensor("yes", (), b"\x01", 9)
        model.nodes.insert(model.at("output"), node("Dropout", "m,,yes", "dropped"))
        model.find("output")["inputs"] = ["dropped", "F", "G"]

    insert("cast-to-integers", UNSUPPORTED, "to type 7", "output",
           node("Cast", "m", "whole", to=INT64), m="whole")
    insert("narrowed-weights", UNSUPPORTED, "it casts a constant to type 10", "y",
           node("Cast", "W", "half", to=FLOAT16), W="half")


def make():
    make_embedding()
    make_lstm()
    make_layout()
    make_head()
