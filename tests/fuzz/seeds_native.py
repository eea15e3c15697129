# SPDX-License-Identifier: Apache-2.0
"""Seeds of make_corpus.py: native files (safetensors) and configurations.

Small classifiers of every layout, and headers that lie about their tensors.
"""
import json
import struct

SIZES = {'vocab_size': 4, 'embedding_dim': 2, 'hidden_size': 3, 'num_classes': 2}
CONFIG = json.dumps({'model_params': SIZES})


def shapes(layers=1, directions=1, biases=True):
    """Names and shapes of a small classifier."""
    yield 'embedding.weight', [4, 2]
    for layer in range(layers):
        for direction in range(directions):
            end = f'_l{layer}' + ('_reverse' if direction else '')
            yield 'lstm.weight_ih' + end, [12, 2 if layer == 0 else 3 * directions]
            yield 'lstm.weight_hh' + end, [12, 3]
            if biases:
                yield 'lstm.bias_ih' + end, [12]
                yield 'lstm.bias_hh' + end, [12]
    yield 'fc.weight', [2, 3 * directions]
    yield 'fc.bias', [2]


def product(dims):
    """Elements of a shape."""
    count = 1
    for size in dims:
        count *= size
    return count


def parts(dtype='F32', **how):
    """Tensors of a classifier and its words: name, dtype, shape, bytes."""
    code = {'F32': 'f', 'F64': 'd', 'F16': 'e'}[dtype]
    for name, shape in shapes(**how):
        count = product(shape)
        values = [((i * 37 + len(name)) % 101) / 50 - 1 for i in range(count)]
        yield name, dtype, shape, struct.pack(f'<{count}{code}', *values)
    yield 'vocab.offsets', 'U32', [4], struct.pack('<4I', 0, 1, 5, 8)
    yield 'vocab.bytes', 'U8', [8], b'azeroone'


def native(tensors, metadata=None, pad=8, tail=b'', length=None):
    """A native file of tensors."""
    header, data = {}, b''
    if metadata is not None:
        header['__metadata__'] = metadata
    for name, dtype, shape, body in tensors:
        header[name] = {'dtype': dtype, 'shape': shape,
                        'data_offsets': [len(data), len(data) + len(body)]}
        data += body
    return raw_native(json.dumps(header, separators=(',', ':')), data + tail, pad, length)


def raw_native(header, data=b'', pad=1, length=None):
    """A native file of a header's text."""
    header = header.encode()
    header += b' ' * (-len(header) % pad)
    return struct.pack('<Q', len(header) if length is None else length) + header + data


def good_natives():
    """Models that load."""
    ours = {'format': 'libsentiment', 'format_version': '1', 'config': CONFIG}
    yield 'plain', native(parts(), ours)
    yield 'half', native(parts('F16'), ours)
    yield 'double', native(parts('F64'), ours)
    yield 'two-layers', native(parts('F16', layers=2), ours)
    yield 'bidirectional', native(parts('F16', directions=2), ours)
    yield 'no-biases', native(parts(biases=False), ours)
    yield 'foreign', native(parts(), {'format': 'pt'})
    yield 'no-metadata', native(parts())
    ids = [('vocab.ids', 'I64', [3], struct.pack('<3q', 2, 0, 1))]
    yield 'ids', native(list(parts()) + ids, ours)
    yield 'options', native(parts(), {
        **ours, 'padding': 'none', 'max_length': '16', 'temperature': '0.5',
        'labels': '["bad","good"]',
        'tokenizer': '{"kind":"words","options":{},"unicode":"14.0.0"}'})
    yield 'huge-weights', native(
        [(n, d, s, struct.pack(f'<{product(s)}f', *[3e38] * product(s)) if d == 'F32' else b)
         for n, d, s, b in parts()], ours)
    yield 'not-a-number', native(
        [(n, d, s, b'\x00\x00\xc0\x7f' * product(s) if n == 'fc.bias' else b)
         for n, d, s, b in parts()], ours)


def int8_parts(change=None):
    """Tensors of an int8 classifier; `change` maps a name to other bytes."""
    for name, kind, shape, body in parts():
        if kind == 'F32' and len(shape) == 2 and name != 'fc.weight':
            values = bytes((i * 37 + len(name)) % 255 - 127 & 255 for i in range(product(shape)))
            found = [(name, 'I8', shape, values),
                     (name + '_scale', 'F32', shape[:1], struct.pack('<f', 1 / 64) * shape[0])]
        else:
            found = [(name, kind, shape, body)]
        for item in found:
            yield item[:3] + ((change or {}).get(item[0], item[3]),)


QUANTIZED = {'format': 'libsentiment', 'format_version': '1', 'config': CONFIG,
             'precision': 'int8', 'quantization': '{"scheme":"int8-rows","version":1}'}


