# SPDX-License-Identifier: Apache-2.0
"""sentiment compare: figures against our own arithmetic on the answers of predict, gates,
labels in another order, listed disagreements, and what is refused."""
import gzip
import math
import os

import cli
import labelled

QUICK = ['--seconds', '0']
SIDE = ['path', 'name', 'version', 'sha256', 'engine', 'precision', 'threads', 'max_length',
        'temperature', 'accuracy', 'macro_f1', 'macro_recall', 'classes', 'confusion',
        'calibration', 'median_seconds', 'texts_per_second']
FIELDS = ['a', 'b', 'test', 'test_sha256', 'texts', 'labels', 'differences', 'resamples', 'seed',
          'mcnemar', 'disagreements', 'gates', 'ok']


class Compare(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        one = labelled.make(cls.path('one.safetensors'), 7)
        other = labelled.make(cls.path('other.safetensors'), 3)
        cls.a = labelled.give_labels(one, cls.path('a'), labelled.LABELS)
        cls.b = labelled.give_labels(other, cls.path('b'), labelled.LABELS)
        cls.answers = [labelled.answers(cls.a), labelled.answers(cls.b)]
        predictions = [answer['label'] for answer in cls.answers[0]]
        cls.labels = labelled.spoil(predictions, 0.3)
        cls.rows = cls.write('t.tsv', labelled.rows(cls.labels))

    def compare(self, *arguments, status=0, a=None, b=None, test=None):
        done = cli.run('compare', a or self.a, b or self.b, '--test', test or self.rows, '--json',
                       *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        answer, = cli.json_lines(done.stdout)
        return answer

    def right(self, side):
        return [answer['label'] == label
                for answer, label in zip(self.answers[side], self.labels)]

    def test_figures(self):
        answer = self.compare(*QUICK)
        self.assertEqual(list(answer), FIELDS)
        self.assertEqual((answer['texts'], answer['labels']), (400, labelled.LABELS))
        for side, path in enumerate((self.a, self.b)):
            figures = answer['ab'[side]]
            self.assertEqual(list(figures), SIDE)
            known, = cli.json_lines(self.good(cli.run('test', '--json', '--model', path,
                                                      self.rows)).stdout)
            for key in ('accuracy', 'macro_f1', 'macro_recall', 'classes'):
                self.assertEqual(figures[key], known[key])
            self.assertEqual([sum(row) for row in figures['confusion']],
                             [self.labels.count(label) for label in labelled.LABELS])
            self.assertIsNone(figures['median_seconds'])
        for key in ('accuracy', 'macro_f1'):
            difference = answer['b'][key] - answer['a'][key]
            self.assertEqual(answer['differences'][key], difference)
            low, high = answer['differences'][key + '_interval']
            self.assertTrue(low < difference < high, (low, difference, high))
        self.assertEqual((answer['gates'], answer['ok']), ([], True))

    def test_calibration(self):
        """Bins, error, log loss and Brier score of what predict says."""
        answer = self.compare(*QUICK)
        for side in range(2):
            told = answer['ab'[side]]['calibration']
            bins, nll, brier = [[] for _ in range(15)], 0, 0
            for one, label, right in zip(self.answers[side], self.labels, self.right(side)):
                index = labelled.LABELS.index(label)
                bins[math.ceil(one['confidence'] * 15) - 1].append((one['confidence'], right))
                nll -= math.log(one['probabilities'][index]) / 400
                brier += sum((p - (c == index)) ** 2
                             for c, p in enumerate(one['probabilities'])) / 400
            ece = sum(abs(sum(right - sure for sure, right in texts)) for texts in bins) / 400
            self.assertEqual([one['count'] for one in told['bins']], list(map(len, bins)))
            self.assertAlmostEqual(told['ece'], ece, places=6)
            self.assertAlmostEqual(told['nll'], nll, places=6)
            self.assertAlmostEqual(told['brier'], brier, places=6)
            for one, texts in zip(told['bins'], bins):
                self.assertAlmostEqual(one['accuracy'], sum(right for _, right in texts) /
                                       max(len(texts), 1), places=12)

    def test_mcnemar_and_disagreements(self):
        answer = self.compare(*QUICK, '--all-disagreements')
        pairs = list(zip(self.right(0), self.right(1)))
        only = (pairs.count((True, False)), pairs.count((False, True)))
        told = answer['mcnemar']
        self.assertEqual((told['only_a_right'], told['only_b_right']), only)
        self.assertEqual(told['method'], 'exact')
        n = sum(only)
        tail = sum(math.comb(n, k) for k in range(min(only) + 1)) / 2 ** n
        self.assertAlmostEqual(told['p'] / min(1, 2 * tail), 1, places=9)
        told = answer['disagreements']
        rows = [i for i in range(400)
                if self.answers[0][i]['label'] != self.answers[1][i]['label']]
        self.assertEqual(told['count'], len(rows))
        self.assertEqual((told['regressions'], told['improvements']), only)
        self.assertEqual(told['both_wrong'], len(rows) - n)
        kinds = [one['kind'] for one in told['listed']]
        self.assertEqual(kinds, ['regression'] * only[0] + ['improvement'] * only[1] +
                         ['both_wrong'] * told['both_wrong'])
        self.assertEqual(sorted(one['line'] - 2 for one in told['listed']), rows)
        for one in told['listed']:
            row = one['line'] - 2
            self.assertEqual((one['text'], one['label']), (labelled.TEXTS[row], self.labels[row]))
            for side in range(2):
                self.assertEqual(one['ab'[side]]['label'], self.answers[side][row]['label'])
                self.assertAlmostEqual(one['ab'[side]]['confidence'],
                                       self.answers[side][row]['confidence'], places=6)
        self.assertEqual(len(self.compare(*QUICK)['disagreements']['listed']), 20)
        self.assertEqual(self.compare(*QUICK, '--disagreements', '0')['disagreements']['listed'],
                         [])

    def test_labels_in_another_order(self):
        """The same weights, classes turned: each answer has another name, and is compared by
        name."""
        turned = labelled.give_labels(self.path('one.safetensors'), self.path('turned'),
                                      ['positive', 'negative', 'neutral'])
        named = [answer['label'] for answer in labelled.answers(turned)]
        answer = self.compare(*QUICK, b=turned)
        self.assertEqual(answer['b']['accuracy'],
                         sum(a == b for a, b in zip(named, self.labels)) / 400)
        back = self.compare(*QUICK, a=turned, b=self.a)
        self.assertEqual(back['b']['accuracy'], answer['a']['accuracy'])
        self.assertEqual(back['b']['classes'], answer['a']['classes'])
        for key in ('ece', 'nll', 'brier'):
            self.assertAlmostEqual(back['b']['calibration'][key], answer['a']['calibration'][key],
                                   places=12)

    def test_gates(self):
        passed = self.compare(*QUICK, '--max-accuracy-drop', '1', '--max-f1-drop', '1', '--alpha',
                              '0')
        self.assertTrue(passed['ok'] and all(gate['ok'] for gate in passed['gates']))
        drop = -passed['differences']['accuracy']
        self.assertGreater(drop, 0.1)
        self.compare(*QUICK, '--max-accuracy-drop', '%.17g' % drop)
        for name, says in (('max-accuracy-drop', 'accuracy falls by'),
                           ('max-f1-drop', 'macro-F1 falls by'),
                           ('alpha', 'right on fewer texts, and not by chance')):
            done = self.bad(cli.run('compare', self.a, self.b, '--test', self.rows, '--' + name,
                                    '0.05', *QUICK), 1, 'gate %s: ' % name)
            self.assertIn(says.encode(), done.stderr)
            self.assertRegex(done.stdout.decode(), r'(?m)^gate %s +FAILED ' % name)
            gate, = self.compare(*QUICK, '--' + name, '0.05', status=1)['gates']
            self.assertEqual((gate['name'], gate['limit'], gate['ok']), (name, 0.05, False))
        # The other way round B is better.
        self.compare(*QUICK, '--max-accuracy-drop', '0', '--alpha', '0.99', a=self.b, b=self.a)

    def test_equal_models_keep_every_gate(self):
        answer = self.compare('--max-accuracy-drop', '0', '--max-f1-drop', '0', '--alpha', '1',
                              '--seconds', '0.01', '--max-slowdown', '1000', b=self.a)
        self.assertEqual(answer['disagreements']['count'], 0)
        self.assertEqual(answer['mcnemar']['p'], 1)
        self.assertEqual(answer['differences']['accuracy_interval'], [0, 0])
        for side in 'ab':
            self.assertAlmostEqual(answer[side]['median_seconds'] *
                                   answer[side]['texts_per_second'], 256, places=6)
        self.assertAlmostEqual(answer['differences']['slowdown'],
                               answer['b']['median_seconds'] / answer['a']['median_seconds'])

    def test_slowdown_gate(self):
        self.bad(cli.run('compare', self.a, self.a, '--test', self.rows, '--seconds', '0.01',
                         '--max-slowdown', '0'), 1, 'gate max-slowdown: B takes ')

    def test_a_side_of_its_own(self):
        answer = self.compare(*QUICK, '--b-precision', 'int8', '--a-engine', 'native', '--threads',
                              '2', b=self.a)
        self.assertEqual([answer[side]['precision'] for side in 'ab'], ['fp32', 'int8'])
        self.assertEqual([answer[side]['threads'] for side in 'ab'], [2, 2])
        self.assertEqual(self.compare(*QUICK, '--precision', 'int8', '--a-precision', 'fp32')
                         ['b']['precision'], 'int8')

    def test_seed_gzip_and_threads_give_the_same(self):
        packed = self.write('t.tsv.gz', gzip.compress(labelled.rows(self.labels).encode()))
        first = self.compare(*QUICK)
        for arguments in ({'test': packed}, {}):
            again = self.compare(*QUICK, '--threads', '2', **arguments)
            for key in ('differences', 'mcnemar', 'disagreements'):
                self.assertEqual(again[key], first[key])
        other = self.compare(*QUICK, '--seed', '2')['differences']
        self.assertNotEqual(other['accuracy_interval'], first['differences']['accuracy_interval'])
        none = self.compare(*QUICK, '--resamples', '0')['differences']
        self.assertEqual((none['accuracy_interval'], none['macro_f1_interval']), (None, None))

    def test_for_a_person(self):
        text = self.good(cli.run('compare', self.a, self.b, '--test', self.rows, '--seconds',
                                 '0.01')).stdout.decode()
        for line in (r'A  .*/a \(native, fp32, temperature 1\)', r'on 400 texts of .*/t\.tsv',
                     r'accuracy( +[-+]?\d\.\d{4}){3}  [-+]\d\.\d{4} to [-+]\d\.\d{4}',
                     r'F1 of neutral( +[-+]?\d\.\d{4}){3}  on \d+ texts',
                     r'calibration error( +[-+]?\d\.\d{4}){3}',
                     r'texts a second( +\d+){2}  B takes [\d.]+ times as long',
                     r'A alone is right on \d+ texts, B alone on \d+: McNemar.*p = .*',
                     r'They disagree on \d+ of 400 texts: .*',
                     r' +\.\.\.  \d+ more: --all-disagreements'):
            self.assertRegex(text, '(?m)^' + line + '$')

    def test_controls_do_not_reach_the_terminal(self):
        labels = ['\x1b[31mred', 'neutral', 'positive']
        a = labelled.give_labels(self.model, self.path('control-a'), labels)
        b = labelled.give_labels(self.path('other.safetensors'), self.path('control-b'), labels)
        rows = self.write('control.tsv', labelled.rows(['1'] * 400,
                                                       [text + ' \x1b]0;x\x07'
                                                        for text in labelled.TEXTS]))
        done = self.good(cli.run('compare', a, b, '--test', rows, *QUICK))
        self.assertNotIn(b'\x1b', done.stdout)

    def test_refusals(self):
        two = self.path('two.safetensors')
        self.good(cli.run('create', *cli.SIZES[:-1], '2', two))
        cases = [
            ({'b': self.model}, "has a class '0' that"),
            ({'a': self.model, 'b': two}, 'has 3 classes, '),
            ({'b': labelled.give_labels(self.model, self.path('twins'),
                                        ['negative', 'negative', 'positive'])},
             "has two classes 'negative'"),
            ({'b': self.path('none')}, 'none'),
            ({'test': self.path('none.tsv')}, 'No such file'),
            ({'test': self.write('empty.tsv', '')}, 'empty.tsv'),
            ({'test': self.write('head.tsv', 'text\tlabel\n')}, 'no rows'),
            ({'test': self.write('bare.tsv', 'text\na\n')}, "no column 'label'"),
            ({'test': self.write('short.tsv', 'text\tlabel\na\tneutral\nb\n')}, 'short.tsv:3: '),
            ({'test': self.write('unknown.tsv', 'text\tlabel\na\tgreat\n')},
             "unknown.tsv:2: unknown label 'great'"),
            ({'test': self.write('blank.tsv', 'text\tlabel\na\t\n')}, 'unknown label'),
            ({'test': self.write('bytes.tsv', b'text\tlabel\nfine\tneutral\n\xff\tneutral\n')},
             'bytes.tsv:3: invalid UTF-8'),
        ]
        for given, says in cases:
            paths = dict({'a': self.a, 'b': self.b, 'test': self.rows}, **given)
            page = self.path('page.html')
            done = self.bad(cli.run('compare', paths['a'], paths['b'], '--test', paths['test'],
                                    '--html', page, *QUICK), 1, says)
            self.assertEqual(done.stdout, b'')
            self.assertFalse(os.path.exists(page))
        self.compare(*QUICK, '--utf8', 'replace', test=self.path('bytes.tsv'))


if __name__ == '__main__':
    cli.main()
