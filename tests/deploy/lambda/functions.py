# SPDX-License-Identifier: Apache-2.0
"""A packaged function as Lambda runs it: the zip in a folder, a nearly empty environment.

`Function` starts one beside an emulator; `Case` is what the tests build on. A script is
called with KIND (c or python), the root of the tree, the build folder, and the Python of
tests/deploy/lambda/requirements.txt; it ends in functions.main().
"""
import base64
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

import emulator

KIND, ROOT, BUILD, PYTHON = sys.argv[1], *(os.path.abspath(path) for path in sys.argv[2:5])
PACKAGE = os.path.join(ROOT, 'deploy', 'lambda', 'package.sh')
SKIP = 77
# Patience with a slow machine; no test waits for it to pass.
PATIENCE = 120


def run(*words, **options):
    """A command to its end."""
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, check=False,
                          timeout=PATIENCE, **options)


def package(folder, kind, *options):
    """Makes a zip and unpacks it as Lambda does; the folder."""
    path = os.path.join(folder, kind + '.zip')
    done = run(PACKAGE, *options, BUILD, path, kind)
    if done.returncode:
        raise RuntimeError(done.stderr)
    task = os.path.join(folder, kind)
    with zipfile.ZipFile(path) as file:
        file.extractall(task)
        for entry in file.infolist():
            os.chmod(os.path.join(task, entry.filename), entry.external_attr >> 16 & 0o777)
    return task


def command_of(task, kind):
    """How Lambda starts it."""
    if kind == 'c':
        return [os.path.join(task, 'bootstrap')]
    return [PYTHON, '-m', 'awslambdaric', 'lambda_function.lambda_handler']


def environment_of(task, host, more):
    """What Lambda sets, and nothing else."""
    made = {'AWS_LAMBDA_RUNTIME_API': host, 'LAMBDA_TASK_ROOT': task, 'PYTHONPATH': task,
            'LD_LIBRARY_PATH': os.path.join(task, 'lib'), 'PYTHONDONTWRITEBYTECODE': '1',
            'AWS_REGION': 'eu-central-1', 'AWS_LAMBDA_FUNCTION_NAME': 'sentiment',
            'AWS_LAMBDA_FUNCTION_VERSION': '$LATEST', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE': '512'}
    return dict(made, **more)


class Function:
    """A running function; `with` ends it by SIGTERM."""

    def __init__(self, task, kind, **environment):
        self.api = emulator.Emulator()
        self.log = tempfile.TemporaryFile()
        self.words = command_of(task, kind)
        self.task, self.environment = task, environment_of(task, self.api.host, environment)
        self.process = None

    def __enter__(self):
        self.api.__enter__()
        self.process = subprocess.Popen(self.words, cwd=self.task, env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.api.__exit__()
            self.log.close()

    def output(self):
        """What it has logged."""
        self.log.seek(0)
        return self.log.read().decode('utf-8', 'replace')

    def lines(self):
        """The lines of the log that are JSON."""
        return [json.loads(line) for line in self.output().splitlines() if line.startswith('{')]

    def until(self, found):
        """Waits for something, as long as the process lives."""
        end = time.monotonic() + PATIENCE
        while not found():
            if self.process.poll() is not None and not found():
                raise RuntimeError('ended with %d\n%s' % (self.process.returncode, self.output()))
            if time.monotonic() > end:
                raise RuntimeError('no answer\n' + self.output())
            time.sleep(0.01)

    def invoke(self, event, **options):
        """An event to its end."""
        invocation = self.api.invoke(event, **options)
        self.until(invocation.done.is_set)
        return invocation

    def start_error(self):
        """What a start that failed tells the Runtime API; the process has ended then."""
        try:
            error = self.api.start_errors.get(timeout=PATIENCE)
        except queue.Empty:
            raise RuntimeError('no error of the start\n' + self.output()) from None
        self.process.wait(PATIENCE)
        return error


def rest(body, method='POST', path='/predict', encoded=False):
    """An event of a REST API, payload format 1.0."""
    return {'resource': '/{proxy+}', 'path': path, 'httpMethod': method,
            'headers': {'Content-Type': 'application/json'}, 'multiValueHeaders': {},
            'queryStringParameters': None, 'pathParameters': None, 'stageVariables': None,
            'requestContext': {'stage': 'prod', 'httpMethod': method, 'path': '/prod' + path,
                               'identity': {'sourceIp': '192.0.2.1'}},
            'body': body, 'isBase64Encoded': encoded}


def http(body, method='POST', path='/predict', encoded=False):
    """An event of an HTTP API, payload format 2.0; without body there is no such key."""
    event = {'version': '2.0', 'routeKey': '$default', 'rawPath': path, 'rawQueryString': '',
             'headers': {'content-type': 'application/json'},
             'requestContext': {'stage': '$default', 'http': {
                 'method': method, 'path': path, 'protocol': 'HTTP/1.1',
                 'sourceIp': '192.0.2.1', 'userAgent': 'test'}},
             'isBase64Encoded': encoded}
    return event if body is None else dict(event, body=body)


def encode(text):
    """base64 of bytes."""
    return base64.b64encode(text).decode()


class Case(unittest.TestCase):
    """One function for all tests of a class."""
    environment = {}
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.task = package(cls.scratch.name, KIND, *cls.options)
        cls.function = Function(cls.task, KIND, **cls.environment).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.function.__exit__()
        cls.scratch.cleanup()

    def answer(self, event, **options):
        """Status, fields and body of an answer to API Gateway."""
        done = self.function.invoke(event, **options)
        self.assertEqual(done.kind, 'response', done.answer)
        self.assertEqual(set(done.answer), {'statusCode', 'headers', 'body', 'isBase64Encoded'})
        self.assertIs(done.answer['isBase64Encoded'], False)
        return done.answer['statusCode'], done.answer['headers'], done.answer['body']

    def good(self, event, **options):
        """The body of an answer that must be a good one."""
        status, fields, body = self.answer(event, **options)
        self.assertEqual((status, fields['Content-Type']), (200, 'application/json'), body)
        self.assertEqual(fields['Access-Control-Allow-Origin'], '*')
        return json.loads(body)

    def refused(self, event, status, **options):
        """The message of an answer that must be a refusal."""
        real, fields, body = self.answer(event, **options)
        self.assertEqual(real, status, body)
        self.assertEqual(fields['Access-Control-Allow-Origin'], '*')
        self.assertEqual(set(json.loads(body)), {'error'})
        return json.loads(body)['error']


def main(needed):
    """Runs the tests of the script; without the packages that are needed they are skipped."""
    probe = run(PYTHON, '-c', 'import ' + needed) if os.path.exists(PYTHON) else None
    if probe is None or probe.returncode:
        print('skipped: no %s; .ci/deploy.sh %s lambda makes the environment' % (needed, BUILD))
        sys.exit(1 if os.environ.get('CI') == 'true' else SKIP)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
