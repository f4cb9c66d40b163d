"""Sets replayed from a published recipe: rows of kind `separation` whose stems do not quite sum to their mixtures.

Their manifest says `additive: false`. Its spec has `sums`: of each mixture column, the stems it is the sum of. Its report
has `largest_error_lsb`: of each mixture column, by how many steps of PCM16 it differs from that sum at most.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.kinds import AUDIO, with_features
from catalog.promises import about, wavs
from synth.wav import HEADER_BYTES

_FIELDS: list[tuple[str, pa.DataType]] = [
    ("mixture_name", pa.string()),  # as published
    ("source_ids", pa.list_(pa.string())),  # one value for each piece of speech, here and below
    ("source_stems", pa.list_(pa.int32())),  # 1 for s1
    ("texts", pa.list_(pa.string())),
    ("offsets_samples", pa.list_(pa.int64())),
    ("starts_samples", pa.list_(pa.int64())),
    ("lengths_samples", pa.list_(pa.int64())),
    ("gains", pa.list_(pa.float64())),
    ("source_sha256s", pa.list_(pa.string())),
    ("speaker_ids", pa.list_(pa.string())),  # one value for each of s1..sN
    ("genders", pa.list_(pa.string())),
    ("noise_ids", pa.list_(pa.string())),
    ("noise_gains", pa.list_(pa.float64())),
    ("noise_sha256s", pa.list_(pa.string())),
    ("num_samples", pa.int64()),
    ("sample_rate_hz", pa.int32()),
    ("sir_db", pa.list_(pa.float64())),
    ("overlap_ratio", pa.float64()),
    ("peak_dbfs", pa.float64()),
    ("largest_errors_lsb", pa.list_(pa.int32())),  # one value for each mixture column
    ("row_digest", pa.string()),
]


def recipe_schema(sums: Mapping[str, Sequence[str]], sample_rate_hz: int, asked: str | None = None) -> pa.Schema:
    """Rows with the mixture columns that are the keys of `sums` and the stems that are its values.

    Args:
        sums: mixture column to the stems that it sums, in order.
        sample_rate_hz: of all audio.
        asked: a further column, one number for each piece of speech.
    """
    stems = sorted({stem for summed in sums.values() for stem in summed}, key=lambda stem: (stem == "noise", len(stem), stem))
    audio = [(column, AUDIO) for column in (*sums, *stems)]
    levels = [(asked, pa.list_(pa.float64()))] if asked else []
    return with_features(pa.schema([("id", pa.string()), *audio, *_FIELDS[:-1], *levels, _FIELDS[-1]]), sample_rate_hz)


def largest_error(mixture: NDArray[np.int16], stems: Sequence[NDArray[np.int16]]) -> int:
    """The largest difference between a mixture and the sum of its stems, int16 [samples] each, in steps."""
    total = np.sum(stems, axis=0, dtype=np.int32)
    return int(np.abs(total - mixture).max(initial=0))


def broken_sums(batch: pa.RecordBatch, spec: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[str]:
    """Lines about the rows whose mixtures differ from the sums of their stems otherwise than the row or the manifest says."""
    stored = np.array(batch.column("largest_errors_lsb").to_pylist())
    for k, (column, summed) in enumerate(spec["sums"].items()):
        mixture, *stems = [wavs(batch, name) for name in (column, *summed)]
        if mixture is None or None in stems:
            yield "a row has audio that is no canonical WAV of its sample rate"
            return
        if any(stem is not None and not np.array_equal(stem.offsets, mixture.offsets) for stem in stems):
            yield "a row has stems of another length than its mixture"
            return
        words = [stem.words for stem in stems if stem is not None]
        bounds = mixture.offsets // 2
        errors = np.array(
            [
                largest_error(mixture.words[begin:end], [stem[begin:end] for stem in words])
                for begin, end in zip(bounds[:-1] + HEADER_BYTES // 2, bounds[1:], strict=True)
            ]
        )
        if (errors != stored[:, k]).any():
            yield about(batch, errors != stored[:, k], f"{column} differs from the sum of its stems otherwise than it says")
        bound = report["largest_error_lsb"][column]
        if (errors > bound).any():
            yield about(batch, errors > bound, f"{column} differs from the sum of its stems by more than {bound} steps")
