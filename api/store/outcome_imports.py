"""Outcomes from a file into the record: good rows are kept, bad ones told row by row.

Rows are kept in chunks, each in one transaction, so that other writes go on in between. What is
kept of a chunk stays when a later one fails, and the same file may be imported again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.policy import Caller
from api.schemas.outcomes import OutcomeEntry
from api.store.imports import Report
from api.store.outcome_entries import Entries
from api.store.outcomes import keep
from api.store.store import Store
from api.store.tables import outcomes
from api.store.writer import Write
from recommender.errors import Problem
from recommender.population.company_files import TableRow, read_rows
from recommender.records import examined

CHUNK = 250
Row = Mapping[str, Any]
Said = tuple[Any, ...]
# What makes an outcome the same as one on record.
SAME = ("run_id", "product_id", "outcome", "reason_code", "decided_on")


@dataclass
class _Sorted:
    """What is to become of a chunk."""

    new: list[dict[str, Any]] = field(default_factory=list)
    same: int = 0
    refused: list[tuple[int, Sequence[Problem]]] = field(default_factory=list)
    said: set[Said] = field(default_factory=set)


def run(
    store: Store,
    caller: Caller,
    path: Path,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Import a file by its ending: CSV, XLSX or JSON lines with the fields of an outcome.

    progress: hears how many rows are done. Raises UnreadableFile for a file that is not of its
    kind at all, and StoreUnavailable; what was kept until then stays.
    """
    report, said = Report(dry_run), set[Said]()
    for chunk in _chunks(read_rows(path)):
        entries = list(_entries(chunk, report))
        found = _decided(store, caller, entries, said, dry_run=dry_run)
        report.rows += len(chunk)
        report.created += len(found.new)
        report.unchanged += found.same
        for number, problems in found.refused:
            report.refuse(number, None, problems)
        said |= found.said
        progress(report.rows)
    report.problems.sort(key=lambda one: one[0])
    return report


def _chunks(rows: Iterable[TableRow]) -> Iterator[list[TableRow]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _entries(chunk: Iterable[TableRow], report: Report) -> Iterator[tuple[int, OutcomeEntry]]:
    """Rows that can be read, by their number; the report says what is wrong with the others."""
    for number, cells, problems in chunk:
        stated = {name: _plain(cell) for name, cell in cells.items() if cell not in (None, "")}
        entry, more = examined(OutcomeEntry, stated)
        if entry is None or problems or more:
            report.refuse(number, None, [*problems, *more])
        else:
            yield number, entry


def _plain(cell: Any) -> Any:
    """A cell of a workbook as an outcome has it: days come as midnights."""
    return cell.date() if isinstance(cell, datetime.datetime) else cell


def _decided(
    store: Store,
    caller: Caller,
    entries: Sequence[tuple[int, OutcomeEntry]],
    said: set[Said],
    *,
    dry_run: bool,
) -> _Sorted:
    if dry_run:
        return store.read(lambda c: _sorted(c, caller, store.clock(), entries, said))

    def work(write: Write) -> _Sorted:
        found = _sorted(write.connection, caller, write.at, entries, said)
        keep(write, caller, found.new)
        return found

    return store.write(work)


def _sorted(
    connection: sa.Connection,
    caller: Caller,
    now: datetime.datetime,
    entries: Sequence[tuple[int, OutcomeEntry]],
    said: set[Said],
) -> _Sorted:
    """Hold entries against what was shown, the record, and earlier rows of the file."""
    read, found = Entries(connection, caller, now), _Sorted()
    rows: list[dict[str, Any]] = []
    for number, entry in entries:
        before = len(read.problems)
        row = read.row(entry, "")
        about = None if row is None else (row["run_id"], row["product_id"])
        if row is None:
            found.refused.append((number, read.problems[before:]))
        elif about in said:
            problem = Problem("outcome_twice", "product_id", row["product_id"])
            found.refused.append((number, [problem]))
        else:
            found.said.add(about or ())
            rows.append(row)
    kept = _kept(connection, caller, {row["run_id"] for row in rows})
    found.new = [row for row in rows if tuple(row[name] for name in SAME) not in kept]
    found.same = len(rows) - len(found.new)
    return found


def _kept(connection: sa.Connection, caller: Caller, run_ids: set[str]) -> set[Said]:
    """Outcomes on record of some runs, as far as they can be the same as others."""
    own = (outcomes.c.organisation_id == caller.organisation_id, outcomes.c.run_id.in_(run_ids))
    query = sa.select(*(outcomes.c[name] for name in SAME)).where(*own)
    return {tuple(row) for row in connection.execute(query)}
