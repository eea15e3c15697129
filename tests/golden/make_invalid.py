#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes small hostile files, each of which must be refused with a message.

    make_invalid.py [FOLDER]       (default: invalid/ where this script is)

pth/ and zip/ are for the reader of model.pth, tokenizer_pkl/ for that of
tokenizer.pkl. Only the standard library is needed; the same files come out
each time.
"""
import pathlib
import struct
import sys
import zlib

# ------------------------------------------------------------------- pickles

PROTO, STOP = b"\x80\x02", b"."
NONE, TRUE, FALSE, MARK = b"N", b"\x88", b"\x89", b"("


def text(value):
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def num(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -2 ** 31 <= value < 2 ** 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes((value.bit_length() // 8) + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tup(*items):
    return MARK + b"".join(items) + b"t"


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def mapping(*pairs):
    return b"}" + MARK + b"".join(k + v for k, v in pairs) + b"u"


ORDERED = glob("collections", "OrderedDict") + b")R"
REBUILD = glob("torch._utils", "_rebuild_tensor_v2")


def storage(key="0", count=6, kind="FloatStorage", extra=b"", module="torch"):
    return tup(text("storage"), glob(module, kind), text(key), text("cpu"), num(count),
               extra) + b"Q"


def tensor(store=None, offset=0, size=(2, 3), stride=(3, 1), rebuild=REBUILD, tail=b""):
    return (rebuild + tup(store or storage(), num(offset), tup(*map(num, size)),
                          tup(*map(num, stride)), FALSE, ORDERED, tail) + b"R")


def state(value=None, name="fc.weight"):
    """A whole data.pkl."""
    return PROTO + mapping((text(name), value or tensor())) + STOP


# ---------------------------------------------------------------------- zips

class Entry:
    def __init__(self, name, data, **how):
        self.name, self.data = name.encode(), data
        self.crc, self.size = zlib.crc32(data), len(data)
        self.method, self.flags, self.local_name = 0, 0, None
        self.extra, self.offset, self.stored, self.local_method = b"", None, None, None
        for key, value in how.items():
            setattr(self, key, value)


def archive(entries, prefix=b"", suffix=b"", comment=b"", zip64=None, end=None, gap=b"",
            central_size=None, count=None):
    out, central = bytearray(prefix), bytearray()
    for e in entries:
        stored = len(e.data) if e.stored is None else e.stored
        offset = len(out) if e.offset is None else e.offset
        if e.offset is None:
            name = e.local_name or e.name
            out += struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, e.flags,
                               e.method if e.local_method is None else e.local_method, 0, 33,
                               e.crc, len(e.data), e.size, len(name), 0) + name + e.data
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, e.flags, e.method, 0, 33,
                               e.crc, stored, e.size, len(e.name), len(e.extra), 0, 0, 0, 0,
                               offset) + e.name + e.extra
    start = len(out)
    out += central + gap
    count = len(entries) if count is None else count
    size = len(central) if central_size is None else central_size
    if zip64:
        out += zip64(len(out), count, size, start)
    out += end or struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, count & 0xffff, count & 0xffff, size,
                              start, len(comment))
    return bytes(out) + comment + suffix


WEIGHTS = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


def records(pickle=None, weights=WEIGHTS, **how):
    return [Entry("m/data.pkl", state() if pickle is None else pickle),
            Entry("m/data/0", weights, **how), Entry("m/version", b"3\n")]


def model(pickle=None, weights=WEIGHTS):
    return archive(records(pickle, weights))


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def deflated(name, data):
    packed = deflate(data)
    return Entry(name, packed, method=8, size=len(data), crc=zlib.crc32(data))


def end64(change=lambda fields: fields, locator=0):
    def make(at, count, size, start):
        fields = change([0x06064b50, 44, 45, 45, 0, 0, count, count, size, start])
        return (struct.pack("<IQHHIIQQQQ", *fields)
                + struct.pack("<IIQI", 0x07064b50, 0, at + locator, 1))
    return make


def changed(*indices_and_values):
    def change(fields):
        for index, value in zip(indices_and_values[::2], indices_and_values[1::2]):
            fields[index] = value
        return fields
    return change


def zip_files():
    plain = records()
    good = archive(plain)
    yield "empty", b""
    yield "signature-only", b"PK\x03\x04"
    yield "no-entries", b"PK\x03\x04" + archive([])
    yield "bytes-before", b"#!/bin/sh\n" + good
    yield "bytes-before-adjusted", archive(plain, prefix=b"PK\x03\x04 a polyglot begins")
    yield "bytes-behind", good + b"tail"
    yield "comment", archive(plain, comment=b"a comment")
    yield "comment-polyglot", archive(plain, comment=archive(records(PROTO + b"N."), b""))
    yield "archive-behind-archive", good + good
    yield "duplicate-name", archive(plain + [Entry("m/data/0", bytes(24))])
    yield "two-data-pkl", archive(plain + [Entry("m/data.pkl", state(name="other"))])
    yield "two-folders", archive(plain + [Entry("n/data.pkl", state())])
    yield "nested-folder", archive([Entry("x/m/data.pkl", state()), *plain])
    yield "no-folder", archive([Entry("data.pkl", state()), Entry("data/0", WEIGHTS)])
    yield "no-data-pkl", archive(plain[1:])
    yield "parent-name", archive(plain + [Entry("m/../../etc/passwd", b"x")])
    yield "absolute-name", archive(plain + [Entry("/etc/passwd", b"x")])
    yield "backslash-name", archive(plain + [Entry("m\\..\\x", b"x")])
    yield "nul-name", archive(plain + [Entry("m/x\0y", b"x")])
    yield "empty-name", archive(plain + [Entry("", b"x")])
    yield "same-bytes-twice", archive(plain + [Entry("m/data/1", WEIGHTS, offset=0)])
    inner = archive([Entry("m/data/1", WEIGHTS)])
    yield "overlap-inside", archive([plain[0], Entry("m/data/0", inner), Entry(
        "m/data/1", WEIGHTS, offset=30 + 10 + len(state()) + 30 + 8), plain[2]])
    yield "crc-wrong", archive(records(crc=1))
    yield "crc-missing", archive(records(crc=0))
    yield "crc-of-pickle", archive([Entry("m/data.pkl", state(), crc=5), *plain[1:]])
    yield "crc-of-unused", archive(plain + [Entry("m/unused", b"x", crc=5)])
    yield "deflated-storage", archive([plain[0], deflated("m/data/0", WEIGHTS), plain[2]])
    yield "deflated-pickle", archive([deflated("m/data.pkl", state()), *plain[1:]])
    bomb = bytes(1 << 20)
    yield "bomb", archive([plain[0], deflated("m/data/0", bomb), plain[2]])
    yield "bomb-in-bomb", archive([deflated("m/data.pkl", deflate(bomb) * 4), *plain[1:]])
    yield "stored-with-two-sizes", archive(records(size=1 << 30))
    yield "size-past-end", archive(records(size=1 << 20, stored=1 << 20))
    yield "size-of-4-gib", archive(records(size=0xfffffffe, stored=0xfffffffe))
    yield "method-unknown", archive(records(method=99))
    yield "method-differs", archive(records(local_method=8))
    yield "encrypted", archive(records(flags=1))
    yield "local-name-differs", archive(records(local_name=b"m/data/9"))
    yield "local-offset-past-end", archive(records(offset=1 << 30))
    yield "local-offset-in-directory", archive(records(offset=len(good) - 60))
    yield "zip64-extra-missing", archive(records(size=0xffffffff, stored=0xffffffff))
    yield "zip64-extra-short", archive(records(size=0xffffffff, stored=0xffffffff,
                                               extra=struct.pack("<HHQ", 1, 8, 24)))
    yield "zip64-extra-huge", archive(records(
        size=0xffffffff, stored=0xffffffff, extra=struct.pack("<HHQQ", 1, 16, *[2 ** 64 - 24] * 2)))
    yield "extra-past-end", archive(records(size=0xffffffff, extra=struct.pack("<HH", 7, 60000)))
    yield "zip64-count", archive(plain, zip64=end64(changed(6, 2 ** 60, 7, 2 ** 60)))
    yield "zip64-contradiction", archive(plain, zip64=end64(changed(9, 4)))
    yield "zip64-size-wraps", archive(plain, zip64=end64(changed(8, 2 ** 64 - 1)),
                                      end=struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 0xffff,
                                                      0xffff, 0xffffffff, 0xffffffff, 0))
    yield "zip64-record-size", archive(plain, zip64=end64(changed(1, 2 ** 63)))
    yield "zip64-locator", archive(plain, zip64=end64(locator=7))
    yield "zip64-locator-huge", archive(plain, zip64=end64(locator=2 ** 62))
    yield "disks", archive(plain, end=struct.pack("<IHHHHIIH", 0x06054b50, 1, 1, 3, 3, 0, 0, 0))
    yield "count-too-large", archive(plain, count=60000)
    yield "count-too-small", archive(plain, count=2)
    yield "directory-too-large", archive(plain, central_size=0xfffffffe)
    yield "gap-behind-directory", archive(plain, gap=b"gap")
    yield "tar", b"storages\0" + bytes(248) + b"ustar" + bytes(250)
    yield "gzip", zlib.compress(good)


# ----------------------------------------------------------------- model.pth

def pth_pickles():
    """Contents of data.pkl, of which the rest of the archive is sound."""
    yield "empty", b""
    yield "no-stop", state()[:-1]
    yield "tail-behind-stop", state() + b"N."
    yield "two-pickles", state() + state()
    yield "protocol-6", b"\x80\x06" + state()[2:]
    yield "unknown-opcode", PROTO + b"\xff."
    yield "stop-on-empty-stack", PROTO + STOP
    yield "stop-with-two-values", PROTO + b"NN."
    yield "stop-inside-mark", PROTO + b"(N."
    yield "top-list", PROTO + b"]."
    yield "top-tensor", PROTO + tensor() + STOP
    yield "empty-dict", PROTO + b"}."
    yield "no-tensors", PROTO + mapping((text("epoch"), num(3))) + STOP
    yield "system", PROTO + glob("os", "system") + tup(text("true")) + b"R."
    yield "eval-in-value", state(glob("builtins", "eval") + tup(text("1")) + b"R")
    yield "global-unused", PROTO + glob("os", "system") + b"0" + state()[2:]
    yield "stack-global", b"\x80\x04" + text("os") + text("system") + b"\x93."
    yield "stack-global-of-numbers", b"\x80\x04" + num(1) + num(2) + b"\x93."
    yield "inst", PROTO + b"(ios\nsystem\n."
    yield "obj", PROTO + b"(" + glob("torch", "Tensor") + b"o."
    yield "newobj", PROTO + glob("torch", "FloatStorage") + b")\x81."
    yield "call-of-storage-class", state(glob("torch", "FloatStorage") + b")R")
    yield "call-of-string", state(text("print") + b")R")
    yield "call-without-tuple", state(REBUILD + text("no tuple") + b"R")
    yield "whole-module", PROTO + glob("__main__", "Classifier") + b")\x81}b."
    yield "quantized-tensor", state(glob("torch._utils", "_rebuild_qtensor") + b")R")
    yield "quantized-packed", state(glob("torch", "ScriptObject") + b")\x81")
    yield "long1-of-9", state(tensor(size=(2 ** 65, 3)))
    yield "long1-of-255", state(tensor(size=(2 ** 2030, 3)))
    yield "long4-past-end", PROTO + b"\x8b\xff\xff\xff\x7f" + b"1234" + STOP
    yield "long4-negative", PROTO + b"\x8b\xff\xff\xff\xff."
    yield "binunicode-1-gib", PROTO + b"X" + struct.pack("<I", 1 << 30) + b"abcd."
    yield "binunicode8-huge", b"\x80\x04\x8d" + struct.pack("<Q", 2 ** 63) + b"."
    yield "binbytes8-huge", b"\x80\x04\x8e" + struct.pack("<Q", 2 ** 64 - 1) + b"."
    yield "bytearray8-huge", b"\x80\x05\x96" + struct.pack("<Q", 2 ** 62) + b"."
    yield "frame-huge", b"\x80\x04\x95" + struct.pack("<Q", 2 ** 63 - 1) + b"N."
    yield "put-huge", PROTO + b"}r\xff\xff\xff\xff."
    yield "put-text-huge", PROTO + b"}p99999999999999999999\n."
    yield "put-text-negative", PROTO + b"}p-1\n."
    yield "put-on-empty-stack", PROTO + b"q\0N."
    yield "get-unset", PROTO + b"h\x07."
    yield "get-text-unset", PROTO + b"g7\n."
    yield "line-without-end", PROTO + b"cos"
    yield "not-utf8", PROTO + b"X\x02\0\0\0\xc0\x80."
    yield "key-with-nul", state(name="a\0b")
    yield "key-with-surrogate", state(name="a\ud800")
    yield "key-is-number", PROTO + mapping((num(5), tensor())) + STOP
    yield "key-twice", PROTO + mapping((text("a"), tensor()), (text("a"), tensor())) + STOP
    yield "odd-setitems", PROTO + b"}(" + text("a") + b"u."
    yield "odd-dict", PROTO + b"(" + text("a") + b"d."
    yield "setitem-on-tensor", state(tensor() + text("k") + NONE + b"s")
    yield "setitems-on-tensor", state(tensor() + b"(" + text("k") + NONE + b"u")
    yield "append-on-dict", PROTO + b"}Na."
    yield "append-on-tensor", state(tensor() + NONE + b"a")
    yield "additems-on-list", b"\x80\x04](N\x90."
    yield "setitems-without-mark", PROTO + b"}u."
    yield "setitem-on-storage", state(storage() + text("k") + NONE + b"s")
    yield "build-on-tensor", state(tensor() + b"}b")
    yield "build-twice", PROTO + ORDERED + b"}b}b."
    yield "build-on-dict", PROTO + b"}}b."
    yield "pop-below-mark", PROTO + b"N(00."
    yield "extension-code", PROTO + b"\x82\x01."
    yield "out-of-band-buffer", b"\x80\x05\x97."
    yield "stack-flood", PROTO + NONE * 5000
    yield "mark-flood", PROTO + MARK * 5000
    yield "deep-tuples", PROTO + b")" + b"\x85" * 5000 + STOP
    yield "deep-lists", PROTO + b"]" * 5000 + b"a" * 4999 + STOP
    yield "deep-dicts", PROTO + (b"}" + text("")) * 800 + NONE + b"s" * 800 + STOP
    yield "deep-calls", PROTO + (glob("collections", "OrderedDict")) * 80 + b")" + b"R\x85" * 80
    bomb = PROTO + b"]q\0" + b"".join(
        b"](" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(250))
    yield "memo-bomb", bomb + STOP
    yield "cycle-list", PROTO + b"]q\0h\0a."
    yield "cycle-dict", PROTO + b"}q\0" + text("self") + b"h\0s."
    yield "cycle-tuple", state(b"]q\0h\0\x85a")
    yield "cycle-in-arguments", state(REBUILD + b"]q\0h\0a\x85R")
    yield "dup-flood", PROTO + NONE + b"2" * 5000
    # Tensors.
    yield "size-negative", state(tensor(size=(-2, 3)))
    yield "size-overflows", state(tensor(size=(2 ** 62, 2 ** 62)))
    yield "size-wraps-to-zero", state(tensor(size=(2 ** 32, 2 ** 32)))
    yield "size-is-bool", state(REBUILD + tup(storage(), num(0), tup(TRUE, num(3)),
                                              tup(num(3), num(1)), FALSE, ORDERED) + b"R")
    yield "size-is-float", state(REBUILD + tup(storage(), num(0), tup(b"G" + bytes(8), num(3)),
                                               tup(num(3), num(1)), FALSE, ORDERED) + b"R")
    yield "size-is-no-tuple", state(REBUILD + tup(storage(), num(0), num(6), num(1), FALSE,
                                                  ORDERED) + b"R")
    yield "size-too-large", state(tensor(size=(3, 3)))
    yield "rank-9", state(tensor(size=(1,) * 9, stride=(1,) * 9))
    yield "rank-of-strides", state(tensor(stride=(1,)))
    yield "stride-negative", state(tensor(stride=(3, -1)))
    yield "stride-overflows", state(tensor(stride=(2 ** 63 - 1, 2 ** 63 - 1)))
    yield "stride-too-large", state(tensor(stride=(4, 1)))
    yield "stride-0-huge", state(tensor(size=(2 ** 40,), stride=(0,)))
    yield "stride-0-grows", state(tensor(size=(7,), stride=(0,)))
    yield "offset-negative", state(tensor(offset=-1))
    yield "offset-overflows", state(tensor(offset=2 ** 63 - 1))
    yield "offset-too-large", state(tensor(offset=1))
    yield "offset-of-empty", state(tensor(offset=7, size=(0, 3)))
    yield "numel-too-small", state(tensor(storage(count=5), size=(1, 1)))
    yield "numel-too-large", state(tensor(storage(count=7)))
    yield "numel-negative", state(tensor(storage(count=-6)))
    yield "numel-huge", state(tensor(storage(count=2 ** 62 + 6)))
    yield "numel-of-other-type", state(tensor(storage(kind="DoubleStorage")))
    yield "storage-missing", state(tensor(storage(key="1")))
    yield "storage-key-parent", state(tensor(storage(key="../data.pkl")))
    yield "storage-key-empty", state(tensor(storage(key="")))
    yield "storage-of-two-types", PROTO + mapping(
        (text("a"), tensor()), (text("b"), tensor(storage(kind="IntStorage")))) + STOP
    yield "storage-class-is-function", state(tensor(storage(kind="_rebuild_tensor_v2",
                                                            module="torch._utils")))
    yield "storage-view", state(tensor(storage(extra=tup(text("1"), num(0), num(6)))))
    yield "persistent-id-is-string", state(text("0") + b"Q")
    yield "persistent-id-line", state(b"P0\n")
    yield "persistent-id-short", state(tup(text("storage")) + b"Q")
    yield "rebuild-of-string", state(tensor(text("storage")))
    yield "rebuild-without-arguments", state(REBUILD + b")R")
    yield "rebuild-too-many-arguments", state(tensor(tail=NONE + NONE))
    yield "rebuild-negated", state(tensor(tail=mapping((text("neg"), TRUE))))
    yield "parameter-of-nothing", state(glob("torch._utils", "_rebuild_parameter") + b")R")
    yield "parameter-of-parameters", state(glob("torch._utils", "_rebuild_parameter") * 9
                                           + tensor() + b"\x85R" * 9)
    v3 = glob("torch._utils", "_rebuild_tensor_v3")
    untyped = storage(count=24, kind="UntypedStorage", module="torch.storage")
    yield "v3-unknown-type", state(tensor(untyped, rebuild=v3, tail=text("float32")))
    yield "v3-typed-storage", state(tensor(rebuild=v3, tail=glob("torch", "float32")))
    yield "v3-too-large", state(tensor(untyped, rebuild=v3, tail=glob("torch", "float64")))


MAGIC = PROTO + b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
VERSION = PROTO + b"M\xe9\x03."
SYSTEM = PROTO + mapping((text("protocol_version"), b"M\xe9\x03"),
                         (text("little_endian"), TRUE)) + STOP


def keys(*names):
    return PROTO + b"](" + b"".join(map(text, names)) + b"e."


def legacy(magic=MAGIC, version=VERSION, system=SYSTEM, pickle=None, names=None, count=6,
           weights=WEIGHTS):
    pickle = pickle or state(tensor(storage(extra=NONE)))
    return (magic + version + system + pickle + (keys("0") if names is None else names)
            + struct.pack("<q", count) + weights)


def pth_files():
    for name, pickle in pth_pickles():
        yield name, model(pickle)
    # A long key, again and again by its memo number, is compared again and again.
    yield "storage-key-long", archive([
        Entry("m/data.pkl", state(tensor(storage(key="k" * 256)))),
        Entry("m/data/" + "k" * 256, WEIGHTS), Entry("m/version", b"3\n")])
    yield "torchscript", archive([Entry("m/data.pkl", PROTO + b"N."), Entry("m/constants.pkl",
                                                                            PROTO + b").")])
    yield "torchscript-code", archive([*records(), deflated("m/code/__torch__.py", b"class A:")])
    yield "big-endian", archive(records() + [Entry("m/byteorder", b"big")])
    yield "legacy-magic-only", MAGIC
    yield "legacy-magic-of-9", legacy(magic=PROTO + b"\x8a\x09" + bytes(8) + b"\x01.")
    yield "legacy-other-magic", legacy(magic=PROTO + b"\x8a\x0a" + bytes(9) + b"\x01.")
    yield "legacy-tokenizer", PROTO + glob("__main__", "SimpleTokenizer") + b")\x81}b."
    yield "legacy-version", legacy(version=PROTO + b"M\xea\x03.")
    yield "legacy-big-endian", legacy(system=PROTO + mapping((text("little_endian"), FALSE))
                                      + STOP)
    yield "legacy-no-system", legacy(system=PROTO + b"N.")
    yield "legacy-system", legacy(pickle=PROTO + glob("os", "system") + b")R.")
    yield "legacy-keys-missing", legacy(names=keys())
    yield "legacy-keys-twice", legacy(names=keys("0", "0"), weights=WEIGHTS + struct.pack("<q", 6)
                                      + WEIGHTS)
    yield "legacy-keys-unknown", legacy(names=keys("1"))
    yield "legacy-keys-are-numbers", legacy(names=PROTO + b"](" + num(0) + b"e.")
    yield "legacy-keys-are-no-list", legacy(names=PROTO + text("0") + STOP)
    yield "legacy-count-negative", legacy(count=-1)
    yield "legacy-count-huge", legacy(count=2 ** 62)
    yield "legacy-count-small", legacy(count=5)
    yield "legacy-tail", legacy() + b"tail"
    yield "legacy-truncated", legacy()[:-1]
    yield "legacy-view", legacy(pickle=state(tensor(storage(extra=tup(text("1"), num(0),
                                                                      num(6))))))


# ------------------------------------------------------------- tokenizer.pkl

def tokenizer(*pairs):
    return PROTO + glob("__main__", "SimpleTokenizer") + b")\x81" + mapping(*pairs) + b"b."


def words(*pairs):
    return (text("word_to_idx"), mapping(*pairs))


def tokenizer_files():
    size = (text("vocab_size"), num(3))
    good = words((text("a"), num(0)), (text("b"), num(1)))
    yield "empty", b""
    yield "none", PROTO + b"N."
    yield "list", PROTO + b"]."
    yield "tail-behind-stop", tokenizer(size, good) + b"\n"
    yield "two-pickles", tokenizer(size, good) * 2
    yield "no-state", PROTO + glob("__main__", "SimpleTokenizer") + b")\x81."
    yield "no-words", tokenizer(size, (text("idx_to_word"), b"}"), (text("lower"), TRUE))
    yield "no-attributes", tokenizer()
    yield "state-is-list", PROTO + glob("a", "B") + b")\x81]b."
    yield "state-of-three", PROTO + glob("a", "B") + b")\x81NN}\x87b."
    yield "words-is-list", tokenizer(size, (text("word_to_idx"), b"]"))
    yield "words-is-none", tokenizer(size, (text("word_to_idx"), NONE))
    yield "words-is-call", tokenizer(size, (text("word_to_idx"), glob("os", "system") + b")R"))
    yield "word-is-bytes", tokenizer(size, words((b"U\x02\xc3\xa9", num(0))))
    yield "word-is-number", tokenizer(size, words((num(1), num(0))))
    yield "word-is-none", tokenizer(size, words((NONE, num(0))))
    yield "index-is-string", tokenizer(size, words((text("a"), text("0"))))
    yield "index-is-bool", tokenizer(size, words((text("a"), TRUE)))
    yield "index-is-float", tokenizer(size, words((text("a"), b"G" + bytes(8))))
    yield "index-is-none", tokenizer(size, words((text("a"), NONE)))
    yield "index-beyond-64-bits", tokenizer(size, words((text("a"), num(2 ** 64))))
    yield "index-of-9-bytes", tokenizer(size, words((text("a"), num(2 ** 63))))
    yield "index-text-beyond-64-bits", tokenizer(size, words((text("a"),
                                                              b"I9223372036854775808\n")))
    yield "index-text-no-number", tokenizer(size, words((text("a"), b"I12x\n")))
    yield "bare-index-is-string", PROTO + mapping((text("a"), text("0"))) + STOP
    yield "size-is-string", tokenizer((text("vocab_size"), text("3")), good)
    yield "size-is-bool", tokenizer((text("vocab_size"), TRUE), good)
    yield "size-is-float", tokenizer((text("vocab_size"), b"G" + bytes(8)), good)
    yield "size-is-none", tokenizer((text("vocab_size"), NONE), good)
    yield "size-negative", tokenizer((text("vocab_size"), num(-3)), good)
    yield "size-beyond-64-bits", tokenizer((text("vocab_size"), num(2 ** 100)), good)
    yield "persistent-id", tokenizer((text("x"), b"Px\n"), good)
    yield "escape-short", b"(dVword_to_idx\n(dV\\u00\nI0\nss."
    yield "escape-no-digits", b"(dV\\uzzzz\nI0\ns."
    yield "escape-beyond-unicode", b"(dV\\U00110000\nI0\ns."
    yield "string-without-quotes", b"(dSabc\nI0\ns."
    yield "utf8-overlong", PROTO + mapping((b"X\x02\0\0\0\xc0\xaf", num(0))) + STOP
    yield "utf8-beyond-unicode", PROTO + mapping((b"X\x04\0\0\0\xf4\x90\x80\x80", num(0))) + STOP
    yield "utf8-cut", PROTO + mapping((b"X\x02\0\0\0\xe2\x82", num(0))) + STOP
    yield "binunicode-1-gib", PROTO + b"X" + struct.pack("<I", 1 << 30) + b"abcde"
    yield "short-string-cut", b"\x80\x04\x8c\xffabc."
    yield "frame-huge", b"\x80\x04\x95" + struct.pack("<Q", 2 ** 62) + b"N."
    yield "put-huge", PROTO + b"}p4294967296\n."
    yield "binbytes8-huge", b"\x80\x04\x8e" + struct.pack("<Q", 2 ** 64 - 1) + b"."
    yield "long4-huge", PROTO + b"\x8b\xff\xff\xff\x7f."
    yield "memo-unset", PROTO + b"j\1\0\0\0."
    yield "odd-setitems", tokenizer((text("word_to_idx"), b"}(" + text("a") + b"u"))
    yield "setitems-on-string", tokenizer((text("word_to_idx"), text("x") + b"(NNu"))
    yield "build-twice", tokenizer(size, good)[:-1] + b"}b."
    yield "reduce-without-tuple", PROTO + glob("a", "B") + b"NR."
    yield "obj-without-class", PROTO + b"(o."
    yield "deep-tuples", tokenizer((text("x"), b")" + b"\x85" * 3000), good)
    yield "deep-lists", tokenizer((text("x"), b"]" * 3000 + b"a" * 2999), good)
    yield "deep-objects", tokenizer((text("x"), (glob("a", "B") + b")\x81") * 100 + b"b" * 99),
                                    good)
    yield "mark-flood", PROTO + MARK * 9000
    yield "stack-flood", PROTO + NONE * 9000
    yield "memo-bomb", PROTO + b"]q\0" + b"".join(
        b"](" + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(250)) + STOP
    # One long word again and again by its memo number.
    yield "word-bomb", tokenizer((text("word_to_idx"), b"}(" + text("w" * 5000) + b"q\0" + num(0)
                                  + b"h\0K\1" * 2000 + b"u"))
    # An object as a pair: its items may stand behind any number of others.
    yield "pair-is-object", PROTO + glob("collections", "OrderedDict") + b"](" + (
        glob("a", "B") + b")\x81" + text("w") + b"a" + num(0) + b"a") + b"e\x85R" + STOP
    yield "cycle-state", PROTO + glob("a", "B") + b")\x81q\0h\0b."
    yield "cycle-words", PROTO + b"}q\0" + text("word_to_idx") + b"h\0s."
    yield "extension-code", PROTO + b"\x84\1\0\0\0."
    yield "out-of-band-buffer", b"\x80\x05\x97\x98."
    yield "unknown-opcode", PROTO + b"\x00."
    yield "json", b'{"word_to_idx": {"a": 0}}'


def main():
    here = pathlib.Path(__file__).parent / "invalid"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here
    for folder, ending, files in (("zip", "pth", zip_files()), ("pth", "pth", pth_files()),
                                  ("tokenizer_pkl", "pkl", tokenizer_files())):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (root / folder / f"{name}.{ending}").write_bytes(data)


if __name__ == "__main__":
    main()
