# SPDX-License-Identifier: Apache-2.0
"""Many texts: lists and other iterables, columns, errors among them."""
import pickle
import threading
import unittest
from unittest import mock

import sentiment
from sentiment import _batch, _numpy, _texts

import support


def no_numpy():
    """As if NumPy were not installed."""
    return mock.patch.multiple(_numpy, _found=None, _looked=True)


class BatchTest(support.Case):
    """predict_batch of Python objects."""

    def setUp(self):
        self.model = self.load()

    def test_same_as_single(self):
        """Each answer is that of predict, in any kind of iterable."""
        wanted = [self.model.predict(text) for text in support.TEXTS]
        for texts in (support.TEXTS, tuple(support.TEXTS), iter(support.TEXTS),
                      dict.fromkeys(support.TEXTS), (text.encode() for text in support.TEXTS)):
            batch = self.model.predict_batch(texts)
            self.assertEqual(list(batch), wanted)
            self.assertEqual(len(batch), len(wanted))

    def test_threads(self):
        """More threads, the same bits."""
        texts = support.TEXTS * 50
        self.assertEqual(self.load(threads=2).predict_batch(texts),
                         self.model.predict_batch(texts))

    def test_sequence(self):
        """Indices, slices, iteration."""
        batch = self.model.predict_batch(['good', 'bad', 'good'])
        self.assertEqual(batch[-1], batch[0])
        self.assertEqual(batch[1:], [batch[1], batch[2]])
        self.assertEqual(batch[::-2], [batch[2], batch[0]])
        self.assertIn(batch[1], batch)
        self.assertEqual([each.label for each in reversed(batch)],
                         ['positive', 'negative', 'positive'])
        for wrong in (3, -4):
            with self.assertRaises(IndexError):
                batch[wrong]
        with self.assertRaises(TypeError):
            batch['0']
        self.assertEqual(pickle.loads(pickle.dumps(batch)), batch)
        self.assertNotEqual(batch, self.model.predict_batch(['good']))
        self.assertIsNone(batch[0].processing_time)
        self.assertGreater(batch.processing_time, 0)

    def test_empty(self):
        """No texts at all."""
        for numpy_too in (True, False):
            with no_numpy() if not numpy_too else mock.MagicMock():
                batch = self.model.predict_batch([])
                self.assertEqual((len(batch), list(batch), batch.labels), (0, [], []))
                self.assertEqual(len(batch.predictions), 0)
                self.assertEqual(len(batch.probabilities), 0)
                self.assertEqual((batch.errors, batch.missing), ({}, []))

    def test_failed(self):
        """A text that fails does not spoil the others."""
        batch = self.model.predict_batch(['good', b'a\xff', 'x\ud800', 'bad'])
        self.assertEqual(batch.labels, ['positive', None, None, 'negative'])
        self.assertEqual(list(batch.errors), [1, 2])
        failed = batch[1]
        self.assertIsInstance(failed.error, sentiment.InvalidUtf8Error)
        self.assertEqual((failed.error.offset, str(failed.error)), (1, 'invalid UTF-8 at byte 1'))
        for name in ('prediction', 'label', 'probabilities', 'tokens'):
            with self.assertRaises(sentiment.InvalidUtf8Error):
                getattr(failed, name)
        self.assertEqual(failed.to_dict(),
                         {'error': {'code': -7, 'message': 'invalid UTF-8 at byte 1'}})
        self.assertEqual(batch[3], self.model.predict('bad'))
        self.assertEqual(list(batch.predictions), [2, -1, -1, 0])
        self.assertEqual(list(batch.statuses), [0, -7, -7, 0])
        self.assertEqual(pickle.loads(pickle.dumps(list(batch))), list(batch))

    def test_missing(self):
        """None among the texts, and what pandas has for it."""
        batch = self.model.predict_batch(['good', None, float('nan'), ''])
        self.assertEqual(batch.missing, [1, 2])
        self.assertEqual(batch[1], None)
        self.assertEqual(list(batch.predictions)[:3], [2, -1, -1])
        self.assertEqual(list(batch.tokens), [1, 0, 0, 0])
        self.assertEqual(list(batch.flags), [0, 0, 0, 1])
        self.assertEqual(batch[3].flags, ('empty',))

    def check_columns(self):
        """Columns against the single results."""
        batch = self.model.predict_batch(support.TEXTS)
        results = list(batch)
        for column, name in (('predictions', 'prediction'), ('confidences', 'confidence'),
                             ('tokens', 'tokens'), ('unknown', 'unknown')):
            self.assertEqual(getattr(batch, column).tolist(),
                             [getattr(each, name) for each in results])
        self.assertEqual(batch.probabilities.tolist(),
                         [list(each.probabilities) for each in results])
        self.assertEqual(batch.logits.tolist(), [list(each.logits) for each in results])
        self.assertEqual(batch.labels, [each.label for each in results])
        # Writing into one changes nothing else.
        batch.predictions[0] = 7
        batch.probabilities[0, 0] = 7
        self.assertEqual(list(batch), results)
        return batch

    def test_columns_without_numpy(self):
        """Memoryviews."""
        with no_numpy():
            self.assertIsInstance(self.check_columns().predictions, memoryview)

    def test_columns_with_numpy(self):
        """Arrays, which own their memory."""
        np = support.package('numpy')
        batch = self.check_columns()
        self.assertEqual(batch.predictions.dtype, np.int32)
        self.assertEqual(batch.probabilities.dtype, np.float32)
        self.assertEqual(batch.probabilities.shape, (len(support.TEXTS), 3))
        self.assertTrue(batch.confidences.flags.owndata)
        self.model.close()
        self.assertAlmostEqual(float(batch.probabilities[0].sum()), 1, 5)

    def test_chunks(self):
        """Batches that go to the library in parts."""
        texts = ['good', 'bad', None, b'\xff', 'it is', ''] * 4
        limits = list(range(1, 25))
        whole = self.model.predict_batch(texts, limits)
        for name in ('CHUNK', 'CHUNK_BYTES'):
            with mock.patch.object(_batch, name, 5):
                self.assertEqual(self.model.predict_batch(texts, limits), whole)

    def test_chunk_sizes(self):
        """Parts are bounded by texts and by bytes; a text that is larger goes alone."""
        def sizes(lengths):
            piece = _texts.of_list(['x' * length for length in lengths])
            return [end - first for first, end in _batch._ends(piece)]
        self.assertEqual(sizes([]), [])
        self.assertEqual(sizes([0] * 40000), [16384, 16384, 7232])
        half = _batch.CHUNK_BYTES // 2
        self.assertEqual(sizes([half, half, 1, half, half]), [2, 2, 1])
        self.assertEqual(sizes([3 * half, 0, 1, 3 * half, 3 * half]), [1, 2, 1, 1])
        self.assertEqual(sizes([1, 1, 1]), [3])

    def test_max_lengths(self):
        """One number for all, or one for each."""
        texts = ['good bad bad bad'] * 3
        wanted = [self.model.predict(texts[0], limit) for limit in (1, 0, 2)]
        self.assertEqual(list(self.model.predict_batch(texts, [1, 0, 2])), wanted)
        self.assertEqual(list(self.model.predict_batch(texts, 2)), [wanted[2]] * 3)
        failed = self.model.predict_batch(texts, [1, 65537, 1])
        self.assertEqual(list(failed.errors), [1])
        self.assertEqual(failed[1].error.code, sentiment.Status.INVALID_ARGUMENT)
        for wrong in ([1, 2], [1, 2, 3, 4], [], [1, -1, 1], [1, 2**32, 1], ['a', 'b', 'c']):
            with self.assertRaises(sentiment.InvalidArgumentError):
                self.model.predict_batch(texts, wrong)
        with self.assertRaises(sentiment.InvalidArgumentError):
            self.model.predict_batch(texts, [1, True, 1])
        for wrong in (None, True, '', 'abc', b'\1\0\0\0' * 3, bytearray(3), 0.0):
            with self.assertRaisesRegex(TypeError, 'max_length: expected int'):
                self.model.predict_batch(texts, wrong)
        for wrong in (-1, 2**32):
            with self.assertRaises(sentiment.InvalidArgumentError):
                self.model.predict_batch(texts, wrong)

    def test_wrong_types(self):
        """One text instead of many; things that are no texts."""
        for wrong in ('text', b'text', bytearray(b'text'), 7, None, object()):
            with self.assertRaises(TypeError):
                self.model.predict_batch(wrong)
        with self.assertRaisesRegex(TypeError, 'text 1: a text is str or bytes, not int'):
            self.model.predict_batch(['a', 7])
        with self.assertRaises(TypeError):
            self.model.predict_batch(['a'], cancel='now')

    def test_iterable_that_fails(self):
        """Its own error comes through."""
        def texts():
            yield 'good'
            raise KeyError('mine')
        with self.assertRaisesRegex(KeyError, 'mine'):
            self.model.predict_batch(texts())
        self.assertEqual(self.model.predict_batch(['good']).labels, ['positive'])

    def test_cancel(self):
        """A token that is set, and one that another thread sets."""
        token = sentiment.Cancel()
        token.request()
        with self.assertRaises(sentiment.CancelledError):
            self.model.predict_batch(['good'], cancel=token)
        token.reset()
        self.assertFalse(token.requested())
        self.assertEqual(len(self.model.predict_batch(['good'], cancel=token)), 1)
        timer = threading.Timer(0.05, token.request)
        timer.start()
        with self.assertRaises(sentiment.CancelledError):
            while True:
                self.model.predict_batch(support.TEXTS * 1000, cancel=token)
        timer.join()
        with self.assertRaises(TypeError):
            pickle.dumps(token)


if __name__ == '__main__':
    unittest.main()
