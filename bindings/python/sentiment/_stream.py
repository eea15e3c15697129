# SPDX-License-Identifier: Apache-2.0
"""A text that arrives in pieces."""
from __future__ import annotations

import ctypes
import threading
import weakref
from time import perf_counter
from types import TracebackType
from typing import Any, Callable, List, Optional, Set, Tuple, Type, TypeVar, Union

from . import _texts, errors
from ._pool import Pool, Seat
from ._result import FLAG_NAMES, Result

T = TypeVar('T')


def _drop(pool: Pool, held: List[Any]) -> None:
    """Frees a stream; `held` holds its seat and its address. An interrupt may end this
    anywhere: it goes on when it runs again."""
    try:
        if held[1:]:
            pool.lib.sentiment_stream_free(held.pop())
    finally:
        if not held[1:]:
            if held and held[0].stale:
                held[0].final()
                held.clear()
            elif held:
                pool.idle.append(held.pop())
            pool.streams.pop(id(held), None)
        if pool.closed:
            pool.drain()


class Stream:
    """A text on its way through a model; Model.stream() makes it.

    A piece may be cut anywhere: a character that bytes cut waits for the next piece. A
    stream keeps its model alive. Threads may share one, but take turns. A signal handler
    that comes in the middle of a call cannot use the same stream: InvalidArgumentError.
    """

    __slots__ = ('_model', '_pool', '_held', '_labels', '_lock', '_busy', '_final',
                 '__weakref__')

    def __init__(self, model: Any, pool: Pool, labels: Tuple[str, ...], limit: int) -> None:
        self._model = model
        self._pool = pool
        self._labels = labels
        self._lock = threading.RLock()
        self._busy = False
        # The seat, and the stream's address; empty when it is closed.
        self._held: List[Any] = []
        self._final = weakref.finalize(self, _drop, pool, self._held)
        self._final.atexit = False
        # Before it holds anything: whatever comes now, close() of the model finds it.
        pool.streams[id(self._held)] = self._final
        self._alone(self._begin, limit)
        if pool.closed:
            self.close()
            raise pool.refuse()

    def _begin(self, limit: int) -> None:
        pool, held = self._pool, self._held
        try:
            try:
                held.append(pool.idle.pop())
            except IndexError:
                held.append(pool.make())
            address, error = ctypes.c_void_p(), held[0].error
            if pool.lib.sentiment_stream_create(held[0].address, limit, ctypes.byref(address),
                                                ctypes.byref(error)):
                raise errors.of(error)
            held.append(address.value or 0)
        except BaseException:
            _drop(pool, held)
            raise

    def _alone(self, function: Callable[..., T], *arguments: Any) -> T:
        """Calls a function when no other thread is inside the stream."""
        with self._lock:
            if self._busy:
                # A signal handler, say. To wait for the call below it would be for ever.
                raise errors.InvalidArgumentError(
                    'this stream is in the middle of a call of this thread')
            try:
                self._busy = True
                return function(*arguments)
            finally:
                self._busy = False

    def _open(self) -> Tuple[Seat, int]:
        if len(self._held) < 2:
            raise errors.ClosedError('this stream is closed')
        return self._held[0], self._held[1]

    def _answer(self, seat: Seat, started: float) -> Result:
        values = seat.unpack(seat.memory)
        classes = len(self._labels)
        return Result(values[0], self._labels[values[0]], values[1], values[5:5 + classes],
                      values[5 + classes:], perf_counter() - started, values[3], values[4],
                      FLAG_NAMES[values[2] & 7])

    def _feed(self, data: bytes, asked: bool) -> Optional[Result]:
        (seat, place), started = self._open(), perf_counter()
        result, probabilities, logits, error = (
            seat.arguments if asked else (None, None, None, seat.arguments[3]))
        if self._pool.lib.stream_feed(place, data, len(data), result, probabilities, logits,
                                      error):
            raise errors.of(seat.error)
        return self._answer(seat, started) if asked else None

    def _end(self) -> Result:
        (seat, place), started = self._open(), perf_counter()
        if self._pool.lib.stream_end(place, *seat.arguments):
            raise errors.of(seat.error)
        return self._answer(seat, started)

    def _reset(self) -> None:
        self._pool.lib.sentiment_stream_reset(self._open()[1])

    def feed(self, text: Union[str, bytes]) -> None:
        """Appends a piece. After InvalidUtf8Error (its offset counts from the start of the
        text) every call fails with it until reset() or end(); after any other error the
        text is as it was before."""
        self._alone(self._feed, _texts.as_bytes(text), False)

    def result(self) -> Result:
        """The answer so far: the one that predict gives for the text up to here."""
        answer = self._alone(self._feed, b'', True)
        assert answer is not None
        return answer

    def end(self) -> Result:
        """Ends the text: its answer. The stream then has an empty text again."""
        return self._alone(self._end)

    def reset(self) -> None:
        """Forgets the text."""
        self._alone(self._reset)

    def close(self) -> None:
        """Ends the use of the stream, after the call in flight. More than once is fine."""
        self._alone(_drop, self._pool, self._held)
        self._final.detach()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return len(self._held) < 2

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

    def _forked(self, threads: bool) -> Set[int]:
        """In a child of fork(): the session that may still be freed, if it was not in use.
        threads: whether it has some, which are not here."""
        self._lock = threading.RLock()  # which another thread may have held
        busy, self._busy = self._busy, False
        for seat in self._held[:1]:
            seat.stale = busy or threads
        if busy:
            self._final.detach()
            self._held = self._held[:1]
        return {seat.address for seat in self._held[:1] if not busy}
