"""Companies from a file into the record: good rows are kept, bad ones told row by row.

Rows are read and checked outside of the writer and kept in chunks, each in one transaction, so that
other writes go on in between. What is kept of a chunk stays when a later one fails, and the same
file may be imported again: what did not change makes no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from sqlalchemy.exc import IntegrityError

from api.errors import InvalidRequest
from api.policy import Caller
from api.refusals import Conflict, Stale, UsccTakenUnseen
from api.store.company_changes import branch_exists
from api.store.import_chunks import Branch, Decided, decided, keep
from api.store.import_rows import Checked, Refused, Row, chunks
from api.store.store import Store
from recommender.errors import Problem
from recommender.population.company_columns import Facts
from recommender.population.company_files import read_companies

TRIES = 3
MOST_LISTED = 10_000
MOST_PROBLEMS_OF_A_ROW = 20


@dataclass(frozen=True)
class Wanted:
    """How to import. branch_id: of companies that are new, by default the caller's.

    note: stands beside every consent that the file states. dry_run: everything but keeping.
    """

    branch_id: str | None = None
    note: str | None = None
    dry_run: bool = False


@dataclass
class Report:
    """What became of the rows. found: problems, of which at most MOST_LISTED are listed."""

    dry_run: bool
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    found: int = 0
    problems: list[tuple[int, str | None, Problem]] = field(default_factory=list)

    def refuse(self, number: int, name: str | None, problems: Sequence[Problem]) -> None:
        """Count a row that is not kept and list what is wrong with it."""
        self.refused += 1
        self.found += len(problems)
        room = max(0, MOST_LISTED - len(self.problems))
        some = problems[: min(room, MOST_PROBLEMS_OF_A_ROW)]
        self.problems += [(number, name, problem) for problem in some]


def run(
    store: Store,
    caller: Caller,
    path: Path,
    facts: Facts,
    wanted: Wanted,
    *,
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Import a file by its ending.

    facts: the catalogue's dictionary, for columns of answers; workers: processes that check
    rows; progress: hears how many rows are done. Raises UnreadableFile for a file that
    is not of its kind at all, InvalidRequest for a branch that is not the caller's to choose, and
    StoreUnavailable; what was kept until then stays.
    """
    branch = _branch(store, caller, wanted.branch_id)
    report, first = Report(wanted.dry_run), _First()
    for chunk in chunks(read_companies(path, facts), workers):
        report.rows += len(chunk)
        good = [row for row in chunk if _good(row, report, first)]
        _count(report, _decided(store, caller, good, branch, wanted))
        progress(report.rows)
    report.problems.sort(key=lambda found: found[0])
    return report


def _branch(store: Store, caller: Caller, branch_id: str | None) -> tuple[str | None, ...]:
    if branch_id is None or branch_id == caller.branch_id:
        return ()
    if caller.branch_id is not None:
        allowed = caller.branch_id
        raise InvalidRequest([Problem("branch_not_yours", "branch_id", branch_id, allowed)])
    if not store.read(lambda c: branch_exists(c, caller.organisation_id, branch_id)):
        raise InvalidRequest([Problem("unknown_branch", "branch_id", branch_id)])
    return (branch_id,)


class _First:
    """Where each id and each code stood first in the file."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], int] = {}

    def problems(self, row: Checked) -> Iterator[Problem]:
        """What an earlier row has already; otherwise this one has it from now on."""
        for name, value in (("id", row.id), ("uscc", row.head["uscc"])):
            if value is None:
                continue
            first = self._rows.setdefault((name, value), row.number)
            if first != row.number:
                yield Problem("row_repeated", name, value, None, {"first": first})


def _good(row: Row, report: Report, first: _First) -> TypeGuard[Checked]:
    """Whether a row may be kept as far as the file tells; if not, the report says why."""
    problems = row.problems if isinstance(row, Refused) else list(first.problems(row))
    if problems:
        report.refuse(row.number, row.id, problems)
    return not problems


def _decided(
    store: Store, caller: Caller, rows: Sequence[Checked], branch: Branch, wanted: Wanted
) -> Decided:
    """Keep a chunk; one that another writer got in the way of is tried again as it then stands."""
    if wanted.dry_run:
        return store.read(lambda c: decided(c, caller, rows, branch, store.clock()))
    for left in reversed(range(TRIES)):
        try:
            return store.write(lambda write: keep(write, caller, rows, branch, wanted.note))
        except (IntegrityError, Stale, UsccTakenUnseen):
            if not left:
                raise Conflict from None
    return Decided()


def _count(report: Report, found: Decided) -> None:
    report.created += len(found.new)
    report.changed += len(found.changed) + len(found.related)
    report.unchanged += len(found.same)
    for row, problem in found.refused:
        report.refuse(row.number, row.id, [problem])
