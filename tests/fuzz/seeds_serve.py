# SPDX-License-Identifier: Apache-2.0
"""Seeds of make_corpus.py: the server's files about models, good and wrong."""
import json

DIGEST = '0123456789abcdef' * 4
OTHER = 'FEDCBA9876543210' * 4
NATIVE = {'format': 'safetensors', 'file': 'model.safetensors', 'sha256': DIGEST}


def manifests():
    """Name and bytes of manifests."""
    for name, value in (
            ('native', NATIVE),
            ('native-full', {**NATIVE, 'name': 'english', 'version': '1.0.0-rc.1',
                             'lineage': [{'action': 'train', 'seed': 7}], 'by': ['me', None]}),
            ('folder', {'format': 'folder', 'sha256': OTHER,
                        'files': {'tokenizer.pkl': DIGEST, 'config.json': OTHER}}),
            ('onnx', {'format': 'onnx', 'file': 'm.onnx', 'sha256': DIGEST,
                      'files': {'tokenizer.json': DIGEST}}),
            ('many', {**NATIVE, 'files': {f'f{i}': DIGEST for i in range(16)}}),
            ('too-many', {**NATIVE, 'files': {f'f{i}': DIGEST for i in range(17)}}),
            ('up', {**NATIVE, 'file': '../model'}),
            ('itself', {**NATIVE, 'file': 'manifest.json'}),
            ('twice', {**NATIVE, 'files': {'model.safetensors': DIGEST}}),
            ('short', {**NATIVE, 'sha256': 'ab'}),
            ('lineage-number', {**NATIVE, 'lineage': [1]}),
            ('script', {**NATIVE, 'format': 'torchscript'}),
            ('list', [NATIVE])):
        yield name, json.dumps(value).encode()
    text = json.dumps(NATIVE).encode()
    yield 'key-twice', text[:-1] + b',"file":"other"}'
    yield 'not-utf8', text[:-1] + b',"by":"\xff\xc3"}'
    yield 'deep', b'[' * 3000
    yield 'empty', b''


def labels():
    """Name and bytes of labels.json files."""
    for name, value in (
            ('stable', {'stable': '1'}),
            ('all', {'stable': '1', 'canary': {'version': '2', 'share': 0.25},
                     'shadow': {'version': '3'}}),
            ('same', {'stable': '1', 'canary': {'version': '1', 'share': 1}}),
            ('much', {'stable': '1', 'canary': {'version': '2', 'share': 1.5}}),
            ('whole', {'stable': '1', 'canary': {'version': '2', 'share': 1}}),
            ('up', {'stable': '../1'})):
        yield name, json.dumps(value).encode()


def baselines():
    """Name, bytes and number of classes of drift baselines."""
    features = {'prediction': {'counts': [100, 200, 100]},
                'confidence': {'edges': [0.5, 0.75], 'counts': [100, 100, 200]},
                'length': {'edges': [5, 20.5], 'counts': [0, 200, 200]},
                'unknown': {'edges': [], 'counts': [400]}}
    whole = {'version': 1, 'count': 400, 'max_length': 10, 'features': features}
    yield 'good', json.dumps(whole).encode(), 3
    yield 'classes', json.dumps(whole).encode(), 2
    for name, feature, value in (
            ('sum', 'length', {'edges': [1], 'counts': [1, 2]}),
            ('falling', 'length', {'edges': [2, 1], 'counts': [0, 0, 400]}),
            ('huge', 'confidence', {'edges': [-1e308, 1e308], 'counts': [0, 400, 0]}),
            ('no-edges', 'unknown', {'counts': [400]}),
            ('negative', 'prediction', {'counts': [500, -200, 100]})):
        yield name, json.dumps({**whole, 'features': {**features, feature: value}}).encode(), 3
    yield 'few', json.dumps({**whole, 'count': 99}).encode(), 3


def requests():
    """Name and bytes of requests of HTTP."""
    line = b'POST /predict?a=b HTTP/1.1\r\nHost: x\r\n'
    body = b'{"text": "a\\u00e4\\n", "x": [1, {"y": null}], "max_length": 5}'
    yield 'length', line + b'Content-Length: %d\r\n\r\n' % len(body) + body
    yield 'chunks', (line + b'Transfer-Encoding: chunked\r\n\r\n5;e="f"\r\n' + body[:5] +
                     b'\r\n%X\r\n' % (len(body) - 5) + body[5:] + b'\r\n0\r\nT: u\r\n\r\n')
    yield 'fields', (b'GET / HTTP/1.0\r\nConnection: a, keep-alive\r\nX-Id:\t y z \r\n'
                     b'Accept: */*\r\n\r\n')
    yield 'absolute', b'OPTIONS http://h:1/p?q HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n'
    yield 'star', b'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n'
    yield 'both-lengths', line + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    yield 'two-lengths', line + b'Content-Length: 1\r\ncontent-length: 1\r\n\r\na'
    yield 'gzip', line + b'Transfer-Encoding: gzip, chunked\r\n\r\n'
    yield 'bare-lines', b'GET / HTTP/1.1\nHost: x\n\n'
    yield 'folded', line + b'A: b\r\n c\r\n\r\n'
    yield 'blank-before-colon', line + b'A : b\r\n\r\n'
    yield 'version-2', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
    yield 'long-chunk', line + b'Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n'
    yield 'deep', line + b'\r\n' + b'[' * 9 + b'1' + b']' * 9
    yield 'many', line + b'\r\n[' + b'1,' * 65 + b'1]'
    yield 'strings', line + b'\r\n["[[\\"]]", ",\\\\", "{\\u005b"]'
    yield 'many-fields', b'GET / HTTP/1.1\r\nHost: x\r\n' + b'A: b\r\n' * 100 + b'\r\n'
    yield 'tls', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'
    yield 'empty', b''
    trace = b'105445aa7843bc8bf206b12000100000'
    yield 'trace', (b'GET / HTTP/1.1\r\nHost: x\r\ntraceparent: 00-' + trace +
                    b'-00f067aa0ba902b7-01\r\n\r\n')
    yield 'trace-google', (b'GET / HTTP/1.1\r\nHost: x\r\nX-Cloud-Trace-Context: ' + trace +
                           b'/18446744073709551615;o=1\r\n\r\n')
