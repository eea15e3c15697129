# SPDX-License-Identifier: Apache-2.0
"""Model: the class that users load and ask."""
from __future__ import annotations

import os
import weakref
from ctypes import byref
from time import perf_counter
from types import TracebackType
from typing import (TYPE_CHECKING, Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Type,
                    Union, overload)

from . import _batch, _ffi, _handles, _options, _texts, errors
from ._batch import Batch
from ._cancel import Cancel
from ._library import Opened, library
from ._pool import Pool, Seat, abandon
from ._result import FLAG_NAMES, Contribution, Explanation, Info, Result, SessionInfo, Tokens
from ._stream import Stream

#: What can be loaded: a path, or the bytes of a file.
Source = Union[_options.Path, bytes, bytearray, memoryview]


class Model:
    """A loaded model. Any number of threads may use one at the same time.

    It is immutable: copies are the same object. It can be pickled if it was loaded by
    path: then the absolute path travels, and the model is loaded again where it arrives.
    """

    __slots__ = ('_pool', '_labels', '_info', '_origin', '_settings', '_final', '__weakref__')

    _pool: Pool
    _labels: Tuple[str, ...]
    _info: Info
    #: The path that was loaded, None for the default model, or _MEMORY.
    _origin: Any
    _settings: Dict[str, Any]
    _final: Any

    if TYPE_CHECKING:
        def __init__(self) -> None: ...  # so that arguments are a mistake there, too
    else:
        def __init__(self, *_: Any, **__: Any) -> None:
            raise TypeError('use Model.load(path) or Model.default()')

    @classmethod
    def _make(cls, lib: Opened, handle: int, origin: Any, settings: Dict[str, Any],
              kept: Any) -> Model:
        """Wraps a handle, which it owns from here on."""
        given = {name: settings[name] for name in _SESSION_SETTINGS}
        try:
            options = _options.session_options(**given)
            info = _handles.describe(lib, handle)
            model = object.__new__(cls)
            model._pool = Pool(lib, handle, options, info.num_classes, kept)
        except BaseException:
            lib.sentiment_model_free(handle)
            raise
        model._info = info
        model._labels = info.labels
        model._origin = origin
        model._settings = settings
        model._final = weakref.finalize(model, abandon, model._pool)
        model._final.atexit = False
        # What cannot run shows now, not with the first text.
        model._pool.with_seat(lambda seat: None)
        return model

    @classmethod
    def load(cls, source: Source, *, engine: Union[str, _ffi.Engine] = 'auto',
             precision: Union[str, _ffi.Precision] = 'default', threads: int = 1,
             isa: Union[str, _ffi.Isa] = 'auto', max_length: int = 0,
             padding: Union[str, _ffi.Padding] = 'default', errors: str = 'strict',
             device: Optional[str] = None, digest: bool = False, mmap: bool = False,
             allow_missing_crc: bool = False, fold_bytes: int = 0, temperature: float = 0,
             log: Optional[_options.Log] = None, cancel: Optional[Cancel] = None) -> Model:
        """Loads a model.

        source: the path of a file or folder, or the bytes of a native file.
        engine: 'auto', 'native' or 'torch'.
        precision: 'default' (of the model's own weights), 'fp32' or 'int8'.
        threads: that share a batch or a long text; 0: all that this process may use.
        isa: the best instruction set that may be used: 'auto', 'c', 'avx2', ...
        max_length: tokens used of a text; 0: as the model says.
        padding: 'default' (as the model says), 'none' or 'max_length'.
        errors: 'strict', or 'replace' to read what is not UTF-8 as U+FFFD.
        device: of the torch engine: 'cpu', 'cuda' or 'cuda:N'.
        digest: compute the SHA-256 of the file, for info and for what is saved.
        mmap: map the file instead of reading it; it must then never change.
        allow_missing_crc: accept archives whose writer left out the checksums.
        fold_bytes: memory for prepared input projections; 0: 48 MiB.
        temperature: divides the logits before softmax, in place of that of the model, which
            0 leaves.
        log: called with a sentiment.LogLevel and a message; must not use the model.
        cancel: ends the loading early.
        """
        settings = {'engine': engine, 'precision': precision, 'threads': threads, 'isa': isa,
                    'max_length': max_length, 'padding': padding, 'errors': errors,
                    'device': device, 'digest': digest, 'mmap': mmap,
                    'allow_missing_crc': allow_missing_crc, 'fold_bytes': fold_bytes,
                    'temperature': temperature, 'log': log}
        return cls._load(source, settings, cancel)

    @classmethod
    def default(cls, **options: Any) -> Model:
        """Loads the model to use when nobody names one: that of $SENTIMENT_MODEL, else the
        bundled one. Takes the options of load()."""
        cancel = options.pop('cancel', None)
        unknown = set(options) - set(_DEFAULTS)
        if unknown:
            raise TypeError('unknown options: ' + ', '.join(sorted(unknown)))
        return cls._load(_DEFAULT, dict(_DEFAULTS, **options), cancel)

    @classmethod
    def _load(cls, source: Any, settings: Dict[str, Any], cancel: Optional[Cancel]) -> Model:
        """The way of load() and default()."""
        _options.session_options(**{name: settings[name] for name in _SESSION_SETTINGS})
        kept = None if settings['log'] is None else _options.thunk(settings['log'])
        how = _options.model_options(kept, settings['digest'], settings['mmap'],
                                     settings['allow_missing_crc'], settings['temperature'],
                                     cancel)
        lib = library()
        if source is _DEFAULT:
            handle, origin = _handles.load_file(lib, _handles.find_default(lib), how), None
        elif isinstance(source, (str, os.PathLike)):
            place = _options.path_bytes(source)
            # Whoever is sent a pickle may be in another folder.
            origin = os.path.abspath(source)
            handle = _handles.load_file(lib, place, how)
        else:
            data = _file_bytes(source)
            handle, origin, kept = _handles.load_memory(lib, data, how), _MEMORY, (kept, data)
        return cls._make(lib, handle, origin, settings, kept)

    # ------------------------------------------------------------ predictions

    def predict(self, text: Union[str, bytes], max_length: int = 0) -> Result:
        """Classifies one text. max_length: tokens used of it; 0: the model's."""
        if type(text) is str:
            data = text.encode('utf-8', 'surrogatepass')
        elif type(text) is bytes:
            data = text
        else:
            data = _texts.as_bytes(text)
        if type(max_length) is not int or max_length:
            max_length = _batch.check_max_length(max_length)
        pool = self._pool
        # This is pool.with_seat(), without the call.
        seat = None
        try:
            try:
                seat = pool.idle.pop()
            except IndexError:
                seat = pool.make()
            result, probabilities, logits, error = seat.arguments
            started = perf_counter()
            status = pool.lib.predict(seat.address, data, len(data), max_length, result,
                                      probabilities, logits, error)
            seconds = perf_counter() - started
            if status:
                raise errors.of(seat.error)
            values = seat.unpack(seat.memory)
        finally:
            if seat is not None:
                pool.idle.append(seat)
            if pool.closed:
                pool.drain()
        behind = 5 + pool.classes
        return Result(values[0], self._labels[values[0]], values[1], values[5:behind],
                      values[behind:], seconds, values[3], values[4], FLAG_NAMES[values[2] & 7])

    @overload
    def predict_batch(self, texts: Iterable[Union[str, bytes]],
                      max_length: Union[int, Sequence[int]] = 0, *,
                      cancel: Optional[Cancel] = None) -> Batch[Result]: ...

    @overload
    def predict_batch(self, texts: Any, max_length: Union[int, Sequence[int]] = 0, *,
                      cancel: Optional[Cancel] = None) -> Batch[Optional[Result]]: ...

    def predict_batch(self, texts: Any, max_length: Union[int, Sequence[int]] = 0, *,
                      cancel: Optional[Cancel] = None) -> Any:
        """Classifies many texts; each answer is to the bit that of predict().

        texts: an iterable of str or bytes, a NumPy array of strings, or anything with the
        Arrow PyCapsule interface: pyarrow, polars, pandas 3. None and null are missing
        texts. NumPy and Arrow arrays are taken whole, without a Python object a text.
        max_length: for all texts, or a sequence of one number for each.
        cancel: ends the work early, with CancelledError.
        """
        columns, seconds = _batch.run(self._pool, texts, max_length, cancel)
        return Batch(columns, self._labels, seconds)

    def explain(self, text: Union[str, bytes], max_length: int = 0) -> Explanation:
        """Classifies one text and tells what each token added to each logit.

        Offsets are those of bytes in the text's UTF-8, as the command tells them.
        """
        data = _texts.as_bytes(text)
        limit = _batch.check_max_length(max_length)
        pool = self._pool
        classes = pool.classes

        def ask(seat: Seat) -> Any:
            started = perf_counter()
            if pool.lib.predict(seat.address, data, len(data), limit, *seat.arguments):
                raise errors.of(seat.error)
            values = seat.unpack(seat.memory)
            told = _handles.explain(pool.lib, seat.address, data, limit, seat.arguments[0],
                                    classes)
            return values, told, perf_counter() - started
        values, (bias, parts, starts, ends, count), seconds = pool.with_seat(ask)
        made = Explanation(values[0], self._labels[values[0]], values[1], values[5:5 + classes],
                           values[5 + classes:], seconds, values[3], values[4],
                           FLAG_NAMES[values[2] & 7])
        made.bias = bias
        made.contributions = tuple(
            Contribution(data[starts[i]:ends[i]].decode('utf-8', 'replace'), starts[i], ends[i],
                         tuple(parts[classes * i:classes * (i + 1)])) for i in range(count))
        return made

    def stream(self, max_length: int = 0) -> Stream:
        """A text that arrives in pieces. Only for networks that run forwards, on the native
        engine: UnsupportedError."""
        return Stream(self, self._pool, self._labels, _batch.check_max_length(max_length))

    def tokenize(self, text: Union[str, bytes]) -> Tokens:
        """The tokens of a text, neither truncated nor padded. Offsets are those of bytes in
        the text's UTF-8, as the command tells them."""
        data = _texts.as_bytes(text)
        pool = self._pool
        return pool.with_handle(lambda handle: _handles.tokenize(
            pool.lib, pool.get_tokenizer(handle), data, pool.options.utf8_policy,
            self._info.tokenizer == 'huggingface'))

    # ------------------------------------------------------------ the model

    @property
    def info(self) -> Info:
        """What the model is, as `sentiment info --json` tells it."""
        if self._pool.closed:
            raise self._pool.refuse()
        return self._info

    @property
    def labels(self) -> Tuple[str, ...]:
        """Names of the classes, in their order."""
        return self.info.labels

    @property
    def session_info(self) -> SessionInfo:
        """What predictions run on: engine, instruction set, threads."""
        pool = self._pool
        return pool.with_seat(
            lambda seat: _handles.describe_session(pool.lib, seat.address))

    def save(self, path: _options.Path, format: Union[str, _ffi.Format] = 'auto', *,
             metadata: Optional[Mapping[str, str]] = None,
             lineage: Optional[Mapping[str, Any]] = None, opset: int = 0,
             cancel: Optional[Cancel] = None) -> None:
        """Saves the model; a failure leaves what was there.

        format: 'auto' (by the name), 'safetensors', 'folder' or 'onnx'.
        metadata: strings that join the model's metadata.
        lineage: an object that joins its history, such as {'action': 'convert'}.
        opset: of an ONNX model, 11 to 20; 0: 17.
        """
        place = _options.path_bytes(path)
        options = _options.save_options(format, metadata, lineage, opset, cancel)
        pool = self._pool
        error = _handles.new_error()
        if pool.with_handle(lambda handle: pool.lib.sentiment_model_save(
                handle, place, byref(options), byref(error))):
            raise errors.of(error)

    def quantize(self) -> Model:
        """A new model of the same network in int8, a quarter of the size. It has the same
        options, but for precision, engine and device, which are those that int8 has; save()
        it to keep it."""
        pool = self._pool
        # The engine that was asked for may be one that has no int8.
        settings = dict(self._settings, precision='default', engine='auto', device=None)
        kept = None if settings['log'] is None else _options.thunk(settings['log'])
        how = _options.model_options(kept, False, False, False, 0, None)
        made = pool.with_handle(lambda handle: _handles.quantize(pool.lib, handle, how))
        return Model._make(pool.lib, made, _MEMORY, settings, kept)

    def close(self) -> None:
        """Waits for the calls in flight, closes the streams, and frees the model. Every
        later call raises ClosedError. More than once is fine."""
        self._pool.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._pool.closed

    def __enter__(self) -> Model:
        if self._pool.closed:
            raise self._pool.refuse()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: Any) -> Model:
        return self

    def __reduce__(self) -> Tuple[Any, ...]:
        if self._pool.closed:
            raise self._pool.refuse()
        if self._origin is _MEMORY:
            raise TypeError('a model that was not loaded by path cannot be pickled: save() it, '
                            'and load it from there')
        return _restore, (self._origin, self._settings)

    def __repr__(self) -> str:
        if self._pool.closed:
            return '<sentiment.Model, closed>'
        name = self._info.metadata.get('name', self._info.format)
        return '<sentiment.Model %s, %s>' % (name, '/'.join(self._labels))


