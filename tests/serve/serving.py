# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of the server: starting one on a free port, talking to it.

A test script is called with the path of the command and ends in
serving.main(). Requests go through http.client, or byte by byte through a
socket where the bytes are the point.
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

TOOL = os.path.abspath(sys.argv[1])
BUNDLED = os.path.join(os.path.dirname(TOOL), 'models', 'sentiment-en.safetensors')
SIZES = ['--vocab-size', '60', '--embedding-dim', '8', '--hidden-size', '16', '--num-classes', '3']
# Patience with a slow machine, or with instrumented code; no test waits for it to pass.
PATIENCE = 300
PROBLEM = 'application/problem+json'


def instrumented():
    """Whether a sanitizer watches the server, which is many times slower then."""
    try:
        with open(TOOL + '-serve', 'rb') as file:
            return b'__tsan_init' in file.read()
    except OSError:
        return False


# Tokens of a text that takes long in a model made for that.
SLOW_TOKENS = 400 if instrumented() else 9000


def run(*arguments, env=None, stdin=b''):
    """Runs the command to its end."""
    return subprocess.run([TOOL, *arguments], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})),
                          timeout=PATIENCE, check=False)


class Answer:
    """Status, fields and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.fields = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.fields.get('Content-Type')


class Server:
    """A running server; `with` ends it and holds it to a clean end."""

    def __init__(self, *arguments, env=None, clean=True):
        self.arguments = arguments
        self.env = dict(os.environ, **(env or {}))
        self.clean = clean
        self.log = tempfile.TemporaryFile()

    def __enter__(self):
        self.process = subprocess.Popen(
            [TOOL, 'serve', '--port', '0', *self.arguments], stdout=subprocess.PIPE,
            stderr=self.log, stdin=subprocess.DEVNULL, env=self.env, universal_newlines=True)
        self.admin_port = None
        line = self.process.stdout.readline()
        if line.startswith('admin on '):
            self.admin_port = int(line.rpartition(':')[2])
            line = self.process.stdout.readline()
        assert line.startswith('listening on '), (line, self.errors())
        self.scheme, _, place = line.split()[-1].partition('://')
        self.host, _, port = place.rpartition(':')
        self.port = int(port)
        return self

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode('utf-8', 'replace')

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()
        if kind is None and self.clean:
            assert status == 0, (status, self.errors())
        elif kind is not None:
            sys.stderr.write(self.errors()[-4000:])
        self.log.close()

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, connection=None, **fields):
        """One request; a body that is no bytes is sent as JSON."""
        fields = {name.replace('_', '-'): value for name, value in fields.items()}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault('Content-Type', 'application/json')
        own = connection or self.connect()
        try:
            own.request(method, path, body, fields)
            return Answer(own.getresponse())
        finally:
            if not connection:
                own.close()

    def get(self, path, **fields):
        return self.ask('GET', path, **fields)

    def post(self, path, body, **fields):
        return self.ask('POST', path, body, **fields)

    def admin(self, method, path, body=None, token=None):
        """A request to the admin port."""
        own = http.client.HTTPConnection('127.0.0.1', self.admin_port, timeout=PATIENCE)
        fields = {'Authorization': 'Bearer ' + token} if token else {}
        try:
            return self.ask(method, path, body, connection=own, **fields)
        finally:
            own.close()

    def wait_until_ready(self):
        while self.get('/readyz').status != 200:
            assert self.process.poll() is None, self.errors()
        return self

    def socket(self):
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def raw(self, *pieces):
        """Sends bytes as they are; all that comes back until the server closes."""
        with self.socket() as own:
            try:
                for piece in pieces:
                    own.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass
            return read_all(own)

    def metric(self, name):
        """The value of one line of /metrics, labels included in the name."""
        for line in self.get('/metrics').body.decode().splitlines():
            if line.rpartition(' ')[0] == name:
                return float(line.rpartition(' ')[2])
        return None


def read_all(own):
    data = b''
    while True:
        try:
            piece = own.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece


def statuses(data):
    """Status codes of the answers in raw bytes, whose bodies hold no such line."""
    return [int(status) for status in re.findall(rb'HTTP/1\.1 (\d{3}) ', data)]


def together(count, work):
    """Runs work(0), ... work(count-1) in threads that begin together; their results."""
    results, barrier = [None] * count, threading.Barrier(count)

    def one(index):
        barrier.wait()
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


class Case(unittest.TestCase):
    """A folder of its own, a small model in it, and a server with that model."""

    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.model = cls.create('model.safetensors', *SIZES)
        cls.server = cls.start('--model', cls.model, *cls.arguments)

    @classmethod
    def start(cls, *arguments):
        """A server for all tests of the class, ended whatever becomes of them."""
        server = Server(*arguments)
        server.__enter__()
        cls.addClassCleanup(server.__exit__, None, None, None)
        return server.wait_until_ready()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def create(cls, name, *sizes):
        done = run('create', *sizes, '--seed', '7', cls.path(name))
        assert done.returncode == 0, done.stderr
        return cls.path(name)

    @classmethod
    def write(cls, name, content):
        with open(cls.path(name), 'wb') as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return cls.path(name)

    def expected(self, *texts, options=(), model=None):
        """What `sentiment predict --json` says of texts."""
        done = run('predict', '--model', model or self.model, '--json', *options, '--', *texts)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def good(self, answer, status=200):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.type, 'application/json')
        return answer.json()

    def problem(self, answer, status, code):
        """Holds an answer to the form of all refusals."""
        self.assertEqual((answer.status, answer.type), (status, PROBLEM), answer.body)
        body = answer.json()
        self.assertEqual((body['status'], body['code']), (status, code), body)
        self.assertEqual(body['request_id'], answer.fields['X-Request-Id'])
        self.assertIsInstance(body['error'], str)
        self.assertTrue(body['error'] and body['title'] and body['type'], body)
        if status in (429, 503):
            self.assertGreaterEqual(int(answer.fields['Retry-After']), 1)
        return body


def main():
    unittest.main(argv=sys.argv[:1])
