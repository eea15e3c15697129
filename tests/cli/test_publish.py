# SPDX-License-Identifier: Apache-2.0
"""sentiment publish and key: what a server's folder of models and its file of keys get."""
import hashlib
import json
import os
import re

import cli

TEXTS = ['word_%d word_%d nothing word_%d' % (i % 60, i * 13 % 60, i * 29 % 59)
         for i in range(300)]


def read(*path):
    with open(os.path.join(*path), 'rb') as file:
        return file.read()


class Publish(cli.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.texts = cls.write('texts.tsv', 'text\n' + '\n'.join(TEXTS) + '\n')

    def setUp(self):
        self.models = self.path(self.id().rsplit('.', 1)[-1])
        os.mkdir(self.models)

    def publish(self, version, *arguments, source=None):
        return cli.run('publish', source or self.model, os.path.join(self.models, version),
                       *arguments)

    def info(self, version):
        done = self.good(cli.run('info', '--json', '--model',
                                 os.path.join(self.models, version, 'model.safetensors')))
        return json.loads(done.stdout)

    def test_version_and_manifest(self):
        done = self.good(self.publish('english/1.0'))
        folder = os.path.join(self.models, 'english', '1.0')
        self.assertEqual(done.stdout.decode(), os.path.join(folder, 'model.safetensors') + '\n')
        self.assertEqual(sorted(os.listdir(folder)), ['manifest.json', 'model.safetensors'])
        manifest = json.loads(read(folder, 'manifest.json'))
        self.assertEqual(manifest['sha256'],
                         hashlib.sha256(read(folder, 'model.safetensors')).hexdigest())
        self.assertEqual((manifest['name'], manifest['version'], manifest['format'],
                          manifest['file']),
                         ('english', '1.0', 'safetensors', 'model.safetensors'))
        self.assertEqual([step['action'] for step in manifest['lineage']], ['create', 'publish'])
        self.assertEqual(manifest['lineage'][-1]['parent_sha256'],
                         hashlib.sha256(read(self.model)).hexdigest())
        metadata = self.info('english/1.0')['metadata']
        self.assertEqual((metadata['name'], metadata['version']), ('english', '1.0'))
        self.assertNotIn('baseline', metadata)

    def test_answers_stay(self):
        guide = self.path('guide')
        self.good(cli.run('convert', self.model, guide))
        self.good(self.publish('m/1', source=guide))
        stdin = '\n'.join(TEXTS) + '\n'
        answers = [self.good(cli.run('predict', '--json', '--model', path, stdin=stdin)).stdout
                   for path in (self.model, os.path.join(self.models, 'm/1/model.safetensors'))]
        self.assertEqual(answers[0], answers[1])

    def test_baseline(self):
        done = self.good(self.publish('m/1', '--texts', self.texts))
        self.assertTrue(done.stdout.endswith(b', with a baseline of 300 texts\n'), done.stdout)
        baseline = json.loads(self.info('m/1')['metadata']['baseline'])
        self.assertEqual((baseline['version'], baseline['count']), (1, 300))
        features = baseline['features']
        self.assertEqual(sorted(features), ['confidence', 'length', 'prediction', 'unknown'])
        stdin = '\n'.join(TEXTS) + '\n'
        answers = cli.json_lines(self.good(cli.run('predict', '--json', '--model', self.model,
                                                   stdin=stdin)).stdout)
        self.assertEqual(features['prediction']['counts'],
                         [sum(answer['prediction'] == c for answer in answers) for c in range(3)])
        # Four tokens a text; a last bin for what is longer.
        self.assertEqual(features['length']['counts'], [300, 0])
        for feature in features.values():
            self.assertEqual(sum(feature['counts']), 300)
        # It goes along when the model is published again.
        self.good(self.publish('m/2', source=os.path.join(self.models, 'm/1/model.safetensors')))
        self.assertEqual(json.loads(self.info('m/2')['metadata']['baseline']), baseline)

    def test_texts_that_fail(self):
        lines = self.write('bad.jsonl', ''.join(
            json.dumps({'text': text}) + '\n' for text in TEXTS) + '{"text": 7}\n\xff\n')
        done = self.publish('m/1', '--texts', lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'2 texts could not be classified', done.stderr)
        self.assertIn(b'a baseline of 300 texts', done.stdout)

    def test_refusals_leave_nothing(self):
        few = self.write('few.txt', 'one\ntwo\n')
        for arguments, says in ((['--texts', few], 'a baseline needs at least 100'),
                                (['--texts', self.path('none')], 'No such file')):
            self.bad(self.publish('m/1', *arguments), 1, says)
        self.bad(self.publish('m/1', source=self.path('none')), 1, '')
        self.assertEqual(os.listdir(self.models), [])
        self.bad(cli.run('publish', self.model, self.path('nowhere/m/1')), 1, 'No such file')
        self.good(self.publish('m/1'))
        before = read(self.models, 'm/1/manifest.json')
        self.bad(self.publish('m/1'), 1, 'there is such a version already')
        self.assertEqual(read(self.models, 'm/1/manifest.json'), before)
        for target in ('m/..', '../m', 'm/.1', 'm/a b', '..'):
            self.bad(self.publish(target), 2, 'is not DIR/NAME/VERSION')
        for target in ('1', 'm/1', '/1'):
            self.bad(cli.run('publish', self.model, target), 2, 'is not DIR/NAME/VERSION')


class Key(cli.Case):
    def test_new_key(self):
        done = cli.run('key', 'alice')
        self.assertEqual(done.returncode, 0, done.stderr)
        key = re.fullmatch(rb'sentiment: the key of alice: ([A-Za-z0-9_-]{43})\n', done.stderr)
        self.assertTrue(key, done.stderr)
        self.assertEqual(done.stdout.decode(),
                         'alice:%s\n' % hashlib.sha256(key.group(1)).hexdigest())
        self.assertNotEqual(cli.run('key', 'alice').stdout, done.stdout)

    def test_existing_key(self):
        for end in ('', '\n', '\nmore\n'):
            done = self.good(cli.run('key', '--existing', 'bob', stdin='0123456789abcdef' + end))
            self.assertEqual(done.stdout.decode(), 'bob:%s\n' %
                             hashlib.sha256(b'0123456789abcdef').hexdigest())
            self.assertEqual(done.stderr, b'')

    def test_refusals(self):
        self.bad(cli.run('key', '--existing', 'bob', stdin='secret\n'), 1, 'expected 16 to 512')
        done = cli.run('key', '--existing', 'bob', stdin='s' * 600)
        self.bad(done, 1, 'longer than 512')
        self.assertNotIn(b'sss', done.stderr)
        self.bad(cli.run('key', 'a:b'), 1, 'the name must be')
        self.bad(cli.run('key'), 2, 'missing argument: NAME')


if __name__ == '__main__':
    cli.main()
