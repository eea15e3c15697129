# SPDX-License-Identifier: Apache-2.0
"""test_triton.py PYTHON TESTS-PYTHON SENTIMENT: Triton's own HTTP client infers, with
text as bytes and as JSON, and gets what POST /predict answers.

Skipped (77) where there is no interpreter PYTHON, made by .ci/venv.sh.
"""
import sys

sys.path.insert(0, sys.argv[2])
import venv  # noqa: E402  (tests/python/venv.py)

sys.argv[1:] = venv.require(sys.argv)[1:]

import numpy  # noqa: E402
import tritonclient.http as triton  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

import serving  # noqa: E402

TEXTS = ['word_1 word_2', '', 'nothing \u00e4 known', 'word_5 ' * 20, 'word_\u4e2d \U0001f600']
OUTPUTS = ('prediction', 'confidence', 'probabilities', 'label')


class Triton(serving.Case):
    def setUp(self):
        self.client = triton.InferenceServerClient(
            '%s:%d' % (self.server.host, self.server.port),
            connection_timeout=serving.PATIENCE, network_timeout=serving.PATIENCE)

    def tearDown(self):
        self.client.close()

    def infer(self, texts, binary=True, column=False, outputs=None, **more):
        """The client's result for texts, sent as [n] or as [n, 1]."""
        shape = [len(texts), 1] if column else [len(texts)]
        tensor = triton.InferInput('text', shape, 'BYTES')
        tensor.set_data_from_numpy(
            numpy.array([text.encode() for text in texts], dtype=object).reshape(shape),
            binary_data=binary)
        wanted = None if outputs is None else [
            triton.InferRequestedOutput(name, binary_data=binary) for name in outputs]
        return self.client.infer('model', [tensor], outputs=wanted, **more)

    def predicted(self, text):
        """POST /predict's answer, its label beside it; an empty text has to be in a batch."""
        if text:
            return self.good(self.server.post('/predict', {'text': text}))
        body = self.good(self.server.post('/predict_batch', {'texts': [text]}))
        return {'prediction': body['predictions'][0], 'confidence': body['confidences'][0]}

    def hold(self, result, texts):
        """The result's tensors are what POST /predict says of each text."""
        found = {name: result.as_numpy(name) for name in OUTPUTS}
        labels = self.good(self.server.get('/model_info'))['labels']
        self.assertEqual(found['prediction'].shape[0], len(texts))
        self.assertEqual(found['probabilities'].shape, (len(texts), 3))
        for index, text in enumerate(texts):
            right = self.predicted(text)
            self.assertEqual(found['prediction'].flat[index], right['prediction'], text)
            self.assertEqual(found['confidence'].flat[index],
                             numpy.float32(right['confidence']), text)
            label = found['label'].flat[index]
            self.assertEqual(label.decode() if isinstance(label, bytes) else label,
                             labels[right['prediction']], text)
            if 'probabilities' in right:
                self.assertEqual(found['probabilities'][index].tolist(), numpy.array(
                    right['probabilities'], dtype=numpy.float32).tolist(), text)

    def test_health(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready('model'))
        self.assertTrue(self.client.is_model_ready('model', '1'))
        self.assertFalse(self.client.is_model_ready('other'))
        self.assertFalse(self.client.is_model_ready('model', '2'))

    def test_metadata(self):
        self.assertEqual(self.client.get_server_metadata()['name'], 'sentiment')
        body = self.client.get_model_metadata('model')
        self.assertEqual((body['name'], body['versions']), ('model', ['1']))
        self.assertEqual([(each['name'], each['datatype']) for each in body['inputs']],
                         [('text', 'BYTES')])
        self.assertEqual([each['name'] for each in body['outputs']], list(OUTPUTS))
        config = self.client.get_model_config('model', '1')
        self.assertEqual((config['name'], config['max_batch_size']), ('model', 256))
        self.assertEqual([each['data_type'] for each in config['input']], ['TYPE_STRING'])

    def test_infer(self):
        for binary in (True, False):
            for column in (False, True):
                for texts in (TEXTS[:1], TEXTS):
                    self.hold(self.infer(texts, binary, column, OUTPUTS), texts)
                    self.hold(self.infer(texts, binary, column), texts)

    def test_request(self):
        """The request's own id, version, parameters and choice of outputs."""
        result = self.infer(['word_1 word_2'], request_id='mine', model_version='1',
                            outputs=['confidence'])
        response = result.get_response()
        self.assertEqual((response['id'], response['model_name'], response['model_version']),
                         ('mine', 'model', '1'))
        self.assertIsNone(result.as_numpy('label'))
        long = 'word_1 word_2 word_3'
        for length in (1, 2, 8):
            right = self.good(self.server.post('/predict', {'text': long, 'max_length': length}))
            result = self.infer([long], parameters={'max_length': length})
            self.assertEqual(result.as_numpy('confidence')[0],
                             numpy.float32(right['confidence']), length)

    def test_refused(self):
        """The client raises what the server's problem says."""
        for status, error, ask in (
                ('400', 'expected one, "text"', lambda: self.client.infer('model', [])),
                ('404', 'no such model', lambda: self.client.get_model_metadata('other')),
                ('404', 'no such model', lambda: self.infer(['a'], model_version='9')),
                ('413', '256', lambda: self.infer(['a'] * 257))):
            with self.assertRaises(InferenceServerException) as caught:
                ask()
            self.assertEqual(caught.exception.status(), status)
            self.assertIn(error, caught.exception.message())
        self.hold(self.infer(TEXTS), TEXTS)

    def test_many(self):
        """Requests in flight at once keep their answers apart."""
        client = triton.InferenceServerClient('%s:%d' % (self.server.host, self.server.port),
                                              concurrency=8)
        tensors = []
        for index in range(40):
            tensor = triton.InferInput('text', [1], 'BYTES')
            tensor.set_data_from_numpy(numpy.array([b'word_%d' % index] * 1, dtype=object))
            tensors.append(tensor)
        asked = [client.async_infer('model', [tensor]) for tensor in tensors]
        for index, request in enumerate(asked):
            self.hold(request.get_result(), ['word_%d' % index])
        client.close()


if __name__ == '__main__':
    serving.main()
