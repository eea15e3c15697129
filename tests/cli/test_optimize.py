# SPDX-License-Identifier: Apache-2.0
"""sentiment optimize: the contract, figures against predict, what is saved, and
what is refused."""
import hashlib
import json
import os
import shutil

import cli
import history

DATE = {'SOURCE_DATE_EPOCH': '1700000000'}
QUICK = ['--seconds', '0.01', '--length', '20']
TEXTS = ['word_%d word_%d word_%d' % (i % 60, i * 13 % 60, i * 29 % 59) for i in range(2000)]


class Optimize(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # With so many classes some texts stand between two of them.
        cls.many = cls.path('many.safetensors')
        done = cli.run('create', *cli.SIZES[:-1], '300', '--padding', 'none', '--seed', '1',
                       cls.many)
        assert done.returncode == 0, done.stderr
        cls.rows = cls.write('t.tsv', 'text\tlabel\n' + ''.join(
            '%s\t%d\n' % (text, i % 3) for i, text in enumerate(TEXTS)))

    def optimize(self, source, target, *arguments):
        done = self.good(cli.run('optimize', source, target, *QUICK, *arguments, env=DATE))
        return done.stdout

    def predictions(self, path):
        done = self.good(cli.run('predict', '--json', '--model', path,
                                 stdin='\n'.join(TEXTS) + '\n'))
        return [answer['prediction'] for answer in cli.json_lines(done.stdout)]

    def test_with_a_test_file(self):
        target = self.path('small.safetensors')
        answer, = cli.json_lines(self.optimize(self.many, target, '--json', '--test', self.rows))
        self.assertEqual(list(answer), ['original', 'optimized', 'speedup', 'disagreements'])
        for side, path in (('original', self.many), ('optimized', target)):
            figures = answer[side]
            self.assertEqual(list(figures), ['bytes', 'median_seconds', 'accuracy', 'macro_f1'])
            self.assertEqual(figures['bytes'], os.path.getsize(path))
            self.assertGreater(figures['median_seconds'], 0)
            scores, = cli.json_lines(self.good(cli.run('test', '--json', '--model', path,
                                                       self.rows)).stdout)
            self.assertEqual((figures['accuracy'], figures['macro_f1']),
                             (scores['accuracy'], scores['macro_f1']))
        self.assertAlmostEqual(answer['speedup'], answer['original']['median_seconds'] /
                               answer['optimized']['median_seconds'], places=9)
        both = zip(self.predictions(self.many), self.predictions(target))
        self.assertEqual(answer['disagreements'], sum(a != b for a, b in both))
        self.assertGreater(answer['disagreements'], 0)

    def test_without_a_test_file(self):
        folder = self.path('guide')
        self.good(cli.run('convert', self.model, folder))
        answer, = cli.json_lines(self.optimize(folder, self.path('from.safetensors'), '--json'))
        self.assertIsNone(answer['disagreements'])
        self.assertEqual(list(answer['original']), ['bytes', 'median_seconds'])
        self.assertEqual(answer['original']['bytes'],
                         sum(os.path.getsize(os.path.join(folder, name))
                             for name in os.listdir(folder)))

    def test_what_is_saved(self):
        named, target = self.path('named.safetensors'), self.path('saved.safetensors')
        self.good(cli.run('convert', '--name', 'x', self.model, named, env=DATE))
        self.optimize(named, target, '--model-version', '2')
        info, = cli.json_lines(self.good(cli.run('info', '--json', '--model', target)).stdout)
        self.assertEqual(info['precision'], 'int8')
        self.assertEqual((info['metadata']['name'], info['metadata']['version']), ('x', '2'))
        steps = history.Native(target).lineage()
        self.assertEqual([step['action'] for step in steps], ['create', 'convert', 'optimize'])
        with open(named, 'rb') as file:
            parent = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual({key: steps[2][key] for key in steps[2] if key != 'library'},
                         {'action': 'optimize', 'precision': 'int8', 'parent_sha256': parent,
                          'parent_format': 'safetensors', 'created': '2023-11-14T22:13:20Z'})
        golden, old = history.Native(target).golden(), history.Native(named).golden()
        self.assertEqual(golden['precision'], 'int8')
        self.assertEqual([vector['text'] for vector in golden['vectors']],
                         [vector['text'] for vector in old['vectors']])
        self.assertNotEqual(golden['vectors'], old['vectors'])
        answer, = cli.json_lines(self.good(cli.run('verify', '--json', target)).stdout)
        self.assertIn('off by 0 at most', answer['checks'][2]['detail'])
        self.assertRegex(answer['checks'][3]['detail'], '^skipped: .* int8$')

    def test_changed_weights_are_found(self):
        target = self.path('tampered.safetensors')
        self.optimize(self.model, target)
        file = history.Native(target)
        file.flip('fc.weight')
        file.seal_crc()
        file.seal_sha256()
        done = cli.run('verify', '--json', file.save(target))
        failing = [check['name'] for check in json.loads(done.stdout)['checks'] if not check['ok']]
        self.assertEqual((done.returncode, failing), (1, ['golden']))

    def test_same_input_same_bytes(self):
        contents = []
        for name in ('one.safetensors', 'two.safetensors'):
            self.optimize(self.model, self.path(name))
            with open(self.path(name), 'rb') as file:
                contents.append(file.read())
        self.assertEqual(contents[0], contents[1])

    def test_for_a_person(self):
        text = self.optimize(self.model, self.path('p.safetensors'), '--test', self.rows).decode()
        for line in (r' +original +optimized', r'bytes +\d+ +\d+  \d+\.\d% of the size',
                     r'ms per call +[\d.e-]+ +[\d.e-]+  \d+\.\d\d times as fast',
                     r'accuracy +0\.\d{4} +0\.\d{4}', r'macro-F1 +0\.\d{4} +0\.\d{4}',
                     r'They disagree on \d+ of 2000 texts \(\d+\.\d\d%\)\.',
                     r'Calls: batch 1, length 20, threads 1; medians of \d+ and \d+, in turn\.'):
            self.assertRegex(text, '(?m)^' + line + '$')

    def test_refusals(self):
        small, other = self.path('int8.safetensors'), self.path('other.safetensors')
        self.optimize(self.model, small)
        self.bad(cli.run('optimize', small, other), 1,
                 'int8.safetensors: the model is int8 already')
        os.link(small, self.path('link.safetensors'))
        self.bad(cli.run('optimize', small, self.path('link.safetensors')), 2, 'the same file')
        self.bad(cli.run('optimize', self.model, self.path('folder')), 2, '.safetensors')
        self.bad(cli.run('optimize', self.path('none'), other), 1, 'none')
        self.bad(cli.run('optimize', self.model, self.path('no/such.safetensors')), 1,
                 'cannot write there')
        self.bad(cli.run('optimize', self.model, other, '--test', self.path('none.tsv')), 1,
                 'none.tsv')
        bad = self.write('bad.tsv', 'text\tlabel\nx\tnone\n')
        self.bad(cli.run('optimize', self.model, other, '--test', bad), 1, 'bad.tsv:2')
        self.bad(cli.run('optimize', self.model, other, '--batch', '1048576', '--length', '65536'),
                 1, 'beyond')
        self.assertFalse(os.path.exists(other))

    def test_the_result_is_checked_first(self):
        """An hour of measuring would be lost: it is longer than a test may take."""
        other = self.path('late.safetensors')
        late = ('optimize', self.model, other, '--seconds', '3600')
        self.bad(cli.run(*late, env={'SOURCE_DATE_EPOCH': 'now'}), 1, "SOURCE_DATE_EPOCH is 'now'")
        self.bad(cli.run(*late, '--name', b'\xff'), 1, '--name and --model-version must be UTF-8')
        self.assertFalse(os.path.exists(other))

    def test_a_failure_leaves_the_target(self):
        target = shutil.copy(self.model, self.path('target.safetensors'))
        self.bad(cli.run('optimize', self.path('none'), target), 1)
        with open(target, 'rb') as kept, open(self.model, 'rb') as file:
            self.assertEqual(kept.read(), file.read())


if __name__ == '__main__':
    cli.main()
