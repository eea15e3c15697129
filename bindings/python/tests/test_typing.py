# SPDX-License-Identifier: Apache-2.0
"""Types: of the package itself, of right and of wrong use. Also the older Pythons' syntax."""
import ast
import os
import subprocess
import sys
import unittest

import support


def check(folder, *files):
    """The complaints of mypy --strict."""
    env = dict(os.environ, MYPYPATH=support.PACKAGE)
    done = subprocess.run([sys.executable, '-B', '-m', 'mypy', '--strict', '--cache-dir',
                           os.path.join(folder, 'cache'), *files], env=env, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder)
    return done.stdout.decode()


class TypingTest(support.Case):
    """mypy --strict."""

    def setUp(self):
        support.package('mypy')

    def test_right(self):
        """The package, and what users write."""
        said = check(self.folder(), os.path.join(support.PACKAGE, 'sentiment'),
                     os.path.join(support.HERE, 'typed_use.py'))
        self.assertIn('Success', said)

    def test_wrong(self):
        """Each mistake is found, and nothing else."""
        path = os.path.join(support.HERE, 'typed_misuse.py')
        with open(path, encoding='utf-8') as file:
            wanted = [number for number, line in enumerate(file, 1) if line.endswith('# wrong\n')]
        said = check(self.folder(), path)
        found = [int(line.split(':')[1]) for line in said.splitlines() if ': error:' in line]
        self.assertEqual(sorted(set(found)), wanted, said)


class SyntaxTest(unittest.TestCase):
    """Python 3.9 parses it."""

    def test_syntax(self):
        """Every module."""
        folder = os.path.join(support.PACKAGE, 'sentiment')
        names = [name for name in os.listdir(folder) if name.endswith('.py')]
        self.assertGreater(len(names), 9)
        for name in names:
            with open(os.path.join(folder, name), encoding='utf-8') as file:
                ast.parse(file.read(), feature_version=(3, 9))


if __name__ == '__main__':
    unittest.main()
