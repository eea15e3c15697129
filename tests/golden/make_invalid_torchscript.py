#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small hostile TorchScript archives, each of which must be refused with a
message, and a few odd ones that must be read.

    make_invalid_torchscript.py [FOLDER]     (default: where this script is)

invalid/torchscript/ and torchscript/odd/. Only the standard library is needed; the
same files come out each time.
"""
import pathlib
import struct
import sys
import zlib

import make_invalid as craft
from make_invalid import (FALSE, MARK, NONE, PROTO, STOP, Entry, glob, mapping, num, tensor,
                          text, tup)

MODULE = glob("__torch__", "M") + b")\x81"
CODE = b"class M(Module):\n  pass\n" * 20


def module(*pairs, of=MODULE):
    return of + mapping(*pairs) + b"b"


def floats(count, first=1):
    return struct.pack("<%df" % count, *(first + i / 8 for i in range(count)))


def weight(key, *size, **how):
    stride = [1] * len(size)
    for i in range(len(size) - 2, -1, -1):
        stride[i] = stride[i + 1] * size[i + 1]
    count = 1
    for dimension in size:
        count *= dimension
    return tensor(craft.storage(key=key, count=count, **how), size=size, stride=tuple(stride))


# The classifier of 3 words, 2 inputs, 1 hidden unit, 2 classes.
SHAPES = [("embedding", "weight", (3, 2)), ("lstm", "weight_ih_l0", (4, 2)),
          ("lstm", "weight_hh_l0", (4, 1)), ("lstm", "bias_ih_l0", (4,)),
          ("lstm", "bias_hh_l0", (4,)), ("fc", "weight", (2, 1)), ("fc", "bias", (2,))]


def product(size):
    return size[0] * (size[1] if len(size) > 1 else 1)


def classifier(more=(), lstm_more=(), left_out=()):
    families = []
    for family in ("embedding", "lstm", "fc"):
        pairs = [(text(name), weight(str(i), *size)) for i, (of, name, size) in enumerate(SHAPES)
                 if of == family and name not in left_out]
        families.append((text(family), module((text("training"), FALSE), *pairs,
                                              *(lstm_more if family == "lstm" else ()))))
    return module((text("training"), FALSE), *families, *more)


def storages(group="data"):
    return [Entry(f"m/{group}/{i}", floats(product(size), i + 1))
            for i, (_, _, size) in enumerate(SHAPES)]


def packed(name, data, **how):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return Entry(name, squeeze.compress(data) + squeeze.flush(),
                 **{"method": 8, "size": len(data), "crc": zlib.crc32(data), **how})


def bomb(mebibytes):
    """Zeros, deflated a thousand to one."""
    squeeze, block, crc = zlib.compressobj(9, zlib.DEFLATED, -15), bytes(1 << 20), 0
    data = b""
    for _ in range(mebibytes):
        data += squeeze.compress(block)
        crc = zlib.crc32(block, crc)
    return data + squeeze.flush(), crc


def script(state=None, constants=PROTO + b")" + STOP, records=None, code=None, more=()):
    entries = [Entry("m/data.pkl", PROTO + (classifier() if state is None else state) + STOP)]
    entries += storages() if records is None else records
    entries += [packed("m/code/__torch__.py", CODE)] if code is None else code
    if constants is not None:
        entries.append(Entry("m/constants.pkl", constants))
    return craft.archive(entries + [Entry("m/version", b"3\n"), *more])


def frozen(*constants, records=None):
    return script(module(), PROTO + tup(*constants) + STOP,
                  storages("constants") if records is None else records)


def of_constants():
    return [weight(str(i), *size) for i, (_, _, size) in enumerate(SHAPES)]


def shared_modules(levels):
    """Each module holds the next one twice: as many paths as 2 to the levels."""
    inner = module((text("n"), NONE))
    for _ in range(levels):
        inner = module((text("a"), inner + b"q\0"), (text("b"), b"h\0"))
    return inner


def code_files():
    """The program's text is never parsed, but checked for damage."""
    name = "m/code/__torch__.py"
    good = packed(name, CODE)
    half = len(good.data) // 2
    yield "code-crc", packed(name, CODE, crc=1)
    yield "code-stored-crc", Entry(name, CODE, crc=1)
    yield "code-cut", Entry(name, good.data[:half], method=8, size=len(CODE),
                            crc=zlib.crc32(CODE))
    yield "code-tail", Entry(name, good.data + b"xyz", method=8, size=len(CODE),
                             crc=zlib.crc32(CODE))
    yield "code-empty", Entry(name, b"", method=8, size=0, crc=0)
    yield "code-noise", Entry(name, b"\xff" * 50, method=8, size=50, crc=0)
    yield "code-says-less", packed(name, CODE, size=len(CODE) - 1)
    yield "code-says-more", packed(name, CODE, size=len(CODE) + 1)
    yield "code-other-method", packed(name, CODE, method=12)
    data, crc = bomb(2)
    yield "bomb-lies", Entry(name, data, method=8, size=1000, crc=crc)
    yield "bomb-huge", Entry(name, data, method=8, size=3 << 30, crc=crc)