_MEMORY = object()
_DEFAULT = object()
_SESSION_SETTINGS = ('engine', 'precision', 'threads', 'isa', 'max_length', 'padding', 'errors',
                     'device', 'fold_bytes')
_DEFAULTS: Dict[str, Any] = {
    'engine': 'auto', 'precision': 'default', 'threads': 1, 'isa': 'auto', 'max_length': 0,
    'padding': 'default', 'errors': 'strict', 'device': None, 'digest': False, 'mmap': False,
    'allow_missing_crc': False, 'fold_bytes': 0, 'temperature': 0, 'log': None}


def _file_bytes(source: Any) -> bytes:
    """The bytes of a file, from any object with a buffer."""
    if isinstance(source, bytes):
        return source
    try:
        return bytes(memoryview(source))
    except TypeError:
        raise TypeError('a model is loaded from a path or from bytes, not from %s'
                        % type(source).__name__) from None


def _restore(origin: Optional[str], settings: Dict[str, Any]) -> Model:
    """Where a pickled model arrives."""
    return Model._load(_DEFAULT if origin is None else origin, settings, None)


def convert(source: Source, target: _options.Path, *,
            format: Union[str, _ffi.Format] = 'auto', opset: int = 0,
            metadata: Optional[Mapping[str, str]] = None, allow_missing_crc: bool = False,
            cancel: Optional[Cancel] = None) -> None:
    """Converts a model between a guide folder, .safetensors and .onnx, as the command
    `sentiment convert` does, but without golden vectors and the ONNX checker."""
    settings = dict(_DEFAULTS, digest=True, allow_missing_crc=allow_missing_crc)
    with Model._load(source, settings, cancel) as model:
        model.save(target, format, metadata=metadata, lineage={'action': 'convert'},
                   opset=opset, cancel=cancel)
