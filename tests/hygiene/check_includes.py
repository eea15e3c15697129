# SPDX-License-Identifier: Apache-2.0
"""check_includes.py ROOT: include downward only, siblings never.

FLOORS is the table of docs/architecture.md. A file includes its own folder
and the floors below, by path from lib/. The system's own headers beyond the C
library are for base, and where PLATFORM allows one more.
"""
import re
import sys

import sources

FLOORS = {'base': 0, 'kernels': 1, 'formats': 1, 'text': 1, 'nn': 2, 'model': 3, 'engine': 4,
          'api': 5}
PUBLIC = 'sentiment/sentiment.h'
# What the folders outside lib may include of it.
OUTSIDE = {'shim': {'engine/plugin.h', 'engine/onnx_plugin.h', 'base/status.h'},
           'tools': {'base/cgroup.h', 'base/sha256.h'}, 'examples': set()}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
SYSTEM = re.compile(r'^(sys/.*|arpa/.*|unistd|fcntl|dirent|dlfcn|pthread|sched|semaphore|poll|'
                    r'windows|mach/.*)(\.h)?$')
# Locks belong to what they guard; opening a plugin is the engine's work.
PLATFORM = {'base': None, 'model': {'pthread.h'},
            'engine': {'dlfcn.h', 'pthread.h', 'sys/types.h', 'unistd.h'}}


def place_of(name):
    """The folder that decides: a floor for lib, else the first folder."""
    parts = name.split('/')
    if parts[0] != 'lib':
        return parts[0]
    return 'api' if len(parts) == 2 else parts[1]


def check_lib(place, kind, target, known):
    """The rule inside lib; None or what is wrong."""
    if kind == '<':
        allowed = PLATFORM.get(place, set())
        if SYSTEM.match(target) and allowed is not None and target not in allowed:
            return 'a platform header outside lib/base'
        return None
    floor = target.split('/')[0] if '/' in target else None
    if floor is None:
        return None if place == 'api' and 'lib/' + target in known else 'no path from lib/'
    if floor not in FLOORS:
        return 'no such floor'
    if 'lib/' + target not in known:
        return 'no such file'
    if floor != place and FLOORS[floor] >= FLOORS[place]:
        return f'{place} may not include {floor}'
    return None


def check_outside(place, name, kind, target, known):
    """The rule for shim, tools and examples."""
    if kind == '<':
        return None
    folder = name.rsplit('/', 1)[0]
    own = f'{folder}/{target}' in known or f'{place}/{target}' in known
    if own or target in OUTSIDE[place] or target == PUBLIC:
        return None
    return f'{place} may not include this'


def find_cycle(graph):
    """One cycle of headers, or None; peels off what includes nothing left."""
    left = {name: set(targets) & set(graph) for name, targets in graph.items()}
    while True:
        leaves = {name for name, targets in left.items() if not targets}
        if not leaves:
            return sorted(left) or None
        left = {name: targets - leaves for name, targets in left.items() if name not in leaves}


def main(root):
    """Checks every C and C++ file of the folders with a rule."""
    names = sources.files(root)
    known, problems, checked, headers = set(names), [], 0, {}
    for name in names:
        place = place_of(name)
        in_lib = name.startswith('lib/')
        if not name.endswith(('.c', '.h', '.inc', '.cpp')) or not (in_lib or place in OUTSIDE):
            continue
        if in_lib and place not in FLOORS:
            problems.append(f'{name}: a folder without a floor')
            continue
        checked += 1
        found = INCLUDE.findall(sources.read(root, name).decode('utf-8', 'replace'))
        for kind, target in found:
            problem = (check_lib(place, kind, target, known) if in_lib
                       else check_outside(place, name, kind, target, known))
            if problem:
                problems.append(f'{name}: {target}: {problem}')
        if in_lib and name.endswith('.h'):
            headers[name] = {'lib/' + target for _, target in found}
    cycle = find_cycle(headers)
    if cycle:
        problems.append('headers include each other: ' + ' '.join(cycle))
    return sources.finish(problems, checked)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
