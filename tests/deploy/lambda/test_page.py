# SPDX-License-Identifier: Apache-2.0
"""Follows docs/lambda.md in a copy of the tree, as a stranger would.

Blocks that <!-- deploy --> stands before are run in the order of the page, and those with
<!-- file: NAME --> written. What needs an account of AWS or the rights of root has no mark:
of the packages that it installs, the list in .ci/deps.sh is asked.
`test_page.py c ROOT BUILD PYTHON --update` writes the real output into the page.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import functions

ROOT = functions.ROOT
sys.path.insert(0, os.path.join(ROOT, 'tests', 'docs'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'hygiene'))
import documents  # pylint: disable=import-error,wrong-import-position
import sources  # pylint: disable=import-error,wrong-import-position

PAGE = os.path.join(ROOT, 'docs', 'lambda.md')
BUILT = re.compile(r'^(.*/sentiment-(c|python)\.zip): \d+ bytes$', re.MULTILINE)


def copy_tree(folder):
    """The files of the project, nothing that was built."""
    for name in sources.files(ROOT):
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        shutil.copy(os.path.join(ROOT, name), os.path.join(folder, name))


def follow(folder, text):
    """Runs the page; yields block, command, wanted output (None: any) and the real one."""
    for found in documents.BLOCK.finditer(text):
        block = documents.Block('docs/lambda.md', found, text.count('\n', 0, found.start()))
        if block.file:
            with open(os.path.join(folder, block.file), 'w', encoding='utf-8') as file:
                file.write(block.text)
        if found['mark'] != 'deploy':
            continue
        for command, wanted in block.commands():
            done = subprocess.run(['sh', '-eu', '-c', command], cwd=folder, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, universal_newlines=True)
            if done.returncode:
                raise AssertionError('%s\n%s\n%s' % (block, command, done.stdout))
            yield block, command, wanted, done.stdout


class Page(unittest.TestCase):
    def setUp(self):
        with open(PAGE, encoding='utf-8') as file:
            self.text = file.read()

    def test_commands(self):
        with tempfile.TemporaryDirectory() as folder:
            copy_tree(folder)
            outputs = []
            for _, command, wanted, real in follow(folder, self.text):
                outputs.append(real)
                if wanted is not None:
                    self.assertEqual(real, wanted, command)
            self.assertEqual(len(outputs), 4)
            self.assertEqual([kind for _, kind in BUILT.findall(outputs[0])], ['c', 'python'])
            self.assertRegex(outputs[3], '^[0-9a-f]{64}  ')

    def test_packages(self):
        installed, = re.findall(r'^apt-get install .*-recommends (.*)$', self.text, re.MULTILINE)
        listed = functions.run(os.path.join(ROOT, '.ci', 'deps.sh'), '--list').stdout
        known, = re.findall(r'^deploy: (.*)$', listed, re.MULTILINE)
        self.assertEqual(set(installed.split()) - set(known.split()), set())


def update():
    """Real output into the console blocks."""
    with open(PAGE, encoding='utf-8') as file:
        text = file.read()
    fresh = {}
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(folder)
        for block, command, wanted, real in follow(folder, text):
            if wanted is not None:
                fresh[block.span] = fresh.get(block.span, '') + '$ %s\n%s' % (command, real)
    for (start, end), output in sorted(fresh.items(), reverse=True):
        text = text[:start] + output + text[end:]
    with open(PAGE, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    if sys.argv[5:] == ['--update']:
        update()
    else:
        functions.main('sys')
