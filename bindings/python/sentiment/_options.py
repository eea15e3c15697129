# SPDX-License-Identifier: Apache-2.0
"""Options as people write them, turned into the library's structs."""
from __future__ import annotations

import ctypes
import enum
import json
import os
from operator import index as as_index
from typing import Any, Callable, Mapping, Optional, Type, Union

from . import _cancel, _ffi
from .errors import InvalidArgumentError

#: Called with a level and a message.
Log = Callable[[_ffi.LogLevel, str], object]
#: What names a file or a folder.
Path = Union[str, 'os.PathLike[str]']

_ERRORS = {'strict': _ffi.Utf8Policy.STRICT, 'replace': _ffi.Utf8Policy.REPLACE}


def as_number(value: Any, name: str) -> int:
    """An int, and what stands for one; a bool does not."""
    try:
        if not isinstance(value, bool):
            return as_index(value)
    except TypeError:
        pass
    raise TypeError('%s: expected int, got %s' % (name, type(value).__name__))


def choice(kind: Type[enum.IntEnum], value: Any, name: str) -> int:
    """A member of an enum, by its name in lower case or as it is."""
    names = [each.name.lower() for each in kind]
    if isinstance(value, str):
        if value.lower() in names:
            return int(kind[value.upper()])
    elif isinstance(value, kind) or type(value) is int:
        # Numbers of a later library pass: it is the one to judge them.
        return number(value, name, 0x7fffffff)
    else:
        raise TypeError('%s: expected str, got %s' % (name, type(value).__name__))
    raise InvalidArgumentError('%s is %r; expected one of %s' % (name, value, ', '.join(names)))


def number(value: Any, name: str, most: int = 0xffffffff) -> int:
    """A number that fits into its field."""
    found = as_number(value, name)
    if not 0 <= found <= most:
        raise InvalidArgumentError('%s is %d; expected 0 to %d' % (name, found, most))
    return found


def path_bytes(path: Any, name: str = 'path') -> bytes:
    """A path as the system takes it."""
    try:
        encoded = os.fsencode(path)
    except TypeError:
        raise TypeError('%s: expected str or os.PathLike, got %s'
                        % (name, type(path).__name__)) from None
    except UnicodeEncodeError as problem:
        raise InvalidArgumentError('%s: %s' % (name, problem)) from None
    if b'\0' in encoded:
        raise InvalidArgumentError('%s: %r holds a NUL' % (name, path))
    return encoded


def thunk(log: Log) -> Any:
    """What the library calls; ctypes reports what the callable raises, and goes on."""
    def receive(_user: Optional[int], level: int, message: Optional[bytes]) -> None:
        try:
            level = _ffi.LogLevel(level)
        except ValueError:
            pass  # one of a later library
        log(level, (message or b'').decode('utf-8', 'replace'))  # type: ignore[arg-type]
    return _ffi.sentiment_log_fn(receive)


def model_options(kept: Any, digest: Any, mmap: Any, allow_missing_crc: Any, temperature: Any,
                  cancel: Optional[_cancel.Cancel]) -> _ffi.sentiment_model_options:
    """How to load; `kept` is a thunk or None."""
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)):
        raise TypeError('temperature: expected a number, got %s' % type(temperature).__name__)
    options = _ffi.sentiment_model_options(
        struct_size=ctypes.sizeof(_ffi.sentiment_model_options), use_mmap=1 if mmap else 0,
        allow_missing_crc=1 if allow_missing_crc else 0, digest=1 if digest else 0,
        temperature=temperature,         cancel=_cancel.address_of(cancel))
    if kept is not None:
        options.log = kept
    return options


def session_options(engine: Any, precision: Any, threads: Any, isa: Any, max_length: Any,
                    padding: Any, errors: Any, device: Optional[str],
                    fold_bytes: Any) -> _ffi.sentiment_session_options:
    """How to predict."""
    if errors not in _ERRORS:
        raise InvalidArgumentError("errors is %r; expected 'strict' or 'replace'" % (errors,))
    if device is not None and not isinstance(device, str):
        raise TypeError('device: expected str, got %s' % type(device).__name__)
    if device is not None and '\0' in device:
        raise InvalidArgumentError('device: %r holds a NUL' % device)
    options = _ffi.sentiment_session_options(
        struct_size=ctypes.sizeof(_ffi.sentiment_session_options),
        engine=choice(_ffi.Engine, engine, 'engine'),
        precision=choice(_ffi.Precision, precision, 'precision'),
        isa=choice(_ffi.Isa, isa, 'isa'), threads=number(threads, 'threads') or _ffi.ALL_THREADS,
        max_length=number(max_length, 'max_length'),
        padding=choice(_ffi.Padding, padding, 'padding'), utf8_policy=_ERRORS[errors],
        fold_bytes=number(fold_bytes, 'fold_bytes', 2**64 - 1),
        device=None if device is None else device.encode('utf-8', 'replace'))
    return options


def _json(value: Optional[Mapping[str, Any]], name: str) -> Optional[bytes]:
    if value is None:
        return None
    try:
        return json.dumps(dict(value)).encode('ascii')
    except (TypeError, ValueError) as problem:
        raise InvalidArgumentError('%s: %s' % (name, problem)) from None


def save_options(format: Any, metadata: Optional[Mapping[str, str]],
                 lineage: Optional[Mapping[str, Any]], opset: Any,
                 cancel: Optional[_cancel.Cancel]) -> _ffi.sentiment_save_options:
    """How to save."""
    return _ffi.sentiment_save_options(
        struct_size=ctypes.sizeof(_ffi.sentiment_save_options),
        format=choice(_ffi.Format, format, 'format'), metadata_json=_json(metadata, 'metadata'),
        cancel=_cancel.address_of(cancel), lineage_json=_json(lineage, 'lineage'),
        opset=number(opset, 'opset'))
