# SPDX-License-Identifier: Apache-2.0
"""The guide's routes: its requests get its answers, with the command's numbers."""
import json

import serving

TEXTS = ['word_1 word_2', 'word_3', 'nothing known here', 'word_5 ' * 40,
         'WORD_7 \u00e4\u4e2d\U0001f600']


class Guide(serving.Case):
    def test_predict(self):
        for text, wanted in zip(TEXTS, self.expected(*TEXTS)):
            body = self.good(self.server.post('/predict', {'text': text, 'max_length': 512}))
            extra = {'flags'} if wanted['flags'] else set()
            self.assertEqual(set(body), {'prediction', 'confidence', 'probabilities',
                                         'processing_time'} | extra)
            for key in ('prediction', 'confidence', 'probabilities'):
                self.assertEqual(body[key], wanted[key])
            self.assertEqual(body.get('flags', []), wanted['flags'])
            self.assertIsInstance(body['processing_time'], float)
            self.assertGreater(body['processing_time'], 0)

    def test_predict_batch(self):
        body = self.good(self.server.post('/predict_batch', {'texts': TEXTS}))
        wanted = self.expected(*TEXTS)
        self.assertEqual(body['predictions'], [answer['prediction'] for answer in wanted])
        self.assertEqual(body['confidences'], [answer['confidence'] for answer in wanted])
        self.assertEqual(body['flags'], [answer['flags'] for answer in wanted])
        self.assertGreater(body['processing_time'], 0)
        plain = self.good(self.server.post('/predict_batch', {'texts': TEXTS[:2]}))
        self.assertEqual(set(plain), {'predictions', 'confidences', 'processing_time'})

    def test_max_length(self):
        text = 'word_1 word_2 word_3 word_4 word_5'
        for length in (1, 3, 5, 4096):
            wanted = self.expected(text, options=['--max-length', str(length)])[0]
            body = self.good(self.server.post('/predict', {'text': text, 'max_length': length}))
            self.assertEqual(body['probabilities'], wanted['probabilities'])
            self.assertEqual(body.get('flags', []), wanted['flags'])
            body = self.good(self.server.post('/predict_batch',
                                              {'texts': [text], 'max_length': length}))
            self.assertEqual(body['confidences'], [wanted['confidence']])
        refused = self.server.post('/predict', {'text': text, 'max_length': 3, 'truncate': False})
        self.assertEqual(self.problem(refused, 422, 'text_too_long')['index'], 0)
        self.good(self.server.post('/predict', {'text': text, 'max_length': 5, 'truncate': False}))
        for wrong in (0, -1, 65537, 1.5, '5', True, [], 10 ** 30):
            refused = self.server.post('/predict', {'text': text, 'max_length': wrong})
            self.assertEqual(refused.status, 400, wrong)
        self.good(self.server.post('/predict', {'text': text, 'max_length': None}))

    def test_missing_text(self):
        for body in ({}, {'text': ''}, {'text': None}, {'max_length': 5}):
            problem = self.problem(self.server.post('/predict', body), 400, 'text_required')
            self.assertEqual(problem['error'], 'Text is required')
        for body in ({'text': 5}, {'text': ['a']}, {'text': {}}, {'text': True}, [], [1]):
            self.problem(self.server.post('/predict', body), 400, 'invalid_type')
        for body in (b'', b'5', b'"text"', b'{"text": "a"', b'{"text": "a"} x', b'{text: 1}'):
            refused = self.server.post('/predict', body, Content_Type='application/json')
            self.problem(refused, 400, 'invalid_json')

    def test_batch_items(self):
        self.problem(self.server.post('/predict_batch', {}), 400, 'texts_required')
        self.problem(self.server.post('/predict_batch', {'texts': 'a'}), 400, 'invalid_type')
        for wrong in (5, None, ['a'], {}):
            refused = self.server.post('/predict_batch', {'texts': ['a', 'b', wrong, 'c']})
            self.assertEqual(self.problem(refused, 422, 'invalid_item')['index'], 2)
        body = self.good(self.server.post('/predict_batch', {'texts': ['word_1', '', 'word_2']}))
        self.assertEqual(body['flags'], [[], ['empty'], []])
        self.assertEqual(len(body['predictions']), 3)
        body = self.good(self.server.post('/predict_batch', {'texts': []}))
        self.assertEqual((body['predictions'], body['confidences']), ([], []))

    def test_nul_and_unicode(self):
        """A NUL is a character of a text like others; broken Unicode is no text."""
        self.good(self.server.post('/predict', {'text': 'word_1\0word_2'}))
        refused = self.server.post('/predict', b'{"text": "a\xff"}',
                                   Content_Type='application/json')
        self.problem(refused, 422, 'invalid_utf8')
        for escape in (b'\\ud800', b'\\udc00', b'\\ud800\\u0041'):
            refused = self.server.post('/predict', b'{"text": "' + escape + b'"}',
                                       Content_Type='application/json')
            self.problem(refused, 400, 'invalid_json')

    def test_health(self):
        self.assertEqual(self.good(self.server.get('/health')),
                         {'status': 'healthy', 'model_loaded': True})
        self.assertEqual(self.good(self.server.get('/livez')), {'status': 'alive'})
        self.assertEqual(self.good(self.server.get('/readyz')), {'status': 'ready'})

    def test_model_info(self):
        info = self.good(self.server.get('/model_info'))
        wanted = json.loads(serving.run('info', '--json', '--model', self.model).stdout)
        self.assertEqual(info['model_type'], 'SentimentClassifier')
        for key in ('vocab_size', 'embedding_dim', 'hidden_size', 'num_classes', 'parameters',
                    'labels', 'max_length', 'num_layers'):
            self.assertEqual(info[key], wanted[key], key)

    def test_metrics(self):
        before = self.server.metric('nlp_http_requests_total{route="/predict",code="200"}') or 0
        for _ in range(3):
            self.good(self.server.post('/predict', {'text': 'word_1'}))
        self.server.post('/predict', {})
        answer = self.server.get('/metrics')
        self.assertEqual(answer.type, 'text/plain; version=0.0.4; charset=utf-8')
        after = self.server.metric('nlp_http_requests_total{route="/predict",code="200"}')
        self.assertEqual(after - before, 3)
        for name in (b'nlp_predictions_total{', b'nlp_prediction_duration_seconds_bucket{',
                     b'nlp_model_loaded{', b'nlp_prediction_confidence_bucket{'):
            self.assertIn(name, answer.body)


