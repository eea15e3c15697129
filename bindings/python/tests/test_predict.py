# SPDX-License-Identifier: Apache-2.0
"""One text at a time: predict, explain, tokenize, beside the command."""
import pickle
import sys
import unittest

import sentiment

import support


class PredictTest(support.Case):
    """predict and explain."""

    def setUp(self):
        self.model = self.load()

    def test_as_the_command(self):
        """Every field of the JSON."""
        texts = [text for text in support.TEXTS if '\0' not in text]
        for text, told in zip(texts, support.command_json('predict', '--json', *texts)):
            made = self.model.predict(text).to_dict()
            self.assertEqual(list(made), list(told))
            self.assertGreater(made.pop('processing_time'), 0)
            told.pop('processing_time')
            self.assertEqual(made, support.rounded(told))

    def test_explain_as_the_command(self):
        """Contributions with their places."""
        texts = ['not good at all', 'Très bien qzxv!', 'word ' * 400]
        for text, told in zip(texts, support.command_json('predict', '--explain', '--json',
                                                          *texts)):
            made = self.model.explain(text)
            self.assertEqual(made.logits, self.model.predict(text).logits)
            shown = made.to_dict()
            del shown['processing_time'], told['processing_time']
            self.assertEqual(shown, support.rounded(told))
            self.assertEqual(len(made.contributions), min(made.tokens, 256))

    def test_explain_empty(self):
        """No token, no contribution."""
        made = self.model.explain('')
        self.assertEqual((made.contributions, made.flags), ((), ('empty',)))

    def test_tokenize_as_the_command(self):
        """Ids, words and byte offsets, of a long text too."""
        for text in ('I love qzx é!', '', 'word ' * 400):
            told, = support.command_json('tokenize', '--json', text)
            made = self.model.tokenize(text)
            self.assertEqual([list(made.ids), list(made.tokens), [list(x) for x in made.offsets]],
                             [told['ids'], told['tokens'], told['offsets']])

    def test_bytes(self):
        """UTF-8 in any object of bytes."""
        text = 'Très bien…'
        data = text.encode()
        answer = self.model.predict(text)
        for given in (data, bytearray(data), memoryview(data)):
            self.assertEqual(self.model.predict(given), answer)
        self.assertEqual(self.model.tokenize(data), self.model.tokenize(text))

    def test_flags(self):
        """Their names."""
        flags = [self.model.predict(text).flags for text in ('', 'qzxv', 'good ' * 300, 'good')]
        self.assertEqual(flags, [('empty',), ('all_unknown',), ('truncated',), ()])
        self.assertEqual(self.model.predict('good ' * 300, 300).flags, ())

    def test_max_length(self):
        """Of a call, and of the model; what is out of range."""
        text = 'good ' + 'bad ' * 20
        short = self.model.predict(text, 1)
        self.assertEqual(short.logits, self.model.predict('good').logits)
        self.assertEqual(self.load(max_length=1).predict(text), short)
        self.assertEqual(self.load(max_length=1).predict(text, max_length=65536),
                         self.model.predict(text))
        for wrong in (-1, 65537, 2**32, 2**32 + 1, 2**70):
            with self.assertRaises(sentiment.InvalidArgumentError):
                self.model.predict(text, wrong)
        for wrong in ('7', 1.5, [1], None, 0.0, '', [], (), False, True):
            for call in (self.model.predict, self.model.explain):
                with self.assertRaisesRegex(TypeError, 'max_length: expected int'):
                    call(text, wrong)
            with self.assertRaisesRegex(TypeError, 'max_length: expected int'):
                self.model.stream(wrong)

    def test_wrong_types(self):
        """A clear TypeError, and the model goes on."""
        for wrong in (None, 7, 1.5, ['a'], object()):
            for call in (self.model.predict, self.model.explain, self.model.tokenize):
                with self.assertRaisesRegex(TypeError, 'a text is str or bytes'):
                    call(wrong)
        self.assertEqual(self.model.predict('good').label, 'positive')

    def test_bad_bytes(self):
        """The offset of the first bad byte; surrogates of str are bad bytes too."""
        for text, offset in ((b'ab\xff', 2), (b'\xe2\x82', 0), ('é\ud800', 2), ('\ud83d\ude00', 0),
                             ('good \udcff bad', 5)):
            for call in (self.model.predict, self.model.explain, self.model.tokenize):
                with self.assertRaises(sentiment.InvalidUtf8Error) as caught:
                    call(text)
                error = caught.exception
                self.assertEqual((error.code, error.offset),
                                 (sentiment.Status.INVALID_UTF8, offset))
                self.assertIsInstance(error, ValueError)
                self.assertIn('UTF-8', str(error))

    def test_replace(self):
        """They read as U+FFFD where the model was loaded so."""
        model = self.load(errors='replace')
        self.assertEqual(model.predict(b'good \xff'), model.predict('good \ufffd'))
        self.assertEqual(model.predict('good \ud800').tokens,
                         model.predict('good \ufffd\ufffd\ufffd').tokens)
        self.assertEqual(model.tokenize(b'a\xff').tokens[-1], '\ufffd')

    def test_nul(self):
        """A NUL is a character like others."""
        self.assertEqual(self.model.tokenize('a\0b').offsets[-1][1], 3)
        self.assertEqual(self.model.predict('good\0bad'), self.model.predict(b'good\0bad'))

    def test_results(self):
        """Plain objects: compared, hashed, pickled, shown."""
        one, two = self.model.predict('good'), self.model.predict('good')
        self.assertEqual(one, two)
        self.assertEqual(len({one, two}), 1)
        self.assertNotEqual(one, self.model.predict('bad'))
        self.assertNotEqual(one, 'positive')
        self.assertEqual(pickle.loads(pickle.dumps(one)), one)
        why = self.model.explain('not good')
        self.assertEqual(pickle.loads(pickle.dumps(why)), why)
        self.assertIn('positive', repr(one))
        self.assertIsNone(one.error)

    def test_many_classes(self):
        """The number of classes is the model's."""
        for classes in (1, 2, 17):
            model = self.load(self.tiny(classes))
            answer = model.predict('word_1')
            self.assertEqual(len(answer.probabilities), classes)
            self.assertEqual(len(answer.logits), classes)
            self.assertAlmostEqual(sum(answer.probabilities), 1, 5)
            self.assertEqual(model.predict_batch(['word_1'])[0], answer)
            self.assertEqual(answer.label, str(answer.prediction))

    def test_references(self):
        """Calls leak nothing that Python counts."""
        text = 'some text %d' % 7
        before = sys.getrefcount(text)
        for _ in range(1000):
            self.model.predict(text)
        self.assertEqual(sys.getrefcount(text), before)


if __name__ == '__main__':
    unittest.main()
