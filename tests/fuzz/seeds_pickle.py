# SPDX-License-Identifier: Apache-2.0
"""Seeds of make_corpus.py: pickles, archives of model.pth, guide folders.

What tests/golden has already is not made again; here are opcodes that the
golden files lack, and lengths, shapes and names that lie.
"""
import pathlib
import struct
import zipfile
import zlib

import seeds_native

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / 'golden'


def line_pickles():
    """Protocol 0 and opcodes that the golden files do not have."""
    yield 'lines', b"(dp0\nVa\np1\nI1\nsS'b'\np2\nL2L\ns."
    yield 'escapes', b'(dVa\\u00e9\\U0001f600\\\\n\nI0\ns.'
    yield 'bool-lines', b'(lp0\nI01\naI00\na.'
    yield 'instance', b'(imodule\nClass\n(dVword_to_idx\n(dVa\nI0\nssb.'
    yield 'object', b'(cmodule\nClass\no}(X\x0b\x00\x00\x00word_to_idx}X\x01\x00\x00\x00aK\x00sub.'
    yield 'float-lines', b'(F1.5\nF-inf\nG?\xf0\x00\x00\x00\x00\x00\x00t.'
    yield 'long-line-huge', b'L' + b'9' * 300 + b'L\n.'
    yield 'int-line-edges', (b'(I9223372036854775807\nI-9223372036854775808\n'
                             b'I9223372036854775808\nt.')
    yield 'pops', b'((K\x01K\x021K\x030K\x04.'
    yield 'extended-class', b'\x80\x02cmodule\nClass\n)}\x92.'
    yield 'frozenset', b'\x80\x04(K\x01K\x02\x91.'
    yield 'set-items', b'\x80\x04\x8f(K\x01K\x02\x90.'
    yield 'bytearray', b'\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00ab.'


def lying_pickles():
    """Lengths beyond the file, memo and mark tricks, cycles."""
    for name, opcode, width in (('binunicode', b'X', 4), ('binunicode8', b'\x8d', 8),
                                ('binbytes', b'B', 4), ('binbytes8', b'\x8e', 8),
                                ('long4', b'\x8b', 4), ('frame', b'\x95', 8),
                                ('binstring', b'T', 4)):
        for what, length in (('huge', (1 << (8 * width)) - 1), ('gib', 1 << 30), ('one', 3)):
            yield f'{name}-{what}', b'\x80\x04' + opcode + length.to_bytes(width, 'little') + b'ab.'
    yield 'long1-255', b'\x80\x02\x8a\xff' + b'\x01' * 20 + b'.'
    yield 'long1-nine', b'\x80\x02\x8a\x09' + b'\xff' * 8 + b'\x00.'
    yield 'long1-empty', b'\x80\x02\x8a\x00.'
    yield 'put-huge', b'\x80\x02Nr\xff\xff\xff\xff0j\xff\xff\xff\xff.'
    yield 'get-unset', b'\x80\x02h\x07.'
    yield 'memoize-many', b'\x80\x04N' + b'\x94' * 600 + b'.'
    yield 'cycle-list', b'\x80\x02]q\x00h\x00a.'
    yield 'cycle-dict', b'\x80\x02}q\x00K\x01h\x00s.'
    yield 'cycle-tuple', b'\x80\x02]q\x00h\x00\x85q\x01a.'
    yield 'memo-bomb', b'\x80\x02]q\x00' + b''.join(
        b'](' + b'h' + bytes([i]) + b'h' + bytes([i]) + b'eq' + bytes([i + 1])
        for i in range(60)) + b'.'
    yield 'mark-flood', b'(' * 300 + b'.'
    yield 'dup-flood', b'N' + b'2' * 1000 + b'.'
    yield 'nested', b']' * 80 + b'a' * 79 + b'.'
    yield 'odd-setitems', b'\x80\x02}(K\x01K\x02K\x03u.'
    yield 'setitems-on-none', b'\x80\x02N(K\x01K\x02u.'
    yield 'two-states', b'\x80\x02cm\nC\n)\x81}b}b.'
    yield 'tail', b'\x80\x02}.}.'
    yield 'stop-at-once', b'.'
    yield 'surrogate', b'\x80\x02}X\x03\x00\x00\x00\xed\xa0\x80K\x01s.'
    yield 'overlong', b'\x80\x02}X\x02\x00\x00\x00\xc0\x80K\x01s.'
    # A long word again and again by its memo number, and an object whose two
    # kinds of items alternate, as the item of a list of pairs.
    yield 'word-again', b'\x80\x02}(X\x40\x00\x00\x00' + b'w' * 64 + b'q\x00K\x00' + \
        b'h\x00K\x01' * 60 + b'u.'
    yield 'pairs-in-object', b'\x80\x02cm\nC\n)\x81q\x000cn\nD\n)\x81q\x010' + \
        b'h\x00NNs0h\x01NNs0' * 20 + b'h\x00X\x01\x00\x00\x00aaK\x00a0' + \
        b'ccollections\nOrderedDict\n](' + b'h\x00' * 40 + b'e\x85R.'


def state_pickles():
    """data.pkl of the golden archives."""
    for path in sorted((GOLDEN / 'pth').glob('*.pth')):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith('/data.pkl'):
                        yield 'state-' + path.stem, archive.read(name)


