"""Whether firms and lists are still like those a model was learned on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import chi2

from recommender.learning.calibration import calibration_error, chances, row_scores
from recommender.learning.lists import Lists
from recommender.matching.encoding import Floats
from recommender.matching.scoring import Weights
from recommender.matching.similarity import NAMES

BINS = 10
Json = dict[str, Any]


def profile(lists: Lists) -> Json:
    """Counts of each similarity in ten bins of equal width, unknown last; firms count once."""
    count = len(lists.catalogue.products)
    firms, rows = np.unique(lists.firm * count + lists.product, return_index=True)
    values = lists.pairs.values[lists.firm[rows], lists.product[rows]]
    found = {}
    for k, name in enumerate(NAMES):
        known = values[~np.isnan(values[:, k]), k]
        place = np.minimum((known * BINS).astype(np.int64), BINS - 1)
        counts = np.bincount(place, minlength=BINS).tolist()
        found[name] = [*counts, len(firms) - len(known)]
    return found


def drift(before: Mapping[str, list[int]], lists: Lists, weights: Weights) -> Json:
    """Population stability index of each similarity, and whether chances still hold.

    Each index stands beside what chance alone stays below in 95 of 100 cases: the quantile of
    chi-squared with bins - 1 degrees of freedom, times 1/n + 1/m (Yurdakul 2018).
    """
    now = profile(lists)
    features = {name: _index(np.array(before[name]), np.array(now[name])) for name in NAMES}
    scores = row_scores(lists, weights)
    stated = chances(lists, scores, {k: list(v) for k, v in weights.uptake.items()})
    rows = np.isfinite(stated)
    uptake = None
    if rows.any():
        firms, taken = np.repeat(lists.company, lists.sizes)[rows], lists.taken[rows]
        error = calibration_error(stated[rows], taken, firms)._asdict()
        uptake = {"stated": float(stated[rows].mean()), "observed": float(taken.mean()), **error}
    return {"lists": len(lists), "features": features, "uptake": uptake}


def _index(before: Floats, now: Floats) -> Json:
    used = (before + now) > 0
    n, m = before.sum(), now.sum()
    p, q = (before[used] + 0.5) / (n + 0.5 * used.sum()), (now[used] + 0.5) / (m + 0.5 * used.sum())
    value = float(((p - q) * np.log(p / q)).sum())
    limit = float(chi2.ppf(0.95, max(int(used.sum()) - 1, 1)) * (1 / max(n, 1) + 1 / max(m, 1)))
    return {"index": value, "by_chance": limit, "moved": bool(value > max(limit, 0.1))}