def int8_natives():
    """Quantized models, most of which break a promise of the scheme."""
    yield 'plain', native(int8_parts(), QUANTIZED)
    for name, change in (
            ('minimum', {'lstm.weight_hh_l0': b'\x80' * 36}),
            ('scale-0', {'embedding.weight_scale': bytes(16)}),
            ('zeros', {'embedding.weight_scale': bytes(16), 'embedding.weight': bytes(8)}),
            ('scale-minus-0', {'embedding.weight_scale': b'\0\0\0\x80' * 4}),
            ('scale-negative', {'embedding.weight_scale': struct.pack('<4f', -1, 1, 1, 1)}),
            ('scale-nan', {'embedding.weight_scale': b'\0\0\xc0\x7f' * 4}),
            ('scale-huge', {'lstm.weight_hh_l0_scale': struct.pack('<f', 3e38) * 12}),
            ('scale-tiny', {'lstm.weight_ih_l0_scale': struct.pack('<f', 1e-45) * 12})):
        yield name, native(int8_parts(change), QUANTIZED)
    yield 'unsaid', native(int8_parts(), {k: v for k, v in QUANTIZED.items() if k[0] not in 'pq'})
    yield 'floats', native(parts(), QUANTIZED)
    for name, value in (('version', '{"scheme":"int8-rows","version":2}'), ('list', '[]'),
                        ('scheme', '{"scheme":"int4","version":1}'), ('more', QUANTIZED[
                            'quantization'][:-1] + ',"x":1}')):
        yield 'said-' + name, native(int8_parts(), {**QUANTIZED, 'quantization': value})


def bad_natives():
    """Headers that lie."""
    ours = {'format': 'libsentiment', 'format_version': '1', 'config': CONFIG}
    yield 'empty-header', raw_native('{}')
    yield 'spaces', raw_native('{}' + ' ' * 60)
    yield 'length-huge', raw_native('{}', length=(1 << 64) - 1)
    yield 'length-limit', raw_native('{}', length=100_000_001)
    yield 'length-past-end', raw_native('{}', length=3)
    yield 'tail', native(parts(), ours, tail=b'x')
    yield 'format-version', native(parts(), {**ours, 'format_version': '2'})
    yield 'crc-wrong', native(parts(), {**ours, 'data_crc32': '00000000'})
    yield 'sha-wrong', native(parts(), {**ours, 'data_sha256': '0' * 64})
    yield 'metadata-number', native(parts(), {'a': 1})
    yield 'long-names', raw_native(json.dumps({
        'n' * 79 + '\u00e9' * 60: {'dtype': 'F33', 'shape': [], 'data_offsets': [0, 0]}}))
    yield 'control-names', raw_native(json.dumps({
        'a\nb\tc\x7f\x1b[31m': {'dtype': 'F32', 'shape': [], 'data_offsets': [0, 0]}}))
    yield 'long-dtype', raw_native(json.dumps({
        'a': {'dtype': 'D' * 39 + '\u20ac' * 20, 'shape': [], 'data_offsets': [0, 0]}}))
    one = '{"a":{"dtype":"U8","shape":%s,"data_offsets":%s}}'
    for name, shape, offsets in (
            ('negative', '[-1]', '[0,0]'), ('product-wraps', '[4294967296,4294967296]', '[0,0]'),
            ('product-int64', '[9223372036854775807,2]', '[0,0]'), ('rank-9', '[1,1,1,1,1,1,1,1,1]',
                                                                   '[0,1]'),
            ('real', '[1.0]', '[0,1]'), ('backwards', '[0]', '[1,0]'), ('hole', '[1]', '[1,2]'),
            ('past-end', '[4]', '[0,4]'), ('empty', '[0,9]', '[0,0]'), ('scalar', '[]', '[0,1]'),
            ('huge-integer', '[99999999999999999999]', '[0,0]'), ('nested', '[[1]]', '[0,1]')):
        yield 'shape-' + name, raw_native(one % (shape, offsets), b'\x01\x02')
    yield 'duplicate-key', raw_native(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b'a')
    yield 'overlap', raw_native(
        '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
        '"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', b'abc')
    yield 'extra-key', raw_native(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}', b'a')
    yield 'many-empty', raw_native('{' + ','.join(
        f'"{i:x}":0' for i in range(300)) + '}')
    yield 'deep', raw_native('{"a":' + '[' * 1000 + ']' * 1000 + '}')
    yield 'utf16', raw_native('{"\\ud800":0}')
    yield 'nul-name', raw_native('{"a\\u0000b":0}')
    words = [('vocab.offsets', 'U32', [3], struct.pack('<3I', 0, 5, 4)),
             ('vocab.bytes', 'U8', [4], b'abcd')]
    yield 'offsets-backwards', native(words)
    yield 'offsets-short', native([words[0]])
    yield 'words-not-utf8', native([('vocab.offsets', 'U32', [2], struct.pack('<2I', 0, 2)),
                                    ('vocab.bytes', 'U8', [2], b'\xff\xfe')])
    yield 'word-twice', native([
        ('vocab.offsets', 'U32', [3], struct.pack('<3I', 0, 1, 2)) if n == 'vocab.offsets' else
        ('vocab.bytes', 'U8', [2], b'aa') if n == 'vocab.bytes' else (n, d, s, b)
        for n, d, s, b in parts()], ours)