def archives():
    yield "no-constants", script(constants=None)
    yield "no-data", craft.archive([Entry("m/constants.pkl", PROTO + b")" + STOP)])
    yield "no-storage", script(records=storages()[:-1])
    yield "storage-short", script(records=[Entry("m/data/0", floats(5)), *storages()[1:]])
    yield "storage-long", script(records=[Entry("m/data/0", floats(7)), *storages()[1:]])
    yield "storage-elsewhere", script(records=storages("constants"))
    yield "storage-deflated", script(records=[packed("m/data/0", floats(6)), *storages()[1:]])
    yield "storage-crc", script(records=[Entry("m/data/0", floats(6), crc=5), *storages()[1:]])
    yield "pickle-deflated", craft.archive([
        packed("m/data.pkl", PROTO + classifier() + STOP), *storages(),
        Entry("m/constants.pkl", PROTO + b")" + STOP)])
    yield "two-folders", script(more=[Entry("n/data.pkl", b"")])
    yield "big-endian", script(more=[Entry("m/byteorder", b"big")])
    for name, entry in code_files():
        yield name, script(code=[entry])
    yield "bombs-in-sum", script(code=[
        Entry(f"m/code/{i}.py", b"", method=8, size=200 << 20, crc=0, stored=0) for i in (1, 2)])


def states():
    first = (text("w"), weight("0", 3, 2))
    yield "root-none", NONE
    yield "root-dict", mapping(first)
    yield "root-tensor", weight("0", 3, 2)
    yield "root-class", glob("__torch__", "M")
    yield "root-without-state", MODULE
    yield "root-called", glob("__torch__", "M") + b")R"
    yield "system", glob("os", "system") + tup(text("true")) + b"R"
    yield "eval-inside", module((text("w"), glob("builtins", "eval") + tup(text("1")) + b"R"))
    yield "near-miss-class", glob("__torch__x", "M") + b")\x81" + mapping(first) + b"b"
    yield "parameter", module((text("w"), glob("torch._utils", "_rebuild_parameter") + b")R"))
    yield "instance-of-string", text("M") + b")\x81" + mapping(first) + b"b"
    yield "two-states", module(first)[:-1] + b"b}b"
    yield "state-of-dict", mapping(first) + b"}b"
    yield "items-on-object", MODULE + MARK + text("w") + NONE + b"u"
    yield "circle", MODULE + b"q\0" + mapping((text("me"), b"h\0")) + b"b"
    yield "circle-of-two", (MODULE + b"q\0" + mapping((text("a"), module((text("b"), b"h\0")))) +
                            b"b")
    yield "shared-bomb", shared_modules(21)
    yield "too-deep", b"".join([MODULE + b"}" + MARK + text("a")] * 60) + NONE + b"ub" * 60
    yield "name-number", module((num(1), weight("0", 3, 2)))
    yield "name-none", module((NONE, weight("0", 3, 2)))
    yield "name-empty", module((text(""), weight("0", 3, 2)))
    yield "name-nul", module((text("a\0b"), weight("0", 3, 2)))
    yield "name-surrogate", module((text("\ud800"), weight("0", 3, 2)))
    yield "name-long", module((text("a" * 600), weight("0", 3, 2)))
    long = module((text("b" * 300), weight("0", 3, 2)))
    yield "name-long-in-all", module((text("a" * 300), long))
    yield "module-name-number", module((num(1), module(first)))
    yield "name-twice", module(first, first)
    yield "name-twice-dotted", module((text("a.w"), weight("0", 3, 2)),
                                      (text("a"), module(first)))
    yield "tail", classifier() + STOP + b"x"
    for name, value in (
            ("beyond-storage", tensor(craft.storage(), size=(3, 3))),
            ("offset-beyond", tensor(craft.storage(), offset=1)),
            ("stride-0", tensor(craft.storage(), size=(1 << 20, 1 << 20), stride=(0, 0))),
            ("size-negative", tensor(craft.storage(), size=(-1, 3))),
            ("size-overflow", tensor(craft.storage(), size=(1 << 62, 8))),
            ("rank-9", tensor(craft.storage(), size=(1,) * 9, stride=(1,) * 9)),
            ("no-storage-id", tensor(NONE)),
            ("count-negative", tensor(craft.storage(count=-6))),
            ("count-huge", tensor(craft.storage(count=2 ** 62))),
            ("storage-two-types", tensor() + b"0" + tensor(craft.storage(kind="LongStorage"))),
            ("storage-class-unknown", tensor(craft.storage(kind="VoidStorage"))),
            ("tensor-without-arguments", craft.REBUILD + b")R")):
        yield "tensor-" + name, module((text("w"), value))


