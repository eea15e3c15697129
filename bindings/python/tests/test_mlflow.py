# SPDX-License-Identifier: Apache-2.0
"""The flavour of MLflow, as far as it needs no MLflow: lineage, what is staged, what a
pyfunc answers. tests/deploy/registries has the rest, with the real one."""
import hashlib
import json
import os
import unittest

import sentiment
import sentiment.mlflow as flavour

import support

ABSENT = '''
import sys
sys.modules['mlflow'] = None
import sentiment.mlflow
for call in (lambda: sentiment.mlflow.save_model('x', 'y'), lambda: sentiment.mlflow.load_model(
        'models:/x/1'), lambda: sentiment.mlflow.promote('x', 1)):
    try:
        call()
    except ImportError as error:
        print(error)
'''
OLD = '''
import sys, types
sys.modules['mlflow'] = types.SimpleNamespace(__version__='2.22.0')
import sentiment.mlflow
try:
    sentiment.mlflow.log_model('x')
except ImportError as error:
    print(error)
'''


class LineageTest(support.Case):
    """Parameters, tags and metrics."""

    def test_made(self):
        """Of a model with three steps behind it."""
        first, second = self.tiny(), os.path.join(self.folder(), 'second.safetensors')
        support.command('convert', first, second, '--name', 'demo', '--model-version', '1.2')
        info = self.load(second, digest=True).info
        params, tags, metrics = flavour.lineage(info)
        self.assertEqual((params['vocab_size'], params['padding'], params['labels']),
                         ('100', 'none', '0, 1, 2'))
        with open(first, 'rb') as file:
            parent = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(tags, {
            'sentiment.history': 'create convert', 'sentiment.parent_sha256': parent,
            'sentiment.name': 'demo', 'sentiment.version': '1.2',
            'sentiment.sha256': info.sha256})
        self.assertEqual(metrics, {})

    def test_trained(self):
        """Of the bundled model: what it was trained with, and its dev figures."""
        if not os.path.exists(support.BUNDLED):
            self.skipTest('no bundled model')
        params, tags, metrics = flavour.lineage(self.load().info)
        self.assertEqual((params['train.epochs'], params['labels']),
                         ('4', 'negative, neutral, positive'))
        self.assertRegex(tags['sentiment.train_sha256'], '^[0-9a-f]{64}$')
        self.assertEqual(set(metrics), {'dev_accuracy', 'dev_macro_f1'})
        self.assertTrue(all(0.5 < each < 1 for each in metrics.values()), metrics)

    def test_odd(self):
        """Metadata that others wrote, and values that stores refuse."""
        path = os.path.join(self.folder(), 'odd.safetensors')
        self.load(self.tiny()).save(path, metadata={'dev_accuracy': 'high', 'name': 'n' * 900})
        _, tags, metrics = flavour.lineage(self.load(path).info)
        self.assertEqual(metrics, {})
        self.assertEqual(len(tags['sentiment.name']), 500)
        self.assertNotIn('sentiment.sha256', tags)


class StageTest(support.Case):
    """What is put into the artefact."""

    def stage(self, source):
        """The new folder, and what _stage says."""
        folder = os.path.join(self.folder(), 'sentiment')
        return folder, flavour._stage(source, folder)

    def test_native(self):
        """A native file stays as it is, to the byte; sha256sum would agree."""
        path = self.tiny()
        folder, info = self.stage(path)
        with open(path, 'rb') as one, open(os.path.join(folder, 'model.safetensors'), 'rb') as two:
            data = one.read()
            self.assertEqual(data, two.read())
        with open(os.path.join(folder, 'SHA256SUMS'), encoding='ascii') as file:
            self.assertEqual(file.read(), '%s  model.safetensors\n' % info.sha256)
        self.assertEqual(info.sha256, hashlib.sha256(data).hexdigest())

    def test_others(self):
        """A folder, bytes and a model in memory become native; a folder's digest is kept."""
        guide = os.path.join(self.folder(), 'guide')
        support.command('convert', self.tiny(), guide)
        wanted = self.load(guide, digest=True)
        _, info = self.stage(guide)
        self.assertEqual(info.format, 'safetensors')
        self.assertEqual(json.loads(info.metadata['lineage'])[-1]['parent_sha256'],
                         wanted.info.sha256)
        with open(self.tiny(), 'rb') as file:
            self.assertEqual(self.stage(file.read())[1].vocab_size, 100)
        folder, info = self.stage(wanted)
        self.assertEqual(info.metadata['lineage'], wanted.info.metadata['lineage'])
        self.assertEqual(flavour._open(folder).predict('word_1').logits,
                         wanted.predict('word_1').logits)

    def test_wrong(self):
        """No such file, no model, no such type."""
        with self.assertRaises(FileNotFoundError):
            self.stage('/nowhere/model.safetensors')
        path = os.path.join(self.folder(), 'text.safetensors')
        with open(path, 'w', encoding='ascii') as file:
            file.write('no model')
        with self.assertRaises(sentiment.BadModelError):
            self.stage(path)
        with self.assertRaises(TypeError):
            self.stage(7)

    def test_changed(self):
        """What is not what was staged is refused, with both digests."""
        folder, info = self.stage(self.tiny())
        other = self.load(self.tiny(2))
        other.save(os.path.join(folder, 'model.safetensors'))
        with self.assertRaisesRegex(sentiment.BadModelError, 'expects ' + info.sha256):
            flavour._open(folder)
        with open(os.path.join(folder, 'SHA256SUMS'), 'w', encoding='ascii'):
            pass
        with self.assertRaisesRegex(sentiment.BadModelError, 'expects nothing'):
            flavour._open(folder)

    def test_package(self):
        """The copy of the package has the library inside, and answers with it alone."""
        made = flavour._package(self.folder())
        names = set(os.listdir(made))
        self.assertLessEqual({'__init__.py', 'mlflow.py', 'libsentiment.so.0'}, names)
        self.assertFalse(names & {'models', '__pycache__'})
        program = 'import sentiment; print(sentiment.Model.load(%r).predict("word_1").label, ' \
                  'sentiment.library_path())' % self.tiny()
        status, told, errors = support.script(program, PYTHONPATH=os.path.dirname(made),
                                              SENTIMENT_LIBRARY=None)
        self.assertEqual(status, 0, errors)
        self.assertEqual(told.split()[1], os.path.join(made, 'libsentiment.so.0'))


