# SPDX-License-Identifier: Apache-2.0
"""bench.py BUILD VENV [--seconds S] [--turns N] [--texts TSV] [--output FOLDER]

Measures libsentiment beside ONNX Runtime, oneDNN, libtorch and fastText, and
writes the tables and pictures of docs/benchmarks.md. The rivals take turns
within one run: each case is measured for a short time with each of them, over
and over, so that a noisy moment hits all alike. A figure is the median over the
turns of the median call.
"""
import argparse
import collections
import os
import shutil
import subprocess
import sys
import tempfile

import files
import machine
import report
import rivals
import whole

# A batch of rows of `length` ids, of which all behind `words` are padding.
Case = collections.namedtuple('Case', 'batch length words')
Table = collections.namedtuple('Table', 'title threads cases names avx2')

CASES = [Case(batch, length, length) for batch, length in
         ((1, 1), (1, 16), (1, 50), (1, 512), (8, 50), (32, 50), (128, 50), (1024, 50))]
PADDED = Case(1, 512, 20)
NETWORK = ('native fp32', 'native int8', 'ONNX Runtime', 'oneDNN fp32', 'oneDNN bf16',
           'oneDNN int8', 'libtorch eager', 'libtorch script', 'libtorch int8')
TABLES = [
    Table('One thread', 1, CASES, NETWORK, False),
    Table('Two threads', 2, CASES, NETWORK, False),
    Table('A text of 20 words padded to 512, one thread', 1, [PADDED],
          ('native fp32', 'native unsettled', 'native int8', 'ONNX Runtime', 'oneDNN fp32',
           'libtorch eager', "guide's function"), False),
    Table('AVX2 alone, one thread', 1, [case for case in CASES if case[:2] in
                                        ((1, 50), (32, 50), (128, 50))],
          ('native fp32', 'native int8', 'ONNX Runtime', 'oneDNN fp32', 'libtorch eager'), True),
]
# Logits of the same weights, which lie within 0.2, agree to this; some four times
# what was seen. Rounded weights or states have bounds of their own.
AGREE = 3e-6
ROUNDED = {'native int8': 4e-3, 'oneDNN bf16': 1e-3, 'libtorch int8': 1e-2, 'oneDNN int8': 0.06}


def say(line):
    """Progress, for whoever waits."""
    if sys.stderr.isatty():
        print('\r\033[K' + line, end='', file=sys.stderr, flush=True)


def check_answers(running, case):
    """Nobody may be fast by computing something else."""
    reference = running[0].logits[case]
    for rival in running[1:]:
        worst = max(abs(a - b) for a, b in zip(reference, rival.logits[case]))
        if worst > ROUNDED.get(rival.name, AGREE):
            sys.exit(f'{rival.name} differs by {worst:.3g} at batch {case.batch}, '
                     f'length {case.length}')
    return max([0] + [abs(a - b) for rival in running if rival.name == 'native unsettled'
                      for a, b in zip(reference, rival.logits[case])])


def measure(table, options, paths, folder):
    """All cases with every rival; the rivals that ran, and what settling changes."""
    pin = str(os.cpu_count() - 1) if table.threads == 1 and shutil.which('taskset') else None
    environment = rivals.environment(table.threads, machine.has('avx512f'), table.avx2)
    running = [rivals.Rival(name, command, environment, pin) for name, command in
               rivals.commands(options.build, paths, table.threads, options)
               if name in table.names]
    settled = 0
    for case in table.cases:
        ids = files.ids(folder, case)
        for turn in range(options.turns):
            say(f'{table.title}: batch {case.batch}, length {case.length}, turn {turn + 1}')
            failed = [rival for rival in running
                      if not rival.measure(case, ids, options.seconds)]
            for rival in failed:
                print(f'{rival.name} does not run here: left out of "{table.title}"',
                      file=sys.stderr)
                running.remove(rival)
        settled = check_answers(running, case)
    for rival in running:
        rival.close()
    return running, settled


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('build', help='build folder, with the rivals in C')
    parser.add_argument('venv', help='Python with onnxruntime and matplotlib')
    parser.add_argument('--python', default='/usr/bin/python3', help='Python with torch')
    parser.add_argument('--seconds', type=float, default=0.2, help='of one turn')
    parser.add_argument('--turns', type=int, default=7)
    parser.add_argument('--texts', help='a TSV of labelled texts, for the part from end to end')
    parser.add_argument('--output', default='docs', help='folder of benchmarks.md')
    options = parser.parse_args()
    for program in ('sentiment', 'bench/native', 'bench/native_texts', 'bench/kernels'):
        if not os.path.isfile(os.path.join(options.build, program)):
            parser.error(f'{options.build} has no {program}: run `make bench`')
    if options.texts:
        try:
            whole.columns(options.texts)
        except (OSError, ValueError) as error:
            parser.error(f'--texts {options.texts}: {error}')
    return options


def main():
    """Measures and writes the report."""
    options = parse()
    sentiment = os.path.join(options.build, 'sentiment')
    found = report.Findings()
    with tempfile.TemporaryDirectory() as folder:
        paths = files.make(sentiment, folder)
        for table in TABLES:
            running, settled = measure(table, options, paths, folder)
            found.tables.append((table, running))
            found.settled = max(found.settled, settled)
        found.peaks = machine.run(os.path.join(options.build, 'bench', 'peak'))
        found.kernels = machine.run(os.path.join(options.build, 'bench', 'kernels'))
        if options.texts:
            say('texts from end to end')
            found.texts = whole.texts(options, sentiment, folder)
        say('processes')
        found.starts = whole.processes(options, sentiment, paths)
    say('')
    report.write(options.output, found)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f'bench: {error}')
