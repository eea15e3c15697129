# SPDX-License-Identifier: Apache-2.0
"""The example programs, run as a reader of examples/ would."""
import glob
import os

import cli

PROGRAMS = {os.path.basename(path)[len('example_'):]: path for path in cli.EXTRA}
PREDICT, BATCH, STREAM = PROGRAMS['predict'], PROGRAMS['batch'], PROGRAMS['stream']


class Examples(cli.Case):
    def test_predict(self):
        done = self.good(cli.run(self.model, 'word_1 word_2', program=PREDICT))
        answer, = cli.json_lines(self.run_model('predict', '--json', 'word_1 word_2').stdout)
        self.assertEqual(done.stdout.decode(),
                         '%s %.3f\n' % (answer['label'], answer['confidence']))

    def test_predict_failures(self):
        self.assertEqual(cli.run(program=PREDICT).returncode, 2)
        done = cli.run(self.path('none'), 'x', program=PREDICT)
        self.assertEqual((done.returncode, done.stdout), (1, b''))
        self.assertIn(b'none', done.stderr)

    def test_batch(self):
        texts = ['word_1', '', 'word_2 word_3']
        done = self.good(cli.run(self.model, *texts, b'\xff', program=BATCH))
        lines = done.stdout.decode().split('\n')
        answers = cli.json_lines(self.run_model('predict', '--json', *texts).stdout)
        for line, answer in zip(lines, answers):
            self.assertEqual(line, '%s %.3f' % (answer['label'], answer['confidence']))
        self.assertEqual(lines[3], 'invalid UTF-8 0.000')

    def test_batch_failures(self):
        self.assertEqual(cli.run(self.model, program=BATCH).returncode, 2)
        self.assertEqual(cli.run(self.model, *['x'] * 65, program=BATCH).returncode, 2)
        self.assertEqual(cli.run(self.model, 'x' * 70000, program=BATCH).returncode, 2)
        self.assertEqual(cli.run(self.path('none'), 'x', program=BATCH).returncode, 1)

    def test_stream(self):
        model = self.path('stream.safetensors')
        self.good(cli.run('create', *cli.SIZES, '--seed', '7', '--padding', 'none', model))
        text = ('word_5 n\u00e9 ' * 3 + 'word_29 \u00e9n ' * 9 + 'word_5 ' * 20).encode()
        ends = [*range(16, len(text), 16), len(text)]
        parts = [text[:end].decode(errors='ignore') for end in ends]
        answers = cli.json_lines(cli.run('predict', '--json', '--model', model, *parts).stdout)
        shown = [new for old, new in zip([{'label': None}, *answers], answers)
                 if new['label'] != old['label']]
        expected = ['%d tokens: %s %.3f' % (each['tokens'], each['label'], each['confidence'])
                    for each in [*shown, answers[-1]]]
        done = self.good(cli.run(model, program=STREAM, stdin=text))
        self.assertEqual(done.stdout.decode().splitlines(), expected)
        self.assertGreater(len(expected), 2)

    def test_stream_failures(self):
        self.assertEqual(cli.run(program=STREAM).returncode, 2)
        self.assertEqual(cli.run(self.path('none'), program=STREAM, stdin=b'x').returncode, 1)
        done = cli.run(self.model, program=STREAM, stdin=b'word_1 ' * 9 + b'\xe2\x82')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'offset 63', done.stderr)

    def test_thread_pool(self):
        texts = ['word_%d word_%d' % (i % 50, i % 7) for i in range(200)]
        done = self.good(cli.run(self.model, *texts, program=PROGRAMS['thread_pool']))
        answers = cli.json_lines(self.run_model('predict', '--json', *texts).stdout)
        self.assertEqual(done.stdout.decode().splitlines(),
                         [answer['label'] for answer in answers])

    def test_thread_pool_failures(self):
        program = PROGRAMS['thread_pool']
        self.assertEqual(cli.run(self.model, program=program).returncode, 2)
        self.assertEqual(cli.run(self.model, *['x'] * 1025, program=program).returncode, 2)
        self.assertEqual(cli.run(self.path('none'), 'x', program=program).returncode, 1)
        done = cli.run(self.model, 'word_1', b'\xff', program=program)
        self.assertEqual((done.returncode, done.stdout.splitlines()[1]), (1, b'invalid UTF-8'))

    def test_from_memory(self):
        answer, = cli.json_lines(self.run_model('predict', '--json', 'word_1 word_2').stdout)
        done = self.good(cli.run(self.model, 'word_1 word_2', program=PROGRAMS['from_memory']))
        self.assertEqual(done.stdout.decode(), answer['label'] + '\n')

    def test_from_memory_failures(self):
        program = PROGRAMS['from_memory']
        self.assertEqual(cli.run(program=program).returncode, 2)
        self.assertEqual(cli.run(self.path('none'), 'x', program=program).returncode, 1)
        for content in (b'', b'no model', b'\xff' * 4096):
            done = cli.run(self.write('broken', content), 'x', program=program)
            self.assertEqual(done.returncode, 1)

    def test_allocator(self):
        program = PROGRAMS['allocator']
        done = self.good(cli.run(self.model, '100000000', program=program))
        self.assertRegex(done.stdout, rb'^loaded: [1-9]\d* bytes in use\n0 bytes left behind\n$')
        used = int(done.stdout.split()[1])
        for limit in range(0, used, used // 20):
            done = cli.run(self.model, str(limit), program=program)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, rb'memory.*\n0 bytes left behind\n$')

    def test_every_example_is_tested(self):
        sources = glob.glob(os.path.join(cli.SOURCE, 'examples', '*.c'))
        self.assertEqual(sorted(PROGRAMS),
                         sorted(os.path.basename(path)[:-2] for path in sources))

    def test_examples_are_short(self):
        folder = os.path.join(cli.SOURCE, 'examples')
        for name in os.listdir(folder):
            if name.endswith('.c'):
                with open(os.path.join(folder, name), encoding='utf-8') as file:
                    self.assertLess(len(file.readlines()), 60, name)


if __name__ == '__main__':
    cli.main()
