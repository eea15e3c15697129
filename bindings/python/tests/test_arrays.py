# SPDX-License-Identifier: Apache-2.0
"""Arrays of strings: NumPy's, and Arrow's from pyarrow and pandas."""
import ctypes
import struct
import tracemalloc
import unittest
from unittest import mock

import sentiment
from sentiment import _arrow, _numpy, _texts

import support

TEXTS = ['good', '', 'not bad, just very very long and not inline', 'Très bien… 😀', 'terrible',
         'it is what it is', 'a\0b', '\u3000', 'ends in a nul\0', 'inline 12 by']


class NumpyTest(support.Case):
    """Arrays of every kind that holds strings."""

    def setUp(self):
        self.np = support.package('numpy')
        self.model = self.load()
        # NumPy's fixed width cannot tell NULs at the end from its padding.
        self.texts = [text.rstrip('\0') for text in TEXTS]
        self.wanted = [self.model.predict(text) for text in self.texts]

    def check(self, array, wanted=None):
        """An array against single predictions."""
        self.assertEqual(list(self.model.predict_batch(array)), wanted or self.wanted)

    def test_unicode(self):
        """Fixed width, in either byte order, strided, read-only."""
        array = self.np.array(self.texts)
        self.check(array)
        self.check(array.astype(array.dtype.newbyteorder('>')))
        self.check(self.np.array([text for text in self.texts for _ in 'ab'])[::2])
        self.check(array[::-1], self.wanted[::-1])
        array.flags.writeable = False
        self.check(array)

    def test_surrogates(self):
        """They are the library's to refuse."""
        batch = self.model.predict_batch(self.np.array(['good', 'x\ud800']))
        self.assertEqual(batch.errors[1].offset, 1)

    def test_beyond_unicode(self):
        """What no str can hold fails alone."""
        units = [[0x41, 0x42], [0x43, 0x110000], [0x7fffffff, 0x44], [0x10ffff, 0xe9]]
        array = self.np.array(units, dtype=self.np.uint32).view('U2').reshape(-1)
        batch = self.model.predict_batch(array)
        self.assertEqual({i: error.offset for i, error in batch.errors.items()}, {1: 1, 2: 0})
        self.assertEqual(batch[0], self.model.predict('AB'))
        self.assertEqual(batch[3], self.model.predict('\U0010ffffé'))

    def test_bytes(self):
        """Bytes of fixed width."""
        array = self.np.array([text.encode() for text in self.texts])
        self.assertEqual(array.dtype.kind, 'S')
        self.check(array)
        self.check(array[::-1], self.wanted[::-1])

    def test_objects(self):
        """Objects are taken one by one."""
        self.check(self.np.array(self.texts, dtype=object))
        batch = self.model.predict_batch(self.np.array(['good', None, float('nan')], dtype=object))
        self.assertEqual(batch.missing, [1, 2])

    def test_string_dtype(self):
        """Strings of variable width, NULs at the end kept, with and without missing ones."""
        if not hasattr(self.np, 'strings'):
            self.skipTest('NumPy before 2')
        kind = self.np.dtypes.StringDType
        wanted = [self.model.predict(text) for text in TEXTS]
        self.check(self.np.array(TEXTS, dtype=kind()), wanted)
        self.check(self.np.array(TEXTS + ['x' * 100000], dtype=kind()),
                   wanted + [self.model.predict('x' * 100000)])
        with mock.patch.object(_texts, '_PADDED_BYTES', 0):
            self.check(self.np.array(TEXTS + ['x' * 1000], dtype=kind()),
                       wanted + [self.model.predict('x' * 1000)])
        for absent in (None, float('nan')):
            array = self.np.array(['good', absent, ''], dtype=kind(na_object=absent))
            self.assertEqual(self.model.predict_batch(array).missing, [1])

    def test_nuls_at_the_end(self):
        """Of a StringDType they are the text's own."""
        if not hasattr(self.np, 'strings'):
            self.skipTest('NumPy before 2')
        texts = ['a\0', 'bad\0\0', '\0', '', 'good']
        piece, = _texts.pieces(self.np.array(texts, dtype=self.np.dtypes.StringDType()))
        self.assertEqual(piece.text, ''.join(texts).encode())
        self.assertEqual(list(piece.kept[1]), [0, 2, 7, 8, 8, 12])

    def test_masked(self):
        """What is masked is missing."""
        texts = ['good', 'bad', 'terrible']
        for kind in ('U', 'S', object):
            array = self.np.ma.array(self.np.array(texts, dtype=kind), mask=[False, True, False])
            batch = self.model.predict_batch(array)
            self.assertEqual((batch.labels, batch.missing),
                             (['positive', None, 'negative'], [1]))
        self.check(self.np.ma.array(self.texts))

    def test_empty(self):
        """No texts, and texts of no width."""
        for kind in ('U5', 'S5', object):
            self.assertEqual(len(self.model.predict_batch(self.np.array([], dtype=kind))), 0)
        for text in ('', b''):
            self.check(self.np.array([text, text]), [self.model.predict('')] * 2)
            self.check(self.np.zeros(2, dtype=self.np.array([text]).dtype.char + '0'),
                       [self.model.predict('')] * 2)

    def test_wrong(self):
        """Numbers, and tables."""
        with self.assertRaisesRegex(TypeError, 'dtype str, bytes or object, not int64'):
            self.model.predict_batch(self.np.array([1, 2]))
        for wrong in (self.np.array([['a', 'b']]), self.np.array('a')):
            with self.assertRaises(sentiment.InvalidArgumentError):
                self.model.predict_batch(wrong)

    def test_max_lengths(self):
        """An array of numbers for an array of texts."""
        limits = self.np.array([1, 2], dtype=self.np.int64)
        batch = self.model.predict_batch(self.np.array(['good bad'] * 2), limits)
        self.assertEqual(list(batch), [self.model.predict('good bad', 1),
                                       self.model.predict('good bad', 2)])
        self.assertEqual(self.model.predict('good bad', limits[0]), batch[0])

    def test_no_object_for_each_text(self):
        """Memory in use does not grow with the number of texts beyond their bytes."""
        model = self.load(self.tiny())
        array = self.np.array(['word_1 word_2'] * 20000)
        model.predict_batch(array[:10])
        tracemalloc.start()
        try:
            before = len(tracemalloc.take_snapshot().traces)
            with mock.patch.object(_texts, 'of_list', side_effect=AssertionError):
                batch = model.predict_batch(array)
            grown = len(tracemalloc.take_snapshot().traces) - before
        finally:
            tracemalloc.stop()
        self.assertEqual(len(batch), 20000)
        self.assertLess(grown, 2000)


