# SPDX-License-Identifier: Apache-2.0
"""A reader of the documents: a folder with a model, and the library as if it
were installed.

Compilers find the library through pkg-config, programs through LD_LIBRARY_PATH, shells
the command through PATH, Python the package of the tree through PYTHONPATH, with the
packages of .ci/venv.sh where they are. The model of the programs is one with random
weights; commands marked MODEL get the bundled one.
"""
import os
import shutil
import subprocess
import sys
import tempfile

# What .ci/venv.sh makes.
VENV = 'build-python'
MODEL = 'models/sentiment-en.safetensors'
SIZES = ['--vocab-size', '100', '--embedding-dim', '8', '--hidden-size', '16',
         '--num-classes', '3', '--padding', 'none', '--seed', '1']


class Reader:
    """Holds the folder; a context manager that removes it."""

    def __init__(self, root, build):
        self.root = os.path.abspath(root)
        self.build = os.path.abspath(build)
        self.bundled = os.path.join(self.build, MODEL)
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = self.scratch.name
        venv = os.path.join(self.root, VENV, 'bin', 'python')
        self.python = venv if os.path.exists(venv) else sys.executable
        here = {'PATH': self.build, 'LD_LIBRARY_PATH': self.build,
                'PYTHONPATH': os.path.join(self.root, 'bindings', 'python'),
                'PKG_CONFIG_PATH': os.path.join(self.build, 'meson-uninstalled')}
        self.environment = dict(os.environ, TMPDIR=self.path('tmp'))
        for name, folder in here.items():
            self.environment[name] = ':'.join(filter(None, [folder, os.environ.get(name)]))
        self.environment['SENTIMENT_LIBRARY'] = os.path.join(self.build, 'libsentiment.so.0')
        self.environment['SENTIMENT_MODEL'] = os.path.join(self.folder, MODEL)

    def __enter__(self):
        os.mkdir(self.path('tmp'))
        os.mkdir(self.path('models'))
        self.check([os.path.join(self.build, 'sentiment'), 'create', *SIZES, MODEL])
        return self

    def __exit__(self, *unused):
        self.scratch.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as stream:
            stream.write(text)

    def has(self, program):
        return shutil.which(program, path=self.environment['PATH']) is not None

    def has_need(self, need):
        """Whether what a block needs is there: nothing, MODEL or TORCH."""
        files = {'': self.build, 'MODEL': self.bundled,
                 'TORCH': os.path.join(self.build, 'libsentiment-torch.so')}
        return os.path.exists(files[need])

    def run(self, words, **environment):
        return subprocess.run(words, cwd=self.folder, stdin=subprocess.DEVNULL,
                              env=dict(self.environment, **environment), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, check=False)

    def check(self, words, **environment):
        """Standard output of something that must succeed."""
        done = self.run(words, **environment)
        if done.returncode != 0:
            raise RuntimeError('%s: exit status %d\n%s%s' % (
                words, done.returncode, done.stdout, done.stderr))
        return done.stdout

    def use_bundled(self):
        """Puts the bundled model where the random one is, if there is one."""
        if os.path.exists(self.bundled):
            shutil.copy(self.bundled, self.path(MODEL))
