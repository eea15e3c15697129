# SPDX-License-Identifier: Apache-2.0
"""Many texts as the library takes them: one buffer of UTF-8, and offsets into it.

Lists are joined. NumPy arrays are converted whole, by vectorised steps. Arrow arrays
(_arrow.py) are handed on where they lie.
"""
from __future__ import annotations

import ctypes
import sys
from array import array
from itertools import accumulate
from typing import Any, Iterable, Iterator, NamedTuple, Optional, Sequence, Union

from . import _arrow, _numpy
from .errors import InvalidArgumentError

_WIDTH = 4
#: A NumPy array of strings with one very long one is not padded to its width.
_PADDED_BYTES = 64 << 20


class Piece(NamedTuple):
    """Some texts, one behind the other."""

    #: Their number.
    size: int
    #: Bytes, or where they lie.
    text: Union[bytes, int]
    #: Address of size+1 offsets of 64 bits.
    offsets: int
    #: A byte for each text, 1 where there is none; None: all are there.
    missing: Optional[bytes]
    #: Which of these texts each text of the array is, and -1 for none; None: each in turn.
    chosen: Optional[Sequence[int]]
    #: What owns the memory.
    kept: Any


def as_bytes(text: Any) -> bytes:
    """One text as UTF-8. Lone surrogates pass: it is the library that refuses them, or
    replaces them, and tells where."""
    if isinstance(text, str):
        return text.encode('utf-8', 'surrogatepass')
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise TypeError('a text is str or bytes, not %s' % type(text).__name__)


def is_missing(text: Any) -> bool:
    """None, and what pandas and NumPy write for it: NaN and NA."""
    return (text is None or isinstance(text, float) and text != text
            or type(text).__name__ == 'NAType')


def _address(buffer: Any) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _plain(count: int, text: bytes, ends: Any, missing: Optional[bytes]) -> Piece:
    """Texts that were joined; `ends` holds count+1 offsets."""
    return Piece(count, text, _address(ends), missing, None, (text, ends))


def of_list(texts: Iterable[Any]) -> Piece:
    """Texts of any mixture of kinds; None: no text."""
    parts, holes = [], []
    for text in texts:
        if type(text) is str:
            parts.append(text.encode('utf-8', 'surrogatepass'))
        elif type(text) is bytes:
            parts.append(text)
        elif is_missing(text):
            holes.append(len(parts))
            parts.append(b'')
        else:
            try:
                parts.append(as_bytes(text))
            except TypeError as problem:
                raise TypeError('text %d: %s' % (len(parts), problem)) from None
    ends = array('Q', [0])
    ends.extend(accumulate(map(len, parts)))
    missing = None
    if holes:
        marks = bytearray(len(parts))
        for hole in holes:
            marks[hole] = 1
        missing = bytes(marks)
    return _plain(len(parts), b''.join(parts), ends, missing)


def _ends(np: Any, lengths: Any) -> Any:
    """Offsets from lengths."""
    ends = np.zeros(len(lengths) + 1, dtype=np.uint64)
    np.cumsum(lengths, out=ends[1:])
    return ends


def _used(np: Any, units: Any, lengths: Any) -> Any:
    """The units of each row that belong to its text."""
    return units[np.arange(units.shape[1]) < lengths[:, None]]


def _lengths(np: Any, units: Any) -> Any:
    """Units of each row without the zeros at its end, which are NumPy's padding."""
    filled = units != 0
    lengths = units.shape[1] - np.argmax(filled[:, ::-1], axis=1)
    lengths[~filled.any(axis=1)] = 0
    return lengths


