"""Rows of a version as a `datasets.Dataset`: decoded on access and small when pickled, also after map, filter and shuffle.

`Rows` reads single rows straight from Arrow buffers: the general path of `datasets` costs more per row than the audio. Where
`datasets` makes a plain `Dataset` of them (`concatenate_datasets`) and inside `map`, the format of `decoding` serves.
"""

import copy
import inspect
import operator
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from datasets import Dataset, IterableDataset
from datasets.fingerprint import Hasher
from datasets.table import InMemoryTable

from catalog.decoding import FORMAT, Reading, Row, TableReader, audio_names, batch_of
from synth import wav

FILTER_BATCH_ROWS = 32  # filter decodes a batch before it looks at the first row: 1,000 rows of audio would be a gigabyte


class Rows(Dataset):  # type: ignore[misc]  # datasets has no types
    """A `datasets.Dataset` whose rows are those of `decoding.TableReader` as long as its format is `yuliao`."""

    # What is derived from the tables, valid while these very objects stand in `__dict__`; never copied or pickled.
    _reader: tuple[Any, Any, Any, TableReader] | None = None
    _positions: tuple[Any, memoryview] | None = None

    @property
    def _fingerprint(self) -> str:
        """Names this state in the cache of `map`: crops of another epoch are other data, however the epoch was set."""
        reading = self.__dict__.get("_format_kwargs", {}).get("reading")
        stored: str = self.__dict__["_fingerprint"]
        if reading is None or reading.epoch is None or stored is None:
            return stored
        mixed: str = Hasher.hash([stored, reading.epoch.value])
        return mixed

    @_fingerprint.setter
    def _fingerprint(self, fingerprint: str) -> None:
        self.__dict__["_fingerprint"] = fingerprint

    def __getitem__(self, key: Any) -> Any:
        if type(key) is int and self._format_type == FORMAT:
            return self._row(key)
        if self._format_type != FORMAT or isinstance(key, str | bool):
            return super().__getitem__(key)
        if isinstance(key, slice):
            key = range(*key.indices(len(self)))
        if isinstance(key, Iterable):
            return batch_of([self._row(operator.index(k)) for k in key], self._row_columns())
        return self._row(operator.index(key))

    def __getitems__(self, keys: Iterable[int]) -> list[Row]:
        if self._format_type == FORMAT:
            return [self._row(operator.index(key)) for key in keys]
        rows: list[Row] = super().__getitems__(list(keys))
        return rows

    def __iter__(self) -> Iterator[Any]:
        if self._format_type == FORMAT:
            return (self._row(i) for i in range(len(self)))
        rows: Iterator[Any] = super().__iter__()
        return rows

    def iter(self, batch_size: int, drop_last_batch: bool = False) -> Iterator[Any]:
        """Batches of `batch_size` rows, as in `datasets.Dataset.iter`."""
        if self._format_type != FORMAT:
            yield from super().iter(batch_size, drop_last_batch)
            return
        end = len(self) // batch_size * batch_size if drop_last_batch else len(self)
        for start in range(0, end, batch_size):
            yield self[start : start + batch_size]

    def _row(self, index: int) -> Row:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"Invalid key: {index} is out of bounds for size {size}")
        if index < 0:
            index += size
        if self._indices is not None:
            index = self._index_positions()[index]
        return self._table_reader().row(index)

    def _row_columns(self) -> list[str]:
        return [name for name in self.column_names if self._format_columns is None or name in self._format_columns]

    def _table_reader(self) -> TableReader:
        data, kwargs, columns = self._data, self._format_kwargs, self._format_columns
        if self._reader is not None and self._reader[0] is data and self._reader[1] is kwargs and self._reader[2] is columns:
            return self._reader[3]
        table = data.table
        reading = kwargs.get("reading") or Reading()
        shown = None if columns is None else self._row_columns()
        reader = TableReader(table, audio_names(self.features, table.column_names), reading, shown)
        self._reader = data, kwargs, columns, reader
        return reader

    def _index_positions(self) -> memoryview:
        if self._positions is None or self._positions[0] is not self._indices:
            self._positions = self._indices, memoryview(self._indices.table.column(0).to_numpy())
        return self._positions[1]

    # Copies and pickles

    def _state(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_reader", "_positions")}

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        made.__setstate__(self._state())
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__setstate__(copy.deepcopy(self._state(), memo))
        return made

    def __getstate__(self) -> dict[str, Any]:
        """A mapped table is pickled as paths and steps to replay on each, which repeat themselves from blob to blob."""
        state = self._state()
        if not isinstance(self._data, InMemoryTable):
            state["_data"] = zlib.compress(pickle.dumps(self._data))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state["_data"], bytes):
            state = {**state, "_data": pickle.loads(zlib.decompress(state["_data"]))}
        super().__setstate__(state)

    # Transforms: `datasets` builds plain datasets in three places, and these are all the ways there

    def map(self, function: Callable[..., Any] | None = None, *args: Any, **kwargs: Any) -> "Rows":
        """As `datasets.Dataset.map`. Audio that `function` returns decoded is stored as PCM16 WAV."""
        if self._format_type == FORMAT and not inspect.iscoroutinefunction(function):
            function = _EncodingAudio(function or _unchanged, audio_names(self.features, self.column_names))
        return _as_rows(super().map(function, *args, **kwargs))

    def filter(self, *args: Any, **kwargs: Any) -> "Rows":
        """As `datasets.Dataset.filter`, with smaller batches where `batch_size` is not given."""
        if len(args) < 6:
            kwargs.setdefault("batch_size", FILTER_BATCH_ROWS)
        return _as_rows(super().filter(*args, **kwargs))

    def flatten_indices(self, *args: Any, **kwargs: Any) -> "Rows":
        """As `datasets.Dataset.flatten_indices`; stored bytes are copied as they are."""
        if self._format_type != FORMAT:
            return _as_rows(super().flatten_indices(*args, **kwargs))
        flat = self.with_format(None).flatten_indices(*args, **kwargs)
        fingerprint = flat._fingerprint
        flat.set_format(FORMAT, self._format_columns, self._output_all_columns, **self._format_kwargs)
        flat._fingerprint = fingerprint
        return _as_rows(flat)

    def save_to_disk(self, *args: Any, **kwargs: Any) -> None:
        """As `datasets.Dataset.save_to_disk`, in the default format: the stored bytes, for `datasets.load_from_disk`."""
        Dataset.save_to_disk(self if self._format_type != FORMAT else self.with_format(None), *args, **kwargs)

    def to_iterable_dataset(self, num_shards: int = 1) -> IterableDataset:
        """As `datasets.Dataset.to_iterable_dataset`; each shard goes to one worker."""
        if self._format_type != FORMAT:
            return super().to_iterable_dataset(num_shards)
        shards = [self.shard(num_shards, k, contiguous=True) for k in range(num_shards)]
        return IterableDataset.from_generator(_rows_of, gen_kwargs={"shards": shards}, split=self.split)

    def _select_contiguous(self, *args: Any, **kwargs: Any) -> "Rows":
        return _as_rows(super()._select_contiguous(*args, **kwargs))

    def _new_dataset_with_indices(self, *args: Any, **kwargs: Any) -> "Rows":
        return _as_rows(super()._new_dataset_with_indices(*args, **kwargs))

    def _fast_select_column(self, column_name: str) -> Dataset:
        if self._format_type != FORMAT:
            return super()._fast_select_column(column_name)
        one = copy.copy(self)
        one._format_columns = [column_name]  # the table stays whole: a crop is keyed by the row's id
        return one


@dataclass(frozen=True)
class _EncodingAudio:
    """A function for `map` whose decoded audio, in columns that hold audio, goes back to what is stored there."""

    function: Callable[..., Any]
    audio: tuple[str, ...]  # no set: its order, and so the name in the cache, would differ between processes

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = self.function(*args, **kwargs)
        if not isinstance(made, Mapping):
            return made
        return {name: _encoded(value) if name in self.audio else value for name, value in made.items()}


def _unchanged(row: Any) -> Any:
    return row


def _encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if not isinstance(value, Mapping) or "array" not in value:
        return value
    samples = np.clip(np.rint(np.asarray(value["array"]) * 32768.0), -32768, 32767).astype(np.int16)
    return {"bytes": wav.encode(samples, value["sampling_rate"]), "path": None}


def _rows_of(shards: list[Rows]) -> Iterator[Row]:
    for shard in shards:
        yield from shard


def _as_rows(dataset: Dataset) -> Rows:
    """The same dataset, read as `Rows` from now on."""
    dataset.__class__ = Rows
    rows: Rows = dataset
    return rows
