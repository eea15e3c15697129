# SPDX-License-Identifier: Apache-2.0
"""Many models and versions: labels, reload, rollback, shadows, feedback, the admin port."""
import hashlib
import json
import os
import shutil
import signal
import threading

import serving

TOKEN = 't' * 32
TEXT = 'word_1 word_2 word_3'
TEXTS = [f'word_{i} word_{i + 3}' for i in range(1, 30)]


class Folder(serving.Case):
    """Servers over a folder of models that each test makes anew."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = [cls.path('model.safetensors')]
        for seed in range(1, 5):
            path = cls.path(f'seed-{seed}.safetensors')
            done = serving.run('create', *serving.SIZES, '--seed', str(seed), path)
            assert done.returncode == 0, done.stderr
            cls.files.append(path)
        cls.token = cls.write('token', TOKEN + '\n')
        cls.answers = {}
        for seed, path in enumerate(cls.files):
            done = serving.run('predict', '--model', path, '--json', TEXT)
            cls.answers[str(seed)] = json.loads(done.stdout)['probabilities']

    def setUp(self):
        self.models = self.path('models')
        shutil.rmtree(self.models, ignore_errors=True)
        os.mkdir(self.models)

    def add(self, version, name='m', seed=None, digest=None):
        """Puts the model of a seed into the folder; by default that of the version's number."""
        folder = os.path.join(self.models, name, version)
        os.makedirs(folder)
        path = os.path.join(folder, 'model.safetensors')
        shutil.copy(self.files[int(version) if seed is None else seed], path)
        with open(path, 'rb') as file:
            digest = digest or hashlib.sha256(file.read()).hexdigest()
        with open(os.path.join(folder, 'manifest.json'), 'w', encoding='utf-8') as file:
            json.dump({'format': 'safetensors', 'file': 'model.safetensors', 'sha256': digest},
                      file)
        return path

    def labels(self, plan, name='m'):
        with open(os.path.join(self.models, name, 'labels.json'), 'w', encoding='utf-8') as file:
            json.dump(plan, file)

    def serve(self, *arguments):
        return serving.Server('--models', self.models, '--admin-token', self.token,
                              '--admin-port', '0', *arguments)

    def version(self, server, **fields):
        """The version that answers, held against its numbers."""
        answer = server.post('/predict', {'text': TEXT}, **fields)
        body = self.good(answer)
        version = answer.fields['X-Model-Version'].rpartition('/')[2]
        self.assertEqual(body['probabilities'], self.answers[version])
        return version

    def order(self, server, path, body=None, method='POST'):
        answer = server.admin(method, path, body, TOKEN)
        return {entry['label']: entry['version'] for entry in self.good(answer)['labels']}


