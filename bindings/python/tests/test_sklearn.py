# SPDX-License-Identifier: Apache-2.0
"""The classifier for scikit-learn, in the hands of scikit-learn."""
import os
import pickle
import unittest

import support

TEXTS = ['I love this product!', 'This is terrible.', 'It arrived on Tuesday.', 'very good',
         'not good at all', 'great value', 'awful', 'it is a box'] * 5


class SklearnTest(support.Case):
    """SentimentClassifier."""

    def setUp(self):
        support.package('sklearn')
        from sentiment.sklearn import SentimentClassifier
        self.np = support.package('numpy')
        self.make = SentimentClassifier
        self.model = self.load()
        self.wanted = [self.model.predict(text) for text in TEXTS]
        self.labels = [each.label for each in self.wanted]

    def test_predict(self):
        """Labels and probabilities, of lists, arrays and columns."""
        pd = support.package('pandas')
        classifier = self.make(support.BUNDLED)
        self.assertEqual(classifier.classes_.tolist(), ['negative', 'neutral', 'positive'])
        for X in (TEXTS, self.np.array(TEXTS), self.np.array(TEXTS, dtype=object),
                  self.np.array(TEXTS).reshape(-1, 1), pd.Series(TEXTS),
                  pd.DataFrame({'text': TEXTS})):
            self.assertEqual(classifier.predict(X).tolist(), self.labels)
        rows = classifier.predict_proba(TEXTS)
        self.assertEqual(rows.tolist(), [list(each.probabilities) for each in self.wanted])
        self.assertEqual(classifier.predict_log_proba(TEXTS).tolist(),
                         self.np.log(rows).tolist())
        self.assertEqual(classifier.decision_function(TEXTS).tolist(),
                         [list(each.logits) for each in self.wanted])

    def test_two_classes(self):
        """One number a text, as scikit-learn has it."""
        classifier = self.make(self.tiny(2))
        values = classifier.decision_function(['word_1', 'word_2 word_3'])
        self.assertEqual(values.shape, (2,))
        self.assertEqual((values > 0).astype(int).astype(str).tolist(),
                         classifier.predict(['word_1', 'word_2 word_3']).tolist())

    def test_fit(self):
        """It learns nothing; labels have to be the model's."""
        classifier = self.make(support.BUNDLED)
        self.assertIs(classifier.fit(TEXTS, self.labels), classifier)
        self.assertEqual(classifier.fit(TEXTS).score(TEXTS, self.labels), 1)
        for wrong in ([0, 3] * 20, ['good', 'bad'] * 20, [0.5, 1] * 20):
            with self.assertRaisesRegex(ValueError, 'negative, neutral, positive'):
                classifier.fit(TEXTS, wrong)

    def test_numbers(self):
        """Numbers for labels, as some parts of scikit-learn have them."""
        numbers = [each.prediction for each in self.wanted]
        classifier = self.make(support.BUNDLED).fit(TEXTS, numbers)
        self.assertEqual(classifier.classes_.tolist(), [0, 1, 2])
        self.assertEqual(classifier.predict(TEXTS).tolist(), numbers)
        self.assertEqual(classifier.score(TEXTS, numbers), 1)
        classifier.fit(TEXTS, self.labels)
        self.assertEqual(classifier.score(TEXTS, self.labels), 1)
        for wrong in ([True, False] * 20, [0.0, 1.0] * 20):
            with self.assertRaises(ValueError):
                classifier.fit(TEXTS, wrong)

    def test_order(self):
        """Columns go by the sorted labels, whatever the model's order."""
        model = self.load(self.tiny(11))
        classifier = self.make(model)
        self.assertEqual(classifier.classes_.tolist()[:3], ['0', '1', '10'])
        text = ['word_1 word_2']
        row = dict(zip(classifier.classes_, classifier.predict_proba(text)[0].tolist()))
        answer = model.predict(text[0])
        self.assertEqual([row[label] for label in model.labels], list(answer.probabilities))
        self.assertEqual(classifier.predict(text), [answer.label])
        with self.assertRaises(ValueError):
            classifier.fit(text, [1])

    def test_params(self):
        """get_params, set_params, clone."""
        from sklearn.base import clone
        classifier = self.make(support.BUNDLED, precision='int8', max_length=5)
        self.assertEqual(classifier.get_params()['max_length'], 5)
        again = clone(classifier)
        self.assertEqual(again.get_params(), classifier.get_params())
        self.assertEqual(again.predict_proba(TEXTS).tolist(),
                         classifier.predict_proba(TEXTS).tolist())
        before = again.predict_proba(TEXTS)
        again.set_params(precision='fp32', max_length=0)
        self.assertNotEqual(again.predict_proba(TEXTS).tolist(), before.tolist())
        self.assertEqual(again.predict(TEXTS).tolist(), self.labels)
        self.assertIn('max_length=5', repr(classifier))

    def test_model(self):
        """A model that is loaded already, and the default one."""
        from sklearn.base import clone
        self.assertEqual(self.make(self.model).predict(TEXTS).tolist(), self.labels)
        self.assertIs(clone(self.make(self.model)).model, self.model)
        os.environ['SENTIMENT_MODEL'] = support.BUNDLED
        self.addCleanup(os.environ.__setitem__, 'SENTIMENT_MODEL', '')
        self.assertEqual(self.make().predict(TEXTS).tolist(), self.labels)

    def test_pickle(self):
        """By path, whether or not the model was loaded."""
        classifier = self.make(support.BUNDLED, errors='replace')
        for _ in range(2):
            again = pickle.loads(pickle.dumps(classifier))
            self.assertEqual(again.get_params(), classifier.get_params())
            self.assertEqual(again.predict(TEXTS).tolist(), self.labels)
            classifier.predict(['good'])

    def test_bad_texts(self):
        """The first one that has no answer is named."""
        classifier = self.make(support.BUNDLED)
        with self.assertRaisesRegex(ValueError, 'text 1: invalid UTF-8 at byte 1'):
            classifier.predict(['good', b'a\xff'])
        with self.assertRaisesRegex(ValueError, 'text 1 is missing'):
            classifier.predict_proba(['good', None])
        self.assertEqual(len(self.make(support.BUNDLED, errors='replace').predict([b'a\xff'])), 1)

    def test_pipeline(self):
        """Behind a step that cleans texts, and in cross-validation."""
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer
        upper = FunctionTransformer(lambda X: [text.upper() for text in X])
        pipeline = make_pipeline(upper, self.make(support.BUNDLED))
        pipeline.fit(TEXTS, self.labels)
        self.assertEqual(pipeline.predict(TEXTS).tolist(), self.labels)
        self.assertEqual(pipeline.classes_.tolist(), ['negative', 'neutral', 'positive'])
        scores = cross_val_score(pipeline, TEXTS, self.labels, cv=3)
        self.assertEqual(scores.tolist(), [1, 1, 1])
        search = GridSearchCV(self.make(support.BUNDLED), {'max_length': [1, 0]}, cv=2)
        self.assertEqual(search.fit(TEXTS, self.labels).best_params_, {'max_length': 0})

    def test_ensemble(self):
        """Beside another classifier."""
        from sklearn.dummy import DummyClassifier
        from sklearn.ensemble import VotingClassifier
        for kind in ('soft', 'hard'):
            voting = VotingClassifier([('sentiment', self.make(support.BUNDLED)),
                                       ('prior', DummyClassifier())], voting=kind,
                                      weights=[2, 1])
            voting.fit(self.np.array(TEXTS), self.labels)
            self.assertEqual(voting.predict(self.np.array(TEXTS)).tolist(), self.labels)


if __name__ == '__main__':
    unittest.main()
