"""Outcomes: which products a firm was shown, in which order, and what became of each.

One row for each product shown in an event; the columns are those of COLUMNS and no others, so that
nothing known only afterwards can teach. Read from CSV, XLSX or Parquet, checked as a whole: every
problem at once with file, row, column, value and what is allowed, and nothing half-read.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd
from numpy.typing import NDArray

from recommender.errors import InvalidInput, Problem
from recommender.outcomes.cells import KINDS
from recommender.outcomes.files import Grid, read_grid, read_profiles
from recommender.records import day_of, unknown_field

TAKEN, REFUSED, SILENT = "taken", "refused_by_bank", "no_answer"
MOST = 1_000


class Column(NamedTuple):
    """A column of the table. kind: key of KINDS; required: whether a cell may be empty."""

    name: str
    kind: str
    required: bool


COLUMNS = (
    Column("event", "name", True),
    Column("company", "name", True),
    Column("product", "name", True),
    Column("position", "count", True),
    Column("outcome", "outcome", True),
    Column("date", "day", True),
    Column("source", "text", True),
    Column("reason", "refusal", False),
    Column("propensity", "chance", False),
    Column("amount", "amount", False),
    Column("currency", "currency", False),
    Column("synthetic", "yes_no", False),
    Column("snapshot", "profile", False),
)
NAMES = tuple(column.name for column in COLUMNS)
EMPTY: dict[str, Any] = {"count": 0, "chance": np.nan, "amount": np.nan, "yes_no": False}


class InvalidOutcomes(InvalidInput):
    """Outcomes that cannot be used; nothing of them was."""

    code = "invalid_outcomes"


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A valid table, ordered by day, event, position and product.

    rows: one for each product shown, with `day` (days since 1970) and `profile` (key of profiles).
    profiles: what is known of each firm, as plain values. version: hash of both. file: its name.
    places: file, row and column letters, to name what is found later.
    """

    rows: pd.DataFrame
    profiles: Mapping[str, Any]
    version: str
    file: str = ""
    places: Grid | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """How many events there are."""
        return int(self.rows["event"].nunique())

    @property
    def synthetic(self) -> bool:
        """Whether any outcome is made up."""
        return bool(self.rows["synthetic"].any())

    def problem(self, at: int, code: str, column: str, value: Any, allowed: Any = None) -> Problem:
        """A Problem of a row found after reading."""
        problem = Problem(code, column, value, allowed)
        number = int(self.rows["row"].iloc[at])
        return self.places.placed(problem, number) if self.places else problem


def read_outcomes(
    path: Path, companies: Path | None = None, today: datetime.date | None = None
) -> Outcomes:
    """The outcomes of a file, with the profiles of the firms in them.

    companies: profiles by id (`.jsonl`, or a folder of YAML or JSON files) for events that carry no
    snapshot. today: later days are refused; None: the day of the computer. Raises UnreadableFile,
    or InvalidOutcomes with every problem.
    """
    grid = read_grid(path)
    profiles, problems = read_profiles(companies) if companies else ({}, [])
    rows = checked(grid, today or datetime.datetime.now(datetime.UTC).date(), problems)
    return assembled(rows, profiles, problems, grid)


def outcomes_of(frame: pd.DataFrame, profiles: Mapping[str, Any]) -> Outcomes:
    """Outcomes from a table and profiles in memory, checked in the same way."""
    problems: list[Problem] = []
    grid = Grid(frame.reset_index(drop=True), "", np.arange(1, len(frame) + 1), {})
    rows = checked(grid, datetime.date.max, problems)
    return assembled(rows, profiles, problems, grid)


def checked(grid: Grid, today: datetime.date, problems: list[Problem]) -> pd.DataFrame:
    """The cells as values, after adding what is wrong with columns, cells and events."""
    problems += _wrong_columns(grid)
    rows = pd.DataFrame({"row": grid.numbers})
    for column in COLUMNS:
        cells = grid.cells.get(column.name)
        values, wrong = _values(column, cells, len(rows))
        problems += _told(grid, column.name, wrong)
        rows[column.name] = values
    if problems:
        return rows
    rows["day"] = np.array(rows["date"].tolist(), dtype="datetime64[D]").astype(np.int64)
    for name, code, places, allowed in _crosschecks(rows, today):
        shown = {int(i): Problem(code, name, rows[name].iloc[i], allowed) for i in places[:MOST]}
        problems += _told(grid, name, shown)
    order = ["day", "event", "position", "product"]
    return rows.sort_values(order, kind="stable", ignore_index=True)


def _wrong_columns(grid: Grid) -> Iterator[Problem]:
    given = list(grid.cells)
    for name in given:
        if name not in NAMES:
            near = unknown_field(str(name), NAMES, str(name))
            code = "outcome_column" if near.code == "unknown_field" else near.code
            yield grid.placed(Problem(code, str(name), str(name), near.allowed), None)
    for column in COLUMNS:
        if column.required and column.name not in given:
            yield grid.placed(Problem("outcome_no_column", column.name, None, list(NAMES)), None)


