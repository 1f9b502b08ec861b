"""batch: made-up companies against the packaged catalogue, on one process, two, and Spark.

Every run is a whole one, from the file of companies to the manifest, into a folder of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from pyarrow import parquet

from recommender import Catalogue
from recommender.batch import local, runs, spark
from recommender.batch.jobs import Asked, Model
from recommender.scoring import expert_weights
from recommender.simulation import companies, write
from tests.benchmarks.timing import Line, interleaved, lines, significant

FIRMS, SMALL, PARTITIONS, ROUNDS = 20_000, 40, 16, 3
ONE, TWO = "one process", "two processes"
CLUSTER = "Spark, local-cluster of two executors, warm"
READING = "limit: the file read and its JSON parsed, one process"
MASTER = "local-cluster[2,1,1024]"


def run(*, small: bool) -> Iterator[Line]:
    """One line each for two processes, Spark and the bare reading, against one process."""
    firms = int(os.environ.get("BATCH_FIRMS", SMALL if small else FIRMS))
    with TemporaryDirectory() as folder, spark.session(MASTER) as cluster:
        source = Path(folder) / "firms.parquet"
        write(companies(firms, 1), source)
        manifests: dict[str, Any] = {}
        works = works_of(source, firms, cluster, manifests)
        seconds = interleaved(works, 1 if small else ROUNDS)
        same = {orjson.dumps(manifest) for manifest in manifests.values()}
        sizes = {"companies": firms, "products": len(Catalogue.load().products)}
        for line in lines("batch", seconds, ONE, **sizes):
            rate = significant(firms / seconds[str(line["what"])])
            yield {**line, "companies_per_second": rate, "identical": len(same) == 1}


def works_of(
    source: Path, firms: int, cluster: Any, manifests: dict[str, Any]
) -> Mapping[str, Callable[[], object]]:
    """What is measured; manifests: filled with what each run says."""
    model = Model(Catalogue.load(), expert_weights())
    asked = Asked(date(2026, 11, 23), partition_rows=max(1, firms // PARTITIONS))
    shares = {
        ONE: lambda job, parts, _: local.records(job, parts, 1),
        TWO: lambda job, parts, _: local.records(job, parts, 2),
        CLUSTER: lambda job, parts, told: spark.records(job, parts, cluster, told),
    }

    def work(name: str) -> Callable[[], object]:
        def whole() -> None:
            with fresh(source.parent) as out:
                share = shares[name]
                manifests[name] = runs.run(str(source), str(out), model, asked, share)

        return whole

    return {**{name: work(name) for name in shares}, READING: lambda: read(source)}


_NUMBERS = count()


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """A folder that is not there yet, and is gone afterwards."""
    out = folder / f"out-{next(_NUMBERS)}"
    try:
        yield out
    finally:
        shutil.rmtree(out, ignore_errors=True)


def read(source: Path) -> int:
    """Every profile as plain values, and nothing made of it."""
    batches = parquet.ParquetFile(source).iter_batches(columns=["profile"])
    found = (orjson.loads(text) for batch in batches for text in batch.column(0).to_pylist())
    return sum(len(profile) for profile in found)
