"""Arrays of a plan to its table: columns, ids, digests."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synth.draws import hash_texts, hashes
from synth.pieces import Pieces, Placement

Ints = NDArray[np.int64]
# Columns besides the pieces of speech that decide the samples of a mixture.
SURROUNDINGS = (
    "noise_ids",
    "noise_offsets_samples",
    "noise_starts_samples",
    "noise_lengths_samples",
    "noise_fade_ins_samples",
    "noise_gains",
    "rir_ids",
    "source_degradations",
    "mixture_degradations",
)
Floats = NDArray[np.float64]

_BYTES = pa.large_binary()  # of the texts of all pieces, which may have more than 2 GB


def plan_table(
    schema: pa.Schema,
    sample_rate_hz: int,
    sources: pa.Table,
    keys: NDArray[np.uint64],
    placement: Placement,
    gains: Floats,
    measures: dict[str, NDArray[Any] | pa.Array],
) -> pa.Table:
    """The plan of a split.

    Args:
        schema: the columns wanted.
        sources: utterances with `id, speaker_id, gender, text, audio_sha256`.
        keys: hashes of their ids.
        placement: its pieces are rows of `sources`.
        gains: of the pieces.
        measures: the columns that are neither of pieces nor of places.
    """
    pieces, mixtures = placement.pieces, len(placement.num_samples)
    ends = np.cumsum(np.bincount(pieces.mixture, minlength=mixtures))
    of_pieces = np.append(0, ends)
    begins_stem = pieces.stem_begins()
    of_stems = np.append(0, np.cumsum(placement.n_src))
    rows = pa.array(pieces.source)

    def per_piece(values: pa.Array | NDArray[Any]) -> pa.Array:
        return lists(values, of_pieces)

    def per_stem(column: str) -> pa.Array:
        return lists(sources[column].take(pa.array(pieces.source[begins_stem])).combine_chunks(), of_stems)

    columns: dict[str, Any] = {
        "source_ids": per_piece(sources["id"].take(rows).combine_chunks()),
        "stem_numbers": per_piece(pieces.stem.astype(np.int32)),
        "speaker_ids": per_stem("speaker_id"),
        "genders": per_stem("gender"),
        "texts": per_piece(sources["text"].take(rows).combine_chunks()),
        "source_sha256s": per_piece(sources["audio_sha256"].take(rows).combine_chunks()),
        "offsets_samples": per_piece(pieces.offset),
        "starts_samples": per_piece(pieces.start),
        "lengths_samples": per_piece(pieces.length),
        "gains": per_piece(gains),
        "num_samples": placement.num_samples,
        "sample_rate_hz": np.full(mixtures, sample_rate_hz, dtype=np.int32),
        "overlap_ratio_asked": pa.array(placement.ratios_asked, from_pandas=True),
        "overlap_ratio_draws": placement.ratio_draws,
        **measures,
    }
    columns["id"] = _row_ids(sample_rate_hz, keys[pieces.source], placement, gains, columns)
    columns["row_digest"] = _row_digests(columns, sources, pieces, of_pieces)
    return pa.table({field.name: pa.array(columns[field.name]) for field in schema}, schema=schema)


def lists(values: pa.Array | NDArray[Any], edges: Ints) -> pa.Array:
    """Lists of `values[edges[k] : edges[k + 1]]`."""
    return pa.ListArray.from_arrays(pa.array(edges.astype(np.int32)), pa.array(values))


def _row_ids(
    sample_rate_hz: int, keys: NDArray[np.uint64], placement: Placement, gains: Floats, columns: dict[str, Any]
) -> list[str]:
    """128-bit hashes of what a mixture is made of, in hex: the same mixture has the same id in every set."""
    pieces, mixtures = placement.pieces, len(placement.num_samples)
    begins = np.searchsorted(pieces.mixture, np.arange(mixtures + 1))
    counts = np.diff(begins)
    state = np.full(mixtures, sample_rate_hz, dtype=np.uint64) ^ hashes("num_samples", placement.num_samples.astype(np.uint64))
    for number in range(int(counts.max())):  # the pieces of all mixtures side by side
        these = np.flatnonzero(counts > number)
        at = begins[these] + number
        for part in (keys, pieces.stem, pieces.start, pieces.length, pieces.offset, gains):
            state[these] = hashes("row id", state[these]) ^ np.ascontiguousarray(part[at]).view(np.uint64)
    for name in SURROUNDINGS:
        if name in columns:
            _fold(state, name, pa.array(columns[name]))
    both = np.stack([hashes("row id, first half", state), hashes("row id, second half", state)], axis=1)
    text = both.astype(">u8").tobytes().hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _fold(state: NDArray[np.uint64], name: str, column: pa.Array) -> None:
    """Take the cells of a column into the hashes, in place: its values or, of lists, one after another; nulls are left out."""
    lists_ = pa.types.is_list(column.type)
    values = column.values if lists_ else column
    if pa.types.is_string(values.type):
        texts = values.dictionary_encode()
        hashed = hash_texts(texts.dictionary.to_pylist())
        present = texts.indices.is_valid().to_numpy(zero_copy_only=False)
        numbers = np.zeros(len(values), dtype=np.uint64)
        numbers[present] = hashed[texts.indices.drop_null().to_numpy()]
    else:
        numbers = np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).view(np.uint64)
        present = np.ones(len(values), dtype=bool)
    begins = column.offsets.to_numpy()[:-1] if lists_ else np.arange(len(column))
    counts = np.diff(column.offsets.to_numpy()) if lists_ else np.ones(len(column), dtype=np.int64)
    for number in range(int(counts.max(initial=0))):
        these = np.flatnonzero(counts > number)
        these = these[present[begins[these] + number]]
        key = hashes(f"{number}", state[these]) if number else state[these]
        state[these] = hashes(name, key) ^ numbers[begins[these] + number]


def _row_digests(columns: dict[str, Any], sources: pa.Table, pieces: Pieces, edges: Ints) -> list[str]:
    """SHA-256 of each row: its id (pieces, gains), its sources' PCM, speakers and texts, what was asked, and the
    samples of noises and RIRs."""
    facts = [sources[name].cast(_BYTES) for name in ("audio_sha256", "speaker_id", "gender", "text")]
    of_sources = pc.binary_join_element_wise(*facts, _bytes(b"\x1f"), null_handling="replace", null_replacement=b"\0")
    made_of = pc.binary_join(lists(of_sources.take(pa.array(pieces.source)).combine_chunks(), edges), _bytes(b"\x1e"))
    told = [name for name in columns if name.endswith("_asked") or name in ("noise_sha256s", "rir_sha256s")]
    parts = [pa.array(columns["id"]), made_of, *(_bytes_of(pa.array(columns[name])) for name in told)]
    cells = [part.cast(_BYTES) for part in parts]
    rows = pc.binary_join_element_wise(*cells, _bytes(b"\n"), null_handling="replace", null_replacement=b"")
    return [hashlib.sha256(row).hexdigest() for row in rows.to_pylist()]


def _bytes(separator: bytes) -> pa.Scalar:
    return pa.scalar(separator, _BYTES)


def _bytes_of(column: pa.Array) -> pa.Array:
    """Each cell of a column of numbers, or of lists of numbers or texts, as bytes; a null number is NaN."""
    if not pa.types.is_list(column.type):
        numbers = np.ascontiguousarray(column.to_numpy(zero_copy_only=False), dtype="<f8")
        return _binary(np.arange(len(numbers) + 1), numbers)
    if pa.types.is_string(column.type.value_type):
        return pc.binary_join(column.cast(pa.list_(pa.binary())), b" ")
    return _binary(column.offsets.to_numpy(), np.ascontiguousarray(column.values.to_numpy(zero_copy_only=False), dtype="<f8"))


def _binary(edges: NDArray[np.integer[Any]], numbers: Floats) -> pa.Array:
    offsets = (edges * numbers.itemsize).astype(np.int32)
    return pa.BinaryArray.from_buffers(pa.binary(), len(edges) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(numbers)])
