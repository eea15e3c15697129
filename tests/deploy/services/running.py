# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the Python services: where things lie, a service that runs.

A script is called with the interpreter of the environment, the source tree and the build
folder. It goes on in that interpreter; without it the test is skipped, but not in CI.
Services listen on free ports of 127.0.0.1, in the folder of the examples.
"""
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

INTERPRETER, ROOT, BUILD = (os.path.abspath(each) for each in sys.argv[1:4])
EXAMPLES = os.path.join(ROOT, 'examples', 'python')
BINDING = os.path.join(ROOT, 'bindings', 'python')
COMMAND = os.path.join(BUILD, 'sentiment')
MODEL = os.path.join(BUILD, 'models', 'sentiment-en.safetensors')
BIN = os.path.dirname(INTERPRETER)
# Patience with a slow machine; no test waits for it to pass.
PATIENCE = 120


def enter():
    """Goes on in the environment's interpreter, with the package and the examples."""
    if not os.path.exists(INTERPRETER):
        print('no %s: .ci/deploy.sh BUILD services makes it' % INTERPRETER)
        sys.exit(1 if os.environ.get('CI') == 'true' else 77)
    if os.environ.get('SERVICES_ENTERED') != '1':
        sys.stdout.flush()
        os.execve(INTERPRETER, [INTERPRETER, '-B', *sys.argv], environment(SERVICES_ENTERED='1'))


def environment(**more):
    """Of a service: the built library, its model, no setting from outside."""
    made = dict(os.environ, PYTHONPATH=os.pathsep.join([BINDING, EXAMPLES]),
                SENTIMENT_LIBRARY=os.path.join(BUILD, 'libsentiment.so.0'), MODEL_PATH=MODEL,
                PYTHONDONTWRITEBYTECODE='1')
    for name in ('LOG_LEVEL', 'LOG_FILE', 'PORT', 'WEB_CONCURRENCY', 'PROMETHEUS_MULTIPROC_DIR'):
        made.pop(name, None)
    made.update(more)
    return made


def single(value):
    """The nearest float of 32 bits, also of each value of a list."""
    if isinstance(value, list):
        return [single(each) for each in value]
    return struct.unpack('f', struct.pack('f', value))[0]


def told_by_command(texts, model=MODEL):
    """What the command answers: objects, in order."""
    lines = ''.join(json.dumps({'text': text}) + '\n' for text in texts)
    done = subprocess.run([COMMAND, 'predict', '--model', model, '--json', '--input', '-',
                           '--input-format', 'jsonl'], input=lines.encode(), check=True,
                          stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()]


def golden_texts():
    """The texts with known answers that are valid UTF-8 and not empty."""
    found = []
    with open(os.path.join(ROOT, 'tests', 'golden', 'texts.tsv'), encoding='ascii') as file:
        names = next(file).rstrip('\n').split('\t')
        for line in file:
            row = dict(zip(names, line.rstrip('\n').split('\t')))
            text = bytes.fromhex(row['text']).decode('utf-8', 'replace')
            if text and '\ufffd' not in text:
                found.append(text)
    return sorted(set(found))


def free_port():
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Answer:
    """Status, fields and body."""

    def __init__(self, response):
        self.status, self.fields, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)


class Service:
    """A server with an application; `with` ends it by SIGTERM and takes down how it ended."""

    def __init__(self, *words, **env):
        self.port = int(env.get('PORT') or free_port())
        self.words = [word.replace('PORT', str(self.port)) for word in words]
        self.env = env
        self.status = None
        self.output = None
        self.log = tempfile.TemporaryFile()

    def __enter__(self):
        program = [INTERPRETER] if self.words[0].endswith('.py') else []
        place = [] if program else [os.path.join(BIN, self.words[0])]
        self.process = subprocess.Popen(
            program + place + self.words[0 if program else 1:], cwd=EXAMPLES,
            env=environment(**self.env), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        while True:
            try:
                if self.get('/health').status == 200:
                    return self
            except OSError:
                assert self.process.poll() is None, self.told()
                time.sleep(0.05)

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.output = self.told()
            self.log.close()
            if kind is not None:
                sys.stderr.write(self.output[-4000:])

    def told(self):
        """All that it wrote to its outputs, also when it has ended."""
        if self.output is not None:
            return self.output
        self.log.seek(0)
        return self.log.read().decode('utf-8', 'replace')

    def lines(self, event):
        """The objects of its log of one event_type."""
        found = [json.loads(line) for line in self.told().splitlines() if line.startswith('{')]
        return [each for each in found if each['event_type'] == event]

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE)

    def get(self, path, **fields):
        return self.ask('GET', path, None, **fields)

    def post(self, path, body, **fields):
        fields.setdefault('Content_Type', 'application/json')
        return self.ask('POST', path, body, **fields)

    def ask(self, method, path, body, connection=None, **fields):
        """One request; what is no bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        own = connection or self.connect()
        try:
            own.request(method, path, body,
                        {name.replace('_', '-'): value for name, value in fields.items()})
            return Answer(own.getresponse())
        finally:
            if not connection:
                own.close()


def in_threads(count, work):
    """Runs work(0), ... work(count-1) at the same time; their results."""
    results = [None] * count

    def one(index):
        try:
            results[index] = work(index)
        except BaseException as error:  # handed on to the test
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def main():
    """Runs the tests of the script."""
    unittest.main(argv=sys.argv[:1], verbosity=2)
