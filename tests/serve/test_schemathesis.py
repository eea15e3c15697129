# SPDX-License-Identifier: Apache-2.0
"""test_schemathesis.py PYTHON TESTS-PYTHON SENTIMENT: schemathesis reads /openapi.json of a
running server, asks each operation what the document allows and what it forbids, and
finds nothing that is answered otherwise than documented. schemathesis.toml holds the seed.

Skipped (77) where there is no interpreter PYTHON, made by .ci/venv.sh.
"""
import os
import subprocess
import sys

sys.path.insert(0, sys.argv[2])
import venv  # noqa: E402  (tests/python/venv.py)

sys.argv[1:] = venv.require(sys.argv)[1:]

import serving  # noqa: E402

SETTINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'schemathesis.toml')


class Schemathesis(serving.Case):
    def check(self, server, *arguments):
        """Runs it in the folder of the test, where it may leave what it likes."""
        command = os.path.join(os.path.dirname(sys.executable), 'schemathesis')
        done = subprocess.run(
            [command, '--config-file', SETTINGS, 'run', '--checks', 'all', *arguments,
             f'http://{server.host}:{server.port}/openapi.json'],
            cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONUTF8='1'), check=False)
        said = done.stdout.decode('utf-8', 'replace')
        self.assertEqual(done.returncode, 0, said[-20000:])
        return said

    def test_document(self):
        operations = sum(len(methods) for methods in self.good(
            self.server.get('/openapi.json'))['paths'].values())
        said = self.check(self.server)
        # It leaves out the document that it has just read.
        self.assertIn(f'Tested: {operations - 1}\n', said)


if __name__ == '__main__':
    serving.main()
