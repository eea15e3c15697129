# SPDX-License-Identifier: Apache-2.0
"""What package.sh makes, of both kinds: size, bytes, content; its refusals; the template."""
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest
import zipfile

import functions
from functions import BUILD, PACKAGE, ROOT, run

MOST = 15 * 1000 * 1000
MODEL = os.path.join(ROOT, 'models', 'sentiment-en.safetensors')
TEMPLATE = os.path.join(ROOT, 'deploy', 'lambda', 'template.yaml')
LINT = os.path.join(os.path.dirname(functions.PYTHON), 'cfn-lint')


class Package(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def make(self, name, *kind):
        """A zip that must come about; its bytes."""
        path = os.path.join(self.folder, name)
        done = run(PACKAGE, BUILD, path, *kind)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(path, 'rb') as file:
            data = file.read()
        self.assertEqual(done.stdout, '%s: %d bytes\n' % (path, len(data)))
        return data

    def test_same_bytes(self):
        for kind in ([], ['python']):
            first = self.make('first.zip', *kind)
            self.assertLess(len(first), MOST)
            with zipfile.ZipFile(os.path.join(self.folder, 'first.zip')) as file:
                self.assertIsNone(file.testzip())
                for entry in file.infolist():
                    self.assertEqual(entry.date_time, (1980, 1, 1, 0, 0, 0))
                    wanted = 0o755 if entry.filename == 'bootstrap' else 0o644
                    self.assertEqual(stat.S_IMODE(entry.external_attr >> 16), wanted)
                names = file.namelist()
            self.assertEqual(names, sorted(names))
            self.assertIn('lambda_function.py' if kind else 'bootstrap', names)
            self.assertIn('model.safetensors', names)
            self.assertEqual([name for name in names if re.search(r'lib(c|m|pthread)\.so', name)],
                             [])
            subprocess.run(['umask 077; TZ=Asia/Tokyo %s %s %s/second.zip %s >/dev/null' % (
                PACKAGE, BUILD, self.folder, ' '.join(kind))], shell=True, check=True)
            with open(os.path.join(self.folder, 'second.zip'), 'rb') as file:
                self.assertEqual(file.read(), first)

    def test_libraries_are_those_of_the_package(self):
        task = functions.package(self.folder, 'c')
        done = run('ldd', os.path.join(task, 'bootstrap'), env={'PATH': os.environ['PATH']})
        found = re.findall(r'^\s*(\S+) => (\S+)', done.stdout, re.MULTILINE)
        self.assertGreater(len(found), 10)
        for name, path in found:
            if not re.match(r'lib(c|m|resolv)\.so', name):
                self.assertTrue(path.startswith(task + '/'), (name, path))

    def test_refusals(self):
        out = os.path.join(self.folder, 'out.zip')
        for words in ((), (BUILD,), (BUILD, out, 'rust'), (BUILD, out, 'c', 'more'), ('--model',)):
            done = run(PACKAGE, *words)
            self.assertEqual((done.returncode, done.stdout), (2, ''), words)
            self.assertIn('usage: package.sh', done.stderr)
        for words, wanted in (((self.folder, out), '-Dlambda=enabled'),
                              ((self.folder, out, 'python'), 'no libsentiment.so.0'),
                              (('--model', '/nowhere', BUILD, out), '/nowhere: no such file'),
                              (('--model', TEMPLATE, BUILD, out), 'yaml: not a model')):
            done = run(PACKAGE, *words)
            self.assertEqual((done.returncode, done.stdout), (1, ''), words)
            self.assertIn(wanted, done.stderr)
        self.assertFalse(os.path.exists(out))

    def test_glibc_that_is_too_new(self):
        """A program that Lambda could not start is not packed."""
        other = os.path.join(self.folder, 'build')
        os.makedirs(other + '/tools/lambda')
        shutil.copy(os.path.join(BUILD, 'sentiment'), other)
        source = os.path.join(self.folder, 'new.c')
        with open(source, 'w', encoding='ascii') as file:
            file.write('#include <stdlib.h>\nint main(void) { return (int)arc4random(); }\n')
        subprocess.run(['cc', source, '-o', other + '/tools/lambda/sentiment-lambda'], check=True)
        done = run(PACKAGE, '--model', MODEL, other, os.path.join(self.folder, 'out.zip'))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('bootstrap needs GLIBC_2.36; Lambda has 2.34', done.stderr)


class Template(unittest.TestCase):
    def test_good(self):
        done = run(LINT, TEMPLATE)
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_the_checker_sees_what_is_wrong(self):
        with open(TEMPLATE, encoding='utf-8') as file:
            text = file.read()
        for old, new in (('!Ref FunctionRole]', '!Ref NoRole]'), ('Handler: bootstrap', 'Hand: b')):
            self.assertIn(old, text)
            with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
                file.write(text.replace(old, new))
                file.flush()
                self.assertNotEqual(run(LINT, file.name).returncode, 0)

    def test_names_are_those_of_the_code(self):
        """The settings of the template are read; the handler and the zips are there."""
        with open(TEMPLATE, encoding='utf-8') as file:
            text = file.read()
        with open(os.path.join(ROOT, 'docs', 'lambda.md'), encoding='utf-8') as file:
            page = file.read()
        settings = set(re.findall(r'^        ([A-Z_0-9]+):', text, re.MULTILINE))
        self.assertEqual(settings, {'MODEL_S3_URI', 'MODEL_SHA256', 'CORS_ORIGIN'})
        for name in settings | set(re.findall(r'CodeUri: (\S+)', text)):
            self.assertIn(name, page)


if __name__ == '__main__':
    functions.main('cfnlint')
