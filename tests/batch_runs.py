"""Runs of `corridor batch` for tests: made-up companies as files, and what a run left behind."""

import datetime
from pathlib import Path

import orjson
import pyarrow as pa
from pyarrow import parquet

from recommender import Catalogue
from recommender.batch import local, runs
from recommender.batch.jobs import Asked, Model
from recommender.batch.schema import COMPANIES
from recommender.matching.scoring import expert_weights
from recommender.simulation import companies

DAY = datetime.date(2026, 11, 23)
MODEL = Model(Catalogue.load(), expert_weights())
ASKED = Asked(DAY, top=10, partition_rows=10)
FIRMS = list(companies(60, 11, 0.3))
MALFORMED = (
    ("none", None, "missing"),
    ("cut", '{"id": "cut", "staff": ', "batch_not_json"),
    ("list", "[1, 2]", "not_record"),
    ("other", '{"id": "another"}', "batch_id_differs"),
    ("field", '{"colour": "red"}', "unknown_field"),
    ("key", '{"staff": 1, "staff": 2}', "batch_not_json"),
    ("staff", '{"staff": -5}', "below_minimum"),
    (None, '{"staff": 5}', "missing"),
    ("fact", '{"facts": {"asked_long_ago": true}}', "unknown_fact"),
)


def rows_of(firms):
    """Ids and profiles as they stand in a file."""
    return [(firm["id"], orjson.dumps(firm).decode()) for firm in firms]


def as_parquet(rows, place: Path, group=7) -> Path:
    ids, profiles = zip(*rows, strict=True)
    columns = {"id": pa.array(ids, pa.string()), "profile": pa.array(profiles, pa.string())}
    parquet.write_table(pa.table(columns), place, row_group_size=group)
    return place


def as_lines(rows, place: Path) -> Path:
    place.write_text("".join(f"{profile}\n" for _, profile in rows), "utf-8")
    return place


def as_batch(firms) -> pa.RecordBatch:
    """What goes into the partition function."""
    lines = [
        {"row": number, "id": name, "profile": profile.encode(), "twice": None}
        for number, (name, profile) in enumerate(rows_of(firms), start=1)
    ]
    return pa.RecordBatch.from_pylist(lines, COMPANIES)


def run(source, out, model=MODEL, asked=ASKED, share=None, **kw):
    """A run in this process, or shared otherwise."""
    here = share or (lambda job, parts, _: local.records(job, parts))
    return runs.run(str(source), str(out), model, asked, here, **kw)


def contents(out: Path) -> dict[str, bytes]:
    """Every file that a run shows, by its place."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in files
        if not path.name.startswith(".")
    }


def table(out: Path, folder: str = "matches"):
    """The rows of one folder of a run, in order."""
    return parquet.read_table(out / folder).to_pylist()
