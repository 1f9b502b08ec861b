"""import: companies from a file into the record, beside a bare executemany of the same bytes.

Both commit durably every thousand rows: write-ahead log, synchronous=FULL. Three rows in a hundred
are wrong, and the report has to name each of them. The peer runs before and after the import.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import orjson

from api.policy import Caller
from api.store import imports, maintenance, users
from api.store.store import Store
from recommender.simulation import companies
from tests.benchmarks.timing import Line, significant

AGAINST = "peer: executemany"
WRONG_EVERY = 33
CHUNK = 1_000


def run(*, small: bool) -> Iterator[Line]:
    """One line for each number of processes that check rows."""
    count = 500 if small else 100_000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = _written(folder / "companies.jsonl", count)
        for workers in sorted({1, os.cpu_count() or 1}):
            before, _ = _timed(partial(bare, path, folder / "before.db"))
            processor = _processor_seconds()
            took, found = _timed(partial(_imported, path, folder / f"{workers}.db", workers))
            processor = _processor_seconds() - processor
            after, _ = _timed(partial(bare, path, folder / "after.db"))
            yield {
                "case": "import",
                "what": f"companies import, {workers} processes",
                "ratio": significant(took / mean([before, after])),
                "against": AGAINST,
                "seconds": significant(took),
                "against_seconds": significant(mean([before, after])),
                "processor_seconds": significant(processor),
                "companies": count,
                "bytes": path.stat().st_size,
                # Of this process; those that check rows hold a chunk or two each.
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                **found,
            }


def _written(path: Path, count: int) -> Path:
    with path.open("wb") as file:
        for number, raw in enumerate(companies(count, 7)):
            wrong = {"staff": -1} if number % WRONG_EVERY == 0 else {}
            file.write(orjson.dumps({**raw, **wrong}) + b"\n")
    return path


def _processor_seconds() -> float:
    """Of this process and of those it has waited for: what a busy machine does not stretch."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = perf_counter()
    found = work()
    return perf_counter() - start, found


def bare(path: Path, target: Path) -> None:
    """Every line as it is into one table, as a loader without checks would do it."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as connection, path.open("rb") as file:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE companies (id INTEGER PRIMARY KEY, profile TEXT)")
        while lines := [(line.decode(),) for line in islice(file, CHUNK)]:
            connection.executemany("INSERT INTO companies (profile) VALUES (?)", lines)
            connection.commit()


def _imported(path: Path, target: Path, workers: int) -> dict[str, Any]:
    """Import a file into a new record; what the report counts."""
    store = Store(f"sqlite:///{target}")
    try:
        maintenance.ready(store.database)
        caller = _administrator(store)
        report = imports.run(store, caller, path, {}, imports.Wanted(), workers=workers)
    finally:
        store.close()
    return {"created": report.created, "refused": report.refused, "problems": len(report.problems)}


def _administrator(store: Store) -> Caller:
    names = {"name_zh": "示例银行", "name_en": "Example Bank", "synthetic": True}
    bank = {"id": "bank", "kind": "bank", **names}
    store.write(lambda write: users.add_organisation(write, bank))
    person = {"organisation_id": "bank", "branch_id": None, "role": "admin", "password_hash": None}
    who = {**person, "login": "admin@bank", "name": "admin"}
    user_id = store.write(lambda write: users.add_user(write, who))
    return Caller(user_id, "bank", None, "admin", "write", "", store.clock())
