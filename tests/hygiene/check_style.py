# SPDX-License-Identifier: Apache-2.0
"""check_style.py ROOT: the house rules that a machine can judge.

Length and width of files, the licence line, whitespace, ASCII, no unfinished
words, no machine's paths, no value-changing compiler flags.
"""
import re
import sys

import sources

MAX_LINES = 500
MAX_MESON_LINES = 80
MAX_COLUMNS = 100
# The public header is one file by design, and mostly comments.
LONGER = {'include/sentiment/sentiment.h': 1200}
ASCII_ONLY = re.compile(r'^(include|lib|shim|tools|examples)/.*\.(c|h|inc|cpp)$|meson\.build$')
# Spelt in halves so that this file passes its own check.
UNFINISHED = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b')
MACHINE = re.compile(r'(^|[^\w.])/(ho' r'me|ro' r'ot)/|march=na' r'tive|ffast-' r'math')


def check_lines(name, text):
    """Problems of single lines."""
    for number, line in enumerate(text.split('\n'), 1):
        where = f'{name}:{number}: '
        if sources.is_code(name) and len(line) > MAX_COLUMNS:
            yield where + f'{len(line)} columns, at most {MAX_COLUMNS}'
        if '\r' in line:
            yield where + 'carriage return'
        if line != line.rstrip(' \t') and not name.endswith('.md'):
            yield where + 'trailing whitespace'
        if '\t' in line and name.endswith(('.c', '.h', '.cpp', '.inc', '.py', 'meson.build')):
            yield where + 'tab'
        if UNFINISHED.search(line):
            yield where + 'unfinished word: ' + UNFINISHED.search(line).group()
        if MACHINE.search(line):
            yield where + 'path or flag of one machine: ' + MACHINE.search(line).group().strip()


def check_file(name, text):
    """Problems of the file as a whole."""
    lines = text.count('\n')
    # A table says which script of this tree wrote it.
    opening = '\n'.join(text.split('\n')[:12])
    generated = re.search(r'\b([Gg]enerated|[Ww]ritten) by [\w/]+\.py\b', opening)
    limit = LONGER.get(name, MAX_LINES)
    if name == 'meson.build' or name.endswith('/meson.build'):
        limit = MAX_MESON_LINES
    if sources.is_code(name) and lines > limit and not generated:
        yield f'{name}: {lines} lines, at most {limit}'
    needs_licence = sources.is_code(name) and text and not name.endswith('meson.build')
    if needs_licence and 'SPDX-License-Identifier: Apache-2.0' not in (
            '\n'.join(text.split('\n')[:4])):
        yield f'{name}: no SPDX-License-Identifier in its first lines'
    if ASCII_ONLY.search(name) and not text.isascii():
        yield f'{name}: not ASCII'
    if text and not text.endswith('\n'):
        yield f'{name}: no newline at its end'
    if text.endswith('\n\n'):
        yield f'{name}: empty lines at its end'


def main(root):
    """Checks every text file under root."""
    problems, checked = [], 0
    for name in sources.files(root):
        if not sources.is_text(name):
            continue
        checked += 1
        try:
            text = sources.read(root, name).decode('utf-8')
        except UnicodeDecodeError as error:
            problems.append(f'{name}: not UTF-8 at byte {error.start}')
            continue
        problems += check_lines(name, text)
        problems += check_file(name, text)
    return sources.finish(problems, checked)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
