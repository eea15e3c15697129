# SPDX-License-Identifier: Apache-2.0
"""The generator of the bindings: the tree is what the header says, and every kind of
change of the header, or of its comments, is noticed. Needs clang."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GENERATE = os.path.join(ROOT, 'bindings', 'generate.py')
HEADER = os.path.join(ROOT, 'include', 'sentiment', 'sentiment.h')
CANCEL = 'sentiment_cancel_requested(const sentiment_cancel *cancel)'


def generate(header, *arguments):
    """Checks the tree against a header."""
    return subprocess.run([sys.executable, '-B', GENERATE, '--check', '--header', header,
                           *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=100, check=False)


class Generator(unittest.TestCase):
    def changed(self, old, new):
        """The outcome for the header with one thing changed."""
        with open(HEADER, encoding='ascii') as file:
            text = file.read()
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'sentiment.h')
            with open(path, 'w', encoding='ascii') as file:
                file.write(text.replace(old, new, 1))
            return generate(path)

    def differs(self, old, new):
        done = self.changed(old, new)
        self.assertEqual((done.returncode, done.stderr), (1, ''), done.stdout)
        self.assertIn('bindings/api.json: is not what the header says', done.stdout)
        return done.stdout

    def lacks(self, old, new, says):
        done = self.changed(old, new)
        self.assertEqual((done.returncode, done.stdout), (1, ''), done.stderr)
        self.assertIn('sentiment.h: ' + says, done.stderr)

    def test_tree_is_what_the_header_says(self):
        done = generate(HEADER)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_changes_are_noticed(self):
        for old, new in ((CANCEL, CANCEL.replace('const ', '')),
                         ('SENTIMENT_API int32_t sentiment_abi_version',
                          'SENTIMENT_API uint32_t sentiment_abi_version'),
                         ('    float confidence;', '    double confidence;'),
                         ('SENTIMENT_FLAG_TRUNCATED = 2', 'SENTIMENT_FLAG_TRUNCATED = 8'),
                         ('char message[496]', 'char message[495]')):
            self.assertIn('tests/unit/api/generated_abi.h', self.differs(old, new))
        self.differs('Probability of `prediction`.', 'Probability.')

    def test_comments_must_be_complete(self):
        self.lacks('@threadsafe @since 0.1\n * @return the number', '@threadsafe\n * @return the '
                   'number', 'sentiment_abi_version: no @since')
        self.lacks(' * @return the number */', ' */', 'sentiment_abi_version: no @return')
        self.lacks('    /** Probability of `prediction`. */\n', '',
                   'sentiment_result.confidence: no comment')
        self.lacks(' * @param[in] status any value\n', '',
                   'sentiment_status_name: status: no @param')
        self.lacks('@param[in] status any value', '@param status any value',
                   'sentiment_status_name: status: no direction')
        self.lacks('the token @owned', 'the token', 'sentiment_cancel_create: cancel: neither')
        self.lacks('a static string @borrowed static', 'a static string',
                   'sentiment_version: @return: neither')
        self.lacks('"native" or "torch". @borrowed static', '"native" or "torch".',
                   'sentiment_session_info.engine_name: neither')
        self.lacks('    /** Single precision, IEEE 754. */\n', '',
                   'SENTIMENT_PRECISION_FP32: no comment')
        self.lacks('SENTIMENT_ENGINE_NATIVE = 1', 'SENTIMENT_ENGINE_NATIVE',
                   'SENTIMENT_ENGINE_NATIVE: no explicit value')

    def test_what_cannot_be_carried_over_is_told(self):
        end = '#ifdef __cplusplus\nextern "C" {'
        for text, says in (
                ('#define SENTIMENT_X2 0x10\n', 'SENTIMENT_X2: a macro that is no number'),
                ('enum { SENTIMENT_NAMELESS = 1 };\n', 'an enum: a name that does not begin'),
                ('/** F. @since 0.1 */\nSENTIMENT_API void other(void);\n',
                 'other: a name that does not begin with sentiment_')):
            self.lacks(end, text + end, says)
        self.lacks('@param[in] status any value',
                   '@param[in] status any value\n * @param[in] nobody x',
                   'sentiment_status_name: @param of no parameter: nobody')
        self.lacks('@threadsafe @since 0.3', '@threadsafe @since 0.3.1',
                   'sentiment_model_find_default: @since is no')

    def test_callback_without_parameters(self):
        done = self.changed('typedef void (*sentiment_log_fn)(void *user, int32_t level, '
                            'const char *message);', 'typedef void (*sentiment_log_fn)(void);')
        self.assertEqual((done.returncode, done.stderr), (1, ''))

    def test_without_clang(self):
        done = generate(HEADER, '--clang', 'no-such-clang')
        self.assertEqual((done.returncode, done.stdout), (2, ''))
        self.assertIn('no-such-clang', done.stderr)


if __name__ == '__main__':
    if not shutil.which('clang'):
        print('skipped: no clang here')
        sys.exit(77)
    unittest.main()
