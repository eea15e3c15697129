# SPDX-License-Identifier: Apache-2.0
"""sentiment test and bench: figures against our own arithmetic, fields, failures."""
import gzip

import cli

TEXTS = ['word_%d word_%d' % (i % 60, i * 13 % 60) for i in range(200)]


class Test(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = cli.run('predict', '--json', '--model', cls.model, stdin='\n'.join(TEXTS) + '\n')
        cls.predicted = [answer['prediction'] for answer in cli.json_lines(done.stdout)]
        cls.labels = [i % 2 for i in range(len(TEXTS))]
        cls.rows = 'label\tid\ttext\n' + ''.join(
            '%d\t%d\t%s\n' % (label, i, text)
            for i, (label, text) in enumerate(zip(cls.labels, TEXTS)))

    def figures(self):
        """What scikit-learn computes with zero_division=0."""
        pairs = list(zip(self.labels, self.predicted))
        each = {}
        for c in range(3):
            hits = pairs.count((c, c))
            support = self.labels.count(c)
            guessed = self.predicted.count(c)
            each[str(c)] = {'precision': hits / guessed if guessed else 0.0,
                            'recall': hits / support if support else 0.0,
                            'f1': 2 * hits / (support + guessed) if support + guessed else 0.0,
                            'support': support}
        seen = sorted(set(self.labels) | set(self.predicted))
        return {'accuracy': sum(a == b for a, b in pairs) / len(pairs),
                'macro_f1': sum(each[str(c)]['f1'] for c in seen) / len(seen),
                'macro_recall': sum(each[str(c)]['recall'] for c in seen) / len(seen),
                'classes': each}

    def test_figures(self):
        file = self.write('t.tsv', self.rows)
        answer, = cli.json_lines(self.good(self.run_model('test', '--json', file)).stdout)
        self.assertGreater(answer.pop('texts_per_second'), 0)
        expected = self.figures()
        self.assertEqual(list(answer), list(expected))
        self.assertEqual(list(answer['classes']), ['0', '1', '2'])
        for key in ('accuracy', 'macro_f1', 'macro_recall'):
            self.assertAlmostEqual(answer[key], expected[key], places=12)
        for label, scores in expected['classes'].items():
            self.assertEqual(list(answer['classes'][label]), list(scores))
            for key in scores:
                self.assertAlmostEqual(answer['classes'][label][key], scores[key], places=12)

    def test_gzip_and_options_give_the_same(self):
        file = self.write('t.tsv', self.rows)
        packed = self.write('t.tsv.gz', gzip.compress(self.rows.encode()))
        def figures(*arguments):
            answer, = cli.json_lines(self.good(self.run_model('test', '--json', *arguments)).stdout)
            del answer['texts_per_second']
            return answer
        for arguments in ([packed], [file, '--threads', '2'], [file, '--isa', 'c']):
            self.assertEqual(figures(*arguments), figures(file))

    def test_person(self):
        text = self.good(self.run_model('test', self.write('t.tsv', self.rows))).stdout.decode()
        for word in ('accuracy', 'macro-F1', 'macro-recall', 'precision', 'support', 'predicted'):
            self.assertIn(word, text)

    def test_bad_files(self):
        for rows, says in (('label\ttext\n0\ta\n9\tb\n', "bad.tsv:3: unknown label '9'"),
                           ('label\ttext\n0\ta\n\n', 'bad.tsv:3: '),
                           ('label\ttext\n0\n', 'bad.tsv:2: '),
                           ('label\ttext\n', 'no rows'),
                           ('text\na\n', "no column 'label'"),
                           (b'label\ttext\n0\t\xff\n', 'bad.tsv:2: invalid UTF-8')):
            done = self.bad(self.run_model('test', self.write('bad.tsv', rows)), 1, says)
            self.assertEqual(done.stdout, b'')
        self.bad(self.run_model('test', self.path('none.tsv')), 1, 'No such file')


class Bench(cli.Case):
    FIELDS = ['engine', 'precision', 'isa', 'threads', 'batch', 'length', 'median_seconds',
              'tokens_per_second']

    def bench(self, *arguments):
        done = self.good(self.run_model('bench', '--seconds', '0.01', *arguments))
        return done.stdout

    def test_json(self):
        answer, = cli.json_lines(self.bench('--json', '--batch', '3', '--length', '7'))
        self.assertEqual(list(answer), self.FIELDS)
        self.assertEqual((answer['engine'], answer['precision'], answer['threads'],
                          answer['batch'], answer['length']), ('native', 'fp32', 1, 3, 7))
        self.assertIn(answer['isa'], ('c', 'avx2', 'avx512', 'neon'))
        self.assertAlmostEqual(answer['tokens_per_second'] * answer['median_seconds'], 21, places=6)

    def test_defaults_and_isa(self):
        answer, = cli.json_lines(self.bench('--json', '--isa', 'c'))
        self.assertEqual((answer['batch'], answer['length'], answer['isa']), (1, 50, 'c'))

    def test_environment_lowers_the_isa(self):
        done = self.good(self.run_model('bench', '--seconds', '0.01', '--json',
                                        env={'SENTIMENT_ISA': 'c'}))
        self.assertEqual(cli.json_lines(done.stdout)[0]['isa'], 'c')

    def test_threads_and_seed(self):
        answer, = cli.json_lines(self.bench('--json', '--batch', '2', '--threads', '2', '--seed',
                                            '18446744073709551615'))
        self.assertEqual((answer['batch'], answer['threads']), (2, 2))

    def test_longer_than_the_model_s_max_length(self):
        answer, = cli.json_lines(self.bench('--json', '--length', '600'))
        self.assertEqual(answer['length'], 600)

    def test_padded_words(self):
        answer, = cli.json_lines(self.bench('--json', '--words', '20', '--pad', '512'))
        self.assertEqual(list(answer), self.FIELDS[:6] + ['words'] + self.FIELDS[6:])
        self.assertEqual((answer['words'], answer['length']), (20, 512))

    def test_two_engines_take_turns(self):
        answers = cli.json_lines(self.bench('--json', '--engine', 'native,auto'))
        self.assertEqual([answer['engine'] for answer in answers], ['native', 'native'])
        self.assertRegex(self.bench('--engine', 'native,auto'), rb'\d times as fast as native\n$')

    def test_person(self):
        self.assertRegex(self.bench(), rb'^native \(fp32, \w+\)  threads 1  batch 1  length 50')


if __name__ == '__main__':
    cli.main()
