"""What people would use instead of the model, learned from the same period: scores of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from recommender.encoding import Floats, Ints
from recommender.learning.lists import Bools, Lists
from recommender.pairs import Pairs

Scorer = Callable[[Lists], Floats]
LATELY, NEAREST = 90, 50
FIRM_CODES, SAMPLED = 100, 10_000
CONSTANT = 1e-9


def peers(fitted: Lists, seed: int) -> Iterator[tuple[str, Scorer]]:
    """Name of each peer that is installed, and what scores the rows of lists (R,) by it."""
    yield "as_shown", lambda lists: -lists.position.astype(float)
    popular = _popular(fitted, fitted.day >= fitted.day.max(initial=0) - LATELY)
    yield "popular_lately", lambda lists: np.asarray(popular[lists.product])
    yield "popular_by_cargo", _by_cargo(fitted, popular)
    features = firm_features(fitted.pairs)
    yield "nearest", _nearest(fitted, features, popular)
    yield "multinomial", _multinomial(fitted, features, seed)
    boosted = _boosted(fitted, seed)
    if boosted is not None:
        yield "lightgbm", boosted


def _popular(lists: Lists, kept: Bools) -> Floats:
    """Share of showings in which each product was taken (m,), drawn to the mean by ten showings."""
    rows, m = np.repeat(kept, lists.sizes), len(lists.catalogue.products)
    shown = np.bincount(lists.product[rows], minlength=m)
    taken = np.bincount(lists.product[rows & lists.taken], minlength=m)
    found: Floats = (taken + 10 * taken.sum() / max(shown.sum(), 1)) / (shown + 10)
    return found


def _by_cargo(fitted: Lists, popular: Floats) -> Scorer:
    goods = pd.factorize(pd.Series([s["hs"] or "" for s in fitted.pairs.segments]))[0]
    count, m = int(goods.max(initial=0)) + 1, len(popular)
    cell = goods[fitted.firm] * m + fitted.product
    shown = np.bincount(cell, minlength=count * m).reshape(count, m)
    taken = np.bincount(cell[fitted.taken], minlength=count * m).reshape(count, m)
    share = (taken + 20 * popular) / (shown + 20)
    return lambda lists: np.asarray(share[goods[lists.firm], lists.product])


def firm_features(pairs: Pairs) -> Floats:
    """Firms as plain standardised columns (n, f): numbers, what is unknown, the commonest codes.

    Constant columns are left out; where all are, one of zeros stands for them.
    """
    unknown = np.isnan(pairs.numbers)
    numbers = np.where(unknown, 0.0, np.sign(pairs.numbers) * np.log1p(np.abs(pairs.numbers)))
    bits = np.ascontiguousarray(pairs.bits)
    flags = np.unpackbits(bits.view(np.uint8).reshape(len(bits), -1), axis=1).astype(np.float64)
    order = np.argsort(-flags.var(axis=0), kind="stable")[:FIRM_CODES]
    table = np.concatenate([numbers, unknown, flags[:, order]], axis=1)
    spread = table.std(axis=0)
    varied = spread > CONSTANT
    if not varied.any():
        return np.zeros((len(table), 1))
    found: Floats = (table[:, varied] - table[:, varied].mean(axis=0)) / spread[varied]
    return found


def _nearest(fitted: Lists, features: Floats, popular: Floats) -> Scorer:
    from sklearn.neighbors import NearestNeighbors

    m = len(popular)
    known, codes = np.unique(fitted.firm, return_inverse=True)
    shown, taken = np.zeros((len(known), m)), np.zeros((len(known), m))
    np.add.at(shown, (codes, fitted.product), 1.0)
    np.add.at(taken, (codes[fitted.taken], fitted.product[fitted.taken]), 1.0)
    search = NearestNeighbors(n_neighbors=min(NEAREST, len(known)), algorithm="brute")
    search.fit(features[known].astype(np.float32))

    def scored(lists: Lists) -> Floats:
        asked, own = np.unique(lists.firm, return_inverse=True)
        table = features[asked].astype(np.float32)
        near = search.kneighbors(table, return_distance=False) if len(asked) else []
        share = [(taken[n].sum(0) + 5 * popular) / (shown[n].sum(0) + 5) for n in near]
        return np.array(share).reshape(-1, m)[own, lists.product]

    return scored


def _multinomial(fitted: Lists, features: Floats, seed: int) -> Scorer:
    """Log-chance of each product given the firm, from a sample of what was taken."""
    from sklearn.linear_model import LogisticRegression

    rows = np.flatnonzero(fitted.taken)
    rows = rows[:: max(1, len(rows) // SAMPLED)]
    classes: Ints = np.unique(fitted.product[rows])
    if len(classes) < 2:
        return lambda lists: np.zeros(len(lists.product))
    model = LogisticRegression(C=0.02, max_iter=200, tol=1e-2, random_state=seed)
    model.fit(features[fitted.firm[rows]], fitted.product[rows])

    def scored(lists: Lists) -> Floats:
        asked, own = np.unique(lists.firm, return_inverse=True)
        logs = np.full((len(asked), len(lists.catalogue.products)), -30.0)
        if len(asked):
            logs[:, classes] = model.predict_log_proba(features[asked])
        return np.asarray(logs[own, lists.product])

    return scored


def _boosted(fitted: Lists, seed: int) -> Scorer | None:
    """A boosted ranker on the same similarities; None where it is not installed."""
    try:
        import lightgbm
    except ImportError:
        return None
    chosen = np.repeat(fitted.chosen >= 0, fitted.sizes)
    sizes = fitted.sizes[fitted.chosen >= 0]
    model = lightgbm.LGBMRanker(
        n_estimators=60, num_leaves=15, min_child_samples=20, random_state=seed, n_jobs=1,
        deterministic=True, force_row_wise=True, verbose=-1,
    )  # fmt: skip
    table = _columns(fitted, np.log2(fitted.position))
    model.fit(table[chosen], fitted.taken[chosen].astype(int), group=sizes)

    def scored(lists: Lists) -> Floats:
        if not len(lists):
            return np.zeros(0)
        table = _columns(lists, np.zeros(len(lists.product)))
        return np.asarray(model.predict(table), dtype=np.float64)

    return scored


def _columns(lists: Lists, place: Floats) -> Floats:
    """Similarities, product and place; scored as if all stood first, as nobody stands anywhere."""
    values = lists.pairs.values[lists.firm, lists.product]
    return np.column_stack([values, lists.product, place])
