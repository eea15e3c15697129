# SPDX-License-Identifier: Apache-2.0
"""sentiment verify: what it finds in a good model, and that nothing that was
changed behind its back goes unnoticed."""
import os
import shutil
import unittest

import cli
import history

CHECKS = ['structure', 'digest', 'golden', 'torch']
PLUGIN = os.path.join(os.path.dirname(cli.TOOL), 'libsentiment-torch.so')


class Verify(cli.Case):
    @classmethod
    def setUpClass(cls):
        """Opening libtorch takes longer than all the rest: most tests run a copy of
        command and library, beside which there is no plugin."""
        super().setUpClass()
        build = os.path.dirname(cli.TOOL)
        os.mkdir(cls.path('alone'))
        cls.alone = shutil.copy(cli.TOOL, cls.path('alone'))
        cls.library = {'LD_LIBRARY_PATH': cls.path('alone')}
        shutil.copy(os.path.join(build, 'libsentiment.so.0'), cls.path('alone'))

    def verify(self, path, status=0):
        """The checks by name; both kinds of output tell the same."""
        done = cli.run('verify', path, '--json', program=self.alone, env=self.library)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        answer, = cli.json_lines(done.stdout)
        self.assertEqual(list(answer), ['ok', 'checks'])
        self.assertIs(answer['ok'], status == 0)
        self.assertEqual([check['name'] for check in answer['checks']], CHECKS)
        for check in answer['checks']:
            self.assertEqual(list(check), ['name', 'ok', 'detail'])
            self.assertIs(type(check['ok']), bool)
            self.assertTrue(check['detail'] and '\n' not in check['detail'])
        self.assertIs(answer['ok'], all(check['ok'] for check in answer['checks']))
        self.check_table(path, status, answer['checks'])
        return {check['name']: check for check in answer['checks']}

    def check_table(self, path, status, checks):
        done = cli.run('verify', path, program=self.alone, env=self.library)
        self.assertEqual(done.returncode, status)
        lines = done.stdout.decode().splitlines()
        for line, check in zip(lines, checks):
            word = ('FAILED' if not check['ok'] else
                    'skipped' if check['detail'].startswith('skipped: ') else 'ok')
            self.assertEqual(line.split()[:2], [check['name'], word])
        self.assertEqual(len(lines), len(CHECKS))

    def changed(self, name, *steps):
        """A copy of the model after the steps."""
        file = history.Native(self.model)
        for step in steps:
            step(file)
        return file.save(self.path(name + '.safetensors'))

    def failing(self, path):
        """Names of the checks that fail."""
        checks = self.verify(path, 1)
        return [name for name in CHECKS if not checks[name]['ok']]

    def test_a_good_model(self):
        checks = self.verify(self.model)
        self.assertIn('2195 weights', checks['structure']['detail'])
        self.assertIn('SHA-256', checks['digest']['detail'])
        self.assertIn('off by 0 at most', checks['golden']['detail'])
        self.assertTrue(checks['torch']['detail'].startswith('skipped: '))

    @unittest.skipUnless(os.path.exists(PLUGIN), 'needs the plugin of libtorch')
    def test_libtorch(self):
        done = self.good(cli.run('verify', '--json', self.model))
        answer, = cli.json_lines(done.stdout)
        self.assertRegex(answer['checks'][3]['detail'], r'^9 texts: .* differ by \d')
        # Without golden vectors, on the texts that they would have.
        path = self.changed('untested', lambda file: file.metadata.pop('golden'))
        answer, = cli.json_lines(self.good(cli.run('verify', '--json', path)).stdout)
        self.assertRegex(answer['checks'][3]['detail'], r'^9 texts: .* differ by \d')

    @unittest.skipUnless(os.path.exists(cli.BUNDLED), 'no bundled model in this build')
    def test_the_bundled_model(self):
        checks = self.verify(cli.BUNDLED)
        self.assertIn('SHA-256 that the file states', checks['digest']['detail'])
        self.assertIn('9 texts have the recorded', checks['golden']['detail'])
        file = history.Native(cli.BUNDLED)
        with open(os.path.join(cli.SOURCE, 'models', 'README.md'), encoding='utf-8') as card:
            text = card.read()
        self.assertIn('`%(name)s` %(version)s' % file.metadata, text)
        self.assertIn('`%s`' % file.metadata['data_sha256'], text)
        self.assertEqual(file.lineage()[0]['action'], 'train')

    def test_a_folder(self):
        folder = self.path('guide')
        self.good(cli.run('convert', self.model, folder))
        checks = self.verify(folder)
        self.assertRegex(checks['digest']['detail'], '^skipped: .*[0-9a-f]{64}')
        self.assertIn('off by 0 at most', checks['golden']['detail'])

    def test_a_model_without_golden_vectors(self):
        path = self.changed('without', lambda file: file.metadata.pop('golden'))
        self.assertEqual(self.verify(path)['golden']['detail'],
                         'skipped: the model has no golden vectors')

    def test_changed_weights(self):
        for name in ('fc.weight', 'fc.bias', 'lstm.weight_hh_l0', 'embedding.weight'):
            def flip(file, name=name):
                file.flip(name)
            path = self.changed('crc', flip)
            self.assertEqual(self.failing(path), ['structure'])
            self.assertIn('CRC-32', self.verify(path, 1)['structure']['detail'])
            path = self.changed('sha', flip, history.Native.seal_crc)
            self.assertEqual(self.failing(path), ['digest', 'golden'])
            path = self.changed('all', flip, history.Native.seal_crc, history.Native.seal_sha256)
            self.assertEqual(self.failing(path), ['golden'])
            self.assertIn('other probabilities', self.verify(path, 1)['golden']['detail'])

    def test_a_changed_vocabulary(self):
        def rename(file):
            at = file.data.index(b'word_1word_2')
            file.data[at:at + 6] = b'mord_1'
        path = self.changed('words', rename, history.Native.seal_crc, history.Native.seal_sha256)
        self.assertEqual(self.failing(path), ['golden'])
        self.assertIn('other token ids', self.verify(path, 1)['golden']['detail'])

    def test_changed_golden_vectors(self):
        def change(act):
            def step(file):
                golden = file.golden()
                act(golden)
                file.set_golden(golden)
            return self.changed('golden', step)

        def set_in_first(key, value):
            return lambda golden: golden['vectors'][0].update({key: value})
        acts = [lambda golden: golden.update(version=2),
                lambda golden: golden.update(precision='fp16'),
                lambda golden: golden.update(padding='some'),
                lambda golden: golden.update(max_length=0),
                lambda golden: golden.update(max_length=65537),
                lambda golden: golden.update(tolerance=0.01),
                lambda golden: golden.update(tolerance=-1),
                lambda golden: golden.update(tolerance='1e-6'),
                lambda golden: golden.update(vectors=[]),
                lambda golden: golden.update(vectors=[1]),
                lambda golden: golden.pop('tolerance'),
                set_in_first('text', 7), set_in_first('text', 'word_1'),
                set_in_first('ids', [0, 0, 0, 1]), set_in_first('ids', [0, 0, 0, 0, 0]),
                set_in_first('ids', ['0', 0, 0, 0]), set_in_first('ids', None),
                set_in_first('probabilities', [1, 0, 0]), set_in_first('probabilities', [1, 0]),
                set_in_first('probabilities', ['x', 'y', 'z']), set_in_first('probabilities', {})]
        for act in acts:
            self.assertEqual(self.failing(change(act)), ['golden'])
        for text in ('', '[]', '{', 'null', '{"version": 1}'):
            path = self.changed('golden', lambda file, text=text: file.metadata.update(golden=text))
            self.assertEqual(self.failing(path), ['golden'])

    def test_files_that_do_not_load(self):
        with open(self.model, 'rb') as whole:
            content = whole.read()
        for bad in (b'', b'{', content[:-1], content[:200], b'\x00' * 300):
            path = self.write('bad.safetensors', bad)
            checks = self.verify(path, 1)
            self.assertFalse(checks['structure']['ok'])
            self.assertIn('bad.safetensors', checks['structure']['detail'])
            for name in CHECKS[1:]:
                self.assertTrue(checks[name]['detail'].startswith('skipped: '))
        self.assertFalse(self.verify(self.path('none'), 1)['structure']['ok'])
        lineage = self.changed('lineage', lambda file: file.metadata.update(lineage='{}'))
        self.assertIn('lineage', self.verify(lineage, 1)['structure']['detail'])

    def test_the_message(self):
        path = self.write('bad.safetensors', b'nothing')
        self.bad(cli.run('verify', path), 1, 'bad.safetensors: 1 of 4 checks failed')
        self.bad(cli.run('verify', '--json', path), 1, '1 of 4 checks failed')

    def test_golden_vectors_are_what_predict_says(self):
        golden = history.Native(self.model).golden()
        self.assertEqual({key: golden[key] for key in golden if key != 'vectors'},
                         {'version': 1, 'precision': 'fp32', 'padding': 'max_length',
                          'max_length': 512, 'tolerance': 1e-6})
        texts = [vector['text'] for vector in golden['vectors']]
        self.assertIn('', texts)
        self.assertTrue(any(ord(letter) > 0xffff for text in texts for letter in text))
        words = {word for text in texts for word in text.split() if word.startswith('word_')}
        self.assertEqual(len(words), 60)
        for vector in golden['vectors']:
            answer, = cli.json_lines(
                self.run_model('predict', '--json', '--', vector['text']).stdout)
            self.assertEqual(answer['probabilities'], vector['probabilities'])
            tokens, = cli.json_lines(
                self.run_model('tokenize', '--json', '--', vector['text']).stdout)
            self.assertEqual(tokens['ids'], vector['ids'])

    def test_a_short_max_length(self):
        path = self.path('short.safetensors')
        self.good(cli.run('create', *cli.SIZES, '--max-length', '5', '--padding', 'none', path))
        golden = history.Native(path).golden()
        self.assertEqual((golden['max_length'], golden['padding']), (5, 'none'))
        self.assertEqual(max(len(vector['ids']) for vector in golden['vectors']), 5)
        self.verify(path)


if __name__ == '__main__':
    cli.main()
