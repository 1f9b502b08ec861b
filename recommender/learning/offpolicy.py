"""What firms would take if the model chose what stands first, from lists that others drew.

Self-normalised importance sampling (Swaminathan and Joachims 2015): a list counts where the model
would have put first what stood first, by one over the chance it had to stand there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recommender.learning.calibration import draws
from recommender.learning.lists import Lists
from recommender.matching.encoding import Floats, Ints
from recommender.matching.scoring import Weights, score
from recommender.vocabulary import LANES

ENOUGH = 50.0


def first_choice(lists: Lists, weights: Weights) -> Ints:
    """The product each firm is shown first (E,): the best of all that fit it in the lane."""
    pairs, products = lists.pairs, lists.catalogue.products
    lanes = np.array([LANES.index(p.lane) for p in products.values()])
    firm = lists.firm[lists.starts[:-1]]
    firms, codes = np.unique(firm, return_inverse=True)
    total = np.empty((len(firms), len(lanes)))
    for at in range(0, len(firms), 1_000):
        some = firms[at : at + 1_000]
        known = [pairs.firms[i] for i in some.tolist()]
        total[at : at + 1_000] = score(pairs.values[some], weights, tuple(products), known).total
    total[pairs.fits[firms] < 0] = -np.inf
    best = np.stack(
        [np.where(lanes == lane, total, -np.inf).argmax(1) for lane in range(len(LANES))]
    )
    return best[lists.lane, codes].astype(np.int64)


def value(lists: Lists, wanted: Ints) -> dict[str, Any]:
    """Share of firms that would take what stands first. wanted (E,): what that would be.

    value, shown (what the lists as drawn earned) and difference, each with value, low, high;
    effective: Kish's effective sample size. refused: no_propensities or no_overlap, else None.
    """
    starts = lists.starts[:-1]
    top = (lists.position[starts] == 1) & np.isfinite(lists.propensity[starts])
    match = top & (lists.product[starts] == wanted)
    weight = np.where(match, 1.0 / np.where(top, lists.propensity[starts], 1.0), 0.0)
    reward = lists.taken[starts].astype(float)
    effective = float(weight.sum() ** 2 / max((weight**2).sum(), 1e-300))
    found: dict[str, Any] = {"lists": int(top.sum()), "effective": effective, "refused": None}
    if not top.any():
        return {**found, "refused": "no_propensities"}
    if effective < ENOUGH:
        return {**found, "refused": "no_overlap"}
    codes = np.unique(lists.company, return_inverse=True)[1]

    def by_firm(values: Floats) -> Floats:
        return np.asarray(np.bincount(codes, values), dtype=np.float64)

    drawn = draws(int(codes.max()) + 1)
    ours = (drawn @ by_firm(weight * reward)) / np.maximum(drawn @ by_firm(weight), 1e-300)
    shown = (drawn @ by_firm(reward * top)) / np.maximum(drawn @ by_firm(top.astype(float)), 1e-300)
    sides = {"value": ours, "shown": shown, "difference": ours - shown}
    return {**found, **{name: spanned(side) for name, side in sides.items()}}


def spanned(found: Floats) -> dict[str, float]:
    """The first of some draws with the 95 % interval of the others."""
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return {"value": float(found[0]), "low": float(low), "high": float(high)}
