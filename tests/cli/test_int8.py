# SPDX-License-Identifier: Apache-2.0
"""int8 from outside: docs/quantization.md worked out in Python, against the files
and the answers of the command; --precision in predict, test and bench."""
import json
import math
import os
import re
import struct
import unittest

import cli

WORDS, EMBEDDING, HIDDEN, CLASSES = 50, 10, 24, 3
TEXTS = ['word_1', 'word_7 word_31 word_8 nothing word_49', '', 'word_3 word_3 word_4 ' * 6]


def fp32(number):
    """Rounds to single precision; of one operation on floats, as IEEE 754 does."""
    return struct.unpack('<f', struct.pack('<f', number))[0]


def read_tensors(path):
    """Name to (dtype, shape, numbers), and the metadata."""
    with open(path, 'rb') as file:
        data = file.read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop('__metadata__')
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry['data_offsets'])
        code = {'F32': 'f', 'I8': 'b', 'U32': 'I', 'U8': 'B', 'I32': 'i'}[entry['dtype']]
        count = math.prod(entry['shape'])
        numbers = struct.unpack(f'<{count}{code}', data[begin:end])
        tensors[name] = (entry['dtype'], entry['shape'], numbers)
    return tensors, metadata


def rows(tensor):
    _, (count, width), numbers = tensor
    return [numbers[r * width:(r + 1) * width] for r in range(count)]


def quantize(row):
    """One row: its scale and its bytes."""
    scale = fp32(max(map(abs, row)) / 127)
    return scale, [max(-127, min(127, round(fp32(w / scale)))) if scale else 0 for w in row]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


class Network:
    """The forward pass of the document, sums in integers and the rest in double."""

    def __init__(self, tensors):
        self.embedding = rows(tensors['embedding.weight'])
        self.embedding_scale = tensors['embedding.weight_scale'][2]
        self.w = {kind: rows(tensors[f'lstm.weight_{kind}_l0']) for kind in ('ih', 'hh')}
        self.scale = {kind: tensors[f'lstm.weight_{kind}_l0_scale'][2] for kind in ('ih', 'hh')}
        self.bias = [a + b for a, b in zip(tensors['lstm.bias_ih_l0'][2],
                                           tensors['lstm.bias_hh_l0'][2])]
        self.fc = rows(tensors['fc.weight']), tensors['fc.bias'][2]

    def step(self, token, h, c):
        e, gates = self.embedding[token], []
        hq = [round(127 * value) for value in h]
        for j in range(4 * HIDDEN):
            x = sum(a * b for a, b in zip(self.w['ih'][j], e))
            y = sum(a * b for a, b in zip(self.w['hh'][j], hq))
            gates.append(self.bias[j] + x * self.scale['ih'][j] * self.embedding_scale[token] +
                         y * self.scale['hh'][j] / 127)
        for u in range(HIDDEN):
            i, f, g, o = gates[u::HIDDEN]
            c[u] = sigmoid(f) * c[u] + sigmoid(i) * math.tanh(g)
            h[u] = sigmoid(o) * math.tanh(c[u])

    def logits(self, ids):
        h, c, total = [0.0] * HIDDEN, [0.0] * HIDDEN, [0.0] * HIDDEN
        for token in ids:
            self.step(token, h, c)
            total = [a + b for a, b in zip(total, h)]
        pooled = [value / max(len(ids), 1) for value in total]
        return [b + sum(a * p for a, p in zip(row, pooled)) for row, b in zip(*self.fc)]


