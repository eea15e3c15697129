# SPDX-License-Identifier: Apache-2.0
"""Help, version, wrong usage, the man page, and output that cannot be written."""
import os
import re
import shutil
import subprocess
import unittest

import cli

MAN = os.path.join(cli.SOURCE, 'docs', 'man', 'sentiment.1')


def options_of(subcommand):
    text = cli.run(subcommand, '--help').stdout.decode()
    return re.findall(r'^  --([a-z0-9-]+)', text, re.MULTILINE)


class Help(cli.Case):
    def test_help_names_every_subcommand(self):
        done = self.good(cli.run('--help'))
        for name in cli.SUBCOMMANDS:
            self.assertRegex(done.stdout.decode(), r'(?m)^  %s ' % name)
        self.assertEqual(done.stdout, cli.run('-h').stdout)

    def test_version(self):
        self.assertRegex(self.good(cli.run('--version')).stdout, rb'^sentiment \d+\.\d+\.\d+\n$')

    def test_subcommand_help(self):
        common = {'predict': ['model', 'engine', 'precision', 'isa', 'threads', 'device', 'explain',
                              'max-length', 'utf8', 'input', 'input-format', 'json'],
                  'tokenize': ['model', 'utf8', 'input', 'input-format', 'json'],
                  'info': ['model', 'json'],
                  'convert': ['allow-missing-crc', 'name', 'model-version'],
                  'create': ['vocab-size', 'embedding-dim', 'hidden-size', 'num-classes',
                             'num-layers', 'bidirectional', 'padding', 'max-length', 'seed',
                             'name', 'model-version'],
                  'train': ['train', 'dev', 'output', 'labels', 'epochs', 'batch-size',
                            'learning-rate', 'weight-decay', 'warmup', 'dropout',
                            'embedding-dropout', 'word-dropout', 'gradient-clip', 'class-balance',
                            'label-smoothing', 'ema-decay', 'patience', 'vocab-size', 'min-count',
                            'embedding-dim', 'hidden-size', 'num-layers', 'bidirectional',
                            'max-length', 'tokenizer', 'padding', 'threads', 'device', 'seed',
                            'name', 'model-version'],
                  'test': ['model', 'engine', 'precision', 'isa', 'threads', 'device', 'json'],
                  'compare': ['test', 'engine', 'precision', 'threads', 'a-engine', 'b-engine',
                              'a-precision', 'b-precision', 'max-accuracy-drop', 'max-f1-drop',
                              'alpha', 'max-slowdown', 'disagreements', 'all-disagreements',
                              'resamples', 'seed', 'seconds', 'html', 'json'],
                  'calibrate': ['dev', 'output', 'temperature', 'reset', 'json', 'name',
                                'model-version', 'threads'],
                  'bench': ['model', 'engine', 'precision', 'isa', 'threads', 'device', 'batch',
                            'length', 'words', 'pad', 'seed', 'json'],
                  'optimize': ['test', 'batch', 'length', 'threads', 'seconds', 'json', 'name',
                               'model-version'],
                  'verify': ['json'],
                  'publish': ['texts'],
                  'key': ['existing'],
                  'serve': ['model', 'models', 'precision', 'threads', 'host', 'port', 'config',
                            'print-config', 'log-level', 'queue', 'deadline', 'rate',
                            'tls-cert', 'tls-key', 'admin-token']}
        for name in cli.SUBCOMMANDS:
            done = self.good(cli.run(name, '--help'))
            self.assertTrue(done.stdout.startswith(b'Usage: sentiment %s ' % name.encode()))
            self.assertTrue(max(map(len, done.stdout.split(b'\n'))) <= 100, name)
            self.assertNotRegex(done.stdout, rb'(?m) $', name)
            missing = set(common[name] + ['help']) - set(options_of(name))
            self.assertEqual(missing, set(), name)

    def test_help_wins_over_other_words(self):
        self.good(cli.run('predict', 'text', '--threads', '--help'))
        self.assertEqual(cli.run('predict', '--model', self.model, '--', '--help').returncode, 0)
        self.assertNotIn(b'Usage', self.run_model('predict', '--', '--help').stdout)

    def test_man_page_has_every_option_and_subcommand(self):
        with open(MAN, encoding='utf-8') as file:
            text = file.read().replace('\\-', '-')
        for name in cli.SUBCOMMANDS:
            self.assertIn('\n.SS %s\n' % name, text)
            for option in options_of(name):
                self.assertRegex(text, r'--%s(?![a-z0-9-])' % option)

    def test_man_page_is_clean(self):
        checkers = [['mandoc', '-Tlint', '-Wwarning'], ['groff', '-mandoc', '-ww', '-z', '-Tutf8']]
        for checker in checkers:
            if not shutil.which(checker[0]):
                continue
            done = subprocess.run([*checker, MAN], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.stdout, b'', checker)


