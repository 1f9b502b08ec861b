"""Weights and product baselines together: what a firm finds in a product, and the product itself.

The utility of a product on a list is baseline + sum of weight x similarity + what standing high on
the list adds. Baselines are shrunk to their category and, where it is known that nothing was
taken, measured against the utility of nothing in their lane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.catalogue import Catalogue
from recommender.learning.events import BLOCK, Events
from recommender.learning.lists import Lists
from recommender.learning.posterior import Posterior, maximum_posterior
from recommender.matching.encoding import Floats, Ints
from recommender.matching.scoring import PEERS, Weights
from recommender.matching.similarity import NAMES
from recommender.vocabulary import LANES

STRENGTH = 10.0
WITHIN, AMONG, NOTHING = 0.3, 0.5, 10.0
HALF_WIDTH = 1.959963984540054


@dataclass(frozen=True)
class Listed(Events):
    """Events with a baseline for each product: parameters are F weights, then m baselines.

    products (rows,): number of the product. count: m. open (events,): whether nothing was an
    alternative.
    """

    products: Ints
    count: int
    open: NDArray[np.bool_]

    def sample(self) -> Listed:
        """Every sixteenth event, with sixteen times its weight."""
        plain = super().sample()
        kept = np.arange(len(self)) % 16 == 0
        rows = np.repeat(kept, self.sizes)
        return replace(
            self,
            values=plain.values,
            starts=plain.starts,
            chosen=plain.chosen,
            weight=plain.weight,
            products=self.products[rows],
            open=self.open[kept],
        )

    def utility(self, weights: Floats) -> Floats:
        """Utility of every row (rows,)."""
        features = self.values.shape[1]
        found: Floats = self.values @ weights[:features] + weights[features:][self.products]
        return found

    def chances(self, weights: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood, and the chance of every row (rows,)."""
        utility, sizes = self.utility(weights), self.sizes
        top = np.maximum.reduceat(utility, self.starts)
        top = np.where(self.open, np.maximum(top, 0.0), top)
        shares = np.exp(utility - np.repeat(top, sizes))
        total = np.add.reduceat(shares, self.starts) + np.where(self.open, np.exp(-top), 0.0)
        picked = np.where(self.chosen < 0, 0.0, utility[self.chosen])
        shares /= np.repeat(total, sizes)
        return float(self.weight @ (top + np.log(total) - picked)), shares

    def slope(self, chances: Floats) -> Floats:
        """Gradient of the negative log-likelihood (P,)."""
        pull, took = chances * np.repeat(self.weight, self.sizes), self.chosen >= 0
        pull[self.chosen[took]] -= self.weight[took]
        own = np.bincount(self.products, pull, self.count)
        return np.concatenate([pull @ self.values, own])

    def curvature(self, chances: Floats) -> Floats:
        """Hessian of the negative log-likelihood (P, P), in blocks that stay in the cache."""
        features = self.values.shape[1]
        bends = np.zeros((features + self.count,) * 2)
        ends = np.append(self.starts, len(self.values))
        for first in range(0, len(self), BLOCK):
            edges = ends[first : first + BLOCK + 1]
            rows = slice(edges[0], edges[-1])
            weight = self.weight[first : first + BLOCK, None]
            values = np.zeros((edges[-1] - edges[0], features + self.count))
            values[:, :features] = self.values[rows]
            values[np.arange(len(values)), features + self.products[rows]] = 1.0
            expected = values * chances[rows, None]
            means = np.add.reduceat(expected, edges[:-1] - edges[0], axis=0)
            bends += (expected * np.repeat(weight, np.diff(edges), axis=0)).T @ values
            bends -= (means * weight).T @ means
        return bends


def prominence(position: Ints) -> Floats:
    """What a place on a list may add, as a share: 1 for the first, less for the others.

    >>> prominence(np.array([1, 3]))
    array([1. , 0.5])
    """
    found: Floats = 1.0 / np.log2(1.0 + position)
    return found


def listed(lists: Lists, half_life: float | None = None) -> Listed:
    """Lists as events of a fit; one counts half for each half_life days before the last.

    Uptake among peers is 0 throughout where it is not known of any pair, so that nothing moves its
    weight.
    """
    values = np.column_stack([lists.values(), prominence(lists.position)])
    if np.isnan(lists.pairs.values[:, :, PEERS]).all():
        values[:, PEERS] = 0.0
    count = len(lists.catalogue.products)
    weight = np.ones(len(lists))
    if half_life is not None:
        weight = 0.5 ** ((lists.day.max(initial=0) - lists.day) / half_life)
    return Listed(
        values, lists.starts[:-1], lists.chosen, weight, False, lists.product, count, lists.open
    )