class Raw:
    """An array of one text made by hand, which nobody checks."""

    def __init__(self, kind, *buffers, count=1):
        self.kept = [each and ctypes.create_string_buffer(each, len(each)) for each in buffers]
        self.places = (ctypes.c_void_p * (1 + len(buffers)))(
            None, *(each and ctypes.addressof(each) for each in self.kept))
        self.schema = _arrow.Schema(format=kind)
        self.array = _arrow.Array(length=count, n_buffers=len(self.places), buffers=ctypes.cast(
            self.places, ctypes.POINTER(ctypes.c_void_p)))

    def __arrow_c_array__(self, schema=None):
        new = ctypes.pythonapi['PyCapsule_New']
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return (new(ctypes.addressof(self.schema), b'arrow_schema', None),
                new(ctypes.addressof(self.array), b'arrow_array', None))


class ArrowTest(support.Case):
    """Whatever exports the C data interface."""

    def setUp(self):
        self.pa = support.package('pyarrow')
        self.model = self.load()
        self.wanted = [self.model.predict(text) for text in TEXTS]

    def kinds(self):
        """Every layout of strings and of bytes."""
        pa = self.pa
        return [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
                pa.binary_view(), pa.dictionary(pa.int8(), pa.string()),
                pa.dictionary(pa.uint32(), pa.large_string()),
                pa.dictionary(pa.int64(), pa.string())]

    def array(self, texts, kind):
        """An array of a kind."""
        if self.pa.types.is_dictionary(kind):
            plain = self.pa.array(texts, kind.value_type)
            return plain.dictionary_encode().cast(kind)
        if 'binary' in str(kind):
            texts = [None if text is None else text.encode() for text in texts]
        return self.pa.array(texts, kind)

    def check_all(self):
        """Whole arrays, slices, chunks, with and without nulls."""
        texts = TEXTS + [None, 'good', None, 'terrible', None]
        wanted = self.wanted + [None, self.wanted[0], None, self.wanted[4], None]
        for kind in self.kinds():
            with self.subTest(str(kind)):
                self.assertEqual(list(self.model.predict_batch(self.array(TEXTS, kind))),
                                 self.wanted)
                array = self.array(texts, kind)
                batch = self.model.predict_batch(array)
                self.assertEqual(list(batch), wanted)
                self.assertEqual(batch.missing, [10, 12, 14])
                for first, last in ((0, 3), (1, 15), (3, 11), (10, 11), (9, 14), (4, 4)):
                    piece = array.slice(first, last - first)
                    self.assertEqual(list(self.model.predict_batch(piece)), wanted[first:last])
                chunks = self.pa.chunked_array([array.slice(2, 5), array.slice(0, 0), array,
                                                self.array([], kind)])
                self.assertEqual(list(self.model.predict_batch(chunks)), wanted[2:7] + wanted)
                self.assertEqual(
                    list(self.model.predict_batch(self.pa.chunked_array([], kind))), [])
                self.assertEqual(list(self.model.predict_batch(array.slice(0, 0))), [])

    def test_with_numpy(self):
        """Every layout."""
        support.package('numpy')
        self.check_all()

    def test_without_numpy(self):
        """The same where NumPy is missing."""
        with mock.patch.multiple(_numpy, _found=None, _looked=True):
            self.check_all()

    def test_null_garbage(self):
        """What stands behind a null is nobody's business."""
        pa = self.pa
        offsets = pa.py_buffer(b''.join(n.to_bytes(8, 'little') for n in (0, 4, 6, 9)))
        data, validity = pa.py_buffer(b'good\xff\xfebad'), pa.py_buffer(b'\x05')
        array = pa.Array.from_buffers(pa.large_string(), 3, [validity, offsets, data])
        batch = self.model.predict_batch(array)
        self.assertEqual(batch.labels, ['positive', None, 'negative'])
        self.assertEqual((batch.errors, batch.missing), ({}, [1]))
        self.assertEqual(list(batch.tokens), [1, 0, 1])
        self.assertEqual(list(batch.logits[1]), [0, 0, 0])

    def check_refused(self):
        """Arrays that contradict themselves."""
        pa = self.pa

        def offsets(form, *numbers):
            return struct.pack('=%d%s' % (len(numbers), form), *numbers)
        for wrong in (Raw(b'U', offsets('q', 0, 1 << 22), None),
                      Raw(b'u', offsets('i', 0, 1 << 22), None),
                      Raw(b'u', offsets('i', 0, -5), b'abc'),
                      Raw(b'U', offsets('q', 0, -5), b'abc'),
                      Raw(b'U', offsets('q', -8, 3), b'abc'),
                      Raw(b'u', offsets('i', -8, 3), b'abc'),
                      Raw(b'u', offsets('i', 2, 1, 3), b'abc', count=2),
                      Raw(b'u', None, b'abc'), Raw(b'U', None, b'abc'),
                      Raw(b'u', offsets('i', 0, 3), b'abc', count=-1),
                      Raw(b'vu', offsets('i', -1, 0, 0, 0), bytes(8)),
                      Raw(b'vu', offsets('i', 20, 0, 0, 0), bytes(8)),
                      Raw(b'vu', offsets('i', 20, 0, 0, 7), bytes(26), struct.pack('=q', 26)),
                      Raw(b'vu', offsets('i', 20, 0, 1, 0), bytes(26), struct.pack('=q', 26)),
                      Raw(b'vu', offsets('i', 20, 0, -1, 0), bytes(26), struct.pack('=q', 26))):
            with self.assertRaises(sentiment.InvalidArgumentError, msg=wrong.schema.format):
                self.model.predict_batch(wrong)
        for kind, index in ((pa.int8(), -1), (pa.int8(), 2), (pa.uint64(), 2**64 - 1),
                            (pa.int64(), 2)):
            wrong = pa.DictionaryArray.from_arrays(
                pa.array([0, index], kind), pa.array(['good', 'bad']), safe=False)
            with self.assertRaisesRegex(sentiment.InvalidArgumentError,
                                        'of 2 values has the indices'):
                self.model.predict_batch(wrong)

    def test_refused(self):
        """With NumPy, and where it is missing."""
        self.check_refused()
        with mock.patch.multiple(_numpy, _found=None, _looked=True):
            self.check_refused()

    def test_null_garbage_in_a_dictionary(self):
        """An index behind a null is nobody's business either."""
        pa = self.pa
        indices = pa.Array.from_buffers(pa.uint64(), 3, [
            pa.py_buffer(b'\x05'), pa.py_buffer(struct.pack('=3Q', 1, 2**64 - 1, 0))])
        array = pa.DictionaryArray.from_arrays(indices, pa.array(['good', 'bad']), safe=False)
        self.assertEqual(self.model.predict_batch(array).labels, ['negative', None, 'positive'])

    def test_bad_bytes(self):
        """They fail alone, in a dictionary too."""
        array = self.pa.array([b'good', b'a\xff', b'bad'])
        for each in (array, array.dictionary_encode()):
            batch = self.model.predict_batch(each)
            self.assertEqual(batch.labels, ['positive', None, 'negative'])
            self.assertEqual(batch.errors[1].offset, 1)

    def test_nulls(self):
        """An array of the type null."""
        self.assertEqual(list(self.model.predict_batch(self.pa.nulls(3))), [None] * 3)

    def test_dictionary_once(self):
        """Each distinct text is classified once."""
        array = self.pa.array(['good', 'bad'] * 500).dictionary_encode()
        batch = self.model.predict_batch(array)
        self.assertEqual(batch.labels, ['positive', 'negative'] * 500)
        with self.assertRaises(sentiment.InvalidArgumentError):
            self.model.predict_batch(array, [1] * 1000)

    def test_max_lengths(self):
        """They run on over the chunks."""
        chunks = self.pa.chunked_array([['good bad'], ['good bad', 'good bad']])
        batch = self.model.predict_batch(chunks, [1, 2, 1])
        self.assertEqual([each.logits for each in batch],
                         [self.model.predict('good bad', n).logits for n in (1, 2, 1)])
        for wrong in ([1, 2], [1, 2, 3, 4]):
            with self.assertRaises(sentiment.InvalidArgumentError):
                self.model.predict_batch(chunks, wrong)

    def test_wrong(self):
        """Numbers, lists and tables."""
        pa = self.pa
        for wrong in (pa.array([1, 2]), pa.array([['a']]), pa.array([1, 2]).dictionary_encode(),
                      pa.table({'text': ['a']}), pa.array([True]), pa.array([1.5])):
            with self.assertRaisesRegex(sentiment.InvalidArgumentError, 'array of strings'):
                self.model.predict_batch(wrong)

    def test_stream_that_fails(self):
        """Its own reason is told."""
        def batches():
            yield self.pa.array(['good'])
            raise ValueError('my reason')

        class Source:
            """A stream with trouble."""
            def __arrow_c_stream__(_, schema=None):
                kind = self.pa.schema([('text', self.pa.string())])
                made = (self.pa.record_batch([each], ['text']) for each in batches())
                return self.pa.RecordBatchReader.from_batches(kind, made).__arrow_c_stream__()

        with self.assertRaises(sentiment.InvalidArgumentError):
            self.model.predict_batch(Source())

    def test_no_copy(self):
        """The bytes of a large_string array go to the library where they lie."""
        array = self.pa.array(TEXTS, self.pa.large_string())
        piece, = _texts.pieces(array)
        self.assertEqual(piece.text, array.buffers()[2].address)
        self.assertEqual(piece.offsets, array.buffers()[1].address)
        piece, = _texts.pieces(self.pa.array(TEXTS))
        self.assertIsInstance(piece.text, int)

    def test_memory(self):
        """Everything that was exported is given back."""
        before = self.pa.total_allocated_bytes()
        for kind in self.kinds():
            array = self.array(TEXTS * 100, kind)
            self.model.predict_batch(array)
            self.model.predict_batch(self.pa.chunked_array([array, array]))
            del array
        self.assertEqual(self.pa.total_allocated_bytes(), before)

    def test_pandas(self):
        """Series of strings, of categories and of objects."""
        pd = support.package('pandas')
        for kind in ('str', 'category', object, 'string[pyarrow]', 'large_string[pyarrow]'):
            series = pd.Series(TEXTS + [None], dtype=kind)
            self.assertEqual(list(self.model.predict_batch(series)), self.wanted + [None])
        with self.assertRaises((sentiment.InvalidArgumentError, TypeError)):
            self.model.predict_batch(pd.DataFrame({'text': ['a']}))


if __name__ == '__main__':
    unittest.main()
