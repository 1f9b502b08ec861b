"""Rows of a file, each good in itself or refused: checked here or in worker processes.

What leaves this module is plain values, cheap to send between processes, and all that the writer
needs: it looks at no profile itself.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from typing import Any, NamedTuple

from api.policy import PURPOSES
from api.store.company_changes import head_of
from api.store.consents import CONTACT
from api.store.profiles import canonical, leaves
from api.store.relations import stated_of
from recommender.child_processes import end_with_parent
from recommender.company.profile import Company
from recommender.company.relationship import Relationship, consent
from recommender.errors import Problem
from recommender.population.company_files import Read
from recommender.records import examined

CHUNK = 1_000
ENOUGH_FOR_WORKERS = 12
USES = [purpose for purpose in PURPOSES if purpose != CONTACT]


class Checked(NamedTuple):
    """A row that is good in itself.

    head: what the company's own row repeats of the profile; fields: those that have a source;
    agreed: what it says of each purpose; relation: what it says of the relation.
    """

    number: int
    id: str
    profile: str
    head: Mapping[str, Any]
    fields: Sequence[str]
    agreed: Mapping[str, bool]
    relation: Mapping[str, Any]


class Refused(NamedTuple):
    """A row with what is wrong with it. id: as far as it is known."""

    number: int
    id: str | None
    problems: Sequence[Problem]


Row = Checked | Refused


def checked(read: Read) -> Row:
    """One row: its profile and consents as the domain has them, with every problem at once."""
    company, problems = Company.examine(read.profile)
    relation, more = examined(Relationship, read.relation)
    problems = [*read.problems, *problems, *more]
    if company is not None:
        if company.id is None and not problems:
            problems.append(Problem("missing", "id"))
        problems += _unknown_uses(company)
    if company is None or company.id is None or relation is None or problems:
        name = read.profile.get("id")
        shown = None if name is None else str(name)[:64]
        return Refused(read.number, shown, problems or [Problem("not_record")])
    profile, plain = canonical(company)
    return Checked(
        read.number,
        company.id,
        profile,
        head_of(company, synthetic=False),
        [name for name, _ in leaves(plain)],
        _agreed(company, relation),
        stated_of(relation),
    )


def _unknown_uses(company: Company) -> Iterator[Problem]:
    for name in (company.consents.data_use if company.consents else None) or ():
        if name not in USES:
            yield Problem("not_one_of", "consents.data_use", name, USES)


def _agreed(company: Company, relation: Relationship) -> dict[str, bool]:
    """What a row says of each purpose; an empty list refuses all uses, no list says nothing."""
    own = company.consents
    contact = consent(own.contact if own else None, relation.consent_to_contact)
    found = {} if contact is None else {CONTACT: contact}
    uses = own.data_use if own else None
    if uses is None:
        return found
    return {**found, **dict.fromkeys(uses or USES, bool(uses))}


def chunks(rows: Iterable[Read], workers: int = 1) -> Iterator[list[Row]]:
    """Checked rows in their order, some at a time, at most a few chunks of them in memory.

    workers: processes, used where the file is long enough to be worth their start.
    """
    groups = _groups(rows)
    first = list(islice(groups, ENOUGH_FOR_WORKERS))
    if workers < 2 or len(first) < ENOUGH_FOR_WORKERS:
        yield from map(_every, chain(first, groups))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, end_with_parent) as pool:
        waiting: deque[Future[list[Row]]] = deque()
        for group in chain(first, groups):
            waiting.append(pool.submit(_every, group))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _every(reads: Iterable[Read]) -> list[Row]:
    return [checked(read) for read in reads]


def _groups(rows: Iterable[Read]) -> Iterator[list[Read]]:
    waiting = iter(rows)
    while group := list(islice(waiting, CHUNK)):
        yield group
