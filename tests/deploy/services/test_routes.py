# SPDX-License-Identifier: Apache-2.0
"""test_routes.py PYTHON ROOT BUILD: both services answer as the guide's do, with the bits of
the command, and refuse what is hostile without falling over."""
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest

import running

running.enter()

import sentiment
from prometheus_client.parser import text_string_to_metric_families

FASTAPI = ('uvicorn', 'fastapi_app:app', '--port', 'PORT', '--log-level', 'warning')
FLASK = ('gunicorn', 'flask_app:app', '--bind', '127.0.0.1:PORT', '--log-level', 'warning')
DEEP = b'[' * 200000
# Bodies of /predict that deserve no answer, and what Flask says of them.
HOSTILE = (
    (b'', 'object'), (b'{', 'object'), (b'null', 'object'), (b'[]', 'object'), (b'5', 'object'),
    (b'"text"', 'object'), (b'\xff\xfe', 'object'), (b'{"text": "\xff"}', 'object'),
    (DEEP, 'object'), (b'{"text": "a", "max_length": ' + b'9' * 5000 + b'}', 'object'),
    (b'{}', 'Text is required'), (b'{"text": null}', 'Text is required'),
    (b'{"text": ""}', 'Text is required'), (b'{"text": 5}', 'text: expected a string'),
    (b'{"text": ["a"]}', 'text: expected a string'), (b'{"text": false}', 'text: expected'),
    (b'{"text": {"\\ud800": 1}}', 'text: expected'), (b'{"text": NaN}', 'text: expected'),
    (b'{"text": "\\ud800"}', 'not UTF-8'), (b'{"text": "ab\\udc00c"}', 'offset 2'),
    (json.dumps({'text': 'a' * 65537}).encode(), '65537 characters, at most 65536'),
    *((b'{"text": "a", "max_length": %s}' % value, 'max_length: expected a whole number')
      for value in (b'0', b'-1', b'65537', b'1e3', b'1.0', b'true', b'"5"', b'[]', b'NaN',
                    b'Infinity', b'99999999999999999999999')))
HOSTILE_BATCHES = (
    (b'{}', 'texts: expected'), (b'{"texts": "abc"}', 'texts: expected'),
    (b'{"texts": {"0": "a"}}', 'texts: expected'), (b'{"texts": null}', 'texts: expected'),
    (b'{"texts": ["a", null]}', 'texts[1]: expected'), (b'{"texts": [["a"]]}', 'texts[0]: exp'),
    (b'{"texts": ["a", "b\\ud800"]}', 'text 1: '),
    (b'{"texts": ["a"], "max_length": 0}', 'max_length: expected'),
    (json.dumps({'texts': ['a'] * 257}).encode(), 'at most 256'),
    (b'[' * 200000, 'object'))
ODD = ('a\0b', '\0', ' ', '\u202e\u0000\ufeff', '\U0010ffff', 'é' * 3, '\\ud800', 'word ' * 13000)


