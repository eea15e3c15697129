# SPDX-License-Identifier: Apache-2.0
"""The model from S3: signed, checked, refused; against a server of moto."""
import contextlib
import glob
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import unittest

import emulator
import functions
from functions import KIND, rest

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = 's3://bucket/models/model.safetensors'
ODD = "s3://bucket/models/a b+c/m\u00f6d'el(1)%~!*=@:,.safetensors"
LEFT = '/tmp/sentiment-model-*'


class TlsStore:
    """Gives one model to whoever asks, over TLS; a context manager."""

    def __init__(self, folder, model):
        self.certificate, key = os.path.join(folder, 'cert.pem'), os.path.join(folder, 'key.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-keyout', key, '-out', self.certificate, '-subj', '/CN=localhost',
                        '-addext', 'subjectAltName=DNS:localhost'],
                       check=True, stderr=subprocess.DEVNULL)
        with open(model, 'rb') as file:
            data = file.read()

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers everything with the model."""
            def log_message(self, *unused):  # pylint: disable=arguments-differ
                """Quiet."""

            def do_HEAD(self):  # pylint: disable=invalid-name
                """What boto3 asks first."""
                self.send_response(200)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()

            def do_GET(self):  # pylint: disable=invalid-name
                """The model."""
                self.do_HEAD()
                self.wfile.write(data)

        self.server = emulator.Server(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.endpoint = 'https://localhost:%d' % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()


class FromS3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            cls.task = functions.package(scratch, KIND)
            # Whatever answers now, it is not the packaged model.
            cls.model = model = os.path.join(scratch, 'model.safetensors')
            os.rename(os.path.join(cls.task, 'model.safetensors'), model)
            cls.digest = functions.run('sha256sum', model).stdout.split()[0]
            server = stack.enter_context(subprocess.Popen(
                [functions.PYTHON, '-B', os.path.join(HERE, 's3_server.py'), model],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            stack.callback(server.stdin.close)
            cls.keys = json.loads(server.stdout.readline())
            cls.stack = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def start(self, uri, **environment):
        return functions.Function(self.task, KIND, **dict(self.keys, MODEL_S3_URI=uri,
                                                          **environment))

    def good(self, uri, **environment):
        with self.start(uri, **environment) as function:
            answer = function.invoke(rest('{"text": "I love this product!"}')).answer
            self.assertEqual(json.loads(answer['body'])['prediction'], 2)
            if KIND == 'c':
                self.assertEqual(glob.glob(LEFT), [])

    def refused(self, uri, kind, *words, **environment):
        """A start that fails and tells one of the words."""
        with self.start(uri, **environment) as function:
            error, _ = function.start_error()
            self.assertNotEqual(function.process.returncode, 0)
            self.assertTrue([word for word in words if word in error['errorMessage']], error)
            if KIND == 'c':
                self.assertEqual(error['errorType'], 'Sentiment.' + kind)
                self.assertEqual(glob.glob(LEFT), [])
            for secret in ('AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'):
                self.assertNotIn(self.keys[secret], function.output() + str(error))

    def test_good(self):
        self.good(MODEL)
        self.good(MODEL, MODEL_SHA256=self.digest)
        # S3 wins over what is in the package.
        self.good(ODD, MODEL_SHA256=self.digest, MODEL_PATH='/nowhere')

    def test_wrong_digest(self):
        self.refused(MODEL, 'Digest', self.digest, MODEL_SHA256='0' * 64)
        self.refused('s3://bucket/models/bad', 'Digest', 'SHA-256', MODEL_SHA256=self.digest)
        self.refused('s3://bucket/models/bad', 'Load', 'bytes', 'file')

    def test_missing(self):
        self.refused('s3://bucket/models/none', 'Download', '404')
        self.refused('s3://bucket-of-nobody/models/none', 'Download', '404', '403')

    def test_denied(self):
        self.refused('s3://other/models/model.safetensors', 'Download', '403')
        self.refused(MODEL, 'Download', '403', AWS_SECRET_ACCESS_KEY='wrong')
        self.refused(MODEL, 'Download', '403', '400', AWS_SESSION_TOKEN='wrong')

    def test_unreachable(self):
        self.refused(MODEL, 'Download', '127.0.0.1', AWS_ENDPOINT_URL='http://127.0.0.1:9',
                     AWS_MAX_ATTEMPTS='2')

    def test_tls(self):
        """Only a server whose certificate is trusted is asked."""
        with tempfile.TemporaryDirectory() as folder, TlsStore(folder, self.model) as store:
            self.good(MODEL, AWS_ENDPOINT_URL=store.endpoint, AWS_CA_BUNDLE=store.certificate,
                      MODEL_SHA256=self.digest)
            self.refused(MODEL, 'Download', 'certificate', 'SSL', AWS_MAX_ATTEMPTS='1',
                         AWS_ENDPOINT_URL=store.endpoint)

    def test_settings(self):
        for uri in ('models/model', 's3://', 's3://bucket', 's3://bucket/', 's3://UP/x',
                    'http://a/b', 's3://a/b', 's3:///x', 's3://x@y/z', 's3://bucket?/z'):
            self.refused(uri, 'Download', 'expected s3://BUCKET/KEY')
        if KIND == 'c':
            self.refused(MODEL, 'Download', 'AWS_REGION', AWS_REGION='', AWS_DEFAULT_REGION='')
            self.refused(MODEL, 'Download', 'AWS_ACCESS_KEY_ID', AWS_SECRET_ACCESS_KEY='')


if __name__ == '__main__':
    functions.main('awslambdaric, boto3, moto')
