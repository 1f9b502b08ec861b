"""B: a million packed companies against one product, beside one read of the packed bytes.

Made-up companies are packed once and their columns repeated, so that the columns are as long as
those of a million; ids are new.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from recommender import Catalogue, Engine
from recommender.column_files import BlockWriter
from recommender.columnar import Lens
from recommender.company_files import Read
from recommender.packing import _names
from recommender.population import SEGMENTS, Population, Segment, manifest_text
from recommender.population_build import How, build
from recommender.prospect_options import ProspectOptions
from recommender.prospect_ranking import gated, keys_of
from recommender.prospects import Prospects
from recommender.segment_writer import SEGMENT
from recommender.simulation import companies
from tests.benchmarks.timing import Line, Work, interleaved, lines

FIRMS, TIMES, TOP = 20_000, 50, 100
PRODUCTS = ("cor-e-loan", "eci-financing", "exp-receivable", "fxh-forward")
LIMIT = "limit: every packed byte of structure and text read once"
READ = ("eligibility", "similarity", "text", "learned", "filters")
DAY = datetime.date(2026, 11, 23)
PROFILES = ("profile", "dictionaries")


def run(*, small: bool) -> Iterator[Line]:
    """Lines of case B, for each of some products."""
    engine = Engine(Catalogue.load())
    with TemporaryDirectory() as folder:
        count, times = (60, 2) if small else (FIRMS, TIMES)
        population = repeated(engine, Path(folder), count, times)
        for product in PRODUCTS[:1] if small else PRODUCTS:
            yield from measured(engine, population, product, 1 if small else 9)


def measured(engine: Engine, population: Population, product: str, rounds: int) -> Iterator[Line]:
    """The works for one product, in one interleaved run."""
    bytes_ = [
        np.fromfile(population.folder / SEGMENTS / s.name / f"{block}.bin", dtype=np.uint8)
        for s in population.segments
        for block in READ
    ]
    words = [block[: len(block) // 8 * 8].view(np.uint64) for block in bytes_]
    used, lens = Prospects(engine, population), Lens(engine, product, DAY)
    options = ProspectOptions(n=TOP, consent=False, near_misses=False)
    plain = Lens(engine, product, DAY)
    plain.__dict__["program"] = None
    fitting = gated(lens, population, ()).fitting
    table, weights = tokens_of(population)
    works: dict[str, Work] = {
        LIMIT: lambda: [int(np.bitwise_xor.reduce(block)) for block in words],
        "gate": lambda: [lens.gate_all(segment) for segment in population.segments],
        "gate and the first 100 by score": lambda: first(lens, population),
        "reference: gate by numpy, every score": lambda: reference(plain, population),
        "a page of 100, from profiles, worded": lambda: page(used, product, options),
        "peer: scipy CSR @ vector, tokens alone": lambda: table @ weights,
    }
    seconds = interleaved(works, rounds)
    sizes = {
        "product": product,
        "companies": population.companies,
        "fit": sum(map(len, fitting)),
        "megabytes_read": round(sum(block.nbytes for block in bytes_) / 1e6, 1),
    }
    yield from lines("B", seconds, LIMIT, **sizes)


def first(lens: Lens, population: Population) -> Any:
    """The first by score, gate and all."""
    return gated(lens, population, ()).field(TOP)


def reference(lens: Lens, population: Population) -> Any:
    """The same without the compiled gate, every company that fits scored."""
    field = gated(lens, population, ()).field()
    return np.lexsort(keys_of(field, "fit", lens.product.lane, lens.weights)[::-1])[:TOP]


def page(used: Prospects, product: str, options: ProspectOptions) -> Any:
    """A whole page, as the command gives it; nothing is remembered from the one before."""
    used._lists.clear()
    return used.top(product, options)


def tokens_of(population: Population) -> tuple[Any, Any]:
    """Companies as sparse rows of learned tokens, and a vector."""
    counts, items, values = [], [], []
    for segment in population.segments:
        counts.append(segment.read("token.n"))
        items.append(segment.read("token"))
        values.append(segment.read("token.value"))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    columns = np.concatenate(items).astype(np.int64)
    table = csr_matrix((np.concatenate(values), columns, starts))
    return table, np.linspace(0.0, 1.0, table.shape[1])


def repeated(engine: Engine, folder: Path, count: int, times: int) -> Population:
    """A population of `count` companies with every column repeated, in segments as they are made."""
    firms = (Read(at, firm, {}, []) for at, firm in enumerate(companies(count, 11, 0.2), start=1))
    build(engine, firms, folder / "one", DAY, How(workers=2))
    source = Population.open(folder / "one")
    (segment,) = source.segments
    most = max(1, SEGMENT // count)
    shares = [min(most, times - done) for done in range(0, times, most)]
    entries = [
        repeated_segment(segment, folder / "many", f"{number:06d}", share)
        for number, share in enumerate(shares, start=1)
    ]
    rows = count * times
    manifest = {**source.manifest, "rows": rows, "synthetic": rows, "segments": entries}
    (folder / "many" / "manifest.json").write_bytes(manifest_text(manifest))
    return Population.open(folder / "many")


def repeated_segment(segment: Segment, folder: Path, name: str, times: int) -> dict[str, Any]:
    """One segment with every column of another repeated; its entry for the manifest."""
    place = folder / SEGMENTS / name
    place.mkdir(parents=True)
    writer = BlockWriter(place)
    blocks: dict[str, list[str]] = {}
    for column, placed in segment.columns.items():
        if not column.endswith(".table"):
            blocks.setdefault(placed.block, []).append(column)
    for block, names in blocks.items():
        if block in PROFILES:
            for _ in range(times if block == "profile" else 1):
                writer.append(block, segment.stored(block).tobytes())
            writer.finish(block)
        else:
            writer.write(block, columns_of(segment, block, names, times, name))
    rows = segment.rows * times
    return {**writer.manifest(), "name": name, "rows": rows, "synthetic": rows}


def columns_of(
    segment: Segment, block: str, names: list[str], times: int, prefix: str
) -> dict[str, Any]:
    """The columns of one block, repeated; amounts are by product, ids are new."""
    if block == "amounts":
        return amounts_of(segment, times)
    patterns = (".has", ".may")
    found = {
        name: segment.read(name) if name.endswith(patterns) else np.tile(segment.read(name), times)
        for name in names
    }
    if block == "names":
        rows = range(segment.rows)
        found |= _names([f"{prefix}-{k:04d}-{row:05d}" for k in range(times) for row in rows])
    return found


def amounts_of(segment: Any, times: int) -> dict[str, Any]:
    """Amounts by product, each repeated."""
    starts, rows = segment.starts("amount"), segment.read("amount.row").astype(np.int64)
    amounts, moved = segment.read("amount"), np.arange(times)[:, None] * segment.rows
    spans = [slice(a, b) for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
    return {
        "amount.n": (np.diff(starts) * times).astype(np.uint32),
        "amount.row": np.concatenate([(rows[s] + moved).ravel() for s in spans]).astype(np.uint32),
        "amount": np.concatenate([np.tile(amounts[s], times) for s in spans]),
    }
