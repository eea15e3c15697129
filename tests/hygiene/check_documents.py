# SPDX-License-Identifier: Apache-2.0
"""check_documents.py ROOT [COMMAND]: what the Markdown files point at exists.

Links to files of the tree; `make` targets in code; and, where the built
command is given, the subcommands and options that the examples use. Prose is
wrapped as sources are; rows of tables are not.
"""
import os
import re
import shlex
import subprocess
import sys

import sources

LINK = re.compile(r'\]\(([^)\s]+)\)')
BLOCK = re.compile(r'^```(?:sh|console|bash)\n(.*?)^```', re.MULTILINE | re.DOTALL)
TARGET = re.compile(r'^([a-z][a-z-]*):', re.MULTILINE)
MAX_COLUMNS = 100


def commands(text):
    """Lines of shell in a document, continuations joined, prompts removed."""
    for block in BLOCK.findall(text):
        for line in block.replace('\\\n', ' ').split('\n'):
            for part in re.split(r'&&|\|(?=\s)', line.lstrip('$ ')):
                try:
                    words = shlex.split(part, comments=True)
                except ValueError:
                    continue
                while words and re.match(r'^[A-Z_]+=', words[0]):
                    words = words[1:]
                if words:
                    yield words


def help_of(command, subcommand, cache):
    """The --help text of a subcommand; None where it fails."""
    if subcommand not in cache:
        done = subprocess.run([command, subcommand, '--help'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              universal_newlines=True, check=False)
        cache[subcommand] = done.stdout if done.returncode == 0 else None
    return cache[subcommand]


def check_command(words, targets, command, cache):
    """What is wrong with one line of shell; None where nothing is."""
    if words[0] == 'make':
        unknown = [word for word in words[1:]
                   if re.match(r'^[a-z]', word) and word not in targets]
        return f'no such target: {unknown[0]}' if unknown else None
    if os.path.basename(words[0]) != 'sentiment' or not command or len(words) < 2:
        return None
    subcommand, options = words[1], [word.split('=')[0] for word in words[2:]]
    if subcommand.startswith('-'):
        return None
    text = help_of(command, subcommand, cache)
    if text is None and re.search(rf'^  {re.escape(subcommand)} ',
                                  help_of(command, '--help', cache) or '', re.MULTILINE):
        return None  # the server, where it was not built
    if text is None:
        return f'no such subcommand: {subcommand}'
    for option in options:
        if option.startswith('--') and len(option) > 2 and (
                not re.search(re.escape(option) + r'\b', text)):
            return f'{subcommand} has no option {option}'
    return None


def check_links(root, name, text):
    """Links into the tree that lead nowhere."""
    for link in LINK.findall(re.sub(r'```.*?```', '', text, flags=re.DOTALL)):
        path = link.split('#')[0]
        if path and '://' not in path and not path.startswith('mailto:') and (
                not os.path.exists(os.path.join(root, os.path.dirname(name), path))):
            yield f'{name}: link to nothing: {link}'


def check_width(name, text):
    """Lines that are too long, where they could be shorter."""
    fenced = False
    for number, line in enumerate(text.split('\n'), 1):
        fenced ^= line.startswith('```')
        if len(line) > MAX_COLUMNS and not fenced and not line.startswith('|'):
            yield f'{name}:{number}: {len(line)} columns, at most {MAX_COLUMNS}'


def main(root, command=''):
    """Checks every Markdown file."""
    targets = set(TARGET.findall(sources.read(root, 'Makefile').decode()))
    problems, checked, cache = [], 0, {}
    for name in sources.files(root):
        if not name.endswith('.md'):
            continue
        checked += 1
        text = sources.read(root, name).decode('utf-8', 'replace')
        problems += check_links(root, name, text)
        problems += check_width(name, text)
        for words in commands(text):
            problem = check_command(words, targets, command, cache)
            if problem:
                problems.append(f'{name}: `{" ".join(words)}`: {problem}')
    return sources.finish(problems, checked)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