class Guide:
    """What both services have; a subclass names one."""

    words = ()
    info = ()

    @classmethod
    def setUpClass(cls):
        cls.texts = running.golden_texts() + list(ODD)
        cls.wanted = running.told_by_command(cls.texts)
        cls.service = cls.enterClassContext(running.Service(*cls.words))

    def good(self, answer):
        self.assertEqual(answer.status, 200, answer.body[:500])
        self.assertEqual(answer.fields['Content-Type'], 'application/json')
        return answer.json()

    def check_refused(self, path, body, told):
        """A status of the client's fault, and JSON that says why."""
        with self.subTest(body[:60]):
            answer = self.service.post(path, body)
            self.assertIn(answer.status, (400, 422), answer.body[:500])
            self.refusal(answer, told)

    def metric(self, name, **labels):
        """The value of a sample of /metrics; the text must parse."""
        text = self.service.get('/metrics').body.decode()
        found = [sample.value for family in text_string_to_metric_families(text)
                 for sample in family.samples if (sample.name, sample.labels) == (name, labels)]
        return found[0] if found else 0

    def test_predict(self):
        for text, wanted in zip(self.texts, self.wanted):
            found = self.good(self.service.post('/predict', {'text': text}))
            self.assertEqual(list(found), ['prediction', 'confidence', 'probabilities',
                                           'processing_time'])
            self.assertEqual(found['prediction'], wanted['prediction'])
            # The same bits: to the nearest single, and every one of them is a single.
            self.assertEqual(found['confidence'], running.single(wanted['confidence']), text)
            self.assertEqual(found['probabilities'], running.single(wanted['probabilities']))
            self.assertGreater(found['processing_time'], 0)

    def test_predict_batch(self):
        texts = self.texts + ['']
        wanted = self.wanted + running.told_by_command([''])
        found = self.good(self.service.post('/predict_batch', {'texts': texts}))
        self.assertEqual(list(found), ['predictions', 'confidences', 'processing_time'])
        self.assertEqual(found['predictions'], [each['prediction'] for each in wanted])
        self.assertEqual(found['confidences'],
                         [running.single(each['confidence']) for each in wanted])
        found = self.good(self.service.post('/predict_batch', {'texts': []}))
        self.assertEqual((found['predictions'], found['confidences']), ([], []))

    def test_max_length(self):
        with sentiment.Model.load(running.MODEL) as model:
            text = 'good bad bad bad bad'
            self.assertNotEqual(model.predict(text, 1), model.predict(text))
            for limit in (1, 3, 65536):
                body = {'text': text, 'max_length': limit}
                wanted = model.predict(text, limit).confidence
                self.assertEqual(self.good(self.service.post('/predict', body))['confidence'],
                                 wanted)
                body = {'texts': [text], 'max_length': limit}
                self.assertEqual(self.good(self.service.post('/predict_batch', body))
                                 ['confidences'], [wanted])
            for none in ({'text': text}, {'text': text, 'max_length': None, 'more': 1}):
                self.assertEqual(self.good(self.service.post('/predict', none))['confidence'],
                                 model.predict(text).confidence)

    def test_hostile(self):
        for body, told in HOSTILE:
            self.check_refused('/predict', body, told)
        for body, told in HOSTILE_BATCHES:
            self.check_refused('/predict_batch', body, told)
        answer = self.service.post('/predict', b'{"text": "a"}', Content_Type='text/plain')
        self.assertIn(answer.status, (400, 422))
        answer = self.service.post('/predict', b' ' * (2 << 20) + b'{"text": "a"}')
        self.assertEqual(answer.status, 413)
        answer = self.service.get('/predict')
        self.assertEqual(answer.status, 405)
        self.assertIn('POST', answer.fields['Allow'])
        self.assertEqual(self.service.get('/nowhere').status, 404)
        self.good(self.service.post('/predict', {'text': 'still there'}))
        self.assertNotIn('Traceback', self.service.told())
        self.assertEqual(self.service.lines('error'), [])

    def test_health(self):
        self.assertEqual(self.good(self.service.get('/health')),
                         {'status': 'healthy', 'model_loaded': True})

    def test_model_info(self):
        with sentiment.Model.load(running.MODEL) as model:
            wanted = {name: getattr(model.info, name) for name in self.info}
        found = self.good(self.service.get('/model_info'))
        self.assertEqual(list(found), ['model_type', *self.info])
        self.assertEqual(found, {'model_type': 'SentimentClassifier', **wanted})

    def test_metrics(self):
        names = {'nlp_prediction_duration_seconds_count': {}, 'nlp_prediction_confidence_count': {},
                 'nlp_predictions_total': {'prediction': 'positive'},
                 'nlp_http_requests_total': {'route': '/predict', 'code': '200'}}
        before = {name: self.metric(name, **labels) for name, labels in names.items()}
        self.good(self.service.post('/predict', {'text': 'I love this product!'}))
        self.good(self.service.post('/predict_batch', {'texts': ['I love it!'] * 3}))
        for (name, labels), more in zip(names.items(), (2, 4, 4, 1)):
            self.assertEqual(self.metric(name, **labels), before[name] + more, name)
        self.assertEqual(self.metric('nlp_model_loaded'), 1)
        total = self.metric('nlp_prediction_confidence_count')
        self.assertEqual(self.metric('nlp_prediction_confidence_bucket', le='1.0'), total)
        self.assertLessEqual(self.metric('nlp_prediction_confidence_sum'), total)
        self.service.post('/predict', b'{}')
        refused = sum(self.metric('nlp_http_requests_total', route='/predict', code=code)
                      for code in ('400', '422'))
        self.assertGreater(refused, 0)
        self.service.get('/nowhere/' + 'x' * 100)
        self.assertGreater(self.metric('nlp_http_requests_total', route='other', code='404'), 0)
        for accept in ('*/*', 'application/openmetrics-text; version=abc', ';;=,'):
            answer = self.service.get('/metrics', Accept=accept)
            self.assertEqual((answer.status, answer.fields['Content-Type']),
                             (200, 'text/plain; version=0.0.4; charset=utf-8'))

    def test_log(self):
        self.service.post('/predict', {'text': 'secret words'}, X_User_Id='user_1')
        self.service.post('/predict_batch', {'texts': ['secret', 'words']}, X_User_Id='user_2')
        mine = [line for line in self.service.lines('prediction') if line['user_id']]
        self.assertEqual([line['user_id'] for line in mine], ['user_1', 'user_2', 'user_2'])
        self.assertEqual([line['text_length'] for line in mine], [12, 6, 5])
        self.assertEqual(list(mine[0]), ['timestamp', 'level', 'event_type', 'text_length',
                                         'prediction', 'confidence', 'processing_time', 'user_id'])
        self.assertNotIn('secret', self.service.told())

    def test_size(self):
        """Short enough to be read as an example."""
        with open(os.path.join(running.EXAMPLES, self.file), encoding='utf-8') as file:
            self.assertLess(len(file.readlines()), 100)


