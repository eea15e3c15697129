# SPDX-License-Identifier: Apache-2.0
"""Name, version, lineage and golden vectors through create, convert and folders;
the same input gives the same bytes."""
import hashlib
import json
import os

import cli
import history

DATE = {'SOURCE_DATE_EPOCH': '1700000000'}


class History(cli.Case):
    def read(self, path):
        with open(path, 'rb') as file:
            return file.read()

    def digest(self, path):
        return hashlib.sha256(self.read(path)).hexdigest()

    def convert(self, source, name, *arguments, env=None):
        path = self.path(name)
        # The checker may be missing here, and is no matter of history.
        arguments += ('--no-check',) if name.endswith('.onnx') else ()
        self.good(cli.run('convert', *arguments, source, path, env=DATE if env is None else env))
        return path

    def lineage(self, path):
        done = self.good(cli.run('info', '--json', '--model', path))
        return json.loads(cli.json_lines(done.stdout)[0]['metadata'].get('lineage', '[]'))

    def metadata(self, path):
        done = self.good(cli.run('info', '--json', '--model', path))
        return cli.json_lines(done.stdout)[0]['metadata']

    def test_steps_name_their_parents(self):
        library = 'libsentiment ' + cli.run('--version').stdout.decode().split()[1]
        first = {'action': 'create', 'seed': '7', 'library': library}
        self.assertEqual(self.lineage(self.model), [first])
        folder = self.convert(self.model, 'folder')
        second = {'action': 'convert', 'library': library, 'created': '2023-11-14T22:13:20Z',
                  'parent_sha256': self.digest(self.model), 'parent_format': 'safetensors'}
        self.assertEqual(self.lineage(folder), [first, second])
        back = self.convert(folder, 'back.onnx')
        third = dict(second, parent_format='pytorch',
                     parent_sha256=self.digest(os.path.join(folder, 'model.pth')))
        self.assertEqual(self.lineage(back), [first, second, third])
        last = self.convert(back, 'last.safetensors')
        fourth = dict(second, parent_format='onnx', parent_sha256=self.digest(back))
        self.assertEqual(history.Native(last).lineage(), [first, second, third, fourth])

    def test_the_clock_dates_a_step(self):
        path = self.convert(self.model, 'now.safetensors', env={'SOURCE_DATE_EPOCH': ''})
        created = self.lineage(path)[1]['created']
        self.assertRegex(created, r'^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        self.assertGreater(created, '2024')

    def test_a_date_that_is_none(self):
        done = cli.run('convert', self.model, self.path('never.safetensors'),
                       env={'SOURCE_DATE_EPOCH': 'tomorrow'})
        self.bad(done, 1, "SOURCE_DATE_EPOCH is 'tomorrow'")
        self.assertFalse(os.path.exists(self.path('never.safetensors')))

    def test_name_and_version_are_kept_and_changed(self):
        path = self.convert(self.model, 'named.safetensors', '--name', 'na\u00efve "x"',
                            '--model-version', '1.0.0')
        for name in ('named', 'named.onnx', 'named2.safetensors'):
            path = self.convert(path, name)
            metadata = self.metadata(path)
            self.assertEqual((metadata['name'], metadata['version']), ('na\u00efve "x"', '1.0.0'))
        path = self.convert(path, 'renamed.safetensors', '--model-version', '2')
        self.assertEqual(self.metadata(path)['version'], '2')
        self.assertEqual(self.metadata(path)['name'], 'na\u00efve "x"')
        done = cli.run('create', *cli.SIZES, '--name', b'\xff', self.path('bad.safetensors'))
        self.bad(done, 1, 'UTF-8')

    def test_golden_vectors_travel_unchanged(self):
        golden = self.metadata(self.model)['golden']
        folder = self.convert(self.model, 'golden')
        with open(os.path.join(folder, 'config.json'), encoding='utf-8') as file:
            config = json.load(file)
        self.assertEqual(config['libsentiment']['metadata']['golden'], golden)
        self.assertEqual(self.metadata(self.convert(folder, 'golden.safetensors'))['golden'],
                         golden)

    def test_golden_vectors_are_made_where_there_are_none(self):
        file = history.Native(self.model)
        golden = file.metadata.pop('golden')
        path = self.convert(file.save(self.path('none.safetensors')), 'made.safetensors')
        self.assertEqual(self.metadata(path)['golden'], golden)

    def test_golden_vectors_that_no_longer_hold_stop_a_conversion(self):
        file = history.Native(self.model)
        golden = file.golden()
        golden['vectors'][0]['probabilities'][0] += 0.01
        file.set_golden(golden)
        broken = file.save(self.path('broken.safetensors'))
        self.bad(cli.run('convert', broken, self.path('never')), 1,
                 'does not answer as its golden vectors say: text 1 has other probabilities')
        self.assertFalse(os.path.exists(self.path('never')))

    def test_own_keys_and_metrics_survive_a_folder(self):
        file = history.Native(self.model)
        file.metadata.update(dev_macro_f1='0.75', mine='\u00fc\n"')
        path = file.save(self.path('own.safetensors'))
        for name in ('own', 'own.onnx', 'own2.safetensors'):
            path = self.convert(path, name)
            metadata = self.metadata(path)
            self.assertEqual((metadata['dev_macro_f1'], metadata['mine']), ('0.75', '\u00fc\n"'))

    def test_a_folder_of_the_guide_stays_as_it_was(self):
        """Without metadata there is no key of ours."""
        folder = self.convert(self.model, 'plain')
        path = os.path.join(folder, 'config.json')
        with open(path, encoding='utf-8') as file:
            config = json.load(file)
        del config['libsentiment']
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(config, file)
        self.assertEqual(self.metadata(folder), {})
        self.assertEqual(self.lineage(self.convert(folder, 'plain.safetensors'))[0]['action'],
                         'convert')

    def test_bad_metadata_of_a_folder(self):
        folder = self.convert(self.model, 'spoilt')
        path = os.path.join(folder, 'config.json')
        with open(path, encoding='utf-8') as file:
            config = json.load(file)
        for metadata in ({'a': 1}, {'padding': 'none'}, [], {'lineage': '[1]'}):
            config['libsentiment']['metadata'] = metadata
            with open(path, 'w', encoding='utf-8') as file:
                json.dump(config, file)
            self.bad(cli.run('info', '--model', folder), 1, folder)

    def test_same_input_same_bytes(self):
        for name, names in (('x.safetensors', ['']), ('x.onnx', ['']),
                            ('x', ['model.pth', 'tokenizer.pkl', 'config.json'])):
            contents = []
            for place in ('one', 'two'):
                os.makedirs(self.path(place), exist_ok=True)
                made = self.convert(self.model, os.path.join(place, name))
                contents.append([self.read(os.path.join(made, file).rstrip('/'))
                                 for file in names])
            self.assertEqual(contents[0], contents[1])

    def test_create_needs_no_date_for_that(self):
        contents = []
        for name, env in (('c1', {'SOURCE_DATE_EPOCH': ''}), ('c2', DATE)):
            for end in ('.safetensors', ''):
                path = self.path(name + end)
                self.good(cli.run('create', *cli.SIZES, '--seed', '18446744073709551615', path,
                                  env=env))
                contents.append(self.read(path) if end else
                                [self.read(os.path.join(path, file))
                                 for file in sorted(os.listdir(path))])
        self.assertEqual(contents[:2], contents[2:])
        self.assertEqual(self.lineage(self.path('c1'))[0]['seed'], '18446744073709551615')

    def test_info_for_a_person(self):
        path = self.convert(self.model, 'shown.safetensors', '--name', 'shown', '--model-version',
                            '3')
        text = self.good(cli.run('info', '--model', path)).stdout.decode()
        for line in (r'name +shown', r'version +3', 'sha256 +' + self.digest(path),
                     r'lineage 1 +create, libsentiment \d+\.\d+\.\d+', r'  seed +7',
                     r'lineage 2 +convert, 2023-11-14T22:13:20Z, libsentiment \d+\.\d+\.\d+',
                     '  parent_sha256 +' + self.digest(self.model),
                     r'metadata golden +9 texts, fp32, padding max_length, max_length 512'):
            self.assertRegex(text, '(?m)^' + line + '$')

    def test_a_file_of_version_0_1(self):
        file = history.Native(self.model)
        del file.metadata['lineage']
        file.metadata.update({'lineage.command': 'sentiment train --train t', 'library_version':
                              '0.1.0', 'lineage.train_rows': '12', 'lineage.other': 'kept'})
        old = file.save(self.path('old.safetensors'))
        first = {'action': 'train', 'command': 'sentiment train --train t', 'other': 'kept',
                 'train_rows': 12, 'library': 'libsentiment 0.1.0'}
        self.assertEqual(self.lineage(old), [first])
        new = self.convert(old, 'new.safetensors')
        self.assertEqual(self.lineage(new)[0], first)
        self.assertEqual([key for key in self.metadata(new) if key.startswith('lineage')],
                         ['lineage'])


if __name__ == '__main__':
    cli.main()
