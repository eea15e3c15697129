# SPDX-License-Identifier: Apache-2.0
"""Finding and checking the library; the layouts that it and this package agree on."""
import copy
import ctypes
import os
import pickle
import shutil
import struct
import subprocess
import unittest

import sentiment
from sentiment import _ffi, errors
from sentiment._batch import _FORM
from sentiment._pool import Seat
from sentiment._result import FailedResult

import support

ASK = '''
import sentiment
try:
    print(sentiment.version())
except sentiment.SentimentError as problem:
    print(type(problem).__name__, problem.code.name, isinstance(problem, ImportError))
    print(problem)
'''


class FindTest(support.Case):
    """Where the library is looked for, and which one is taken."""

    def fake(self, **functions):
        """A library of our own making."""
        compiler = shutil.which('cc') or shutil.which('gcc')
        if not compiler:
            self.skipTest('no C compiler')
        folder = self.folder()
        source = os.path.join(folder, 'fake.c')
        with open(source, 'w', encoding='ascii') as file:
            for name, body in functions.items():
                file.write('%s { return %s; }\n' % (
                    'const char *sentiment_%s(void)' % name if body.startswith('"')
                    else 'int sentiment_%s(void)' % name, body))
        made = os.path.join(folder, 'libsentiment.so.0')
        subprocess.run([compiler, '-shared', '-fPIC', '-o', made, source], check=True)
        return made

    def refused(self, path):
        """What is said of a library that does not fit."""
        status, out, err = support.script(ASK, SENTIMENT_LIBRARY=path)
        self.assertEqual((status, err), (0, ''))
        self.assertIn(path, out)
        self.assertIn('LibraryVersionError UNSUPPORTED True', out)
        return out

    def test_wrong_abi(self):
        """The number of another interface."""
        path = self.fake(version='"9.1.2"', abi_version='77')
        self.assertIn('libsentiment 9.1.2 has binary interface 77; this package needs 0',
                      self.refused(path))

    def test_too_old(self):
        """A version before that of the header."""
        path = self.fake(version='"0.1.9"', abi_version='0')
        self.assertIn('0.1.9 is too old; this package needs %d.%d or later'
                      % _ffi.MINIMUM_VERSION, self.refused(path))
        self.assertIn('is too old', self.refused(self.fake(version='"what"', abi_version='0')))

    def test_function_missing(self):
        """A version that claims more than it has."""
        path = self.fake(version='"99.0.0"', abi_version='0')
        self.assertIn('sentiment_status_name', self.refused(path))

    def test_another_library(self):
        """Something else altogether."""
        self.assertIn('this is not libsentiment', self.refused(self.fake(else_='1')))

    def test_no_library(self):
        """Every path is told, and why it did not do."""
        status, out, _ = support.script(ASK, SENTIMENT_LIBRARY=None, LD_LIBRARY_PATH=None)
        self.assertEqual(status, 0)
        if 'LibraryNotFoundError' not in out:
            self.skipTest('libsentiment is installed on this machine')
        package = os.path.join(support.PACKAGE, 'sentiment', 'libsentiment.so.0')
        self.assertIn('%s (the package): no such file' % package, out)
        self.assertIn("libsentiment.so.0 (the system's search path): ", out)
        self.assertIn('NOT_FOUND True', out)
        self.assertIn('or set SENTIMENT_LIBRARY to the path of libsentiment.so.0', out)

    def test_named_library(self):
        """What the environment names is taken, or nothing: no other one steps in."""
        folder = os.path.dirname(support.LIBRARY)
        text = os.path.join(self.folder(), 'text')
        with open(text, 'w', encoding='ascii') as file:
            file.write('no library')
        for path, reason in (('/nowhere/lib.so', 'no such file'), (text, 'file too short')):
            _, out, _ = support.script(ASK, SENTIMENT_LIBRARY=path, LD_LIBRARY_PATH=folder)
            self.assertIn('LibraryNotFoundError', out)
            self.assertIn('%s ($SENTIMENT_LIBRARY): ' % path, out)
            self.assertIn(reason, out)

    def test_relative(self):
        """A relative path, and the bundled model beside it, wherever the process goes."""
        code = ('import os, sentiment; print(sentiment.library_path()); os.chdir("/")\n'
                'print(len(sentiment.Model.default().labels))')
        _, out, err = support.script(code, SENTIMENT_LIBRARY=os.path.relpath(support.LIBRARY),
                                     SENTIMENT_MODEL='')
        self.assertEqual((out.split(), err), ([support.LIBRARY, '3'], ''))

    def test_search_path(self):
        """The loader's own search."""
        _, out, _ = support.script(ASK + 'print(sentiment.library_path())', SENTIMENT_LIBRARY=None,
                                   LD_LIBRARY_PATH=os.path.dirname(support.LIBRARY))
        self.assertEqual(out.split(), [sentiment.version(), support.LIBRARY])

    def test_import_without(self):
        """Importing needs no library, using does; a later try may succeed."""
        code = ('import os, sentiment, sentiment._ffi, sentiment.errors\n'
                'try: sentiment.Model.default()\n'
                'except ImportError: print("none")\n'
                'os.environ["SENTIMENT_LIBRARY"] = %r\n'
                'print(sentiment.version())' % support.LIBRARY)
        _, out, _ = support.script(code, SENTIMENT_LIBRARY='/nowhere/lib.so')
        self.assertEqual(out.split(), ['none', sentiment.version()])


    def test_within_itself(self):
        """A signal handler asks for the library while it is being opened."""
        code = ('import sentiment\n'
                'from sentiment import _library\n'
                'opening = _library._open\n'
                'def interrupted():\n'
                '    _library._open = opening\n'
                '    sentiment.version()\n'
                '    return opening()\n'
                '_library._open = interrupted\n'
                'print(sentiment.version())')
        self.assertEqual(support.script(code), (0, sentiment.version() + '\n', ''))


