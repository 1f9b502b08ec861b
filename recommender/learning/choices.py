"""Choices from tokens as arrays, and the effects that make them likeliest."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from recommender.errors import Problem
from recommender.matching.encoding import Floats, Ints

MEMORY = 20


@dataclass(frozen=True, eq=False)
class Choices:
    """What companies were offered and took.

    values (n, T): sparse tokens. taken (n,). offered (n, M). weight (n,). design (M, E): which
    effects a product has. similarities (n, M, K). offset (n, M): utility known beforehand.
    """

    values: Any
    taken: Ints
    offered: NDArray[np.bool_]
    weight: Floats
    design: Floats
    similarities: Floats
    offset: Floats | None = None

    def problems(self) -> list[Problem]:
        """What is wrong with shapes and values; a taken product has to have been on offer."""
        n, m = len(self.taken), len(self.design)
        found = [
            Problem("choice_rows", name, list(given), list(wanted))
            for name, given, wanted in (
                ("offered", self.offered.shape, (n, m)),
                ("sample_weight", self.weight.shape, (n,)),
                ("similarities", self.similarities.shape[:2], (n, m)),
            )
            if given != wanted
        ]
        if found:
            return found
        for name, wrong in (
            ("choice_not_offered", ~self.offered[np.arange(n), self.taken]),
            ("below_minimum", ~((self.weight >= 0) & np.isfinite(self.weight))),
        ):
            if wrong.any():
                place = "offered" if name == "choice_not_offered" else "sample_weight"
                row = int(wrong.argmax())
                found.append(Problem(name, f"{place}[{row}]", int(wrong.sum()), 0, row=row + 1))
        if not ((self.similarities >= 0) & (self.similarities <= 1)).all():
            found.append(Problem("choice_range", "similarities", None, [0, 1]))
        return found

    @cached_property
    def closed(self) -> Floats:
        """What is known beforehand where a product was on offer, else -inf (n, M)."""
        return np.where(self.offered, 0.0 if self.offset is None else self.offset, -np.inf)

    @cached_property
    def turned(self) -> Any:
        """Values transposed (T, n)."""
        return self.values.T.tocsr()

    def loss(self, effects: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
        """Negative log-likelihood, and its gradients by effects (T, E) and weights (K,)."""
        utility = self.values @ (effects @ self.design.T) + self.closed
        if len(weights):
            utility = utility + self.similarities @ weights
        rows = np.arange(len(self.taken))
        utility -= utility.max(axis=1, keepdims=True)
        picked = utility[rows, self.taken]
        pull = np.exp(utility, out=utility)
        total = pull.sum(axis=1)
        pull /= total[:, None]
        pull[rows, self.taken] -= 1.0
        pull *= self.weight[:, None]
        by_weight = np.einsum("nm,nmk->k", pull, self.similarities)
        value = float(self.weight @ (np.log(total) - picked))
        return value, (self.turned @ pull) @ self.design, by_weight


class Found(NamedTuple):
    """The mode of the posterior: effects (T, E), weights (K,), and the steps it took."""

    effects: Floats
    weights: Floats
    steps: int


def most_likely(
    choices: Choices,
    precision: Floats,
    prior: Floats,
    strength: Floats,
    limits: tuple[int, float],
) -> Found:
    """The mode: log-likelihood - 1/2 sum of precision x effect^2 - the same of weights to prior.

    precision (T, E), prior and strength (K,); limits: steps at most, and the slope to stop at as a
    share of the total weight. L-BFGS with bounds (Byrd, Lu, Nocedal and Zhu 1995) on effects in
    units of their prior spread, where the curvature is at least 1 in every direction. One thread
    and no randomness: the same bytes each time. Warns when the steps were not enough.
    """
    spread = 1.0 / np.sqrt(precision)
    cut = precision.size

    def objective(point: Floats) -> tuple[float, Floats]:
        scaled, away = point[:cut], point[cut:] - prior
        value, by_effect, by_weight = choices.loss(
            scaled.reshape(spread.shape) * spread, point[cut:]
        )
        value += (float(scaled @ scaled) + float(strength @ away**2)) / 2
        slope = np.concatenate([(by_effect * spread).ravel() + scaled, by_weight + strength * away])
        return value, slope

    steps, tol = limits
    with threadpool_limits(1, "blas"):
        found = minimize(
            objective,
            np.concatenate([np.zeros(cut), prior]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(None, None)] * cut + [(0.0, None)] * len(prior),
            options={
                "maxiter": steps,
                "maxfun": 2 * steps,
                "maxcor": MEMORY,
                "ftol": 0.0,
                "gtol": tol * float(choices.weight.sum()),
            },
        )
    if found.nit >= steps:
        warnings.warn(f"effects still moved after {steps} steps", ConvergenceWarning, 2)
    return Found(found.x[:cut].reshape(spread.shape) * spread, found.x[cut:], int(found.nit))
