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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoding import Floats
from recommender.errors import InvalidParameters, Problem
from recommender.similarity import NAMES, NEUTRAL
from recommender.tables import data_dir, read_document

Micros = NDArray[np.int64]
MICRO = 1_000_000


@dataclass(frozen=True)
class Weights:
    """Non-negative weights by similarity, and baselines by product id (0 where absent).

    trained_on: version of the catalogue the weights were learned on; None: expert weights.
    """

    weights: Mapping[str, float]
    baselines: Mapping[str, float] = field(default_factory=dict)
    trained_on: str | None = None

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
        if problems:
            raise InvalidParameters(problems)

    @property
    def array(self) -> Floats:
        """Weights in the order of FEATURES (K,)."""
        return np.array([self.weights[name] for name in NAMES])

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
        }


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


@dataclass(frozen=True)
class Scores:
    """Scores of n companies and m products in millionths, with their parts.

    contributions (n, m, K); baseline (m,); total, low, high (n, m): low and high are the range
    over everything unknown (ruling 5). known (n, m, K): which similarities are known.
    """

    contributions: Micros
    baseline: Micros
    known: NDArray[np.bool_]
    total: Micros
    low: Micros
    high: Micros


def micros(values: Floats) -> Micros:
    """Round to millionths, halves to even."""
    return np.rint(values * MICRO).astype(np.int64)


def score(values: Floats, weights: Weights, product_ids: tuple[str, ...]) -> Scores:
    """Scores from similarities (n, m, K); an unknown one counts as its neutral value."""
    known = ~np.isnan(values)
    filled = np.where(known, values, NEUTRAL)
    contributions = micros(filled * weights.array)
    open_width = np.where(known, 0, micros(weights.array))
    least = np.where(known, contributions, 0)
    baseline = micros(np.array([weights.baselines.get(i, 0.0) for i in product_ids]))
    low = least.sum(axis=2) + baseline
    return Scores(
        contributions,
        baseline,
        known,
        contributions.sum(axis=2) + baseline,
        low,
        low + open_width.sum(axis=2),
    )