# ----------------------------------------------------------------------- pth

def text(value):
    """BINUNICODE."""
    return b'X' + struct.pack('<I', len(value)) + value


def tensor(key=b'0', count=6, offset=b'K\x00', sizes=b'K\x02K\x03', strides=b'K\x03K\x01',
           kind=b'Float'):
    """A call of _rebuild_tensor_v2."""
    return (b'ctorch._utils\n_rebuild_tensor_v2\n((' + text(b'storage') + b'ctorch\n' + kind
            + b'Storage\n' + text(key) + text(b'cpu') + b'K' + bytes([count]) + b'tQ' + offset
            + b'(' + sizes + b't(' + strides + b't\x89ccollections\nOrderedDict\n)RtR')


def archive_of(pickle, weights, name='m'):
    """A stored zip with the three usual entries."""
    out, central, parts = b'', b'', ((name + '/data.pkl', pickle), (name + '/data/0', weights),
                                     (name + '/version', b'3\n'))
    for entry, data in parts:
        shared = struct.pack('<HHHHIIIHH', 0, 0, 0, 33, zlib.crc32(data), len(data), len(data),
                             len(entry), 0)
        central += (struct.pack('<IHH', 0x02014b50, 20, 20) + shared
                    + struct.pack('<HHHII', 0, 0, 0, 0, len(out)) + entry.encode())
        out += struct.pack('<IH', 0x04034b50, 20) + shared + entry.encode() + data
    return out + central + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 3, 3, len(central), len(out),
                                       0)


def tensor_archives():
    """Shapes that lie: negative, overflowing, overlapping."""
    weights = struct.pack('<6f', *range(6))
    huge = b'\x8a\x08' + b'\xff' * 7 + b'\x7f'
    cases = {
        'good': tensor(), 'scalar': tensor(sizes=b'', strides=b''),
        'negative-size': tensor(sizes=b'J\xff\xff\xff\xffK\x03'),
        'negative-stride': tensor(strides=b'J\xff\xff\xff\xffK\x01'),
        'negative-offset': tensor(offset=b'J\xff\xff\xff\xff'),
        'huge-size': tensor(sizes=huge + huge), 'huge-stride': tensor(strides=huge + b'K\x01'),
        'huge-offset': tensor(offset=huge), 'empty-huge': tensor(sizes=b'K\x00' + huge),
        'stride-0': tensor(sizes=huge + b'K\x01', strides=b'K\x00K\x00'),
        'stride-0-small': tensor(strides=b'K\x00K\x01'), 'past-end': tensor(offset=b'K\x01'),
        'more-strides': tensor(strides=b'K\x03K\x01K\x01'), 'half': tensor(kind=b'Half', count=12),
        'bytes': tensor(kind=b'Byte', count=24), 'missing-storage': tensor(key=b'9'),
    }
    for name, value in cases.items():
        yield name, archive_of(b'\x80\x02}' + text(b'fc.weight') + value + b's.', weights)
    # Long names and keys again and again by their memo numbers.
    name = text(b'n' * 1500) + b'q\x00'
    yield 'name-again', archive_of(
        b'\x80\x02}' + name + tensor() + b'q\x01s(' + b'h\x00h\x01' * 500 + b'u.', weights)
    yield 'long-key', archive_of(
        b'\x80\x02}' + text(b'a') + tensor(key=b'k' * 256) + b's.', weights)
    yield 'two-tensors', archive_of(
        b'\x80\x02}(' + text(b'a') + tensor() + text(b'b') + tensor() + b'u.', weights)


def folder_of(config, tokenizer, weights):
    """The three files of a guide folder, as fuzz_model.c divides them."""
    return b''.join(struct.pack('<H', len(part)) + part for part in (config, tokenizer)) + weights


def strided_weights():
    """A model.pth whose tensors are views of one storage."""
    values = struct.pack('<96f', *[((i * 37) % 101) / 50 - 1 for i in range(96)])
    state = b''
    for name, shape in seeds_native.shapes():
        sizes = b''.join(b'K' + bytes([size]) for size in shape)
        steps = [seeds_native.product(shape[i + 1:]) for i in range(len(shape))]
        strides = b''.join(b'K' + bytes([step]) for step in steps)
        state += text(name.encode()) + tensor(count=96, sizes=sizes, strides=strides)
    return archive_of(b'\x80\x02}(' + state + b'u.', values)


def folders():
    """Guide folders: the small golden ones, and some made here."""
    for path in sorted((GOLDEN / 'guide').iterdir()):
        names = ('config.json', 'tokenizer.pkl', 'model.pth')
        data = folder_of(*[(path / name).read_bytes() for name in names])
        if len(data) <= 2 * 4096:
            yield path.name, data
    config = seeds_native.CONFIG
    tokenizer = b'\x80\x02}(' + b''.join(
        text(word) + b'K' + bytes([i]) for i, word in enumerate((b'a', b'zero', b'one'))) + b'u.'
    for name, said in (('made', config), ('made-none', config[:-1] + ',"padding":"none"}'),
                       ('made-wrong', '{"model_params":{}}')):
        yield name, folder_of(said.encode(), tokenizer, strided_weights())
