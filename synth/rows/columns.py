"""The columns of a plan: everything about a mixture but its audio. Lists are per piece of speech unless said."""

import pyarrow as pa

PLAN_FIELDS: list[tuple[str, pa.DataType]] = [
    ("source_ids", pa.list_(pa.string())),
    ("stem_numbers", pa.list_(pa.int32())),  # k of the s_k that a piece belongs to; pieces stand in the order of their stems
    ("speaker_ids", pa.list_(pa.string())),  # of s1..sN
    ("genders", pa.list_(pa.string())),  # of s1..sN
    ("texts", pa.list_(pa.string())),
    ("offsets_samples", pa.list_(pa.int64())),  # where a piece begins in the mixture
    ("starts_samples", pa.list_(pa.int64())),  # where it begins in the utterance
    ("lengths_samples", pa.list_(pa.int64())),
    ("num_samples", pa.int64()),
    ("sample_rate_hz", pa.int32()),
    ("gains", pa.list_(pa.float64())),  # linear, clip gain included
    ("level_measure", pa.string()),  # of level_db, sir_db and snr_db
    ("level_db", pa.float64()),  # of s1, against full scale
    ("level_db_asked", pa.float64()),
    ("sir_db", pa.list_(pa.float64())),  # level of s1 over each further source
    ("sir_db_asked", pa.list_(pa.float64())),
    ("overlap_ratio", pa.float64()),
    ("overlap_ratio_asked", pa.float64()),
    ("overlap_ratio_draws", pa.int32()),  # 1, or more where the ratio had to be drawn anew
    ("clip_gain_db", pa.float64()),
    ("peak_bound_dbfs", pa.float64()),  # no sample of the mixture exceeds it before it is degraded
    ("source_sha256s", pa.list_(pa.string())),
    ("row_digest", pa.string()),
]

NOISE_FIELDS: list[tuple[str, pa.DataType]] = [  # lists are per piece of noise, and empty where there is none
    ("noise_kind", pa.string()),  # recorded | babble; null where there is no noise
    ("noise_ids", pa.list_(pa.string())),  # of recordings, or of the utterances of babble
    ("noise_offsets_samples", pa.list_(pa.int64())),
    ("noise_starts_samples", pa.list_(pa.int64())),
    ("noise_lengths_samples", pa.list_(pa.int64())),
    ("noise_fade_ins_samples", pa.list_(pa.int64())),  # over which a piece comes in, 0 for none
    ("noise_fade_outs_samples", pa.list_(pa.int64())),
    ("noise_gains", pa.list_(pa.float64())),
    ("noise_sha256s", pa.list_(pa.string())),
    ("snr_db", pa.float64()),  # level of s1 over the noise
    ("snr_db_asked", pa.float64()),
]

# JSON lists of steps, each with its transform and the values drawn for it.
SOURCE_DEGRADATION_FIELDS: list[tuple[str, pa.DataType]] = [("source_degradations", pa.list_(pa.string()))]
MIXTURE_DEGRADATION_FIELDS: list[tuple[str, pa.DataType]] = [("mixture_degradations", pa.string())]

ROOM_FIELDS: list[tuple[str, pa.DataType]] = [  # lists are of s1..sN and, where it is in the room, the noise
    ("room_id", pa.string()),  # null where the mixture is in none, or its RIRs are of several
    ("rir_ids", pa.list_(pa.string())),  # empty where the mixture is in no room
    ("rir_sha256s", pa.list_(pa.string())),
    ("t60_s", pa.list_(pa.float64())),  # at microphone 0; null where the decay does not tell
    ("drr_db", pa.list_(pa.float64())),  # at microphone 0
    ("source_positions_m", pa.list_(pa.list_(pa.float64()))),  # null where the corpus does not say
    ("microphone_positions_m", pa.list_(pa.list_(pa.float64()))),
]
