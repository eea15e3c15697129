# SPDX-License-Identifier: Apache-2.0
"""check_training.py ROOT BUILD: the hyper-parameters of docs/training.md are
those of `sentiment train --help`, with the same defaults.

A default that the help does not show ("no", "cpu") is not compared.
"""
import os
import re
import subprocess
import sys

OPTION = re.compile(r'^  --([a-z-]+)(.*(?:\n {10,}.*)*)', re.MULTILINE)
ROW = re.compile(r'^\| `([a-z_]+)` \| ([^|]*) \|', re.MULTILINE)
# Not of the recipe.
OTHERS = {'train', 'dev', 'output', 'labels', 'name', 'model_version', 'help'}


def options(text):
    """Names with underscores, and defaults; None where none is shown."""
    found = {}
    for name, rest in OPTION.findall(text):
        default = re.search(r'\[([^\]]*)\]\s*$', rest)
        found[name.replace('-', '_')] = default[1] if default else None
    return {name: value for name, value in found.items() if name not in OTHERS}


def main(root, build):
    """Prints what differs."""
    done = subprocess.run([os.path.join(build, 'sentiment'), 'train', '--help'],
                          stdout=subprocess.PIPE, universal_newlines=True, check=True)
    with open(os.path.join(root, 'docs', 'training.md'), encoding='utf-8') as stream:
        table = {name: value.strip('` ') for name, value in ROW.findall(stream.read())}
    real = options(done.stdout)
    problems = ['%s stands in one of the two only' % name for name in set(real) ^ set(table)]
    problems += ['%s: %s in the document, %s in the command' % (name, table[name], value)
                 for name, value in real.items()
                 if value is not None and name in table and table[name] != value]
    print('\n'.join(sorted(problems)) or '%d hyper-parameters' % len(real))
    return 1 if problems or not real else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]))
