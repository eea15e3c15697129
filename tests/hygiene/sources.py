# SPDX-License-Identifier: Apache-2.0
"""The files of the project, for the checks beside this one.

A git checkout is asked for its files, new ones included; an unpacked archive
is walked, build folders left out.
"""
import os
import re
import subprocess

CODE = ('.c', '.h', '.inc', '.cpp', '.hpp', '.py', '.sh', '.go', '.rs', '.map')
TEXT = CODE + ('.build', '.md', '.yml', '.yaml', '.1')
BARE_NAMES = ('Makefile', '.ci/run', 'meson_options.txt')
BUILD_FOLDER = re.compile(r'^(build.*|\..*|__pycache__|out)$')


def _from_git(root):
    command = ['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=False)
    except OSError:
        return None
    if done.returncode != 0 or not os.path.exists(os.path.join(root, '.git')):
        return None
    return [name for name in done.stdout.decode().split('\0') if name]


def _from_walk(root):
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name == '.ci' or not BUILD_FOLDER.match(name)]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return found


def files(root):
    """Paths relative to root, sorted; deleted files left out."""
    names = _from_git(root)
    if names is None:
        names = _from_walk(root)
    return sorted(name for name in set(names) if os.path.isfile(os.path.join(root, name)))


def is_code(name):
    """Whether a file is source code, build description included."""
    return name.endswith(CODE + ('meson.build',)) or name in ('Makefile', '.ci/run')


def is_text(name):
    """Whether a file is written by hand for people or the compiler."""
    return name.endswith(TEXT) or name in BARE_NAMES


def read(root, name):
    """The bytes of one file."""
    with open(os.path.join(root, name), 'rb') as stream:
        return stream.read()


def finish(problems, checked):
    """Prints the problems; the exit status. Having checked nothing is one."""
    for problem in problems:
        print(problem)
    print(f'{checked} checked, {len(problems)} problems')
    return 1 if problems or not checked else 0
