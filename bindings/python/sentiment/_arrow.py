# SPDX-License-Identifier: Apache-2.0
"""Arrays of strings through the Arrow C data interface, of whatever library made them.

The interface is two structs and a stream of them, which come in capsules:
https://arrow.apache.org/docs/format/CDataInterface.html. Texts are not copied: 64-bit
offsets go to the library as they lie, those of 32 bits are widened. String views have no
offsets; they alone are gathered.
"""
from __future__ import annotations

import ctypes
import sys
from array import array as array_of
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from . import _numpy
from .errors import InvalidArgumentError

_READ = 0x100  # PyBUF_READ
_VIEW_BYTES = 16
_VIEW_INLINE = 12
_INDEX_FORMATS: Dict[bytes, Any] = {b'c': 'b', b'C': 'B', b's': 'h', b'S': 'H',
                                    b'i': 'i', b'I': 'I', b'l': 'q', b'L': 'Q'}
_NAMES = {b'b': 'bool', b'f': 'float', b'g': 'double', b'+l': 'list', b'+L': 'large_list'}
_INVERTED = bytes.maketrans(b'01', b'\x01\x00')

_capsule_pointer = ctypes.pythonapi['PyCapsule_GetPointer']
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_memory = ctypes.pythonapi['PyMemoryView_FromMemory']
_memory.restype = ctypes.py_object
_memory.argtypes = [ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int]


class Schema(ctypes.Structure):
    """ArrowSchema: a type."""


Schema._fields_ = [('format', ctypes.c_char_p), ('name', ctypes.c_char_p),
                   ('metadata', ctypes.c_void_p), ('flags', ctypes.c_int64),
                   ('n_children', ctypes.c_int64), ('children', ctypes.c_void_p),
                   ('dictionary', ctypes.POINTER(Schema)), ('release', ctypes.c_void_p),
                   ('private', ctypes.c_void_p)]


class Array(ctypes.Structure):
    """ArrowArray: values."""


Array._fields_ = [('length', ctypes.c_int64), ('null_count', ctypes.c_int64),
                  ('offset', ctypes.c_int64), ('n_buffers', ctypes.c_int64),
                  ('n_children', ctypes.c_int64), ('buffers', ctypes.POINTER(ctypes.c_void_p)),
                  ('children', ctypes.c_void_p), ('dictionary', ctypes.POINTER(Array)),
                  ('release', ctypes.c_void_p), ('private', ctypes.c_void_p)]

_GET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_LAST_ERROR = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)
_RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Stream(ctypes.Structure):
    """ArrowArrayStream: values of one type, in chunks."""

    _fields_ = [('get_schema', _GET), ('get_next', _GET), ('get_last_error', _LAST_ERROR),
                ('release', ctypes.c_void_p), ('private', ctypes.c_void_p)]


# Number, text, address of offsets, missing, chosen, kept: a Piece of _texts.py.
Strings = Tuple[int, Union[bytes, int], int, Optional[bytes], Optional[Sequence[int]], Any]


class Released:
    """A struct that is given back when nobody uses it any more."""

    def __init__(self, kind: Any) -> None:
        self.struct = kind()

    def __del__(self) -> None:
        if self.struct.release:
            _RELEASE(self.struct.release)(ctypes.addressof(self.struct))


def _view(address: Optional[int], size: int) -> memoryview:
    """Memory as bytes, not copied."""
    if not address or not size:
        return memoryview(b'')
    made: memoryview = _memory(address, size, _READ)
    return made