class Http(serving.Case):
    def test_routes(self):
        self.problem(self.server.get('/nowhere'), 404, 'not_found')
        self.problem(self.server.get('/predict/'), 404, 'not_found')
        self.problem(self.server.get('/%70redict'), 404, 'not_found')
        refused = self.server.get('/predict')
        self.problem(refused, 405, 'method_not_allowed')
        self.assertEqual(refused.fields['Allow'], 'POST')
        refused = self.server.ask('DELETE', '/health')
        self.problem(refused, 405, 'method_not_allowed')
        self.assertEqual(refused.fields['Allow'], 'GET, HEAD')
        self.good(self.server.get('/health?verbose=1'))

    def test_head(self):
        answer = self.server.ask('HEAD', '/health')
        self.assertEqual((answer.status, answer.body), (200, b''))
        self.assertEqual(int(answer.fields['Content-Length']),
                         len(self.server.get('/health').body))

    def test_types(self):
        body = b'{"text": "word_1"}'
        for name in ('application/json', 'Application/JSON; charset=utf-8',
                     'application/vnd.api+json'):
            self.good(self.server.post('/predict', body, Content_Type=name))
        self.good(self.server.post('/predict', body))
        for name in ('text/plain', 'application/x-www-form-urlencoded', 'application/jsonx',
                     'json'):
            refused = self.server.post('/predict', body, Content_Type=name)
            self.problem(refused, 415, 'unsupported_media_type')
        refused = self.server.post('/predict', body, Content_Encoding='gzip')
        self.problem(refused, 415, 'unsupported_encoding')

    def check_unlike(self, made):
        """Ids do not follow from each other, as the states of splitmix64 would."""
        mask = (1 << 64) - 1

        def undo(value):
            for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, 1)):
                value ^= value >> shift ^ value >> 2 * shift
                value = value * pow(factor, -1, 1 << 64) & mask
            return value

        states = {undo(one) for one in made}
        following = {(state + 0x9E3779B97F4A7C15) & mask for state in states}
        self.assertFalse(states & following)

    def test_request_id(self):
        answer = self.server.get('/health', X_Request_Id='abc-123')
        self.assertEqual(answer.fields['X-Request-Id'], 'abc-123')
        trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
        made = {self.server.get('/health', traceparent=trace).fields['X-Request-Id']
                for _ in range(20)}
        self.assertEqual(len(made), 20)
        self.check_unlike([int(one, 16) for one in
                           (self.server.get('/health').fields['X-Request-Id']
                            for _ in range(100))])
        for wrong in ('a b', 'x' * 200, '"<script>'):
            answer = self.server.get('/health', X_Request_Id=wrong)
            self.assertNotEqual(answer.fields['X-Request-Id'], wrong)

    def test_fields(self):
        answer = self.server.post('/predict', {'text': 'word_1'})
        self.assertEqual(answer.fields['X-Model-Version'], 'model/1')
        self.assertRegex(answer.fields['Server-Timing'],
                         r'^queue;dur=\d+\.\d{3}, compute;dur=\d+\.\d{3}$')
        self.assertIsNotNone(answer.fields['Date'])

    def test_keep_alive(self):
        connection = self.server.connect()
        for _ in range(5):
            self.good(self.server.post('/predict', {'text': 'word_1'}, connection=connection))
            own = connection.sock.getsockname()
            self.problem(self.server.post('/predict', {}, connection=connection), 400,
                         'text_required')
            self.assertEqual(connection.sock.getsockname(), own)
        connection.close()

    def test_pipelining(self):
        """Requests behind each other are answered in their order."""
        texts = [f'word_{i} word_{i + 1}' for i in range(1, 30)]
        request = b''
        for text in texts:
            body = json.dumps({'text': text}).encode()
            request += (b'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n'
                        % len(body)) + body
        data = self.server.raw(request + b'GET /livez HTTP/1.1\r\nHost: x\r\n'
                                         b'Connection: close\r\n\r\n')
        self.assertEqual(serving.statuses(data), [200] * 30)
        answers = [json.loads(part.split(b'HTTP/1.1')[0])['probabilities']
                   for part in data.split(b'\r\n\r\n')[1:-1]]
        self.assertEqual(answers, [one['probabilities'] for one in self.expected(*texts)])

    def test_old_version(self):
        data = self.server.raw(b'GET /livez HTTP/1.0\r\n\r\n')
        self.assertEqual(serving.statuses(data), [200])
        self.assertIn(b'Connection: close\r\n', data)
        data = self.server.raw(b'GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
                               b'GET /livez HTTP/1.0\r\n\r\n')
        self.assertEqual(serving.statuses(data), [200, 200])

    def test_chunked(self):
        data = self.server.raw(b'POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
                               b'Transfer-Encoding: chunked\r\n\r\n',
                               b'9;ext=1\r\n{"text": \r\n', b'0A\r\n"word_1 a"\r\n1\r\n}\r\n',
                               b'0\r\nTrailer: x\r\n\r\n')
        self.assertEqual(serving.statuses(data), [200])

    def test_continue(self):
        with self.server.socket() as own:
            own.sendall(b'POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n'
                        b'Connection: close\r\nContent-Length: 18\r\n\r\n')
            self.assertEqual(own.recv(1000), b'HTTP/1.1 100 Continue\r\n\r\n')
            own.sendall(b'{"text": "word_1"}')
            self.assertEqual(serving.statuses(serving.read_all(own)), [200])


if __name__ == '__main__':
    serving.main()
