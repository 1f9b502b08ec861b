"""What kinds of firms take beyond what weights and baselines say: points by token and product.

Fitted after the weights, on the utilities they leave: a weight says all it can before a kind is
asked. Points of a product are its own and those of its category, both Gaussian around 0, so that a
rare token or a rare product is held back (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.learning.baselines import HALF_WIDTH, Fit, prominence
from recommender.learning.calibration import row_scores
from recommender.learning.choices import Choices, most_likely
from recommender.learning.lists import Lists
from recommender.learning.metrics import by_firm
from recommender.learning.tokens import Vocabulary
from recommender.matching.encoding import Floats
from recommender.matching.kinds import KIND_NAMES, KIND_OF
from recommender.matching.learned import FEWEST_FIRMS
from recommender.matching.scoring import Weights
from recommender.matching.tokens import group
from recommender.vocabulary import LANES

STRENGTHS = (100.0, 20.0, 4.0)
CLEARLY = 2.9
LIMITS = (400, 1e-4)
LEAST, DIGITS = 0.01, 4
Points = dict[str, dict[str, float]]


class Chosen(NamedTuple):
    """Points, and what was tried: each kind with the difference of log-loss that it makes."""

    points: Points
    tried: list[dict[str, Any]]


def chosen(fitted: Lists, later: Lists, found: Fit, weights: Weights) -> Chosen:
    """The points of the kinds that help on the later period, each tried alone and then together.

    A kind is kept where log-loss with it lies below that without by CLEARLY standard errors over
    firms, so that among all that are tried chance alone keeps one in twenty times; the best of
    STRENGTHS counts. weights: those of the fit, with peers.
    """
    later = later.some(later.first)
    if not len(later) or not len(fitted):
        return Chosen({}, [])
    before, firms = surprise(later, weights, found), later.company
    kept, tried = dict[str, float](), []
    for kind in KIND_NAMES:
        best: dict[str, Any] = {"kind": kind, "strength": None, "value": np.inf}
        for strength in STRENGTHS:
            points = fit_points(fitted, found, weights, {kind: strength})
            after = surprise(later, with_points(weights, points), found)
            gap = by_firm(after, firms) - by_firm(before, firms)
            if points and gap.mean() < best["value"]:
                best |= {"strength": strength, "tokens": len(points), **_beyond_chance(gap)}
        if best["strength"] is not None:
            tried.append(best)
            kept |= {kind: best["strength"]} if best["kept"] else {}
    return Chosen(fit_points(fitted, found, weights, kept) if kept else {}, tried)


def _beyond_chance(gap: Floats) -> dict[str, Any]:
    """Mean difference of firms with its 95 % interval, and whether it is clearly below 0."""
    error = float(gap.std() / np.sqrt(len(gap)))
    value = float(gap.mean())
    wide = HALF_WIDTH * error
    kept = value < -CLEARLY * error
    return {"value": value, "low": value - wide, "high": value + wide, "kept": kept}


def with_points(weights: Weights, points: Points) -> Weights:
    """The same weights with points for kinds of firms."""
    plain = (weights.weights, weights.baselines, weights.trained_on, weights.uptake)
    return Weights(*plain, points, weights.peers)


def fit_points(
    lists: Lists, found: Fit, weights: Weights, strengths: Mapping[str, float]
) -> Points:
    """The mode of the posterior of points given weights; strengths: 1 / points^2, by kind."""
    every = Vocabulary.learned(_once(lists), FEWEST_FIRMS).names
    vocabulary = Vocabulary(tuple(t for t in every if KIND_OF[group(t)] in strengths))
    if not len(vocabulary) or not len(lists):
        return {}
    choices = _choices(lists, found, weights, vocabulary)
    own = np.array([strengths[KIND_OF[group(token)]] for token in vocabulary.names])
    precision = np.tile(own[:, None], choices.design.shape[1])
    none = np.zeros(0)
    effects = most_likely(choices, precision, none, none, LIMITS).effects
    points = np.round(effects @ choices.design.T, DIGITS)
    ids = list(lists.catalogue.products)
    shown = np.unique(lists.product).tolist()
    table = {
        token: {ids[j]: float(row[j]) for j in shown if abs(row[j]) >= LEAST}
        for token, row in zip(vocabulary.names, points, strict=True)
    }
    return {token: row for token, row in table.items() if row}


def _once(lists: Lists) -> Iterator[Any]:
    """The tokens of each firm, once."""
    at = np.unique(lists.company, return_index=True)[1]
    return (lists.pairs.firms[i].tokens for i in lists.firm[lists.starts[at]].tolist())


def _choices(lists: Lists, found: Fit, weights: Weights, vocabulary: Vocabulary) -> Choices:
    """Lists as choices among all products and, last, nothing."""
    n, m = len(lists), len(lists.catalogue.products)
    offset = np.full((n, m + 1), -np.inf)
    offset[lists.event, lists.product] = utilities(lists, weights, found)
    offset[lists.open, m] = _nothing(lists, found)[lists.open]
    taken = np.where(lists.chosen < 0, m, lists.product[lists.chosen])
    rows = [lists.pairs.firms[i].tokens for i in lists.firm[lists.starts[:-1]].tolist()]
    nobody = np.empty((n, m + 1, 0))
    return Choices(
        vocabulary.encode(rows), taken, np.isfinite(offset), np.ones(n), _design(lists), nobody,
        np.where(np.isfinite(offset), offset, 0.0),
    )  # fmt: skip


def _design(lists: Lists) -> Floats:
    """Effects of each product: those of its category, then its own; nothing has none."""
    products = list(lists.catalogue.products.values())
    kinds = sorted({p.category for p in products})
    shared = [[float(p.category == kind) for kind in kinds] for p in products]
    own = np.hstack([np.array(shared), np.eye(len(products))])
    return np.vstack([own, np.zeros(own.shape[1])])


def utilities(lists: Lists, weights: Weights, found: Fit) -> Floats:
    """Utility of every row where it stood (R,)."""
    return row_scores(lists, weights) + found.position * prominence(lists.position)


def _nothing(lists: Lists, found: Fit) -> Floats:
    """Utility of taking nothing, by list (E,); meaningful where it was possible."""
    by_lane = np.array([found.nothing.get(lane, 0.0) for lane in LANES])
    return np.asarray(by_lane[lists.lane], dtype=np.float64)


def surprise(lists: Lists, weights: Weights, found: Fit) -> Floats:
    """Negative logarithm of the chance of what became of each list (E,)."""
    if not len(lists):
        return np.zeros(0)
    utility, starts = utilities(lists, weights, found), lists.starts[:-1]
    nothing = np.where(lists.open, _nothing(lists, found), -np.inf)
    top = np.maximum(np.maximum.reduceat(utility, starts), nothing)
    shares = np.exp(utility - np.repeat(top, lists.sizes))
    total = np.log(np.add.reduceat(shares, starts) + np.exp(nothing - top)) + top
    picked = np.where(lists.chosen < 0, nothing, utility[lists.chosen])
    found_: Floats = total - picked
    return found_