class PyfuncTest(support.Case):
    """_load_pyfunc, as MLflow calls it."""

    def setUp(self):
        self.pandas = support.package('pandas')
        self.folder_ = os.path.join(self.folder(), 'sentiment')
        flavour._stage(self.tiny(), self.folder_)
        self.model = flavour._load_pyfunc(self.folder_)
        self.native = self.load(os.path.join(self.folder_, 'model.safetensors'))

    def test_inputs(self):
        """One text, lists, arrays, columns and tables."""
        pd, texts = self.pandas, ['word_1 word_2', 'word_3']
        wanted = [self.native.predict(text) for text in texts]
        for given in (texts, tuple(texts), pd.Series(texts), pd.Series(texts).to_numpy(),
                      pd.DataFrame(texts), pd.DataFrame({'text': texts, 'id': [1, 2]})):
            table = self.model.predict(given)
            self.assertEqual(list(table.columns),
                             ['prediction', 'label', 'confidence', 'probabilities'])
            self.assertEqual(table.label.tolist(), [each.label for each in wanted])
            self.assertEqual(table.prediction.tolist(), [each.prediction for each in wanted])
            self.assertEqual(table.confidence.tolist(), [each.confidence for each in wanted])
            self.assertEqual(table.probabilities.tolist(),
                             [list(each.probabilities) for each in wanted])
        self.assertEqual(len(self.model.predict(texts[0])), 1)
        self.assertEqual(len(self.model.predict([])), 0)

    def test_params(self):
        """max_length, and the options of the deployment."""
        text = 'word_1 ' + 'word_2 ' * 20
        short = self.native.predict(text, max_length=1).confidence
        self.assertEqual(self.model.predict([text], {'max_length': 1}).confidence[0], short)
        limited = flavour._load_pyfunc(self.folder_, {'max_length': 1})
        self.assertEqual(limited.predict([text]).confidence[0], short)
        self.assertNotEqual(self.model.predict([text], {'max_length': 0}).confidence[0], short)
        with self.assertRaisesRegex(TypeError, 'options: no colour; expected some of engine'):
            flavour._load_pyfunc(self.folder_, {'colour': 1})

    def test_wrong(self):
        """Errors tell which text, or which columns."""
        pd = self.pandas
        for given, told in (
                (['a', None], 'text 1 is missing'), (['a', 'half \ud83d'], 'text 1: invalid UTF-8'),
                (['a', 7], 'text 1: a text is str or bytes, not int'),
                (pd.DataFrame({'id': ['a'], 'text': ['b']}),
                 "first column is `text`.*'id', 'text'"),
                (pd.DataFrame(), 'this one has none'),
                (pd.DataFrame({'text': pd.Series(['a', None], dtype='string')}),
                 'text 1 is missing')):
            with self.assertRaisesRegex(ValueError, told):
                self.model.predict(given)
        with self.assertRaises(ValueError):
            self.model.predict(['a'], {'max_length': -1})


class ArgumentTest(support.Case):
    """Before MLflow is asked."""

    def test_absent(self):
        """Without MLflow, or with one that is too old, the error says what to do."""
        status, told, errors = support.script(ABSENT)
        self.assertEqual((status, errors), (0, ''))
        lines = told.splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.assertIn("sentiment.mlflow needs mlflow 3 or later: pip install 'mlflow>=3'", line)
        self.assertIn('this is 2.22.0', support.script(OLD)[1])

    def test_metrics(self):
        """Objects in objects become flat; names are made such that stores take them."""
        from sentiment._lineage import flat
        self.assertEqual(flat({'accuracy': 1, 'classes': {'très bon': {'f1': 0.5}, 'a/b': 2}}),
                         {'accuracy': 1.0, 'classes/très bon/f1': 0.5, 'classes/a_b': 2.0})
        with self.assertRaisesRegex(TypeError, 'classes/a is a str; expected a number'):
            flat({'classes': {'a': '1'}})


if __name__ == '__main__':
    unittest.main()
