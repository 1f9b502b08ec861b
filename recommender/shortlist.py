"""The companies that may be among the first n by score: exact, without scoring all of them.

What hangs on single columns is summed up for everybody, the rest only for companies that could
still get there: a similarity adds at most its weight. The total of a company that is left is the sum of the
same millionths as everywhere, so that the first n are those of scoring all (Fagin, Lotem and Naor
2003, Optimal aggregation algorithms for middleware).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.columnar import Lens
from recommender.scoring import Micros
from recommender.segment_rows import Rows

SAMPLE, ENOUGH = 4, 4_096
Bools = NDArray[np.bool_]


class Begun:
    """Companies of one segment with what is summed up of their scores (n,), and parts left."""

    def __init__(self, rows: Rows, sums: Micros, left: tuple[str, ...]) -> None:
        self.rows, self.sums, self.left = rows, sums, left

    def __len__(self) -> int:
        return len(self.rows)

    def kept(self, mask: Bools) -> Begun:
        """Those of a mask."""
        return Begun(self.rows.among(mask), self.sums[mask], self.left)

    def best(self, wanted: int) -> Begun:
        """Those with the most so far."""
        mask = np.zeros(len(self), dtype=np.bool_)
        first = max(len(self) - wanted, 0)
        mask[np.argpartition(self.sums, first)[first:] if first else slice(None)] = True
        return self.kept(mask)

    def added(self, lens: Lens, name: str) -> Begun:
        """With one part more."""
        left = tuple(other for other in self.left if other != name)
        return Begun(self.rows, self.sums + lens.part(name, self.rows), left)

    def scores(self, lens: Lens) -> Micros:
        """Scores (n,)."""
        return sum((lens.part(name, self.rows) for name in self.left), self.sums)


def shortlisted(lens: Lens, groups: Sequence[Begun], count: int) -> list[tuple[Rows, Micros]]:
    """Companies with their scores, among them the first `count` of all, ties included.

    groups: companies by segment. All of them where there are few, or not many more than `count`.
    """
    if sum(map(len, groups)) <= max(ENOUGH, SAMPLE * count):
        return [(group.rows, group.scores(lens)) for group in groups]
    least = _reached([group.best(SAMPLE * count).scores(lens) for group in groups], count)
    return [_reaching(lens, group, least) for group in groups]


def _reaching(lens: Lens, group: Begun, least: int) -> tuple[Rows, Micros]:
    """Those of a group that come to a score."""
    rest = sum(map(lens.most, group.left))
    for name in sorted(group.left, key=lambda name: (-lens.most(name), name)):
        group = group.kept(group.sums + rest >= least).added(lens, name)
        rest -= lens.most(name)
    group = group.kept(group.sums >= least)
    return group.rows, group.sums


def _reached(scores: Sequence[Micros], count: int) -> int:
    """A score that at least `count` companies reach."""
    found = np.concatenate(scores)
    if len(found) < count:
        return int(np.iinfo(np.int64).min)
    return int(np.partition(found, len(found) - count)[len(found) - count])
