# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the command: running it, and a model to run it on.

A test script is called with the path of the command (and maybe more paths)
and ends in cli.main().
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.abspath(sys.argv[1])
# What runs the programs of a cross build; meson says it.
WRAPPER = os.environ.get('MESON_EXE_WRAPPER', '').split()
COMMAND = [*WRAPPER, TOOL]
EXTRA = [os.path.abspath(path) for path in sys.argv[2:] if not path.startswith('-')]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUNDLED = os.path.join(os.path.dirname(TOOL), 'models', 'sentiment-en.safetensors')

SUBCOMMANDS = ['predict', 'tokenize', 'info', 'convert', 'create', 'train', 'test', 'compare',
               'calibrate', 'bench', 'optimize', 'verify', 'publish', 'key']
if os.path.exists(TOOL + '-serve'):
    SUBCOMMANDS.append('serve')
SIZES = ['--vocab-size', '60', '--embedding-dim', '8', '--hidden-size', '16', '--num-classes', '3']


def run(*arguments, stdin=b'', env=None, program=TOOL):
    """Runs the command; stdout and stderr are bytes."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    environment = dict(os.environ, **(env or {}))
    return subprocess.run([*WRAPPER, program, *arguments], input=stdin, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)


def json_lines(output):
    """Strictly one object a line."""
    assert output == b'' or output.endswith(b'\n'), output
    return [json.loads(line.decode('utf-8')) for line in output.split(b'\n')[:-1]]


class Case(unittest.TestCase):
    """A folder of its own and a small model in it, made once per class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = cls.path('model.safetensors')
        done = run('create', *SIZES, '--seed', '7', cls.model)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def write(cls, name, content):
        with open(cls.path(name), 'wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return cls.path(name)

    def run_model(self, subcommand, *arguments, **options):
        return run(subcommand, '--model', self.model, *arguments, **options)

    def good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, b''), done.stdout)
        return done

    def bad(self, done, status=1, says=''):
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(says.encode(), done.stderr)
        self.assertTrue(done.stderr.startswith(b'sentiment: '), done.stderr)
        return done


def main():
    unittest.main(argv=sys.argv[:1])
