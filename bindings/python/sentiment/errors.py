# SPDX-License-Identifier: Apache-2.0
"""Errors: one class for each status of the library, all of them SentimentError.

Where Python has an exception of the same meaning the class is that one too, so that
`except FileNotFoundError` or `except ValueError` does what one expects.
"""
from __future__ import annotations

from typing import Any, Optional

from ._ffi import NO_OFFSET, Status

__all__ = ['BadModelError', 'BufferTooSmallError', 'CancelledError', 'ClosedError',
           'EngineUnavailableError', 'ForkedError', 'InternalError', 'InvalidArgumentError',
           'InvalidUtf8Error', 'IoError', 'LibraryNotFoundError', 'LibraryVersionError',
           'NotFoundError', 'OutOfMemoryError', 'SentimentError', 'ShapeMismatchError',
           'Status', 'UnsupportedError']


class SentimentError(Exception):
    """Anything that libsentiment, or this package on its behalf, refuses or fails to do."""

    #: The library's status; the bare number where it is one of a later library.
    code: Status = Status.INTERNAL
    #: One line: what, where, what was expected.
    message: str
    #: Byte offset into the text or file, where one is known.
    offset: Optional[int]

    def __init__(self, message: str, offset: Optional[int] = None) -> None:
        # Not all bases take one argument alone for what it is.
        Exception.__init__(self, message)
        self.message = message
        self.offset = offset

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The attributes too: the code may be this error's own.
        return type(self), (self.message, self.offset), self.__dict__.copy()


class InvalidArgumentError(SentimentError, ValueError):
    """An argument is out of range or unknown."""

    code = Status.INVALID_ARGUMENT


class ClosedError(InvalidArgumentError):
    """The model, stream or token was closed before."""


class NotFoundError(SentimentError, FileNotFoundError):
    """A file, key, label or token does not exist."""

    code = Status.NOT_FOUND


class IoError(SentimentError, OSError):
    """The operating system refused to read or write."""

    code = Status.IO


class BadModelError(SentimentError, ValueError):
    """A model file is corrupt, hostile or contradicts itself."""

    code = Status.BAD_MODEL


class UnsupportedError(SentimentError, NotImplementedError):
    """A valid thing that this library, engine or model cannot do."""

    code = Status.UNSUPPORTED


class ShapeMismatchError(SentimentError, ValueError):
    """Sizes that contradict each other."""

    code = Status.SHAPE_MISMATCH


class InvalidUtf8Error(SentimentError, UnicodeError):
    """The text is not UTF-8; `offset` is its first bad byte."""

    code = Status.INVALID_UTF8


class OutOfMemoryError(SentimentError, MemoryError):
    """There was not enough memory; what was loaded is as it was."""

    code = Status.OUT_OF_MEMORY


class CancelledError(SentimentError):
    """The cancel token was set."""

    code = Status.CANCELLED


class EngineUnavailableError(SentimentError, RuntimeError):
    """The engine's plugin or device is not there."""

    code = Status.ENGINE_UNAVAILABLE


class InternalError(SentimentError, RuntimeError):
    """The library or an engine broke its own promise."""

    code = Status.INTERNAL


class BufferTooSmallError(SentimentError, BufferError):
    """A buffer was too small."""

    code = Status.BUFFER_TOO_SMALL


class ForkedError(SentimentError, RuntimeError):
    """What has threads of the parent process was used in a child."""

    code = Status.FORKED


class LibraryNotFoundError(SentimentError, ImportError):
    """No libsentiment could be opened; the message lists every path that was tried."""

    code = Status.NOT_FOUND


class LibraryVersionError(SentimentError, ImportError):
    """The libsentiment that was found does not fit this package."""

    code = Status.UNSUPPORTED


_CLASSES = {each.code: each for each in (
    InvalidArgumentError, NotFoundError, IoError, BadModelError, UnsupportedError,
    ShapeMismatchError, InvalidUtf8Error, OutOfMemoryError, CancelledError,
    EngineUnavailableError, InternalError, BufferTooSmallError, ForkedError)}


def make(code: int, message: str, offset: Optional[int] = None) -> SentimentError:
    """The error of a status; a status of a later library is a plain SentimentError."""
    if offset == NO_OFFSET:
        offset = None
    try:
        return _CLASSES[Status(code)](message, offset)
    except (KeyError, ValueError):
        made = SentimentError('status %d: %s' % (code, message), offset)
        made.code = code  # type: ignore[assignment]
        return made


def of(error: Any) -> SentimentError:
    """The error that a sentiment_error tells of."""
    return make(error.code, error.message.decode('utf-8', 'replace'), error.offset)
