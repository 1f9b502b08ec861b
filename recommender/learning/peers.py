"""What people would use instead of the model, learned from the same period: scores of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from recommender.learning.lists import Bools, Lists
from recommender.learning.tokens import Vocabulary
from recommender.matching.encoding import Floats, Ints
from recommender.matching.learned import FEWEST_FIRMS
from recommender.matching.pairs import Pairs

Scorer = Callable[[Lists], Floats]
LATELY, NEAREST = 90, 50
FIRM_CODES, SAMPLED = 100, 10_000
ROUNDS = 20
TREES: dict[str, Any] = {"deterministic": True, "force_row_wise": True, "verbose": -1}
CONSTANT = 1e-9


def peers(fitted: Lists, seed: int) -> Iterator[tuple[str, Scorer]]:
    """Name of each peer that is installed, and what scores the rows of lists (R,) by it."""
    yield "as_shown", lambda lists: -lists.position.astype(float)
    popular = _popular(fitted, fitted.day >= fitted.day.max(initial=0) - LATELY)
    yield "popular_lately", lambda lists: np.asarray(popular[lists.product])
    yield "popular_by_cargo", _by_cargo(fitted, popular)
    raw = firm_features(fitted.pairs)
    engineered = np.hstack([raw, kind_features(fitted)])
    for columns, features in (("raw", raw), ("engineered", engineered)):
        yield f"nearest_{columns}", _nearest(fitted, features, popular)
        yield f"multinomial_{columns}", _multinomial(fitted, features, seed)
    if find_spec("lightgbm") is not None:
        yield "multiclass_raw", _multiclass(fitted, raw, seed)
        yield "multiclass_engineered", _multiclass(fitted, engineered, seed)
        yield "lambdarank_raw", _lambdarank(fitted, seed, lambda lists: raw[lists.firm])
        yield "lambdarank_engineered", _lambdarank(fitted, seed, _similarities)


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


def kind_features(fitted: Lists) -> Floats:
    """Firms as tokens of their kinds (n, T), those that twenty firms of the lists carry."""
    firms = fitted.pairs.firms
    seen = np.unique(fitted.firm).tolist()
    vocabulary = Vocabulary.learned((firms[at].tokens for at in seen), FEWEST_FIRMS)
    found: Floats = vocabulary.encode([firm.tokens for firm in firms]).toarray()
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
    return _by_class(lambda asked: model.predict_log_proba(features[asked]), classes)


def _multiclass(fitted: Lists, features: Floats, seed: int) -> Scorer:
    """The same by boosted trees."""
    import lightgbm

    rows = np.flatnonzero(fitted.taken)
    rows = rows[:: max(1, len(rows) // SAMPLED)]
    classes, target = np.unique(fitted.product[rows], return_inverse=True)
    if len(classes) < 2:
        return lambda lists: np.zeros(len(lists.product))
    settings = {"objective": "multiclass", "num_class": len(classes), "num_leaves": 7,
                "num_threads": 1, "min_data_in_leaf": 20, "seed": seed, **TREES}  # fmt: skip
    data = lightgbm.Dataset(features[fitted.firm[rows]], target, free_raw_data=True)
    model = lightgbm.train(settings, data, num_boost_round=ROUNDS)
    return _by_class(lambda asked: np.log(model.predict(features[asked])), classes)


def _by_class(logs_of: Callable[[Ints], Any], classes: Ints) -> Scorer:
    """Scores from the log-chances of classes given firms; products of no class come last."""

    def scored(lists: Lists) -> Floats:
        asked, own = np.unique(lists.firm, return_inverse=True)
        logs = np.full((len(asked), len(lists.catalogue.products)), -30.0)
        if len(asked):
            logs[:, classes] = logs_of(asked)
        return np.asarray(logs[own, lists.product])

    return scored


def _lambdarank(fitted: Lists, seed: int, columns: Callable[[Lists], Floats]) -> Scorer:
    """Boosted trees that rank rows (Burges 2010) by columns, product and place.

    Rows are scored as if all stood first, as nobody stands anywhere yet.
    """
    import lightgbm

    def table(lists: Lists, place: Floats) -> Floats:
        return np.column_stack([columns(lists), lists.product, place])

    chosen = np.repeat(fitted.chosen >= 0, fitted.sizes)
    model = lightgbm.LGBMRanker(
        n_estimators=60, num_leaves=15, min_child_samples=20, random_state=seed, n_jobs=1, **TREES
    )
    model.fit(
        table(fitted, np.log2(fitted.position))[chosen],
        fitted.taken[chosen].astype(int),
        group=fitted.sizes[fitted.chosen >= 0],
    )

    def scored(lists: Lists) -> Floats:
        if not len(lists):
            return np.zeros(0)
        found = model.predict(table(lists, np.zeros(len(lists.product))))
        return np.asarray(found, dtype=np.float64)

    return scored


def _similarities(lists: Lists) -> Floats:
    found: Floats = lists.pairs.values[lists.firm, lists.product]
    return found