class FastApiTest(Guide, unittest.TestCase):
    words = FASTAPI
    file = 'fastapi_app.py'
    info = ('vocab_size', 'embedding_dim', 'hidden_size', 'num_classes')

    def refusal(self, answer, _):
        told = answer.json()['detail']
        self.assertTrue(isinstance(told, str) or all(
            list(one) == ['type', 'loc', 'msg'] for one in told), told)

    def test_required(self):
        answer = self.service.post('/predict', {'text': ''})
        self.assertEqual((answer.status, answer.json()), (400, {'detail': 'Text is required'}))


class FlaskTest(Guide, unittest.TestCase):
    words = FLASK
    file = 'flask_app.py'
    info = ('parameters',)

    def refusal(self, answer, told):
        self.assertEqual((answer.status, list(answer.json())), (400, ['error']))
        self.assertIn(told, answer.json()['error'])


# A request to an application whose model was closed under it: what it answers, and what the
# log says. FastAPI raises the error once more, for its server to tell.
FAILED = {
    'flask_app': '''
import flask_app, service
service.model.close()
answer = flask_app.app.test_client().post('/predict', json={'text': 'fine'})
print(answer.status_code, answer.get_data(as_text=True))
''',
    'fastapi_app': '''
import asyncio, fastapi_app, sentiment, service
service.model.close()
scope = {'type': 'http', 'http_version': '1.1', 'method': 'POST', 'path': '/predict',
         'query_string': b'', 'headers': [(b'content-type', b'application/json')]}
sent = []
async def receive():
    return {'type': 'http.request', 'body': b'{"text": "fine"}'}
async def send(message):
    sent.append(message)
try:
    asyncio.run(fastapi_app.app(scope, receive, send))
except sentiment.ClosedError:
    print(sent[0]['status'], sent[1]['body'].decode())
'''}


class FailureTest(unittest.TestCase):
    """What is nobody's fault outside gives 500, and a line in the log."""

    def test_failures(self):
        for name, script in FAILED.items():
            done = subprocess.run([sys.executable, '-B', '-c', script], check=True,
                                  env=running.environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, universal_newlines=True)
            status, _, body = done.stdout.partition(' ')
            self.assertEqual(status, '500', (name, done.stderr))
            self.assertIn('Internal Server Error' if name == 'fastapi_app' else 'error', body)
            self.assertNotIn('closed', body)
            line, = [json.loads(line) for line in done.stderr.splitlines()
                     if line.startswith('{')]
            self.assertEqual((line['event_type'], line['level'], line['context']),
                             ('error', 'error', {'route': '/predict'}))
            self.assertIn('this model is closed', line['error'])


class SettingsTest(unittest.TestCase):
    """What is wrong ends the start, with a word of why."""

    def failed(self, **env):
        done = subprocess.run([sys.executable, '-B', '-c', 'import service'], check=False,
                              env=running.environment(**env), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_wrong(self):
        self.assertIn('nowhere.safetensors', self.failed(MODEL_PATH='nowhere.safetensors'))
        self.assertIn("expected one of debug, info, warning, error, critical, not 'loud'",
                      self.failed(LOG_LEVEL='loud'))
        self.assertIn('/nowhere/log', self.failed(LOG_FILE='/nowhere/log'))

    def test_guide_folder(self):
        """A folder of the guide's, which pads to its 512 tokens."""
        with tempfile.TemporaryDirectory() as folder:
            place = os.path.join(folder, 'guide')
            subprocess.run([running.COMMAND, 'create', '--vocab-size', '50', '--embedding-dim',
                            '8', '--hidden-size', '16', '--num-classes', '2', place], check=True)
            texts = ['word_1', 'word_2 word_3 nothing', 'word_4 ' * 600]
            wanted = running.told_by_command(texts, place)
            with running.Service(*FASTAPI, MODEL_PATH=place) as service:
                for text, one in zip(texts, wanted):
                    answer = service.post('/predict', {'text': text}).json()
                    self.assertEqual(answer['probabilities'],
                                     running.single(one['probabilities']))

    def test_default_model(self):
        """Without MODEL_PATH the bundled model; LOG_LEVEL keeps predictions out of the log."""
        with running.Service('flask_app.py', MODEL_PATH='', LOG_LEVEL='error',
                             PORT=str(running.free_port())) as service:
            answer = service.post('/predict', {'text': 'fine'})
            self.assertEqual(answer.status, 200)
            self.assertTrue(math.isfinite(answer.json()['confidence']))
            self.assertEqual(service.lines('prediction'), [])


if __name__ == '__main__':
    running.main()
