# SPDX-License-Identifier: Apache-2.0
"""A flag that one thread sets to stop the work of another."""
from __future__ import annotations

import ctypes
import weakref
from types import TracebackType
from typing import Optional, Type

from . import _ffi, errors
from ._library import Opened, library


def _free(lib: Opened, address: int) -> None:
    lib.sentiment_cancel_free(address)


class Cancel:
    """A cancel token: request() ends the loading, saving or batch that was given it with
    CancelledError. Any thread may call any method at any time.

    It has no close(): it goes when nobody uses it any more.
    """

    __slots__ = ('_lib', '_address', '__weakref__')

    def __init__(self) -> None:
        self._lib = library()
        address = ctypes.c_void_p()
        error = _ffi.sentiment_error(struct_size=ctypes.sizeof(_ffi.sentiment_error))
        if self._lib.sentiment_cancel_create(ctypes.byref(address), ctypes.byref(error)):
            raise errors.of(error)
        self._address: int = address.value or 0
        weakref.finalize(self, _free, self._lib, self._address).atexit = False

    def request(self) -> None:
        """Sets the token."""
        self._lib.sentiment_cancel_request(self._address)

    def reset(self) -> None:
        """Clears the token, for use with the next piece of work."""
        self._lib.sentiment_cancel_reset(self._address)

    def requested(self) -> bool:
        """Whether the token is set."""
        return self._lib.sentiment_cancel_requested(self._address) != 0

    def __enter__(self) -> Cancel:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        """Requests: work that was given the token does not outlast the block."""
        self.request()

    def __repr__(self) -> str:
        return '<sentiment.Cancel %s>' % ('requested' if self.requested() else 'not requested')

    def __reduce__(self) -> str:
        raise TypeError('a cancel token belongs to one process')


def address_of(cancel: Optional[Cancel]) -> Optional[int]:
    """What the library takes."""
    if cancel is None:
        return None
    if not isinstance(cancel, Cancel):
        raise TypeError('cancel: expected a sentiment.Cancel, got %s' % type(cancel).__name__)
    return cancel._address
