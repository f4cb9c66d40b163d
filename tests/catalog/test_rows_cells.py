"""Cells read straight from Arrow buffers are what pyarrow's own scalars give."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cells import cell_reader

INTEGERS = st.integers(-(2**31), 2**31 - 1)
VALUES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int32(), INTEGERS),
    (pa.int64(), INTEGERS),
    (pa.uint16(), st.integers(0, 2**16 - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), st.text()),
    (pa.binary(), st.binary()),
    (pa.list_(pa.int64()), st.lists(INTEGERS)),
    (pa.list_(pa.int64()), st.lists(st.none() | INTEGERS)),
    (pa.list_(pa.float64()), st.lists(st.floats(allow_nan=False))),
    (pa.list_(pa.string()), st.lists(st.none() | st.text())),
    (pa.list_(pa.list_(pa.uint16())), st.lists(st.lists(st.integers(0, 9)))),
    (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": INTEGERS})),
]


@pytest.mark.parametrize(("type_", "values"), VALUES, ids=[f"{type_}-{k}" for k, (type_, _) in enumerate(VALUES)])
@given(data=st.data())
def test_a_cell_is_what_pyarrow_gives(type_: pa.DataType, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    """With and without nulls, in whole arrays and in slices, also after a trip through an IPC stream; in plain Python types."""
    items = data.draw(st.lists(st.none() | values, max_size=12))
    start = data.draw(st.integers(0, len(items)))
    array = pa.array(items, type_)
    for part in (array, array.slice(start), through_ipc(array), through_ipc(array).slice(start)):
        read = cell_reader(part)
        cells = [read(i) for i in range(len(part))]
        assert cells == part.to_pylist()
        assert all(type(cell) is type(expected) for cell, expected in zip(cells, part.to_pylist(), strict=True))


def through_ipc(array: pa.Array) -> pa.Array:
    batch = pa.record_batch({"x": array})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch().column("x")


def test_numbers_are_python_numbers() -> None:
    """numpy's would not go into JSON."""
    batch = pa.record_batch({"x": pa.array([3]), "y": pa.array([[1.5]], pa.list_(pa.float64()))})
    assert json.dumps([cell_reader(column)(0) for column in batch.columns]) == "[3, [1.5]]"
    assert not isinstance(cell_reader(batch.column("x"))(0), np.generic)
