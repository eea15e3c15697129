# SPDX-License-Identifier: Apache-2.0
"""check_library.py HEADER SHARED [STATIC]: what the built library shows the world.

Exports exactly the functions of the header, under one version node; needs
four libraries and no other; stays under 1 MB stripped; runs nothing at load;
never calls what would end or speak for its host.
"""
import os
import re
import subprocess
import sys
import tempfile

import sources

NODE = 'SENTIMENT_1'
SONAME = 'libsentiment.so.0'
NEEDED = re.compile(r'^(libc|libm|libz|libjansson)\.so\.\d+$|^ld-linux[-\w]*\.so\.\d+$')
MAX_STRIPPED = 1000 * 1000
HOST_ENDING = re.compile(
    r'^(abort|exit|_exit|_Exit|quick_exit|__assert_fail|raise|kill|signal|sigaction|atexit'
    r'|(__)?v?f?printf(_chk)?|puts|putchar|perror|psignal|syslog|stdout|stderr'
    r'|setlocale|srand|rand|strtok|putenv|setenv|unsetenv|system|popen)$')


def output(*command):
    """Standard output of a command that must succeed, in the C locale."""
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True,
                          env=dict(os.environ, LC_ALL='C')).stdout


def declared(header):
    """Names of the functions that the header exports."""
    with open(header, encoding='ascii') as stream:
        text = re.sub(r'/\*.*?\*/', '', stream.read(), flags=re.DOTALL)
    return set(re.findall(r'^SENTIMENT_API\b[^;]*?\b(sentiment_\w+)\s*\(', text, re.MULTILINE))


def check_symbols(header, shared):
    """Exports against the header; undefined symbols against the rules."""
    expected, found = declared(header), set()
    for line in output('nm', '-D', '--defined-only', shared).splitlines():
        kind, name = line.split()[-2:]
        if kind == 'A' and name.split('@')[0] == NODE:
            continue
        bare, _, version = name.partition('@')
        found.add(bare)
        if version.lstrip('@') != NODE:
            yield f'{bare}: version {version or "missing"}, expected {NODE}'
    for name in sorted(expected - found):
        yield f'{name}: declared in the header, not exported'
    for name in sorted(found - expected):
        yield f'{name}: exported, not declared in the header'
    for line in output('nm', '-D', '--undefined-only', shared).splitlines():
        name = line.split()[-1].split('@')[0]
        if HOST_ENDING.match(name):
            yield f'{name}: called, which a library must not'


def check_dynamic(shared):
    """Libraries needed, soname, relocations in code, executable stack."""
    dynamic = output('readelf', '-dW', shared)
    for name in re.findall(r'\(NEEDED\).*\[(.*)\]', dynamic):
        if not NEEDED.match(name):
            yield f'needs {name}'
    soname = re.findall(r'\(SONAME\).*\[(.*)\]', dynamic)
    if soname != [SONAME]:
        yield f'soname {soname}, expected {SONAME}'
    if 'TEXTREL' in dynamic:
        yield 'relocations in the code'
    if re.search(r'GNU_STACK.*\bRWE\b', output('readelf', '-lW', shared)):
        yield 'executable stack'


def check_size(shared):
    """Stripped size."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, 'stripped.so')
        output('strip', '-o', copy, shared)
        size = os.path.getsize(copy)
    print(f'stripped: {size} bytes')
    if size > MAX_STRIPPED:
        yield f'{size} bytes stripped, at most {MAX_STRIPPED}'


def check_static(header, static):
    """Every function is in the archive; no global name without our prefix."""
    lines = output('nm', '-g', '--defined-only', static).splitlines()
    found = {line.split()[-1] for line in lines if len(line.split()) == 3}
    for name in sorted(declared(header) - found):
        yield f'{name}: not in {os.path.basename(static)}'
    for name in sorted(found):
        if not name.startswith(('sentiment_', 'sn_')):
            yield f'{name}: global in {os.path.basename(static)} without prefix sn_'
    # In the archive there is no start-up code of the compiler's to tell apart.
    for section in re.findall(r'\s\.(init_array|fini_array|ctors|dtors)\b',
                              output('readelf', '-SW', static)):
        yield f'.{section} in {os.path.basename(static)}: code that runs at load or exit'


def main(header, shared, static=''):
    """Checks the shared library and, where given, the static one."""
    problems = [*check_symbols(header, shared), *check_dynamic(shared), *check_size(shared)]
    if static:
        problems += check_static(header, static)
    return sources.finish(problems, len(declared(header)))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
