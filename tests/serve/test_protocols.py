# SPDX-License-Identifier: Apache-2.0
"""The other routes: explanations, SageMaker, the Open Inference Protocol, OpenAPI."""
import json
import re
import struct

import serving

TEXTS = ['word_1 word_2', '', 'nothing \u00e4 known', 'word_5 ' * 20]


class Explain(serving.Case):
    def test_explain(self):
        for text in ('word_1 word_2 \u00e4 word_3', 'one', 'word_4 ' * 50):
            body = self.good(self.server.post('/explain', {'text': text}))
            wanted = self.expected(text, options=['--explain'])[0]
            for key in ('prediction', 'label', 'confidence', 'bias', 'contributions', 'flags'):
                self.assertEqual(body[key], wanted[key], key)
            for found, right in zip(body['probabilities'], wanted['probabilities']):
                self.assertAlmostEqual(found, right, places=6)
            for index, logit in enumerate(body['logits']):
                total = body['bias'][index] + sum(part['logits'][index]
                                                  for part in body['contributions'])
                self.assertAlmostEqual(logit, total, places=4)
            for part in body['contributions']:
                self.assertEqual(text.encode()[part['start']:part['end']].decode(), part['token'])

    def test_limits(self):
        body = self.good(self.server.post('/explain', {'text': 'word_1 ' * 9, 'max_length': 4}))
        self.assertEqual((len(body['contributions']), body['flags']), (4, ['truncated']))
        self.problem(self.server.post('/explain', {'text': ''}), 400, 'text_required')
        self.problem(self.server.post('/explain', {'text': 5}), 400, 'invalid_type')
        refused = self.server.post('/explain', {'text': 'a b', 'max_length': 1, 'truncate': False})
        self.problem(refused, 422, 'text_too_long')


class SageMaker(serving.Case):
    def test_ping(self):
        self.assertEqual(self.server.get('/ping').status, 200)

    def test_invocations(self):
        wanted = [answer['confidence'] for answer in self.expected(*TEXTS)]
        body = self.good(self.server.post('/invocations', {'text': TEXTS[0]}))
        self.assertEqual(body['confidence'], wanted[0])
        body = self.good(self.server.post('/invocations', {'texts': TEXTS}))
        self.assertEqual(body['confidences'], wanted)
        body = self.good(self.server.post('/invocations', {
            'instances': [{'text': TEXTS[0]}, *TEXTS[1:]]}))
        self.assertEqual(body['confidences'], wanted)
        for name in ('text/plain', 'text/plain; charset=utf-8'):
            body = self.good(self.server.post('/invocations', TEXTS[2].encode(),
                                              Content_Type=name))
            self.assertEqual(body['confidence'], wanted[2])

    def test_refused(self):
        self.problem(self.server.post('/invocations', {}), 400, 'text_required')
        self.problem(self.server.post('/invocations', b'', Content_Type='text/plain'), 400,
                     'text_required')
        self.problem(self.server.post('/invocations', b'a\xff', Content_Type='text/plain'), 422,
                     'invalid_utf8')
        self.problem(self.server.post('/invocations', b'a', Content_Type='text/plainer'), 415,
                     'unsupported_media_type')
        for coding in ('gzip', 'identity, gzip', ''):
            self.problem(self.server.post('/invocations', b'a', Content_Type='text/plain',
                                          Content_Encoding=coding), 415, 'unsupported_encoding')
        self.good(self.server.post('/invocations', b'a', Content_Type='text/plain',
                                   Content_Encoding='Identity'))
        for wrong in (5, None, {}, ['a'], {'text': 5}):
            refused = self.server.post('/invocations', {'instances': ['a', wrong]})
            self.assertEqual(self.problem(refused, 422, 'invalid_item')['index'], 1)


