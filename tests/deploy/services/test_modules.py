# SPDX-License-Identifier: Apache-2.0
"""test_modules.py PYTHON ROOT BUILD: the batch processor, the logger and the metrics alone."""
import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from contextlib import redirect_stderr

import running

running.enter()

import metrics
import sentiment
from batch_processor import BatchProcessor
from prometheus_client import REGISTRY
from structured_logger import StructuredLogger

FORKED = '''
import asyncio, os, sentiment
from batch_processor import BatchProcessor
processor = BatchProcessor(sentiment.Model.load(os.environ["MODEL_PATH"]), 2)
texts = ["one more", "good", "bad", "not so bad", "fine"]
before = asyncio.run(processor.process_async(texts))
child = os.fork()
if child == 0:
    os._exit(0 if asyncio.run(processor.process_async(texts)) == before else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert asyncio.run(processor.process_async(texts)) == before
'''


class Held:
    """A model whose batches begin when they may."""

    def __init__(self, model):
        self.model, self.began, self.may = model, threading.Event(), threading.Event()
        self.ends = []

    def predict_batch(self, texts, max_length, cancel):
        """Tells that it began, waits, and takes down how it ended."""
        self.began.set()
        self.may.wait(running.PATIENCE)
        try:
            batch = self.model.predict_batch(texts, max_length, cancel=cancel)
        except sentiment.SentimentError as error:
            self.ends.append(type(error))
            raise
        self.ends.append(None)
        return batch


class BatchProcessorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = sentiment.Model.load(running.MODEL)
        cls.addClassCleanup(cls.model.close)
        cls.texts = [' '.join([text] * (1 + index % 5)) for index, text
                     in enumerate(running.golden_texts() * 10)]

    def processor(self, **options):
        made = BatchProcessor(options.pop('model', self.model), **options)
        self.addCleanup(made.close)
        return made

    def test_order(self):
        """However the batches are cut, the answers are those of each text alone."""
        alone = [self.model.predict(text) for text in self.texts]
        for size, workers in ((7, 4), (1, 8), (10000, 1)):
            found = asyncio.run(self.processor(batch_size=size, max_workers=workers)
                                .process_async(self.texts))
            self.assertEqual(found['predictions'], [each.prediction for each in alone])
            self.assertEqual(found['confidences'], [each.confidence for each in alone])
            self.assertEqual(found['probabilities'], [list(each.probabilities) for each in alone])
        self.assertEqual(self.processor().process_batch(self.texts), found)

    def test_max_length(self):
        found = asyncio.run(self.processor(batch_size=2).process_async(self.texts[:9], 3))
        self.assertEqual(found['confidences'],
                         [self.model.predict(text, 3).confidence for text in self.texts[:9]])

    def test_nothing(self):
        empty = {'predictions': [], 'confidences': [], 'probabilities': []}
        self.assertEqual(asyncio.run(self.processor().process_async([])), empty)
        self.assertEqual(self.processor().process_batch([]), empty)

    def test_refusals(self):
        processor = self.processor(batch_size=2)
        for wrong, place in (('one text', 'a list'), (['a', None], 'text 1: .*NoneType'),
                             (['a', 'b', 3], 'text 2: .*int')):
            with self.assertRaisesRegex(TypeError, place):
                asyncio.run(processor.process_async(wrong))
            with self.assertRaisesRegex(TypeError, place):
                processor.process_batch(wrong)
        with self.assertRaisesRegex(sentiment.InvalidUtf8Error, 'text 3: .*byte 1'):
            asyncio.run(processor.process_async(['a', 'b', 'c', 'd\ud800', 'e']))
        with self.assertRaises(sentiment.InvalidArgumentError):
            asyncio.run(processor.process_async(['a'], 1 << 20))
        for options in ({'batch_size': 0}, {'max_workers': True}, {'batch_size': '8'}):
            with self.assertRaisesRegex(ValueError, 'expected a whole number'):
                BatchProcessor(self.model, **options)

    def test_cancel(self):
        """What runs ends before its next text, and what waits never begins."""
        held = Held(self.model)
        processor = self.processor(model=held, batch_size=4, max_workers=1)

        async def leave():
            task = asyncio.ensure_future(processor.process_async(['good'] * 400))
            await asyncio.to_thread(held.began.wait, running.PATIENCE)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(leave())
        held.may.set()
        processor.close()
        self.assertEqual(held.ends, [sentiment.CancelledError])

    def test_loop_goes_on(self):
        """Other work of the loop is done while a batch is being computed."""
        held = Held(self.model)
        processor = self.processor(model=held)

        async def meanwhile():
            task = asyncio.ensure_future(processor.process_async(['good']))
            await asyncio.to_thread(held.began.wait, running.PATIENCE)
            held.may.set()
            return await task

        self.assertEqual(asyncio.run(meanwhile())['predictions'],
                         [self.model.predict('good').prediction])

    def test_fork(self):
        """A child of fork() does not wait for threads that stayed in the parent."""
        subprocess.run([sys.executable, '-B', '-c', FORKED], env=running.environment(),
                       check=True, timeout=running.PATIENCE)


class LoggerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'nlp_model.log')
        self.console = io.StringIO()

    def logger(self, **options):
        with redirect_stderr(self.console):
            made = StructuredLogger(self.path, **options)
        self.addCleanup(made.logger.handlers[1].close)
        return made

    def lines(self):
        """The file, which says what the console does."""
        with open(self.path, encoding='utf-8') as file:
            text = file.read()
        self.assertEqual(sorted(text.splitlines()),
                         sorted(self.console.getvalue().splitlines()))
        return [json.loads(line) for line in text.splitlines()]

    def test_fields(self):
        log = self.logger()
        log.log_prediction('seven c', 2, 0.75, 0.5, user_id='user_1\n\ud800')
        log.log_prediction('', 0, 0.25, 1.5)
        log.log_error(ValueError('no'), {'user_id': 'user_1'})
        log.log_error('why')
        log.log_model_metrics({'avg_confidence': 0.85})
        log.log_totals()
        first, second, third, fourth, fifth, last = self.lines()
        for line in self.lines():
            self.assertRegex(line.pop('timestamp'), r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')
        self.assertEqual(list(first)[1:], ['level', 'event_type', 'text_length', 'prediction',
                                           'confidence', 'processing_time', 'user_id'])
        for line in (first, second, third, fourth, fifth, last):
            del line['timestamp']
        self.assertEqual(first, {'level': 'info', 'event_type': 'prediction', 'text_length': 7,
                                 'prediction': 2, 'confidence': 0.75, 'processing_time': 0.5,
                                 'user_id': 'user_1\n\ud800'})
        self.assertEqual((second['text_length'], second['user_id']), (0, None))
        self.assertEqual(third, {'level': 'error', 'event_type': 'error', 'error': 'no',
                                 'context': {'user_id': 'user_1'}})
        self.assertEqual(fourth['context'], {})
        self.assertEqual(fifth, {'level': 'info', 'event_type': 'metrics',
                                 'metrics': {'avg_confidence': 0.85}})
        self.assertEqual(last['metrics'], {'total_predictions': 2, 'avg_confidence': 0.5,
                                           'avg_processing_time': 1.0})

    def test_levels(self):
        self.logger()
        log = self.logger(level='ERROR')  # a second one takes the place of the first
        log.log_prediction('text', 1, 0.5, 0.1)
        log.log_error('one')
        self.assertEqual([line['error'] for line in self.lines()], ['one'])
        for wrong in ('loud', '', None, 7):
            with self.assertRaisesRegex(ValueError, 'expected one of debug, '):
                StructuredLogger(level=wrong)

    def test_silent(self):
        self.logger().log_totals()  # of nothing
        self.assertEqual(self.lines(), [])

    def test_threads(self):
        log = self.logger()
        running.in_threads(8, lambda index: [log.log_prediction('x' * index, 1, 1.0, 0.0)
                                             for _ in range(200)])
        log.log_totals()
        lengths = [line['text_length'] for line in self.lines()[:-1]]
        self.assertEqual(sorted(lengths), sorted(list(range(8)) * 200))
        self.assertEqual(self.lines()[-1]['metrics']['total_predictions'], 1600)


class MetricsTest(unittest.TestCase):
    def count(self, name, **labels):
        return REGISTRY.get_sample_value(name, labels) or 0

    def test_routes(self):
        for path, route in (('/predict', '/predict'), ('/predict_more', 'other'), ('', 'other')):
            before = self.count('nlp_http_requests_total', route=route, code='200')
            timed = self.count('nlp_prediction_duration_seconds_count')
            metrics.observe_request(path, 200, 0.5)
            self.assertEqual(self.count('nlp_http_requests_total', route=route, code='200'),
                             before + 1)
            self.assertEqual(self.count('nlp_prediction_duration_seconds_count'),
                             timed + (path == '/predict'))

    def test_failures(self):
        """An application that raises gives 500 to the client, and is counted so."""
        def wsgi(environ, start_response):
            raise ValueError

        async def asgi(scope, receive, send):
            raise ValueError

        before = self.count('nlp_http_requests_total', route='/health', code='500')
        with self.assertRaises(ValueError):
            metrics.WsgiMetrics(wsgi)({'PATH_INFO': '/health'}, None)
        with self.assertRaises(ValueError):
            asyncio.run(metrics.AsgiMetrics(asgi)({'type': 'http', 'path': '/health'}, None, None))
        self.assertEqual(self.count('nlp_http_requests_total', route='/health', code='500'),
                         before + 2)


if __name__ == '__main__':
    running.main()
