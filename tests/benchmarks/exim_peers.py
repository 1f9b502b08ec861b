"""What people would use instead: six peers, each with a small choice of settings.

A peer takes a sheet and yields, for each of its settings, scores of all events (n, M) whose softmax
are its probabilities. The setting is chosen, and the temperature found, on the two years before the
test; the same is done for the ranker.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from recommender.matching.encoding import Floats, Ints
from tests.benchmarks.exim_columns import Sheet

Scores = Iterator[tuple[Any, Floats]]
Peer = Callable[[Sheet, tuple[Any, ...]], Scores]
RECENT = 3
SMOOTHING = 0.5
FLOOR = 1e-6
ROUNDS = (50, 100, 150, 200, 250)
THREADS = 1
TREES = {"num_threads": THREADS, "deterministic": True, "verbose": -1, "seed": 0}


def popularity(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """Share of each product in the last three years that teach."""
    shares = _recent(sheet)
    for setting in settings:
        yield setting, np.tile(np.log(shares / shares.sum()), (len(sheet.year), 1))


def popularity_by_industry(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """The same within the 3-digit NAICS, plus `setting` companies that took what all took."""
    overall = _recent(sheet)
    overall = overall / overall.sum()
    names, segment = np.unique(np.array(sheet.segment), return_inverse=True)
    recent = sheet.taught & (sheet.year > sheet.until - RECENT)
    count = np.zeros((len(names), len(sheet.products)))
    np.add.at(count, (segment[recent], sheet.taken[recent]), 1.0)
    for setting in settings:
        found = count + setting * overall
        yield setting, np.log(found / found.sum(axis=1, keepdims=True))[segment]


def neighbours(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """Shares among the k companies nearest by cosine, plus one company that took what all took."""
    taught = np.flatnonzero(sheet.taught)
    overall = np.bincount(sheet.taken[taught], minlength=len(sheet.products)) + SMOOTHING
    most = min(max(settings), len(taught))
    search = NearestNeighbors(n_neighbors=most, metric="cosine", algorithm="brute")
    near = search.fit(sheet.sparse[taught]).kneighbors(sheet.sparse, return_distance=False)
    took = sheet.taken[taught][near]
    for k in settings:
        count = (took[:, :k, None] == np.arange(len(sheet.products))).sum(axis=1)
        shares = count + overall / overall.sum()
        yield k, np.log(shares / shares.sum(axis=1, keepdims=True))


def logistic(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """scikit-learn's multinomial logistic regression; settings: C."""
    taught = sheet.taught
    for strength in settings:
        model = LogisticRegression(C=strength, max_iter=500)
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(sheet.sparse[taught], sheet.taken[taught])
        yield strength, _logs(model.predict_proba(sheet.sparse), model.classes_, sheet)


def boosted(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """LightGBM, multiclass; settings: (learning rate, least rows in a leaf, leaves, rounds).

    Slow steps, a penalty and a minimum of rows keep it from the collapse its defaults can show
    here; several rounds are read off one model.
    """
    import lightgbm

    taught = sheet.taught
    classes, target = np.unique(sheet.taken[taught], return_inverse=True)
    for shape, rounds in _shapes(settings).items():
        rate, least, leaves = shape
        table = lightgbm.Dataset(
            sheet.dense[taught], target, params={"verbose": -1}, **_kinds(sheet)
        )
        parameters = {
            **TREES,
            "objective": "multiclass",
            "num_class": len(classes),
            "learning_rate": rate,
            "min_data_in_leaf": least,
            "num_leaves": leaves,
            "feature_fraction": 0.5,
            "lambda_l2": 5.0,
            "cat_smooth": 20.0,
            "min_data_per_group": 50,
        }
        model = lightgbm.train(parameters, table, num_boost_round=max(rounds))
        for count in rounds:
            found = model.predict(sheet.dense, num_iteration=count, num_threads=THREADS)
            yield (*shape, count), _logs(found, classes, sheet)


def ranked(sheet: Sheet, settings: tuple[Any, ...]) -> Scores:
    """LightGBM, LambdaRank: one row for each event and product, which is a category."""
    import lightgbm

    taught, products = sheet.taught, len(sheet.products)
    table = _pairs(sheet.dense[taught], products)
    relevant = (sheet.taken[taught][:, None] == np.arange(products)).ravel()
    everything = _pairs(sheet.dense, products)
    for shape, rounds in _shapes(settings).items():
        rate, least, leaves = shape
        columns = [0, *(place + 1 for place in sheet.categories)]
        rows = lightgbm.Dataset(
            table,
            relevant.astype(int),
            group=np.full(int(taught.sum()), products),
            params={"verbose": -1},
            categorical_feature=columns,
        )
        parameters = {
            **TREES,
            "objective": "lambdarank",
            "learning_rate": rate,
            "min_data_in_leaf": least,
            "num_leaves": leaves,
            "feature_fraction": 0.8,
            "lambda_l2": 5.0,
        }
        model = lightgbm.train(parameters, rows, num_boost_round=max(rounds))
        for count in rounds:
            found = model.predict(everything, num_iteration=count, num_threads=THREADS)
            yield (*shape, count), found.reshape(-1, products)


def _recent(sheet: Sheet) -> Floats:
    recent = sheet.taught & (sheet.year > sheet.until - RECENT)
    return np.bincount(sheet.taken[recent], minlength=len(sheet.products)) + SMOOTHING


def _logs(shares: Floats, classes: Ints, sheet: Sheet) -> Floats:
    """Logarithms of probabilities for all products; a class never taught gets a millionth."""
    found = np.full((len(shares), len(sheet.products)), FLOOR)
    found[:, classes] = np.maximum(shares, FLOOR)
    return np.log(found)


def _shapes(settings: tuple[Any, ...]) -> dict[tuple[Any, ...], list[int]]:
    """Settings that differ in rounds only, together."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for *shape, rounds in settings:
        found.setdefault(tuple(shape), []).append(rounds)
    return found


def _kinds(sheet: Sheet) -> dict[str, Any]:
    return {"categorical_feature": list(sheet.categories)}


def _pairs(dense: Floats, products: int) -> Any:
    """Product, and the columns of its event, for each pair (n x M, 1 + F)."""
    product = np.tile(np.arange(products, dtype=np.float32), len(dense))
    return np.column_stack([product, np.repeat(dense.astype(np.float32), products, axis=0)])


PEERS: Mapping[str, tuple[Peer, tuple[Any, ...]]] = {
    "popularity": (popularity, (None,)),
    "popularity by NAICS-3": (popularity_by_industry, (5, 20, 80)),
    "k nearest companies": (neighbours, (25, 50, 100, 200)),
    "logistic regression": (logistic, (0.03, 0.1, 0.3, 1.0)),
    "LightGBM multiclass": (
        boosted,
        tuple((0.04, least, leaves, n) for least, leaves in ((20, 15), (40, 7)) for n in ROUNDS),
    ),
    "LightGBM LambdaRank": (
        ranked,
        tuple((0.1, least, 15, n) for least in (50,) for n in (50, 100, 150, 250)),
    ),
}
WITHOUT_COLUMNS = ("popularity", "popularity by NAICS-3")
