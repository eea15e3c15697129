# SPDX-License-Identifier: Apache-2.0
"""The Makefile of examples/, against what pkg-config says of the library: shared, and
static. test_examples_make.py COMMAND"""
import glob
import os
import shutil
import subprocess
import unittest

import cli

FOLDER = os.path.join(cli.SOURCE, 'examples')
BUILD = os.path.dirname(cli.TOOL)
ENVIRONMENT = dict(os.environ, PKG_CONFIG_PATH=os.path.join(BUILD, 'meson-uninstalled'),
                   LD_LIBRARY_PATH=BUILD)


@unittest.skipIf(cli.WRAPPER, 'built by this machine for another one')
@unittest.skipUnless(all(map(shutil.which, ('make', 'cc', 'pkg-config'))),
                     'needs make, cc, pkg-config')
class Make(cli.Case):
    def make(self, out, *variables):
        subprocess.run(['make', '-s', '-C', FOLDER, 'OUT=' + out, 'CFLAGS=-O1 -Wall -Werror',
                        *variables], env=ENVIRONMENT, check=True, timeout=100)
        self.assertEqual(sorted(os.listdir(out)), sorted(
            os.path.basename(path)[:-2] for path in glob.glob(os.path.join(FOLDER, '*.c'))))
        return os.path.join(out, 'predict')

    def check(self, program, shared):
        needed = subprocess.run(['ldd', program], env=ENVIRONMENT, stdout=subprocess.PIPE,
                                check=True).stdout
        self.assertEqual(b'libsentiment' in needed, shared, needed)
        answer, = cli.json_lines(self.run_model('predict', '--json', 'word_1').stdout)
        done = self.good(cli.run(self.model, 'word_1', program=program, env=ENVIRONMENT))
        self.assertEqual(done.stdout.decode(),
                         '%s %.3f\n' % (answer['label'], answer['confidence']))

    def test_shared(self):
        self.check(self.make(self.path('shared')), True)

    def test_static(self):
        self.check(self.make(self.path('static'), 'STATIC=1'), False)


if __name__ == '__main__':
    cli.main()
