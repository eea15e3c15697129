# SPDX-License-Identifier: Apache-2.0
"""Seeds of make_corpus.py: ONNX graphs, as torch.onnx.export and others spell
the classifier, and graphs and protobufs that lie.
"""
import struct

FLOAT, INT64, DOUBLE = 1, 7, 11


# ------------------------------------------------------------------ protobuf

def varint(value):
    """Seven bits a byte; negative numbers as 64 bits."""
    value &= (1 << 64) - 1
    out = b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    """A varint field."""
    return varint(field << 3) + varint(value)


def piece(field, data):
    """A length-delimited field."""
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


# ---------------------------------------------------------------------- onnx

def tensor(name, kind, dims, raw, as_data=False):
    """TensorProto; `as_data` puts int64 numbers into int64_data."""
    body = b''.join(number(1, size) for size in dims) + number(2, kind) + piece(8, name)
    if as_data:
        return body + piece(7, b''.join(varint(value) for value in raw))
    return body + piece(9, raw)


def integers(name, *values):
    """A vector of int64."""
    return tensor(name, INT64, [len(values)], struct.pack(f'<{len(values)}q', *values))


def scalar(name, value):
    """An int64 without axes."""
    return tensor(name, INT64, [], struct.pack('<q', value))


def floats(name, *dims, kind=FLOAT):
    """Weights of some small numbers."""
    count = 1
    for size in dims:
        count *= size
    values = [((i * 37 + len(name)) % 101) / 50 - 1 for i in range(count)]
    return tensor(name, kind, dims, struct.pack(f'<{count}{"d" if kind == DOUBLE else "f"}',
                                                *values))


def attribute(name, value):
    """AttributeProto of an integer, a float, text, integers or a tensor."""
    body = piece(1, name)
    if isinstance(value, int):
        return body + number(3, value) + number(20, 2)
    if isinstance(value, float):
        return body + b'\x15' + struct.pack('<f', value) + number(20, 1)
    if isinstance(value, str):
        return body + piece(4, value) + number(20, 3)
    if isinstance(value, bytes):
        return body + piece(5, value) + number(20, 4)
    return body + b''.join(number(8, item) for item in value) + number(20, 7)


def node(kind, inputs, outputs, **attributes):
    """NodeProto."""
    body = b''.join(piece(1, name) for name in inputs)
    body += b''.join(piece(2, name) for name in outputs)
    body += piece(3, '/' + outputs[0]) + piece(4, kind)
    return body + b''.join(piece(5, attribute(*item)) for item in attributes.items())


def value_info(name, kind, *dims):
    """ValueInfoProto; a dimension is a size or a name."""
    shape = b''.join(piece(1, number(1, size) if isinstance(size, int) else piece(2, size))
                     for size in dims)
    return piece(1, name) + piece(2, piece(1, number(1, kind) + piece(2, shape)))


def model(nodes, initializers, opset=17, metadata=(), dims=('batch_size', 'sequence_length'),
          tail=b''):
    """ModelProto."""
    graph = b''.join(piece(1, item) for item in nodes) + piece(2, 'main_graph')
    graph += b''.join(piece(5, item) for item in initializers)
    graph += piece(11, value_info('input', INT64, *dims))
    graph += piece(12, value_info('output', FLOAT, dims[0], 2))
    body = number(1, 8) + piece(2, 'pytorch') + piece(7, graph) + piece(8, number(2, opset))
    return body + b''.join(piece(14, piece(1, key) + piece(2, text))
                           for key, text in metadata) + tail


EMBEDDING, HIDDEN, CLASSES = 2, 3, 2


def weights(layers=1, directions=1, biases=True, kind=FLOAT):
    """The initializers."""
    out = [floats('embedding.weight', 4, EMBEDDING, kind=kind)]
    for layer in range(layers):
        inputs = EMBEDDING if layer == 0 else directions * HIDDEN
        out += [floats(f'W{layer}', directions, 4 * HIDDEN, inputs, kind=kind),
                floats(f'R{layer}', directions, 4 * HIDDEN, HIDDEN, kind=kind)]
        if biases:
            out.append(floats(f'B{layer}', directions, 8 * HIDDEN, kind=kind))
    return out + [floats('fc.weight', CLASSES, directions * HIDDEN, kind=kind),
                  floats('fc.bias', CLASSES, kind=kind)]


def initial_state(directions, opset):
    """The tail that makes zeros of the batch's size."""
    unsqueeze = {'axes': [0]} if opset < 13 else {}
    axes = [] if opset < 13 else ['zero']
    return [
        node('Shape', ['steps'], ['shape']),
        node('Gather', ['shape', 'one'], ['batch'], axis=0),
        node('Unsqueeze', ['batch', *axes], ['batches'], **unsqueeze),
        node('Concat', ['directions', 'batches', 'hidden'], ['state_shape'], axis=0),
        node('ConstantOfShape', ['state_shape'], ['state'], value=floats('', 1)[:-4] + bytes(4)),
    ], [scalar('one', 1), integers('zero', 0), integers('directions', directions),
        integers('hidden', HIDDEN)]


