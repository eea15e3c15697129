# SPDX-License-Identifier: Apache-2.0
"""test_pipeline.py ROOT BUILD VENV: the pipeline of examples/dvc where docs/registries.md does
not go: what a change of each kind runs, what stops it, and the two scripts on their own.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import stranger

ROOT, BUILD, VENV = (os.path.abspath(each) for each in sys.argv[1:4])
EXAMPLE = os.path.join(ROOT, 'examples', 'dvc')
RUNNING = re.compile(r"^Running stage '(\w+)'", re.MULTILINE)


class Folder(unittest.TestCase):
    """A test with a copy of the example."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = os.path.join(scratch.name, 'reviews')
        shutil.copytree(EXAMPLE, self.folder)
        self.env = stranger.environment(BUILD, VENV, scratch.name)

    def run_in(self, *words):
        """Exit status and everything printed."""
        done = subprocess.run(words, cwd=self.folder, env=self.env, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)
        return done.returncode, done.stdout

    def path(self, *names):
        """A path in the copy."""
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        """A file of the copy."""
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)

    def change(self, name, old, new):
        """Edits a file as a user would."""
        with open(self.path(name), encoding='utf-8') as file:
            text = file.read()
        self.assertIn(old, text)
        self.write(name, text.replace(old, new))


class PipelineTest(Folder):
    """dvc repro, without Git."""

    def repro(self):
        """The stages that ran; all has to end well."""
        status, told = self.run_in('dvc', 'repro')
        self.assertEqual(status, 0, told)
        return RUNNING.findall(told)

    def test_changes(self):
        """Each stage runs for what it depends on; a failure keeps what was."""
        self.assertEqual(self.run_in('dvc', 'init', '-q', '--no-scm')[0], 0)
        self.assertEqual(self.run_in('python3', 'make_texts.py', 'data')[0], 0)
        self.assertEqual(self.repro(), ['train', 'optimize', 'test', 'verify'])
        self.assertEqual(self.repro(), [])
        self.change('params.yaml', 'length: 64', 'length: 32')
        self.assertEqual(self.repro()[0], 'optimize')
        with open(self.path('data', 'test.tsv'), 'a', encoding='utf-8') as file:
            file.write('a lovely lamp\tpositive\n')
        self.assertEqual(self.repro(), ['test'])
        with open(self.path('answers.jsonl'), encoding='utf-8') as file:
            self.assertEqual(len(file.readlines()), 163)
        self.change('params.yaml', 'epochs: 6', 'epochs: -1')
        status, told = self.run_in('dvc', 'repro')
        self.assertNotEqual(status, 0)
        self.assertIn('epochs', told)
        self.assertEqual(RUNNING.findall(told), ['train'])
        self.change('params.yaml', 'epochs: -1', 'epochs: 6')
        self.assertEqual(self.repro(), [])


class ScriptTest(Folder):
    """make_texts.py and plot_answers.py."""

    def answers(self, *rows):
        """A file of answers."""
        self.write('answers.jsonl', ''.join(json.dumps(row) + '\n' for row in rows))

    def plot(self):
        """Exit status and output of plot_answers.py."""
        return self.run_in('python3', 'plot_answers.py', 'texts.tsv', 'answers.jsonl', 'plots')

    def test_texts(self):
        """Three sets without a text in common, the same each time, of every class."""
        sets = []
        for folder in ('one', 'two'):
            self.assertEqual(self.run_in('python3', 'make_texts.py', folder), (0, ''))
            made = {}
            for name in ('train', 'dev', 'test'):
                with open(self.path(folder, name + '.tsv'), encoding='utf-8') as file:
                    made[name] = [line.rstrip('\n').split('\t') for line in file]
            sets.append(made)
        self.assertEqual(sets[0], sets[1])
        rows = {name: lines[1:] for name, lines in sets[0].items()}
        self.assertEqual([len(each) for each in rows.values()], [756, 162, 162])
        self.assertEqual(len({text for each in rows.values() for text, _ in each}), 1080)
        for each in rows.values():
            self.assertEqual({label for _, label in each}, {'negative', 'neutral', 'positive'})

    def test_plots(self):
        """Rows by hand."""
        self.write('texts.tsv', 'label\ttext\npos\tgood "one\nneg\t\npos\tbad\n')
        self.answers({'label': 'pos', 'confidence': 0.95}, {'label': 'neg', 'confidence': 1.0},
                     {'label': 'neg', 'confidence': 0.5})
        self.assertEqual(self.plot(), (0, ''))
        with open(self.path('plots', 'confusion.csv'), encoding='utf-8') as file:
            self.assertEqual(file.read(), 'actual,predicted\npos,pos\nneg,neg\npos,neg\n')
        with open(self.path('plots', 'confidence.csv'), encoding='utf-8') as file:
            self.assertEqual(file.read(), 'confidence,accuracy,answers\n'
                                          '0.5000,0.0000,1\n0.9750,1.0000,2\n')

    def test_wrong(self):
        """Each mistake ends the stage, with its reason."""
        self.write('texts.tsv', 'text\tlabel\na\tpos\n')
        for rows, reason in (
                ([], 'texts.tsv has 1 texts, answers.jsonl has 0 answers'),
                ([{'error': {'code': -4, 'message': 'invalid UTF-8 at byte 0'}}],
                 'answers.jsonl:1: no answer: invalid UTF-8 at byte 0')):
            self.answers(*rows)
            status, told = self.plot()
            self.assertEqual((status, told), (1, 'plot_answers: %s\n' % reason))
        self.write('texts.tsv', 'text\tclass\na\tpos\n')
        self.assertIn('expected a column `label`, found text, class', self.plot()[1])
        os.remove(self.path('texts.tsv'))
        self.assertIn("plot_answers: [Errno 2] No such file or directory: 'texts.tsv'",
                      self.plot()[1])
        self.assertEqual(self.run_in('python3', 'make_texts.py')[0], 1)


if __name__ == '__main__':
    stranger.require(BUILD, VENV, 'libsentiment-torch.so')
    unittest.main(argv=sys.argv[:1])
