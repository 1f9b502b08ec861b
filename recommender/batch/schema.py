"""The columns that go into and come out of a partition, and those of the files."""

from __future__ import annotations

import pyarrow as pa

# One company: its row in its file from 1, its id, its profile as JSON text, and where its id
# already stood, if it did.
COMPANIES = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("profile", pa.binary()),
        ("twice", pa.string()),
    ]
)
# One product shown to a company, or, without lane and rank, a row that was rejected and why.
ANSWERED = pa.schema(
    [
        ("row", pa.int64()),
        ("company", pa.string()),
        ("lane", pa.string()),
        ("rank", pa.int16()),
        ("product_id", pa.string()),
        ("fit", pa.string()),
        ("score", pa.float64()),
        ("score_low", pa.float64()),
        ("score_high", pa.float64()),
        ("uptake_probability", pa.float64()),
        ("synthetic", pa.bool_()),
        ("codes", pa.string()),
        ("reason_zh", pa.string()),
        ("reason_en", pa.string()),
    ]
)
VERSIONS = (
    "run_id",
    "catalogue_version",
    "model_version",
    "engine_version",
    "parameters_version",
)
MATCHES = pa.schema(
    [
        *(ANSWERED.field(name) for name in ANSWERED.names[1:10]),
        *(pa.field(name, pa.string()) for name in VERSIONS),
        ("as_of", pa.date32()),
        ANSWERED.field("synthetic"),
    ]
)
REJECTS = pa.schema(
    [
        ("file", pa.string()),
        *(ANSWERED.field(name) for name in ("row", "company", "codes", "reason_zh", "reason_en")),
        ("run_id", pa.string()),
    ]
)
# What became of a partition: its record, or what stopped it; both as JSON.
DONE = pa.schema([("part", pa.int64()), ("record", pa.string()), ("error", pa.string())])
