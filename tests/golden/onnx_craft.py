# SPDX-License-Identifier: Apache-2.0
"""Crafts ONNX files byte by byte, so that they can be wrong: a small protobuf
encoder, a network of one layer, and ways to change it. Part of make_onnx_invalid.py."""
import struct

FLOAT, INT64, FLOAT16 = 1, 7, 10
BAD, UNSUPPORTED, SHAPE = "BAD_MODEL", "UNSUPPORTED", "SHAPE_MISMATCH"
HUGE = 1 << 62

def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def attribute(name, value):
    if isinstance(value, bytes):
        return data(1, name) + value
    if isinstance(value, float):
        return data(1, name) + b"\x15" + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return data(1, name) + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return data(1, name) + data(4, value) + number(20, 3)
    if value and isinstance(value[0], str):
        return data(1, name) + b"".join(data(9, text) for text in value) + number(20, 8)
    if value and isinstance(value[0], float):
        return (data(1, name) + b"".join(b"\x3d" + struct.pack("<f", v) for v in value) +
                number(20, 6))
    return data(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)


def node(operator, inputs, outputs, name=None, domain="", **attributes):
    return {"operator": operator, "inputs": inputs.split(","), "outputs": outputs.split(","),
            "name": outputs.split(",")[0] if name is None else name, "domain": domain,
            "attributes": attributes}


def encode_node(made):
    out = b"".join(data(1, name) for name in made["inputs"] if made["inputs"] != [""])
    out += b"".join(data(2, name) for name in made["outputs"])
    out += data(3, made["name"]) + data(4, made["operator"])
    out += b"".join(data(5, attribute(*item)) for item in made["attributes"].items())
    return out + (data(7, made["domain"]) if made["domain"] else b"")


def tensor(name, dims, content, kind=FLOAT, extra=b""):
    out = b"".join(number(1, size) for size in dims) + number(2, kind) + data(8, name)
    return out + (b"" if content is None else data(9, content)) + extra


def floats(count, start=1):
    return struct.pack("<%df" % count, *(0.125 * (start + i) for i in range(count)))


def longs(*values):
    return struct.pack("<%dq" % len(values), *values)


def value_info(name, kind, dims):
    shape = b"".join(data(1, data(2, size) if isinstance(size, str) else number(1, size))
                     for size in dims)
    return data(1, name) + data(2, data(1, number(1, kind) + data(2, shape)))


class Model:
    """V 3, E 2, H 2, C 2; every part can be changed before it is encoded."""

    def __init__(self):
        self.opset, self.ir = 17, 8
        self.nodes = [
            node("Gather", "E,input", "x"), node("Transpose", "x", "xt", perm=[1, 0, 2]),
            node("LSTM", "xt,W,R,B", "y", hidden_size=2), node("Squeeze", "y,one", "h"),
            node("ReduceMean", "h", "m", axes=[0], keepdims=0),
            node("Gemm", "m,F,G", "output", transB=1)]
        self.tensors = {
            "E": tensor("E", (3, 2), floats(6)), "W": tensor("W", (1, 8, 2), floats(16)),
            "R": tensor("R", (1, 8, 2), floats(16)), "B": tensor("B", (1, 16), floats(16)),
            "F": tensor("F", (2, 2), floats(4)), "G": tensor("G", (2,), floats(2)),
            "one": tensor("one", (1,), longs(1), INT64)}
        self.inputs = [value_info("input", INT64, ("batch", "sequence"))]
        self.outputs = [value_info("output", FLOAT, ("batch", 2))]
        self.metadata = []
        self.graph_extra = self.extra = b""

    def find(self, output):
        return next(made for made in self.nodes if output in made["outputs"])

    def at(self, output):
        return self.nodes.index(self.find(output))

    def graph(self):
        out = b"".join(data(1, made if isinstance(made, bytes) else encode_node(made))
                       for made in self.nodes)
        out += data(2, "graph") + b"".join(data(5, one) for one in self.tensors.values())
        out += b"".join(data(11, one) for one in self.inputs)
        return out + b"".join(data(12, one) for one in self.outputs) + self.graph_extra

    def encode(self):
        out = number(1, self.ir) + data(2, "make_onnx_invalid") + data(7, self.graph())
        if self.opset is not None:
            out += data(8, data(1, "") + number(2, self.opset))
        out += b"".join(data(14, data(1, key) + data(2, text)) for key, text in self.metadata)
        return out + self.extra


CASES = {}


def case(name, status, says, content=None):
    """A file that must be refused; as a decorator it changes a fine model."""
    if content is not None:
        CASES[name] = (status, says, content)
        return None

    def change(function):
        model = Model()
        changed = function(model)
        CASES[name] = (status, says, changed if isinstance(changed, bytes) else model.encode())
        return function
    return change


def tweak(label, status, says, output, **changes):
    """Another attribute, input or operator of the node that gives `output`."""
    model = Model()
    made = model.find(output)
    for key, value in changes.items():
        if key in ("operator", "domain", "name"):
            made[key] = value
        elif key in ("inputs", "outputs"):
            made[key] = value.split(",")
        elif value is None:
            made["attributes"].pop(key)
        else:
            made["attributes"][key] = value
    case(label, status, says, model.encode())


def weights(name, status, says, key, content, opset=17):
    """Another TensorProto."""
    model = Model()
    model.tensors[key] = content
    model.opset = opset
    case(name, status, says, model.encode())


def insert(name, status, says, before, *nodes, **rename):
    """Nodes before the one that gives `before`, which takes other inputs then."""
    model = Model()
    made = model.find(before)
    made["inputs"] = [rename.get(one, one) for one in made["inputs"]]
    place = model.at(before)
    model.nodes[place:place] = list(nodes)
    case(name, status, says, model.encode())
