# SPDX-License-Identifier: Apache-2.0
"""Settings: flags beat the environment, which beats the file, which beats the defaults."""
import serving


class Config(serving.unittest.TestCase):
    def setUp(self):
        self.folder = serving.tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def file(self, content):
        path = serving.os.path.join(self.folder.name, 'config')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(content)
        return path

    def settings(self, *arguments, env=None):
        done = serving.run('serve', *arguments, '--print-config', env=env)
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        lines = done.stdout.decode().splitlines()
        return dict(line.split(' = ', 1) for line in lines)

    def refused(self, *arguments, says, env=None):
        done = serving.run('serve', *arguments, '--print-config', env=env)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(says.encode(), done.stderr)

    def test_defaults(self):
        found = self.settings()
        for name, value in (('host', '127.0.0.1'), ('port', '8000'), ('max-texts', '256'),
                            ('max-body', '2097152'), ('max-text-bytes', '65536'),
                            ('queue', '1024'), ('deadline', '5'), ('header-timeout', '10'),
                            ('batch-wait', '0'), ('log-level', 'info'), ('rate', '0')):
            self.assertEqual(found[name], value, name)
        self.assertNotIn('model', found)

    def test_strength(self):
        path = self.file('# a comment\n\nport = 1\nmax-texts=2\n  queue  =  300 \nlog-text = 1\n')
        found = self.settings('--config', path)
        self.assertEqual([found[name] for name in ('port', 'max-texts', 'queue', 'log-text')],
                         ['1', '2', '300', '1'])
        env = {'SENTIMENT_PORT': '4', 'SENTIMENT_MAX_TEXTS': '5', 'SENTIMENT_LOG_TEXT': '0'}
        found = self.settings('--config', path, env=env)
        self.assertEqual([found['port'], found['max-texts'], found['queue']], ['4', '5', '300'])
        found = self.settings('--config', path, '--port=6', env=env)
        self.assertEqual([found['port'], found['max-texts']], ['6', '5'])
        found = self.settings(env={'SENTIMENT_CONFIG': path})
        self.assertEqual(found['port'], '1')

    def test_other_names(self):
        env = {'PORT': '9', 'MODEL_PATH': 'm', 'LOG_LEVEL': 'error'}
        found = self.settings(env=env)
        self.assertEqual([found['port'], found['model'], found['log-level']], ['9', 'm', 'error'])
        found = self.settings(env=dict(env, SENTIMENT_PORT='10', SENTIMENT_MODEL='n',
                                       SENTIMENT_LOG_LEVEL='off'))
        self.assertEqual([found['port'], found['model'], found['log-level']], ['10', 'n', 'off'])
        self.assertEqual(self.settings(env={'PORT': ''})['port'], '8000')
        self.assertEqual(self.settings(env={'LOG_LEVEL': 'INFO'})['log-level'], 'info')
        self.assertEqual(self.settings(env={'GOOGLE_CLOUD_PROJECT': 'a'})['log-project'], 'a')

    def test_model_or_models(self):
        """They exclude each other; of two sources the stronger one has its way."""
        def ask(*arguments, **env):
            found = self.settings(*arguments, env=env)
            return found.get('model'), found.get('models')

        path = self.file('models = c\n')
        self.assertEqual(ask('--models', 'a', MODEL_PATH='b'), (None, 'a'))
        self.assertEqual(ask('--model', 'a', SENTIMENT_MODELS='b'), ('a', None))
        self.assertEqual(ask('--config', path, MODEL_PATH='b'), ('b', None))
        self.assertEqual(ask('--config', path), (None, 'c'))
        self.assertEqual(ask('--config', path, '--model=a', SENTIMENT_MODELS='b'), ('a', None))
        self.assertEqual(ask(SENTIMENT_MODELS='a', MODEL_PATH='b'), (None, 'a'))
        self.refused(says='exclude', env={'SENTIMENT_MODELS': 'a', 'SENTIMENT_MODEL': 'b'})
        self.refused('--config', self.file('models = c\nmodel = d\n'), says='exclude')

    def test_printed_is_read_back(self):
        first = self.settings('--deadline', '0.25', '--model', 'a = b', '--precision', 'int8',
                              '--log-stderr')
        path = self.file(''.join(f'{name} = {value}\n' for name, value in first.items()))
        self.assertEqual(self.settings('--config', path), first)

    def test_refused(self):
        self.refused('--port', '65536', says='--port')
        self.refused('--no-such', says='--no-such')
        self.refused('word', says='word')
        self.refused(says='--queue', env={'SENTIMENT_QUEUE': 'many'})
        self.refused('--config', self.file('no-such = 1\n'), says='line 1')
        self.refused('--config', self.file('port = 1\nport\n'), says='line 2')
        self.refused('--config', self.file('log-text = maybe\n'), says='neither 0 nor 1')
        # The rest of a long line is no line of its own.
        long = 'port = 1\n# ' + 'a' * 8189 + 'queue = 300\n'
        self.refused('--config', self.file(long), says='line 2')
        self.refused('--config', self.folder.name + '/none', says='none')
        self.refused('--max-texts', '9', '--queue', '8', says='--queue')
        self.refused('--burst', '9', says='--rate')
        self.refused('--model', 'a', '--models', 'b', says='exclude')
        self.refused('--default-model', 'a', says='--models')
        self.refused('--log-format', 'xml', says='json, gcp')
        self.refused('--log-level', 'inform', says='--log-level')
        self.refused('--log-project', 'a' * 101, says='--log-project')
        self.refused('--health-check', '--port', '0', says='--port')
        self.refused('--config', self.file('health-check = 1\n'), says='no setting')

    def test_help(self):
        done = serving.run('serve', '--help')
        self.assertEqual((done.returncode, done.stderr), (0, b''))
        for name in self.settings():
            self.assertIn(f'--{name}'.encode(), done.stdout)


if __name__ == '__main__':
    serving.main()