class Versions(Folder):
    def test_highest(self):
        self.add('1')
        self.add('2')
        with self.serve() as server:
            server.wait_until_ready()
            self.assertEqual(self.version(server), '2')
            body = self.good(server.post('/predict', {'text': TEXT, 'model': 'm'}))
            self.assertEqual(body['probabilities'], self.answers['2'])

    def test_bad_version_at_start(self):
        self.add('1')
        self.add('2', digest='0' * 64)
        self.labels({'stable': '1', 'canary': {'version': '2', 'share': 0.5}})
        with self.serve() as server:
            server.wait_until_ready()
            self.assertEqual({self.version(server, X_User_Id=str(i)) for i in range(20)}, {'1'})
        self.labels({'stable': '2'})
        done = serving.run('serve', '--port', '0', '--models', self.models)
        self.assertEqual(done.returncode, 1, done.stderr)
        done = serving.run('serve', '--port', '0', '--models', self.path('no-such'))
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_many_models(self):
        self.add('1', name='a')
        self.add('2', name='b')
        with self.serve() as server:
            server.wait_until_ready()
            for name, version in (('a', '1'), ('b', '2')):
                body = self.good(server.post('/predict', {'text': TEXT, 'model': name}))
                self.assertEqual(body['probabilities'], self.answers[version])
                self.good(server.get(f'/v2/models/{name}/ready'))
            self.problem(server.post('/predict', {'text': TEXT, 'model': 'c'}), 404,
                         'model_not_found')
            self.order(server, '/admin/models/a/unload')
            self.problem(server.post('/predict', {'text': TEXT, 'model': 'a'}), 404,
                         'model_not_found')
            self.good(server.post('/predict', {'text': TEXT, 'model': 'b'}))

    def test_canary(self):
        """Users stay with their version; a larger share keeps those of a smaller one."""
        self.add('1')
        self.add('2')
        self.labels({'stable': '1', 'canary': {'version': '2', 'share': 0.3}})
        with self.serve() as server:
            server.wait_until_ready()
            users = [f'user-{i}' for i in range(60)]
            first = {user: self.version(server, X_User_Id=user) for user in users}
            self.assertEqual(set(first.values()), {'1', '2'})
            self.assertEqual({user: self.version(server, X_User_Id=user) for user in users}, first)
            self.order(server, '/admin/models/m/label',
                       {'label': 'canary', 'version': '2', 'share': 0.7})
            second = {user: self.version(server, X_User_Id=user) for user in users}
            self.assertTrue(all(second[user] == '2' for user in users if first[user] == '2'))
            self.assertGreater(list(second.values()).count('2'), list(first.values()).count('2'))
            for version, share in (('1', 0.3), ('2', 0.7)):
                label = 'stable' if version == '1' else 'canary'
                self.assertAlmostEqual(server.metric(
                    f'nlp_model_traffic_share{{model="m",version="{version}",label="{label}"}}'),
                    share)
            self.order(server, '/admin/models/m/label', {'label': 'canary', 'version': None})
            self.assertEqual({self.version(server, X_User_Id=user) for user in users}, {'1'})
            body = {'text': TEXT, 'model': 'm', 'version': '1'}
            self.assertEqual(self.good(server.post('/predict', body))['probabilities'],
                             self.answers['1'])

    def test_reload(self):
        """SIGHUP takes over what is good; what is garbage leaves the old version."""
        self.add('1')
        with self.serve() as server:
            server.wait_until_ready()
            self.add('2')
            server.process.send_signal(signal.SIGHUP)
            while self.version(server) != '2':
                pass
            path = self.add('3')
            with open(path, 'r+b') as file:
                file.seek(100)
                file.write(b'garbage')
            server.process.send_signal(signal.SIGHUP)
            while not server.metric('nlp_model_reloads_total{result="failure"}'):
                self.assertEqual(self.version(server), '2')
            self.assertEqual(self.version(server), '2')
            refused = server.admin('POST', '/admin/reload', token=TOKEN)
            self.problem(refused, 422, 'order_failed')
            shutil.rmtree(os.path.join(self.models, 'm', '3'))
            self.order(server, '/admin/reload')
            self.assertEqual(self.version(server), '2')

    def test_same_version_again(self):
        """A version that is made anew under its old name is another one, and is counted on."""
        self.add('1')
        loaded = 'nlp_model_loaded{model="m",version="1"}'
        with self.serve() as server:
            server.wait_until_ready()
            self.assertEqual(self.version(server), '1')
            shutil.rmtree(os.path.join(self.models, 'm', '1'))
            self.add('1', seed=2)
            self.order(server, '/admin/reload')
            body = self.good(server.post('/predict', {'text': TEXT}))
            self.assertEqual(body['probabilities'], self.answers['2'])
            self.order(server, '/admin/models/m/label', {'label': 'previous', 'version': None})
            # Until the old one has been freed, which its memory shows nowhere else.
            for _ in range(3):
                server.process.send_signal(signal.SIGHUP)
                self.order(server, '/admin/reload')
                self.assertEqual(server.metric(loaded), 1)
            # Both have left their counts when neither is loaded.
            self.add('1', name='other')
            shutil.rmtree(os.path.join(self.models, 'm'))
            self.order(server, '/admin/reload')
            while server.metric(loaded) != 0:
                pass

    def test_single_file(self):
        path = self.path('single.safetensors')
        shutil.copy(self.files[1], path)
        with serving.Server('--model', path) as server:
            server.wait_until_ready()

            def confidence():
                answer = server.post('/predict', {'text': TEXT})
                return self.good(answer)['probabilities'], answer.fields['X-Model-Version']

            self.assertEqual(confidence(), (self.answers['1'], 'single/1'))
            shutil.copy(self.files[2], path)
            server.process.send_signal(signal.SIGHUP)
            while confidence()[1] == 'single/1':
                pass
            self.assertEqual(confidence(), (self.answers['2'], 'single/2'))
            self.write('single.safetensors', 'garbage')
            server.process.send_signal(signal.SIGHUP)
            while not server.metric('nlp_model_reloads_total{result="failure"}'):
                pass
            self.assertEqual(confidence(), (self.answers['2'], 'single/2'))

    def test_swaps_under_load(self):
        """Versions change all the time: no request fails, none gets another's answer."""
        self.add('1')
        self.add('2')
        with self.serve('--threads', '2') as server:
            server.wait_until_ready()
            stop = threading.Event()

            def client(_):
                seen, connection = set(), server.connect()
                while not stop.is_set():
                    answer = server.post('/predict', {'text': TEXT}, connection=connection)
                    body = self.good(answer)
                    version = answer.fields['X-Model-Version'].rpartition('/')[2]
                    self.assertEqual(body['probabilities'], self.answers[version])
                    seen.add(version)
                connection.close()
                return seen

            def admin(_):
                try:
                    for turn in range(15):
                        self.order(server, '/admin/models/m/label',
                                   {'label': 'stable', 'version': str(1 + turn % 2)})
                        self.order(server, '/admin/models/m/rollback')
                        self.order(server, '/admin/reload')
                finally:
                    stop.set()
                return set()

            seen = serving.together(5, lambda index: client(index) if index < 4 else admin(index))
            self.assertEqual(set().union(*seen), {'1', '2'})


