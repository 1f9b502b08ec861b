"""Many firms against the whole catalogue, each read once: the same numbers as one at a time."""

from __future__ import annotations

import datetime
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.company.profile import Company
from recommender.errors import InvalidInput, Problem
from recommender.matching.encoding import Floats
from recommender.matching.kinds import Firm
from recommender.matching.matcher import Case, Matcher
from recommender.matching.similarity import NAMES
from recommender.parameters import Parameters
from recommender.tables import without_collection

BATCH, ENOUGH_FOR_TWO = 250, 3_000
Wanted = tuple[Any, datetime.date]
Part = tuple[Floats, NDArray[np.int8], Floats, NDArray[Any], list[tuple[dict[str, Any], Firm]]]
SEGMENTS = ("size_class", "registered_province", "ownership", "first_loan", "hs")


class InvalidProfiles(InvalidInput):
    """Profiles that cannot be read; each problem names the firm by its number in `row`."""

    code = "invalid_profiles"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Firms (n) against products (m).

    values (n, m, K): similarities, NaN unknown. fits (n, m): 1 eligible, 0 conditional, -1 not.
    numbers (n, f), bits (n, words): the encoded profiles. segments: what each firm is grouped by.
    firms: what a model may know each by.
    """

    values: Floats
    fits: NDArray[np.int8]
    numbers: Floats
    bits: NDArray[Any]
    segments: Sequence[dict[str, Any]]
    firms: Sequence[Firm]


def match(
    catalogue: Catalogue,
    parameters: Path | None,
    firms: Sequence[Wanted],
    told: Callable[[int], None] = lambda _: None,
    workers: int = 1,
) -> Pairs:
    """Profiles as plain values, each with its day, against a catalogue.

    parameters: folder of dated parameters, None for the packaged one. told: called with the number
    done. workers: processes to share many firms among; a script that asks for two needs the usual
    guard around its main part. Raises InvalidProfiles with the problems of every firm.
    """
    batches = [firms[i : i + BATCH] for i in range(0, len(firms), BATCH)]
    many = workers if len(firms) >= ENOUGH_FOR_TWO else 1
    parts: list[Part] = []
    problems: list[Problem] = []
    done = 0
    for batch, answer in zip(batches, _answers(catalogue, parameters, batches, many), strict=True):
        if isinstance(answer, list):
            problems += [_moved(problem, done) for problem in answer]
        else:
            parts.append(answer)
        done += len(batch)
        told(done)
    if problems:
        raise InvalidProfiles(problems[:1_000])
    return _joined(parts, catalogue)


def _moved(problem: Problem, by: int) -> Problem:
    return Problem(
        problem.code, problem.field, problem.value, problem.allowed, problem.params,
        row=(problem.row or 0) + by,
    )  # fmt: skip


def _answers(
    catalogue: Catalogue, parameters: Path | None, batches: Sequence[Any], workers: int
) -> Iterator[Part | list[Problem]]:
    if workers < 2 or not batches:
        matcher = Matcher(catalogue, Parameters.load(parameters))
        yield from (_quietly(matcher, batch) for batch in batches)
        return
    start = (catalogue.document(), parameters)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, start) as pool:
        yield from pool.map(_in_worker, batches)


_WORKER: dict[str, Matcher] = {}


def _begin(document: dict[str, Any], folder: Path | None) -> None:
    catalogue = Catalogue.from_documents({"catalogue": document})
    _WORKER["matcher"] = Matcher(catalogue, Parameters.load(folder))


def _in_worker(batch: Sequence[Wanted]) -> Part | list[Problem]:
    return _quietly(_WORKER["matcher"], batch)


def _quietly(matcher: Matcher, batch: Sequence[Wanted]) -> Part | list[Problem]:
    """A batch without searches for reference cycles, which take a fifth of the time."""
    with without_collection():
        return _matched(matcher, batch)


def _matched(matcher: Matcher, batch: Sequence[Wanted]) -> Part | list[Problem]:
    """Arrays of some firms, or the problems of those that cannot be read."""
    known = [(known_to(matcher.catalogue, raw), day) for raw, day in batch]
    read, problems = examined(matcher, known)
    if problems:
        return problems
    cases = [case for case in read if case is not None]
    situation = matcher.situation(cases)
    days = [case.profile.as_of for case in cases]
    if len({id(matcher.offers_on(day)) for day in days}) == 1:
        values = matcher.values(situation, days[0])
    else:
        alone = (matcher.values(matcher.situation([c]), c.profile.as_of) for c in cases)
        values = np.concatenate(list(alone))
    columns = situation.companies.columns
    return (
        values,
        matcher.fits(situation.verdicts),
        columns.numbers,
        columns.has,
        [(_segments(case), case.firm) for case in cases],
    )


def examined(matcher: Matcher, firms: Sequence[Wanted]) -> tuple[list[Case | None], list[Problem]]:
    """Firms read against a catalogue, None for one that cannot be; problems by their number."""
    cases: list[Case | None] = []
    problems: list[Problem] = []
    for number, (raw, day) in enumerate(firms):
        company, found = Company.examine(raw)
        case = None
        if company is not None and not found:
            found = matcher.problems(company)
            case = matcher.read(company, day)
            found += matcher.contradictions(case)
        problems += [
            Problem(p.code, p.field, p.value, p.allowed, p.params, row=number) for p in found
        ]
        cases.append(None if found else case)
    return cases, problems


def known_to(catalogue: Catalogue, raw: Any) -> Any:
    """A profile without the facts and papers a catalogue has no entry for: not known to it.

    Outcomes outlive the catalogue they were recorded under.
    """
    if not isinstance(raw, Mapping):
        return raw
    found = dict(raw)
    if isinstance(raw.get("facts"), Mapping):
        found["facts"] = {k: v for k, v in raw["facts"].items() if k in catalogue.facts}
    if isinstance(raw.get("documents"), (list, tuple)):
        found["documents"] = [p for p in raw["documents"] if _is_known(catalogue, p)]
    return found


def _is_known(catalogue: Catalogue, paper: Any) -> bool:
    name = paper.get("type") if isinstance(paper, Mapping) else None
    return not isinstance(name, str) or catalogue.document_id(name) is not None


def _segments(case: Any) -> dict[str, Any]:
    company, size = case.company, case.row["size_class"]
    codes = getattr(size, "has", ())
    first = case.facts.get("has_bank_loan_history")
    goods = (company.trade.hs if company.trade else None) or ()
    return {
        "size_class": codes[0] if codes else None,
        "registered_province": company.registered_province,
        "ownership": company.ownership,
        "first_loan": None if first is None else not first.value,
        "hs": goods[0][:2] if goods else None,
    }


def _joined(parts: Sequence[Part], catalogue: Catalogue) -> Pairs:
    if not parts:
        m = len(catalogue.products)
        empty = np.zeros((0, m), dtype=np.int8)
        return Pairs(np.zeros((0, m, len(NAMES))), empty, np.zeros((0, 0)), empty, [], [])
    values, fits, numbers, bits = (np.concatenate([part[i] for part in parts]) for i in range(4))
    known = [pair for part in parts for pair in part[4]]
    return Pairs(values, fits, numbers, bits, [s for s, _ in known], [firm for _, firm in known])
