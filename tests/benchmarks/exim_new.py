"""Task N of the EXIM benchmark: a product that nobody took before, ranked by what it is alone."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from recommender.learning import metrics
from tests.benchmarks.exim_columns import tokens
from tests.benchmarks.exim_ranker import fitted
from tests.benchmarks.exim_tasks import Split, spread
from tests.benchmarks.timing import Line, significant

LEAST = 5
PATIENT = 1e-3


def held_out(split: Split) -> Iterator[Line]:
    """One line for each product with tested events, and one for all of them (product None).

    MRR speaks of takers alone and grows with anything that favours new products; so each line says
    too how well the score tells takers from others (AUC, 0.5 by chance), and the chance it gives
    against the share that really took the product.
    """
    start = perf_counter()
    found = [
        _of_product(split, column) for column, count in enumerate(np.bincount(split.taken)) if count
    ]
    places = np.concatenate([places for _, places in found])
    random = float((1 / np.arange(1, len(split.decisions.products) + 1)).mean())
    enough = [line for line, p in found if len(p) >= LEAST]
    whole: Line = {
        "product": None,
        "events": len(places),
        "MRR": spread(metrics.mean(metrics.reciprocal(places))),
        "MRR, mean of products": float(np.mean([line["MRR"] for line, _ in found])),
        "MRR of a random order": random,
        "ratio": float(metrics.reciprocal(places).mean() / random),
        "AUC, mean of products": float(np.mean([line["AUC"] for line in enough])),
        "chance": float(np.mean([line["chance"] for line, _ in found])),
        "share": float(np.mean([line["share"] for line, _ in found])),
        "seconds": significant(perf_counter() - start),
    }
    yield from (line for line, _ in found)
    yield whole


def _of_product(split: Split, column: int) -> tuple[Line, metrics.Ints]:
    """One product left out of training: its line, and its places among its takers."""
    product = split.decisions.products[column]
    model = fitted(
        split.decisions, split.events, split.until, amount=split.amount, unseen=product, tol=PATIENT
    )
    scores = model.decision_function(tokens(split.events[split.tested], amount=split.amount))
    took = split.taken == column
    places = metrics.ranks(scores[took], split.taken[took])
    chance = metrics.chances(scores)[:, column]
    line: Line = {
        "product": product,
        "events": int(took.sum()),
        "MRR": float(metrics.reciprocal(places).mean()),
        "AUC": metrics.area(chance, took),
        "chance": float(chance.mean()),
        "share": float(took.mean()),
    }
    return line, places
