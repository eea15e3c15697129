# SPDX-License-Identifier: Apache-2.0
"""The sessions of a model: who uses which, and when the memory goes.

A call takes an idle seat (a session with buffers of its own) or makes one, and puts it
back. Lists are safe under threads, so a call takes no lock. close() marks the pool first
and counts the seats afterwards; a call puts its seat back first and looks at the mark
afterwards: whichever comes second sees the other.
"""
from __future__ import annotations

import ctypes
import os
import struct
import threading
import weakref
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _ffi, errors
from ._library import Opened

# Held while sessions are made, which locks inside the library: a child of fork() must
# not inherit those locks locked.
_making = threading.RLock()
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


class Seat:
    """A session, and where its calls leave their answers."""

    __slots__ = ('address', 'memory', 'error', 'arguments', 'unpack', '__weakref__')

    def __init__(self, address: int, classes: int) -> None:
        size = ctypes.sizeof(_ffi.sentiment_result)
        self.address = address
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
    """Runs when a seat is retired, or lost between two instructions."""
    with pool.condition:
        pool.seats.pop(address, None)
        pool.lib.sentiment_session_free(address)
        pool.condition.notify_all()


class Pool:
    """The model's handle, its seats, and who waits for them."""

    __slots__ = ('lib', 'model', 'tokenizer', 'options', 'threads', 'classes', 'idle', 'seats',
                 'users', 'condition', 'closed', 'streams', 'kept', '__weakref__')

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
        self.users = 0
        self.condition = threading.Condition()
        self.closed = False
        self.streams: weakref.WeakSet[Any] = weakref.WeakSet()
        # What the library borrows for as long as the model lives.
        self.kept = kept
        _pools.add(self)

    def refuse(self) -> errors.ClosedError:
        """The error of whoever comes too late."""
        return errors.ClosedError('this model is closed')

    def make(self) -> Seat:
        """One more seat, for a call that found none."""
        with _making:
            if self.closed:
                raise self.refuse()
            address = ctypes.c_void_p()
            error = _ffi.sentiment_error(struct_size=ctypes.sizeof(_ffi.sentiment_error))
            if self.lib.sentiment_session_create(self.model, ctypes.byref(self.options),
                                                 ctypes.byref(address), ctypes.byref(error)):
                raise errors.of(error)
            place = address.value or 0
            seat = Seat(place, self.classes)
            final = weakref.finalize(seat, _free_session, self, place)
            final.atexit = False
            self.seats[place] = final
            return seat

    def take(self) -> Seat:
        """A seat; give_back() must follow."""
        try:
            return self.idle.pop()
        except IndexError:
            return self.make()

    def give_back(self, seat: Seat) -> None:
        """Ends the use of a seat."""
        self.idle.append(seat)
        if self.closed:
            self.drain()

    def drain(self) -> None:
        """Frees the idle seats of a closed pool, and tells who waits for it."""
        while self.idle:
            try:
                seat = self.idle.pop()
            except IndexError:
                break
            final = self.seats.get(seat.address)
            if final is not None:
                final()
        with self.condition:
            self.condition.notify_all()

    def enter(self) -> int:
        """Begins a use of the model without a session: its handle; leave() must follow."""
        with self.condition:
            if self.closed or self.model is None:
                raise self.refuse()
            self.users += 1
            return self.model

    def leave(self) -> None:
        """Ends such a use."""
        with self.condition:
            self.users -= 1
            self.condition.notify_all()

    def release(self) -> None:
        """Gives up the handles. Sessions that still live hold the model themselves."""
        with self.condition:
            model, self.model = self.model, None
            tokenizer, self.tokenizer = self.tokenizer, None
        self.lib.sentiment_tokenizer_free(tokenizer)
        self.lib.sentiment_model_free(model)

    def close(self) -> None:
        """Waits for the calls in flight, then frees everything."""
        self.closed = True
        for stream in list(self.streams):
            stream.close()
        with _making:
            pass  # a seat that is being made is counted from now on
        with self.condition:
            self.drain()
            while self.seats or self.users:
                self.condition.wait()
                self.drain()
        self.release()

    def forked(self) -> None:
        """In a child: the threads of the parent are gone, and what they used with them."""
        self.condition = threading.Condition()
        self.users = 0
        usable = {seat.address for seat in self.idle}
        for stream in list(self.streams):
            usable |= stream._forked()
        for address in set(self.seats) - usable:
            # In the middle of a call that will never end: not to be touched again.
            self.seats.pop(address).detach()
        if self.threads > 1:
            idle = self.idle[:]
            self.idle.clear()
            for seat in idle:
                self.seats[seat.address]()


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
