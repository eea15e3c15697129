# SPDX-License-Identifier: Apache-2.0
"""The wheel that $SENTIMENT_WHEEL names: installed where nothing of ours is."""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
import zipfile

import support

WHEEL = os.environ.get('SENTIMENT_WHEEL')
PROGRAM = '''
import json, os, sentiment
model = sentiment.Model.default()
print(json.dumps([model.predict(text).to_dict() for text in %r]))
print(sentiment.library_path())
print(model.predict_batch(['good', b'bad']).labels)
print(sentiment.__version__, sentiment.version())
try: model = sentiment.Model.load(%r, engine='torch')
except sentiment.EngineUnavailableError: print('no torch')
'''


@unittest.skipUnless(WHEEL, 'no $SENTIMENT_WHEEL')
class WheelTest(support.Case):
    """A user's machine, as far as Python sees it."""

    def environment(self):
        """An empty virtual environment with the wheel; its interpreter, and variables that
        tell of nothing else."""
        folder = os.path.join(self.folder(), 'venv')
        python = os.path.join(folder, 'bin', 'python')
        subprocess.run([sys.executable, '-m', 'venv', folder], check=True)
        env = {'PATH': os.path.join(folder, 'bin'), 'HOME': self.folder(), 'LC_ALL': 'C.UTF-8'}
        subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--no-index',
                        '--disable-pip-version-check', WHEEL], check=True, env=env,
                       cwd=self.folder())
        return python, env

    def test_installed(self):
        """It predicts like the command, with its own library and model."""
        texts = [text for text in support.TEXTS if '\0' not in text]
        python, env = self.environment()
        told = subprocess.run([python, '-c', PROGRAM % (texts, support.BUNDLED)], check=True,
                              env=env, cwd=self.folder(),
                              stdout=subprocess.PIPE).stdout.decode().splitlines()
        for made, wanted in zip(json.loads(told[0]), support.command_json(
                'predict', '--json', '--model', support.BUNDLED, *texts)):
            del made['processing_time'], wanted['processing_time']
            self.assertEqual(made, support.rounded(wanted))
        self.assertTrue(told[1].startswith(os.path.dirname(os.path.dirname(python))), told[1])
        self.assertEqual(told[2], "['positive', 'negative']")
        self.assertEqual(len(set(told[3].split())), 1)
        self.assertEqual(told[4], 'no torch')

    def test_needs(self):
        """The library needs libc and libm, of no later version than the name says."""
        readelf = shutil.which('readelf')
        if not readelf:
            self.skipTest('no readelf')
        folder = self.folder()
        with zipfile.ZipFile(WHEEL) as archive:
            archive.extractall(folder)
        path = os.path.join(folder, 'sentiment', 'libsentiment.so.0')
        told = subprocess.run([readelf, '--dynamic', '--version-info', '--wide', path],
                              check=True, stdout=subprocess.PIPE).stdout.decode()
        needed = set(re.findall(r'\(NEEDED\).*\[(.*)\]', told))
        self.assertLessEqual(needed, {'libc.so.6', 'libm.so.6', 'ld-linux-x86-64.so.2',
                                      'ld-linux-aarch64.so.1'})
        self.assertNotIn('RUNPATH', told)
        named = re.search(r'-py3-none-manylinux_2_(\d+)_\w+\.whl$', WHEEL)
        versions = [int(each) for each in re.findall(r'Name: GLIBC_2\.(\d+)', told)]
        self.assertLessEqual(max(versions), int(named[1]))
        self.assertNotIn('.debug_info', told)

    def test_contents(self):
        """Licences, types, the model with its card; no tests, no leftovers."""
        with zipfile.ZipFile(WHEEL) as archive:
            names = set(archive.namelist())
            self.assertIsNone(archive.testzip())
        for wanted in ('sentiment/py.typed', 'sentiment/_ffi.pyi', 'sentiment/models/README.md',
                       'sentiment/models/sentiment-en.safetensors'):
            self.assertIn(wanted, names)
        licences = {name.rsplit('/', 1)[1] for name in names if '/licenses/' in name}
        self.assertLessEqual({'LICENSE', 'jansson.txt', 'zlib.txt'}, licences)
        self.assertEqual([name for name in names if 'test' in name or '__pycache__' in name], [])


if __name__ == '__main__':
    unittest.main()
