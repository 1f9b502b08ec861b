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
from recommender.matching.scoring import expert_weights
from recommender.simulation import companies, write
from tests.benchmarks.catalogues import catalogue
from tests.benchmarks.timing import Line, interleaved, lines, significant

FIRMS, SMALL, PARTITIONS, ROUNDS = 20_000, 40, 16, 3
ONE, TWO = "one process", "two processes"
CLUSTER = "Spark with two cores, warm"
WIDE, TENTH, PRODUCTS = "one process, 500 products", "one process, packaged catalogue", 500
READING = "limit: the file read and its JSON parsed, one process"
MASTER, SMALL_MASTER = "local-cluster[2,1,1024]", "local[2]"


def run(*, small: bool) -> Iterator[Line]:
    """Two processes, Spark and the bare reading against one process; 500 products against 53."""
    firms = int(os.environ.get("BATCH_FIRMS", SMALL if small else FIRMS))
    rounds = 1 if small else ROUNDS
    master = SMALL_MASTER if small else MASTER
    with TemporaryDirectory() as folder, spark.session(master) as cluster:
        shares = {
            ONE: lambda job, parts, _: local.records(job, parts, 1),
            TWO: lambda job, parts, _: local.records(job, parts, 2),
            CLUSTER: lambda job, parts, told: spark.records(job, parts, cluster, told),
        }
        measure = Measure(Path(folder) / "all.parquet", firms)
        packaged = Catalogue.load()
        works = {name: measure.work(name, share, packaged) for name, share in shares.items()}
        source = measure.source
        seconds = interleaved({**works, READING: lambda: read(source)}, rounds)
        yield from measure.told(seconds, ONE, len(packaged.products))
    with TemporaryDirectory() as folder:
        measure, wide = Measure(Path(folder) / "tenth.parquet", firms // 10), catalogue(PRODUCTS)
        works = {
            TENTH: measure.work(TENTH, shares[ONE], packaged),
            WIDE: measure.work(WIDE, shares[ONE], wide),
        }
        yield from measure.told(interleaved(works, rounds), TENTH, PRODUCTS)


class Measure:
    """Whole runs on one file of companies, which is made at once."""

    def __init__(self, source: Path, firms: int) -> None:
        self.source, self._firms = source, firms
        self._said: dict[str, dict[str, Any]] = {}
        self._bytes: dict[str, int] = {}
        self._cpu: dict[str, float] = {}
        write(companies(firms, 1), source)

    def work(self, name: str, share: runs.Share, offered: Catalogue) -> Callable[[], object]:
        """A run of its own each time."""
        model = Model(offered, expert_weights())
        asked = Asked(date(2026, 11, 23), partition_rows=max(1, self._firms // PARTITIONS))

        def whole() -> None:
            before = processor()
            with fresh(self.source.parent) as out:
                self._said[name] = runs.run(str(self.source), str(out), model, asked, share)
                parts = (out / "matches").glob("*.parquet")
                self._bytes[name] = sum(part.stat().st_size for part in parts)
            self._cpu[name] = processor() - before

        return whole

    def told(self, seconds: Mapping[str, float], against: str, products: int) -> Iterator[Line]:
        """The lines, with sizes and whether runs of one catalogue wrote the same bytes."""
        same = {orjson.dumps(said) for name, said in self._said.items() if name != WIDE}
        for line in lines("batch", seconds, against, companies=self._firms, products=products):
            name = str(line["what"])
            size = self._bytes.get(name, self._bytes[against])
            yield {
                **line,
                **({} if name in (CLUSTER, READING) else self._processor(name, against)),
                "companies_per_second": significant(self._firms / seconds[name]),
                "bytes_per_company": significant(size / max(1, self._firms)),
                "identical": len(same) == 1,
            }

    def _processor(self, name: str, against: str) -> dict[str, float]:
        """Seconds of processor of both, which other work on the machine disturbs least."""
        return {
            "processor_seconds": significant(self._cpu[name]),
            "against_processor_seconds": significant(self._cpu[against]),
        }


def processor() -> float:
    """Seconds of processor so far, of this process and of those it started that have ended."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


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
