"""From scores to the chance of uptake, on a later period than the scores were learned on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from recommender.learning.lists import Lists
from recommender.learning.metrics import Interval
from recommender.matching.encoding import Floats, Ints
from recommender.matching.learned import Affinity, Peers
from recommender.matching.scoring import MICRO, PEERS, Micros, Weights, micros
from recommender.matching.similarity import NEUTRAL
from recommender.vocabulary import LANES

FEWEST, RIDGE, STEPS = 30, 1e-3, 50
BINS, DRAWS = 10, 500


def row_scores(lists: Lists, weights: Weights) -> Floats:
    """The score of every row in points (R,): the very number that is served."""
    ids = tuple(lists.catalogue.products)
    affinity, peers = weights.learned(ids)
    values = lists.values()
    values[:, PEERS] = NEUTRAL[PEERS] if peers is None else _among_peers(lists, peers)
    total = micros(values * weights.array).sum(axis=1) + weights.points(ids)[lists.product]
    if affinity is not None:
        total = total + _of_kinds(lists, affinity)
    return np.asarray(total / MICRO, dtype=np.float64)


def _among_peers(lists: Lists, peers: Peers) -> Floats:
    """Uptake among the peers of the firm of every row (R,), by a model's own counts."""
    firms, own = np.unique(lists.firm, return_inverse=True)
    table = np.stack([peers.value(lists.pairs.firms[at]) for at in firms.tolist()])
    found = table[own, lists.product]
    return np.where(np.isnan(found), NEUTRAL[PEERS], found)


def _of_kinds(lists: Lists, affinity: Affinity) -> Micros:
    """What the kinds of the firm of every row add (R,)."""
    firms, own = np.unique(lists.firm, return_inverse=True)
    table = np.stack([affinity.parts(lists.pairs.firms[at]).sum(axis=1) for at in firms.tolist()])
    found: Micros = table[own, lists.product]
    return found


def calibrate(lists: Lists, scores: Floats) -> dict[str, list[float]]:
    """Intercept and slope of uptake by lane, one slope for all (Platt 1999).

    A lane in which nothing is known of lists without a choice, or with fewer than thirty rows
    taken or not taken, is left out; so is everything where a higher score is not taken more often.
    """
    lane, open_ = np.repeat(lists.lane, lists.sizes), np.repeat(lists.open, lists.sizes)
    kept = [
        at for at in range(len(LANES))
        if min(
            (lists.taken & open_ & (lane == at)).sum(), (~lists.taken & open_ & (lane == at)).sum()
        ) >= FEWEST
    ]  # fmt: skip
    rows = np.flatnonzero(open_ & np.isin(lane, kept))
    if not len(rows):
        return {}
    design = np.column_stack([lane[rows, None] == np.array(kept), scores[rows]]).astype(float)
    found = _logistic(design, lists.taken[rows].astype(float))
    slope = float(found[-1])
    if slope <= 0:
        return {}
    return {LANES[at]: [float(found[i]), slope] for i, at in enumerate(kept)}


def _logistic(design: Floats, taken: Floats) -> Floats:
    """Maximum likelihood with a hair of ridge (P,), by Newton's method."""
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        chance = expit(design @ found)
        slope = design.T @ (chance - taken) + RIDGE * found
        bends = (design * (chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(bends + RIDGE * np.eye(len(found)), slope)
        found = found - np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-10:
            break
    return found


def chances(lists: Lists, scores: Floats, uptake: Mapping[str, list[float]]) -> Floats:
    """The chance of every row (R,); NaN where its lane is not calibrated."""
    table = np.full((len(LANES), 2), np.nan)
    for lane, pair in uptake.items():
        table[LANES.index(lane)] = pair
    own = table[np.repeat(lists.lane, lists.sizes)]
    found: Floats = expit(own[:, 0] + own[:, 1] * scores)
    return found


def reliability(stated: Floats, taken: NDArray[np.bool_], firms: Ints) -> list[dict[str, float]]:
    """Stated and observed shares in ten bins of equal width, with 95 % intervals over firms.

    A bin of fewer than thirty rows goes with the one below it, the first with the one above.
    """
    place = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    for b in range(BINS - 1, -1, -1):
        rows = place == b
        if 0 < rows.sum() < FEWEST:
            others = np.unique(place[~rows])
            below = others[others < b]
            place[rows] = below[-1] if len(below) else others[0] if len(others) else b
    found = []
    for b in np.unique(place).tolist():
        rows = place == b
        sums, counts = summed(taken[rows].astype(float), firms[rows])
        share = ratio(sums, counts)
        found.append({"stated": float(stated[rows].mean()), "rows": int(rows.sum()),
                      "observed": share.value, "low": share.low, "high": share.high})  # fmt: skip
    return found


def calibration_error(stated: Floats, taken: NDArray[np.bool_], firms: Ints) -> Interval:
    """Expected calibration error of rows in ten bins, with its interval over firms.

    Resampling adds noise to every bin, so that a small error is below most of its draws; the
    interval reaches down to it.
    """
    place = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    codes = np.unique(firms, return_inverse=True)[1]
    count = int(codes.max()) + 1
    flat = codes * BINS + place
    gaps = np.bincount(flat, stated - taken, count * BINS).reshape(count, BINS)
    rows = np.bincount(codes, minlength=count).astype(float)
    weights = draws(count)
    errors = np.abs(weights @ gaps).sum(axis=1) / (weights @ rows)
    low, high = np.quantile(errors[1:], [0.025, 0.975])
    return Interval(float(errors[0]), float(min(low, errors[0])), float(max(high, errors[0])))


def summed(values: Floats, firms: Ints) -> tuple[Floats, Floats]:
    """Sum and count of the rows of each firm."""
    codes = np.unique(firms, return_inverse=True)[1]
    sums = np.bincount(codes, values).astype(np.float64)
    return sums, np.bincount(codes).astype(np.float64)


def ratio(sums: Floats, counts: Floats) -> Interval:
    """Sum over sum with its 95 % interval over firms."""
    weights = draws(len(sums))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (weights @ sums) / (weights @ counts)
    low, high = np.nanquantile(found[1:], [0.025, 0.975])
    return Interval(float(found[0]), float(low), float(high))


def draws(count: int, seed: int = 0) -> Floats:
    """Bootstrap weights (1 + draws, count), the first all ones; the same for one count."""
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(count, np.full(count, 1.0 / count), size=DRAWS)
    return np.concatenate([np.ones((1, count)), drawn.astype(np.float64)])