def exported(layers=1, directions=1, opset=17, biases=True, kind=FLOAT, state=True):
    """The guide's classifier as torch.onnx.export writes it."""
    nodes = [node('Gather', ['embedding.weight', 'input'], ['embedded']),
             node('Transpose', ['embedded'], ['steps'], perm=[1, 0, 2])]
    constants, axes, last = [], {}, 'steps'
    if state:
        more, constants = initial_state(directions, opset)
        nodes += more
    squeeze = ['one_axis'] if opset >= 13 else []
    constants = constants + ([integers('one_axis', 1)] if opset >= 13 else [])
    if opset < 13:
        axes = {'axes': [1]}
    for layer in range(layers):
        inputs = [last, f'W{layer}', f'R{layer}', f'B{layer}' if biases else '']
        inputs += ['', 'state', 'state'] if state else []
        direction = {'direction': 'bidirectional'} if directions == 2 else {}
        nodes.append(node('LSTM', inputs, [f'Y{layer}', f'h{layer}', f'c{layer}'],
                          hidden_size=HIDDEN, **direction))
        if directions == 1:
            nodes.append(node('Squeeze', [f'Y{layer}', *squeeze], [f'S{layer}'], **axes))
        else:
            nodes.append(node('Transpose', [f'Y{layer}'], [f'T{layer}'], perm=[0, 2, 1, 3]))
            nodes.append(node('Reshape', [f'T{layer}', 'merged'], [f'S{layer}']))
        last = f'S{layer}'
    if directions == 2:
        constants.append(integers('merged', 0, 0, -1))
    nodes.append(node('Transpose', [last], ['rows'], perm=[1, 0, 2]))
    if opset >= 18:
        nodes.append(node('ReduceMean', ['rows', 'one_axis'], ['pooled'], keepdims=0))
    else:
        nodes.append(node('ReduceMean', ['rows'], ['pooled'], axes=[1], keepdims=0))
    nodes.append(node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['output'], alpha=1.0, beta=1.0,
                      transB=1))
    return nodes, weights(layers, directions, biases, kind) + constants


def good_graphs():
    """Spellings that are understood."""
    for opset in (11, 13, 17, 18, 20):
        yield f'opset-{opset}', model(*exported(opset=opset), opset)
    yield 'two-layers', model(*exported(layers=2))
    yield 'bidirectional', model(*exported(directions=2))
    yield 'no-biases', model(*exported(biases=False))
    yield 'no-state', model(*exported(state=False))
    yield 'double', model(*exported(kind=DOUBLE))
    yield 'fixed-sizes', model(*exported(), dims=(1, 8))
    nodes, constants = exported()
    matmul = nodes[:-1] + [node('Transpose', ['fc.weight'], ['turned'], perm=[1, 0]),
                           node('MatMul', ['pooled', 'turned'], ['product']),
                           node('Add', ['fc.bias', 'product'], ['output'])]
    yield 'matmul', model(matmul, constants)
    yield 'constants', model([node('Constant', [], ['one'], value=scalar('', 1))] + nodes, [
        item for item in constants if piece(8, 'one') not in item])
    yield 'identity', model(nodes + [node('Identity', ['output'], ['named'])], constants)
    yield 'reversed', model(nodes[::-1], constants)
    yield 'int64-data', model(nodes, [item for item in constants if piece(8, 'hidden') not in item]
                              + [tensor('hidden', INT64, [1], [HIDDEN], as_data=True)])


OWN = (('format', 'libsentiment'), ('format_version', '1'),
       ('config', '{"model_params":{"vocab_size":4,"embedding_dim":2,"hidden_size":3,'
                  '"num_classes":2}}'), ('vocabulary', 'a\nzero\none\n'))


def own_metadata():
    """What our own files say besides."""
    for name, more in (('words', ()), ('ids', (('vocabulary_ids', '2 0 1'),)),
                       ('ids-odd', (('vocabulary_ids', '2 99999999999999999999 -1'),)),
                       ('labels', (('labels', '["bad","good"]'),)),
                       ('crc', (('data_crc32', '00000000'),)),
                       ('twice', (('config', '{}'),)), ('tokenizer', (('tokenizer_json', '{}'),)),
                       ('rows', (('input_rows', 'equal'),)),
                       ('control', (('a\nb', 'c\x1b[0m'), ('', '')))):
        yield name, model(*exported(), metadata=OWN + more)
    yield 'escapes', model(*exported(), metadata=OWN[:3] + (
        ('vocabulary', 'a\\\\\n\\u0009\n\\ud800\n'),))
    for name, word in (('cut', '\\u00'), ('hex', '\\uZZZZ'), ('lone', '\\')):
        yield 'escape-' + name, model(*exported(), metadata=OWN[:3] + (
            ('vocabulary', f'a\n{word}\n'),))
    yield 'not-utf8', model(*exported(), tail=piece(14, piece(1, b'k\xff') + piece(2, b'\x80')))


