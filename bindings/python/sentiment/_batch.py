# SPDX-License-Identifier: Apache-2.0
"""The answers for many texts: kept as the library wrote them, read when asked for."""
from __future__ import annotations

import ctypes
import struct
import time
from array import array
from bisect import bisect_right
from functools import partial
from operator import index as as_index
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union, overload

from . import _cancel, _ffi, _numpy, _options, _texts, errors
from ._library import library
from ._pool import Pool, Seat
from ._result import FLAG_NAMES, FailedResult, Result
from .errors import SentimentError

#: status, prediction, confidence, flags, tokens, unknown, error_offset.
_FORM = '=4xiifI4xQQQ'
_SIZE = ctypes.sizeof(_ffi.sentiment_result)
_RESULT = _ffi.sentiment_result
#: Texts, and bytes of texts, that go to the library at once: in between, Ctrl-C is heard.
CHUNK = 16384
CHUNK_BYTES = 1 << 20

T_co = TypeVar('T_co', covariant=True)


def reason(status: int, offset: int) -> SentimentError:
    """Why a text has no answer, in the words of the command."""
    name = (library().sentiment_status_name(status) or b'').decode('ascii', 'replace')
    if offset != _ffi.NO_OFFSET:
        name += ' at byte %d' % offset
    return errors.make(status, name, offset)


