# SPDX-License-Identifier: Apache-2.0
"""Calls on a model's handle that need no session, one function each."""
from __future__ import annotations

import ctypes
from typing import Any, Dict, Optional, Tuple

from . import _ffi, errors
from ._library import Opened
from ._result import Info, SessionInfo, Tokens


def new_error() -> _ffi.sentiment_error:
    """Where a failing call leaves the details."""
    return _ffi.sentiment_error(struct_size=ctypes.sizeof(_ffi.sentiment_error))


def text_of(value: Optional[bytes]) -> str:
    """A string of the library; NULL is empty."""
    return (value or b'').decode('utf-8', 'replace')


def optional(value: Optional[bytes]) -> Optional[str]:
    """A string of the library that may be NULL."""
    return None if value is None else text_of(value)


def name_of(kind: Any, value: int) -> str:
    """The name of an enum's value, as options take it."""
    try:
        return str(kind(value).name).lower()
    except ValueError:
        return str(value)


def load_file(lib: Opened, path: bytes, options: _ffi.sentiment_model_options) -> int:
    """A model from a file or folder."""
    model, error = ctypes.c_void_p(), new_error()
    if lib.sentiment_model_load(path, ctypes.byref(options), ctypes.byref(model),
                                ctypes.byref(error)):
        raise errors.of(error)
    return model.value or 0


def load_memory(lib: Opened, data: bytes, options: _ffi.sentiment_model_options) -> int:
    """A model from the bytes of a file, which stay where they are: the caller keeps them
    for as long as the model lives."""
    model, error = ctypes.c_void_p(), new_error()
    if lib.sentiment_model_load_borrowed(
            data, len(data), _ffi.sentiment_release_fn(), None, ctypes.byref(options),
            ctypes.byref(model), ctypes.byref(error)):
        raise errors.of(error)
    return model.value or 0


def quantize(lib: Opened, model: int, options: _ffi.sentiment_model_options) -> int:
    """The same network in int8."""
    made, error = ctypes.c_void_p(), new_error()
    if lib.sentiment_model_quantize(model, ctypes.byref(options), ctypes.byref(made),
                                    ctypes.byref(error)):
        raise errors.of(error)
    return made.value or 0


def find_default(lib: Opened) -> bytes:
    """The path of the model to use when nobody names one."""
    length, error, room = ctypes.c_size_t(), new_error(), 4096
    while True:
        path = ctypes.create_string_buffer(room)
        status = lib.sentiment_model_find_default(path, room, ctypes.byref(length),
                                                  ctypes.byref(error))
        if status == 0:
            return path.value
        if status != _ffi.Status.BUFFER_TOO_SMALL:
            raise errors.of(error)
        room = length.value + 1


def _metadata(lib: Opened, model: int) -> Dict[str, str]:
    found: Dict[str, str] = {}
    key, value = ctypes.c_char_p(), ctypes.c_char_p()
    while lib.sentiment_model_get_metadata_at(model, len(found), ctypes.byref(key),
                                              ctypes.byref(value)) == 0:
        found[text_of(key.value)] = text_of(value.value)
    return found


def describe(lib: Opened, model: int) -> Info:
    """What a model is."""
    info, error = _ffi.sentiment_model_info(), new_error()
    info.struct_size = ctypes.sizeof(info)
    if lib.sentiment_model_get_info(model, ctypes.byref(info), ctypes.byref(error)):
        raise errors.of(error)
    return Info(
        vocab_size=info.vocab_size, embedding_dim=info.embedding_dim,
        hidden_size=info.hidden_size, num_classes=info.num_classes, num_layers=info.num_layers,
        max_length=info.max_length, parameters=info.parameters,
        vocabulary_words=info.vocabulary_words, memory_bytes=info.memory_bytes,
        bidirectional=info.bidirectional != 0, temperature=info.temperature,
        padding=name_of(_ffi.Padding, info.padding),
        precision=name_of(_ffi.Precision, info.precision),
        tokenizer=name_of(_ffi.TokenizerKind, info.tokenizer), format=text_of(info.format),
        sha256=optional(info.sha256), tokenizer_ignored=optional(info.tokenizer_ignored),
        has_script=info.has_script != 0, has_weights=info.has_weights != 0,
        labels=tuple(text_of(lib.sentiment_model_get_label(model, i))
                     for i in range(info.num_classes)),
        metadata=_metadata(lib, model))


