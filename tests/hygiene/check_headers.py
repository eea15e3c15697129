# SPDX-License-Identifier: Apache-2.0
"""check_headers.py ROOT CC [CXX]: each header compiles when included alone.

The public one as old and new C and C++ with every warning an error; those of
lib as C11. Templates (`*_template.h`) are bodies, not headers, and stay out; so
do headers for the vectors of a processor that the compiler does not compile for.
"""
import os
import re
import shlex
import subprocess
import sys

import sources

PUBLIC = 'include/sentiment/sentiment.h'
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only']
C_STANDARDS = ('c99', 'c11')
CXX_STANDARDS = ('c++98', 'c++17')

# What other languages cannot bind, or would bind differently per compiler.
UNBINDABLE = re.compile(r'\b(bool|_Bool|union|long|static|inline|va_list|time_t|FILE)\b|\.\.\.'
                        r'|\benum\s+\w+\s+\w|:\s*\d+\s*;')

# The compiler's headers of vectors, and how `cc -dumpmachine` begins where it has them.
VECTORS = {'arm_neon.h': 'aarch64', 'immintrin.h': 'x86_64'}


def compiles(command, language, include, header):
    """Compiles two inclusions of one header; the compiler's words, or ''."""
    code = f'#include "{header}"\n#include "{header}"\nint sn_only_header;\n'
    done = subprocess.run(command + STRICT + include + ['-x', language, '-'],
                          input=code, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, check=False)
    return '' if done.returncode == 0 else done.stdout or 'the compiler failed'


def check_public(root, cc, cxx):
    """The public header in every language that it promises."""
    include = ['-I', os.path.join(root, 'include')]
    runs = [(cc, 'c', standard) for standard in C_STANDARDS]
    runs += [(cxx, 'c++', standard) for standard in CXX_STANDARDS if cxx]
    for command, language, standard in runs:
        words = compiles(command + ['-std=' + standard], language, include, 'sentiment/sentiment.h')
        yield f'{PUBLIC} as {standard}: {words}' if words else ''
    code = re.sub(r'/\*.*?\*/', '', sources.read(root, PUBLIC).decode('ascii'), flags=re.DOTALL)
    for match in UNBINDABLE.finditer(code):
        yield f'{PUBLIC}: not for a public header: {match.group()}'


def check_internal(root, cc, name):
    """One header of lib or tools, as its own folder would include it."""
    include = ['-I', os.path.join(root, 'include'), '-I', os.path.join(root, 'lib'),
               '-I', os.path.join(root, os.path.dirname(name)), '-I', os.path.join(root, 'tools'),
               '-D_GNU_SOURCE']
    words = compiles(cc + ['-std=c11'], 'c', include, os.path.join(root, name))
    return f'{name}: {words}' if words else ''


def for_others(root, machine, name):
    """Whether a header includes vectors that this machine's compiler does not know."""
    code = sources.read(root, name).decode('ascii')
    return any(f'<{header}>' in code and not machine.startswith(family)
               for header, family in VECTORS.items())


def has_server(cc):
    """Whether the libraries of the server are there."""
    return not compiles(cc + ['-std=c11'], 'c', [], 'event2/event.h')


def main(root, cc, cxx=''):
    """Checks the public header, then the others."""
    cc, cxx = shlex.split(cc), shlex.split(cxx)
    machine = subprocess.run(cc + ['-dumpmachine'], stdout=subprocess.PIPE, check=True,
                             universal_newlines=True).stdout
    results, server = list(check_public(root, cc, cxx)), has_server(cc)
    for name in sources.files(root):
        if name.startswith('tools/serve/') and not server:
            continue
        if name.startswith(('lib/', 'tools/')) and name.endswith('.h') and (
                not name.endswith('_template.h')) and not for_others(root, machine, name):
            results.append(check_internal(root, cc, name))
    return sources.finish([result for result in results if result], len(results))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
