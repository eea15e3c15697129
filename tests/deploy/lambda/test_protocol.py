# SPDX-License-Identifier: Apache-2.0
"""How a function lives: its start and failed starts, the Runtime API that fails, its end.

What Lambda's own client for Python does is AWS's matter: for it, only what the handler
decides is tested here.
"""
import json
import os
import signal
import tempfile
import unittest

import functions
from functions import KIND, Function, rest

ONLY_C = unittest.skipUnless(KIND == 'c', 'the protocol is that of awslambdaric')
GOOD = rest('{"text": "good"}')


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.task = functions.package(cls.scratch.name, KIND)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def start(self, **environment):
        return Function(self.task, KIND, **environment)

    def failed_start(self, kind, *words, **environment):
        """A start that must fail, and tell why."""
        with self.start(**environment) as function:
            error, fields = function.start_error()
            self.assertNotEqual(function.process.returncode, 0)
        for word in words:
            self.assertIn(word, error['errorMessage'])
        if KIND == 'c':
            self.assertEqual(error['errorType'], kind)
            self.assertEqual(error['stackTrace'], [])
            self.assertEqual(fields['Lambda-Runtime-Function-Error-Type'], kind)

    def test_many_invocations_and_settings(self):
        with self.start(CORS_ORIGIN='https://shop.example') as function:
            answers = [function.api.invoke(GOOD) for _ in range(200)]
            function.until(answers[-1].done.is_set)
            self.assertEqual({json.dumps(done.answer) for done in answers},
                             {json.dumps(answers[0].answer)})
            self.assertEqual(answers[0].answer['headers']['Access-Control-Allow-Origin'],
                             'https://shop.example')
            if KIND == 'c':
                line = [line for line in function.lines() if line['message'] == 'request'][0]
                self.assertEqual(line['traceId'], answers[0].trace)
                self.assertEqual(line['requestId'], answers[0].id)

    def test_models_that_cannot_be_had(self):
        self.failed_start('Sentiment.Load', '/nowhere', MODEL_PATH='/nowhere')
        broken = os.path.join(self.scratch.name, 'broken.safetensors')
        with open(broken, 'wb') as file:
            file.write(b'\0' * 100)
        self.failed_start('Sentiment.Load', MODEL_PATH=broken)
        self.failed_start('Sentiment.Digest', 'SHA-256', '0' * 64, MODEL_SHA256='0' * 64)
        self.failed_start('Sentiment.Digest', '64 lower-case', MODEL_SHA256='abc')
        self.failed_start('Sentiment.Setting', 'CORS_ORIGIN', CORS_ORIGIN='a b')

    def test_digest(self):
        model = os.path.join(self.task, 'model.safetensors')
        digest = functions.run('sha256sum', model).stdout.split()[0]
        with self.start(MODEL_SHA256=digest, MODEL_PATH='model.safetensors') as function:
            self.assertEqual(function.invoke(GOOD).kind, 'response')

    def test_no_model(self):
        model = os.path.join(self.task, 'model.safetensors')
        os.rename(model, model + '.away')
        try:
            self.failed_start('Sentiment.Load', 'model.safetensors')
        finally:
            os.rename(model + '.away', model)

    @ONLY_C
    def test_ends_by_sigterm(self):
        with self.start() as function:
            function.until(function.api.waiting.is_set)
            function.process.send_signal(signal.SIGTERM)
            self.assertEqual(function.process.wait(functions.PATIENCE), 0)
            self.assertIn('ended by SIGTERM', function.output())
        with self.start() as function:
            # It comes in the middle of an invocation, whose answer still arrives.
            done = function.api.invoke(rest(json.dumps({'texts': ['a a a'] * 4000})))
            function.until(done.sent.is_set)
            function.process.send_signal(signal.SIGTERM)
            self.assertEqual(function.process.wait(functions.PATIENCE), 0)
            self.assertEqual((done.kind, done.answer['statusCode']), ('response', 200))

    @ONLY_C
    def test_api_that_fails_for_a_while(self):
        with self.start() as function:
            function.api.faults.update(next=[503, 0, 429], response=[0, 502, 504], error=[503])
            self.assertEqual(function.invoke(GOOD).answer['statusCode'], 200)
            self.assertEqual(function.invoke({}).answer['errorType'], 'Sentiment.UnknownEvent')
            self.assertEqual(len(function.api.failed), 7)

    @ONLY_C
    def test_api_that_refuses_an_answer(self):
        for status in (400, 403, 413):
            with self.start() as function:
                function.api.faults['response'] = [status]
                function.api.invoke(GOOD)
                self.assertEqual(function.invoke(GOOD).answer['statusCode'], 200)
                self.assertIn('status %d' % status, function.output())

    @ONLY_C
    def test_api_that_is_lost(self):
        for faults in ({'next': [503] * 5}, {'next': [0] * 5}, {'next': [500]}, {'next': [403]},
                       {'response': [500]}, {'response': [503] * 5}):
            with self.start() as function:
                function.api.faults.update(faults)
                function.api.invoke(GOOD)
                self.assertEqual(function.process.wait(functions.PATIENCE), 1)
                self.assertIn('Runtime API', function.output())
        for host in ('', 'a b', 'x/y', 'user@host:1'):
            with self.start(AWS_LAMBDA_RUNTIME_API=host) as function:
                self.assertEqual(function.process.wait(functions.PATIENCE), 1)
                self.assertIn('expected HOST:PORT', function.output())

    @ONLY_C
    def test_odd_invocations(self):
        with self.start() as function:
            for body in (b'', b'no json', b'{"httpMethod": "POST"', b'\xff', b'[' * 100000):
                self.assertEqual(function.invoke(body).answer['errorType'],
                                 'Sentiment.UnknownEvent')
            large = json.dumps(rest('x' * (17 << 20))).encode()
            self.assertEqual(function.invoke(large).answer['errorType'],
                             'Sentiment.EventTooLarge')
            self.assertEqual(function.invoke(GOOD).kind, 'response')

    @ONLY_C
    def test_log_level(self):
        with self.start(AWS_LAMBDA_LOG_LEVEL='ERROR') as function:
            function.invoke(GOOD)
            self.assertEqual(function.output(), '')


if __name__ == '__main__':
    functions.main('awslambdaric')
