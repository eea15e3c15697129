# SPDX-License-Identifier: Apache-2.0
"""test_documents.py ROOT BUILD WHAT [COMPILER...]: what the documents show works.

WHAT is c, python, go or rust (every program of that language is compiled, with
warnings as errors, and run) or shell (marked blocks are run, see documents.py;
needs COMPILER as `cc`). Without a language's tools the test is skipped.
`test_documents.py ROOT BUILD update` writes the real output of the marked
console blocks into the documents, for the eyes of whoever commits it.
"""
import os
import re
import shlex
import sys

import documents
import reader

SKIP = 77
WARNINGS = '-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'.split()
MAIN = {'c': r'\bint main\(', 'python': r'^print\(', 'go': r'\bfunc main\(', 'rust': r'\bfn main\('}
SUFFIX = {'c': '.c', 'python': '.py', 'go': '.go', 'rust': '.rs'}
TOOLS = {'c': [], 'python': [], 'go': ['go', 'pkg-config', 'cc'],
         'rust': ['cargo', 'pkg-config', 'cc']}
GO = {'GOPROXY': 'off', 'GOTOOLCHAIN': 'local', 'GOFLAGS': '-mod=mod'}
# The text that every README program classifies.
TEXT = 'I love this product!'


def stem(source):
    """Name of a source file without what follows the dot."""
    return os.path.splitext(source)[0]


def flags(user):
    """What pkg-config says to compile and link with."""
    return shlex.split(user.check(['pkg-config', '--cflags', '--libs', 'sentiment']))


def compile_c(user, sources, compiler):
    """Each with what pkg-config says."""
    for source in sources:
        user.check([*compiler, *WARNINGS, source, *flags(user), '-o', stem(source)])
    return [['./' + stem(source)] for source in sources]


def run_python(user, sources, _):
    """With the package of the tree, as if it were installed; a program whose packages
    this machine lacks gives no command."""
    return [[user.python, '-B', '-W', 'error', source] if has_packages(user, source) else None
            for source in sources]


def has_packages(user, source):
    """Whether all that a program imports is there; CI has it."""
    with open(user.path(source), encoding='utf-8') as stream:
        names = re.findall(r'^(?:from|import) (\w+)', stream.read(), re.MULTILINE)
    probe = 'import importlib.util as u; assert all(map(u.find_spec, %r))' % names
    return os.environ.get('CI') == 'true' or user.run([user.python, '-c', probe]).returncode == 0


def compile_go(user, sources, _):
    """In a module that takes the binding from the tree."""
    with open(os.path.join(user.root, 'bindings', 'go', 'go.mod'), encoding='utf-8') as stream:
        module = re.search(r'^module (\S+)$', stream.read(), re.MULTILINE)[1]
    user.write('go.mod', 'module example\n\ngo 1.24\n\nrequire %s v0.0.0\n\nreplace %s => %s\n' % (
        module, module, os.path.join(user.root, 'bindings', 'go')))
    for source in sources:
        user.check(['go', 'vet', source], **GO)
        user.check(['go', 'build', '-o', stem(source), source], **GO)
    return [['./' + stem(source)] for source in sources]


def compile_rust(user, sources, _):
    """In a crate that takes the binding from the tree, a binary a program."""
    crate = os.path.join(user.root, 'bindings', 'rust', 'sentiment')
    bins = ''.join('[[bin]]\nname = "%s"\npath = "%s"\n' % (stem(source), source)
                   for source in sources)
    user.write('Cargo.toml', '[package]\nname = "example"\nversion = "0.0.0"\nedition = "2021"\n'
               '[dependencies]\nsentiment = { path = "%s" }\n%s' % (crate, bins))
    target = os.path.join(user.build, 'rust-target')
    user.check(['cargo', 'build', '--quiet', '--target-dir', target], RUSTFLAGS='-D warnings')
    return [[os.path.join(target, 'debug', stem(source))] for source in sources]


COMPILE = {'c': compile_c, 'python': run_python, 'go': compile_go, 'rust': compile_rust}


