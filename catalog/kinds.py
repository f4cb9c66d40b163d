"""The kinds of dataset: for each, the Arrow schema, with the metadata that makes `datasets` see audio in it."""

import json
from typing import Any

import pyarrow as pa

from synth.rows.layout import Layout

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])

KINDS = ("speech", "noise", "rir", "separation", "enhancement", "mrc", "csc", "ner", "pairs", "cls")


def speech_schema(sample_rate_hz: int) -> pa.Schema:
    """Rows of kind `speech`: one utterance each. Frames are 10 ms (`sample_rate_hz // 100` samples)."""
    return with_features(
        pa.schema(
            [
                ("id", pa.string()),
                ("audio", AUDIO),
                ("text", pa.string()),  # normalised; null where the corpus has none
                ("text_original", pa.string()),
                ("speaker_id", pa.string()),
                ("gender", pa.string()),  # female | male | unknown
                ("language", pa.string()),
                ("recording_id", pa.string()),
                ("official_split", pa.string()),  # as the corpus names it
                ("sample_rate_hz", pa.int32()),
                ("num_samples", pa.int64()),
                ("duration_s", pa.float64()),
                ("audio_sha256", pa.string()),  # of the samples as little-endian int16
                ("frame_energies", pa.list_(pa.int64())),
                ("frame_peaks", pa.list_(pa.uint16())),
                ("row_digest", pa.string()),
            ]
        ),
        sample_rate_hz,
    )


def noise_schema(sample_rate_hz: int) -> pa.Schema:
    """Rows of kind `noise`: one recording each, PCM16 of any number of channels.

    Frames are 10 ms. With several channels, `frame_energies` holds their mean, rounded down, and `frame_peaks` their maximum.
    """
    return with_features(
        pa.schema(
            [
                ("id", pa.string()),
                ("audio", AUDIO),
                ("category", pa.string()),  # noise | music | speech
                *_RECORDING_FIELDS,
                ("frame_energies", pa.list_(pa.int64())),
                ("frame_peaks", pa.list_(pa.uint16())),
                ("row_digest", pa.string()),
            ]
        ),
        sample_rate_hz,
    )


def rir_schema(sample_rate_hz: int) -> pa.Schema:
    """Rows of kind `rir`: one room impulse response each, PCM16 or float32 of any number of channels."""
    return with_features(
        pa.schema(
            [
                ("id", pa.string()),
                ("audio", AUDIO),
                ("category", pa.string()),  # simulated | recorded
                ("room_id", pa.string()),  # null where the corpus does not say
                *_RECORDING_FIELDS,
                ("row_digest", pa.string()),
            ]
        ),
        sample_rate_hz,
    )


def simulated_rir_schema(sample_rate_hz: int) -> pa.Schema:
    """Rows of kind `rir` that also tell of their room: those of a bank, float32. Measures are of microphone 0."""
    known = [
        ("room_size_m", pa.list_(pa.float64())),
        ("source_m", pa.list_(pa.float64())),
        ("microphones_m", pa.list_(pa.list_(pa.float64()))),
        ("rt60_asked_s", pa.float64()),
        ("t60_s", pa.float64()),  # null where the decay is too short
        ("drr_db", pa.float64()),  # null where nothing comes behind the direct path
        ("direct_delay_samples", pa.int64()),
    ]
    *fields, row_digest = rir_schema(sample_rate_hz)
    return with_features(pa.schema([*fields, *known, row_digest]), sample_rate_hz)


_RECORDING_FIELDS: list[tuple[str, pa.DataType]] = [
    ("recording_id", pa.string()),
    ("official_split", pa.string()),
    ("sample_rate_hz", pa.int32()),
    ("num_samples", pa.int64()),  # of each channel
    ("num_channels", pa.int32()),
    ("duration_s", pa.float64()),
    ("audio_sha256", pa.string()),  # of the samples as they stand behind the header: little-endian, channels interleaved
]


def separation_schema(layout: Layout, sample_rate_hz: int) -> pa.Schema:
    """Rows of kinds `separation` and `enhancement`, one mixture each.

    `s1..sN`, with `noise` where there is some, sum to `mixture` to the last bit.
    """
    audio = [(name, AUDIO) for name in layout.signals()]
    measured = [("peak_dbfs", pa.float64()), *([("samples_sha256", pa.string())] if layout.by_library else [])]
    return with_features(pa.schema([("id", pa.string()), *audio, *layout.plan_fields(), *measured]), sample_rate_hz)


def audio_columns(schema: pa.Schema) -> list[str]:
    """Names of the columns that hold audio, in the schema's order."""
    return [field.name for field in schema if field.type == AUDIO]


def with_features(schema: pa.Schema, sample_rate_hz: int | None) -> pa.Schema:
    """`schema` with the metadata by which `datasets` knows its features: audio as undecoded bytes, so that no torch is needed."""
    features = {field.name: _feature(field.type, sample_rate_hz) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def _feature(type_: pa.DataType, sample_rate_hz: int | None) -> dict[str, Any]:
    if type_ == AUDIO:
        return {"sampling_rate": sample_rate_hz, "decode": False, "_type": "Audio"}
    if pa.types.is_struct(type_):
        return {field.name: _feature(field.type, sample_rate_hz) for field in type_}
    if pa.types.is_list(type_):
        return {"feature": _feature(type_.value_type, sample_rate_hz), "_type": "List"}
    names = {pa.float64(): "float64", pa.float32(): "float32"}
    return {"dtype": names.get(type_, str(type_)), "_type": "Value"}
