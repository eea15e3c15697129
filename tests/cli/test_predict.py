# SPDX-License-Identifier: Apache-2.0
"""sentiment predict with texts on the command line: fields, flags, failures."""
import math
import struct

import cli

FIELDS = ['prediction', 'label', 'confidence', 'probabilities', 'processing_time', 'tokens',
          'unknown', 'flags']


class Predict(cli.Case):
    def predict(self, *arguments, **options):
        done = self.good(self.run_model('predict', '--json', *arguments, **options))
        return cli.json_lines(done.stdout)

    def test_fields(self):
        answer, = self.predict('word_1 word_2 unheard')
        self.assertEqual(list(answer), FIELDS)
        self.assertEqual((answer['tokens'], answer['unknown'], answer['flags']), (3, 1, []))
        self.assertEqual(len(answer['probabilities']), 3)
        self.assertAlmostEqual(math.fsum(answer['probabilities']), 1, delta=1e-6)
        best = max(range(3), key=lambda i: answer['probabilities'][i])
        self.assertEqual(answer['prediction'], best)
        self.assertEqual(answer['confidence'], answer['probabilities'][best])
        self.assertEqual(answer['label'], str(best))
        self.assertGreater(answer['processing_time'], 0)

    def test_numbers_read_back_as_the_same_float(self):
        for answer in self.predict('word_1', 'word_2 word_3', 'word_4', 'word_5', ''):
            for number in answer['probabilities']:
                single = struct.unpack('f', struct.pack('f', number))[0]
                self.assertEqual(float('%.9g' % single), number)

    def test_flags(self):
        empty, spaces, unknown, known = self.predict('', ' \t ', 'nobody knows', 'word_3')
        self.assertEqual(empty['flags'], ['empty'])
        self.assertEqual(spaces['flags'], ['empty'])
        self.assertEqual(unknown['flags'], ['all_unknown'])
        self.assertEqual(known['flags'], [])
        long, = self.predict('word_1 word_2 word_3', '--max-length', '2')
        self.assertEqual((long['flags'], long['tokens']), (['truncated'], 3))

    def test_person(self):
        done = self.good(self.run_model('predict', 'word_1 \x1b[31mred', 'two\nlines', ''))
        lines = done.stdout.decode().split('\n')
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r'^\d  0\.\d{3}  word_1  \[31mred')
        self.assertRegex(lines[1], r'^\d  0\.\d{3}  two lines')
        self.assertRegex(lines[2], r'^\d  0\.\d{3}    \[empty\]$')

    def test_bad_utf8_fails_alone(self):
        done = self.run_model('predict', '--json', 'word_1', b'\xff\xfe', 'word_2')
        self.bad(done, 1, '1 of 3 texts failed')
        first, second, third = cli.json_lines(done.stdout)
        self.assertEqual(list(second), ['error'])
        self.assertEqual(list(second['error']), ['code', 'message'])
        self.assertEqual(second['error']['code'], -7)
        self.assertIn('at byte 0', second['error']['message'])
        self.assertEqual([first['tokens'], third['tokens']], [1, 1])
        plain = self.bad(self.run_model('predict', b'ok \xff'), 1)
        self.assertRegex(plain.stdout, rb'^error  .*at byte 3\n$')
        replaced, = self.predict('--utf8', 'replace', b'\xff word_1')
        self.assertEqual((replaced['tokens'], replaced['unknown']), (2, 1))

    def test_same_answer_on_every_path(self):
        texts = ['word_%d word_%d' % (i, i * 7 % 60) for i in range(20)] + ['', 'x']
        def key(answers):
            return [(a['prediction'], a['probabilities'], a['flags']) for a in answers]
        expected = key(self.predict(*texts))
        lines = '\n'.join(texts) + '\n'
        for options in ([], ['--threads', '2'], ['--threads', '0'], ['--isa', 'c'],
                        ['--engine', 'native'], ['--precision', 'fp32']):
            self.assertEqual(key(self.predict(*options, stdin=lines)), expected, options)
        alone = [self.predict(text)[0] for text in texts[-3:]]
        self.assertEqual(key(alone), expected[-3:])

    def test_model_failures(self):
        self.bad(cli.run('predict', '--model', self.path('missing'), 'x'), 1, 'missing')
        self.bad(cli.run('predict', '--model', '', 'x'), 1)
        broken = self.write('broken.safetensors', b'\x00' * 100)
        self.bad(cli.run('predict', '--model', broken, 'x'), 1, 'broken')

    def test_unknown_device_is_refused(self):
        done = self.run_model('predict', '--engine', 'torch', '--device', 'toaster', 'x')
        self.bad(done, 1)

    def test_missing_plugin_is_engine_unavailable(self):
        done = self.run_model('predict', '--engine', 'torch', 'x')
        if done.returncode:
            self.bad(done, 1, 'engine unavailable: ')


class Explain(cli.Case):
    def test_fields_and_exactness(self):
        text = 'word_1  WORD_2 \u00e9t\u00e9 word_3'
        done = self.good(self.run_model('predict', '--json', '--explain', text))
        answer, = cli.json_lines(done.stdout)
        self.assertEqual(list(answer), FIELDS + ['bias', 'contributions'])
        self.assertEqual(len(answer['contributions']), 4)
        for part, token in zip(answer['contributions'], text.split()):
            self.assertEqual(list(part), ['token', 'start', 'end', 'logits'])
            self.assertEqual(part['token'], token)
            self.assertEqual(text.encode()[part['start']:part['end']].decode(), token)
        logits = [answer['bias'][c] + math.fsum(p['logits'][c] for p in answer['contributions'])
                  for c in range(3)]
        total = math.fsum(map(math.exp, logits))
        for logit, probability in zip(logits, answer['probabilities']):
            self.assertAlmostEqual(math.exp(logit) / total, probability, delta=1e-5)

    def test_long_text_and_truncation(self):
        text = 'word_1 ' * 1000
        done = self.good(self.run_model('predict', '--json', '--explain', text, '--max-length',
                                        '300'))
        self.assertEqual(len(cli.json_lines(done.stdout)[0]['contributions']), 300)

    def test_line_limits_apply(self):
        lines = '{"text": "word_1 word_2 word_3", "max_length": 2}\n{"text": "word_1"}\n'
        done = self.good(self.run_model('predict', '--json', '--explain', '--input', '-',
                                        '--input-format', 'jsonl', stdin=lines))
        lengths = [len(a['contributions']) for a in cli.json_lines(done.stdout)]
        self.assertEqual(lengths, [2, 1])

    def test_replaced_bytes_stay_valid_json(self):
        done = self.good(self.run_model('predict', '--json', '--explain', '--utf8', 'replace',
                                        b'word_1 a\xffb'))
        part = cli.json_lines(done.stdout)[0]['contributions'][1]
        self.assertEqual((part['token'], part['start'], part['end']), ('a\ufffdb', 7, 10))

    def test_person_sees_a_table(self):
        done = self.good(self.run_model('predict', '--explain', 'word_1 word_2'))
        lines = done.stdout.decode().rstrip('\n').split('\n')
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[2], r'^ +([+-]\d+\.\d{4} +){3}word_1$')
        self.assertIn('(bias and padding)', lines[4])


if __name__ == '__main__':
    cli.main()