def _values(
    column: Column, cells: pd.Series[Any] | None, count: int
) -> tuple[Any, dict[int, Problem]]:
    """Values of a column (count,), and problems by row; each distinct cell is read once."""
    if cells is None:
        return [EMPTY.get(column.kind)] * count, {}
    codes, distinct = pd.factorize(cells, use_na_sentinel=True)
    read: Callable[[Any], Any] = KINDS[column.kind]
    found = [read(value) for value in distinct.tolist()]
    empty = Problem("missing") if column.required else EMPTY.get(column.kind)
    found.append(empty)
    wrong = np.array([isinstance(value, Problem) for value in found], dtype=bool)
    at = np.flatnonzero(wrong[codes])[:MOST]
    problems = {int(i): found[codes[i]] for i in at}
    table = np.empty(len(found), dtype=object)
    table[:] = found
    return pd.Series(table[codes]).infer_objects(), problems


def _told(grid: Grid, name: str, wrong: Mapping[int, Problem]) -> Iterator[Problem]:
    for at, problem in wrong.items():
        own = Problem(problem.code, name, problem.value, problem.allowed, problem.params)
        yield grid.placed(own, int(grid.numbers[at]))


Found = tuple[str, str, NDArray[np.int64], Any]


def _crosschecks(rows: pd.DataFrame, today: datetime.date) -> Iterator[Found]:
    """What is wrong between cells: column, code, rows, what is allowed."""

    def at(mask: Any) -> NDArray[np.int64]:
        return np.flatnonzero(np.asarray(mask, dtype=bool)).astype(np.int64)

    limit = (today - datetime.date(1970, 1, 1)).days
    yield "date", "outcome_future", at(rows["day"] > limit), today.isoformat()
    refused = rows["outcome"] == REFUSED
    yield "reason", "outcome_reason_alone", at(rows["reason"].notna() & ~refused), REFUSED
    yield "product", "outcome_twice", at(rows.duplicated(["event", "product"])), None
    for name in ("company", "date"):
        first = rows.groupby("event", sort=False)[name].transform("first")
        yield name, "outcome_uneven", at(rows[name] != first), None


def assembled(
    rows: pd.DataFrame, profiles: Mapping[str, Any], problems: list[Problem], grid: Grid
) -> Outcomes:
    """The table with the profile of every event; raises InvalidOutcomes."""
    if problems:
        raise InvalidOutcomes(problems[:MOST])
    kept: dict[str, Any] = {}
    keys = []
    for event, company, snapshot, row in _first_rows(rows):
        key = company
        if snapshot is not None:
            key = f"{company}@{hashlib.sha256(snapshot.encode()).hexdigest()[:12]}"
        if key not in kept and (snapshot is not None or company in profiles):
            kept[key] = orjson.loads(snapshot) if snapshot is not None else profiles[company]
        if key not in kept:
            problem = Problem("outcome_company", "company", company)
            problems.append(grid.placed(problem, row))
        keys.append((event, key))
    if problems:
        raise InvalidOutcomes(problems[:MOST])
    rows["profile"] = rows["event"].map(dict(keys))
    problems += _later_facts(rows, kept, grid)
    if problems:
        raise InvalidOutcomes(problems[:MOST])
    return Outcomes(rows, kept, _version(rows, kept), grid.file, grid)


def _first_rows(rows: pd.DataFrame) -> Iterable[tuple[str, str, str | None, int]]:
    """Event, company, its snapshot and row number, for each event."""
    grouped = rows.groupby("event", sort=False)
    firsts = grouped[["company", "row", "snapshot"]].first()  # first that is not empty
    for event, company, row, snapshot in firsts.itertuples():
        yield str(event), str(company), snapshot if isinstance(snapshot, str) else None, int(row)


def _later_facts(rows: pd.DataFrame, profiles: Mapping[str, Any], grid: Grid) -> Iterator[Problem]:
    """Facts that are dated after the event they would explain."""
    firsts = rows.groupby("profile", sort=False)[["date", "row"]].first()
    for key, date, row in firsts.itertuples():
        profile = profiles[str(key)]
        facts = profile.get("facts") if isinstance(profile, Mapping) else None
        for name, fact in facts.items() if isinstance(facts, Mapping) else ():
            day = day_of(fact.get("as_of")) if isinstance(fact, Mapping) else None
            if day is not None and day > date:
                place = f"snapshot.facts.{name}.as_of"
                yield grid.placed(Problem("outcome_later_fact", place, str(day), str(date)), row)


def _version(rows: pd.DataFrame, profiles: Mapping[str, Any]) -> str:
    hashed = hashlib.sha256()
    for name in (*NAMES[:-1], "profile"):
        cells = rows[name].astype(str) if name == "date" else rows[name]
        hashed.update(pd.util.hash_pandas_object(cells, index=False).to_numpy().tobytes())
    for key in sorted(profiles):
        hashed.update(orjson.dumps([key, profiles[key]], option=orjson.OPT_SORT_KEYS, default=str))
    return hashed.hexdigest()[:12]


def frame_of(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Plain records as a table with every column of COLUMNS."""
    return pd.DataFrame.from_records(list(records), columns=list(NAMES))
