# SPDX-License-Identifier: Apache-2.0
"""TorchScript archives on the command line: what they are read as, what runs them,
and that nothing of a program is executed unless the torch engine is asked for."""
import os
import shutil
import subprocess
import unittest

import cli

GOLDEN = os.path.join(cli.SOURCE, 'tests', 'golden', 'torchscript')
LEFT_BEHIND = 'executed.pt'


def golden(name):
    return os.path.join(GOLDEN, name)


class TorchScript(cli.Case):
    def run_here(self, *arguments):
        """Runs the command in an empty folder; what the folder then holds."""
        place = self.path('place')
        os.makedirs(place)
        done = subprocess.run([*cli.COMMAND, *arguments], cwd=place, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
        left = os.listdir(place)
        shutil.rmtree(place)
        return done, left

    absent = None

    def engine(self):
        """Skips the test where there is no torch engine."""
        if TorchScript.absent is None:
            done = cli.run('predict', '--engine', 'torch', '--model', self.model, 'a')
            TorchScript.absent = done.stderr.decode()
        if TorchScript.absent:
            self.skipTest(TorchScript.absent)

    def info(self, path):
        done = cli.run('info', '--json', '--model', path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return cli.json_lines(done.stdout)[0]

    def test_info(self):
        info = self.info(golden('one/script-2.15.pt'))
        self.assertEqual((info['format'], info['has_script'], info['has_weights']),
                         ('torchscript', True, True))
        self.assertEqual(info['parameters'], 30 * 5 + 16 * (5 + 4 + 2) + 3 * 5)
        info = self.info(golden('foreign/bag-1.13.pt'))
        self.assertEqual((info['format'], info['has_script'], info['has_weights']),
                         ('torchscript', True, False))
        self.assertEqual((info['parameters'], info['num_classes']), (0, 3))
        text = cli.run('info', '--model', golden('foreign/bag-1.13.pt')).stdout.decode()
        self.assertRegex(text, '(?m)^TorchScript program +of something else$')
        self.assertRegex(text, '(?m)^engine native +no: .*not the classifier')
        self.assertRegex(text, '(?m)^engine torch +where asked for: ')

    def test_native_needs_the_classifier(self):
        path = golden('foreign/bag-1.13.pt')
        for arguments in (['predict', 'good'], ['bench', '--length', '3'],
                          ['predict', '--precision', 'int8', 'good']):
            done = self.bad(cli.run(*arguments, '--model', path))
            self.assertIn(b'run it with --engine torch if you trust it', done.stderr)

    def test_tokenize_needs_no_weights(self):
        done = cli.run('tokenize', '--model', golden('foreign/bag-1.13.pt'), 'Good x')
        self.assertEqual((done.returncode, done.stdout), (0, b'Good/1 x/0\n'), done.stderr)

    def test_convert(self):
        target = self.path('converted.safetensors')
        self.good(cli.run('convert', golden('one/freeze-trace-1.13.pt'), target))
        info = self.info(target)
        self.assertEqual((info['format'], info['has_script']), ('safetensors', False))
        same = [cli.run('predict', '--json', '--model', model, stdin='good movie\n\n').stdout
                for model in (target, golden('one'), golden('one/script-1.13.pt'))]
        self.assertEqual(same[0], same[1])
        self.assertEqual(same[0], same[2])

    def test_convert_refuses(self):
        done = self.bad(cli.run('convert', self.model, self.path('x.pt')))
        self.assertIn(b'.pt files cannot be written', done.stderr)
        done = self.bad(cli.run('convert', golden('foreign/bag-1.13.pt'),
                                self.path('x.safetensors')))
        self.assertIn(b'saving: this TorchScript program is not the classifier', done.stderr)
        self.assertEqual([name for name in os.listdir(self.folder.name) if name[0] == 'x'], [])

    def test_nothing_is_executed(self):
        for name, native in (('executes.pt', 0), ('loads.pt', 1)):
            path = golden('foreign/' + name)
            for status, arguments in ((0, ['info', '--model', path]),
                                      (0, ['info', '--json', '--model', path]),
                                      (0, ['tokenize', '--model', path, 'good']),
                                      (native, ['predict', '--model', path, 'good']),
                                      (native, ['predict', '--engine', 'native', '--explain',
                                                '--model', path, 'good']),
                                      (native, ['convert', path, self.path('y.safetensors')]),
                                      (0, ['verify', path]),
                                      (native, ['optimize', path,
                                                self.path('z.safetensors')])):
                done, left = self.run_here(*arguments)
                self.assertEqual((done.returncode, left), (status, []),
                                 (arguments, done.stderr))

    def test_the_torch_engine_executes(self):
        """The programs above do what they must not do there."""
        self.engine()
        for name in ('executes.pt', 'loads.pt'):
            done, left = self.run_here('predict', '--engine', 'torch', '--model',
                                       golden('foreign/' + name), 'good')
            self.assertEqual((done.returncode, left), (0, [LEFT_BEHIND]), done.stderr)

    def test_torch(self):
        self.engine()
        path = golden('foreign/bag-1.13.pt')
        done = cli.run('predict', '--engine', 'torch', '--json', '--model', path, 'good', '')
        self.assertEqual([line['flags'] for line in cli.json_lines(done.stdout)],
                         [[], ['empty']])
        done = cli.run('bench', '--engine', 'torch', '--json', '--model', path, '--length', '3',
                       '--batch', '2')
        self.assertEqual(cli.json_lines(done.stdout)[0]['engine'], 'torch', done.stderr)
        done = cli.run('predict', '--engine', 'torch', '--explain', '--json', '--model',
                       golden('one/trace-2.15.pt'), 'good')
        self.assertIn('cannot tell what each token adds',
                      cli.json_lines(done.stdout)[0]['error']['message'])
        self.assertEqual(done.returncode, 1)

    def test_a_program_that_prints(self):
        self.engine()
        done = cli.run('predict', '--engine', 'torch', '--json', '--model',
                       golden('foreign/prints.pt'), 'good')
        self.assertEqual(len(cli.json_lines(done.stdout)), 1)
        self.assertNotIn(b'talks', done.stderr)

    def test_a_program_that_fails(self):
        self.engine()
        done = cli.run('predict', '--engine', 'torch', '--json', '--model',
                       golden('foreign/raises.pt'), 'good')
        self.assertEqual(done.returncode, 1)
        self.assertIn('this program does not want to',
                      cli.json_lines(done.stdout)[0]['error']['message'])

    def test_quantized_state_dicts(self):
        for name in ('state-1.13', 'state-2.15', 'state-legacy', 'whole-1.13', 'whole-2.15',
                     'linear'):
            done = self.bad(cli.run('info', '--model', golden('quantized/%s.pth' % name)))
            self.assertIn(b'a quantized module with packed weights; convert the file of the '
                          b"unquantized model, then run 'sentiment optimize'", done.stderr, name)
        # What the guide itself saves was never quantized.
        done = cli.run('predict', '--model', golden('quantized/guide.pth'), 'good')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_companions(self):
        shutil.copy(golden('one/trace-2.15.pt'), self.path('alone.pt'))
        done = self.bad(cli.run('info', '--model', self.path('alone.pt')))
        self.assertIn(b'tokenizer.pkl, config.json missing', done.stderr)
        folder = self.path('folder')
        os.mkdir(folder)
        for name in ('tokenizer.pkl', 'config.json'):
            shutil.copy(golden('one/' + name), folder)
        shutil.copy(golden('one/trace-2.15.pt'), os.path.join(folder, 'model.pth'))
        self.assertEqual(self.info(folder)['format'], 'torchscript')


if __name__ == '__main__':
    cli.main()
