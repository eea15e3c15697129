# SPDX-License-Identifier: Apache-2.0
"""test_cloud_run.py COMMAND ROOT: the service as Cloud Run starts it, by deploy/cloud-run/.

The environment is that of service.yaml, with PORT as Cloud Run adds it; requests carry
what its front end adds. What Cloud Run demands of a container is checked: it answers at
PORT, on all interfaces, logs lines that Cloud Logging parses, and ends in ten seconds.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import containers
import page

ROOT = os.path.abspath(sys.argv[2])
sys.path.insert(0, os.path.join(ROOT, 'tests', 'serve'))
import serving  # noqa: E402 (it reads sys.argv)

import yaml  # noqa: E402

TRACE = '105445aa7843bc8bf206b12000100000'
SEVERITIES = {'DEBUG', 'INFO', 'WARNING', 'ERROR'}
GRACE = 10
# What Cloud Run keeps for itself, or sets.
RESERVED = {'PORT', 'K_SERVICE', 'K_REVISION', 'K_CONFIGURATION'}


def service():
    with open(os.path.join(ROOT, 'deploy/cloud-run/service.yaml'), encoding='utf-8') as file:
        return yaml.safe_load(file)


class CloudRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.container = service()['spec']['template']['spec']['containers'][0]
        cls.environment = {one['name']: one['value'].replace('my-project', 'shop-1')
                           for one in cls.container['env']}

    def setUp(self):
        self.port = containers.free_port()
        self.log = tempfile.TemporaryFile()
        self.addCleanup(self.log.close)
        inherited = {'PATH': os.environ['PATH'], 'HOME': '/home'}
        # Of the image.
        image = {'SENTIMENT_HOST': '0.0.0.0'}
        self.process = subprocess.Popen(
            [serving.TOOL, 'serve'], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            env={**inherited, **image, **self.environment, 'PORT': str(self.port),
                 'K_SERVICE': 'sentiment'})
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        containers.wait_until(self.is_up, 'the service', self.process)

    def ask(self, method, path, body=None, **fields):
        connection = serving.http.client.HTTPConnection('127.0.0.1', self.port,
                                                        timeout=containers.PATIENCE)
        fields = {name.replace('_', '-'): value for name, value in fields.items()}
        if body is not None:
            body = json.dumps(body).encode()
            fields['Content-Type'] = 'application/json'
        try:
            connection.request(method, path, body, fields)
            return serving.Answer(connection.getresponse())
        finally:
            connection.close()

    def is_up(self):
        try:
            return self.ask('GET', self.container['startupProbe']['httpGet']['path']).status == 200
        except OSError:
            return False

    def end(self):
        """SIGTERM, and the log."""
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(GRACE), 0)
        self.log.seek(0)
        return self.log.read().decode().splitlines()

    def test_log(self):
        trace = {'X_Cloud_Trace_Context': TRACE + '/1;o=1',
                 'traceparent': '00-%s-0000000000000001-01' % TRACE, 'X_Request_Id': 'r1'}
        self.assertEqual(self.ask('POST', '/predict', {'text': 'so good'}, **trace).status, 200)
        self.assertEqual(self.ask('POST', '/predict', {'text': ''}, **trace).status, 400)
        self.assertEqual(self.ask('POST', '/predict', {'text': 'so bad'}).status, 200)
        lines = [line for line in self.end() if not line.startswith('listening on ')]
        found = [json.loads(line) for line in lines]
        for one in found:
            self.assertIn(one['severity'], SEVERITIES)
            self.assertIsInstance(one['message'], str)
            self.assertRegex(one['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')
        name = 'projects/shop-1/traces/' + TRACE
        kinds = [(one['event_type'], one['severity'], one.get('logging.googleapis.com/trace'),
                  one.get('logging.googleapis.com/spanId'),
                  one.get('logging.googleapis.com/trace_sampled'))
                 for one in found if one['event_type'] == 'prediction' or
                 one.get('context', {}).get('route') == '/predict']
        self.assertEqual(kinds, [('prediction', 'INFO', name, '0000000000000001', True),
                                 ('error', 'WARNING', name, '0000000000000001', True),
                                 ('prediction', 'INFO', None, None, None)])

    def test_cors(self):
        """The guide's allow_origins=["*"], before a request and with it."""
        fields = {'Origin': 'https://shop.example', 'Sec_Fetch_Site': 'cross-site'}
        before = self.ask('OPTIONS', '/predict', None, **fields,
                          Access_Control_Request_Method='POST',
                          Access_Control_Request_Headers='content-type')
        self.assertEqual((before.status, before.fields['Access-Control-Allow-Origin']), (204, '*'))
        self.assertIn('POST', before.fields['Access-Control-Allow-Methods'])
        self.assertIn('content-type', before.fields['Access-Control-Allow-Headers'].lower())
        answer = self.ask('POST', '/predict', {'text': 'so good'}, **fields)
        self.assertEqual((answer.status, answer.fields['Access-Control-Allow-Origin']), (200, '*'))

    def test_ends_with_connections(self):
        """A client that keeps its connection does not hold the end up."""
        kept = serving.socket.create_connection(('127.0.0.1', self.port))
        kept.sendall(b'GET /health HTTP/1.1\r\nHost: a\r\n\r\n')
        self.assertIn(b' 200 ', kept.recv(100))
        slow = serving.socket.create_connection(('127.0.0.1', self.port))
        slow.sendall(b'POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{')
        self.end()
        kept.close()
        slow.close()


