"""Single values out of Arrow arrays, as plain Python: pyarrow's own scalars cost more than decoding the audio of a row."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

Cell = Callable[[int], Any]  # position in the array to its value


def cell_reader(array: pa.Array) -> Cell:
    """A function from a position in `array` to what `array[position].as_py()` gives."""
    read = _reader(array)
    if not array.null_count:
        return read
    is_null = memoryview(array.is_null().to_numpy(zero_copy_only=False))
    return lambda i: None if is_null[i] else read(i)


def _reader(array: pa.Array) -> Cell:
    type_ = array.type
    if pa.types.is_integer(type_) or pa.types.is_float32(type_) or pa.types.is_float64(type_):
        return _numbers(array).__getitem__
    if pa.types.is_string(type_):
        return _strings(array)
    if pa.types.is_list(type_):
        return _lists(array)
    return lambda i: array[i].as_py()


def _numbers(array: pa.Array) -> memoryview:
    """The values of a primitive array, those behind nulls included."""
    _, values = array.buffers()
    dtype = np.dtype(array.type.to_pandas_dtype())
    if values is None:  # as an array without rows may come
        return np.empty(0, dtype).data
    return np.frombuffer(values, dtype, len(array), array.offset * dtype.itemsize).data


def _strings(array: pa.Array) -> Cell:
    _, _, text_bytes = array.buffers()
    offsets = list_offsets(array)
    text = memoryview(text_bytes) if text_bytes is not None else memoryview(b"")
    return lambda i: str(text[offsets[i] : offsets[i + 1]], "utf-8")


def _lists(array: pa.Array) -> Cell:
    offsets = list_offsets(array)
    values = array.values
    numeric = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if numeric and not pa.types.is_float16(values.type) and not values.null_count:
        numbers = _numbers(values)
        return lambda i: numbers[offsets[i] : offsets[i + 1]].tolist()
    read = cell_reader(values)
    return lambda i: [read(k) for k in range(offsets[i], offsets[i + 1])]


def list_offsets(array: pa.Array) -> memoryview:
    """Where the elements of a list, string or binary array begin and end: `len(array) + 1` positions among its values."""
    offsets = array.buffers()[1]
    if offsets is None:  # as an array without rows may come
        return np.zeros(1, np.int32).data
    return np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).data