class V2(serving.Case):
    def infer(self, inputs, path='/v2/models/model/infer', **more):
        return self.server.post(path, dict(inputs=inputs, **more))

    def text(self, *texts, shape=None, **more):
        return [dict({'name': 'text', 'datatype': 'BYTES', 'shape': shape or [len(texts)],
                      'data': list(texts)}, **more)]

    def outputs(self, body):
        return {output['name']: output for output in body['outputs']}

    def test_server(self):
        body = self.good(self.server.get('/v2'))
        self.assertEqual(body['name'], 'sentiment')
        self.assertIsInstance(body['extensions'], list)
        self.assertEqual(self.good(self.server.get('/v2/health/live')), {'live': True})
        self.assertEqual(self.good(self.server.get('/v2/health/ready')), {'ready': True})

    def test_model(self):
        for path in ('/v2/models/model', '/v2/models/model/versions/1'):
            body = self.good(self.server.get(path))
            self.assertEqual(body['inputs'],
                             [{'name': 'text', 'datatype': 'BYTES', 'shape': [-1, 1]}])
            self.assertEqual([output['name'] for output in body['outputs']],
                             ['prediction', 'confidence', 'probabilities', 'label'])
            self.assertEqual(body['outputs'][2]['shape'], [-1, 3])
            self.assertTrue(self.good(self.server.get(path + '/ready'))['ready'])
            self.assertEqual(self.good(self.server.get(path + '/config'))['max_batch_size'], 256)
        for path in ('/v2/models/other', '/v2/models/model/versions/2', '/v2/models/..',
                     '/v2/models/model/versions/..%2f', '/v2/models/other/ready'):
            self.problem(self.server.get(path), 404, 'model_not_found')
        self.problem(self.server.get('/v2/models/'), 404, 'not_found')
        self.problem(self.server.get('/v2/models/model/versions/1/2/3'), 404, 'not_found')

    def test_json(self):
        wanted = self.expected(*TEXTS)
        body = self.good(self.infer(self.text(*TEXTS), id='my id \u00e4'))
        self.assertEqual((body['model_name'], body['model_version'], body['id']),
                         ('model', '1', 'my id \u00e4'))
        found = self.outputs(body)
        self.assertEqual(found['prediction']['data'], [one['prediction'] for one in wanted])
        self.assertEqual(found['confidence']['data'], [one['confidence'] for one in wanted])
        self.assertEqual(found['label']['data'], [one['label'] for one in wanted])
        self.assertEqual(found['probabilities']['data'],
                         [value for one in wanted for value in one['probabilities']])
        self.assertEqual(found['probabilities']['shape'], [4, 3])
        self.assertEqual(found['prediction']['shape'], [4])
        body = self.good(self.infer(self.text(*[[text] for text in TEXTS], shape=[4, 1]),
                                    outputs=[{'name': 'label'}, {'name': 'confidence'}],
                                    path='/v2/models/model/versions/1/infer'))
        self.assertEqual([output['name'] for output in body['outputs']], ['confidence', 'label'])
        self.assertEqual(self.outputs(body)['label']['shape'], [4, 1])

    def test_binary(self):
        """As tritonclient sends it: JSON, then elements with their lengths before them."""
        data = b''.join(struct.pack('<I', len(text.encode())) + text.encode() for text in TEXTS)

        def ask(data, size=None, count=4, cut=None, coding='identity'):
            head = json.dumps({'inputs': [{
                'name': 'text', 'datatype': 'BYTES', 'shape': [count, 1],
                'parameters': {'binary_data_size': len(data) if size is None else size}}],
                'parameters': {'binary_data_output': True}}).encode()
            return self.server.post('/v2/models/model/infer', head + data,
                                    Content_Type='application/octet-stream',
                                    Content_Encoding=coding,
                                    Inference_Header_Content_Length=str(
                                        len(head) if cut is None else cut))

        found = self.outputs(self.good(ask(data)))
        self.assertEqual(found['confidence']['data'],
                         [one['confidence'] for one in self.expected(*TEXTS)])
        for answer in (ask(data, size=1), ask(data[:-1]), ask(data + b'a'), ask(data, count=3),
                       ask(data, count=5), ask(b'\xff\xff\xff\xff'), ask(b''),
                       ask(data, cut=10 ** 9), ask(data, cut=-1),
                       ask(data, cut=''), ask(data, cut='9' * 30)):
            self.problem(answer, 400, 'invalid_request')
        self.assertEqual(ask(data, cut=5).json()['code'], 'invalid_json')
        self.problem(ask(data, coding='gzip'), 415, 'unsupported_encoding')
        refused = ask(struct.pack('<I', 1) + b'\xff', count=1)
        self.assertEqual(self.problem(refused, 422, 'invalid_utf8')['index'], 0)

    def test_refused(self):
        for inputs in ([], None, 5, [{}], self.text('a') * 2, self.text('a', name='x'),
                       self.text('a', datatype='FP32'), self.text('a', shape=[2]),
                       self.text('a', shape=[0]), self.text('a', shape=[-1]),
                       self.text('a', shape=[1, 2]), self.text('a', shape=['1']),
                       self.text('a', shape=5), self.text('a', data='a'),
                       [{'name': 'text', 'datatype': 'BYTES', 'shape': [1]}]):
            self.problem(self.infer(inputs), 400, 'invalid_request')
        self.problem(self.infer(self.text('a'), outputs=[{'name': 'x'}]), 400, 'invalid_request')
        self.problem(self.infer(self.text('a'), outputs='x'), 400, 'invalid_request')
        self.problem(self.infer(self.text('a'), id='x' * 200), 400, 'invalid_request')
        self.problem(self.infer(self.text('a'), parameters={'max_length': 0}), 400,
                     'invalid_max_length')
        self.problem(self.infer(self.text('a', 5)), 422, 'invalid_item')
        self.problem(self.infer(self.text('a'), path='/v2/models/x/infer'), 404, 'model_not_found')
        self.problem(self.infer(self.text(*['a'] * 257)), 413, 'too_many_texts')