class WrongUsage(cli.Case):
    def test_wrong_usage_is_2_and_says_why(self):
        cases = [
            ([], 'which subcommand'),
            (['nonsense'], "unknown subcommand 'nonsense'"),
            (['predict', '--nonsense'], 'unknown option --nonsense'),
            (['predict', '-x'], 'unknown option -x'),
            (['predict', '--model'], '--model needs a value'),
            (['predict', '--json=yes'], '--json takes no value'),
            (['create', '--bidirectional=maybe'], 'is not 0 or 1'),
            (['predict', '--engine', 'magic'], 'one of auto, native, torch'),
            (['predict', '--precision', 'fp64'], 'one of fp32, int8'),
            (['predict', '--utf8', 'maybe'], 'one of strict, replace'),
            (['predict', '--isa', 'mmx'], 'one of auto, c, avx2, avx512, neon'),
            (['predict', '--input-format', 'xml'], 'one of lines, jsonl, tsv'),
            (['predict', '--max-length', '0'], 'from 1 to 65536'),
            (['predict', '--max-length', '65537'], 'from 1 to 65536'),
            (['predict', '--max-length', '-1'], 'from 1 to 65536'),
            (['predict', '--max-length', '1x'], 'from 1 to 65536'),
            (['predict', '--max-length', ''], 'from 1 to 65536'),
            (['predict', '--threads', '99999999999999999999'], 'from 0 to'),
            (['predict', '--input', 'x', 'text'], 'exclude each other'),
            (['tokenize', '--input', 'x', 'text'], 'exclude each other'),
            (['info', 'extra'], "unexpected argument 'extra'"),
            (['convert', 'one'], 'missing argument: SRC DST'),
            (['convert', 'one', 'two', 'three'], "unexpected argument 'three'"),
            (['create', *cli.SIZES], 'missing argument: DST'),
            (['create', *cli.SIZES[:-2], 'x'], '--num-classes must be given'),
            (['create', *cli.SIZES, '--seed', '-1', 'x'], 'below 2^64'),
            (['create', *cli.SIZES, '--vocab-size', '0', 'x'], 'from 1'),
            (['train', '--train', 'x', '--dev', 'y'], '--output must be given'),
            (['train', '--dropout', '1.5'], 'from 0 to'),
            (['train', '--learning_rate', 'nan'], 'a number from'),
            (['test'], 'missing argument: TSV'),
            (['compare', 'one', '--test', 'x'], 'missing argument: A B'),
            (['compare', 'one', 'two'], '--test must be given'),
            (['compare', 'one', 'two', 'three'], "unexpected argument 'three'"),
            (['compare', 'one', 'two', '--alpha', '1.5'], 'a number from 0 to 1'),
            (['compare', 'one', 'two', '--max-accuracy-drop', '-0.1'], 'a number from 0 to 1'),
            (['compare', 'one', 'two', '--max-f1-drop', 'nan'], 'a number from 0 to 1'),
            (['compare', 'one', 'two', '--b-precision', 'fp64'], 'one of fp32, int8'),
            (['compare', 'one', 'two', '--test', 'x', '--seconds', '0', '--max-slowdown', '2'],
             '--seconds 0 measures none'),
            (['calibrate', '--reset'], 'missing argument: MODEL'),
            (['calibrate', 'one'], '--dev, --temperature or --reset must be given'),
            (['calibrate', 'one', '--reset', '--temperature', '2'], 'exclude each other'),
            (['calibrate', 'one', '--temperature', '0'], 'a number from 0.001 to 1000'),
            (['bench', '--engine', 'native,magic'], "'native,magic'"),
            (['bench', '--engine', 'native,torch,native'], 'one or two of'),
            (['bench', '--words', '5'], 'go together'),
            (['bench', '--words', '9', '--pad', '8'], 'go together'),
            (['bench', '--batch', '100000', '--length', '60000'], 'beyond'),
            (['optimize', 'one'], 'missing argument: SRC DST'),
            (['optimize', 'one', 'one'], 'SRC and DST are the same file'),
            (['optimize', 'one', 'two'], "DST 'two' does not end in .safetensors"),
            (['optimize', 'one', 'two.safetensors', '--batch', '0'], 'from 1 to'),
            (['publish', 'one'], 'missing argument: SRC DIR/NAME/VERSION'),
            (['key'], 'missing argument: NAME'),
            (['verify'], 'missing argument: MODEL'),
            (['verify', 'one', 'two'], "unexpected argument 'two'"),
        ]
        for arguments, says in cases:
            with self.subTest(arguments=arguments):
                done = self.bad(cli.run(*arguments), 2, says)
                self.assertEqual(done.stdout, b'')

    def test_spellings(self):
        for spelling in (['--max-length', '3'], ['--max-length=3'], ['--max_length=3']):
            done = self.good(self.run_model('predict', '--json', 'a b c d', *spelling))
            self.assertIn('truncated', cli.json_lines(done.stdout)[0]['flags'])

    def test_double_dash_ends_options(self):
        done = self.good(self.run_model('predict', '--json', '--', '--json', '-', '--'))
        self.assertEqual(len(cli.json_lines(done.stdout)), 3)


