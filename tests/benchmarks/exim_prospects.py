"""Task D of the EXIM benchmark: which known companies take a product next year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from recommender.learning import metrics
from recommender.matching.encoding import Floats
from tests.benchmarks.exim_columns import sheet, tokens
from tests.benchmarks.exim_data import Decisions, without_indicators
from tests.benchmarks.exim_peers import (
    boosted,
    logistic,
    neighbours,
    popularity,
    popularity_by_industry,
)
from tests.benchmarks.exim_ranker import PRECISION, ranker
from tests.benchmarks.timing import Line, significant

NONE = "none"
ACTIVE = 3
FIRST_OF = 100
LEAST = 5
MEASURES = ("AUC", f"recall@{FIRST_OF}", f"NDCG@{FIRST_OF}")
# Chosen among five on FY2009-12 -> FY2013-14 and FY2009-14 -> FY2015-16: most companies take
# nothing in a year, so that what tells products apart is learned from fewer and shrunk more; how
# long ago the last decision was, and its product, say most about who takes anything at all.
STEADY = {
    **{name: 10 * value for name, value in PRECISION.items() if name != "baseline"},
    "baseline": PRECISION["baseline"],
    "idle": 1.0,
    "last": 1.0,
}
# One setting each, the middle of those tried for task A: a choice of settings would take minutes.
PEERS: Mapping[str, tuple[Callable[..., Any], Any]] = {
    "popularity": (popularity, None),
    "popularity by NAICS-3": (popularity_by_industry, 20),
    "k nearest companies": (neighbours, 100),
    "logistic regression": (logistic, 0.1),
    "LightGBM multiclass": (boosted, (0.04, 20, 15, 150)),
}
ALIKE = ("popularity", "popularity by NAICS-3")  # on any columns


def prospects(decisions: Decisions, until: int, test: tuple[int, int]) -> Iterator[Line]:
    """One line for each model: averages over products and years with enough takers.

    `lists` holds the measures of each product and year, (lists, 3).

    The pool of a year: companies active in the three years before. They choose between the
    products they never had and none of them, so the probabilities hold a none (ruling 6).
    """
    years = range(decisions.first_year + ACTIVE, test[1] + 1)
    pool = pd.concat([_pool(decisions, year) for year in years], ignore_index=True)
    pool = without_indicators(pool, until)
    products = (*decisions.products, NONE)
    open_to = _open(decisions, pool, products, until)
    for name, columns, scored in _models(decisions, pool, products, open_to, until):
        start = perf_counter()
        scores = np.where(open_to, scored(), -np.inf)
        found = _averages(pool, products, metrics.chances(scores), test)
        yield {
            "model": name,
            "columns": columns,
            **found,
            "seconds": significant(perf_counter() - start),
        }


def _models(
    decisions: Decisions, pool: pd.DataFrame, products: tuple[str, ...], open_to: Any, until: int
) -> Iterator[tuple[str, str, Callable[[], Floats]]]:
    """Every model with its columns, and how it scores all of the pool."""
    yield "AffinityRanker", "engineered", lambda: _ours(pool, products, open_to, until)
    yield "recency", "raw", lambda: _recent(pool, products)
    for columns in ("raw", "engineered"):
        table = sheet(pool, products, until, amount=True, engineered=columns == "engineered")
        for name, (peer, setting) in PEERS.items():
            if columns == "raw" or name not in ALIKE:
                yield name, columns, lambda p=peer, s=setting, t=table: next(p(t, (s,)))[1]


def _ours(pool: pd.DataFrame, products: tuple[str, ...], open_to: Any, until: int) -> Floats:
    known = (pool["year"] <= until).to_numpy()
    rows = tokens(pool, amount=True)
    taught = [row for row, kept in zip(rows, known, strict=True) if kept]
    model = ranker(products, amount=True, tol=1e-4, precision=STEADY)
    model.fit(
        taught,
        pool.loc[known, "product"].tolist(),
        when=pool.loc[known, "year"].to_numpy(),
        offered=open_to[known],
    )
    return model.decision_function(rows)


def _recent(pool: pd.DataFrame, products: tuple[str, ...]) -> Floats:
    """The companies that decided last first, whatever the product."""
    scores: Floats = np.zeros((len(pool), len(products)))
    scores[:, :-1] = -pool["idle"].to_numpy(dtype=float)[:, None]
    return scores


def _pool(decisions: Decisions, year: int) -> pd.DataFrame:
    """Companies active in the three years before, as known by then; a row for each product taken.

    history: products they had; amount: of their last decision; idle: years since then; last: its
    product.
    """
    rows = decisions.rows[decisions.rows["named"]]
    before = rows[rows["year"] < year]
    latest = before.drop_duplicates("company", keep="last").set_index("company")
    latest = latest[latest["year"] >= year - ACTIVE]
    had = before.groupby("company")["product"].agg(lambda of: tuple(sorted(set(of))))
    now = rows[(rows["year"] == year) & rows["first"] & rows["kept"]]
    taken = now.groupby("company")["product"].agg(list)
    found = latest.assign(
        history=had.reindex(latest.index),
        idle=[f"{year - last}" for last in latest["year"]],
        last=latest["product"],
        taken=[taken.get(company, [NONE]) for company in latest.index],
        year=year,
    )
    found = found.explode("taken").reset_index()
    return found.assign(product=found["taken"])


def _open(decisions: Decisions, pool: pd.DataFrame, products: tuple[str, ...], until: int) -> Any:
    """Which products each company could take for the first time (n, M); none always."""
    years = np.minimum(pool["year"].to_numpy(), until)
    offered = decisions.offered(years, products[:-1])
    offered[(pool["year"] > until).to_numpy()] = True
    held = np.array([[product in had for product in products[:-1]] for had in pool["history"]])
    return np.column_stack([offered & ~held, np.ones(len(pool), dtype=bool)])


def _averages(
    pool: pd.DataFrame, products: tuple[str, ...], chances: Floats, test: tuple[int, int]
) -> Line:
    """AUC, recall@100 and NDCG@100, averaged over products and years with at least five takers."""
    measures: list[tuple[float, float, float]] = []
    for year in range(test[0], test[1] + 1):
        rows = (pool["year"] == year).to_numpy()
        company = pool.loc[rows, "company"].to_numpy()
        first = np.unique(company, return_index=True)[1]
        for column, product in enumerate(products[:-1]):
            without = ~pool.loc[rows, "history"].map(lambda had, p=product: p in had).to_numpy()
            takers = set(company[(pool.loc[rows, "product"] == product).to_numpy()])
            kept = first[without[first]]
            took = np.isin(company[kept], list(takers))
            if took.sum() >= LEAST:
                scores = chances[rows][kept, column]
                measures.append(
                    (
                        metrics.area(scores, took),
                        metrics.recall(scores, took, FIRST_OF),
                        metrics.list_gain(scores, took, FIRST_OF),
                    )
                )
    means = np.mean(measures, axis=0) if measures else np.full(len(MEASURES), np.nan)
    return {"lists": measures, **dict(zip(MEASURES, means.tolist(), strict=True))}