def bad_graphs():
    """Graphs that contradict themselves or are something else."""
    nodes, constants = exported()

    def without(name):
        return [item for item in constants if piece(8, name) not in item]

    def swapped(name, data):
        return model(nodes, without(name) + [data])

    yield 'missing', model(nodes, without('R0'))
    yield 'twice', model(nodes, constants + [floats('R0', 1, 12, 3)])
    yield 'nan', swapped('fc.bias', tensor('fc.bias', FLOAT, [2], b'\0\0\xc0\x7f' * 2))
    for name, dims in (('negative', [-1, 2]), ('huge', [1 << 40, 1 << 40]),
                       ('wraps', [1 << 32] * 2), ('rank-9', [1] * 9), ('zero', [0, 2]),
                       ('short', [9, 2]), ('none', []), ('transposed', [2, 4])):
        yield 'dims-' + name, swapped('embedding.weight', tensor(
            'embedding.weight', FLOAT, dims, struct.pack('<8f', *range(8))))
    for name, hidden in (('hidden-0', 0), ('hidden-huge', 1 << 62), ('hidden-negative', -3)):
        broken = [node('LSTM', ['steps', 'W0', 'R0', 'B0', '', 'state', 'state'], ['Y0'],
                       hidden_size=hidden) if b'LSTM' in item else item for item in nodes]
        yield name, model(broken, constants)
    for name, change in (('perm', {'perm': [0, 0, 2]}), ('perm-short', {'perm': [1]}),
                         ('perm-huge', {'perm': [1 << 63, 0, 1]}), ('perm-text', {'perm': 'x'})):
        yield name, model([nodes[0], node('Transpose', ['embedded'], ['steps'], **change)]
                          + nodes[2:], constants)
    yield 'cycle', model([node('Add', ['output', 'x'], ['x']), node('Add', ['x', 'x'], ['output'])],
                         [])
    yield 'cycle-long', model([node('Identity', [f'v{(i + 1) % 50}'], [f'v{i}'])
                               for i in range(50)] + [node('Identity', ['v0'], ['output'])], [])
    yield 'chain', model([node('Identity', [f'v{i}'], [f'v{i + 1}']) for i in range(60)], [])
    doubling = [node('Concat', [f'v{i}', f'v{i}'], [f'v{i + 1}'], axis=0) for i in range(40)]
    yield 'concat-bomb', model(doubling + [node('Gather', ['v40', 'input'], ['output'])],
                               [floats('v0', 16, 4)])
    yield 'expand-bomb', model(
        [node('Expand', ['w', 'shape'], ['big']), node('Gather', ['big', 'input'], ['output'])],
        [floats('w', 1, 1), integers('shape', 1 << 30, 1 << 20)])
    yield 'constant-bomb', model(
        [node('ConstantOfShape', ['shape'], ['big']), node('Gather', ['big', 'input'], ['output'])],
        [integers('shape', 1 << 40, 4)])
    yield 'foreign-operator', model([node('Conv', ['input'], ['output'])], [])
    yield 'foreign-domain', model([nodes[0] + piece(7, 'com.microsoft')] + nodes[1:], constants)
    yield 'no-graph', number(1, 8) + piece(2, 'pytorch')
    yield 'opset-99', model(nodes, constants, 99)
    yield 'opset-1', model(nodes, constants, 1)
    external = number(1, 4) + number(1, 2) + number(2, FLOAT) + piece(8, 'embedding.weight')
    for name, place in (('weights', 'weights.bin'), ('parent', '../../etc/passwd'),
                        ('absolute', '/etc/passwd')):
        yield 'external-' + name, swapped('embedding.weight', external + number(14, 1) + piece(
            13, piece(1, 'location') + piece(2, place)))
    yield 'function', model(nodes, constants, tail=piece(25, piece(1, 'f') + piece(10, 'x')))


def bad_protobufs():
    """Bytes below the level of graphs."""
    good = model(*exported())
    yield 'varint-long', b'\x08' + b'\xff' * 12 + b'\x01' + good
    yield 'varint-cut', b'\x08\x08\x12\xff'
    yield 'length-huge', b'\x08\x08\x3a' + b'\xff' * 9 + b'\x01' + good
    yield 'field-0', b'\x08\x08\x12\x01x\x02\x01a' + good
    yield 'group', good + b'\x0b\x0c'
    yield 'wire-6', good + b'\x0e'
    yield 'fixed', good + b'\x09' + bytes(8) + b'\x0d' + bytes(4)
    yield 'wrong-wire', good.replace(piece(4, 'Gemm'), number(4, 5), 1)
    yield 'unknown-field', good + number(1000, 7) + piece(999, 'x')
    nested = b''
    for _ in range(300):
        nested = piece(7, nested)
    yield 'nested', b'\x08\x08\x12\x01x' + nested
    yield 'many-fields', b'\x08\x08\x12\x01x' + number(3, 1) * 500
    yield 'two-graphs', good + good[good.index(b'\x3a'):]