class Admin(Folder):
    def test_token(self):
        self.add('1')
        with self.serve() as server:
            server.wait_until_ready()
            for token in (None, '', 'x' * 32, TOKEN + 't', TOKEN[:-1]):
                for method, path in (('GET', '/admin/models'), ('POST', '/admin/reload'),
                                     ('GET', '/metrics')):
                    self.problem(server.admin(method, path, token=token), 401, 'unauthorized')
            self.good(server.admin('GET', '/livez'))
            self.assertEqual(server.admin('GET', '/metrics', token=TOKEN).status, 200)
            self.problem(server.get('/admin/models'), 404, 'not_found')
            self.problem(server.admin('GET', '/predict', token=TOKEN), 404, 'not_found')

    def test_bad_tokens(self):
        fifo, open_to_all = self.path('fifo'), self.write('open', TOKEN + '\n')
        os.mkfifo(fifo)
        os.chmod(open_to_all, 0o664)
        for path, reason in ((self.write('short', 'abc\n'), b'less than 16 bytes'),
                             (self.write('long', 'a' * 513 + '\n'), b'more than 512 bytes'),
                             (self.write('longer', 'a' * 10000), b'more than 512 bytes'),
                             (self.write('zero', TOKEN + '\0\n'), b'NUL'),
                             (fifo, b'not a regular file'), ('/dev/zero', b'not a regular file'),
                             (open_to_all, b'others may write'), (self.path('none'), b'none')):
            done = serving.run('serve', '--model', self.model, '--admin-token', path,
                               '--admin-port', '0', '--port', '0')
            self.assertEqual(done.returncode, 1, path)
            self.assertIn(reason, done.stderr)

    def test_new_token(self):
        """SIGHUP takes the new token; a bad one leaves the old one."""
        self.add('1')
        longest = 'b' * 512
        path = self.write('changing', TOKEN + '\r\n')
        with serving.Server('--models', self.models, '--admin-token', path, '--admin-port',
                            '0') as server:
            server.wait_until_ready()
            self.good(server.admin('GET', '/admin/models', token=TOKEN))
            self.write('changing', longest + '\n')
            server.process.send_signal(signal.SIGHUP)
            while server.admin('GET', '/admin/models', token=longest).status != 200:
                pass
            self.problem(server.admin('GET', '/admin/models', token=TOKEN), 401, 'unauthorized')
            self.write('changing', 'short')
            server.process.send_signal(signal.SIGHUP)
            while 'less than 16 bytes' not in server.errors():
                pass
            self.good(server.admin('GET', '/admin/models', token=longest))

    def test_orders(self):
        self.add('1')
        self.add('2')
        self.add('3', digest='0' * 64)
        self.labels({'stable': '1'})
        with self.serve() as server:
            server.wait_until_ready()
            listed = self.good(server.admin('GET', '/admin/models', token=TOKEN))
            self.assertEqual([(one['version'], one['usable']) for one in listed['found']],
                             [('1', True), ('2', True), ('3', True)])
            label = '/admin/models/m/label'
            self.assertEqual(self.order(server, label, {'label': 'stable', 'version': '2'}),
                             {'stable': '2', 'previous': '1'})
            self.assertEqual(self.version(server), '2')
            self.assertEqual(self.order(server, '/admin/models/m/rollback'),
                             {'stable': '1', 'previous': '2'})
            self.assertEqual(self.version(server), '1')
            self.assertEqual(self.order(server, label, {'label': 'previous', 'version': None}),
                             {'stable': '1'})
            for path, body, status, code in (
                    ('/admin/models/m/rollback', None, 404, 'order_failed'),
                    ('/admin/models/x/rollback', None, 404, 'order_failed'),
                    ('/admin/models/x/unload', None, 404, 'order_failed'),
                    ('/admin/models/../unload', None, 404, 'model_not_found'),
                    (label, {'label': 'stable', 'version': '9'}, 404, 'order_failed'),
                    (label, {'label': 'stable', 'version': '3'}, 422, 'order_failed'),
                    (label, {'label': 'stable', 'version': '..'}, 404, 'model_not_found'),
                    (label, {'label': 'best', 'version': '2'}, 400, 'invalid_label'),
                    (label, {'version': '2'}, 400, 'invalid_label'),
                    (label, {'label': 'canary', 'version': '2'}, 400, 'invalid_share'),
                    (label, {'label': 'canary', 'vers': '2', 'share': 0.1}, 400, 'unknown_member'),
                    (label, {'label': 'canary', 'version': '2', 'share': 0.1, 'x': 1}, 400,
                     'unknown_member'),
                    (label, {'label': 'previous'}, 400, 'no_version'),
                    (label, {'label': 'previous', 'versions': None}, 400, 'unknown_member'),
                    (label, {'label': 'canary', 'version': '2', 'share': 2}, 400, 'order_failed'),
                    (label, {'label': 'canary', 'version': '1', 'share': 0.5}, 400,
                     'order_failed')):
                answer = server.admin('POST', path, body, TOKEN)
                self.problem(answer, status, code)
                self.assertEqual(self.version(server), '1')
            self.order(server, label, {'label': 'stable', 'version': '2'})
        with self.serve() as server:
            server.wait_until_ready()
            self.assertEqual(self.version(server), '2', 'orders outlive the process')

    def test_shadow(self):
        self.add('1')
        self.add('2')
        self.labels({'stable': '1', 'shadow': {'version': '2', 'share': 1}})
        wanted = [self.expected(*TEXTS, model=self.files[seed]) for seed in (1, 2)]
        differ = sum(one['prediction'] != two['prediction'] for one, two in zip(*wanted))
        with self.serve() as server:
            server.wait_until_ready()
            for text, answer in zip(TEXTS, wanted[0]):
                body = self.good(server.post('/predict', {'text': text}))
                self.assertEqual(body['probabilities'], answer['probabilities'])
            label = '{model="m",version="2"}'
            while server.metric('nlp_shadow_predictions_total' + label) != len(TEXTS):
                pass
            self.assertEqual(server.metric('nlp_shadow_disagreements_total' + label), differ)
            metrics = server.get('/metrics').body.decode()
            counted = [line for line in metrics.splitlines()
                       if line.startswith('nlp_predictions_total{model="m",version="2"')]
            self.assertTrue(all(line.endswith(' 0') for line in counted), counted)


