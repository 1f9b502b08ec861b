"""What a model learned of kinds of firms, beside the weights: affinities, and uptake among peers.

Both are tables; a company is looked up in them, alone or among a million.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.matching.encoding import Floats
from recommender.matching.kinds import KIND_NAMES, KIND_OF, Firm
from recommender.matching.tokens import group

Points = Mapping[str, Mapping[str, float]]
Counts = Mapping[str, tuple[int, int]]
Micros = NDArray[np.int64]
FEWEST_FIRMS, FEWEST_TAKERS = 20, 5


class Affinity:
    """Points of products by token of the firm (T tokens, m products), added up by kind (G).

    points: token to product id to points; products that are not named get none.
    """

    def __init__(self, points: Points, product_ids: tuple[str, ...], micro: int) -> None:
        place = {name: j for j, name in enumerate(product_ids)}
        self._rows = {token: i for i, token in enumerate(sorted(points))}
        self._table = np.zeros((len(points), len(product_ids)))
        for token, row in self._rows.items():
            for name, value in points[token].items():
                if name in place:
                    self._table[row, place[name]] = value
        self._micro = micro
        self._kind = [KIND_NAMES.index(KIND_OF[group(token)]) for token in self._rows]
        self.low, self.high = self._bounds()

    def _bounds(self) -> tuple[Micros, Micros]:
        """Least and most that a kind may add where the firm does not say it (m, G) each."""
        shape = (self._table.shape[1], len(KIND_NAMES))
        low, high = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        groups: dict[str, list[int]] = {}
        for token, row in self._rows.items():
            groups.setdefault(group(token), []).append(row)
        for name, rows in groups.items():
            kind, points = KIND_NAMES.index(KIND_OF[name]), self._table[rows] * self._micro
            low[:, kind] += np.floor(np.minimum(points.min(axis=0), 0)).astype(np.int64)
            high[:, kind] += np.ceil(np.maximum(points.max(axis=0), 0)).astype(np.int64)
        return low, high

    def parts(self, firm: Firm) -> Micros:
        """What each kind adds to each product, in millionths (m, G); 0 where it is not known."""
        found = np.zeros((self._table.shape[1], len(KIND_NAMES)), dtype=np.int64)
        for token, value in firm.tokens.items():
            row = self._rows.get(token)
            if row is not None:
                added = np.rint(self._table[row] * value * self._micro).astype(np.int64)
                found[:, self._kind[row]] += added
        return found

    def points_of(self, token: str | None, product: int) -> float:
        """Points of one token on one product, by its place; 0 for a token that was not learned."""
        row = self._rows.get(token or "")
        return 0.0 if row is None else float(self._table[row, product])


def kinds_known(firm: Firm) -> NDArray[np.bool_]:
    """Which kinds a firm says something of (G,)."""
    said = {KIND_OF[group(token)] for token in firm.tokens}
    return np.array([name in said for name in KIND_NAMES])


class Heard(NamedTuple):
    """What may be said of peers: firms like this one that were shown a product, and took it."""

    shown: int
    taken: int


class Peers:
    """Uptake of m products among the peers of a firm, by segments within segments.

    counts: segment, its places joined by `|`, to product id to firms that were shown it and firms
    that took it; the segment of everybody is the empty text. The uptake in a segment is drawn to
    that of the segment around it by `strength` firms (m-estimate: Cestnik 1990; hierarchies:
    Micci-Barreca 2001). A value is r / (r + mean of the lane): 0.5 is what the lane has, so that an
    unknown one, of a product nobody was shown, counts as neutral.
    """

    def __init__(
        self,
        counts: Mapping[str, Counts],
        lanes: Mapping[str, str],
        product_ids: tuple[str, ...],
        strength: float,
    ) -> None:
        self._counts, self._ids, self._strength = counts, product_ids, strength
        self._tables = {name: self._arrays(counts[name]) for name in counts}
        shown, taken = self._tables.get("", self._arrays({}))
        lane = np.array([lanes.get(name, "") for name in product_ids])
        same = (lane[:, None] == lane).astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            self._mean = (same @ taken) / (same @ shown)
        self._known = shown > 0
        self._values = lru_cache(maxsize=100_000)(self._valued)

    def _arrays(self, counts: Counts) -> tuple[Floats, Floats]:
        pairs = np.array([counts.get(name, (0, 0)) for name in self._ids], dtype=np.float64)
        return pairs.reshape(-1, 2)[:, 0], pairs.reshape(-1, 2)[:, 1]

    def value(self, firm: Firm) -> Floats:
        """Uptake among a firm's peers, against the lane's (m,); NaN where nobody was shown it."""
        return self._values(firm.segment)

    def _valued(self, segment: tuple[str, ...]) -> Floats:
        rate = self._mean
        for depth in range(len(segment) + 1):
            table = self._tables.get("|".join(segment[:depth]))
            if table is None:
                break
            shown, taken = table
            rate = (taken + self._strength * rate) / (shown + self._strength)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = np.where(self._known, rate / (rate + self._mean), np.nan)
        return found

    def heard(self, firm: Firm, product_id: str) -> Heard | None:
        """Counts of the narrowest segment that may be spoken of (ruling 13), rounded.

        At least 20 firms were shown the product and at least 5 took it; else None.
        """
        for depth in range(len(firm.segment), -1, -1):
            found = self._counts.get("|".join(firm.segment[:depth]), {}).get(product_id)
            if found and found[0] >= FEWEST_FIRMS and found[1] >= FEWEST_TAKERS:
                return Heard(_rounded(found[0]), _rounded(found[1]))
        return None


def _rounded(count: int) -> int:
    """To the nearest ten, below a hundred to the nearest five."""
    step = 5 if count < 100 else 10
    return (2 * count + step) // (2 * step) * step
