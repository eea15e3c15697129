# SPDX-License-Identifier: Apache-2.0
"""Finds libsentiment, checks that it fits, and opens it, once, when it is first needed.

In this order: what $SENTIMENT_LIBRARY names, and then nothing else; the library that lies
in the package, as in a wheel; the name that the system's loader searches for.
"""
from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any, List, Optional

from . import _ffi
from .errors import LibraryNotFoundError, LibraryVersionError

_PLATFORM_NAMES = {'darwin': 'libsentiment.0.dylib', 'win32': 'sentiment-0.dll'}
NAME = _PLATFORM_NAMES.get(sys.platform, 'libsentiment.so.0')
FOLDER = os.path.dirname(os.path.abspath(__file__))


def _plain(cdll: ctypes.CDLL, name: str, taken: List[Any]) -> Any:
    """A function that returns a status, of other types than the header's."""
    function = cdll[name]
    function.restype = ctypes.c_int32
    function.argtypes = taken
    return function


class Opened(_ffi.Library):
    """The functions of the library, where it lies, and what it says of itself."""

    def __init__(self, cdll: ctypes.CDLL, path: str, version: str) -> None:
        super().__init__(cdll)
        self.path = path
        self.version = version
        # The same functions with plain addresses: ctypes passes them on sooner than typed
        # pointers, and they may point into the memory of others.
        address = ctypes.c_void_p
        size, limit = ctypes.c_size_t, ctypes.c_uint32
        self.predict = _plain(cdll, 'sentiment_session_predict', [
            address, ctypes.c_char_p, size, limit, address, address, address, address])
        self.predict_batch = _plain(cdll, 'sentiment_session_predict_batch', [
            address, address, address, size, address, address, address, address, address,
            address])
        self.stream_feed = _plain(cdll, 'sentiment_stream_feed', [
            address, address, size, address, address, address, address])
        self.stream_end = _plain(cdll, 'sentiment_stream_end', [address] * 5)


class _Symbol(ctypes.Structure):
    _fields_ = [('file', ctypes.c_char_p), ('base', ctypes.c_void_p),
                ('name', ctypes.c_char_p), ('address', ctypes.c_void_p)]


def _place(cdll: ctypes.CDLL, name: str) -> str:
    """The file that a library was loaded from, where the system tells."""
    try:
        symbol = _Symbol()
        function = ctypes.cast(cdll['sentiment_version'], ctypes.c_void_p)
        if ctypes.CDLL(None)['dladdr'](function, ctypes.byref(symbol)) and symbol.file:
            return os.fsdecode(symbol.file)
    except (AttributeError, OSError, TypeError):
        pass
    return name


def _check(cdll: ctypes.CDLL, name: str) -> Opened:
    """Wraps a library that fits; says of another what it is and what was expected."""
    wanted = '%d.%d' % _ffi.MINIMUM_VERSION
    path = _place(cdll, name)
    try:
        abi = cdll['sentiment_abi_version']
        told = cdll['sentiment_version']
    except AttributeError:
        raise LibraryVersionError('%s: this is not libsentiment: it has no function '
                                  'sentiment_version' % path) from None
    told.restype = ctypes.c_char_p
    version = (told() or b'').decode('ascii', 'replace')
    if abi() != _ffi.ABI_VERSION:
        raise LibraryVersionError(
            '%s: libsentiment %s has binary interface %d; this package needs %d'
            % (path, version, abi(), _ffi.ABI_VERSION))
    try:
        numbers = tuple(int(part) for part in version.split('.')[:2])
    except ValueError:
        numbers = ()
    if numbers < _ffi.MINIMUM_VERSION:
        raise LibraryVersionError('%s: libsentiment %s is too old; this package needs %s or later'
                                  % (path, version or 'of an unknown version', wanted))
    try:
        return Opened(cdll, path, version)
    except AttributeError as problem:
        raise LibraryVersionError('%s: libsentiment %s lacks what %s has: %s'
                                  % (path, version, wanted, problem)) from None


def _candidates() -> list[tuple[str, str]]:
    """Where to look, and why there."""
    given = os.environ.get('SENTIMENT_LIBRARY')
    if given:
        # A bare name is for the loader to find; a path stays right when the folder changes.
        path = os.path.abspath(given) if os.path.dirname(given) else given
        return [(path, '$SENTIMENT_LIBRARY')]
    return [(os.path.join(FOLDER, NAME), 'the package'), (NAME, "the system's search path")]


def _open() -> Opened:
    """The first library that opens; it has to fit."""
    tried = []
    for path, origin in _candidates():
        if os.path.isabs(path) and not os.path.exists(path):
            tried.append('%s (%s): no such file' % (path, origin))
            continue
        try:
            cdll = ctypes.CDLL(path)
        except OSError as problem:
            reason = str(problem)
            if reason.startswith(path + ': '):
                reason = reason[len(path) + 2:]
            tried.append('%s (%s): %s' % (path, origin, reason))
            continue
        return _check(cdll, path)
    raise LibraryNotFoundError(
        'libsentiment is not to be found; tried %s. Install a wheel, which has it inside, or '
        'libsentiment itself, or set SENTIMENT_LIBRARY to the path of %s'
        % ('; '.join(tried), NAME))


# A signal handler may come while its own thread holds the lock.
_lock = threading.RLock()
_opened: Optional[Opened] = None


def _after_fork_in_child() -> None:
    """Another thread of the parent may have held the lock."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def library() -> Opened:
    """The library, opened if it was not. Fails again, and may succeed later, if it cannot."""
    global _opened
    if _opened is None:
        with _lock:
            if _opened is None:
                _opened = _open()
    return _opened


def version() -> str:
    """Version of the library that is in use, "major.minor.patch"."""
    return library().version


def library_path() -> str:
    """The file of the library that is in use."""
    return library().path
