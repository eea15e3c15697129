# SPDX-License-Identifier: Apache-2.0
"""The files that the rivals read, made from one model: its ONNX export, its
plain weights, and token ids for every case."""
import json
import os
import struct
import subprocess

import numpy as np

TYPES = {'F32': np.float32, 'I32': np.int32, 'U32': np.uint32, 'U8': np.uint8, 'I8': np.int8}
VOCABULARY, EMBEDDING, HIDDEN, CLASSES = 10000, 128, 256, 3


def read_safetensors(path):
    """The tensors of a native file by name."""
    with open(path, 'rb') as file:
        size = struct.unpack('<Q', file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = entry['data_offsets']
            tensors[name] = np.frombuffer(data[begin:end],
                                          TYPES[entry['dtype']]).reshape(entry['shape'])
    return tensors


def write_weights(model, path):
    """The file that rivals/onednn.c describes, of a native file."""
    tensors = read_safetensors(model)
    vocab, embed = tensors['embedding.weight'].shape
    hidden, classes = tensors['lstm.weight_hh_l0'].shape[1], tensors['fc.weight'].shape[0]
    with open(path, 'wb') as file:
        file.write(struct.pack('<6Q', vocab, embed, hidden, classes, 0, 0))
        for array in (tensors['embedding.weight'], tensors['lstm.weight_ih_l0'],
                      tensors['lstm.weight_hh_l0'],
                      tensors['lstm.bias_ih_l0'] + tensors['lstm.bias_hh_l0'],
                      tensors['fc.weight'], tensors['fc.bias']):
            file.write(array.astype(np.float32).tobytes())


def make(sentiment, folder):
    """Creates the guide's model and what is made from it; paths by kind."""
    paths = {kind: os.path.join(folder, name) for kind, name in
             (('native', 'guide.safetensors'), ('onnx', 'guide.onnx'), ('weights', 'guide.bin'))}
    subprocess.run([sentiment, 'create', '--vocab-size', str(VOCABULARY),
                    '--embedding-dim', str(EMBEDDING), '--hidden-size', str(HIDDEN),
                    '--num-classes', str(CLASSES), '--seed', '1', paths['native']],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sentiment, 'convert', '--no-check', paths['native'], paths['onnx']],
                   check=True, stdout=subprocess.DEVNULL)
    write_weights(paths['native'], paths['weights'])
    return paths


def ids(folder, case):
    """Path of seeded uniform token ids for a case, 0 where it has padding."""
    path = os.path.join(folder, f'ids-{case.batch}x{case.length}-{case.words}')
    rows = np.random.default_rng(case.batch * 100003 + case.length).integers(
        1, VOCABULARY, (case.batch, case.length), dtype=np.int32)
    rows[:, case.words:] = 0
    rows.tofile(path)
    return path
