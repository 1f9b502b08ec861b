"""C: 100,000 packed companies against 500 products, the ten best of each company.

Product by product: a sweep over all companies, and what it leaves to be added up only where it
could still come among the ten best so far. Companies are made up, packed once and repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from recommender import Engine
from recommender.population.columnar import Lens
from recommender.population.population import Population, Segment
from recommender.population.segment_rows import Rows
from recommender.population.sweep import swept
from recommender.prospects.shortlist import Begun
from tests.benchmarks.catalogues import catalogue
from tests.benchmarks.peer_rankers import flat, nearest, trees
from tests.benchmarks.prospects import DAY, repeated
from tests.benchmarks.timing import Line, Work, interleaved, lines, significant
from tests.benchmarks.token_rows import text_rows, token_rows, token_vector

FIRMS, TIMES, PRODUCTS, TOP = 5_000, 20, 500, 10
ROUNDS, SOME, SLOW = 3, 5_000, 400
LIMIT = "limit: the text part alone as one sgemm, one thread"
LEAST = -(1 << 62)  # none


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case C, on one thread."""
    engine = Engine(catalogue(60 if small else PRODUCTS))
    with TemporaryDirectory() as folder, threadpool_limits(1):
        population = repeated(engine, Path(folder), *((30, 2) if small else (FIRMS, TIMES)))
        yield from measured(engine, population, 1 if small else ROUNDS)


def measured(engine: Engine, population: Population, rounds: int) -> Iterator[Line]:
    """Ours and what it is held against; what is slow, on fewer companies or pairs."""
    lenses = [Lens(engine, name, DAY) for name in engine.matcher.ids]
    (segment,) = population.segments
    some, slow = min(SOME, segment.rows), min(SLOW, segment.rows)
    text = text_rows(segment, lenses[0], some).toarray()
    offered = np.ascontiguousarray(lenses[0].offers.text, dtype=np.float32)
    table = token_rows(population, lenses[0], some)
    dense = table.toarray()
    vectors = np.stack([token_vector(lens, table.shape[1]) for lens in lenses])
    every = np.ascontiguousarray(vectors.T)
    top = min(TOP, len(lenses))
    works: dict[str, tuple[Work, int]] = {
        LIMIT: (lambda: text @ offered, some),
        "ours: gate, scores, ten best": (lambda: best(lenses, segment, top), segment.rows),
        "one dense sgemm of the tokens": (lambda: dense @ every, some),
        "peer: FAISS flat, inner product": (_search(vectors, dense[:slow], top), slow),
        "peer: scikit-learn NearestNeighbors": (_near(vectors, table[:slow], top), slow),
        "peer: LightGBM on 20 ready features": (trees(slow * len(lenses)), slow),
    }
    spent: dict[str, float] = {}
    seconds = interleaved(
        {name: work for name, (work, _) in works.items()}, rounds, processor=spent
    )
    shares = {name: segment.rows / rows for name, (_, rows) in works.items()}
    whole = {name: took * shares[name] for name, took in seconds.items()}
    sizes = {"companies": segment.rows, "products": len(lenses), "text_tokens": text.shape[1],
             "tokens": table.shape[1]}  # fmt: skip
    for line in lines("C", whole, LIMIT, **sizes):
        name = str(line["what"])
        yield {
            **line,
            "processor_ms": significant(spent[name] * shares[name] * 1e3),
            "against_processor_ms": significant(spent[LIMIT] * shares[LIMIT] * 1e3),
            "measured_companies": works[name][1],
        }


def _search(vectors: Any, companies: Any, top: int) -> Callable[[], Any]:
    from scipy.sparse import csr_matrix

    return flat(csr_matrix(vectors), companies, top)


def _near(vectors: Any, companies: Any, top: int) -> Callable[[], Any]:
    from scipy.sparse import csr_matrix

    return nearest(csr_matrix(vectors), companies, top)


def best(lenses: list[Lens], segment: Segment, top: int) -> tuple[Any, Any]:
    """Scores and places of the best products that fit each company (n, top); -1 for none."""
    scores = np.full((segment.rows, top), LEAST, dtype=np.int64)
    places = np.full((segment.rows, top), -1, dtype=np.int32)
    least = np.full(segment.rows, LEAST, dtype=np.int64)
    for number, lens in enumerate(lenses):
        seen = swept(lens, segment)
        group = Begun(Rows(segment, 0, segment.rows, seen.rows), seen.high, seen.left)
        for name in sorted(group.left, key=lens.most, reverse=True):
            group = group.kept(group.high > least[group.rows.chosen]).added(lens, name)
        group = group.kept(group.high > least[group.rows.chosen])
        rows = group.rows.chosen
        worst = scores[rows].argmin(axis=1)
        scores[rows, worst], places[rows, worst] = group.high, number
        least[rows] = scores[rows].min(axis=1)
    order = np.lexsort((places, -scores), axis=1)
    return np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)
