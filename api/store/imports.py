"""Companies from a file into the record: good rows are kept, bad ones told row by row.

Rows are read and checked outside of the writer and kept in chunks, each in one transaction, so that
other writes go on in between. What is kept of a chunk stays kept when a later one fails, and the same
file may be imported again: what did not change makes no new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from api.errors import InvalidRequest
from api.policy import Caller
from api.refusals import Conflict, Stale, UsccTakenUnseen
from api.store.company_changes import Statement, branch_exists
from api.store.consents import CONTACT, PURPOSES
from api.store.import_chunks import Checked, Decided, decided, keep
from api.store.profiles import canonical
from api.store.store import Store
from recommender.company_columns import Facts
from recommender.company_files import Read, read_companies
from recommender.domain import Company
from recommender.errors import Problem
from recommender.records import examined
from recommender.relationship import Relationship, consent

CHUNK = 1_000
TRIES = 3
MOST_LISTED = 10_000
MOST_PROBLEMS_OF_A_ROW = 20
KEPT_OF_RELATION = {"consent_to_contact"}


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
    """What became of the rows. found: problems, of which at most MOST_LISTED are listed.

    ignored: columns that say something of the relation that the record keeps elsewhere.
    """

    dry_run: bool
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    found: int = 0
    problems: list[tuple[int, str | None, Problem]] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)

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
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Import a file by its ending; progress hears how many rows are done.

    facts: the catalogue's dictionary, for columns of answers. Raises UnreadableFile for a file that
    is not of its kind at all, InvalidRequest for a branch that is not the caller's to choose, and
    StoreUnavailable; what was kept until then stays.
    """
    branch = _branch(store, caller, wanted.branch_id)
    report, first = Report(wanted.dry_run), _First()
    rows = iter(read_companies(path, facts))
    while chunk := list(islice(rows, CHUNK)):
        report.rows += len(chunk)
        checked = [row for read in chunk for row in _checked(read, report, first, branch)]
        _count(report, _decided(store, caller, checked, wanted))
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

    def problems(self, number: int, company: Company) -> Iterator[Problem]:
        """What an earlier row has already; otherwise this one has it from now on."""
        for name in ("id", "uscc"):
            value = getattr(company, name)
            if value is None:
                continue
            first = self._rows.setdefault((name, value), number)
            if first != number:
                yield Problem("row_repeated", name, value, None, {"first": first})


def _checked(
    read: Read, report: Report, first: _First, branch: tuple[str | None, ...]
) -> Iterator[Checked]:
    """The row if it is good in itself; else what is wrong with it goes to the report."""
    company, problems = Company.examine(read.profile)
    relation, more = examined(Relationship, read.relation)
    problems = [*read.problems, *problems, *more]
    if company is not None and company.id is None and not problems:
        problems.append(Problem("missing", "id"))
    if company is not None and company.consents is not None:
        problems += _unknown_purposes(company.consents.data_use or ())
    if company is not None and not problems:
        problems += first.problems(read.number, company)
    if company is None or company.id is None or relation is None or problems:
        name = read.profile.get("id")
        shown = None if name is None else str(name)[:64]
        report.refuse(read.number, shown, problems or [Problem("not_record")])
        return
    report.ignored |= read.relation.keys() - KEPT_OF_RELATION
    agreed = _agreed(company, relation)
    yield Checked(read.number, company.id, Statement(company, branch), agreed, canonical(company))


def _unknown_purposes(names: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        if name not in PURPOSES or name == CONTACT:
            allowed = [purpose for purpose in PURPOSES if purpose != CONTACT]
            yield Problem("not_one_of", "consents.data_use", name, allowed)


def _agreed(company: Company, relation: Relationship) -> dict[str, bool]:
    """What a row says of each purpose; an empty list refuses all uses, no list says nothing."""
    own, uses = (
        (company.consents.contact, company.consents.data_use) if company.consents else (None, None)
    )
    contact = consent(own, relation.consent_to_contact)
    found = {} if contact is None else {CONTACT: contact}
    if uses is None:
        return found
    refused = {purpose: False for purpose in PURPOSES if purpose != CONTACT and not uses}
    return {**found, **refused, **dict.fromkeys(uses, True)}


def _decided(
    store: Store, caller: Caller, rows: Sequence[Checked], wanted: Wanted
) -> Decided:
    """Keep a chunk; one that another writer got in the way of is tried again as it then stands."""
    if wanted.dry_run:
        return store.read(lambda c: decided(c, caller, rows, store.clock()))
    for left in reversed(range(TRIES)):
        try:
            return store.write(lambda write: keep(write, caller, rows, wanted.note))
        except (IntegrityError, Stale, UsccTakenUnseen):
            if not left:
                raise Conflict from None
    return Decided()


def _count(report: Report, found: Decided) -> None:
    report.created += len(found.new)
    report.changed += len(found.changed)
    report.unchanged += len(found.same)
    for row, problem in found.refused:
        report.refuse(row.number, row.id, [problem])