class Followed(unittest.TestCase):
    """docs/cloud-run.md, with the built command."""

    def test_page(self):
        reader = page.Page(ROOT, 'docs/cloud-run.md')
        self.addCleanup(reader.close)
        reader.put_first(os.path.dirname(serving.TOOL))
        _, output = [reader.run(block) for block in reader.blocks]
        with open(os.path.join(reader.tree, 'service.yaml'), encoding='utf-8') as file:
            container = yaml.safe_load(file)['spec']['template']['spec']['containers'][0]
        self.assertEqual(container['image'],
                         'europe-west1-docker.pkg.dev/shop-1/sentiment/sentiment:latest')
        self.assertIn({'name': 'GOOGLE_CLOUD_PROJECT', 'value': 'shop-1'}, container['env'])
        self.assertIn('"prediction":2', output)
        line = json.loads(output[output.rindex('{"time"'):])
        self.assertEqual(line['logging.googleapis.com/trace'],
                         'projects/shop-1/traces/105445aa7843bc8bf206b12000100000')


class Manifest(unittest.TestCase):
    """The parts of Knative's Service that Cloud Run takes."""

    FIELDS = {
        '': {'apiVersion', 'kind', 'metadata', 'spec'},
        'spec': {'template', 'traffic'},
        'spec.template': {'metadata', 'spec'},
        'spec.template.spec': {'containerConcurrency', 'timeoutSeconds', 'containers',
                               'serviceAccountName', 'volumes'},
        'container': {'name', 'image', 'command', 'args', 'env', 'ports', 'resources',
                      'startupProbe', 'livenessProbe', 'volumeMounts', 'workingDir'},
    }

    def test_fields(self):
        document = service()
        self.assertEqual((document['apiVersion'], document['kind']),
                         ('serving.knative.dev/v1', 'Service'))
        for path, known in self.FIELDS.items():
            if path != 'container':
                node = document
                for name in filter(None, path.split('.')):
                    node = node[name]
                self.assertLessEqual(set(node), known, path)
        spec = document['spec']['template']['spec']
        self.assertEqual(len(spec['containers']), 1)
        container = spec['containers'][0]
        self.assertLessEqual(set(container), self.FIELDS['container'])
        self.assertEqual(len(container['ports']), 1)
        self.assertEqual(container['ports'][0]['name'], 'http1')
        self.assertRegex(container['image'], r'^my-region-docker\.pkg\.dev/my-project/')
        for one in container['env']:
            self.assertIsInstance(one['value'], str)
            self.assertNotIn(one['name'], RESERVED)
        for notes in (document['metadata'], document['spec']['template']['metadata']):
            self.assertTrue(all(isinstance(value, str) and re.match(r'^[a-z.]+/', name)
                                for name, value in notes['annotations'].items()))
        self.assertEqual(sum(one['percent'] for one in document['spec']['traffic']), 100)

    def test_time(self):
        """The server is given less time than Cloud Run gives."""
        spec = service()['spec']['template']['spec']
        settings = {one['name']: one['value'] for one in spec['containers'][0]['env']}
        self.assertLess(float(settings['SENTIMENT_DRAIN_TIMEOUT']), GRACE)
        self.assertGreater(spec['timeoutSeconds'], 5)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