class Feedback(serving.Case):
    def counted(self):
        name = '{model="model",version="1"}'
        return [self.server.metric(f'nlp_feedback_{what}total' + name) or 0
                for what in ('', 'correct_')]

    def test_by_request(self):
        before = self.counted()
        wanted = self.expected(TEXT)[0]
        self.server.post('/predict', {'text': TEXT}, X_Request_Id='f1')
        body = self.good(self.server.post('/feedback', {'request_id': 'f1',
                                                        'label': wanted['prediction']}))
        self.assertEqual(body, {'prediction': wanted['prediction'], 'label': wanted['prediction'],
                                'correct': True})
        again = self.server.post('/feedback', {'request_id': 'f1', 'label': 0})
        self.problem(again, 404, 'unknown_request')
        answer = self.server.post('/predict_batch', {'texts': TEXTS})
        predictions = answer.json()['predictions']
        other = (predictions[5] + 1) % 3
        body = self.good(self.server.post('/feedback', {
            'request_id': answer.fields['X-Request-Id'], 'index': 5, 'label': other}))
        self.assertEqual((body['prediction'], body['correct']), (predictions[5], False))
        after = self.counted()
        self.assertEqual([after[0] - before[0], after[1] - before[1]], [2, 1])
        accuracy = self.server.metric('nlp_feedback_accuracy{model="model",version="1"}')
        self.assertAlmostEqual(accuracy, after[1] / after[0], places=6)

    def test_by_prediction(self):
        before = self.counted()
        body = self.good(self.server.post('/feedback', {'prediction': 1, 'label': '1'}))
        self.assertTrue(body['correct'])
        self.assertEqual(self.counted(), [before[0] + 1, before[1] + 1])

    def test_refused(self):
        for body in ({}, {'label': 3, 'prediction': 1}, {'label': -1, 'prediction': 1},
                     {'label': 'good', 'prediction': 1}, {'label': 1},
                     {'label': 1, 'prediction': 9}, {'label': True, 'prediction': 1},
                     {'label': 1.5, 'prediction': 1}):
            self.problem(self.server.post('/feedback', body), 400, 'invalid_label')
        self.problem(self.server.post('/feedback', {'label': 1, 'request_id': 'none'}), 404,
                     'unknown_request')
        self.problem(self.server.post('/feedback', {'label': 1, 'request_id': 5}), 400,
                     'invalid_type')
        self.problem(self.server.post('/feedback', {'label': 1, 'prediction': 1, 'version': '9'}),
                     404, 'model_not_found')


if __name__ == '__main__':
    serving.main()