class OpenApi(serving.Case):
    def test_document(self):
        answer = self.server.get('/openapi.json')
        document = self.good(answer)
        self.assertEqual(document['openapi'], '3.1.0')
        version = serving.run('--version').stdout.split()[1].decode()
        self.assertEqual(document['info']['version'], version)
        for name in re.findall(rb'"#/([^"]+)"', answer.body):
            found = document
            for part in name.decode().split('/'):
                found = found[part]

    def test_routes(self):
        """Each documented route is there with its method, and no other is."""
        document = self.server.get('/openapi.json').json()
        for path, methods in document['paths'].items():
            path = path.replace('{name}', 'model').replace('{version}', '1')
            refused = self.server.ask('PATCH', path)
            self.problem(refused, 405, 'method_not_allowed')
            allowed = set(refused.fields['Allow'].lower().split(', ')) - {'head'}
            self.assertEqual(allowed, set(methods), path)
        metrics = self.server.get('/metrics').body.decode()
        routes = set(re.findall(r'nlp_http_requests_total\{route="([^"]+)"', metrics))
        self.assertEqual(routes - {'other'} - set(document['paths']), set())

    def test_answers(self):
        """Answers have the members that the document requires, and no others."""
        document = self.server.get('/openapi.json').json()
        schemas = document['components']['schemas']
        bodies = {'/predict': {'text': 'word_1'}, '/predict_batch': {'texts': ['a', '']},
                  '/explain': {'text': 'word_1'},
                  '/v2/models/{name}/infer': {'inputs': [{'name': 'text', 'datatype': 'BYTES',
                                                          'shape': [1], 'data': ['a']}]}}
        for path, methods in document['paths'].items():
            for method, operation in methods.items():
                good = operation['responses']['200']['content']
                schema = good.get('application/json', {}).get('schema', {})
                name = schema.get('$ref', '').rsplit('/', 1)[-1]
                if not name or (method == 'post' and path not in bodies):
                    continue
                where = path.replace('{name}', 'model').replace('{version}', '1')
                body = self.good(self.server.ask(method.upper(), where, bodies.get(path)))
                self.assertLessEqual(set(schemas[name]['required']), set(body), path)
                self.assertLessEqual(set(body), set(schemas[name]['properties']), path)


if __name__ == '__main__':
    serving.main()
