"""The mode of a posterior: log-likelihood of choices and a Gaussian prior, weights with a floor.

The steps are those of Lee, Sun and Saunders (2014), Proximal Newton-type methods, with the bounded
quadratic solved exactly.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from recommender.learning.events import Events
from recommender.matching.encoding import Floats

ENOUGH_FOR_A_SAMPLE = 20_000
COARSE, CURVED, SHORTEST = 1e-4, 1e-2, 1e-12
NOISE = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Posterior:
    """What a fit minimises: negative log-likelihood of events + distance to the prior (P,).

    precision (P,) of independent weights, or (P, P). floor (P,): the least each may be.
    """

    events: Events
    prior: Floats
    precision: Floats
    floor: Floats

    def _pull(self, weights: Floats) -> Floats:
        """Slope of the distance to the prior (P,)."""
        off = weights - self.prior
        pull: Floats = self.precision * off if self.precision.ndim == 1 else self.precision @ off
        return pull

    def value(self, weights: Floats) -> tuple[float, Floats]:
        """The objective, and the chance of every row (rows,)."""
        loss, chances = self.events.chances(weights)
        return loss + float(self._pull(weights) @ (weights - self.prior)) / 2, chances

    def slope(self, weights: Floats, chances: Floats) -> Floats:
        """Its gradient (P,)."""
        return self.events.slope(chances) + self._pull(weights)

    def bends(self, chances: Floats) -> Floats:
        """Its Hessian (P, P), positive definite."""
        own = np.diag(self.precision) if self.precision.ndim == 1 else self.precision
        return self.events.curvature(chances) + own

    def lowest(self, start: Floats, max_iter: int, tol: float) -> tuple[Floats, int]:
        """Where it is least over weights >= floor (P,), and the Newton steps taken.

        The curvature is kept while steps are small and shrink fast: that changes the way there, not
        the answer. Warns when max_iter steps were not enough.
        """
        weights, size, last = start, np.inf, np.inf
        loss, chances = self.value(weights)
        for count in range(1, max_iter + 1):
            if size > min(CURVED, last / 4):
                bends = self.bends(chances)
            slope = self.slope(weights, chances)
            step = _bounded_step(weights - self.floor, slope, bends)
            last, size = size, float(np.abs(step).max())
            if size <= tol or self._settled(weights, slope):
                return weights + step, count
            weights, loss, chances = self._along(weights, step, loss, float(slope @ step))
        warnings.warn(f"weights still moved after {max_iter} steps", ConvergenceWarning, 2)
        return weights, max_iter

    def _settled(self, weights: Floats, slope: Floats) -> bool:
        """Whether what is left of the slope is rounding noise of the sums behind it."""
        pull = np.where(weights > self.floor, np.abs(slope), np.maximum(-slope, 0.0))
        terms = self.events.weight.sum() + np.abs(self._pull(weights)).sum()
        return bool(pull.max() <= NOISE * terms)

    def _along(
        self, weights: Floats, step: Floats, loss: float, drop: float
    ) -> tuple[Floats, float, Floats]:
        """The first of 1, 1/2, 1/4 ... of a step that lowers the value by enough (Armijo 1966)."""
        noise = NOISE * (abs(loss) + float(self.events.weight.sum() * np.abs(weights).sum()))
        share = 1.0
        while True:
            moved = np.maximum(weights + share * step, self.floor)
            value, chances = self.value(moved)
            if value <= loss + 1e-4 * share * drop + noise or share < SHORTEST:
                return moved, value, chances
            share /= 2


def maximum_posterior(
    events: Events,
    prior: Floats,
    precision: Floats,
    max_iter: int,
    tol: float,
    floor: Floats | None = None,
) -> tuple[Floats, int]:
    """Weights (P,) and Newton steps; many events start from the answer of a sixteenth of them.

    floor (P,): the least each weight may be, 0 by default. One thread: the same bytes whatever the
    machine, and small blocks gain nothing from more.
    """
    start, least = prior, np.zeros(len(prior)) if floor is None else floor
    with threadpool_limits(1, "blas"):
        if len(events) > ENOUGH_FOR_A_SAMPLE:
            sample = Posterior(events.sample(), prior, precision, least)
            start = sample.lowest(prior, max_iter, COARSE)[0]
        return Posterior(events, prior, precision, least).lowest(start, max_iter, tol)


def _bounded_step(room: Floats, slope: Floats, bends: Floats) -> Floats:
    """The step (P,) to where the quadratic of this slope and Hessian is least, with room below."""
    root = cholesky(bends)
    target = -solve_triangular(root, slope, trans="T")
    found = lsq_linear(root, target, (-room, np.inf), "bvls", 1e-15, max_iter=10 * len(root))
    step: Floats = np.maximum(found.x, -room)
    return step
