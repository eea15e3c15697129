# SPDX-License-Identifier: Apache-2.0
"""What the suites share: where things lie, the command, a tiny model, texts.

test.sh sets SENTIMENT_BUILD, and in the environment that has the packages also
SENTIMENT_REQUIRE=1: there nothing may be skipped for want of one.
"""
import importlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(PACKAGE))
BUILD = os.path.abspath(os.environ.get('SENTIMENT_BUILD') or os.path.join(ROOT, 'build'))
LIBRARY = os.path.join(BUILD, 'libsentiment.so.0')
BUNDLED = os.path.join(BUILD, 'models', 'sentiment-en.safetensors')
GOLDEN = os.path.join(ROOT, 'tests', 'golden', 'texts.tsv')
REQUIRED = os.environ.get('SENTIMENT_REQUIRE') == '1'

TEXTS = ['I love this product!', 'This is terrible.', '', 'It arrived on Tuesday.',
         'not good at all', 'qzxv wvxq', 'Großartig! Très bien… 很好　😀',
         'a\0b', 'word ' * 400]


def package(name):
    """A package that the core does without; skips what needs it where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if REQUIRED:
            raise
        raise unittest.SkipTest('no ' + name) from None


def command(*arguments, text=None):
    """What the command prints."""
    return subprocess.run([os.path.join(BUILD, 'sentiment'), *arguments], check=True,
                          input=text, stdout=subprocess.PIPE,
                          env=dict(os.environ, SENTIMENT_MODEL='')).stdout.decode('utf-8')


def command_json(*arguments):
    """The objects that the command prints, a line each."""
    return [json.loads(line) for line in command(*arguments).splitlines()]


def rounded(thing):
    """An object of JSON with every float as the nearest single, which nine digits tell."""
    if isinstance(thing, float):
        return struct.unpack('f', struct.pack('f', thing))[0]
    if isinstance(thing, dict):
        return {key: rounded(value) for key, value in thing.items()}
    return [rounded(each) for each in thing] if isinstance(thing, list) else thing


def script(code, **environment):
    """Runs a program in a process of its own: (exit status, output, errors)."""
    env = dict(os.environ, **environment)
    env = {name: value for name, value in env.items() if value is not None}
    done = subprocess.run([sys.executable, '-B', '-c', code], env=env, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def folder(self):
        """A folder that goes with the test."""
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def tiny(self, classes=3):
        """The path of a model that takes next to no time."""
        path = os.path.join(self.folder(), 'tiny.safetensors')
        command('create', '--vocab-size', '100', '--embedding-dim', '4', '--hidden-size', '4',
                '--num-classes', str(classes), '--padding', 'none', path)
        return path

    def load(self, path=BUNDLED, **options):
        """A model that is closed with the test."""
        import sentiment
        model = sentiment.Model.load(path, **options)
        self.addCleanup(model.close)
        return model