class LayoutTest(unittest.TestCase):
    """What was generated from the header."""

    def test_structs(self):
        """Sizes and offsets are those of C (tests/unit/api compares these with a compiler's)."""
        self.assertGreater(len(_ffi.LAYOUTS), 9)
        for struct_type, (size, offsets) in _ffi.LAYOUTS.items():
            self.assertEqual(ctypes.sizeof(struct_type), size, struct_type.__name__)
            self.assertEqual({name: getattr(struct_type, name).offset
                              for name, *_ in struct_type._fields_}, offsets)

    def test_init_functions(self):
        """The library's own idea of the sizes."""
        lib = sentiment._library.library()
        for name in ('error', 'model_options', 'model_config', 'session_options', 'result',
                     'save_options', 'train_options'):
            made = getattr(_ffi, 'sentiment_' + name)()
            getattr(lib, 'sentiment_%s_init' % name)(ctypes.byref(made))
            self.assertEqual(made.struct_size, ctypes.sizeof(made), name)

    def test_result(self):
        """The format that reads a result at once."""
        seat = Seat(0, 2)
        result = _ffi.sentiment_result.from_buffer(seat.memory)
        result.prediction, result.confidence, result.flags = 1, 0.5, 7
        result.tokens, result.unknown = 2**40, 2**41
        struct.pack_into('=4f', seat.memory, ctypes.sizeof(result), 1, 2, 3, 4)
        self.assertEqual(seat.unpack(seat.memory),
                         (1, 0.5, 7, 2**40, 2**41, 1, 2, 3, 4))

    def test_results(self):
        """The format that reads a result of a batch."""
        self.assertEqual(struct.calcsize(_FORM), ctypes.sizeof(_ffi.sentiment_result))
        result = _ffi.sentiment_result(
            struct_size=48, status=-7, prediction=-1, confidence=0.5, flags=7, reserved=9,
            tokens=2**40, unknown=2**41, error_offset=2**42)
        self.assertEqual(struct.unpack(_FORM, bytes(result)),
                         (-7, -1, 0.5, 7, 2**40, 2**41, 2**42))

    def test_plain_functions(self):
        """Those that take addresses take what the header says, in number and kind."""
        lib = sentiment._library.library()

        def kind(each):
            pointer = each in (ctypes.c_void_p, ctypes.c_char_p) or hasattr(each, 'contents')
            return 'address' if pointer else each
        for plain, name in ((lib.predict, 'session_predict'), (lib.stream_end, 'stream_end'),
                            (lib.predict_batch, 'session_predict_batch'),
                            (lib.stream_feed, 'stream_feed')):
            returned, taken = _ffi.FUNCTIONS['sentiment_' + name]
            self.assertIs(plain.restype, returned, name)
            self.assertEqual(list(map(kind, plain.argtypes)), list(map(kind, taken)), name)

    def test_symbols(self):
        """Every function is there, with its doc."""
        lib = sentiment._library.library()
        for name in _ffi.FUNCTIONS:
            self.assertTrue(getattr(lib, name).__doc__, name)
        self.assertEqual(lib.sentiment_abi_version(), _ffi.ABI_VERSION)


class ErrorTest(unittest.TestCase):
    """One class a status."""

    def test_classes(self):
        """Each status has one; they are what Python calls them too."""
        for status in sentiment.Status:
            if status is sentiment.Status.OK:
                continue
            error = errors.make(status, 'the message', 7)
            self.assertIsNot(type(error), sentiment.SentimentError, status)
            self.assertEqual((error.code, error.message, str(error), error.offset),
                             (status, 'the message', 'the message', 7))
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(again), again.code, again.message, again.offset),
                             (type(error), status, 'the message', 7))
        for code, builtin in ((-1, ValueError), (-2, FileNotFoundError), (-3, OSError),
                              (-4, ValueError), (-7, UnicodeError), (-8, MemoryError)):
            self.assertIsInstance(errors.make(code, ''), builtin)

    def test_unknown(self):
        """A status of a later library."""
        error = errors.make(-99, 'new', _ffi.NO_OFFSET)
        self.assertIs(type(error), sentiment.SentimentError)
        self.assertEqual((str(error), error.offset), ('status -99: new', None))
        for each in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
            self.assertEqual((each.code, str(each)), (-99, 'status -99: new'))
        with self.assertRaises(sentiment.SentimentError) as caught:
            getattr(FailedResult(error), 'label')
        self.assertEqual(caught.exception.code, -99)

    def test_names(self):
        """All of it is public."""
        for name in sentiment.__all__:
            self.assertTrue(hasattr(sentiment, name), name)
        self.assertEqual(sorted(sentiment.__all__), sentiment.__all__)
        for name in errors.__all__:
            self.assertIn(name, sentiment.__all__)


if __name__ == '__main__':
    unittest.main()
