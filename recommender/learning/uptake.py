"""`peers`: how many of the companies most like this one took each product, out of fold.

Companies stand in segments within segments (say chapter, heading, heading and size). The uptake of
a product in a segment is drawn to that of the segment around it by `strength` companies, as in an
m-estimate (Cestnik 1990, Estimating probabilities; Micci-Barreca 2001 for hierarchies), so that a
segment of three companies says little and one of three hundred speaks for itself. For a million
companies it is a table look-up.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.encoding import Floats, Ints

Chain = Sequence[str]
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Uptake:
    """Shares of products by segment. shares: segment to (M,); overall (M,): of everybody."""

    shares: dict[tuple[str, ...], Floats]
    overall: Floats

    @classmethod
    def of(
        cls, chains: Sequence[Chain], taken: Ints, products: int, strength: float = 20.0
    ) -> Uptake:
        """Count companies by their chain of segments, widest first; taken (n,)."""
        counts: dict[tuple[str, ...], Floats] = defaultdict(lambda: np.zeros(products))
        for chain, product in zip(chains, taken.tolist(), strict=True):
            for depth in range(len(chain) + 1):
                counts[tuple(chain[:depth])][product] += 1.0
        everybody = counts.pop((), np.zeros(products))
        overall = (everybody + 1.0 / products) / (everybody.sum() + 1.0)
        shares: dict[tuple[str, ...], Floats] = {}
        for segment in sorted(counts, key=len):
            parent = shares[segment[:-1]] if len(segment) > 1 else overall
            count = counts[segment]
            shares[segment] = (count + strength * parent) / (count.sum() + strength)
        return cls(shares, overall)

    def look_up(self, chains: Sequence[Chain]) -> Floats:
        """Uptake (n, M) in the narrowest segment that is known, else that of everybody."""
        return np.array([self._nearest(chain) for chain in chains]).reshape(-1, len(self.overall))

    def _nearest(self, chain: Chain) -> Floats:
        for depth in range(len(chain), 0, -1):
            found = self.shares.get(tuple(chain[:depth]))
            if found is not None:
                return found
        return self.overall


def out_of_fold(
    chains: Sequence[Chain],
    taken: Ints,
    companies: Sequence[str],
    products: int,
    strength: float = 20.0,
) -> Floats:
    """Uptake (n, M) among companies of the other four folds, so that no one is its own peer.

    Weights fitted on uptake that counts the company itself would trust it far too much. The fold
    hangs on the name of the company alone, and all its events fall into one.
    """
    fold = np.array([zlib.crc32(company.encode()) % FOLDS for company in companies])
    found = np.zeros((len(taken), products))
    for number in range(FOLDS):
        inside = np.flatnonzero(fold == number).tolist()
        others = np.flatnonzero(fold != number).tolist()
        table = Uptake.of([chains[row] for row in others], taken[others], products, strength)
        found[inside] = table.look_up([chains[row] for row in inside])
    return found
