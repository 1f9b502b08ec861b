"""All companies of a population in order for one product: who comes first, ties settled by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.matching.eligibility import NO, UNKNOWN, YES
from recommender.matching.scoring import MICRO, Weights
from recommender.population.columnar import Lens
from recommender.population.population import Population, Segment
from recommender.population.segment_rows import Rows
from recommender.population.sweep import swept
from recommender.prospects.filters import Filter
from recommender.prospects.options import Order
from recommender.prospects.shortlist import Begun, shortlisted

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Field:
    """Companies that passed the filters.

    rows: in the population (n,); totals in millionths; missing: papers not known to be held;
    amounts: middle of the indicative amount in CNY, NaN for none.
    """

    rows: Array
    totals: Array
    missing: Array
    amounts: Array


_EMPTY = Field(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, np.int64, np.float64)))


@dataclass
class Counts:
    """How many there are. left_out: of those that fit, by the filter that stopped them."""

    eligible: int = 0
    conditional: int = 0
    kept: int = 0
    candidates: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Gated:
    """What the gate and the filters leave. fitting: by segment.

    found: gives the rows of a segment that may be near misses.
    """

    lens: Lens
    fitting: list[Begun]
    found: Sequence[Callable[[], Array]]
    counts: Counts

    @cached_property
    def near(self) -> Array:
        """Rows that may be near misses, by their numbers in the population (n,)."""
        return _joined([rows() for rows in self.found])

    def field(self, count: int | None = None) -> Field:
        """Companies that fit with scores, among them the first `count` by score; None: all."""
        if count is None:
            return _field(self.lens, [(own.rows, own.scores(self.lens)) for own in self.fitting])
        return _field(self.lens, shortlisted(self.lens, self.fitting, count))


def gated(lens: Lens, population: Population, filters: Sequence[Filter]) -> Gated:
    """The companies that fit and pass the filters, rows that may be near misses, and counts."""
    counts = Counts(left_out={name: 0 for name, _ in filters})
    fitting: list[Begun] = []
    near: list[Callable[[], Array]] = []
    for segment in population.segments:
        found = swept(lens, segment)
        gone = population.removed[segment.first : segment.first + segment.rows]
        begun = Begun(Rows(segment, 0, segment.rows, found.rows), found.high, found.left)
        if gone.any():
            begun = begun.kept(~gone[found.rows])
            found.fit[gone], found.maybe[gone] = NO, False
        counts.eligible += int(np.count_nonzero(found.fit == YES))
        counts.conditional += int(np.count_nonzero(found.fit == UNKNOWN))
        fitting.append(_filtered(begun, filters, counts.left_out))
        near.append(partial(_near, segment, found.maybe, filters))
        counts.candidates += len(near[-1]()) if filters else int(np.count_nonzero(found.maybe))
    counts.kept = sum(map(len, fitting))
    return Gated(lens, fitting, near, counts)


def _field(lens: Lens, scored_rows: Sequence[tuple[Rows, Array]]) -> Field:
    parts = [
        (rows.chosen + rows.segment.first, totals, lens.missing(rows), amounts_of(rows, lens.at))
        for rows, totals in scored_rows
    ]
    return Field(*(_joined(part) for part in zip(*parts, strict=True))) if parts else _EMPTY


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _filtered(begun: Begun, filters: Sequence[Filter], left_out: dict[str, int]) -> Begun:
    for name, mask in filters:
        before = len(begun)
        begun = begun.kept(mask(begun.rows))
        left_out[name] += before - len(begun)
    return begun


def _near(segment: Segment, maybe: Array, filters: Sequence[Filter]) -> Array:
    """Rows of a segment that may be near misses and pass the filters."""
    rows = Rows(segment, 0, segment.rows, np.flatnonzero(maybe))
    for _, mask in filters:
        rows = rows.among(mask(rows))
    return rows.chosen + segment.first


def amounts_of(rows: Rows, product: int) -> Array:
    """Amounts of one product by row (n,), NaN where there is none."""
    segment, found = rows.segment, np.full(len(rows), np.nan)
    start, stop = segment.starts("amount")[product : product + 2].tolist()
    known = segment.read("amount.row", start, stop)
    if len(known):
        place = np.minimum(np.searchsorted(known, rows.chosen), len(known) - 1)
        held = known[place] == rows.chosen
        found[held] = segment.pick("amount", start + place[held])
    return found


def scored(lens: Lens, population: Population, wanted: Array) -> Field:
    """Scores of some rows of the population, given in ascending order."""
    groups = []
    for segment in population.segments:
        own = wanted[(wanted >= segment.first) & (wanted < segment.first + segment.rows)]
        rows = Rows(segment, 0, segment.rows, own - segment.first)
        groups.append((rows, lens.scores(rows)))
    return _field(lens, groups)


def by_score(order: Order, lane: str, weights: Weights) -> bool:
    """Whether companies are ordered by their scores alone, ties aside."""
    if order == "fit" or lane not in weights.uptake:
        return True
    return order == "likelihood" and weights.uptake[lane][1] > 0


def keys_of(found: Field, order: Order, lane: str, weights: Weights) -> list[Array]:
    """What companies are ordered by, ascending, the most telling first."""
    keys = [-found.totals, found.missing]
    if by_score(order, lane, weights):
        return keys  # a higher score has no lower chance
    rises = weights.uptake[lane][1] > 0
    chances = chances_of(found.totals, lane, weights)
    if not rises:
        keys = [-chances, *keys]
    if order == "value":
        worth = -(chances * found.amounts)
        keys = [np.where(np.isnan(worth), np.inf, worth), *keys]
    return keys


def chances_of(totals: Array, lane: str, weights: Weights) -> Array:
    """Uptake probability of each score (n,), as every answer gives it."""
    distinct, places = np.unique(totals, return_inverse=True)
    found = [weights.chance(lane, total / MICRO) for total in distinct.tolist()]
    chances: Array = np.array(found, dtype=np.float64)[places]
    return chances


def first(keys: Sequence[Array], count: int, name: Callable[[int], str]) -> list[int]:
    """Places of the first `count` in order of the keys; equal ones by name. name: of a place."""
    size = len(keys[0])
    if count <= 0 or not size:
        return []
    chosen = np.arange(size)
    if count < size:
        bound = np.partition(keys[0], count - 1)[count - 1]
        chosen = np.flatnonzero(keys[0] <= bound)
    order = chosen[np.lexsort([key[chosen] for key in reversed(keys)])]
    same = np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys])
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    found: list[int] = []
    for at, start in enumerate(starts.tolist()):
        if start >= count:
            break
        stop = int(starts[at + 1]) if at + 1 < len(starts) else len(order)
        tied = order[start:stop].tolist()
        found += sorted(tied, key=name) if len(tied) > 1 else tied
    return found[:count]


def _named(name: Callable[[int], str], rows: Array, at: int) -> str:
    return name(int(rows[at]))


@dataclass(frozen=True)
class Entry:
    """One company in order. total: in millionths; amount: CNY, NaN for none."""

    row: int
    total: int
    amount: float


Best = Callable[[int], tuple[Field, list[Array]]]


def walk(best: Best, name: Callable[[int], str], at_once: int) -> Iterator[Entry]:
    """Companies in order, as many as are asked for.

    best: companies and keys, among them the first so many; name: of a row, to settle ties by.
    """
    done, count = 0, max(at_once, 1)
    while True:
        field, keys = best(count)
        found = first(keys, count, partial(_named, name, field.rows))
        for at in found[done:]:
            yield Entry(int(field.rows[at]), int(field.totals[at]), float(field.amounts[at]))
        if len(found) < count:
            return
        done, count = count, count * 4
