# SPDX-License-Identifier: Apache-2.0
"""sentiment calibrate: the temperature is the likeliest, labels stay, what is saved in each
format, the way back, and files that tell no temperature."""
import json
import math
import os
import random
import shutil
import unittest

import cli
import history
import labelled

DATE = {'SOURCE_DATE_EPOCH': '1700000000'}


def sampled(told, temperature):
    """Labels drawn from the model's own distribution at a temperature: the one that makes it
    calibrated."""
    numbers, labels = random.Random(5), []
    for answer in told:
        weights = [p ** (1 / temperature) for p in answer['probabilities']]
        labels.append(str(numbers.choices(range(3), weights)[0]))
    return labels


class Calibrate(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.texts = labelled.TEXTS * 5
        cls.sharp = labelled.make(cls.path('sharp.safetensors'), 7, strength=200)
        cls.told = labelled.answers(cls.sharp, texts=cls.texts)
        cls.dev = cls.write('dev.tsv', labelled.rows(sampled(cls.told, 2), cls.texts))

    def calibrate(self, model, *arguments):
        done = self.good(cli.run('calibrate', model, '--json', *arguments, env=DATE))
        answer, = cli.json_lines(done.stdout)
        return answer

    def saved(self, name='saved.safetensors', *arguments):
        path = self.path(name)
        self.calibrate(self.sharp, '--dev', self.dev, '--output', path, *arguments)
        return path

    def info(self, path):
        return cli.json_lines(self.good(cli.run('info', '--json', '--model', path)).stdout)[0]

    def nll(self, told, temperature):
        """Log loss of the dev labels with the temperature on top."""
        with open(self.dev, encoding='utf-8') as file:
            labels = [int(line.split('\t')[1]) for line in list(file)[1:]]
        total = 0
        for answer, label in zip(told, labels):
            logs = [math.log(p) / temperature for p in answer['probabilities']]
            total += math.log(sum(map(math.exp, logs))) - logs[label]
        return total / len(labels)

    def test_finds_the_likeliest(self):
        answer = self.calibrate(self.sharp, '--dev', self.dev)
        self.assertEqual(list(answer), ['model', 'texts', 'dev_sha256', 'accuracy', 'before',
                                        'after', 'output'])
        self.assertEqual(list(answer['before']), ['temperature', 'ece', 'nll', 'brier',
                                                  'mean_confidence'])
        before, after = answer['before'], answer['after']
        self.assertEqual((before['temperature'], answer['texts'], answer['output']),
                         (1, 2000, None))
        self.assertAlmostEqual(before['nll'], self.nll(self.told, 1), places=5)
        self.assertAlmostEqual(after['nll'], self.nll(self.told, after['temperature']), places=5)
        for off in (0.98, 1.02):
            self.assertLess(after['nll'], self.nll(self.told, after['temperature'] * off))
        # Two thousand labels drawn at temperature 2: some percent of chance.
        self.assertTrue(1.6 < after['temperature'] < 2.5, after)
        for key in ('ece', 'nll', 'brier'):
            self.assertLess(after[key], before[key])
        known, = cli.json_lines(self.good(cli.run('test', '--json', '--model', self.sharp,
                                                  self.dev)).stdout)
        self.assertEqual(answer['accuracy'], known['accuracy'])

    def test_labels_stay(self):
        saved = self.saved()
        temperature = self.info(saved)['temperature']
        for one, other in zip(self.told, labelled.answers(saved, texts=self.texts)):
            for key in ('prediction', 'label', 'tokens', 'unknown', 'flags'):
                self.assertEqual(other[key], one[key])
            weights = [p ** (1 / temperature) for p in one['probabilities']]
            for weight, p in zip(weights, other['probabilities']):
                self.assertAlmostEqual(weight / sum(weights), p, places=5)

    @unittest.skipUnless(os.path.exists(os.path.join(os.path.dirname(cli.TOOL),
                                                     'libsentiment-torch.so')), 'no libtorch')
    def test_both_engines_honour_it(self):
        saved = self.saved()
        for one, other in zip(labelled.answers(saved, '--engine', 'native'),
                              labelled.answers(saved, '--engine', 'torch')):
            for a, b in zip(one['probabilities'], other['probabilities']):
                self.assertAlmostEqual(a, b, places=4)

    def test_what_is_saved(self):
        saved = self.saved('named.safetensors', '--name', 'x', '--model-version', '2')
        info = self.info(saved)
        self.assertEqual((info['metadata']['name'], info['metadata']['version']), ('x', '2'))
        step = history.Native(saved).lineage()[-1]
        self.assertEqual(step['action'], 'calibrate')
        self.assertAlmostEqual(step['temperature'], info['temperature'], places=6)
        self.assertEqual((step['previous_temperature'], step['dev_rows'], step['created']),
                         (1, 2000, '2023-11-14T22:13:20Z'))
        self.assertEqual(step['parent_sha256'], self.info(self.sharp)['sha256'])
        self.assertEqual(step['dev_sha256'],
                         self.calibrate(self.sharp, '--dev', self.dev)['dev_sha256'])
        self.assertLess(step['ece'], step['previous_ece'])
        text = self.good(cli.run('info', '--model', saved)).stdout.decode()
        self.assertRegex(text, r'(?m)^temperature +%.6g$' % info['temperature'])
        answer, = cli.json_lines(self.good(cli.run('verify', '--json', saved)).stdout)
        self.assertIn('off by 0 at most', answer['checks'][2]['detail'])
        with open(saved, 'rb') as one, open(self.saved('again.safetensors', '--name', 'x',
                                                       '--model-version', '2'), 'rb') as other:
            self.assertEqual(one.read(), other.read())

    def test_every_format_keeps_it(self):
        """Through a folder, ONNX and back, and to int8."""
        saved = self.saved()
        temperature = self.info(saved)['temperature']
        folder, onnx, back = self.path('folder'), self.path('m.onnx'), self.path('b.safetensors')
        self.good(cli.run('convert', saved, folder))
        with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
            self.assertAlmostEqual(json.load(file)['temperature'], temperature, places=6)
        self.good(cli.run('convert', '--no-check', folder, onnx))
        self.good(cli.run('convert', onnx, back))
        small = self.path('small.safetensors')
        self.good(cli.run('optimize', back, small, '--seconds', '0.001', '--length', '5'))
        for path in (folder, onnx, back, small):
            self.assertEqual(self.info(path)['temperature'], temperature)
            self.good(cli.run('verify', path))

    def test_saves_into_every_format(self):
        temperature = self.info(self.saved())['temperature']
        for name in ('direct', 'direct.onnx'):
            self.assertEqual(self.info(self.saved(name))['temperature'], temperature)
            self.good(cli.run('verify', self.path(name)))
        small = self.path('int8.safetensors')
        self.good(cli.run('optimize', self.sharp, small, '--seconds', '0.001', '--length', '5'))
        done = self.calibrate(small, '--dev', self.dev, '--output', small)
        self.assertEqual(self.info(small)['precision'], 'int8')
        self.assertEqual(self.info(small)['temperature'], done['after']['temperature'])
        self.good(cli.run('verify', small))

    def test_the_way_back(self):
        """In place, twice."""
        path = shutil.copy(self.saved(), self.path('back.safetensors'))
        again = self.calibrate(path, '--dev', self.dev)
        self.assertAlmostEqual(again['after']['temperature'] / again['before']['temperature'], 1,
                               places=4)
        answer = self.calibrate(path, '--reset', '--output', path)
        self.assertEqual((answer['after']['temperature'], answer['texts']), (1, None))
        self.assertIsNone(answer['before']['ece'])
        self.assertEqual(labelled.answers(path), labelled.answers(self.sharp))
        self.good(cli.run('verify', path))
        actions = [step['action'] for step in history.Native(path).lineage()]
        self.assertEqual(actions, ['create', 'calibrate', 'calibrate'])
        given = self.calibrate(path, '--temperature', '1.5', '--dev', self.dev, '--output', path)
        self.assertEqual(given['after']['temperature'], 1.5)
        self.assertAlmostEqual(given['after']['nll'], self.nll(self.told, 1.5), places=5)
        self.assertEqual(self.info(path)['temperature'], 1.5)

    def test_a_baseline_is_left_out(self):
        target = os.path.join(self.path('served'), 'm', '1')
        os.makedirs(os.path.dirname(os.path.dirname(target)))
        texts = self.write('texts.txt', '\n'.join(self.texts) + '\n')
        self.good(cli.run('publish', self.sharp, target, '--texts', texts))
        model = os.path.join(target, 'model.safetensors')
        self.assertIn('baseline', self.info(model)['metadata'])
        done = cli.run('calibrate', model, '--temperature', '2', '--output', self.path('n'))
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'has no baseline for drift', done.stderr)
        self.assertNotIn('baseline', self.info(self.path('n'))['metadata'])

    def test_for_a_person(self):
        text = self.good(cli.run('calibrate', self.sharp, '--dev', self.dev)).stdout.decode()
        for line in (r' +before +after', r'temperature +1 +[\d.]+',
                     r'calibration error +\d\.\d{4} +\d\.\d{4}', r'texts +2000',
                     r'Nothing was saved: --output DST does that\.'):
            self.assertRegex(text, '(?m)^' + line + '$')
        target = self.path('p.safetensors')
        done = self.good(cli.run('calibrate', self.sharp, '--reset', '--output', target))
        self.assertRegex(done.stdout.decode(), r'Saved as .*p\.safetensors\.\n$')

    def test_files_that_tell_none(self):
        right = [str(answer['prediction']) for answer in self.told]
        wrong = [str((answer['prediction'] + 1) % 3) for answer in self.told]
        out = self.path('none.safetensors')
        for name, labels, says in (('one.tsv', ['2'] * 2000, "all 2000 texts have the label '2'"),
                                   ('right.tsv', right, 'grows down to temperature 0.001'),
                                   ('wrong.tsv', wrong, 'tell nothing about these labels')):
            dev = self.write(name, labelled.rows(labels, self.texts))
            self.bad(cli.run('calibrate', self.sharp, '--dev', dev, '--output', out), 1, says)
            self.assertFalse(os.path.exists(out))
            # Given one, the same files do.
            self.calibrate(self.sharp, '--dev', dev, '--temperature', '3')
        few = self.write('few.tsv', labelled.rows(sampled(self.told, 2)[:40], self.texts[:40]))
        done = cli.run('calibrate', self.sharp, '--dev', few)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'note: 40 texts are few', done.stderr)

    def test_refusals(self):
        out = self.path('refused.safetensors')
        cases = [
            (['--dev', self.path('none.tsv')], 'No such file'),
            (['--dev', self.write('head.tsv', 'text\tlabel\n')], 'no rows'),
            (['--dev', self.write('bare.tsv', 'text\na\n')], "no column 'label'"),
            (['--dev', self.write('odd.tsv', 'text\tlabel\na\t9\n')],
             "odd.tsv:2: unknown label '9'"),
            (['--dev', self.write('bytes.tsv', b'text\tlabel\n\xff\t1\n')], 'bytes.tsv:2: '),
            (['--dev', self.dev, '--output', self.path('no/such')], 'cannot write there'),
            (['--reset', '--output', self.path('m.pth')], 'cannot be written'),
        ]
        for arguments, says in cases:
            self.bad(cli.run('calibrate', self.sharp, '--output', out, *arguments), 1, says)
        self.assertFalse(os.path.exists(out))
        self.bad(cli.run('calibrate', self.path('none'), '--reset'), 1, 'none')

    def test_a_model_that_lies_is_refused(self):
        """What does not answer as its golden vectors say gets no new ones."""
        saved = self.saved()
        file = history.Native(saved)
        file.flip('fc.weight')
        lying = labelled.seal(file, self.path('lying.safetensors'))
        out = self.path('washed.safetensors')
        self.bad(cli.run('calibrate', lying, '--reset', '--output', out), 1, 'golden vectors')
        self.assertFalse(os.path.exists(out))


if __name__ == '__main__':
    cli.main()
