"""ten-million: ten million packed companies against one product; only when it is asked for.

The segments are those of case B once more: 20,000 made-up companies, repeated five hundred times
over, each segment a set of files of its own, profiles left out. 2 GB of disk below TMPDIR.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from recommender import Catalogue, Engine
from recommender.population.columnar import Lens
from recommender.population.population import SEGMENTS, Population
from recommender.population.sweep import swept
from tests.benchmarks.prospects import DAY, FIRMS, PRODUCTS, READ, first, repeated
from tests.benchmarks.timing import Line, Work, interleaved, lines, significant

TIMES, ROUNDS = 500, 3
LIMIT = "limit: every packed byte of structure and text read once, from mapped files"


def run(*, small: bool) -> Iterator[Line]:
    """Seconds and megabytes of a ranking, for each of some products."""
    engine = Engine(Catalogue.load())
    sizes = (60, 2) if small else (FIRMS, TIMES)
    with TemporaryDirectory() as folder:
        start = perf_counter()
        population = repeated(engine, Path(folder), *sizes, profiles=False)
        made = perf_counter() - start
        packed = sum(population.size()[block] for block in READ)
        for product in PRODUCTS[:1] if small else PRODUCTS:
            seconds = interleaved(works_of(engine, population, product), 1 if small else ROUNDS)
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            yield from lines(
                "ten-million", seconds, LIMIT, product=product, companies=population.companies,
                megabytes_packed=round(packed / 1e6), megabytes_held=round(held / 1024),
                seconds_to_replicate=significant(made),
            )  # fmt: skip


def works_of(engine: Engine, population: Population, product: str) -> dict[str, Work]:
    """What is measured for one product."""
    lens = Lens(engine, product, DAY)
    return {
        LIMIT: lambda: [read(population, block) for block in READ],
        "gate": lambda: [swept(lens, s, scores=False) for s in population.segments],
        "gate and the first 100 by score": lambda: first(lens, population),
    }


def read(population: Population, block: str) -> int:
    """Every byte of a block of every segment."""
    found = 0
    for segment in population.segments:
        path = population.folder / SEGMENTS / segment.name / f"{block}.bin"
        whole = np.memmap(path, dtype=np.uint8, mode="r")
        found ^= int(np.bitwise_xor.reduce(whole[: len(whole) // 8 * 8].view(np.uint64)))
    return found
