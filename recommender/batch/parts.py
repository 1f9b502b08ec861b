"""What became of a partition: two files and a record, each there whole or not at all.

The record is written last. It names the run and the hashes of both files; a partition whose record
or files are not as they should be is done again.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recommender.batch.places import Place
from recommender.batch.schema import MATCHES, REJECTS, VERSIONS
from recommender.matching.scoring import canonical_json

FOLDERS = ("matches", "rejects")
RECORDS = "_partitions"
Record = dict[str, Any]


def file_name(number: int) -> str:
    """The name of both files of a partition."""
    return f"part-{number:05d}.parquet"


def record_name(number: int) -> str:
    """The name of its record."""
    return f"{number:05d}.json"


def finished(out: Place, run_id: str, number: int) -> Record | None:
    """The record of a partition that is done and whole; None where there is none."""
    content = out.read(RECORDS, record_name(number))
    try:
        record: Record = json.loads(content or b"{}")
        told = [record["sha256"][folder] for folder in FOLDERS] if record else []
    except (ValueError, KeyError, TypeError):
        return None
    if not told or record.get("run_id") != run_id:
        return None
    there = [out.hash(folder, file_name(number)) for folder in FOLDERS]
    return record if told == there else None


def write_part(
    out: Place, number: int, answered: pa.RecordBatch, file: str, versions: Mapping[str, str]
) -> Record:
    """Write what a partition function answered, and the record last; raises Unwritable.

    versions: VERSIONS and `as_of`, which stand in every row.
    """
    rejected = pc.is_null(answered.column("lane"))
    tables = {
        "matches": _matches(answered.filter(pc.invert(rejected)), versions),
        "rejects": _rejects(answered.filter(rejected), file, versions["run_id"]),
    }
    hashes = {}
    for folder, table in tables.items():
        content = _parquet(table)
        hashes[folder] = hashlib.sha256(content).hexdigest()
        out.write(content, folder, file_name(number))
    record = {
        "part": number,
        "run_id": versions["run_id"],
        "companies": len(pc.unique(answered.column("row"))),
        "rejected": len(tables["rejects"]),
        "rows": len(tables["matches"]),
        "counts": _counts(tables["matches"]),
        "reasons": _reasons(tables["rejects"]),
        "sha256": hashes,
    }
    out.write(canonical_json(record).encode(), RECORDS, record_name(number))
    return record


def _matches(answered: pa.RecordBatch, versions: Mapping[str, str]) -> pa.Table:
    count = answered.num_rows
    same: dict[str, Any] = {name: versions[name] for name in VERSIONS}
    same["as_of"] = datetime.date.fromisoformat(versions["as_of"])
    arrays = [
        pa.repeat(pa.scalar(same[field.name], field.type), count)
        if field.name in same
        else answered.column(field.name)
        for field in MATCHES
    ]
    return pa.Table.from_arrays(arrays, schema=MATCHES)


def _rejects(answered: pa.RecordBatch, file: str, run_id: str) -> pa.Table:
    said = {"file": file, "run_id": run_id}
    arrays = [
        pa.repeat(pa.scalar(said[field.name]), answered.num_rows)
        if field.name in said
        else answered.column(field.name)
        for field in REJECTS
    ]
    return pa.Table.from_arrays(arrays, schema=REJECTS)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _counts(matches: pa.Table) -> dict[str, dict[str, int]]:
    """Rows by lane and fit class."""
    found: dict[str, dict[str, int]] = {}
    grouped = matches.group_by(["lane", "fit"]).aggregate([("rank", "count")])
    for line in grouped.to_pylist():
        found.setdefault(line["lane"], {})[line["fit"]] = line["rank_count"]
    return found


def _reasons(rejects: pa.Table) -> dict[str, int]:
    """Rejected rows by code; a row with several counts for each."""
    found: dict[str, int] = {}
    for codes in rejects.column("codes").to_pylist():
        for code in codes.split():
            found[code] = found.get(code, 0) + 1
    return found
