# SPDX-License-Identifier: Apache-2.0
"""test_flavour.py ROOT BUILD VENV: sentiment.mlflow on a real MLflow with a local store,
where docs/registries.md does not go: ways back, damage, other people's models.

The script runs itself again with the environment's Python.
"""
import os
import subprocess
import sys
import tempfile
import unittest

import stranger

ROOT, BUILD, VENV = (os.path.abspath(each) for each in sys.argv[1:4])
TEXTS = ['word_1 word_2', 'word_3']
ALONE = '''
import sys, mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
assert 'sentiment' in sys.modules
print(sys.modules['sentiment'].__file__)
print(sys.modules['sentiment'].library_path())
print(model.predict(['word_1 word_2']).label[0])
'''


class FlavourTest(unittest.TestCase):
    """Saving, logging, the registry, loading."""

    @classmethod
    def setUpClass(cls):
        import mlflow
        import sentiment.mlflow
        cls.mlflow, cls.flavour, cls.sentiment = mlflow, sentiment.mlflow, sentiment
        cls.client = mlflow.MlflowClient()
        cls.first, cls.second = cls.create('first', 1), cls.create('second', 2)

    @classmethod
    def create(cls, name, seed, *options):
        """The path of a tiny model."""
        path = os.path.abspath(name + '.safetensors')
        subprocess.run([os.path.join(BUILD, 'sentiment'), 'create', '--vocab-size', '50',
                        '--embedding-dim', '4', '--hidden-size', '4', '--num-classes', '3',
                        '--padding', 'none', '--seed', str(seed), *options, path], check=True)
        return path

    def setUp(self):
        self.name = self.id().rsplit('.', 1)[1]

    def log(self, path, **options):
        """Logs it as a new version of the test's own registered model."""
        return self.flavour.log_model(path, registered_model_name=self.name, **options)

    def champion(self):
        """The version that has the alias."""
        return str(self.client.get_model_version_by_alias(self.name, 'champion').version)

    def artefact(self, logged):
        """The folder of a logged model in the store."""
        place = self.client.get_logged_model(logged.model_id).artifact_location
        return place.replace('file://', '')

    def test_promote(self):
        """There and back, with the file behind the alias each time."""
        for path in (self.first, self.second):
            self.log(path)
        self.assertIsNone(self.flavour.promote(self.name, 1))
        self.assertEqual(self.flavour.promote(self.name, '2'), '1')
        self.assertEqual(self.champion(), '2')
        for version, path in ((2, self.second), (1, self.first)):
            self.flavour.promote(self.name, version)
            with self.flavour.load_model('models:/%s@champion' % self.name) as model, \
                    self.sentiment.Model.load(path) as wanted:
                self.assertEqual(model.predict(TEXTS[0]).logits, wanted.predict(TEXTS[0]).logits)
        with self.assertRaisesRegex(self.mlflow.MlflowException, 'not found'):
            self.flavour.promote(self.name, 3)
        with self.assertRaises(self.mlflow.MlflowException):
            self.flavour.promote('nobody', 1)
        self.assertEqual(self.champion(), '1')

    def test_damage(self):
        """A version whose file changed in the store is neither promoted nor loaded; nor is
        one whose digests beside it were changed too, against the registry's word."""
        self.log(self.first)
        self.flavour.promote(self.name, 1)
        folder = os.path.join(self.artefact(self.log(self.first)), 'data', 'sentiment')
        with open(self.second, 'rb') as file:
            data = file.read()
        with open(os.path.join(folder, 'model.safetensors'), 'wb') as file:
            file.write(data)
        uri = 'models:/%s/2' % self.name
        for call in (lambda: self.flavour.promote(self.name, 2),
                     lambda: self.flavour.load_model(uri),
                     lambda: self.mlflow.pyfunc.load_model(uri)):
            with self.assertRaisesRegex(ValueError, 'SHA256SUMS expects'):
                call()
        with self.sentiment.Model.load(self.second, digest=True) as other:
            digest = other.info.sha256
        with open(os.path.join(folder, 'SHA256SUMS'), 'w', encoding='ascii') as file:
            file.write(digest + '  model.safetensors\n')
        with self.assertRaisesRegex(ValueError, 'it was registered with'):
            self.flavour.promote(self.name, 2)
        self.assertEqual(self.champion(), '1')

    def test_run(self):
        """Two models in a run of the user's; metrics of both, by model."""
        with self.mlflow.start_run() as run:
            one = self.flavour.log_model(self.first, 'one', metrics={'accuracy': 0.5})
            two = self.flavour.log_model(self.second, 'two', metrics={
                'accuracy': 0.75, 'classes': {'tr\u00e8s bon/\u5f88\u597d': {'f1': 1}}},
                tags={'reviewed': 'yes'})
        self.assertEqual((one.run_id, two.run_id), (run.info.run_id, run.info.run_id))
        logged = [self.client.get_logged_model(each.model_id) for each in (one, two)]
        values = [{metric.key: metric.value for metric in each.metrics} for each in logged]
        self.assertEqual(values, [{'accuracy': 0.5}, {
            'accuracy': 0.75, 'classes/tr\u00e8s bon_\u5f88\u597d/f1': 1.0}])
        self.assertEqual((logged[1].params['hidden_size'], logged[1].tags['reviewed'],
                          logged[1].tags['sentiment.history']), ('4', 'yes', 'create'))
        self.assertIsNone(self.mlflow.active_run())

    def test_saved(self):
        """A folder without a run, of a model in memory; registered with an alias."""
        folder = os.path.abspath('saved')
        with self.sentiment.Model.load(self.first) as model:
            self.flavour.save_model(model, folder, options={'max_length': 1})
            short = model.predict(TEXTS[0], max_length=1).confidence
        version = self.flavour.register(folder, self.name, alias='challenger')
        self.assertEqual((version.aliases, version.tags['sentiment.history']),
                         (['challenger'], 'create'))
        table = self.mlflow.pyfunc.load_model(folder).predict(TEXTS)
        self.assertEqual(table.confidence[0], short)
        whole = self.mlflow.pyfunc.load_model(folder, model_config={'max_length': 9})
        self.assertNotEqual(whole.predict(TEXTS).confidence[0], short)
        made = self.mlflow.models.Model.load(folder)
        self.assertEqual(made.metadata['sentiment_lineage'][0]['action'], 'create')
        self.assertEqual(made.flavors['sentiment']['sha256'], version.tags['sentiment.sha256'])
        self.assertEqual(made.load_input_example(folder), list(self.flavour.EXAMPLE))
        with open(os.path.join(folder, 'requirements.txt'), encoding='utf-8') as file:
            self.assertNotIn('sentiment', file.read())
        with self.assertRaisesRegex(self.mlflow.MlflowException, 'not empty'):
            self.flavour.save_model(self.first, folder)

    def test_alone(self):
        """The artefact's own package and library answer where nothing of ours is installed;
        with carry=False there is none in it."""
        for folder, carry in (('whole', True), ('bare', False)):
            self.flavour.save_model(self.first, folder, carry=carry)
            self.assertEqual(os.path.isdir(os.path.join(folder, 'code')), carry)
        env = {name: value for name, value in os.environ.items()
               if name not in ('PYTHONPATH', 'SENTIMENT_LIBRARY')}
        told = subprocess.run([sys.executable, '-c', ALONE, 'whole'], env=env, check=True,
                              stdout=subprocess.PIPE).stdout.decode().splitlines()
        own = os.path.join('whole', 'code', 'sentiment')
        self.assertEqual([os.path.relpath(each) for each in told[:2]],
                         [os.path.join(own, '__init__.py'), os.path.join(own, 'libsentiment.so.0')])
        with self.sentiment.Model.load(self.first) as model:
            self.assertEqual(told[2], model.predict('word_1 word_2').label)

    def test_input(self):
        """Errors reach those who ask, by MLflow's own exception."""
        self.flavour.save_model(self.first, 'asked')
        model = self.mlflow.pyfunc.load_model('asked')
        self.assertEqual(len(model.predict('word_1')), 1)
        for wrong, told in ((['a', None], 'text 1 is missing'), ([1], 'Incompatible input types'),
                            (['half \ud83d'], 'text 0: invalid UTF-8 at byte 5')):
            with self.assertRaisesRegex(self.mlflow.MlflowException, told):
                model.predict(wrong)

    def test_wrong(self):
        """Models of others, options that there are not; nothing is left half done."""
        self.mlflow.pyfunc.save_model('theirs', python_model=lambda model_input: model_input,
                                      pip_requirements=['mlflow'])
        with self.assertRaisesRegex(ValueError, 'flavour sentiment, this one has python_function'):
            self.flavour.load_model('theirs')
        with self.assertRaisesRegex(ValueError, 'flavour sentiment'):
            self.flavour.register('theirs', self.name)
        with self.assertRaises(self.mlflow.MlflowException):
            self.client.get_registered_model(self.name)
        with self.assertRaisesRegex(TypeError, 'no speed; expected some of engine'):
            self.flavour.save_model(self.first, 'never', options={'speed': 1})
        with self.assertRaises(FileNotFoundError):
            self.flavour.log_model('nowhere.safetensors')
        with self.assertRaisesRegex(TypeError, 'accuracy is a str'):
            self.flavour.log_model(self.first, metrics={'accuracy': 'high'})
        self.assertIsNone(self.mlflow.active_run())


def main():
    """Starts this script again with MLflow's Python, in a folder of its own."""
    if os.environ.get('FLAVOUR_TEST') == 'inner':
        unittest.main(argv=sys.argv[:1])
    stranger.require(BUILD, VENV, 'libsentiment.so.0')
    with tempfile.TemporaryDirectory() as folder:
        env = dict(stranger.environment(BUILD, VENV, folder), FLAVOUR_TEST='inner',
                   PYTHONPATH=os.path.join(ROOT, 'bindings', 'python'),
                   SENTIMENT_LIBRARY=os.path.join(BUILD, 'libsentiment.so.0'),
                   MLFLOW_TRACKING_URI='sqlite:///mlflow.db')
        done = subprocess.run([os.path.join(VENV, 'bin', 'python'), os.path.abspath(__file__),
                               ROOT, BUILD, VENV], cwd=folder, env=env, check=False)
    return done.returncode


if __name__ == '__main__':
    sys.exit(main())
