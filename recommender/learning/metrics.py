"""How good a ranking is: from scores and what was taken, without a loop over companies.

Every measure comes event by event, (n,), so that means, means over products and intervals of
differences are taken from the same numbers. Scores (n, m), taken (n,): index of the product taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from recommender.matching.encoding import Floats, Ints

LEAST = 1e-15
BINS = 15
DRAWS = 2_000


class Interval(NamedTuple):
    """An estimate with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def ranks(scores: Floats, taken: Ints) -> Ints:
    """Place of the taken product, from 1 (n,); equal scores all count as being ahead of it."""
    own = np.take_along_axis(scores, taken[:, None], axis=1)
    places: Ints = (scores >= own).sum(axis=1)
    return places


def reciprocal(places: Ints) -> Floats:
    """1 / place (n,); its mean is the mean reciprocal rank (MRR)."""
    return 1.0 / places


def gain(places: Ints, k: int) -> Floats:
    """NDCG@k (n,) where one product is relevant: 1 / log2(1 + place), 0 below place k.

    Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques.
    """
    return np.where(places <= k, 1.0 / np.log2(1.0 + places), 0.0)


def hit(places: Ints, k: int) -> Floats:
    """1 where the taken product is among the first k, else 0 (n,)."""
    return (places <= k).astype(np.float64)


def chances(scores: Floats, temperature: float = 1.0) -> Floats:
    """Softmax over the choice set (n, m); -inf is a product that is not in it."""
    shifted = scores / temperature
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    shares = np.exp(shifted)
    found: Floats = shares / shares.sum(axis=1, keepdims=True)
    return found


def surprise(probabilities: Floats, taken: Ints) -> Floats:
    """-log of the chance given to what was taken (n,); its mean is the log-loss."""
    own = np.take_along_axis(probabilities, taken[:, None], axis=1)[:, 0]
    return -np.log(np.maximum(own, LEAST))


def macro(values: Floats, taken: Ints) -> float:
    """Mean over the products that were taken of the mean over their events."""
    count = np.bincount(taken)
    seen = count > 0
    return float((np.bincount(taken, weights=values)[seen] / count[seen]).mean())


def calibration_error(
    probabilities: Floats, happened: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Expected calibration error: |stated - observed| in bins of equal width, by their size.

    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities. All pairs: pass
    the whole table, with True at what was taken. Top product: the highest chance of each event.
    """
    stated, outcome = np.ravel(probabilities), np.ravel(happened)
    place = np.minimum((stated * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=stated - outcome, minlength=bins)
    return float(np.abs(gap).sum() / len(stated))


def top_calibration_error(probabilities: Floats, taken: Ints, bins: int = BINS) -> float:
    """The same for the likeliest product of each event alone."""
    return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == taken, bins)


def temperature(scores: Floats, taken: Ints) -> float:
    """What scores are divided by so that log-loss is least (Guo et al. 2017, section 4.2).

    Found on a later period than the scores were fitted on: there a ranker is too sure of itself.
    Between 1/4 and 4, to 1e-4, by golden section; log-loss is convex in 1 / temperature.
    """
    low, high, ratio = 0.25, 4.0, (5**0.5 - 1) / 2

    def loss(inverse: float) -> float:
        return float(surprise(chances(scores, 1.0 / inverse), taken).mean())

    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return 2.0 / (low + high)


def by_firm(values: Floats, firms: Ints) -> Floats:
    """The mean of each firm's lists (firms,), so that every firm counts once."""
    codes = np.unique(firms, return_inverse=True)[1]
    found: Floats = np.bincount(codes, values) / np.bincount(codes)
    return found


def difference(
    ours: Floats, theirs: Floats, taken: Ints | None = None, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """Mean of ours - theirs with its 95 % interval by paired bootstrap (Efron 1979).

    taken: average over products first, as macro does; a product missing from a draw is left out.
    """
    return _interval(lambda w: _means(ours, w, taken) - _means(theirs, w, taken), ours, draws, seed)


def quotient(
    ours: Floats, theirs: Floats, draws: int = DRAWS, seed: int = 0, taken: Ints | None = None
) -> Interval:
    """Mean of ours / mean of theirs with its 95 % interval by paired bootstrap."""
    return _interval(lambda w: _means(ours, w, taken) / _means(theirs, w, taken), ours, draws, seed)


def mean(values: Floats, taken: Ints | None = None, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Mean with its 95 % interval by bootstrap; taken: over products, as macro does."""
    return _interval(lambda w: _means(values, w, taken), values, draws, seed)


def _interval(
    statistic: Callable[[Floats], Floats], values: Floats, draws: int, seed: int
) -> Interval:
    n = len(values)
    chance = np.random.default_rng(seed)
    weights = chance.multinomial(n, np.full(n, 1.0 / n), size=draws).astype(np.float64)
    low, high = np.quantile(statistic(weights), [0.025, 0.975])
    return Interval(float(statistic(np.ones((1, n)))[0]), float(low), float(high))


def _means(values: Floats, weights: Floats, taken: Ints | None) -> Floats:
    """Weighted mean of values for each draw (draws,)."""
    if taken is None:
        found: Floats = weights @ values / weights.sum(axis=1)
        return found
    belongs = (taken[:, None] == np.unique(taken)).astype(np.float64)
    count = weights @ belongs
    total = weights @ (belongs * values[:, None])
    by_product = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    averaged: Floats = np.nanmean(by_product, axis=1)
    return averaged


def area(scores: Floats, taken: NDArray[np.bool_]) -> float:
    """Area under the ROC curve of one product over companies (n,); NaN when all or none took it.

    The chance that a taker scores above another company, a tie counting half (Hanley, McNeil 1982).
    """
    takers = int(taken.sum())
    others = len(taken) - takers
    if not takers or not others:
        return float("nan")
    place = rankdata(scores)[taken].sum()
    return float((place - takers * (takers + 1) / 2) / (takers * others))


def _first(scores: Floats, taken: NDArray[np.bool_], k: int) -> NDArray[np.bool_]:
    return taken[np.argsort(-scores, kind="stable")[:k]]


def recall(scores: Floats, taken: NDArray[np.bool_], k: int) -> float:
    """Share of the takers among the k companies scored highest; NaN without takers."""
    takers = int(taken.sum())
    return float(_first(scores, taken, k).sum() / takers) if takers else float("nan")


def list_gain(scores: Floats, taken: NDArray[np.bool_], k: int) -> float:
    """NDCG@k of a list of companies for one product; NaN without takers."""
    takers = int(taken.sum())
    discount = 1.0 / np.log2(np.arange(2, min(k, len(taken)) + 2))
    reached = float(discount @ _first(scores, taken, k))
    best = float(discount[:takers].sum())
    return reached / best if takers else math.nan


def coverage(scores: Floats, k: int) -> float:
    """Share of the products that are among the first k of at least one company."""
    return float(len(np.unique(_shown(scores, k))) / scores.shape[1])


def concentration(scores: Floats, providers: Ints, k: int) -> float:
    """Herfindahl index of providers (m,) over the first k places of all companies, 1/count to 1."""
    shown = np.bincount(providers[_shown(scores, k)].ravel())
    return float(((shown / shown.sum()) ** 2).sum())


def _shown(scores: Floats, k: int) -> Ints:
    return np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int64)
