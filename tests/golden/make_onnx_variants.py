# SPDX-License-Identifier: Apache-2.0
"""The classifier spelt in ways that PyTorch's exporters do not use, but that mean
the same; and weights of other types. Part of make_onnx.py."""
import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

DIMS = ("batch_size", "sequence_length")


def gates(weight):
    """Rows i, f, g, o of PyTorch as i, o, f, c."""
    i, f, g, o = numpy.split(weight.detach().numpy(), 4)
    return numpy.concatenate([i, o, f, g])


def lstm_weights(model, layer, directions):
    tails = ["_l%d" % layer, "_l%d_reverse" % layer][:directions]
    get = lambda kind, tail: gates(getattr(model.lstm, kind + tail))
    return (numpy.stack([get("weight_ih", tail) for tail in tails]),
            numpy.stack([get("weight_hh", tail) for tail in tails]),
            numpy.stack([numpy.concatenate([get("bias_ih", tail), get("bias_hh", tail)])
                         for tail in tails]))


def weights(model):
    """Initializers of a one-layer network."""
    directions = 2 if model.lstm.bidirectional else 1
    made = dict(zip("WRB", lstm_weights(model, 0, directions)))
    made.update(E=model.embedding.weight.detach().numpy(), F=model.fc.weight.detach().numpy(),
                G=model.fc.bias.detach().numpy(), one=numpy.array([1], numpy.int64),
                zero=numpy.array([0], numpy.int64))
    return made


def save(out, name, nodes, values, opset, ids=TensorProto.INT64, tensors=None, inputs=(), ir=8,
         result=TensorProto.FLOAT, **how):
    """Writes a graph whose initializers are `values`, and checks it."""
    tensors = tensors or [numpy_helper.from_array(value, key) for key, value in values.items()]
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("ids", ids, DIMS), *inputs],
        [helper.make_tensor_value_info("logits", result, ("batch_size", 2))], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir,
                              producer_name="make_onnx_variants")
    onnx.checker.check_model(model)
    onnx.save_model(model, str(out.folder / (name + ".onnx")), **how)


def node(operator, inputs, outputs, **attributes):
    return helper.make_node(operator, inputs.split(",") if inputs else [], outputs.split(","),
                            **attributes)


HEAD = [node("Gather", "E,ids", "x"), node("Transpose", "x", "xt", perm=[1, 0, 2]),
        node("LSTM", "xt,W,R,B", "y", hidden_size=4), node("Squeeze", "y,one", "h")]


