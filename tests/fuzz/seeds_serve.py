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