def constants_files():
    whole = of_constants()
    yield "constants-list", script(constants=PROTO + b"]" + STOP, state=module())
    yield "constants-none", script(constants=NONE + STOP, state=module())
    yield "constants-cut", script(constants=PROTO + b")", state=module())
    yield "constants-system", frozen(glob("os", "system"))
    yield "constants-in-data", frozen(*whole, records=storages())
    yield "constants-short", frozen(*whole, records=[
        Entry("m/constants/0", floats(5)), *storages("constants")[1:]])


def invalid_files():
    yield from archives()
    for name, state in states():
        yield name, script(state)
    yield from constants_files()


def odd_files():
    """What must be read: the classifier, but for those that are foreign."""
    whole = of_constants()
    yield "plain", script()
    yield "frozen", frozen(*whole)
    yield "code-not-deflated", script(code=[Entry("m/code/__torch__.py", CODE)])
    yield "code-bomb-bearable", script(code=[Entry("m/code/a.py", bomb(8)[0], method=8,
                                                   size=8 << 20, crc=bomb(8)[1])])
    yield "no-code", script(code=[])
    tag = glob("torch.jit._pickle", "restore_type_tag")
    ints = glob("torch.jit._pickle", "build_intlist") + tup(b"](K\1K\2e") + b"R"
    settings = [(text("a"), tag + tup(mapping((text("x"), num(1))), text("Dict[str, int]")) + b"R"),
                (text("b"), ints), (text("c"), b"G" + bytes(8)), (text("d"), NONE),
                (text("e"), glob("torch", "device") + tup(text("cpu")) + b"R"),
                (text("f"), glob("__torch__", "Color") + num(1) + b"R"),
                (text("g"), tup(num(1), text("s"))), (text("h"), module())]
    yield "settings", script(classifier(settings))
    flat = glob("torch.jit._pickle", "build_tensorlist") + tup(b"](" + weight("1", 4, 2) + b"e")
    yield "flat-weights", script(classifier(lstm_more=[(text("_flat_weights"), flat + b"R")]))
    deep = classifier()
    for name in ("c", "b", "a"):
        deep = module((text(name), deep))
    yield "wrapped-thrice", script(deep)
    yield "foreign-tensor-list", script(classifier([(text("other"), flat + b"R")]))
    yield "foreign-more", script(classifier([(text("more"), weight("0", 3, 2))]))
    yield "foreign-less", script(classifier(left_out=["bias_hh_l0"]))
    yield "foreign-two", script(module((text("a"), classifier()), (text("b"), classifier())))
    yield "foreign-integers", script(classifier([(text("n"), weight("9", 2, kind="IntStorage"))]),
                                     records=[*storages(), Entry("m/data/9", bytes(8))])
    yield "foreign-complex", script(
        classifier([(text("n"), weight("9", 1, kind="ComplexFloatStorage"))]),
        records=[*storages(), Entry("m/data/9", bytes(8))])
    rebuild = glob("torch._utils", "_rebuild_qtensor") + tup(
        craft.storage(key="9", count=8, kind="QInt8Storage"), num(0), tup(num(8)), tup(num(1)),
        tup(glob("torch", "per_tensor_affine"), b"G" + bytes(8), num(0)), FALSE, craft.ORDERED)
    yield "foreign-quantized", script(classifier([(text("n"), rebuild + b"R")]),
                                      records=[*storages(), Entry("m/data/9", bytes(8))])
    negated = tensor(craft.storage(), tail=mapping((text("neg"), craft.TRUE)))
    yield "foreign-negated", script(module((text("w"), negated)))
    yield "foreign-own-state", script(MODULE + tup(num(1)) + b"b")
    yield "foreign-empty", script(module())
    yield "foreign-constant", script(constants=PROTO + tup(weight("0", 3, 2)) + STOP,
                                     records=[*storages(), Entry("m/constants/0", floats(6))])
    many = [(text(f"t{i}"), b"h\0" if i else weight("0", 3, 2) + b"q\0") for i in range(1100)]
    yield "foreign-many", script(module(*many))
    yield "foreign-frozen-short", frozen(*whole[:-1])
    yield "foreign-frozen-order", frozen(whole[0], whole[2], whole[1], *whole[3:])
    yield "foreign-frozen-list", frozen(*whole, b"]")
    yield "foreign-frozen-vectors", frozen(*[whole[3]] * 7)
    yield "foreign-frozen-empty", frozen(weight("0", 0, 2), *whole[1:], records=[
        Entry("m/constants/0", b""), *storages("constants")[1:]])


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for folder, files in (("invalid/torchscript", invalid_files()),
                          ("torchscript/odd", odd_files())):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (root / folder / f"{name}.pt").write_bytes(data)


if __name__ == "__main__":
    main()