class DefaultModel(cli.Case):
    def test_environment_names_the_model(self):
        env = {'SENTIMENT_MODEL': self.model}
        self.good(cli.run('info', '--json', env=env))
        self.bad(cli.run('info', env={'SENTIMENT_MODEL': self.path('nothing')}), 1, 'nothing')
        self.good(cli.run('info', '--model', self.model, '--json',
                          env={'SENTIMENT_MODEL': self.path('nothing')}))

    def copy_library(self, folder):
        """The environment in which the command takes a copy of the library."""
        os.makedirs(self.path(folder), exist_ok=True)
        library = os.path.join(os.path.dirname(cli.TOOL), 'libsentiment.so.0')
        shutil.copy(library, self.path(folder))
        return {'LD_LIBRARY_PATH': self.path(folder), 'SENTIMENT_MODEL': ''}

    def test_error_names_every_place(self):
        library = self.copy_library('alone')
        tool = shutil.copy(cli.TOOL, self.path('alone/sentiment'))
        done = self.bad(cli.run('info', program=tool, env=library), 1, '--model')
        for place in ('$SENTIMENT_MODEL', 'models/sentiment-en.safetensors',
                      '../share/sentiment/sentiment-en.safetensors', self.path('alone')):
            self.assertIn(place.encode(), done.stderr)

    def test_model_beside_the_library_and_installed(self):
        for folder, model in (('beside', 'beside/models'), ('prefix/lib', 'prefix/share/sentiment'),
                              ('usr/lib/x', 'usr/share/sentiment')):
            library = self.copy_library(folder)
            tool = shutil.copy(cli.TOOL, self.path('alone-' + folder.replace('/', '-')))
            os.makedirs(self.path(model))
            shutil.copy(self.model, self.path(model + '/sentiment-en.safetensors'))
            done = self.good(cli.run('info', '--json', program=tool, env=library))
            self.assertEqual(cli.json_lines(done.stdout)[0]['vocab_size'], 60)

    @unittest.skipUnless(os.path.exists(cli.BUNDLED), 'no bundled model in this build')
    def test_bundled_model_works_from_anywhere(self):
        done = subprocess.run([*cli.COMMAND, 'predict', '--json', 'I love this product!'], cwd='/',
                              env={'PATH': '/usr/bin'}, stdout=subprocess.PIPE)
        self.assertEqual(cli.json_lines(done.stdout)[0]['label'], 'positive')


class BrokenOutput(cli.Case):
    @unittest.skipUnless(os.path.exists('/dev/full'), 'no /dev/full')
    def test_full_disk_is_1_with_a_message(self):
        for arguments in (['--help'], ['predict', '--model', self.model, 'text'],
                          ['info', '--model', self.model]):
            with open('/dev/full', 'wb') as full:
                done = subprocess.run([*cli.COMMAND, *arguments], stdout=full,
                                      stderr=subprocess.PIPE)
            self.bad(done, 1, 'standard output: ')

    def test_closed_pipe_is_1_and_quiet(self):
        process = subprocess.Popen([*cli.COMMAND, 'predict', '--model', self.model],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.close()
        for step in (lambda: process.stdin.write(b'word_1\n' * 50000), process.stdin.close):
            try:
                step()
            except BrokenPipeError:
                pass
        self.assertEqual(process.stderr.read(), b'')
        process.stderr.close()
        self.assertEqual(process.wait(60), 1)


if __name__ == '__main__':
    cli.main()
