# SPDX-License-Identifier: Apache-2.0
"""test_page.py PYTHON ROOT BUILD [update]: docs/python-services.md, followed in a clean copy.

All blocks run in one shell, in their order. A block that ends in a server runs beside the
next ones, until another server takes its place. Output in `console` blocks is compared, but
for the time that an answer took; `update` writes the real output there. Ports are free ones.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import running

sys.path[:0] = [os.path.join(running.ROOT, 'tests', each) for each in ('docs', 'hygiene')]

import documents
import sources

PAGE = os.path.join('docs', 'python-services.md')
SERVER = re.compile(r'^(?=.*\b(uvicorn|gunicorn) )', re.MULTILINE)
TIME = re.compile(r'(?<="processing_time":)[^,}]+|(?<="timestamp": ")[^"]+')


class Shell:
    """A reader's terminal, and a second one for servers."""

    def __init__(self, folder):
        self.ports = {name: str(running.free_port()) for name in ('8000', '5000')}
        self.folder = folder
        self.server = None
        self.state = os.path.join(folder, '.state')
        # Nothing of the build is in reach: what runs was installed by the page.
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ('PYTHONPATH', 'SENTIMENT_LIBRARY', 'MODEL_PATH')}
        with open(os.path.join(folder, '.apt'), 'w', encoding='ascii') as file:
            file.write('DPkg::Lock::Timeout "600";\n')
        self.environment['APT_CONFIG'] = file.name

    def script(self, text, state):
        """Commands in the folder and with the variables that the last ones left."""
        for known, port in self.ports.items():
            text = re.sub(r'\b%s\b' % known, port, text)
        before = '. %s\n' % self.state if os.path.exists(self.state) else ''
        after = '\n{ export -p; echo "cd \'$PWD\'"; } > %s\n' % self.state if state else '\n'
        return ['bash', '-eu', '-c', before + text + after]

    def run(self, text, where):
        """The output of commands that must succeed."""
        done = subprocess.run(self.script(text, True), cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, check=False)
        if done.returncode:
            raise RuntimeError('%s: exit status %d\n%s' % (where, done.returncode, done.stdout))
        return done.stdout

    def serve(self, text, where):
        """Starts a server in the place of the last one, and waits until it answers."""
        self.stop()
        *first, last = text.rstrip('\n').replace('\\\n', ' ').split('\n')
        # The shell becomes the server, which then hears the signal itself.
        last = re.sub(r'^((?:[A-Z_]+=(?:\$\([^)]*\)|\S+) )*)', r'\1exec ', last)
        self.server = subprocess.Popen(self.script('\n'.join([*first, last]), False),
                                       cwd=self.folder, env=self.environment,
                                       stdin=subprocess.DEVNULL)
        port = next(known for known in self.ports if known in text)
        while True:
            try:
                place = 'http://127.0.0.1:%s/health' % self.ports[port]
                urllib.request.urlopen(place, timeout=running.PATIENCE).close()
                return
            except OSError:
                if self.server.poll() is not None:
                    raise RuntimeError('%s: the server ended' % where) from None
                time.sleep(0.1)

    def stop(self):
        """Ends the server, which must go in peace."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            status = self.server.wait(running.PATIENCE)
            if status not in (0, -signal.SIGTERM):
                raise RuntimeError('a server ended with %d' % status)
            self.server = None


def plain(text):
    """Output without what differs each time; FastAPI ends no line."""
    return TIME.sub('...', text).rstrip('\n')


def follow(shell, block):
    """Runs a block; the real text of a console block, and what is wrong with it."""
    print('%s: running' % block, flush=True)
    if block.language == 'py':
        shell.run("python - <<'END'\n%sEND\n" % block.text, block)
    elif block.language == 'sh' and SERVER.search(block.text):
        shell.serve(block.text, block)
    elif block.language == 'sh' and 'apt-get' in block.text and os.geteuid() != 0:
        print('%s: left out, it wants root' % block)
    elif block.language == 'sh':
        shell.run(block.text, block)
    if block.language != 'console':
        return block.text, []
    real, wrong = '', []
    for command, wanted in commands(block):
        output = shell.run(command, block)
        real += '$ %s\n%s\n' % (command, output.rstrip('\n'))
        if plain(output) != plain(wanted):
            wrong.append('%s: $ %s\n--- page\n%s--- real\n%s' % (block, command, wanted, output))
    return real, wrong


def commands(block):
    """Pairs of command and output; a command may go on in a line with four blanks."""
    for command, output in block.commands():
        while command.endswith('\\'):
            line, _, output = output.partition('\n')
            command += '\n' + line
        yield command, output


def copy(folder):
    """The files of the tree, and nothing that was built."""
    for name in sources.files(running.ROOT):
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(running.ROOT, name), target)


def main():
    """See above."""
    path = os.path.join(running.ROOT, PAGE)
    with open(path, encoding='utf-8') as file:
        text = file.read()
    changes, problems = [], []
    with tempfile.TemporaryDirectory() as folder:
        copy(folder)
        shell = Shell(folder)
        try:
            for block in documents.blocks(running.ROOT, PAGE):
                real, wrong = follow(shell, block)
                changes.append((block.span, real))
                problems += wrong
        finally:
            shell.stop()
    if sys.argv[4:] == ['update']:
        for (start, end), real in reversed(changes):
            text = text[:start] + real + text[end:]
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return 0
    print('\n'.join(problems) or '%d blocks' % len(changes))
    return 1 if problems else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except RuntimeError as problem:
        sys.exit(str(problem))