class Columns:
    """The memory of answers: structs, probabilities and logits, all of them our own."""

    __slots__ = ('count', 'classes', 'results', 'probabilities', 'logits', 'missing')

    def __init__(self, count: int, classes: int) -> None:
        self.count = count
        self.classes = classes
        self.results = bytearray(_SIZE * count)
        self.probabilities = bytearray(4 * classes * count)
        self.logits = bytearray(4 * classes * count)
        self.missing: Optional[bytes] = None

    def column(self, field: Any) -> Any:
        """One field of all structs, as it lies."""
        form: Any = {4: 'I', 8: 'Q'}[field.size]
        if field is _RESULT.confidence:
            form = 'f'
        elif field in (_RESULT.prediction, _RESULT.status):
            form = 'i'
        if not self.count:
            return memoryview(b'').cast(form)
        units = memoryview(self.results).cast('B').cast(form)
        return units[field.offset // field.size::_SIZE // field.size]

    def blank(self) -> None:
        """Where there is no answer, prediction is -1; where there was no text all is zero."""
        predictions = self.column(_RESULT.prediction)
        row = 4 * self.classes
        hole = self.missing.find(1) if self.missing else -1
        while self.missing and hole >= 0:
            self.results[_SIZE * hole:_SIZE * (hole + 1)] = bytes(_SIZE)
            self.probabilities[row * hole:row * (hole + 1)] = bytes(row)
            self.logits[row * hole:row * (hole + 1)] = bytes(row)
            predictions[hole] = -1
            hole = self.missing.find(1, hole + 1)
        statuses = self.column(_RESULT.status)
        if statuses.tobytes().strip(b'\0'):
            for i, status in enumerate(statuses):
                if status:
                    predictions[i] = -1

    def choose(self, chosen: Any) -> Columns:
        """The answers of these texts, -1 for none, in this order."""
        made = Columns(1, self.classes)
        struct.pack_into('=8xi', made.results, 0, -1)
        # An answer for those that are missing stands at the end, where -1 finds it.
        whole = join([self, made], self.classes)
        made.count = len(chosen)
        for name, size in (('results', _SIZE), ('probabilities', 4 * self.classes),
                           ('logits', 4 * self.classes)):
            setattr(made, name, _take(getattr(whole, name), size, chosen))
        holes = bytes(1 if i < 0 else 0 for i in chosen)
        made.missing = holes if 1 in holes else None
        return made


def _take(rows: bytearray, size: int, chosen: Any) -> bytearray:
    """Rows of this size by their numbers; -1 is the last one."""
    np = _numpy.numpy()
    if np is not None and size:
        table = np.frombuffer(rows, dtype=np.uint8).reshape(-1, size)
        return bytearray(table[np.asarray(chosen, dtype=np.intp)])
    last = len(rows) // size - 1 if size else 0
    return bytearray().join(rows[size * i:size * (i + 1)]
                            for i in (last if i < 0 else i for i in chosen))


def join(parts: List[Columns], classes: int) -> Columns:
    """The answers of several arrays, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    made = Columns(0, classes)
    made.count = sum(part.count for part in parts)
    made.results = bytearray().join(part.results for part in parts)
    made.probabilities = bytearray().join(part.probabilities for part in parts)
    made.logits = bytearray().join(part.logits for part in parts)
    if any(part.missing for part in parts):
        made.missing = b''.join(part.missing or bytes(part.count) for part in parts)
    return made


class Limits:
    """max_length of each text: one for all of them, or an array of its own for each."""

    def __init__(self, given: Any) -> None:
        self.each: Optional[array[int]] = None
        self.one = 0
        if not hasattr(given, '__len__') and not hasattr(given, '__iter__'):
            self.one = check_max_length(given)
            return
        if isinstance(given, (str, bytes, bytearray)):
            raise TypeError('max_length: expected int, or one for each text, got %s'
                            % type(given).__name__)
        try:
            numbers = list(given)
            if bool in map(type, numbers):
                raise TypeError('a bool is not a number')
            self.each = array('I', numbers)
        except (OverflowError, TypeError, ValueError) as problem:
            raise errors.InvalidArgumentError(
                'max_length: expected a number of tokens, or one for each text: %s'
                % problem) from None

    def of(self, first: int, count: int) -> Optional[array[int]]:
        """Those of `count` texts from the number `first` on; None: as the model says."""
        if self.each is None:
            return array('I', [self.one]) * count if self.one else None
        if first + count > len(self.each):
            self.refuse(first + count, ' or more')
        return self.each[first:first + count]

    def end(self, count: int) -> None:
        """Held against the number of all texts."""
        if self.each is not None and len(self.each) != count:
            self.refuse(count)

    def refuse(self, count: int, more: str = '') -> None:
        """An array of another length than the texts."""
        raise errors.InvalidArgumentError('max_length has %d numbers for %d%s texts'
                                          % (len(self.each or ()), count, more))


def check_max_length(given: Any) -> int:
    """A limit that fits into the library's type; the library judges its value."""
    number = _options.as_number(given, 'max_length')
    if not 0 <= number <= 0xffffffff:
        raise errors.InvalidArgumentError('max_length is %d; expected 0 to 65536' % number)
    return number


def _ends(piece: _texts.Piece) -> Iterator[Tuple[int, int]]:
    """Parts of a piece, first and end, each within both bounds or one text alone."""
    offsets = (ctypes.c_uint64 * (piece.size + 1)).from_address(piece.offsets)
    first = 0
    while first < piece.size:
        end = bisect_right(offsets, offsets[first] + CHUNK_BYTES, first + 1,
                           min(first + CHUNK, piece.size) + 1) - 1
        end = max(end, first + 1)
        yield first, end
        first = end


def _run_piece(pool: Pool, seat: Seat, piece: _texts.Piece, limits: Optional[array[int]],
               cancel: Optional[int]) -> Columns:
    """Classifies texts that lie in one buffer."""
    columns = Columns(piece.size, pool.classes)
    columns.missing = piece.missing
    if not piece.size:
        return columns
    results, probabilities, logits = (
        ctypes.addressof(ctypes.c_char.from_buffer(each))
        for each in (columns.results, columns.probabilities, columns.logits))
    first_limit = limits.buffer_info()[0] if limits is not None else 0
    for first, end in _ends(piece):
        row = 4 * pool.classes * first
        struct.pack_into('=I', columns.results, _SIZE * first, _SIZE)
        if pool.lib.predict_batch(
                seat.address, piece.text, piece.offsets + 8 * first,
                end - first,
                first_limit + 4 * first if first_limit else None,
                results + _SIZE * first, probabilities + row, logits + row, cancel,
                seat.arguments[3]):
            raise errors.of(seat.error)
    return columns


def run(pool: Pool, texts: Any, max_length: Any, cancel: Any) -> Tuple[Columns, float]:
    """Classifies all of it: the answers, and the seconds that it took."""
    if pool.closed:
        raise pool.refuse()
    limits, token = Limits(max_length), _cancel.address_of(cancel)
    parts, done, seconds = [], 0, 0.0
    for piece in _texts.pieces(texts):
        if piece.chosen is not None and limits.each is not None:
            raise errors.InvalidArgumentError(
                'max_length: a dictionary of texts takes one number for all of them')
        own = limits.of(done, piece.size)
        started = time.perf_counter()
        columns = pool.with_seat(partial(_run_piece, pool, piece=piece, limits=own, cancel=token))
        seconds += time.perf_counter() - started
        columns.blank()
        if piece.chosen is not None:
            columns = columns.choose(piece.chosen)
        parts.append(columns)
        done += columns.count
    limits.end(done)
    return join(parts, pool.classes) if parts else Columns(0, pool.classes), seconds


class Batch(Sequence[T_co]):
    """The answers for many texts, a sequence of Result in their order.

    A text that has no answer does not spoil the others: its place holds a FailedResult,
    whose `error` says why. The place of a text that is missing (None, null) holds None.
    Each Result is made when it is asked for. The columns below hold all texts at once, as
    NumPy arrays where NumPy is installed, else as memoryviews; they belong to the caller.
    """

    __slots__ = ('_columns', '_labels', 'processing_time')

    #: Seconds that the library took for all of them.
    processing_time: float

    def __init__(self, columns: Columns, labels: Tuple[str, ...],
                 processing_time: float) -> None:
        self._columns = columns
        self._labels = labels
        self.processing_time = processing_time

    def __len__(self) -> int:
        return self._columns.count

    @overload
    def __getitem__(self, index: int) -> T_co: ...

    @overload
    def __getitem__(self, index: slice) -> List[T_co]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[T_co, List[T_co]]:
        if isinstance(index, slice):
            return [self._at(i) for i in range(*index.indices(len(self)))]
        place, count = as_index(index), len(self)
        if place < 0:
            place += count
        if not 0 <= place < count:
            raise IndexError('the batch has %d texts' % count)
        result: T_co = self._at(place)
        return result

    def __iter__(self) -> Iterator[T_co]:
        return map(self._at, range(len(self)))

    def _at(self, i: int) -> Any:
        """What stands at a place."""
        columns = self._columns
        if columns.missing and columns.missing[i]:
            return None
        status, prediction, confidence, flags, tokens, unknown, offset = struct.unpack_from(
            _FORM, columns.results, _SIZE * i)
        if status:
            return FailedResult(reason(status, offset))
        form = '=%df' % columns.classes
        row = 4 * columns.classes * i
        return Result(prediction, self._labels[prediction], confidence,
                      struct.unpack_from(form, columns.probabilities, row),
                      struct.unpack_from(form, columns.logits, row), None, tokens, unknown,
                      FLAG_NAMES[flags & 7])

    def __repr__(self) -> str:
        return '<sentiment.Batch of %d texts>' % len(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Batch):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _column(self, field: Any) -> Any:
        """A copy of one field."""
        view = self._columns.column(field)
        np = _numpy.numpy()
        if np is None:
            return memoryview(array(view.format, view.tolist()))
        return np.array(view)

    def _rows(self, values: bytearray) -> Any:
        """A copy of a table with a row for each text."""
        shape = [len(self), self._columns.classes]
        np = _numpy.numpy()
        if np is not None:
            return np.frombuffer(values, dtype=np.float32).reshape(shape).copy()
        view = memoryview(bytearray(values))
        return view.cast('f', shape) if len(self) else view.cast('f')

    @property
    def predictions(self) -> Any:
        """Indices of the classes, int32; -1 where there is no answer."""
        return self._column(_RESULT.prediction)

    @property
    def confidences(self) -> Any:
        """Probabilities of those classes, float32; 0 where there is no answer."""
        return self._column(_RESULT.confidence)

    @property
    def probabilities(self) -> Any:
        """A row of float32 for each text: the probability of each class."""
        return self._rows(self._columns.probabilities)

    @property
    def logits(self) -> Any:
        """A row of float32 for each text: the logit of each class."""
        return self._rows(self._columns.logits)

    @property
    def tokens(self) -> Any:
        """Numbers of tokens before truncation, uint64."""
        return self._column(_RESULT.tokens)

    @property
    def unknown(self) -> Any:
        """Numbers of tokens that are not in the vocabulary, uint64."""
        return self._column(_RESULT.unknown)

    @property
    def flags(self) -> Any:
        """Bits of sentiment.Flag, uint32."""
        return self._column(_RESULT.flags)

    @property
    def statuses(self) -> Any:
        """Values of sentiment.Status, int32: OK, or why a text has no answer."""
        return self._column(_RESULT.status)

    @property
    def labels(self) -> List[Optional[str]]:
        """Names of the classes; None where there is no answer."""
        names: Tuple[Optional[str], ...] = (*self._labels, None)
        return [names[i] for i in self._columns.column(_RESULT.prediction)]

    @property
    def errors(self) -> Dict[int, SentimentError]:
        """Why the texts with these indices have no answer; empty if all have one."""
        offsets = self._columns.column(_RESULT.error_offset)
        return {i: reason(status, offsets[i])
                for i, status in enumerate(self._columns.column(_RESULT.status)) if status}

    @property
    def missing(self) -> List[int]:
        """Indices of the texts that were missing."""
        return [i for i, mark in enumerate(self._columns.missing or b'') if mark]
