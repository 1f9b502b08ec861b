"""All companies of a population in order for one product: who comes first, ties settled by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.columnar import Lens, Rows
from recommender.eligibility import UNKNOWN, YES
from recommender.population import Population, Segment
from recommender.prospect_filters import Filter
from recommender.prospect_options import Order
from recommender.scoring import MICRO, Weights

CHUNK = 1 << 15
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


@dataclass
class Counts:
    """How many there are. left_out: of those that fit, by the filter that stopped them."""

    eligible: int = 0
    conditional: int = 0
    kept: int = 0
    candidates: int = 0
    left_out: dict[str, int] = field(default_factory=dict)


def scan(
    lens: Lens, population: Population, filters: Sequence[Filter]
) -> tuple[Field, Array, Counts]:
    """The companies that fit, with scores; rows that may be near misses, without; counts."""
    counts = Counts(left_out={name: 0 for name, _ in filters})
    fields: list[Field] = []
    near: list[Array] = []
    for segment in population.segments:
        amounts = amounts_of(segment, lens.at)
        for start in range(0, segment.rows, CHUNK):
            stop = min(start + CHUNK, segment.rows)
            span = slice(segment.first + start, segment.first + stop)
            there = Rows(segment, start, stop)
            if population.removed[span].any():
                there = there.among(~population.removed[span])
            fit, maybe = lens.gate(there)
            counts.eligible += int((fit == YES).sum())
            counts.conditional += int((fit == UNKNOWN).sum())
            kept = _filtered(there.among(fit >= 0), filters, counts.left_out)
            fields.append(_scored(lens, kept, amounts))
            near.append(_filtered(there.among(maybe), filters, None).chosen + segment.first)
    found = Field(*(_joined([getattr(f, n) for f in fields]) for n in Field.__annotations__))
    candidates = _joined(near)
    counts.kept, counts.candidates = len(found.rows), len(candidates)
    return found, candidates, counts


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _filtered(rows: Rows, filters: Sequence[Filter], left_out: dict[str, int] | None) -> Rows:
    for name, mask in filters:
        before = len(rows)
        rows = rows.among(mask(rows))
        if left_out is not None:
            left_out[name] += before - len(rows)
    return rows


def _scored(lens: Lens, rows: Rows, amounts: Array) -> Field:
    where = rows.chosen + rows.segment.first
    return Field(where, lens.scores(rows), lens.missing(rows), amounts[rows.chosen])


def amounts_of(segment: Segment, product: int) -> Array:
    """Amounts of one product by row (rows,), NaN where there is none."""
    found = np.full(segment.rows, np.nan)
    start, stop = segment.starts("amount")[product : product + 2].tolist()
    found[segment.read("amount.row", start, stop)] = segment.read("amount", start, stop)
    return found


def scored(lens: Lens, population: Population, wanted: Array) -> Field:
    """Scores of some rows of the population, given in ascending order."""
    fields = []
    for segment in population.segments:
        own = wanted[(wanted >= segment.first) & (wanted < segment.first + segment.rows)]
        rows = Rows(segment, 0, segment.rows, own - segment.first)
        fields.append(_scored(lens, rows, np.full(segment.rows, np.nan)))
    return Field(*(_joined([getattr(f, n) for f in fields]) for n in Field.__annotations__))


def keys_of(found: Field, order: Order, lane: str, weights: Weights) -> list[Array]:
    """What companies are ordered by, ascending, the most telling first."""
    keys = [-found.totals, found.missing]
    if order == "fit" or lane not in weights.uptake:
        return keys
    rises = weights.uptake[lane][1] > 0
    if order == "likelihood" and rises:
        return keys  # a higher score has no lower chance
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


def walk(keys: Sequence[Array], name: Callable[[int], str], at_once: int) -> Iterator[int]:
    """Places in order, as many as are asked for."""
    done, count = 0, max(at_once, 1)
    while True:
        found = first(keys, count, name)
        yield from found[done:]
        if len(found) < count:
            return
        done, count = count, count * 4