class Int8(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain, cls.small = cls.path('plain.safetensors'), cls.path('small.safetensors')
        done = cli.run('create', '--vocab-size', str(WORDS), '--embedding-dim', str(EMBEDDING),
                       '--hidden-size', str(HIDDEN), '--num-classes', str(CLASSES),
                       '--padding', 'none', '--seed', '3', cls.plain)
        assert done.returncode == 0, done.stderr
        done = cli.run('optimize', cls.plain, cls.small, '--seconds', '0.001')
        assert done.returncode == 0, done.stderr

    def predict(self, model, *arguments, env=None):
        done = cli.run('predict', '--json', '--model', model, *arguments, env=env,
                       stdin='\n'.join(TEXTS) + '\n')
        return self.good(done).stdout

    def test_file_is_the_documented_one(self):
        plain, _ = read_tensors(self.plain)
        small, metadata = read_tensors(self.small)
        self.assertEqual(json.loads(metadata['quantization']),
                         {'scheme': 'int8-rows', 'version': 1})
        self.assertEqual(json.loads(metadata['config'])['precision'], 'int8')
        matrices = ['embedding.weight', 'lstm.weight_ih_l0', 'lstm.weight_hh_l0']
        self.assertEqual(set(small), set(plain) | {name + '_scale' for name in matrices})
        for name, tensor in plain.items():
            if name not in matrices:
                self.assertEqual(small[name], tensor)
                continue
            self.assertEqual(small[name][:2], ('I8', tensor[1]))
            self.assertEqual(small[name + '_scale'][:2], ('F32', tensor[1][:1]))
            for row, made, scale in zip(rows(tensor), rows(small[name]),
                                        small[name + '_scale'][2]):
                self.assertEqual((scale, list(made)), quantize(row))

    def test_answers_are_the_documented_ones(self):
        # Rounding in single precision; 1e-5 as in tests/unit/nn/test_classifier.c,
        # none of these texts meeting a border between two bytes.
        network = Network(read_tensors(self.small)[0])
        for text, answer in zip(TEXTS, cli.json_lines(self.predict(self.small))):
            ids = [int(word[5:]) if word.startswith('word_') else 0 for word in text.split()]
            weights = [math.exp(value) for value in network.logits(ids)]
            for weight, found in zip(weights, answer['probabilities']):
                self.assertAlmostEqual(weight / sum(weights), found, delta=1e-5)

    def test_session_that_quantizes(self):
        answers = self.predict(self.small)
        self.assertEqual(self.predict(self.small, '--precision', 'int8'), answers)
        self.assertEqual(self.predict(self.plain, '--precision', 'int8'), answers)
        self.assertNotEqual(self.predict(self.plain), answers)

    def test_every_instruction_set(self):
        answers = self.predict(self.small)
        for isa in ('c', 'avx2-novnni', 'avx2', 'avx512-novnni', 'avx512', 'neon-nodotprod',
                    'neon'):
            self.assertEqual(self.predict(self.small, env={'SENTIMENT_ISA': isa}), answers)
        for isa in ('c', 'avx2', 'avx512', 'neon'):
            self.assertEqual(self.predict(self.small, '--isa', isa), answers)

    def test_size(self):
        big, small = self.path('big.safetensors'), self.path('big8.safetensors')
        self.good(cli.run('create', '--vocab-size', '2000', '--embedding-dim', '64',
                          '--hidden-size', '64', '--num-classes', '3', big))
        self.good(cli.run('optimize', big, small, '--seconds', '0.001', '--length', '1'))
        self.assertLess(os.path.getsize(small), 0.33 * os.path.getsize(big))
        info = {}
        for path in (big, small):
            done = self.good(cli.run('info', '--json', '--model', path))
            info[path] = cli.json_lines(done.stdout)[0]
        self.assertEqual(info[small]['precision'], 'int8')
        self.assertEqual(info[small]['parameters'], info[big]['parameters'])
        self.assertLess(info[small]['memory_bytes'], 0.6 * info[big]['memory_bytes'])

    def test_refusals(self):
        says = 'load the model that it was made from'
        for command in (['predict', 'x'], ['bench', '--seconds', '0.001']):
            self.bad(cli.run(*command, '--model', self.small, '--precision', 'fp32'), says=says)
        self.bad(cli.run('predict', 'x', '--model', self.small, '--engine', 'torch'),
                 says='int8 needs the native engine')
        for name in ('folder', 'm.onnx'):
            target = self.path(name)
            self.bad(cli.run('convert', self.small, target),
                     says='the fp32 model that this one was made from')
            self.assertFalse(os.path.exists(target))

    def test_damaged_file(self):
        with open(self.small, 'rb') as file:
            data = file.read()
        wrong = data.replace(b'\\"version\\":1}', b'\\"version\\":2}')
        self.assertNotEqual(wrong, data)
        path = self.write('wrong.safetensors', wrong)
        self.bad(cli.run('info', '--model', path), says='this library reads the scheme int8-rows')

    def test_test_and_bench(self):
        tsv = self.write('t.tsv', 'text\tlabel\nword_1 word_2\t0\nword_3\t1\nword_4\t2\n')
        done = cli.run('test', '--model', self.plain, '--precision', 'int8', '--json', tsv)
        whole = cli.run('test', '--model', self.small, '--json', tsv)
        drop = re.compile(rb'"texts_per_second":[^,}]*')
        self.assertEqual(drop.sub(b'', self.good(done).stdout),
                         drop.sub(b'', self.good(whole).stdout))
        for model in (self.plain, self.small):
            done = cli.run('bench', '--model', model, '--precision', 'int8', '--seconds', '0.001',
                           '--length', '3', '--json')
            answer = cli.json_lines(self.good(done).stdout)[0]
            self.assertEqual((answer['precision'], answer['engine']), ('int8', 'native'))


if __name__ == '__main__':
    cli.main()
