"""Rows of companies to packed batches, here or in worker processes, with what was rejected."""

from __future__ import annotations

import datetime
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from recommender.catalogue import Catalogue
from recommender.child_processes import end_with_parent
from recommender.company.profile import Company
from recommender.company.relationship import Relationship
from recommender.engine import Engine
from recommender.errors import Problem
from recommender.matching.matcher import Case
from recommender.parameters import Parameters
from recommender.population.company_files import Read
from recommender.population.packing import Batch, pack
from recommender.records import examined

ROWS = 500
ENOUGH_FOR_WORKERS = 12


class Rejected(NamedTuple):
    """One thing wrong with one row. number: of the row in its file; id: as far as it is known."""

    number: int
    id: str | None
    problem: Problem


class Packed(NamedTuple):
    """What became of some rows. numbers: rows of the batch; batch: None where all are rejected."""

    rows: int
    numbers: list[int]
    batch: Batch | None
    rejected: list[Rejected]


def packed(engine: Engine, reads: Sequence[Read], as_of: datetime.date) -> Packed:
    """Rows to a batch; those with problems are left out and told."""
    good: list[tuple[Case, Relationship, Any]] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for read in reads:
        case, relation, problems = _examined(engine, read, as_of)
        name = read.profile.get("id")
        rejected += [Rejected(read.number, str(name) if name else None, p) for p in problems]
        if not problems and case is not None and relation is not None:
            good.append((case, relation, read.profile))
            numbers.append(read.number)
    batch = pack(engine, *map(list, zip(*good, strict=True))) if good else None
    return Packed(len(reads), numbers, batch, rejected)


def _examined(
    engine: Engine, read: Read, as_of: datetime.date
) -> tuple[Case | None, Relationship | None, list[Problem]]:
    company, problems = Company.examine(read.profile)
    relation, more = examined(Relationship, read.relation)
    problems = [*read.problems, *problems, *more]
    if company is None or problems:
        return None, None, problems or [Problem("not_record", "")]
    if company.id is None:
        return None, None, [Problem("missing", "id")]
    problems = engine.matcher.problems(company)
    if problems:
        return None, None, problems
    case = engine.matcher.read(company, as_of)
    return case, relation, engine.matcher.contradictions(case)


def batches(
    engine: Engine,
    rows: Iterable[Read],
    as_of: datetime.date,
    *,
    workers: int = 1,
    parameters: Path | None = None,
) -> Iterator[tuple[Sequence[Read], Packed]]:
    """Batches in the order of the rows, at most a few of them in memory.

    workers: processes; a script that asks for two needs the usual guard around its main part.
    parameters: folder of those of the engine, None for the packaged ones.
    """
    groups = _groups(rows)
    first = list(islice(groups, ENOUGH_FOR_WORKERS))
    if workers < 2 or len(first) < ENOUGH_FOR_WORKERS:
        for group in chain(first, groups):
            yield group, packed(engine, group, as_of)
        return
    start = (engine.catalogue.document(), parameters)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, start) as pool:
        waiting: deque[tuple[Sequence[Read], Future[Packed]]] = deque()
        for group in chain(first, groups):
            waiting.append((group, pool.submit(_in_worker, group, as_of)))
            if len(waiting) > 2 * workers:
                done, answer = waiting.popleft()
                yield done, answer.result()
        for done, answer in waiting:
            yield done, answer.result()


def _groups(rows: Iterable[Read]) -> Iterator[list[Read]]:
    waiting = iter(rows)
    while group := list(islice(waiting, ROWS)):
        yield group


_WORKER: dict[str, Engine] = {}


def _begin(document: dict[str, Any], folder: Path | None) -> None:
    end_with_parent()
    catalogue = Catalogue.from_documents({"catalogue": document})
    _WORKER["engine"] = Engine(catalogue, parameters=Parameters.load(folder))


def _in_worker(reads: Sequence[Read], as_of: datetime.date) -> Packed:
    return packed(_WORKER["engine"], reads, as_of)
