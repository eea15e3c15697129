# SPDX-License-Identifier: Apache-2.0
"""Texts that arrive in pieces."""
import gc
import os
import pickle
import signal
import threading
import unittest

import sentiment

import support

TEXT = 'The room was nice, but très cher… and the staff was not good 😀 at all!'


class StreamTest(support.Case):
    """Streams of one model."""

    def setUp(self):
        self.model = self.load()

    def test_pieces(self):
        """Cut anywhere: the answers of predict."""
        data = TEXT.encode()
        whole = self.model.predict(TEXT)
        with self.model.stream() as stream:
            for step in (1, 2, 3, 7, 1000):
                for first in range(0, len(data), step):
                    stream.feed(data[first:first + step])
                self.assertEqual(stream.end(), whole)
            for word in TEXT.split(' '):
                stream.feed(word + ' ')
            self.assertEqual(stream.end(), whole)

    def test_result(self):
        """The answer so far."""
        with self.model.stream() as stream:
            self.assertEqual(stream.result(), self.model.predict(''))
            for end in range(0, len(TEXT), 5):
                stream.feed(TEXT[end:end + 5])
                self.assertEqual(stream.result(), self.model.predict(TEXT[:end + 5]))
            stream.reset()
            self.assertEqual(stream.result().flags, ('empty',))

    def test_max_length(self):
        """Of the stream."""
        with self.model.stream(2) as stream:
            stream.feed('good good bad')
            self.assertEqual(stream.end(), self.model.predict('good good bad', 2))
        with self.assertRaises(sentiment.InvalidArgumentError):
            self.model.stream(65537)

    def test_bad_bytes(self):
        """They stay an error, with the place in the whole text, until the end."""
        with self.model.stream() as stream:
            stream.feed('good ')
            for _ in range(2):
                with self.assertRaises(sentiment.InvalidUtf8Error) as caught:
                    stream.feed(b'\xff')
                self.assertEqual(caught.exception.offset, 5)
            with self.assertRaises(sentiment.InvalidUtf8Error):
                stream.end()
            stream.feed('good')
            self.assertEqual(stream.end(), self.model.predict('good'))
            with self.assertRaises(sentiment.InvalidUtf8Error):
                stream.feed('\ud800')
            stream.reset()
            with self.assertRaises(TypeError):
                stream.feed(7)

    def test_many(self):
        """Several at once, and predictions in between."""
        streams = [self.model.stream() for _ in range(3)]
        for word in TEXT.split(' '):
            for stream in streams:
                stream.feed(word + ' ')
            self.model.predict(word)
        for stream in streams:
            self.assertEqual(stream.end(), self.model.predict(TEXT))

    def test_unsupported(self):
        """A network that also runs backwards."""
        path = os.path.join(self.folder(), 'both.safetensors')
        support.command('create', '--vocab-size', '9', '--embedding-dim', '4', '--hidden-size',
                        '4', '--num-classes', '2', '--bidirectional', path)
        model = self.load(path)
        with self.assertRaises(NotImplementedError) as caught:
            model.stream()
        self.assertEqual(caught.exception.code, sentiment.Status.UNSUPPORTED)
        self.assertEqual(len(model.predict('word_1').logits), 2)

    def test_closed(self):
        """Twice is fine; afterwards every call says so."""
        stream = self.model.stream()
        stream.close()
        stream.close()
        self.assertTrue(stream.closed)
        for call in (lambda: stream.feed('a'), stream.result, stream.end, stream.reset,
                     stream.__enter__):
            with self.assertRaisesRegex(sentiment.ClosedError, 'this stream is closed'):
                call()
        self.assertIn('closed', repr(stream))

    def test_closed_model(self):
        """Closing a model closes its streams."""
        stream = self.model.stream()
        stream.feed('good')
        self.model.close()
        self.assertTrue(stream.closed)
        with self.assertRaises(sentiment.ClosedError):
            stream.end()
        with self.assertRaisesRegex(sentiment.ClosedError, 'this model is closed'):
            self.model.stream()

    def test_keeps_its_model(self):
        """A stream outlives the last name of the model."""
        stream = sentiment.Model.load(self.tiny()).stream()
        gc.collect()
        stream.feed('word_1')
        self.assertEqual(stream.end().tokens, 1)

    def test_garbage(self):
        """Streams that nobody closes give their sessions back."""
        for _ in range(100):
            self.model.stream().feed('good')
        gc.collect()
        self.assertLessEqual(len(self.model._pool.seats), 3)

    def test_shared(self):
        """Threads take turns at one."""
        stream, count = self.model.stream(), 0
        failures = []

        def feed():
            try:
                for _ in range(500):
                    stream.feed('good ')
            except sentiment.SentimentError as problem:
                failures.append(problem)
        threads = [threading.Thread(target=feed) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        count = stream.end().tokens
        self.assertEqual((count, failures), (2000, []))

    def test_within_itself(self):
        """A signal handler that comes in the middle of a call is refused, not stuck."""
        stream, refused = self.model.stream(), []

        def handler(_number, _frame):
            for call in (lambda: stream.feed('bad'), stream.result, stream.end, stream.reset,
                         stream.close):
                with self.assertRaisesRegex(sentiment.InvalidArgumentError, 'in the middle'):
                    call()
                refused.append(call)
        self.addCleanup(signal.signal, signal.SIGUSR1, signal.signal(signal.SIGUSR1, handler))
        stream._alone(signal.raise_signal, signal.SIGUSR1)
        self.assertEqual(len(refused), 5)
        stream.feed('good')
        self.assertEqual(stream.end(), self.model.predict('good'))

    def test_no_pickle(self):
        """It is a thing of one process."""
        with self.assertRaises(TypeError):
            pickle.dumps(self.model.stream())


if __name__ == '__main__':
    unittest.main()