def make_spellings(out, network):
    model = network("1")
    values = weights(model)
    turned = dict(values, F=numpy.ascontiguousarray(values["F"].T))

    def add(name, nodes, values, opset, **how):
        save(out, "own-" + name, nodes, values, opset, **how)
        out.answer("own-" + name, model)

    mean = node("ReduceMean", "h", "m", axes=[0], keepdims=0)
    add("matmul", HEAD + [mean, node("MatMul", "m,F", "p"), node("Add", "p,G", "logits")],
        turned, 17)
    add("matmul-added", HEAD + [mean, node("MatMul", "m,F", "p"), node("Add", "G,p", "logits")],
        dict(turned, G=values["G"].reshape(1, 2)), 13)
    add("gemm-turned", HEAD + [mean, node("Gemm", "m,F,G", "logits")], turned, 17)
    add("transposed", HEAD + [mean, node("Transpose", "F", "Ft"),
                              node("Gemm", "m,Ft,G", "logits")], values, 17)
    keep = [node("Transpose", "h", "ht", perm=[1, 0, 2]),
            node("ReduceMean", "ht,axis", "mk", keepdims=1), node("Squeeze", "mk,one", "m")]
    gemm = node("Gemm", "m,F,G", "logits", transB=1)
    add("keepdims", HEAD + keep + [gemm],
        dict(values, axis=numpy.array([-2], numpy.int64)), 18)
    add("batch-first", [node("Gather", "E,ids", "x"),
                        node("LSTM", "x,W,R,B", "y", hidden_size=4, layout=1),
                        node("Squeeze", "y,two", "h"),
                        node("ReduceMean", "h", "m", axes=[1], keepdims=0), gemm],
        dict(values, two=numpy.array([2], numpy.int64)), 14)
    wrapped = [node("Cast", "ids", "ids64", to=TensorProto.INT64), node("Gather", "E,ids64", "x0"),
               node("Identity", "x0", "x"), *HEAD[1:], mean,
               node("Dropout", "m,ratio,training", "dropped,mask"),
               node("Cast", "dropped", "cast", to=TensorProto.FLOAT),
               node("Gemm", "cast,F,G", "raw", transB=1), node("Identity", "raw", "logits")]
    add("wrapped", wrapped, dict(values, ratio=numpy.array(0.1, numpy.float32),
                                 training=numpy.array(False)), 17, ids=TensorProto.INT32)
    activations = [*HEAD[:2], node("LSTM", "xt,W,R,B,,h0,h0", "y,yh,yc", hidden_size=4,
                                   activations=["Sigmoid", "Tanh", "Tanh"]), HEAD[3], mean, gemm]
    add("activations", [node("Shape", "ids", "s"),
                        node("Slice", "s,zero,one", "b"),
                        node("Constant", "", "d", value_ints=[1]),
                        node("Constant", "", "f", value_int=4),
                        node("Constant", "", "z", value_float=0.0),
                        node("Unsqueeze", "f,zero", "fv"),
                        node("Concat", "d,b,fv", "shape", axis=0),
                        node("Expand", "z,shape", "h0"), *activations], values, 17)
    add("inputs", HEAD + [mean, gemm], values, 13, ir=3, inputs=[
        helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype),
                                      value.shape) for key, value in values.items()])
    typed = []
    for key, value in values.items():
        typed.append(helper.make_tensor(key, helper.np_dtype_to_tensor_dtype(value.dtype),
                                        value.shape, value.flatten().tolist()))
    add("typed", HEAD + [mean, gemm], values, 17, tensors=typed)
    add("external", HEAD + [mean, gemm], values, 17, save_as_external_data=True,
        all_tensors_to_one_file=True, location="own-external.weights", size_threshold=0)
    with torch.no_grad():
        model.fc.bias.zero_()
    add("no-fc-bias", HEAD + [mean, node("Gemm", "m,F", "logits", transB=1)], values, 17)


def make_types(out, network):
    """Weights of fewer bits, with a cast or without."""
    for name, dtype, kind in (("float16", torch.float16, TensorProto.FLOAT16),
                              ("bfloat16", torch.bfloat16, TensorProto.BFLOAT16),
                              ("float64", torch.float64, TensorProto.DOUBLE)):
        model = network("1")
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(weight.to(dtype).float())
        values = weights(model)
        tail = [node("ReduceMean", "h,zero", "m", keepdims=0),
                node("Gemm", "m,F,G", "logits", transB=1)]
        for cast in (False, True):
            tensors, casts = [], []
            for key, value in values.items():
                if value.dtype == numpy.int64:
                    tensors.append(numpy_helper.from_array(value, key))
                    continue
                stored = key + "s" if cast else key
                tensors.append(helper.make_tensor(stored, kind, value.shape,
                                                  value.flatten().tolist()))
                if cast:
                    casts.append(node("Cast", stored, key, to=TensorProto.FLOAT))
            if cast and kind == TensorProto.DOUBLE:
                continue
            full = "own-%s%s" % (name, "-cast" if cast else "")
            save(out, full, casts + HEAD + tail, values, 22 if not cast else 18, ir=10,
                 tensors=tensors, result=TensorProto.FLOAT if cast else kind)
            out.answer(full, model)


def strip(path):
    """Removes stack traces, which tell nothing but where this script ran."""
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.node:
        del entry.metadata_props[:]
    onnx.save(model, path)


def make(out, network):
    make_spellings(out, network)
    make_types(out, network)