def describe_session(lib: Opened, session: int) -> SessionInfo:
    """What a session runs on."""
    info, error = _ffi.sentiment_session_info(), new_error()
    info.struct_size = ctypes.sizeof(info)
    if lib.sentiment_session_get_info(session, ctypes.byref(info), ctypes.byref(error)):
        raise errors.of(error)
    return SessionInfo(engine=text_of(info.engine_name),
                       precision=name_of(_ffi.Precision, info.precision),
                       isa=text_of(info.isa_name), threads=info.threads,
                       max_length=info.max_length, padding=name_of(_ffi.Padding, info.padding),
                       memory_bytes=info.memory_bytes)


def _words(lib: Opened, tokenizer: int, ids: Tuple[int, ...]) -> Dict[int, str]:
    """Words of the vocabulary."""
    word, length, found = ctypes.c_void_p(), ctypes.c_size_t(), {}
    for each in set(ids):
        if lib.sentiment_tokenizer_get_word(tokenizer, each, ctypes.byref(word),
                                            ctypes.byref(length)) == 0:
            found[each] = ctypes.string_at(word.value or 0, length.value).decode(
                'utf-8', 'replace')
    return found


def tokenize(lib: Opened, tokenizer: int, data: bytes, policy: int, show_words: bool) -> Tokens:
    """The tokens of a text. `show_words`: those of the vocabulary, not of the text."""
    error, length, room = new_error(), ctypes.c_size_t(), 256
    while True:
        ids = (ctypes.c_int32 * room)()
        starts, ends = (ctypes.c_uint64 * room)(), (ctypes.c_uint64 * room)()
        status = lib.sentiment_tokenizer_encode(tokenizer, data, len(data), policy, room, ids,
                                                starts, ends, ctypes.byref(length),
                                                ctypes.byref(error))
        if status == 0:
            break
        if status != _ffi.Status.BUFFER_TOO_SMALL:
            raise errors.of(error)
        room = length.value
    count = length.value
    offsets = tuple(zip(starts[:count], ends[:count]))
    numbers = tuple(ids[:count])
    words = _words(lib, tokenizer, numbers) if show_words else {}
    shown = (words.get(each) if each in words else data[start:end].decode('utf-8', 'replace')
             for each, (start, end) in zip(numbers, offsets))
    return Tokens(numbers, tuple(each or '' for each in shown), offsets)


def explain(lib: Opened, session: int, data: bytes, limit: int, result: int,
            classes: int) -> Tuple[Tuple[float, ...], Any, Any, Any, int]:
    """Bias, contributions, starts, ends and their number; the answer goes to `result`."""
    error, length, room = new_error(), ctypes.c_size_t(), 64
    bias = (ctypes.c_float * classes)()
    answer = _ffi.sentiment_result.from_address(result)
    while True:
        contributions = (ctypes.c_float * (room * classes))()
        starts, ends = (ctypes.c_uint64 * room)(), (ctypes.c_uint64 * room)()
        status = lib.sentiment_session_explain(
            session, data, len(data), limit, ctypes.byref(answer), None, bias, room,
            contributions, starts, ends, ctypes.byref(length), ctypes.byref(error))
        if status == 0:
            return tuple(bias), contributions, starts, ends, length.value
        if status != _ffi.Status.BUFFER_TOO_SMALL:
            raise errors.of(error)
        room = length.value
