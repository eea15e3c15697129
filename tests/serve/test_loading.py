# SPDX-License-Identifier: Apache-2.0
"""Models that are loading, missing, unloaded or replaced: what requests, probes, orders and
feedback get meanwhile."""
import json
import os
import shutil
import signal

import serving
from test_models import TEXT, TOKEN, Folder


class Loading(Folder):
    """Servers that are not done with loading."""

    def add_endless(self, name='m'):
        """A version whose digest is not done while a test runs: a terabyte without blocks."""
        folder = os.path.join(self.models, name, '1')
        os.makedirs(folder)
        with open(os.path.join(folder, 'model.onnx'), 'wb') as file:
            file.truncate(1 << 40)
        with open(os.path.join(folder, 'manifest.json'), 'w', encoding='utf-8') as file:
            json.dump({'format': 'onnx', 'file': 'model.onnx', 'sha256': '0' * 64}, file)

    def test_orders(self):
        """What the first load is to make cannot be changed before it is there."""
        self.add('1', name='a')
        self.add_endless('b')
        with self.serve() as server:
            for path, body in (('reload', None), ('models/a/rollback', None),
                               ('models/a/unload', None),
                               ('models/a/label', {'label': 'canary', 'version': None})):
                self.problem(server.admin('POST', '/admin/' + path, body, TOKEN), 503, 'loading')
            self.problem(server.get('/readyz'), 503, 'loading')
            self.good(server.admin('GET', '/admin/models', token=TOKEN))

    def test_end(self):
        """A signal does not wait for models: neither at the start nor at a reload."""
        self.add_endless('b')
        with self.serve() as server:
            self.problem(server.get('/readyz'), 503, 'loading')
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)
        shutil.rmtree(os.path.join(self.models, 'b'))
        self.add('1', name='a')
        with self.serve() as server:
            server.wait_until_ready()
            self.add_endless('b')
            server.process.send_signal(signal.SIGHUP)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)


class Missing(Folder):
    def test_empty_folder(self):
        """A folder that is empty for a moment takes no model away."""
        self.add('1')
        with self.serve() as server:
            server.wait_until_ready()
            shutil.rmtree(os.path.join(self.models, 'm'))
            self.problem(server.admin('POST', '/admin/reload', token=TOKEN), 404, 'order_failed')
            self.assertEqual(self.version(server), '1')
            self.add('2')
            self.order(server, '/admin/reload')
            self.assertEqual(self.version(server), '2')

    def test_default_model(self):
        """Without a name it is always the same model that answers, or none does."""
        self.add('1', name='a', digest='0' * 64)
        self.add('2', name='b')
        with self.serve() as server:
            server.wait_until_ready()
            self.problem(server.post('/predict', {'text': TEXT}), 503, 'no_model')
            self.problem(server.get('/model_info'), 503, 'no_model')
            body = self.good(server.post('/predict', {'text': TEXT, 'model': 'b'}))
            self.assertEqual(body['probabilities'], self.answers['2'])
            shutil.rmtree(os.path.join(self.models, 'a'))
            self.add('1', name='a')
            self.order(server, '/admin/reload')
            self.assertEqual(self.version(server), '1')
            self.order(server, '/admin/models/a/unload')
            self.problem(server.post('/predict', {'text': TEXT}), 503, 'no_model')
        with self.serve('--default-model', 'b') as server:
            server.wait_until_ready()
            self.assertEqual(self.version(server), '2')
        done = serving.run('serve', '--port', '0', '--models', self.models, '--default-model', 'c')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"no model 'c'", done.stderr)

    def test_no_model_left(self):
        """A server that can answer nobody does not say that it is ready."""
        self.add('1', name='a')
        self.add('2', name='b')
        probes = ('/readyz', '/v2/health/ready', '/ping')
        with self.serve() as server:
            server.wait_until_ready()
            self.order(server, '/admin/models/a/unload')
            for path in probes:
                self.good(server.get(path))
            self.order(server, '/admin/models/b/unload')
            for path in probes:
                self.problem(server.get(path), 503, 'no_model')
            answer = server.get('/health')
            self.assertEqual((answer.status, answer.json()),
                             (503, {'status': 'no_model', 'model_loaded': False}))
            self.assertEqual(server.metric('nlp_ready'), 0)
            self.order(server, '/admin/reload')
            for path in probes:
                self.good(server.get(path))


class Feedback(Folder):
    def test_same_id(self):
        """Of several answers with one id, feedback means the newest."""
        self.add('1')
        self.add('2')
        self.labels({'stable': '1', 'canary': {'version': '2', 'share': 0}})
        with self.serve() as server:
            server.wait_until_ready()
            for version in ('2', '1', '2'):
                self.good(server.post('/predict', {'text': TEXT, 'version': version},
                                      X_Request_Id='same'))
            body = {'request_id': 'same', 'label': 0}
            self.good(server.post('/feedback', body))
            self.problem(server.post('/feedback', body), 404, 'unknown_request')
            counted = [server.metric(f'nlp_feedback_total{{model="m",version="{version}"}}')
                       for version in '12']
            self.assertEqual(counted, [0, 1])

    def test_feedback_comes_late(self):
        """Labels for a version that is gone are not counted for the one in its place."""
        self.add('1')
        counted = 'nlp_feedback_total{model="m",version="1"}'
        with self.serve() as server:
            server.wait_until_ready()
            for name in ('early', 'late'):
                self.good(server.post('/predict', {'text': TEXT}, X_Request_Id=name))
            self.good(server.post('/feedback', {'request_id': 'early', 'label': 0}))
            self.order(server, '/admin/models/m/unload')
            shutil.rmtree(os.path.join(self.models, 'm', '1'))
            self.add('1', seed=2)
            self.order(server, '/admin/reload')
            late = {'request_id': 'late', 'label': 0}
            self.problem(server.post('/feedback', late), 404, 'unknown_request')
            self.assertEqual(server.metric(counted), 1)


if __name__ == '__main__':
    serving.main()