def expected_line(user):
    """What the command answers to the programs' text, in the programs' form."""
    line = user.check(['sentiment', 'predict', '--model', reader.MODEL, TEXT])
    label, confidence = line.split()[:2]
    return '%s %s\n' % (label, confidence)


def test_programs(root, user, language, compiler):
    """Every program of a language; those of the README give the command's answer."""
    missing = [tool for tool in TOOLS[language] if not user.has(tool)]
    if missing:
        print('skipped: %s is not on this machine' % missing[0])
        return SKIP
    blocks = [block for name in documents.names(root) for block in documents.blocks(root, name)
              if block.language == language and re.search(MAIN[language], block.text, re.M)]
    if not blocks:
        raise RuntimeError('no %s program in the documents' % language)
    sources = ['program%d%s' % (number, SUFFIX[language]) for number in range(len(blocks))]
    for block, source in zip(blocks, sources):
        user.write(source, block.text)
        print('%s: %s' % (block, source), flush=True)
    for block, command in zip(blocks, COMPILE[language](user, sources, compiler)):
        print('%s: %s' % (block, 'running' if command else 'skipped, its packages are not here'),
              flush=True)
        if not command:
            continue
        output = user.check(command)
        if not output:
            raise RuntimeError('%s: printed nothing' % block)
        if block.document == 'README.md' and output != expected_line(user):
            raise RuntimeError('%s: printed %r, the command says %r'
                               % (block, output, expected_line(user)))
    print('%d programs' % len(blocks))
    return 0


def run_block(user, block):
    """Runs a marked block; yields command, expected and real output."""
    environment = {}
    if block.needs == 'MODEL':
        environment['SENTIMENT_MODEL'] = ''
    for command, wanted in block.commands():
        done = user.run(['sh', '-eu', '-c', command], **environment)
        if wanted is None and done.returncode != 0:
            raise RuntimeError('%s: exit status %d\n%s%s'
                               % (block, done.returncode, done.stdout, done.stderr))
        yield command, wanted, done.stdout + done.stderr


def walk_document(root, name, user):
    """Files written, blocks run, in the order of the document."""
    for block in documents.blocks(root, name):
        if block.file:
            user.write(block.file, block.text)
        elif block.run and not user.has_need(block.needs):
            print('%s: skipped, no %s here' % (block, block.needs))
        elif block.run:
            print('%s: running' % block, flush=True)
            yield block, list(run_block(user, block))


def test_shell(root, build):
    """Marked blocks, each document in a folder of its own."""
    wrong = 0
    for name in documents.names(root):
        with reader.Reader(root, build) as user:
            user.use_bundled()
            for block, answers in walk_document(root, name, user):
                for command, wanted, real in answers:
                    if wanted is not None and wanted != real:
                        print('%s: $ %s\n--- document\n%s--- real\n%s'
                              % (block, command, wanted, real))
                        wrong += 1
    return 1 if wrong else 0


def update(root, build):
    """Writes real output into the console blocks."""
    for name in documents.names(root):
        with reader.Reader(root, build) as user:
            user.use_bundled()
            changes = [(block.span, ''.join('$ %s\n%s' % (command, real)
                                            for command, _, real in answers))
                       for block, answers in walk_document(root, name, user)
                       if block.language == 'console']
        path = os.path.join(root, name)
        with open(path, encoding='utf-8') as stream:
            text = stream.read()
        for (start, end), fresh in reversed(changes):
            text = text[:start] + fresh + text[end:]
        with open(path, 'w', encoding='utf-8') as stream:
            stream.write(text)
    return 0


def main(root, build, what, *compiler):
    """See above."""
    if what == 'shell':
        return test_shell(root, build)
    if what == 'update':
        return update(root, build)
    with reader.Reader(root, build) as user:
        return test_programs(root, user, what, list(compiler))


if __name__ == '__main__':
    try:
        sys.exit(main(*sys.argv[1:]))
    except RuntimeError as problem:
        sys.exit(str(problem))
