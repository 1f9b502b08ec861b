"""The companies that may be among the first n by score: exact, without scoring all of them.

What hangs on single columns is summed up for everybody, the rest only for companies that could
still get there: a similarity adds at most its weight. The total of a company that is left is the
sum of the same millionths as everywhere, so that the first n are those of scoring all (Fagin, Lotem
and Naor 2003, Optimal aggregation algorithms for middleware).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.matching.scoring import Micros
from recommender.population.columnar import Lens
from recommender.population.segment_rows import Rows

SAMPLE, ENOUGH, SOME = 4, 4_096, 1 << 14
Bools = NDArray[np.bool_]


class Begun:
    """Companies of one segment, with parts of their scores that are left to be added up.

    high (n,): the most that each score may be, in millionths: what is added up, and the most that
    each part left may add. With nothing left it is the score.
    """

    def __init__(self, rows: Rows, high: Micros, left: tuple[str, ...]) -> None:
        self.rows, self.high, self.left = rows, high, left

    def __len__(self) -> int:
        return len(self.rows)

    def kept(self, mask: Bools) -> Begun:
        """Those of a mask."""
        return Begun(self.rows.among(mask), self.high[mask], self.left)

    def best(self, wanted: int) -> Begun:
        """Those with the most so far, as many as are wanted; found some thousand at a time."""
        chosen, least = np.zeros(0, dtype=np.int64), int(np.iinfo(np.int64).min)
        for start in range(0, len(self), SOME):
            above = start + np.flatnonzero(self.high[start : start + SOME] > least)
            chosen = np.concatenate([chosen, above])
            if len(chosen) > wanted:
                first = len(chosen) - wanted
                chosen = chosen[np.argpartition(self.high[chosen], first)[first:]]
                least = int(self.high[chosen].min())
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[chosen] = True
        return self.kept(mask)

    def added(self, lens: Lens, name: str) -> Begun:
        """With one part more, if it is left."""
        if name not in self.left:
            return self
        left = tuple(other for other in self.left if other != name)
        more = lens.part(name, self.rows) - lens.ceiling(name, self.rows)
        return Begun(self.rows, self.high + more, left)

    def scores(self, lens: Lens) -> Micros:
        """Scores (n,)."""
        found = self
        for name in self.left:
            found = found.added(lens, name)
        return found.high


def shortlisted(lens: Lens, groups: Sequence[Begun], count: int) -> list[tuple[Rows, Micros]]:
    """Companies with their scores, among them the first `count` of all, ties included.

    groups: companies by segment. All of them where there are few, or not many more than `count`.
    """
    left = {name for group in groups for name in group.left}
    wanted = SAMPLE * count
    if sum(map(len, groups)) > max(ENOUGH, wanted):
        least = int(np.iinfo(np.int64).min)
        for name in sorted(left, key=lambda name: (-lens.most(name), name)):
            some = [group.best(wanted).scores(lens) for group in groups]
            least = max(least, _reached(some, count))
            groups = [g.kept(g.high >= least).added(lens, name) for g in groups]
        groups = [group.kept(group.high >= least) for group in groups]
    return [(group.rows, group.scores(lens)) for group in groups]


def _reached(scores: Sequence[Micros], count: int) -> int:
    """A score that at least `count` companies reach."""
    found = np.concatenate(scores)
    if len(found) < count:
        return int(np.iinfo(np.int64).min)
    return int(np.partition(found, len(found) - count)[len(found) - count])
