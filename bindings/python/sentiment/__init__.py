# SPDX-License-Identifier: Apache-2.0
"""libsentiment for Python: text in, a sentiment label with probabilities out.

    import sentiment

    model = sentiment.Model.default()
    answer = model.predict('I love this product!')
    print(answer.label, answer.confidence)

Needs the shared library, which a wheel carries, and nothing else. Where NumPy is
installed, columns of results are NumPy arrays. The library is opened when it is first
needed; importing the package does not fail for want of it.
"""
from ._batch import Batch
from ._cancel import Cancel
from ._ffi import (Engine, Flag, Format, Isa, LogLevel, Padding, Precision, Status, TokenizerKind,
                   Utf8Policy)
from ._library import library_path, version
from ._model import Model, convert
from ._result import (Contribution, Explanation, FailedResult, Info, Result, SessionInfo,
                      Tokens)
from ._stream import Stream
from ._version import VERSION
from .errors import (BadModelError, BufferTooSmallError, CancelledError, ClosedError,
                     EngineUnavailableError, ForkedError, InternalError, InvalidArgumentError,
                     InvalidUtf8Error, IoError, LibraryNotFoundError, LibraryVersionError,
                     NotFoundError, OutOfMemoryError, SentimentError, ShapeMismatchError,
                     UnsupportedError)

__version__ = VERSION

__all__ = [
    'BadModelError', 'Batch', 'BufferTooSmallError', 'Cancel', 'CancelledError', 'ClosedError',
    'Contribution', 'Engine', 'EngineUnavailableError', 'Explanation', 'FailedResult', 'Flag',
    'ForkedError', 'Format', 'Info', 'InternalError', 'InvalidArgumentError', 'InvalidUtf8Error',
    'IoError', 'Isa', 'LibraryNotFoundError', 'LibraryVersionError', 'LogLevel', 'Model',
    'NotFoundError', 'OutOfMemoryError', 'Padding', 'Precision', 'Result', 'SentimentError',
    'SessionInfo', 'ShapeMismatchError', 'Status', 'Stream', 'TokenizerKind', 'Tokens',
    'UnsupportedError', 'Utf8Policy', 'convert', 'library_path', 'version']