def _of_code_points(np: Any, units: Any, lengths: Any) -> Piece:
    """Rows of code points: the whole array is encoded at once."""
    points = _used(np, units, lengths)
    # What is no code point becomes a surrogate, which the library refuses in its own text.
    points = np.where(points > sys.maxunicode, np.uint32(0xd800), points)
    codec = 'utf-32-' + ('le' if sys.byteorder == 'little' else 'be')
    text = points.tobytes().decode(codec, 'surrogatepass').encode('utf-8', 'surrogatepass')
    # Bytes of each code point, summed up to the end of each row.
    widths = 1 + (points >= 0x80).astype(np.uint8) + (points >= 0x800) + (points >= 0x10000)
    sums = np.zeros(len(points) + 1, dtype=np.uint64)
    np.cumsum(widths, out=sums[1:])
    ends = sums[_ends(np, lengths).astype(np.intp)]
    return _plain(len(units), text, ends, None)


def _of_unicode(np: Any, texts: Any, lengths: Any = None) -> Piece:
    """An array of fixed width."""
    width = texts.dtype.itemsize // _WIDTH
    if width == 0:
        return _plain(len(texts), b'', np.zeros(len(texts) + 1, dtype=np.uint64), None)
    native = np.ascontiguousarray(texts, dtype=texts.dtype.newbyteorder('='))
    units = native.view(np.uint32).reshape(len(texts), width)
    return _of_code_points(np, units, _lengths(np, units) if lengths is None else lengths)


def _of_bytes(np: Any, texts: Any) -> Piece:
    """An array of bytes of fixed width."""
    width = texts.dtype.itemsize
    if width == 0:
        return _plain(len(texts), b'', np.zeros(len(texts) + 1, dtype=np.uint64), None)
    units = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    lengths = _lengths(np, units)
    return _plain(len(texts), _used(np, units, lengths).tobytes(), _ends(np, lengths), None)


def _of_strings(np: Any, texts: Any) -> Piece:
    """An array of StringDType, by way of one of fixed width where that is not wasteful."""
    if hasattr(texts.dtype, 'na_object'):
        absent = texts.dtype.na_object
        return of_list(None if each is absent else each for each in texts.tolist())
    # str_len leaves out the NULs at the end; before another character there are none.
    lengths = np.strings.str_len(np.strings.add(texts, '.')) - 1
    width = int(lengths.max()) if len(lengths) else 0
    if width * len(texts) * _WIDTH > max(_PADDED_BYTES, 4 * _WIDTH * int(lengths.sum())):
        return of_list(texts.tolist())
    return _of_unicode(np, texts.astype('U%d' % max(width, 1)), lengths)


def of_numpy(texts: Any) -> Piece:
    """A one-dimensional array of strings, bytes or objects."""
    np = _numpy.numpy()
    assert np is not None
    if texts.ndim != 1:
        raise InvalidArgumentError('an array of texts has 1 dimension, not %d' % texts.ndim)
    if len(texts) == 0:
        return of_list([])
    kind = texts.dtype.kind
    if kind in 'UST' and isinstance(texts, np.ma.MaskedArray):
        return of_list(texts.tolist())  # None where it is masked
    if kind == 'U':
        return _of_unicode(np, texts)
    if kind == 'S':
        return _of_bytes(np, texts)
    if kind == 'T':
        return _of_strings(np, texts)
    if kind == 'O':
        return of_list(texts.tolist())
    raise TypeError('an array of texts has dtype str, bytes or object, not %s' % texts.dtype)


def pieces(texts: Any) -> Iterator[Piece]:
    """What is to be classified, in order."""
    if isinstance(texts, (str, bytes, bytearray, memoryview)):
        raise TypeError('predict_batch takes many texts, not one %s' % type(texts).__name__)
    if _numpy.is_array(texts):
        yield of_numpy(texts)
    elif hasattr(texts, '__arrow_c_array__') or hasattr(texts, '__arrow_c_stream__'):
        for strings in _arrow.arrays(texts):
            yield Piece(*strings)
    else:
        try:
            iterator = iter(texts)
        except TypeError:
            raise TypeError('predict_batch takes a sequence of texts, or an array of them, not '
                            '%s' % type(texts).__name__) from None
        yield of_list(iterator)
