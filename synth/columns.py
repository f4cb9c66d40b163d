"""The columns of a plan: everything about a mixture but its audio."""

import pyarrow as pa

PLAN_FIELDS: list[tuple[str, pa.DataType]] = [
    ("source_ids", pa.list_(pa.string())),
    ("speaker_ids", pa.list_(pa.string())),
    ("genders", pa.list_(pa.string())),
    ("texts", pa.list_(pa.string())),
    ("offsets_samples", pa.list_(pa.int64())),  # where a source begins in the mixture
    ("starts_samples", pa.list_(pa.int64())),  # where its piece begins in the utterance
    ("lengths_samples", pa.list_(pa.int64())),
    ("num_samples", pa.int64()),
    ("sample_rate_hz", pa.int32()),
    ("gains", pa.list_(pa.float64())),  # linear, clip gain included
    ("sir_db", pa.list_(pa.float64())),  # level of s1 over each further source
    ("sir_db_asked", pa.list_(pa.float64())),
    ("overlap_ratio", pa.float64()),
    ("overlap_ratio_asked", pa.float64()),
    ("overlap_ratio_draws", pa.int32()),  # 1, or more where the ratio had to be drawn anew
    ("clip_gain_db", pa.float64()),
    ("peak_bound_dbfs", pa.float64()),  # from frame peaks: no sample of the mixture exceeds it
    ("source_sha256s", pa.list_(pa.string())),
    ("row_digest", pa.string()),
]
PLAN_SCHEMA = pa.schema([("id", pa.string()), *PLAN_FIELDS])
