"""Weights times similarities: what serves.

A score is a utility: product baseline + sum of weight x similarity + learned affinity. Every
contribution is rounded to a millionth before it is added, so that the listed contributions sum to
the score to the last digit and in any order (ruling 6). Nothing here uses BLAS: one company scores
the same alone and among a thousand.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import InvalidParameters, Problem
from recommender.matching.encoding import Floats
from recommender.matching.kinds import KIND_NAMES, KIND_OF, Firm
from recommender.matching.learned import Affinity, Heard, Peers, Points, kinds_known
from recommender.matching.similarity import NAMES, NEUTRAL
from recommender.matching.tokens import group
from recommender.tables import data_dir, read_document

Micros = NDArray[np.int64]
MICRO = 1_000_000
PEERS = NAMES.index("peers")


@dataclass(frozen=True)
class Weights:
    """Non-negative weights by similarity, and baselines by product id (0 where absent).

    trained_on: version of the catalogue the weights were learned on; None: expert weights.
    uptake: intercept and slope of the chance that a firm takes what it is shown, by lane; empty
    without outcomes in which it is known that nothing was taken. affinity: points by token of the
    firm and product id. peers: what `Peers` counts: `counts`, `lanes` and `strength`; or empty.
    """

    weights: Mapping[str, float]
    baselines: Mapping[str, float] = field(default_factory=dict)
    trained_on: str | None = None
    uptake: Mapping[str, Sequence[float]] = field(default_factory=dict)
    affinity: Points = field(default_factory=dict)
    peers: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that are not similarities, missing ones, and values that are not weights."""
        problems = [
            Problem("unknown_field", f"weights.{name}", name, list(NAMES))
            for name in sorted(set(self.weights) - set(NAMES))
        ]
        problems += [
            Problem("missing", f"weights.{name}") for name in NAMES if name not in self.weights
        ]
        problems += [
            Problem("below_minimum", f"weights.{name}", value, 0)
            for name, value in self.weights.items()
            if not (math.isfinite(value) and value >= 0)
        ]
        problems += [
            Problem("not_finite", f"baselines.{name}", value)
            for name, value in self.baselines.items()
            if not math.isfinite(value)
        ]
        problems += [
            Problem("not_finite", f"uptake.{lane}", list(pair))
            for lane, pair in self.uptake.items()
            if len(pair) != 2 or not all(map(math.isfinite, pair))
        ]
        problems += [
            Problem("not_finite", f"affinity.{token}", dict(points))
            for token, points in self.affinity.items()
            if not all(map(math.isfinite, points.values()))
        ]
        problems += [
            Problem("unknown_field", f"affinity.{token}", group(token), sorted(KIND_OF))
            for token in self.affinity
            if group(token) not in KIND_OF
        ]
        if problems:
            raise InvalidParameters(problems)

    def chance(self, lane: str, points: float) -> float | None:
        """Share of firms that took a product of this score when shown it; None: not calibrated."""
        if lane not in self.uptake:
            return None
        intercept, slope = self.uptake[lane]
        return round(1.0 / (1.0 + math.exp(-min(max(intercept + slope * points, -30), 30))), 4)

    @cached_property
    def array(self) -> Floats:
        """Weights in the order of FEATURES (K,)."""
        return np.array([self.weights[name] for name in NAMES])

    def points(self, product_ids: tuple[str, ...]) -> Micros:
        """Baselines of products in millionths (m,)."""
        kept = self._points
        if product_ids not in kept:
            kept.clear()
            kept[product_ids] = micros(
                np.array([self.baselines.get(name, 0.0) for name in product_ids])
            )
        return kept[product_ids]

    @cached_property
    def _points(self) -> dict[tuple[str, ...], Micros]:
        return {}

    @property
    def tells_firms_apart(self) -> bool:
        """Whether scores hang on what kind of firm it is, beside the similarities."""
        return bool(self.affinity or self.peers)

    @property
    def kinds(self) -> list[str]:
        """Kinds of firms that are told apart, in the order of KINDS."""
        said = {KIND_OF[group(token)] for token in self.affinity}
        return [name for name in KIND_NAMES if name in said]

    def learned(self, product_ids: tuple[str, ...]) -> tuple[Affinity | None, Peers | None]:
        """The tables of affinity and peers for some products; None where nothing was learned."""
        kept = self._learned
        if product_ids not in kept:
            kept.clear()
            kept[product_ids] = (
                Affinity(self.affinity, product_ids, MICRO) if self.affinity else None,
                Peers(product_ids=product_ids, **self.peers) if self.peers else None,
            )
        return kept[product_ids]

    @cached_property
    def _learned(self) -> dict[tuple[str, ...], tuple[Affinity | None, Peers | None]]:
        return {}

    def with_peers(
        self, values: Floats, product_ids: tuple[str, ...], firms: Sequence[Firm] | None
    ) -> Floats:
        """Similarities (n, m, K) with the uptake among the peers of each firm filled in."""
        peers = self.learned(product_ids)[1]
        if peers is None or firms is None:
            return values
        filled = values.copy()
        for row, firm in zip(filled, firms, strict=True):
            row[:, PEERS] = peers.value(firm)
        return filled

    def heard(self, product_ids: tuple[str, ...], firm: Firm, product_id: str) -> Heard | None:
        """What may be said of the peers of a firm; None: nothing."""
        peers = self.learned(product_ids)[1]
        return None if peers is None else peers.heard(firm, product_id)

    @property
    def version(self) -> str:
        """`expert-` or `model-` with the hash of the weights."""
        return f"{'model' if self.trained_on else 'expert'}-{digest(self.plain())}"

    def plain(self) -> dict[str, Any]:
        """The weights as JSON values, in a fixed order."""
        return {
            "weights": {name: float(self.weights[name]) for name in NAMES},
            "baselines": {name: float(v) for name, v in sorted(self.baselines.items())},
            "trained_on": self.trained_on,
            **({"uptake": _pairs(self.uptake)} if self.uptake else {}),
            **({"affinity": self.affinity} if self.affinity else {}),
            **({"peers": self.peers} if self.peers else {}),
        }


