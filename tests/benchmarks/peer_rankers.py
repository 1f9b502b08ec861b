"""What people would rank companies with instead, on the tokens of our own score (cases B and C)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FEATURES, TREES = 20, 100


def cosine(table: Any, vectors: Any, count: int) -> Callable[[], Any]:
    """The first of each product by scikit-learn's cosine similarity of sparse rows."""
    from sklearn.metrics.pairwise import cosine_similarity

    def work() -> Any:
        found = cosine_similarity(table, vectors)
        return np.argpartition(-found, count, axis=0)[:count]

    return work


def nearest(table: Any, vectors: Any, count: int) -> Callable[[], Any]:
    """The same by scikit-learn's NearestNeighbors, brute force, index and all."""
    from sklearn.neighbors import NearestNeighbors

    def work() -> Any:
        index = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(table)
        return index.kneighbors(vectors, return_distance=False)

    return work


def flat(table: Any, vectors: Any, count: int) -> Callable[[], Any]:
    """The same by FAISS, all inner products of dense rows; the index is made before."""
    from faiss import IndexFlatIP

    index = IndexFlatIP(table.shape[1])
    index.add(np.ascontiguousarray(table.toarray()))
    wanted = np.ascontiguousarray(vectors, dtype=np.float32)
    return lambda: index.search(wanted, count)


def trees(pairs: int) -> Callable[[], Any]:
    """LightGBM's prediction for pairs whose features are ready: nothing is looked up or joined."""
    from lightgbm import Dataset, train

    chance = np.random.default_rng(5)
    features = chance.random((20_000, FEATURES))
    points = features @ chance.random(FEATURES)
    taken = (points > np.median(points)).astype(np.float64)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 5}
    model = train(settings, Dataset(features, taken), TREES)
    ready = chance.random((pairs, FEATURES))
    return lambda: model.predict(ready, num_threads=1)
