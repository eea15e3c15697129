# SPDX-License-Identifier: Apache-2.0
"""lambda.py BUILD PYTHON [--runs N]: cold starts of Lambda functions beside the guide's.

PYTHON is that of build-deploy/lambda, which .ci/deploy.sh makes. Each function is started
N times, all in turns, beside the emulator of tests/deploy/lambda with an event already
waiting: from the start of the process to its first answer, then the median of 20 more
requests, and the process's peak of memory; medians over the starts. The functions are the
packages as package.sh makes them, with the bundled model in int8; the same with the
network of the guide (fp32, padded to 512); and with that network the guide's own handler on
Debian's python3-torch under AWS's client, where that is installed. Files are in the cache of
the system: what Lambda takes for fetching a package comes on top for all.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'deploy', 'lambda'))
import emulator  # pylint: disable=import-error,wrong-import-position

SIZES = ['--vocab-size', '10000', '--embedding-dim', '128', '--hidden-size', '256',
         '--num-classes', '3', '--seed', '1']
EVENT = {'body': '{"text": "word_1 word_22 word_333 word_4444 word_5 word_66 word_777 word_8"}'}
WARM = 20
PATIENCE = 120


class Entrant:
    """What is started: its command, its folder, what is in its environment."""

    def __init__(self, name, words, folder, **environment):
        self.name, self.words, self.folder = name, words, folder
        self.environment = environment
        self.answers, self.found = [], []

    def run(self):
        """One start: seconds to the first answer, seconds of a warm one, megabytes."""
        with emulator.Emulator() as api:
            waiting = api.invoke(EVENT)
            begin = time.perf_counter()
            process = subprocess.Popen(
                self.words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=dict(
                    self.environment, AWS_LAMBDA_RUNTIME_API=api.host,
                    LD_LIBRARY_PATH=os.path.join(self.folder, 'lib'), OMP_NUM_THREADS='1',
                    AWS_LAMBDA_FUNCTION_NAME='f', AWS_LAMBDA_FUNCTION_VERSION='1',
                    AWS_LAMBDA_FUNCTION_MEMORY_SIZE='1769', AWS_REGION='eu-central-1'))
            try:
                cold = self.wait(waiting) - begin
                warm = []
                for _ in range(WARM):
                    begin = time.perf_counter()
                    warm.append(self.wait(api.invoke(EVENT)) - begin)
                self.found.append((cold, statistics.median(warm), peak(process.pid)))
            finally:
                process.kill()
                process.wait()

    def wait(self, invocation):
        """When a good answer has come."""
        if not invocation.done.wait(PATIENCE) or invocation.kind != 'response':
            sys.exit('%s: no answer: %s' % (self.name, invocation.answer))
        now = time.perf_counter()
        if invocation.answer['statusCode'] != 200:
            sys.exit('%s: %s' % (self.name, invocation.answer))
        self.answers.append(json.loads(invocation.answer['body'])['confidence'])
        return now


def peak(process):
    """Megabytes of a living process at its largest."""
    with open('/proc/%d/status' % process, encoding='ascii') as file:
        line, = [line for line in file if line.startswith('VmHWM:')]
    return int(line.split()[1]) / 1024


def package(build, folder, kind, *options):
    """Makes and unpacks a zip; its folder and its bytes."""
    task = tempfile.mkdtemp(dir=folder)
    path = task + '.zip'
    subprocess.run([os.path.join(ROOT, 'deploy', 'lambda', 'package.sh'), *options, build, path,
                    kind], check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(path) as file:
        file.extractall(task)
    if kind == 'c':
        os.chmod(os.path.join(task, 'bootstrap'), 0o755)
    return task, os.path.getsize(path)


def guide_entrant(python, folder):
    """The rival, where torch is installed."""
    places, = glob.glob(os.path.join(os.path.dirname(python), '..', 'lib', '*', 'site-packages'))
    words = ['/usr/bin/python3', '-B', '-m', 'awslambdaric', 'guide_lambda.lambda_handler']
    rival = Entrant("guide's handler on PyTorch", words, HERE, MODEL_PATH=folder,
                    PYTHONPATH=HERE + ':' + places)
    probe = subprocess.run(['/usr/bin/python3', '-c', 'import torch, awslambdaric'], check=False,
                           env=rival.environment, stderr=subprocess.DEVNULL)
    if probe.returncode == 0:
        return [rival]
    print("guide's handler left out: no python3-torch here, or not for this Python")
    return []


def enter(build, python, folder):
    """Everybody, and the sizes of the packages."""
    command = os.path.join(build, 'sentiment')
    guide, native = os.path.join(folder, 'guide'), os.path.join(folder, 'guide.safetensors')
    subprocess.run([command, 'create', *SIZES, guide], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([command, 'convert', guide, native], check=True, stdout=subprocess.DEVNULL)
    client = [python, '-m', 'awslambdaric', 'lambda_function.lambda_handler']
    entrants = []
    for name, options in (('bundled model, int8', ()), ("guide's network", ('--model', native))):
        for kind in ('c', 'python'):
            task, size = package(build, folder, kind, *options)
            print('%s, %s: zip of %.1f MB' % (kind, name, size / 1e6), flush=True)
            words = [os.path.join(task, 'bootstrap')] if kind == 'c' else client
            entrants.append(Entrant('%s, %s' % (kind, name), words, task, PYTHONPATH=task))
            if kind == 'python':
                # As on Lambda, where the package cannot be written to: each start compiles.
                entrants[-1].environment['PYTHONDONTWRITEBYTECODE'] = '1'
    return entrants + guide_entrant(python, guide)


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('build')
    parser.add_argument('python')
    parser.add_argument('--runs', type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        entrants = enter(os.path.abspath(given.build), os.path.abspath(given.python), folder)
        for _ in range(given.runs):
            for entrant in entrants:
                entrant.run()
    same = [entrant.answers[0] for entrant in entrants if 'bundled' not in entrant.name]
    if max(same) - min(same) > 1e-4:
        sys.exit('the answers differ: %s' % same)
    print('%-28s %12s %12s %9s' % ('medians of %d starts' % given.runs, 'cold, ms', 'warm, ms',
                                   'peak, MB'))
    for entrant in entrants:
        cold, warm, megabytes = map(statistics.median, zip(*entrant.found))
        print('%-28s %12.1f %12.2f %9.0f' % (entrant.name, 1e3 * cold, 1e3 * warm, megabytes))


if __name__ == '__main__':
    main()