def configs():
    """config.json, and what the metadata says besides."""
    plain = {'model_params': SIZES}
    yield 'plain', CONFIG, 0
    yield 'layers', json.dumps({'model_params': {**SIZES, 'num_layers': 2}}), 2
    yield 'both', json.dumps({'model_params': {**SIZES, 'num_layers': 2, 'bidirectional': True}}), 6
    yield 'all', json.dumps({**plain, 'labels': ['bad', 'good'], 'padding': 'none',
                             'max_length': 77, 'temperature': 1.25, 'tokenizer': 'words',
                             'precision': 'fp32', 'bidirectional': False, 'num_layers': 1,
                             'training_params': {'rate': 1e-3, 'x': [None, True, '\u00e9']}}), 0
    for key, values in {
            'max_length': [0, 1, 65536, 65537, -1, 1.0, '9', None, 2 ** 63],
            'temperature': [0, -1, 1e-45, 1e-320, 3e38, 1e39, 0.1, '1', None, True],
            'padding': ['none', 'max_length', 'left', 1, None],
            'tokenizer': ['words', 'whitespace', 'huggingface', {'kind': 'words'},
                          {'kind': 'words', 'options': {'x': 1}}, 5],
            'labels': [[], ['a'], ['a', 'b'], ['a', 1], ['\n', '\u0000'], 'ab', ['x' * 300, '']],
            'num_layers': [0, 1, 2, 65, True], 'bidirectional': [True, False, 0, 1, 2, 'no'],
            'precision': ['fp32', 'int8', 'bf16', 32, None],
            'vocab_size': [0, 3, 5, 2 ** 31], 'hidden_size': [4, 1 << 20, (1 << 20) + 1]}.items():
        for number, value in enumerate(values):
            if key in SIZES:
                yield f'{key}-{number}', json.dumps({'model_params': {**SIZES, key: value}}), 0
            else:
                yield f'{key}-{number}', json.dumps({**plain, key: value}), 0
    for number, value in enumerate([
            {'metadata': {'name': 'x', 'lineage': '[{}]'}}, {'metadata': {'config': 'x'}},
            {'metadata': {'a': 1}}, {'metadata': 5}, {}, None, {'metadata': {}, 'x': 1}]):
        yield f'own-{number}', json.dumps({**plain, 'libsentiment': value}), 0
    yield 'twice', json.dumps({'model_params': {**SIZES, 'max_length': 5}, 'max_length': 6}), 0
    yield 'duplicate', CONFIG[:-1] + ',"model_params":{}}', 0
    yield 'tail', CONFIG + '{}', 0
    yield 'list', '[]', 0
    yield 'deep', '{"a":' * 500 + '1' + '}' * 500, 0
    yield 'control', '{"model_params":{"vocab_size":4,"\\u0001\\n":2}}', 0
    yield 'number-huge', CONFIG[:-1] + ',"x":1e999}', 0
    yield 'real-digits', CONFIG[:-1] + ',"x":[0.1,1e-7,123456789.123456789,-0.0,5e-324]}', 0
    for name, pairs in {
            'options': ['padding', 'none', 'max_length', '12', 'temperature', '2.5'],
            'labels': ['labels', '["a","b"]'],
            'contradicts': ['max_length', '9', 'num_layers', '2'],
            'tokenizer': ['tokenizer', '{"kind":"words","options":{},"unicode":"99.0"}'],
            'no-json': ['labels', '["a"'], 'precision': ['precision', 'int8'],
            'foreign': ['name', 'x', 'lineage.created', 'y'],
            'old-lineage': ['lineage.command', 'sentiment train x', 'lineage.train_rows', '12',
                            'library_version', '0.1.0', 'z', ''],
            'lineage': ['lineage', '[{"action":"omitted","steps":9223372036854775807},{}]'],
            'lineage-bad': ['lineage', '[1]'], 'golden': ['golden', '[]']}.items():
        yield 'native-' + name, CONFIG + '\0' + '\0'.join(pairs) + '\0', 1
        yield 'alone-' + name, '\0' + '\0'.join(pairs) + '\0', 1