def _pairs(uptake: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {lane: [float(number) for number in pair] for lane, pair in sorted(uptake.items())}


def canonical_json(value: Any) -> str:
    """JSON text of which there is only one for a value."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def digest(value: Any) -> str:
    """Twelve hex digits of the SHA-256 of the canonical JSON text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:12]


def expert_weights(folder: Path | None = None) -> Weights:
    """The expert weighting of data/parameters/expert_weights.yaml: the prior of every model."""
    path = (folder or data_dir() / "parameters") / "expert_weights.yaml"
    raw = read_document(path)
    weights = {name: float(entry["weight"]) for name, entry in raw["weights"].items()}
    baselines = {name: float(entry["points"]) for name, entry in raw["baselines"].items()}
    return Weights(weights, baselines)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of n companies and m products in millionths, with their parts.

    values (n, m, K): the similarities, peers filled in. contributions (n, m, K); baseline (m,);
    total (n, m). known (n, m, K): which similarities are known. open_width (K,): how far a
    similarity that is not known may move the score (ruling 5). kinds (n, m, G): what each kind of
    firm adds; kinds_open (n, m, 2): least and most that kinds the firm does not say might add.
    Both None where nothing of the sort was learned.
    """

    values: Floats
    contributions: Micros
    baseline: Micros
    known: NDArray[np.bool_]
    total: Micros
    open_width: Micros
    kinds: Micros | None = None
    kinds_open: Micros | None = None

    def span(self, company: int, product: int) -> tuple[int, int, int]:
        """Total, least and most of one pair."""
        known = self.known[company, product].tolist()
        parts = self.contributions[company, product].tolist()
        total = int(self.total[company, product])
        low = total - sum(part for part, sure in zip(parts, known, strict=True) if not sure)
        widths = zip(self.open_width.tolist(), known, strict=True)
        high = low + sum(width for width, sure in widths if not sure)
        if self.kinds_open is None:
            return total, low, high
        less, more = self.kinds_open[company, product].tolist()
        return total, low + less, high + more

    @cached_property
    def low(self) -> Micros:
        """The least over everything unknown (n, m)."""
        sure: Micros = np.where(self.known, 0, self.contributions).sum(axis=2)
        return self.total - sure + self._kinds_open(0)

    @cached_property
    def high(self) -> Micros:
        """The most over everything unknown (n, m)."""
        wide: Micros = np.where(self.known, 0, self.open_width).sum(axis=2)
        return self.low - self._kinds_open(0) + wide + self._kinds_open(1)

    def _kinds_open(self, side: int) -> Micros:
        if self.kinds_open is None:
            return np.zeros(self.total.shape, dtype=np.int64)
        return self.kinds_open[:, :, side]


def micros(values: Floats) -> Micros:
    """Round to millionths, halves to even."""
    return np.rint(values * MICRO).astype(np.int64)


def score(
    values: Floats,
    weights: Weights,
    product_ids: tuple[str, ...],
    firms: Sequence[Firm] | None = None,
) -> Scores:
    """Scores from similarities (n, m, K); an unknown one counts as its neutral value.

    firms (n,): what a model may know the companies by; None: nothing.
    """
    values = weights.with_peers(values, product_ids, firms)
    known = ~np.isnan(values)
    contributions = micros(np.where(known, values, NEUTRAL) * weights.array)
    baseline = weights.points(product_ids)
    total = contributions.sum(axis=2) + baseline
    affinity = weights.learned(product_ids)[0]
    kinds, open_ = None, None
    if affinity is not None and firms is not None:
        kinds = np.stack([affinity.parts(firm) for firm in firms])
        unsaid = ~np.stack([kinds_known(firm) for firm in firms])[:, None, :]
        sides = [np.where(unsaid, side, 0).sum(axis=2) for side in (affinity.low, affinity.high)]
        open_ = np.stack(sides, axis=2)
        total = total + kinds.sum(axis=2)
    return Scores(
        values, contributions, baseline, known, total, micros(weights.array), kinds, open_
    )
