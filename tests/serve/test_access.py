# SPDX-License-Identifier: Apache-2.0
"""API keys, the rate of a client, and what the log tells of requests."""
import hashlib
import json
import signal

import serving

KEYS = {'anna': 'a' * 20, 'ben': 'b' * 20}


def lines_of(keys):
    return ''.join(f'{name}:{hashlib.sha256(key.encode()).hexdigest()}\n'
                   for name, key in keys.items())


class Keys(serving.Case):
    def test_keys(self):
        path = self.write('keys', lines_of(KEYS))
        with serving.Server('--model', self.model, '--api-keys', path) as server:
            server.wait_until_ready()
            for path in ('/livez', '/readyz', '/health'):
                self.good(server.get(path))
            for key in KEYS.values():
                self.good(server.post('/predict', {'text': 'a'}, X_API_Key=key))
                self.good(server.post('/predict', {'text': 'a'}, Authorization='Bearer ' + key))
                self.good(server.get('/model_info', Authorization='bearer ' + key))
            for fields in ({}, {'X_API_Key': 'c' * 20}, {'X_API_Key': ''},
                           {'Authorization': 'Basic ' + KEYS['anna']},
                           {'Authorization': 'Bearer ' + KEYS['anna'] + 'a'}):
                for path in ('/model_info', '/metrics'):
                    refused = server.get(path, **fields)
                    self.problem(refused, 401, 'unauthorized')
                    self.assertEqual(refused.fields['WWW-Authenticate'], 'Bearer')
                self.problem(server.post('/predict', {'text': 'a'}, **fields), 401, 'unauthorized')
            # A body is not waited for, nor asked for, where the key is missing.
            for field in (b'', b'Expect: 100-continue\r\n'):
                data = server.raw(b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n'
                                  + field + b'\r\n')
                self.assertEqual(serving.statuses(data), [401])
            self.assertNotIn('a' * 20, server.errors())

    def test_feedback(self):
        """Whoever knows the id of another's request has no say about its answer."""
        path = self.write('keys', lines_of(KEYS))
        with serving.Server('--model', self.model, '--api-keys', path) as server:
            server.wait_until_ready()
            anna, ben = ({'X_API_Key': KEYS[name]} for name in ('anna', 'ben'))
            self.good(server.post('/predict', {'text': 'a'}, X_Request_Id='id-1', **anna))
            body = {'request_id': 'id-1', 'label': 0}
            self.problem(server.post('/feedback', body, **ben), 404, 'unknown_request')
            self.good(server.post('/predict', {'text': 'a'}, X_Request_Id='id-1', **ben))
            self.good(server.post('/feedback', body, **anna))
            self.problem(server.post('/feedback', body, **anna), 404, 'unknown_request')
            self.good(server.post('/feedback', body, **ben))

    def test_reload(self):
        path = self.write('changing', lines_of({'anna': KEYS['anna']}))
        with serving.Server('--model', self.model, '--api-keys', path) as server:
            server.wait_until_ready()
            ben = {'X_API_Key': KEYS['ben']}
            self.problem(server.get('/model_info', **ben), 401, 'unauthorized')
            self.write('changing', lines_of({'ben': KEYS['ben']}))
            server.process.send_signal(signal.SIGHUP)
            while server.get('/model_info', **ben).status == 401:
                pass
            self.good(server.get('/model_info', **ben))
            self.problem(server.get('/model_info', X_API_Key=KEYS['anna']), 401, 'unauthorized')
            self.write('changing', 'garbage')
            server.process.send_signal(signal.SIGHUP)
            while '"level":"error"' not in server.errors():
                self.good(server.get('/model_info', **ben))
            self.good(server.get('/model_info', **ben))


class Rate(serving.Case):
    arguments = ('--rate', '0.001', '--burst', '5')

    def test_rate(self):
        """Texts are counted, not requests; what is refused takes nothing."""
        self.good(self.server.post('/predict', {'text': 'a'}))
        self.good(self.server.post('/predict_batch', {'texts': ['a'] * 3}))
        refused = self.server.post('/predict_batch', {'texts': ['a'] * 3})
        self.problem(refused, 429, 'rate_limited')
        self.good(self.server.post('/predict', {'text': 'a'}))
        self.problem(self.server.post('/predict', {'text': 'a'}), 429, 'rate_limited')
        self.good(self.server.get('/health'))
        self.assertEqual(self.server.metric('nlp_request_failures_total{reason="rate_limited"}'), 2)


class Cost(serving.Case):
    arguments = ('--rate', '0.001', '--burst', '5')

    def test_cost(self):
        """A text counts once for each 512 tokens that are computed of it."""
        body = {'text': 'word ' * 3000}
        self.good(self.server.post('/predict', {**body, 'max_length': 2048}))
        self.problem(self.server.post('/predict', {**body, 'max_length': 513}), 429,
                     'rate_limited')
        self.good(self.server.post('/predict', {**body, 'max_length': 512}))
        self.problem(self.server.post('/predict', {'text': 'a'}), 429, 'rate_limited')