@dataclass(frozen=True, eq=False)
class Fit:
    """Weights with their uncertainty.

    weights: what serves. spread (K,), baseline_spread (m,): standard deviations of the posterior.
    position: what standing first adds, in points. nothing: utility of taking nothing, by lane.
    seen (m,): how often each product was shown.
    """

    weights: Weights
    spread: Floats
    baseline_spread: Floats
    position: float
    nothing: dict[str, float]
    seen: Ints
    steps: int

    def interval(self, name: str) -> tuple[float, float]:
        """95 % of the posterior of a weight, cut at 0."""
        middle, wide = self.weights.weights[name], self.spread[NAMES.index(name)]
        return max(0.0, middle - HALF_WIDTH * wide), middle + HALF_WIDTH * wide


def fit(
    lists: Lists, prior: Weights, strength: float = STRENGTH, half_life: float | None = None
) -> Fit:
    """The mode of the posterior of weights and baselines given lists.

    Weights and what a position adds are at least 0, with independent Gaussians at the prior;
    baselines are Gaussian around the prior's: the products of a category vary together, and so do
    those of a lane where nothing was an alternative. A product that was never shown keeps the
    prior's baseline, and is ranked by its features alone. half_life: days, None: all count alike.
    """
    products = list(lists.catalogue.products)
    before = np.array([prior.baselines.get(name, 0.0) for name in products])
    k, m = len(NAMES), len(products)
    precision = np.zeros((k + 1 + m,) * 2)
    precision[: k + 1, : k + 1] = np.diag([strength] * k + [1.0])
    of_lane, inverse = _kinship(lists.catalogue)
    precision[k + 1 :, k + 1 :] = inverse
    centre = np.concatenate([prior.array, [0.0], before])
    floor = np.concatenate([np.zeros(k + 1), np.full(m, -np.inf)])
    events = listed(lists, half_life)
    found, steps = maximum_posterior(events, centre, precision, 100, 1e-8, floor)
    spread, shared = _uncertainty(Posterior(events, centre, precision, floor), found)
    offsets = of_lane @ (inverse @ (found[k + 1 :] - before))
    own, at = (
        found[k + 1 :],
        np.array([LANES.index(p.lane) for p in lists.catalogue.products.values()]),
    )
    keep = np.eye(m) - of_lane[at] @ inverse
    wide = np.sqrt(np.maximum(np.diag(keep @ shared[k + 1 :, k + 1 :] @ keep.T), 0.0))
    seen = np.bincount(lists.product, minlength=m)
    learned = {name: float(own[j] - offsets[at[j]]) for j, name in enumerate(products) if seen[j]}
    baselines = {**prior.baselines, **learned}
    weights = dict(zip(NAMES, found[:k].tolist(), strict=True))
    nothing: dict[str, float] = {
        LANES[lane]: float(-offsets[lane]) for lane in sorted(lists.open_lanes)
    }
    return Fit(
        Weights(weights, baselines, lists.catalogue.version),
        spread[:k],
        wide,
        float(found[k]),
        nothing,
        seen,
        steps,
    )


def _kinship(catalogue: Catalogue) -> tuple[Floats, Floats]:
    """Covariance of lanes with products (lanes, m), and the precision of products (m, m)."""
    products = list(catalogue.products.values())
    kinds = sorted({p.category for p in products})
    category = np.array([[p.category == kind for p in products] for kind in kinds], dtype=float)
    lane = np.array([[p.lane == name for p in products] for name in LANES], dtype=float)
    shared: Floats = np.eye(len(products)) * WITHIN**2
    shared += category.T @ category * AMONG**2 + lane.T @ lane * NOTHING**2
    return lane * NOTHING**2, np.asarray(np.linalg.inv(shared), dtype=np.float64)


def _uncertainty(posterior: Posterior, weights: Floats) -> tuple[Floats, Floats]:
    """Standard deviations (P,) and covariance (P, P); weights at their floor do not move."""
    chances = posterior.value(weights)[1]
    bends = posterior.bends(chances)
    free = weights > posterior.floor
    shared = np.zeros_like(bends)
    shared[np.ix_(free, free)] = np.linalg.inv(bends[np.ix_(free, free)])
    alone: Floats = np.sqrt(np.where(free, np.diag(shared), 1.0 / np.diag(bends)))
    return alone, np.asarray(shared, dtype=np.float64)
