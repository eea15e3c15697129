# SPDX-License-Identifier: Apache-2.0
"""Events and their answers, the same of both functions: the guide's, and hostile ones."""
import json

import functions
from functions import encode, http, rest

TEXTS = ['I love this product!', 'This is terrible.', 'qqqqzzzz',
         'The parcel \u00e4\u4e2d\U0001f600']
NESTED = '{"text": "x", "more": %s%s}' % ('[' * 100000, ']' * 100000)
FLOAT = 2e-7


def expected(task, *texts, options=()):
    """What the command says with the model of the package."""
    done = functions.run(functions.BUILD + '/sentiment', 'predict', '--json', '--model',
                         task + '/model.safetensors', *options, '--', *texts)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Answers(functions.Case):
    def one(self, event, wanted):
        """An answer to one text: the guide's fields and the command's numbers."""
        body = self.good(event)
        flags = {'flags'} if wanted['flags'] else set()
        self.assertEqual(set(body), {'prediction', 'confidence', 'probabilities'} | flags)
        self.assertEqual(body['prediction'], wanted['prediction'])
        self.assertAlmostEqual(body['confidence'], wanted['confidence'], delta=FLOAT)
        for real, number in zip(body['probabilities'], wanted['probabilities'], strict=True):
            self.assertAlmostEqual(real, number, delta=FLOAT)
        self.assertEqual(body.get('flags', []), wanted['flags'])

    def test_one_text(self):
        wanted = expected(self.task, *TEXTS)
        self.assertEqual([answer['prediction'] for answer in wanted[:2]], [2, 0])
        for text, answer in zip(TEXTS, wanted, strict=True):
            body = json.dumps({'text': text})
            for event in (rest(body), http(body), {'body': body},
                          rest(encode(body.encode()), encoded=True),
                          http(encode(json.dumps({'text': text}, ensure_ascii=False).encode()),
                               encoded=True), http(body, path='/prod/v1/anything')):
                self.one(event, answer)

    def test_max_length(self):
        text = 'not good at all'
        for length in (1, 2, 65536):
            wanted, = expected(self.task, text, options=['--max-length', str(length)])
            self.one(rest(json.dumps({'text': text, 'max_length': length})), wanted)
            body = self.good(http(json.dumps({'texts': [text], 'max_length': length})))
            self.assertAlmostEqual(body['confidences'][0], wanted['confidence'], delta=FLOAT)
        wanted, = expected(self.task, text)
        self.one(rest(json.dumps({'text': text, 'max_length': None})), wanted)
        self.one(rest('{"text": "not good at all", "max_length": 5.0}'), wanted)
        for wrong in ('0', '-1', '65537', '1.5', '"5"', 'true', '[]', '1' + '0' * 30):
            error = self.refused(rest('{"text": "a", "max_length": %s}' % wrong), 400)
            self.assertEqual(error, 'max_length: expected a whole number from 1 to 65536')

    def test_batch(self):
        wanted = expected(self.task, *TEXTS)
        body = self.good(http(json.dumps({'texts': TEXTS}), path='/predict_batch'))
        self.assertEqual(body['predictions'], [answer['prediction'] for answer in wanted])
        for real, answer in zip(body['confidences'], wanted, strict=True):
            self.assertAlmostEqual(real, answer['confidence'], delta=FLOAT)
        self.assertEqual(body['flags'], [answer['flags'] for answer in wanted])
        self.assertGreater(body['processing_time'], 0)
        plain = self.good(rest(json.dumps({'texts': TEXTS[:2]})))
        self.assertEqual(set(plain), {'predictions', 'confidences', 'processing_time'})
        self.assertEqual(self.good(rest('{"texts": []}'))['predictions'], [])
        self.assertEqual(self.good(rest('{"texts": ["", "good"]}'))['flags'], [['empty'], []])
        self.assertIn('expected a list', self.refused(rest('{"texts": "a"}'), 400))
        self.assertIn('not both', self.refused(rest('{"texts": [], "text": "a"}'), 400))
        self.assertEqual(self.refused(rest('{"texts": ["a", 5]}'), 422),
                         'texts[1]: expected a string')
        self.assertIn('4097 texts', self.refused(rest(json.dumps({'texts': [''] * 4097})), 413))

    def test_text_is_required(self):
        for body in ('{}', '{"text": ""}', '{"text": null}', '{"max_length": 5}'):
            for event in (rest(body), http(body), {'body': body}):
                self.assertEqual(self.refused(event, 400), 'Text is required')
        for text in ('5', '["a"]', '{}', 'true'):
            self.assertEqual(self.refused(rest('{"text": %s}' % text), 400),
                             'text: expected a string')

    def test_bodies_that_are_no_json(self):
        for body in ('', 'x', '{"text": "a"', '{"text": "a"} x', '{text: 1}', '{"text": NaN}',
                     '{"text": "a", "text": "b"}', '{"text": "\\ud800"}', NESTED, None,
                     '{"text": "a\nb"}', '\ufeff{"text": "a"}'):
            for event in (rest(body), http(body)):
                self.refused(event, 400)
        for body in ('5', '"text"', '[]', 'null', 'true'):
            self.assertIn('expected a JSON object', self.refused(rest(body), 400))
        for encoded in ('a', '====', 'a===', '!!!!', 'YQ', 'YQ==YQ==', 'Y Q='):
            self.assertIn('not base64', self.refused(rest(encoded, encoded=True), 400))
        self.refused(rest(encode(b'{"text": "\xff\xfe"}'), encoded=True), 400)

    def test_odd_texts(self):
        odd = ['a\0b', '\0', ' ', '\n', '\u2028', 'x' * 100000, '"\\/\b\f\r\t']
        for text, wanted in zip(odd, map(self.good, (rest(json.dumps({'text': text}))
                                                     for text in odd)), strict=True):
            batch = self.good(rest(json.dumps({'texts': [text]})))
            self.assertEqual(batch['confidences'], [wanted['confidence']], text[:20])
        body = self.good(rest(json.dumps({'text': 'good movie ' * 520000})))
        self.assertEqual((body['prediction'], body['flags']), (2, ['truncated']))
        large = self.good(rest(json.dumps({'texts': ['good' + ' ' * 1500] * 3900})))
        self.assertEqual(large['predictions'], [2] * 3900)

    def test_routes(self):
        for make in (rest, http):
            self.assertEqual(self.good(make(None, 'GET', '/prod/health')),
                             {'status': 'healthy', 'model_loaded': True})
            status, fields, body = self.answer(make(None, 'OPTIONS'))
            self.assertEqual((status, body), (204, ''))
            self.assertEqual(fields['Access-Control-Allow-Origin'], '*')
            self.assertIn('POST', fields['Access-Control-Allow-Methods'])
            self.assertIn('Content-Type', fields['Access-Control-Allow-Headers'])
            for method, path in (('GET', '/predict'), ('PUT', '/predict'), ('DELETE', '/health'),
                                 ('GET', '/'), ('', '/health')):
                status, fields, _ = self.answer(make('{"text": "a"}', method, path))
                self.assertEqual((status, fields['Allow']), (405, 'POST, OPTIONS'))

    def test_events_of_others(self):
        for event in ({}, [], 'text', 5, None, {'Records': []}, {'httpMethod': 5},
                      {'requestContext': {'http': {}}}, {'httpMethod': 'POST', 'body': {'a': 1}},
                      {'requestContext': {'http': {'method': []}}}, {'httpMethod': 5, 'body': '{}'},
                      {'requestContext': 'x'}):
            done = self.function.invoke(event)
            self.assertEqual(done.kind, 'error', event)
            self.assertIn('expected an event of API Gateway', done.answer['errorMessage'])
        self.good(rest('{"text": "and it goes on"}'))

    def test_time_is_over(self):
        late = self.refused(rest('{"text": "a"}'), 504, deadline=-5)
        self.assertIn('time', late)
        # Half a second, for more work than any machine does in it.
        work = json.dumps({'texts': ['a ' * 1800] * 4000, 'max_length': 65536})
        self.refused(rest(work), 504, deadline=0.7)
        self.good(rest('{"text": "and it goes on"}'))

    def test_log(self):
        secret = 'nobody-may-log-this'
        invocation = self.function.invoke(rest(json.dumps({'text': secret})))
        lines = [line for line in self.function.lines()
                 if line.get('requestId') == invocation.id]
        self.assertEqual([(line['level'], line['status']) for line in lines], [('INFO', 200)])
        self.assertRegex(lines[0]['timestamp'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        self.assertNotIn(secret, self.function.output())


if __name__ == '__main__':
    functions.main('awslambdaric')
