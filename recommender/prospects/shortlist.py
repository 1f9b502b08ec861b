"""The companies that may be among the first n by score: exact, without scoring all of them.

Cheap similarities are computed for everybody, dear ones only for companies that could still get
there: a similarity adds at most its weight. The total of a company that is left is the sum of the
same millionths as everywhere, so that the first n are those of scoring all (Fagin, Lotem and Naor
2003, Optimal aggregation algorithms for middleware).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.matching.scoring import Micros
from recommender.population.columnar import Lens
from recommender.population.segment_rows import Rows

CHEAP = ("route", "stage", "settlement", "size", "amount", "tenor", "documents", "preferences")
SAMPLE, ENOUGH, LOOK_AGAIN = 4, 4_096, 4
Bools = NDArray[np.bool_]


class _Part:
    """Companies of one segment with what is summed up of their scores (n,)."""

    def __init__(self, rows: Rows, sums: Micros) -> None:
        self.rows, self.sums = rows, sums

    def kept(self, mask: Bools) -> _Part:
        return _Part(self.rows.among(mask), self.sums[mask])


def shortlisted(lens: Lens, groups: Sequence[Rows], count: int) -> list[tuple[Rows, Micros]]:
    """Companies with their scores, among them the first `count` of all, ties included.

    groups: rows by segment. All of them where there are few, or not many more than `count`.
    """
    if sum(map(len, groups)) <= max(ENOUGH, SAMPLE * count):
        return [(rows, lens.scores(rows)) for rows in groups]
    order = sorted(
        (name for name in lens.parts if lens.most(name)),
        key=lambda name: (name not in CHEAP, -lens.most(name), name),
    )
    parts = [_Part(rows, np.full(len(rows), lens.base, dtype=np.int64)) for rows in groups]
    rest = sum(map(lens.most, order))
    least = _reached(lens, [_spread(part) for part in parts], count)
    for place, name in enumerate(order):
        for part in parts:
            part.sums = part.sums + lens.part(name, part.rows)
        rest -= lens.most(name)
        if place == LOOK_AGAIN:
            least = max(least, _reached(lens, _best(parts, SAMPLE * count), count))
        parts = [part.kept(part.sums + rest >= least) for part in parts]
    return [(part.rows, part.sums) for part in parts]


def _spread(part: _Part) -> Rows:
    """Some companies from all over a segment."""
    mask = np.zeros(len(part.sums), dtype=np.bool_)
    mask[:: max(1, len(mask) // ENOUGH)] = True
    return part.rows.among(mask)


def _best(parts: Sequence[_Part], wanted: int) -> list[Rows]:
    """Those with the most so far, of each segment."""
    found = []
    for part in parts:
        mask = np.zeros(len(part.sums), dtype=np.bool_)
        first = max(len(mask) - wanted, 0)
        mask[np.argpartition(part.sums, first)[first:] if first else slice(None)] = True
        found.append(part.rows.among(mask))
    return found


def _reached(lens: Lens, some: Sequence[Rows], count: int) -> int:
    """A score that at least `count` companies reach: some are scored in full."""
    found = np.concatenate([lens.scores(rows) for rows in some])
    if len(found) < count:
        return int(np.iinfo(np.int64).min)
    return int(np.partition(found, len(found) - count)[len(found) - count])
