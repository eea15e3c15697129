# SPDX-License-Identifier: Apache-2.0
"""A text that arrives in pieces."""
from __future__ import annotations

import ctypes
import threading
import weakref
from time import perf_counter
from types import TracebackType
from typing import Any, Optional, Set, Tuple, Type, Union

from . import _texts, errors
from ._pool import Pool, Seat
from ._result import FLAG_NAMES, Result


def _drop(pool: Pool, address: int, seat: Seat) -> None:
    """The stream goes before its session."""
    pool.lib.sentiment_stream_free(address)
    pool.give_back(seat)


class Stream:
    """A text on its way through a model; Model.stream() makes it.

    A piece may be cut anywhere: a character that bytes cut waits for the next piece. A
    stream keeps its model alive. Threads may share one, but take turns.
    """

    __slots__ = ('_model', '_pool', '_seat', '_labels', '_lock', '_address', '_final',
                 '__weakref__')

    def __init__(self, model: Any, pool: Pool, labels: Tuple[str, ...], limit: int) -> None:
        self._model = model
        self._pool = pool
        self._labels = labels
        self._lock = threading.Lock()
        self._address: Optional[int] = None
        seat = pool.take()
        try:
            address = ctypes.c_void_p()
            if pool.lib.sentiment_stream_create(seat.address, limit, ctypes.byref(address),
                                                ctypes.byref(seat.error)):
                raise errors.of(seat.error)
        except BaseException:
            pool.give_back(seat)
            raise
        self._seat: Seat = seat
        self._address = address.value or 0
        self._final = weakref.finalize(self, _drop, pool, self._address, seat)
        self._final.atexit = False
        pool.streams.add(self)
        if pool.closed:
            self.close()
            raise pool.refuse()

    def _open(self) -> int:
        if self._address is None:
            raise errors.ClosedError('this stream is closed')
        return self._address

    def _answer(self, started: float) -> Result:
        values = self._seat.unpack(self._seat.memory)
        classes = len(self._labels)
        return Result(values[0], self._labels[values[0]], values[1], values[5:5 + classes],
                      values[5 + classes:], perf_counter() - started, values[3], values[4],
                      FLAG_NAMES[values[2] & 7])

    def _feed(self, data: bytes, asked: bool) -> Optional[Result]:
        with self._lock:
            place, lib, started = self._open(), self._pool.lib, perf_counter()
            result, probabilities, logits, error = (
                self._seat.arguments if asked else (None, None, None, self._seat.arguments[3]))
            if lib.stream_feed(place, data, len(data), result, probabilities, logits, error):
                raise errors.of(self._seat.error)
            return self._answer(started) if asked else None

    def feed(self, text: Union[str, bytes]) -> None:
        """Appends a piece. After InvalidUtf8Error (its offset counts from the start of the
        text) every call fails with it until reset() or end(); after any other error the
        text is as it was before."""
        self._feed(_texts.as_bytes(text), False)

    def result(self) -> Result:
        """The answer so far: the one that predict gives for the text up to here."""
        answer = self._feed(b'', True)
        assert answer is not None
        return answer

    def end(self) -> Result:
        """Ends the text: its answer. The stream then has an empty text again."""
        with self._lock:
            place, started = self._open(), perf_counter()
            if self._pool.lib.stream_end(place, *self._seat.arguments):
                raise errors.of(self._seat.error)
            return self._answer(started)

    def reset(self) -> None:
        """Forgets the text."""
        with self._lock:
            self._pool.lib.sentiment_stream_reset(self._open())

    def close(self) -> None:
        """Ends the use of the stream, after the call in flight. More than once is fine."""
        with self._lock:
            self._address = None
            self._final()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._address is None

    def __enter__(self) -> Stream:
        self._open()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError('a stream belongs to one process')

    def __repr__(self) -> str:
        return '<sentiment.Stream%s>' % (', closed' if self.closed else '')

    def _forked(self) -> Set[int]:
        """In a child of fork(): the session that stays usable, if it was not in use."""
        if self._address is None:
            return set()
        if self._lock.locked():
            self._address = None
            self._final.detach()
            self._lock = threading.Lock()
            return set()
        return {self._seat.address}
