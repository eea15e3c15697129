# SPDX-License-Identifier: Apache-2.0
"""test_page.py ROOT BUILD VENV: docs/registries.md, followed from top to bottom.

Every `sh` block that is no file runs in one shell, as in a reader's terminal, in a copy of
examples/dvc; then what the page promises is looked at. Ports are replaced by free ones.
"""
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import stranger

ROOT, BUILD, VENV = (os.path.abspath(each) for each in sys.argv[1:4])
sys.path.insert(0, os.path.join(ROOT, 'tests', 'docs'))

import documents  # noqa: E402  pylint: disable=wrong-import-position

PAGE = os.path.join('docs', 'registries.md')
INSTALLED = ('install.sh', 'enter.sh')
TEXT = 'the film is lovely'


def follow(folder, env):
    """Runs the page; pairs of a block's commands and what it printed."""
    script = ['exec 2>&1']
    ports = {port: str(stranger.free_port()) for port in ('5001', '8000')}
    commands = []
    for block in documents.blocks(ROOT, PAGE):
        if block.file and block.file not in INSTALLED:
            with open(os.path.join(folder, block.file), 'w', encoding='utf-8') as file:
                file.write(block.text)
        elif block.language == 'sh' and not block.file:
            text = re.sub(r'\b(5001|8000)\b', lambda found: ports[found[0]], block.text)
            script += ["echo '=== block'", text]
            commands.append(block.text)
    done = subprocess.Popen(['sh', '-eu', '-c', '\n'.join(script)], cwd=folder, env=env,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            start_new_session=True, universal_newlines=True)
    try:
        printed = done.communicate(timeout=stranger.PATIENCE)[0]
    finally:
        try:
            os.killpg(done.pid, signal.SIGKILL)  # servers that a failed block left
        except ProcessLookupError:
            pass
    print(printed, flush=True)
    if done.returncode != 0:
        for name in ('mlflow.log', 'serve.log'):
            if os.path.exists(os.path.join(folder, name)):
                with open(os.path.join(folder, name), encoding='utf-8') as file:
                    print('--- %s\n%s' % (name, file.read()))
        raise AssertionError('the page ended with exit status %d' % done.returncode)
    return list(zip(commands, printed.split('=== block\n')[1:]))


class PageTest(unittest.TestCase):
    """What the page promises."""

    @classmethod
    def setUpClass(cls):
        stranger.require(BUILD, VENV, 'libsentiment-torch.so', 'sentiment-serve')
        stranger.install_wheel(ROOT, BUILD, VENV)
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = os.path.join(scratch.name, 'reviews')
        shutil.copytree(os.path.join(ROOT, 'examples', 'dvc'), cls.folder)
        cls.env = stranger.environment(BUILD, VENV, scratch.name)
        cls.told = follow(cls.folder, cls.env)

    def said(self, command):
        """What the block with this command printed."""
        found = [printed for commands, printed in self.told if command in commands]
        self.assertEqual(len(found), 1, command)
        return found[0]

    def read(self, *names):
        """The text of a file."""
        with open(os.path.join(self.folder, *names), encoding='utf-8') as file:
            return file.read()

    def load(self, *names):
        """The JSON of a file."""
        return json.loads(self.read(*names))

    def command(self, *arguments):
        """The JSON that the command prints."""
        done = subprocess.run(['sentiment', *arguments, '--json'], cwd=self.folder, check=True,
                              env=self.env, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def test_pipeline(self):
        """All stages at first, then the one that depends on what changed."""
        stages = re.compile(r"^Running stage '(\w+)'", re.MULTILINE)
        first, second = self.said('A first model'), self.said('dvc params diff')
        self.assertEqual(stages.findall(first), ['train', 'optimize', 'test', 'verify'])
        self.assertEqual(stages.findall(second), ['test'])
        self.assertRegex(first, r'test\.json +.*\d')
        self.assertRegex(second, r'params\.yaml +test\.max_length +256 +4')
        real = self.command('test', '--model', 'small.safetensors', '--max-length', '4',
                            'data/test.tsv')
        told = self.load('test.json')
        for each in (real, told):
            del each['texts_per_second']
        self.assertEqual(told, real)
        self.assertGreater(self.load('optimize.json')['optimized']['accuracy'], 0.9)
        self.assertTrue(self.load('verify.json')['ok'])

    def test_plots(self):
        """The data of both plots, in pages."""
        rows = list(csv.DictReader(self.read('plots', 'confusion.csv').splitlines()))
        right = sum(row['actual'] == row['predicted'] for row in rows) / len(rows)
        self.assertAlmostEqual(right, self.load('test.json')['accuracy'])
        counts = csv.DictReader(self.read('plots', 'confidence.csv').splitlines())
        self.assertEqual(sum(int(row['answers']) for row in counts), len(rows))
        for name in ('report', 'difference'):
            page = self.read(name, 'index.html')
            self.assertIn('What was meant, what was answered', page)
            self.assertIn('Share of right answers, by confidence', page)

    def test_store(self):
        """Everything came back from the store, and is what the lock file says."""
        self.assertIn('up to date', self.said('dvc pull'))
        self.assertRegex(self.said('dvc pull'), 'golden')
        self.assertTrue(os.path.getsize(os.path.join(self.folder, 'model.safetensors')))

    def test_lineage(self):
        """The digests of the version's tags are those of the files."""
        self.assertIn('reviews 1 is the first champion', self.said('python3 register.py'))
        told = dict(line.split(' ', 1) for line in self.read('whence.txt').splitlines())
        real = [line.split()[0] for line in self.said('whence.txt').splitlines()]
        self.assertEqual([told[name] for name in ('sha256', 'parent_sha256', 'train_sha256')], real)
        self.assertEqual(told['history'], 'train optimize')

    def test_answers(self):
        """The same answer from the command, Python, and every way to serve it."""
        wanted = self.command('predict', '--model', 'small.safetensors', TEXT)
        self.assertEqual(wanted['label'], 'positive')
        self.assertRegex(self.said('python3 ask.py'),
                         r'positive %.3f\nnegative 0\.\d+' % wanted['confidence'])
        rows = list(csv.DictReader(self.read('answers.csv').splitlines()))
        self.assertEqual([row['label'] for row in rows], ['positive', 'negative'])
        answers = [self.load('predicted.json')['predictions'][0],
                   self.load('served.json')['predictions'][0], self.load('ours.json')]
        for answer in answers:
            self.assertEqual(answer['prediction'], wanted['prediction'])
            self.assertAlmostEqual(answer['confidence'], wanted['confidence'], 6)
            for one, two in zip(answer['probabilities'], wanted['probabilities']):
                self.assertAlmostEqual(one, two, 6)

    def test_published(self):
        """The server serves the champion's number; the history leads back to it."""
        self.assertIn('model.safetensors: OK', self.said('python3 fetch.py'))
        manifest = self.load('served', 'reviews', '1', 'manifest.json')
        told = dict(line.split(' ', 1) for line in self.read('whence.txt').splitlines())
        self.assertEqual(manifest['lineage'][-1]['parent_sha256'], told['sha256'])
        self.assertEqual(self.load('model_info.json')['sha256'], manifest['sha256'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
