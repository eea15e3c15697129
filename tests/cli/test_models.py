# SPDX-License-Identifier: Apache-2.0
"""create, convert, info: models made, turned from one format into another, shown."""
import hashlib
import os
import unittest

import cli

INFO = {'vocab_size', 'embedding_dim', 'hidden_size', 'num_classes', 'num_layers', 'bidirectional',
        'max_length', 'padding', 'precision', 'tokenizer', 'temperature', 'parameters',
        'vocabulary_words', 'memory_bytes', 'format', 'sha256', 'tokenizer_ignored', 'has_script',
        'has_weights', 'labels', 'metadata'}


class Models(cli.Case):
    def info(self, path):
        done = self.good(cli.run('info', '--json', '--model', path))
        return cli.json_lines(done.stdout)[0]

    def read(self, path):
        with open(path, 'rb') as file:
            return file.read()

    def predict(self, path):
        done = cli.run('predict', '--json', '--model', path, stdin='word_1 word_2\nx\n\n')
        return self.good(done).stdout

    def test_messages_name_file_and_place(self):
        folder = self.path('broken')
        self.good(cli.run('convert', self.model, folder))
        config = os.path.join(folder, 'config.json')
        text = self.read(config).decode()
        for bad, says in (('{"model_params": {"vocab_size": 1,}}',
                           'config.json: not valid JSON: .*byte 35'),
                          (text.replace('60', '61'), 'config.json: vocab_size is 61'),
                          (text.replace('60', '"60"'), "config.json: 'vocab_size' must be")):
            with open(config, 'w', encoding='utf-8') as file:
                file.write(bad)
            done = cli.run('info', '--model', folder)
            self.assertRegex(self.bad(done).stderr.decode(), '%s: %s' % (folder, says))
        cut = self.write('cut.safetensors', self.read(self.model)[:-1])
        done = self.bad(cli.run('info', '--model', cut))
        self.assertRegex(done.stderr.decode(), r'cut\.safetensors: .* \(at byte \d+\)')

    def test_info(self):
        info = self.info(self.model)
        self.assertEqual(set(info), INFO)
        # Embedding, four gates of both matrices and both biases, linear layer.
        count = 60 * 8 + 4 * 16 * (8 + 16 + 2) + 3 * 16 + 3
        expected = {'vocab_size': 60, 'embedding_dim': 8, 'hidden_size': 16, 'num_classes': 3,
                    'num_layers': 1, 'bidirectional': False, 'max_length': 512,
                    'padding': 'max_length', 'precision': 'fp32', 'tokenizer': 'whitespace',
                    'temperature': 1.0, 'parameters': count, 'format': 'safetensors',
                    'labels': ['0', '1', '2'], 'tokenizer_ignored': None, 'has_script': False,
                    'has_weights': True,
                    'sha256': hashlib.sha256(self.read(self.model)).hexdigest()}
        self.assertEqual({key: info[key] for key in expected}, expected)
        self.assertIs(info['bidirectional'], False)
        self.assertGreater(info['memory_bytes'], 4 * count)
        for value in info['metadata'].values():
            self.assertIsInstance(value, str)

    def test_info_for_a_person(self):
        text = self.good(cli.run('info', '--model', self.model)).stdout.decode()
        for word in ('whitespace', 'max_length', '0, 1, 2', 'engine native', 'engine torch',
                     'library'):
            self.assertIn(word, text)
        self.assertRegex(text, r'(?m)^engine native +yes: (c|avx2|avx512|neon)$')
        self.assertRegex(text, r'(?m)^engine torch +(yes|no): \S')

    def test_create_options(self):
        path = self.path('big.safetensors')
        self.good(cli.run('create', *cli.SIZES, '--num-layers', '2', '--bidirectional',
                          '--padding', 'none', '--max-length', '99', path))
        info = self.info(path)
        self.assertEqual((info['num_layers'], info['bidirectional'], info['padding'],
                          info['max_length']), (2, True, 'none', 99))
        # In any case, and with - for _.
        self.good(cli.run('create', *cli.SIZES, '--padding', 'MAX-Length', path))
        self.assertEqual(self.info(path)['padding'], 'max_length')

    def test_create_is_repeatable(self):
        def create(name, seed):
            path = self.path(name + '.safetensors')
            self.good(cli.run('create', *cli.SIZES, '--seed', seed, path))
            return self.predict(path)
        self.assertEqual(create('a', '5'), create('b', '5'))
        self.assertEqual(self.read(self.path('a.safetensors')),
                         self.read(self.path('b.safetensors')))
        self.assertNotEqual(create('c', '18446744073709551615'), create('d', '5'))

    def test_create_writes_a_folder(self):
        folder = self.path('folder')
        for _ in range(2):
            self.good(cli.run('create', *cli.SIZES, '--seed', '7', folder))
        self.assertEqual(sorted(os.listdir(folder)), ['config.json', 'model.pth', 'tokenizer.pkl'])
        self.assertEqual(self.predict(folder), self.predict(self.model))
        self.assertEqual(self.info(folder)['format'], 'pytorch')

    def test_convert_there_and_back(self):
        folder, back = self.path('there'), self.path('back.safetensors')
        self.good(cli.run('convert', self.model, folder))
        self.good(cli.run('convert', folder, back))
        self.good(cli.run('convert', '--allow-missing-crc', folder, back))
        for path in (folder, back):
            self.assertEqual(self.predict(path), self.predict(self.model))
            for key in INFO - {'format', 'metadata', 'memory_bytes', 'sha256'}:
                self.assertEqual(self.info(path)[key], self.info(self.model)[key], key)

    def test_failures(self):
        self.bad(cli.run('convert', self.path('none'), self.path('x')), 1, 'none')
        self.bad(cli.run('convert', self.model, self.path('no/such/x.safetensors')), 1)
        self.bad(cli.run('create', *cli.SIZES, self.path('no/such/x.safetensors')), 1)
        self.bad(cli.run('info', '--model', self.folder.name), 1)
        empty = self.write('empty.safetensors', b'')
        self.bad(cli.run('info', '--model', empty), 1, 'empty.safetensors')
        self.assertFalse(os.path.exists(self.path('x')))

    @unittest.skipIf(os.geteuid() == 0, 'root may write anywhere')
    def test_no_permission(self):
        folder = self.path('closed')
        os.mkdir(folder, 0o500)
        self.bad(cli.run('create', *cli.SIZES, folder + '/x.safetensors'), 1)
        self.assertEqual(os.listdir(folder), [])

    def test_a_failed_conversion_leaves_the_target(self):
        target = self.write('target.safetensors', b'precious')
        broken = self.write('broken.safetensors', b'{' * 64)
        self.bad(cli.run('convert', broken, target), 1)
        self.assertEqual(self.read(target), b'precious')


if __name__ == '__main__':
    cli.main()