def _missing(array: Any) -> Optional[bytes]:
    """A byte for each value, 1 where there is none; None: all are there."""
    bitmap = array.buffers[0] if array.n_buffers else None
    if array.null_count == 0 or not bitmap:
        return None
    first, count = array.offset, array.length
    # Bit after bit as text, the last one first: no object for each.
    number = int.from_bytes(_view(bitmap, (first + count + 7) // 8), 'little') >> first
    digits = '{:0{}b}'.format(number & ((1 << count) - 1), count)[::-1]
    marks = digits.encode('ascii').translate(_INVERTED)
    return marks if 1 in marks else None


def _buffer(array: Any, number: int) -> int:
    """Where a buffer lies that has to be there."""
    address = array.buffers[number] if 0 <= number < array.n_buffers else None
    if not address:
        raise InvalidArgumentError('an Arrow array lacks its buffer %d' % number)
    return int(address)


def _offsets(array: Any, width: int) -> int:
    """Where the offsets of texts lie. The library refuses those that descend; the last
    one tells it how far it may read."""
    address: int = _buffer(array, 1) + width * array.offset
    last = _view(address + width * array.length, width).cast('i' if width == 4 else 'q')[0]
    if last < 0:
        raise InvalidArgumentError('an Arrow array has the offset %d' % last)
    return address


def _widened(address: int, count: int) -> bytearray:
    """Offsets of 32 bits as 64: strided copying, no object for each."""
    wide = bytearray(8 * count)
    halves = memoryview(wide).cast('i')
    halves[0 if sys.byteorder == 'little' else 1::2] = _view(address, 4 * count).cast('i')
    return wide


def _address(buffer: Any) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


def _outside() -> InvalidArgumentError:
    return InvalidArgumentError('an Arrow view lies outside its buffer')


def _gather_slowly(views: memoryview, buffers: List[memoryview], count: int) -> List[bytes]:
    """The texts of string views, one by one."""
    numbers, texts = views.cast('i'), []
    for i in range(count):
        length = numbers[4 * i]
        if 0 <= length <= _VIEW_INLINE:
            start = _VIEW_BYTES * i + 4
            texts.append(bytes(views[start:start + length]))
        else:
            number, start = numbers[4 * i + 2], numbers[4 * i + 3]
            if (length < 0 or start < 0 or not 0 <= number < len(buffers)
                    or start + length > len(buffers[number])):
                raise _outside()
            texts.append(bytes(buffers[number][start:start + length]))
    return texts


def _gather(np: Any, views: memoryview, buffers: List[memoryview], count: int) -> Tuple[Any, Any]:
    """The texts of string views one behind the other, and their offsets; buffer by buffer."""
    numbers = np.frombuffer(views, dtype=np.int32).reshape(count, 4)
    lengths = numbers[:, 0].astype(np.int64)
    far = numbers[lengths > _VIEW_INLINE].astype(np.int64)
    # At either end, for numbers of buffers that there are not, a buffer of no bytes.
    sizes = np.array([0, *map(len, buffers), 0])[np.clip(far[:, 2], -1, len(buffers)) + 1]
    if (lengths < 0).any() or (far[:, 3] < 0).any() or (far[:, 3] + far[:, 0] > sizes).any():
        raise _outside()
    ends = np.zeros(count + 1, dtype=np.uint64)
    np.cumsum(lengths, out=ends[1:])
    text = np.empty(int(ends[-1]), dtype=np.uint8)
    inline = lengths <= _VIEW_INLINE
    source = np.where(inline, -1, numbers[:, 2])
    starts = np.where(inline, np.arange(count) * _VIEW_BYTES + 4, numbers[:, 3])
    for number in np.unique(source):
        rows = np.flatnonzero(source == number)
        sizes = lengths[rows]
        total = int(sizes.sum())
        behind = np.cumsum(sizes)
        within = np.arange(total) - np.repeat(behind - sizes, sizes)
        bytes_of = np.frombuffer(views if number < 0 else buffers[number], dtype=np.uint8)
        goals = np.repeat(ends[rows].astype(np.int64), sizes) + within
        text[goals] = bytes_of[np.repeat(starts[rows], sizes) + within]
    return text, ends


def _of_views(array: Any, missing: Optional[bytes], kept: Any) -> Strings:
    """An array of string views."""
    count, variadic = array.length, array.n_buffers - 3
    views = _view(_buffer(array, 1) + _VIEW_BYTES * array.offset, _VIEW_BYTES * count)
    buffers = []
    if variadic > 0:
        sizes = _view(_buffer(array, array.n_buffers - 1), 8 * variadic).cast('q')
        buffers = [_view(array.buffers[2 + i], sizes[i]) for i in range(variadic)]
    if missing:
        # What stands behind a null may be anything.
        blank = bytearray(views)
        for hole in (i for i, mark in enumerate(missing) if mark):
            blank[_VIEW_BYTES * hole:_VIEW_BYTES * (hole + 1)] = bytes(_VIEW_BYTES)
        views = memoryview(blank)
    np = _numpy.numpy()
    if np is not None:
        text, ends = _gather(np, views, buffers, count)
        return count, text.ctypes.data, ends.ctypes.data, missing, None, (text, ends, kept)
    texts = _gather_slowly(views, buffers, count)
    whole, wide, place = b''.join(texts), bytearray(8 * (count + 1)), 0
    offsets = memoryview(wide).cast('Q')
    for i, each in enumerate(texts):
        place += len(each)
        offsets[i + 1] = place
    del offsets
    return count, whole, _address(wide), missing, None, (whole, wide, kept)


def _all_missing(count: int) -> Strings:
    offsets = bytearray(8 * (count + 1))
    return count, b'', _address(offsets), b'\x01' * count, None, offsets


def _chosen(schema: Any, array: Any, values: Strings) -> Strings:
    """A dictionary: each distinct text is classified once."""
    form = _INDEX_FORMATS[schema.format]
    width = memoryview(bytes(8)).cast(form).itemsize
    place = _buffer(array, 1) + width * array.offset
    given = _view(place, width * array.length).cast(form).tolist()
    missing = _missing(array)
    # What stands behind a null may be anything.
    used = given if not missing else [each for each, mark in zip(given, missing) if not mark]
    if used and not 0 <= min(used) <= max(used) < values[0]:
        raise InvalidArgumentError('an Arrow dictionary of %d values has the indices %d to %d'
                                   % (values[0], min(used), max(used)))
    indices = array_of('q', given if not missing else (
        -1 if mark else each for each, mark in zip(given, missing)))
    if values[3]:
        for i, index in enumerate(indices):
            if index >= 0 and values[3][index]:
                indices[i] = -1
    return (*values[:3], None, indices, values[5])


def _strings(schema: Any, array: Any, kept: Any) -> Strings:
    """One array, whatever its layout."""
    count, form = array.length, schema.format
    if count < 0 or array.offset < 0:
        raise InvalidArgumentError('an Arrow array has the length %d and the offset %d'
                                   % (count, array.offset))
    if schema.dictionary and form in _INDEX_FORMATS:
        if schema.dictionary.contents.dictionary:
            raise InvalidArgumentError('expected a dictionary of strings, got one of dictionaries')
        values = _strings(schema.dictionary.contents, array.dictionary.contents, kept)
        return _chosen(schema, array, values) if count else _all_missing(0)
    if form == b'n' or count == 0 and form in (b'u', b'z', b'U', b'Z', b'vu', b'vz'):
        return _all_missing(count)
    missing = _missing(array)
    if form in (b'U', b'Z'):
        # NULL stays NULL: then the library refuses offsets into it.
        return count, array.buffers[2] or 0, _offsets(array, 8), missing, None, kept
    if form in (b'u', b'z'):
        wide = _widened(_offsets(array, 4), count + 1)
        return count, array.buffers[2] or 0, _address(wide), missing, None, (wide, kept)
    if form in (b'vu', b'vz'):
        return _of_views(array, missing, kept)
    if form == b'+s':
        raise InvalidArgumentError('expected an array of strings, got a table: name its column')
    told = form.decode('ascii', 'replace')
    raise InvalidArgumentError('expected an array of strings, got one of %s' % _NAMES.get(
        form, "Arrow format '%s'" % told))


def _struct(kind: Any, capsule: Any, name: bytes) -> Any:
    return kind.from_address(_capsule_pointer(capsule, name))


def _chunks(capsule: Any) -> Iterator[Strings]:
    """The arrays of a stream; each is asked for when the one before is done."""
    stream = _struct(Stream, capsule, b'arrow_array_stream')
    place = ctypes.addressof(stream)

    def ask(function: Any, kind: Any) -> Released:
        made = Released(kind)
        if function(place, ctypes.addressof(made.struct)):
            reason = stream.get_last_error(place) or b'no reason given'
            raise InvalidArgumentError('the Arrow stream failed: '
                                       + reason.decode('utf-8', 'replace'))
        return made

    schema = ask(stream.get_schema, Schema)
    while True:
        array = ask(stream.get_next, Array)
        if not array.struct.release:
            return
        yield _strings(schema.struct, array.struct, (schema, array))


def arrays(source: Any) -> Iterator[Strings]:
    """The arrays of whatever exports them."""
    if hasattr(source, '__arrow_c_array__'):
        capsules = source.__arrow_c_array__()
        schema = _struct(Schema, capsules[0], b'arrow_schema')
        array = _struct(Array, capsules[1], b'arrow_array')
        yield _strings(schema, array, capsules)
    else:
        capsule = source.__arrow_c_stream__()
        for strings in _chunks(capsule):
            yield (*strings[:5], (capsule, strings[5]))
