# SPDX-License-Identifier: Apache-2.0
"""Loading, describing, saving and converting models; what does not load."""
import copy
import json
import math
import os
import pathlib
import pickle
import unittest
from unittest import mock

import sentiment
from sentiment import _options

import support


class LoadTest(support.Case):
    """Where a model may come from."""

    def test_paths(self):
        """str, PathLike, a folder, a path that is no UTF-8."""
        tiny, folder = self.tiny(), self.folder()
        answer = self.load(tiny).predict('word_1')
        self.assertEqual(self.load(pathlib.Path(tiny)).predict('word_1'), answer)
        sentiment.convert(tiny, os.path.join(folder, 'guide'))
        self.assertEqual(self.load(os.path.join(folder, 'guide')).predict('word_1').logits,
                         answer.logits)
        odd = os.path.join(folder, os.fsdecode(b'odd\xff.safetensors'))
        os.symlink(tiny, odd)
        self.assertEqual(self.load(odd).predict('word_1'), answer)

    def test_memory(self):
        """Bytes, and anything with a buffer; changing that later changes nothing."""
        path = self.tiny()
        data = pathlib.Path(path).read_bytes()
        answer = self.load(path).predict('word_1 word_2')
        self.assertEqual(self.load(data).predict('word_1 word_2'), answer)
        changing = bytearray(data)
        for source in (changing, memoryview(changing)):
            model = self.load(source)
            changing[:] = bytes(len(data))
            self.assertEqual(model.predict('word_1 word_2'), answer)
            changing[:] = data
        self.assertEqual(self.load(bytes(bytearray(data))).predict('word_1 word_2'), answer)

    def test_default(self):
        """$SENTIMENT_MODEL, else the bundled one, beside the library."""
        with mock.patch.dict(os.environ, SENTIMENT_MODEL=''):
            with sentiment.Model.default() as model:
                self.assertEqual(model.info.metadata['name'], 'sentiment-en')
        status, out, err = support.script(
            'import sentiment; print(sentiment.Model.default(threads=2).labels)',
            SENTIMENT_MODEL=self.tiny(2))
        self.assertEqual((status, out.strip(), err), (0, "('0', '1')", ''))
        status, _, err = support.script('import sentiment; sentiment.Model.default()',
                                        SENTIMENT_MODEL='/nowhere/model')
        self.assertIn('NotFoundError: /nowhere/model', err)
        self.assertEqual(status, 1)
        with self.assertRaisesRegex(TypeError, 'enginge'):
            sentiment.Model.default(enginge='native')

    def test_constructor(self):
        """There is another way."""
        with self.assertRaisesRegex(TypeError, r'Model\.load'):
            sentiment.Model()
        with self.assertRaisesRegex(TypeError, r'Model\.load'):
            sentiment.Model('path')
        with self.assertRaisesRegex(TypeError, r'Model\.load'):
            sentiment.Model(path='path', threads=2)

    def test_missing(self):
        """No file."""
        with self.assertRaises(FileNotFoundError) as caught:
            sentiment.Model.load('/nowhere/model.safetensors')
        self.assertIsInstance(caught.exception, sentiment.NotFoundError)
        self.assertEqual(caught.exception.code, sentiment.Status.NOT_FOUND)
        self.assertIn('/nowhere/model.safetensors', str(caught.exception))

    def test_broken(self):
        """Files that are no models."""
        folder = pathlib.Path(self.folder())
        data = pathlib.Path(self.tiny()).read_bytes()
        (folder / 'text').write_bytes(b'this is not a model')
        (folder / 'cut.safetensors').write_bytes(data[:len(data) // 2])
        (folder / 'empty').write_bytes(b'')
        for source in (folder / 'text', folder / 'cut.safetensors', folder / 'empty',
                       b'', b'this is not a model', data[:100], data[:-1]):
            with self.assertRaises(sentiment.SentimentError) as caught:
                sentiment.Model.load(source)
            self.assertIn(caught.exception.code, (sentiment.Status.BAD_MODEL,
                                                  sentiment.Status.UNSUPPORTED,
                                                  sentiment.Status.INVALID_ARGUMENT))
            self.assertTrue(caught.exception.message)

    def test_wrong_types(self):
        """Things that are neither path nor bytes."""
        for wrong in (None, 7, object(), ['a']):
            with self.assertRaisesRegex(TypeError, 'a path or from bytes'):
                sentiment.Model.load(wrong)
        with self.assertRaises(sentiment.InvalidArgumentError):
            sentiment.Model.load('a\0b')

    def test_options(self):
        """Each does what it says."""
        model = self.load(precision='int8', isa='c', threads=2, max_length=7, padding='max_length',
                          engine='native', digest=True, mmap=True, fold_bytes=1 << 20)
        told = model.session_info
        self.assertEqual((told.engine, told.precision, told.isa, told.threads, told.max_length,
                          told.padding), ('native', 'int8', 'c', 2, 7, 'max_length'))
        self.assertEqual(len(model.info.sha256), 64)
        self.assertEqual(self.load(precision=sentiment.Precision.INT8).session_info.precision,
                         'int8')
        self.assertEqual(self.load(threads=0).session_info.threads, len(os.sched_getaffinity(0)))

    def test_wrong_options(self):
        """Values that no option has."""
        for wrong in ({'engine': 'onnx'}, {'precision': 'fp16'}, {'isa': 'mmx'},
                      {'padding': 'left'}, {'errors': 'ignore'}, {'threads': -1},
                      {'max_length': -1}, {'max_length': 65537}, {'engine': 77},
                      {'fold_bytes': 2**64}, {'threads': 2**32}, {'engine': 2**32 + 1},
                      {'temperature': -1}, {'temperature': math.inf}, {'temperature': math.nan},
                      {'precision': 2**32}, {'isa': -2**32}, {'padding': 2**64},
                      {'engine': 'torch', 'device': 'cpu\0x'}):
            with self.assertRaises(sentiment.InvalidArgumentError, msg=wrong):
                sentiment.Model.load(support.BUNDLED, **wrong)
        for wrong in ({'engine': None}, {'threads': '2'}, {'max_length': 1.5}, {'device': 7},
                      {'cancel': True}, {'threads': False}, {'max_length': True},
                      {'fold_bytes': True}, {'engine': True}, {'temperature': '2'},
                      {'temperature': True},
                      {'engine': sentiment.Precision.INT8}):
            with self.assertRaises(TypeError, msg=wrong):
                sentiment.Model.load(support.BUNDLED, **wrong)
        with self.assertRaisesRegex(sentiment.InvalidArgumentError,
                                    "engine is 'onnx'; expected one of auto, native, torch"):
            sentiment.Model.load(support.BUNDLED, engine='onnx')

    def test_temperature(self):
        """Labels and logits stay, probabilities do not."""
        text = 'a fine day, more or less'
        flat, plain = self.load(temperature=2), self.load()
        after, before = flat.predict(text), plain.predict(text)
        self.assertEqual((flat.info.temperature, plain.info.temperature), (2, 1))
        self.assertEqual((after.label, after.logits), (before.label, before.logits))
        self.assertLess(after.confidence, before.confidence)
        weights = [math.exp(logit / 2) for logit in after.logits]
        for weight, probability in zip(weights, after.probabilities):
            self.assertAlmostEqual(weight / sum(weights), probability, places=6)
        with flat.quantize() as small:
            self.assertEqual(small.info.temperature, 2)

    def test_engine_missing(self):
        """A library without its plugin, at loading and not later."""
        code = ('import sentiment\n'
                'try: sentiment.Model.load(%r, engine="torch", device="cuda:99")\n'
                'except sentiment.EngineUnavailableError as e: print(e.code.name)'
                % support.BUNDLED)
        self.assertEqual(support.script(code, SENTIMENT_PLUGIN_PATH='/nowhere')[1].strip(),
                         'ENGINE_UNAVAILABLE')

    def test_cancel(self):
        """A token that is set ends the loading."""
        with sentiment.Cancel() as token:
            self.assertIn('not requested', repr(token))
        self.assertTrue(token.requested())
        with self.assertRaises(sentiment.CancelledError):
            sentiment.Model.load(support.BUNDLED, cancel=token)


class InfoTest(support.Case):
    """What a model says of itself."""

    def test_as_the_command(self):
        """Every field of the JSON."""
        told, = support.command_json('info', '--json', '--model', support.BUNDLED)
        model = self.load(digest=True)
        self.assertEqual(model.info.to_dict(), told)
        self.assertEqual(list(model.labels), told['labels'])
        self.assertIn('sentiment-en', repr(model))
        with self.assertRaises(AttributeError):
            model.info.labels = ()

    def test_version(self):
        """Of the library, and of the package, which go together."""
        self.assertEqual(support.command('--version').split()[-1], sentiment.version())
        self.assertEqual(sentiment.__version__, sentiment.version())
        self.assertEqual(os.path.realpath(sentiment.library_path()),
                         os.path.realpath(support.LIBRARY))


class SaveTest(support.Case):
    """Formats, metadata, int8."""

    def test_formats(self):
        """By the name or as told; the same answers."""
        model, folder = self.load(self.tiny()), self.folder()
        answer = model.predict('word_1 word_2')
        for name, options in (('a.safetensors', {}), ('folder', {}), ('b.onnx', {'opset': 14}),
                              ('c', {'format': 'safetensors'}),
                              ('d', {'format': sentiment.Format.ONNX})):
            path = pathlib.Path(folder, name)
            model.save(path, **options)
            self.assertEqual(path.is_dir(), name == 'folder')
            self.assertEqual(self.load(path).predict('word_1 word_2').logits, answer.logits)

    def test_metadata(self):
        """Strings, and a step of history."""
        path = os.path.join(self.folder(), 'a.safetensors')
        self.load(self.tiny()).save(path, metadata={'name': 'mine', 'note': 'é"'},
                                    lineage={'action': 'test'})
        told = self.load(path).info.metadata
        self.assertEqual((told['name'], told['note']), ('mine', 'é"'))
        self.assertIn('"action":"test"', told['lineage'].replace(' ', ''))
        self.assertIn('mine', repr(self.load(path)))

    def test_wrong(self):
        """What cannot be saved, and where."""
        model, folder = self.load(self.tiny()), self.folder()
        for path, options in (('a.onnx', {'opset': 99}), ('a', {'format': 'zip'}),
                              ('a', {'metadata': {'x': 7}}), ('a', {'metadata': {'x': object()}}),
                              ('a\0', {}), ('a', {'lineage': 7})):
            with self.assertRaises((sentiment.SentimentError, TypeError), msg=(path, options)):
                model.save(os.path.join(folder, path), **options)
        with self.assertRaises(OSError):
            model.save('/nowhere/at/all.safetensors')
        with self.assertRaises(TypeError):
            model.save(7.5)
        self.assertEqual(os.listdir(folder), [])

    def test_convert(self):
        """As the command does it."""
        folder = self.folder()
        target = os.path.join(folder, 'b.safetensors')
        sentiment.convert(self.tiny(), target, metadata={'name': 'b'})
        with self.load(target) as model:
            self.assertIn('convert', model.info.metadata['lineage'])
            self.assertIn('parent_sha256', model.info.metadata['lineage'])
        with self.assertRaises(sentiment.NotFoundError):
            sentiment.convert(os.path.join(folder, 'nothing'), target)

    def test_quantize(self):
        """A model in int8, as `optimize` makes it."""
        model = self.load()
        small = model.quantize()
        self.addCleanup(small.close)
        self.assertEqual(small.info.precision, 'int8')
        path = os.path.join(self.folder(), 'small.safetensors')
        small.save(path)
        self.assertLess(os.path.getsize(path), os.path.getsize(support.BUNDLED) / 3)
        again = self.load(path)
        self.assertEqual(again.predict('not bad').logits, small.predict('not bad').logits)
        with self.assertRaises(sentiment.SentimentError):
            small.quantize()
        model.close()
        self.assertEqual(small.predict('good').label, 'positive')

    def test_quantize_torch(self):
        """int8 runs on the native engine, whatever the model was asked to run on."""
        model = self.load()
        model._settings.update(engine='torch', device='cuda:99')
        with model.quantize() as small:
            self.assertEqual(small.session_info.engine, 'native')


class CopyTest(support.Case):
    """Pickles and copies."""

    def test_pickle(self):
        """By path, with the options."""
        tiny = self.tiny()
        model = self.load(pathlib.Path(tiny), max_length=3, errors='replace')
        again = pickle.loads(pickle.dumps(model))
        self.addCleanup(again.close)
        self.assertIsNot(again, model)
        self.assertEqual(again.session_info, model.session_info)
        self.assertEqual(again.predict(b'word_1 \xff'), model.predict(b'word_1 \xff'))

    def test_pickle_elsewhere(self):
        """A relative path is meant from where the model was loaded."""
        folder, name = os.path.split(self.tiny())
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(folder)
        model = self.load(name)
        os.chdir(here)
        with pickle.loads(pickle.dumps(model)) as again:
            self.assertEqual(again.predict('word_1'), model.predict('word_1'))

    def test_pickle_default(self):
        """The default model is that of where it arrives."""
        with mock.patch.dict(os.environ, SENTIMENT_MODEL=support.BUNDLED):
            with sentiment.Model.default() as model:
                data = pickle.dumps(model)
        with mock.patch.dict(os.environ, SENTIMENT_MODEL=self.tiny(2)):
            with pickle.loads(data) as again:
                self.assertEqual(len(again.labels), 2)

    def test_pickle_from_memory(self):
        """There is no path to go by."""
        data = pathlib.Path(self.tiny()).read_bytes()
        with self.assertRaisesRegex(TypeError, r'save\(\)'):
            pickle.dumps(self.load(data))
        with self.assertRaises(TypeError):
            pickle.dumps(self.load(self.tiny()).quantize())

    def test_copies(self):
        """A model is immutable: the same one does."""
        model = self.load(self.tiny())
        self.assertIs(copy.copy(model), model)
        self.assertIs(copy.deepcopy([model])[0], model)


class LogTest(support.Case):
    """Messages of the library."""

    def odd_file(self):
        """A native file with a tensor that means nothing, told of with a warning."""
        data = pathlib.Path(self.tiny()).read_bytes()
        size = int.from_bytes(data[:8], 'little')
        header = json.loads(data[8:8 + size])
        end = len(data) - 8 - size
        header['stranger'] = {'dtype': 'F32', 'shape': [1], 'data_offsets': [end, end + 4]}
        for key in ('data_crc32', 'data_sha256'):
            header['__metadata__'].pop(key, None)
        text = json.dumps(header).encode()
        text += b' ' * (-len(text) % 8)
        return len(text).to_bytes(8, 'little') + text + data[8 + size:] + bytes(4)

    def test_log(self):
        """Levels and lines."""
        heard = []
        self.load(self.odd_file(), log=lambda level, text: heard.append((level, text)))
        self.assertEqual([level for level, _ in heard], [sentiment.LogLevel.WARNING])
        self.assertIn('stranger', heard[0][1])

    def test_unknown_level(self):
        """A level of a later library is its number."""
        heard = []
        thunk = _options.thunk(lambda level, text: heard.append((level, text)))
        thunk(None, 77, b'text')
        self.assertEqual(heard, [(77, 'text')])

    def test_log_that_raises(self):
        """It is reported, and the loading goes on."""
        path = pathlib.Path(self.folder(), 'odd.safetensors')
        path.write_bytes(self.odd_file())
        code = ('import sentiment\n'
                'def log(level, text): raise ValueError("mine")\n'
                'print(sentiment.Model.load(%r, log=log).labels)' % str(path))
        status, out, err = support.script(code)
        self.assertEqual((status, out.strip()), (0, "('0', '1', '2')"))
        self.assertIn('mine', err)


if __name__ == '__main__':
    unittest.main()
