# SPDX-License-Identifier: Apache-2.0
"""bindings.py BUILD PYTHON [--texts TSV] [--rounds N]: what a binding costs over C.

One prediction at a time with a tiny model, so that little else is measured, and a batch
of 10,000 texts with that model and with the bundled one; every language in turn, several
times, each run a process of its own on one processor. Prints medians, and what each adds
to C. PYTHON has pyarrow. A language that this machine lacks is left out.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TINY = ['--vocab-size', '100', '--embedding-dim', '4', '--hidden-size', '4', '--num-classes', '3',
        '--padding', 'none']
TEXTS = 10000
# The limits that the project sets itself: seconds over C, and times C.
LIMITS = {'python': (5e-6, 1.15), 'go': (0.5e-6, 1.05), 'rust': (0.1e-6, 1.05)}


def environment(build):
    """Where programs and compilers find the library of the build folder."""
    return dict(os.environ, LD_LIBRARY_PATH=build, SENTIMENT_MODEL='',
                SENTIMENT_LIBRARY=os.path.join(build, 'libsentiment.so.0'),
                PYTHONPATH=os.path.join(ROOT, 'bindings', 'python'),
                PKG_CONFIG_PATH=os.path.join(build, 'meson-uninstalled'),
                GOPROXY='off', GOTOOLCHAIN='local')


def programs(build, python):
    """Commands by language; those that need it are built."""
    found = {'c': [os.path.join(build, 'bench', 'c_bench')],
             'python': [python, os.path.join(HERE, 'python_bench.py')]}
    env = environment(build)
    if shutil.which('go'):
        target = os.path.join(build, 'go_bench')
        subprocess.run(['go', 'build', '-o', target, '.'], check=True, env=env,
                       cwd=os.path.join(HERE, 'go_bench'))
        found['go'] = [target]
    if shutil.which('cargo'):
        target = os.path.join(build, 'rust-target')
        subprocess.run(['cargo', 'build', '--release', '--quiet', '--locked', '--target-dir',
                        target], check=True, env=env, cwd=os.path.join(HERE, 'rust_bench'))
        found['rust'] = [os.path.join(target, 'release', 'rust_bench')]
    return found


def write_texts(path, tsv):
    """10,000 texts, a line each: of a TSV, or words that every tiny model knows."""
    if tsv:
        with open(tsv, encoding='utf-8') as file:
            column = next(file).rstrip('\n').split('\t').index('text')
            texts = [line.rstrip('\n').split('\t')[column] for line in file]
        texts = (texts * (TEXTS // len(texts) + 1))[:TEXTS]
    else:
        draw = random.Random(7)
        texts = [' '.join('word_%d' % draw.randrange(100) for _ in range(draw.randrange(5, 40)))
                 for _ in range(TEXTS)]
    with open(path, 'w', encoding='utf-8') as file:
        file.writelines(text + '\n' for text in texts)


def measure(found, env, tasks, rounds):
    """{task: {language or kind: [seconds]}}, the languages in turns."""
    pin = ['taskset', '-c', str(os.cpu_count() - 1)] if shutil.which('taskset') else []
    seconds = {}
    for _ in range(rounds):
        for task, arguments in tasks.items():
            for language, command in found.items():
                done = subprocess.run([*pin, *command, *arguments], env=env, check=True,
                                      stdout=subprocess.PIPE)
                for key, value in json.loads(done.stdout).items():
                    kind = key.partition('_')[2]
                    name = language + (' from ' + kind if kind else '')
                    seconds.setdefault(task, {}).setdefault(name, []).append(value)
    return seconds


def report(seconds):
    """Prints the medians; returns what misses its limit."""
    missed = []
    for task, by_name in seconds.items():
        base = statistics.median(by_name['c'])
        print('\n%s: C %.4g us' % (task, base * 1e6))
        for name, values in by_name.items():
            if name == 'c':
                continue
            value, limit = statistics.median(values), LIMITS[name.split()[0]]
            held = (value - base <= limit[0] if task == 'single' else value / base <= limit[1])
            # A list is not what the limit of Python speaks of: each text is encoded.
            counts = 'list' not in name
            print('  %-20s %10.4g us  %+9.3f us  %.3fx%s' % (
                name, value * 1e6, (value - base) * 1e6, value / base,
                '' if held or not counts else '  above the limit'))
            if counts and not held:
                missed.append('%s: %s' % (task, name))
    return missed


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('build')
    parser.add_argument('python')
    parser.add_argument('--texts', help='a TSV with a column "text"')
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    found = programs(build, options.python)
    with tempfile.TemporaryDirectory() as folder:
        tiny, texts = os.path.join(folder, 'tiny.safetensors'), os.path.join(folder, 'texts')
        subprocess.run([os.path.join(build, 'sentiment'), 'create', *TINY, tiny], check=True)
        write_texts(texts, options.texts)
        bundled = os.path.join(build, 'models', 'sentiment-en.safetensors')
        tasks = {'single': [tiny, 'single', '9'], 'batch, tiny model': [tiny, 'batch', texts, '9'],
                 'batch, bundled model': [bundled, 'batch', texts, '3']}
        seconds = measure(found, environment(build), tasks, options.rounds)
    print('medians of %d runs in turns; texts: %s'
          % (options.rounds, os.path.basename(options.texts or 'made up')))
    return 1 if report(seconds) else 0


if __name__ == '__main__':
    sys.exit(main())
