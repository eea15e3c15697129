# SPDX-License-Identifier: Apache-2.0
"""sentiment train: data, options, lineage, interruption. Without the plugin of
libtorch only the failures are tested."""
import hashlib
import json
import os
import signal
import subprocess
import unittest

import cli

WORDS = {'bad': 'awful terrible poor broken', 'good': 'lovely great superb fine',
         'so': 'plain usual average common'}


def rows(count, labels=True):
    lines = ['text\tlabel\n']
    for i in range(count):
        label = sorted(WORDS)[i % 3]
        words = WORDS[label].split()
        lines.append('the %s thing is %s\t%s\n' % (words[i % 4], words[i * 7 % 4], label))
    return ''.join(lines)


def has_torch():
    folder = os.path.dirname(cli.TOOL)
    return os.path.exists(os.path.join(folder, 'libsentiment-torch.so'))


SMALL = ['--epochs', '3', '--batch_size', '16', '--embedding-dim', '8', '--hidden_size', '8',
         '--min-count', '1', '--learning_rate', '0.02', '--threads', '1', '--ema-decay', '0',
         '--pretrain-epochs', '1']


class Base(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.train = cls.write('train.tsv', rows(120))
        cls.dev = cls.write('dev.tsv', rows(30))

    def arguments(self, output, *more, train=None, dev=None):
        return ['train', '--train', train or self.train, '--dev', dev or self.dev,
                '--output', self.path(output), *SMALL, *more]


class Failures(Base):
    def test_bad_data(self):
        cases = [({'train': self.path('none')}, 'No such file'),
                 ({'train': self.write('a.tsv', 'text\nx\n')}, "no column 'label'"),
                 ({'train': self.write('b.tsv', 'text\tlabel\n')}, 'no rows'),
                 ({'train': self.write('c.tsv', 'text\tlabel\na\tx\nb\t\n')}, 'c.tsv:3: '),
                 ({'train': self.write('d.tsv', 'text\tlabel\na\tx\n\n')}, 'd.tsv:3: '),
                 ({'dev': self.write('e.tsv', 'text\tlabel\na\tother\n')},
                  "e.tsv:2: unknown label 'other'"),
                 ({'train': self.write('f.tsv', 'text\tlabel\n' + ''.join(
                     'a\tlabel%d\n' % i for i in range(1001)))}, 'more than 1000')]
        for files, says in cases:
            with self.subTest(says=says):
                self.bad(cli.run(*self.arguments('x.safetensors', **files)), 1, says)
                self.assertFalse(os.path.exists(self.path('x.safetensors')))

    def test_labels_of_the_command_line(self):
        done = cli.run(*self.arguments('x.safetensors', '--labels', 'bad,good'))
        self.bad(done, 1, "train.tsv:4: unknown label 'so'")

    def test_output_is_checked_first(self):
        done = cli.run(*self.arguments('no/such/folder/x.safetensors'))
        self.bad(done, 1, 'cannot write there')
        done = cli.run(*self.arguments('model.pth'))
        self.bad(done, 1, 'model.pth: .pth files cannot be written')
        folder = self.path('kept')
        os.mkdir(folder)
        self.bad(cli.run(*self.arguments('kept', train=self.path('none'))), 1, 'No such file')
        self.assertEqual(os.listdir(folder), [])

    @unittest.skipIf(has_torch(), 'the plugin is there')
    def test_without_plugin(self):
        self.bad(cli.run(*self.arguments('x.safetensors')), 1)


@unittest.skipUnless(has_torch(), 'needs the plugin of libtorch')
class Training(Base):
    ENV = {'SOURCE_DATE_EPOCH': '1700000000'}

    def fit(self, output, *more):
        done = cli.run(*self.arguments(output, *more), env=self.ENV)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, b'')
        return done

    def info(self, output):
        done = self.good(cli.run('info', '--json', '--model', self.path(output)))
        return cli.json_lines(done.stdout)[0]

    def test_learns_and_tells_where_it_comes_from(self):
        done = self.fit('m.safetensors', '--name', 'learner')
        for epoch in (1, 2, 3):
            self.assertRegex(done.stderr.decode(), r'(?m)^epoch %d/3  loss \d.*macro-F1 ' % epoch)
        self.assertNotIn(b'\r', done.stderr)
        info = self.info('m.safetensors')
        self.assertEqual(info['labels'], ['bad', 'good', 'so'])
        step, = json.loads(info['metadata']['lineage'])
        for key, path in (('train_sha256', self.train), ('dev_sha256', self.dev)):
            with open(path, 'rb') as file:
                self.assertEqual(step[key], hashlib.sha256(file.read()).hexdigest())
        self.assertEqual((step['action'], step['train_rows'], step['dev_rows'], step['created']),
                         ('train', 120, 30, '2023-11-14T22:13:20Z'))
        self.assertTrue(step['command'].startswith('sentiment train --train '))
        self.assertEqual(set(step), {'action', 'command', 'train_sha256', 'train_rows',
                                     'dev_sha256', 'dev_rows', 'library', 'created'})
        self.assertEqual(info['metadata']['name'], 'learner')
        self.good(cli.run('verify', self.path('m.safetensors')))
        scores, = cli.json_lines(self.good(cli.run(
            'test', '--json', '--model', self.path('m.safetensors'), self.dev)).stdout)
        self.assertGreater(scores['macro_f1'], 0.5)

    def test_same_seed_same_file(self):
        names = ['s/a.safetensors', 't/a.safetensors']
        contents = []
        for name in names:
            os.makedirs(os.path.dirname(self.path(name)))
            done = subprocess.run(
                [*cli.COMMAND, 'train', '--train', self.train, '--dev', self.dev, '--output',
                 'a.safetensors', *SMALL, '--seed', '3'], stderr=subprocess.PIPE,
                cwd=os.path.dirname(self.path(name)), env=dict(os.environ, **self.ENV))
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path(name), 'rb') as file:
                contents.append(file.read())
        self.assertEqual(contents[0], contents[1])

    def test_label_order(self):
        self.fit('o.safetensors', '--labels', 'so,good,bad', '--epochs', '1')
        self.assertEqual(self.info('o.safetensors')['labels'], ['so', 'good', 'bad'])

    def interrupt(self, output, number):
        """Sends the signal behind the first epoch of very many."""
        process = subprocess.Popen(
            [*cli.COMMAND, *self.arguments(output, '--epochs', '100000', '--patience', '0')],
            stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill) # the first of the three, whatever happens
        self.assertIn(b'pre-training 1/1', process.stderr.readline())
        self.assertIn(b'epoch 1/', process.stderr.readline())
        process.send_signal(number)
        rest = process.stderr.read()
        return process.wait(60), rest

    def test_interrupted_training_keeps_the_best_epoch(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            name = 'i%d.safetensors' % number
            status, rest = self.interrupt(name, number)
            self.assertEqual(status, 0, rest)
            self.assertIn(b'interrupted; saving the best epoch', rest)
            step, = json.loads(self.info(name)['metadata']['lineage'])
            self.assertIs(step['interrupted'], True)

    def test_folder_as_output(self):
        self.fit('folder', '--epochs', '1')
        self.assertIn('model.pth', os.listdir(self.path('folder')))


if __name__ == '__main__':
    cli.main()
