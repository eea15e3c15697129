# SPDX-License-Identifier: Apache-2.0
"""The sessions of a model: who uses which, and when the memory goes.

A call takes an idle seat (a session with buffers of its own) or makes one, and puts it
back. Lists are safe under threads, so a call takes no lock. close() marks the pool first
and counts the seats afterwards; a call puts its seat back first and looks at the mark
afterwards: whichever comes second sees the other.

Ctrl-C raises KeyboardInterrupt between any two steps of Python, and behind a call of C.
So the end of a use is one call of C that stands in `finally` itself: a function of Python
could be cut before it did anything, and close() would wait for ever. For the same reason
close() looks again and again instead of waiting to be told.
"""
from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
import weakref
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, TypeVar

from . import _ffi, errors
from ._library import Opened

# Held while sessions are made, which locks inside the library: a child of fork() must
# not inherit those locks locked.
_making = threading.RLock()
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()

T = TypeVar('T')


class Seat:
    """A session, and where its calls leave their answers."""

    __slots__ = ('address', 'memory', 'error', 'arguments', 'unpack', 'final', 'stale',
                 '__weakref__')

    def __init__(self, address: int, classes: int) -> None:
        size = ctypes.sizeof(_ffi.sentiment_result)
        self.address = address
        # Frees the session, once; also when the seat is lost between two instructions.
        self.final: Any = None
        # In a child of fork(), what the parent alone can use.
        self.stale = False
        # The result, the probabilities, the logits.
        self.memory = ctypes.create_string_buffer(size + 8 * classes)
        struct.pack_into('=I', self.memory, 0, size)
        self.error = _ffi.sentiment_error(struct_size=ctypes.sizeof(_ffi.sentiment_error))
        first = ctypes.addressof(self.memory)
        self.arguments: Tuple[int, int, int, int] = (
            first, first + size, first + size + 4 * classes, ctypes.addressof(self.error))
        # prediction, confidence, flags, tokens, unknown, probabilities..., logits...
        self.unpack: Callable[[Any], Tuple[Any, ...]] = struct.Struct(
            '=8xifI4xQQ8x%df' % (2 * classes)).unpack_from


def _free_session(pool: Pool, address: int) -> None:
    """Runs when a seat goes."""
    pool.seats.pop(address, None)
    pool.lib.sentiment_session_free(address)


class Pool:
    """The model's handle, its seats, and who uses them."""

    __slots__ = ('lib', 'model', 'tokenizer', 'options', 'threads', 'classes', 'idle', 'seats',
                 'users', 'lock', 'closed', 'streams', 'kept', '__weakref__')

    def __init__(self, lib: Opened, model: int, options: _ffi.sentiment_session_options,
                 classes: int, kept: Any) -> None:
        self.lib = lib
        self.model: Optional[int] = model
        self.tokenizer: Optional[int] = None
        self.options = options
        self.threads = options.threads or 1
        self.classes = classes
        self.idle: List[Seat] = []
        self.seats: Dict[int, Any] = {}
        # A token for each use of the model without a session.
        self.users: Set[object] = set()
        # Held while the handles change.
        self.lock = threading.RLock()
        self.closed = False
        # What ends each stream, which an interrupt may have kept from running. (A WeakSet
        # of streams could not be listed while others add to it.)
        self.streams: Dict[int, Any] = {}
        # What the library borrows for as long as the model lives.
        self.kept = kept
        _pools.add(self)

    def refuse(self) -> errors.ClosedError:
        """The error of whoever comes too late."""
        return errors.ClosedError('this model is closed')

    def make(self) -> Seat:
        """One more seat, for a call that found none."""
        seat: Optional[Seat] = None
        try:
            with _making:
                if self.closed:
                    raise self.refuse()
                address = ctypes.c_void_p()
                error = _ffi.sentiment_error(struct_size=ctypes.sizeof(_ffi.sentiment_error))
                if self.lib.sentiment_session_create(
                        self.model, ctypes.byref(self.options), ctypes.byref(address),
                        ctypes.byref(error)):
                    raise errors.of(error)
                place = address.value or 0
                seat = Seat(place, self.classes)
                seat.final = weakref.finalize(seat, _free_session, self, place)
                seat.final.atexit = False
                self.seats[place] = seat.final
                return seat
        except BaseException:
            seat = None  # which the traceback would keep in use
            raise

    def with_seat(self, function: Callable[[Seat], T]) -> T:
        """Calls a function with a seat of its own."""
        seat = None
        try:
            try:
                seat = self.idle.pop()
            except IndexError:
                seat = self.make()
            return function(seat)
        finally:
            if seat is not None:
                self.idle.append(seat)
            if self.closed:
                self.drain()

    def with_handle(self, function: Callable[[Any], T]) -> T:
        """Calls a function with the model's handle, which stays until it returns."""
        use = object()
        try:
            self.users.add(use)
            if self.closed:
                raise self.refuse()
            return function(self.model)
        finally:
            self.users.discard(use)

    def drain(self) -> None:
        """Frees the idle seats of a closed pool."""
        while True:
            try:
                self.idle.pop().final()
            except IndexError:
                break

    def in_use(self) -> bool:
        """Whether calls are in flight. A seat whose end was cut counts no more."""
        return bool(self.users) or any(
            final.peek() is not None for final in list(self.seats.values()))

    def open_streams(self) -> List[Any]:
        """The streams that somebody still refers to."""
        found = [final.peek() for final in list(self.streams.values())]
        return [each[0] for each in found if each is not None]

    def get_tokenizer(self, model: int) -> int:
        """The tokenizer's handle, for a use of the model."""
        with self.lock:
            if self.tokenizer is None:
                self.tokenizer = self.lib.sentiment_model_get_tokenizer(model)
            return self.tokenizer or 0

    def release(self) -> None:
        """Gives up the handles. Sessions that still live hold the model themselves."""
        with self.lock:
            model, self.model = self.model, None
            tokenizer, self.tokenizer = self.tokenizer, None
        self.lib.sentiment_tokenizer_free(tokenizer)
        self.lib.sentiment_model_free(model)

    def close(self) -> None:
        """Waits for the calls in flight, then frees everything."""
        self.closed = True
        for stream in self.open_streams():
            stream.close()
        for final in list(self.streams.values()):
            if final.peek() is None:
                final()
        with _making:
            pass  # a seat that is being made is counted from now on
        self.drain()
        while self.in_use():
            time.sleep(0.001)
            self.drain()
        self.release()

    def forked(self) -> None:
        """In a child: the threads of the parent are gone, and what they used with them."""
        self.lock = threading.RLock()
        self.users = set()
        usable = {seat.address for seat in self.idle}
        for stream in self.open_streams():
            usable |= stream._forked(self.threads > 1)
        for address in set(self.seats) - usable:
            # In the middle of a call that will never end: not to be touched again.
            self.seats.pop(address).detach()
        if self.threads > 1:
            idle = self.idle[:]
            self.idle.clear()
            for seat in idle:
                seat.final()


def abandon(pool: Pool) -> None:
    """Frees what is idle, without waiting: nobody refers to the model any more."""
    pool.closed = True
    pool.drain()
    pool.release()


def _before_fork() -> None:
    _making.acquire()


def _after_fork_in_parent() -> None:
    _making.release()


def _after_fork_in_child() -> None:
    global _making
    _making = threading.RLock()
    for pool in list(_pools):
        pool.forked()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent,
                        after_in_child=_after_fork_in_child)