class Log(serving.Case):
    def lines(self, path):
        with open(path, encoding='utf-8') as file:
            return [json.loads(line) for line in file]

    def run_server(self, *arguments):
        path = self.path('log')
        self.write('log', '')
        with serving.Server('--model', self.model, '--log-file', path, *arguments) as server:
            server.wait_until_ready()
            server.post('/predict', {'text': 'word_1 \u00e4'}, X_User_Id='u1', X_Request_Id='r1')
            server.post('/predict_batch', {'texts': ['word_2', 'word_3']})
            server.post('/predict', b'{"text": "secret"', X_Request_Id='r2')
        return self.lines(path)

    def test_fields(self):
        lines = self.run_server()
        made = [line for line in lines if line['event_type'] == 'prediction']
        self.assertEqual(len(made), 3)
        first = made[0]
        wanted = self.expected('word_1 \u00e4')[0]
        self.assertEqual((first['text_length'], first['prediction'], first['user_id']),
                         (8, wanted['prediction'], 'u1'))
        self.assertAlmostEqual(first['confidence'], wanted['confidence'], places=6)
        self.assertGreater(first['processing_time'], 0)
        self.assertEqual((first['request_id'], first['version']), ('r1', '1'))
        self.assertIsNone(made[1]['user_id'])
        wrong = [line for line in lines if line['event_type'] == 'error' and
                 line['context']['route'] != '/readyz']
        self.assertEqual(len(wrong), 1)
        self.assertEqual(wrong[0]['context']['request_id'], 'r2')
        text = json.dumps(lines)
        self.assertNotIn('word_', text)
        self.assertNotIn('secret', text)

    def test_gcp(self):
        """Google Cloud Logging's names; the trace of each request, and not of the next one."""
        trace, key = 'a' * 31 + '1', 'logging.googleapis.com/trace'
        path = self.write('gcp', '')
        with serving.Server('--model', self.model, '--log-file', path, '--log-format', 'gcp',
                            env={'GOOGLE_CLOUD_PROJECT': 'shop-1'}) as server:
            server.wait_until_ready()
            kept = server.connect()
            for fields in ({'traceparent': f'00-{trace}-00000000000000ff-01'}, {},
                           {'X_Cloud_Trace_Context': f'{trace}/255;o=0'}):
                server.post('/predict', {'text': 'word_1'}, connection=kept, **fields)
            server.post('/predict', {'text': ''}, traceparent=f'00-{trace}-00000000000000ff-01')
            kept.close()
        lines = [line for line in self.lines(path) if 'route' not in line.get('context', {}) or
                 line['context']['route'] == '/predict']
        self.assertEqual({line['severity'] for line in lines}, {'INFO', 'WARNING'})
        for line in lines:
            self.assertTrue(line['message'] and line['time'].endswith('Z'), line)
            self.assertTrue({'level', 'timestamp'}.isdisjoint(line), line)
        made = [line for line in lines if line['event_type'] == 'prediction']
        name = f'projects/shop-1/traces/{trace}'
        self.assertEqual([line.get(key) for line in made], [name, None, name])
        self.assertEqual([line.get('logging.googleapis.com/trace_sampled') for line in made],
                         [True, None, False])
        self.assertEqual(made[2]['logging.googleapis.com/spanId'], '00000000000000ff')
        self.assertEqual([line[key] for line in lines if line['event_type'] == 'error'], [name])

    def test_text_on_request(self):
        lines = self.run_server('--log-text')
        self.assertEqual([line['text'] for line in lines if line['event_type'] == 'prediction'],
                         ['word_1 \u00e4', 'word_2', 'word_3'])

    def test_level(self):
        lines = self.run_server('--log-level', 'error')
        self.assertEqual(lines, [])

    def test_metrics(self):
        """The guide's log_model_metrics, now and then and at the end."""
        lines = [line['metrics'] for line in self.run_server('--log-metrics', '0.05')
                 if line['event_type'] == 'metrics']
        answers = self.expected('word_1 \u00e4', 'word_2', 'word_3')
        self.assertEqual(set(lines[-1]),
                         {'total_predictions', 'avg_confidence', 'avg_processing_time'})
        self.assertEqual(lines[-1]['total_predictions'], 3)
        self.assertAlmostEqual(lines[-1]['avg_confidence'],
                               sum(one['confidence'] for one in answers) / 3, places=4)
        self.assertGreater(lines[-1]['avg_processing_time'], 0)
        totals = [line['total_predictions'] for line in lines]
        self.assertEqual(totals, sorted(totals))
        none = self.run_server('--log-metrics', '0')
        self.assertNotIn('metrics', [line['event_type'] for line in none])

    def test_rotation(self):
        path, moved = self.path('rotated'), self.path('rotated.1')
        with serving.Server('--model', self.model, '--log-file', path) as server:
            server.wait_until_ready()
            server.post('/predict', {'text': 'word_1'}, X_Request_Id='first')
            while not any('first' in json.dumps(line) for line in self.lines(path)):
                pass
            serving.os.rename(path, moved)
            server.process.send_signal(signal.SIGHUP)
            while not serving.os.path.exists(path):
                server.post('/predict', {'text': 'word_1'})
            server.post('/predict', {'text': 'word_1'}, X_Request_Id='second')
        self.assertIn('second', json.dumps(self.lines(path)))
        self.assertNotIn('second', json.dumps(self.lines(moved)))

    def test_full_disk(self):
        """A log that cannot be written costs lines, no requests."""
        if not serving.os.path.exists('/dev/full'):
            self.skipTest('no /dev/full here')
        with serving.Server('--model', self.model, '--log-file', '/dev/full') as server:
            server.wait_until_ready()
            for _ in range(50):
                self.good(server.post('/predict', {'text': 'word_1'}))
            while not server.metric('nlp_log_lines_dropped_total'):
                self.good(server.post('/predict', {'text': 'word_1'}))


if __name__ == '__main__':
    serving.main()
