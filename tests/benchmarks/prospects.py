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

from recommender import Catalogue, Engine
from recommender.population import lookups, segment_rows
from recommender.population.build import How, build
from recommender.population.column_files import BlockWriter
from recommender.population.columnar import Lens
from recommender.population.company_files import Read
from recommender.population.packing import _names
from recommender.population.population import SEGMENTS, Population, Segment, manifest_text
from recommender.population.segment_rows import Rows
from recommender.population.segment_writer import SEGMENT
from recommender.population.sweep import swept
from recommender.prospects.lists import Prospects
from recommender.prospects.options import ProspectOptions
from recommender.prospects.ranking import gated
from recommender.simulation import companies
from tests.benchmarks.peer_rankers import cosine, flat, nearest, trees
from tests.benchmarks.timing import Line, Work, interleaved, lines, significant
from tests.benchmarks.token_rows import token_rows, token_vector

FIRMS, TIMES, TOP = 20_000, 50, 100
ROUNDS, SLOW, CHUNK = 7, 20_000, 1 << 15
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
            yield from measured(engine, population, product, 1 if small else ROUNDS)


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
    kept = gated(lens, population, ()).counts.kept
    table = token_rows(population, lens)
    works: dict[str, Work] = {
        LIMIT: lambda: [int(np.bitwise_xor.reduce(block)) for block in words],
        "gate": lambda: [swept(lens, segment, scores=False) for segment in population.segments],
        "gate and the first 100 by score": lambda: first(lens, population),
        "the same without numba": lambda: without_numba(lens, population),
        "reference: every rule and similarity in numpy": lambda: reference(lens, population),
        "a page of 100, from profiles, worded": lambda: page(used, product, options),
    }
    peers, shares = peers_of(lens, population, table, small=rounds == 1)
    spent: dict[str, float] = {}
    seconds = interleaved({**works, **peers}, rounds, processor=spent)
    sizes = {
        "product": product,
        "companies": population.companies,
        "fit": kept,
        "megabytes_read": round(sum(block.nbytes for block in bytes_) / 1e6, 1),
    }
    seconds |= {name: seconds[name] * share for name, share in shares.items()}
    spent |= {name: spent[name] * share for name, share in shares.items()}
    for line in lines("B", seconds, LIMIT, **sizes):
        name = str(line["what"])
        own = {"processor_ms": significant(spent[name] * 1e3),
               "against_processor_ms": significant(spent[LIMIT] * 1e3)}  # fmt: skip
        if name in shares:
            own |= {"measured_companies": round(population.companies / shares[name])}
        yield {**line, **own}


def peers_of(
    lens: Lens, population: Population, table: Any, *, small: bool
) -> tuple[dict[str, Work], dict[str, float]]:
    """Peers on the tokens of our own score; slow ones on fewer companies, and how many fewer."""
    rows = min(table.shape[0], 50 if small else SLOW)
    some, vector = table[:rows], token_vector(lens, table.shape[1])
    top = min(TOP, rows - 1)
    slow: dict[str, Work] = {
        "peer: FAISS flat, inner product": flat(some, vector[None], top),
        "peer: scikit-learn cosine, CSR": cosine(some, vector[None], top),
        "peer: scikit-learn NearestNeighbors": nearest(some, vector[None], top),
        "peer: LightGBM on 20 ready features": trees(rows),
    }
    shares = dict.fromkeys(slow, table.shape[0] / rows)
    return {"peer: scipy CSR @ vector": lambda: table @ vector, **slow}, shares


def first(lens: Lens, population: Population) -> Any:
    """The first by score, gate and all."""
    return gated(lens, population, ()).field(TOP)


def without_numba(lens: Lens, population: Population) -> Any:
    """The same as if numba were not installed."""
    numba = lookups.available
    modules = (lookups, segment_rows)
    try:
        for module in modules:
            module.available = lambda: False
        return first(lens, population)
    finally:
        for module in modules:
            module.available = numba


def reference(lens: Lens, population: Population) -> Any:
    """The readable reference: every rule asked of every company, every one that fits scored."""
    found = []
    for segment in population.segments:
        for start in range(0, segment.rows, CHUNK):
            rows = Rows(segment, start, min(start + CHUNK, segment.rows))
            fit, _ = lens.gate(rows)
            found.append(lens.scores(rows.among(fit >= 0)))
    totals = np.concatenate(found)
    return np.sort(totals)[::-1][:TOP]


def page(used: Prospects, product: str, options: ProspectOptions) -> Any:
    """A whole page, as the command gives it; nothing is remembered from the one before."""
    used._lists.clear()
    return used.top(product, options)


def repeated(
    engine: Engine, folder: Path, count: int, times: int, *, profiles: bool = True
) -> Population:
    """A population of `count` companies with every column repeated, in segments as usual.

    profiles: keep them; without, companies can be ranked, and no page be made.
    """
    firms = (Read(at, firm, {}, []) for at, firm in enumerate(companies(count, 11, 0.2), start=1))
    build(engine, firms, folder / "one", DAY, How(workers=2))
    source = Population.open(folder / "one")
    (segment,) = source.segments
    most = max(1, SEGMENT // count)
    shares = [min(most, times - done) for done in range(0, times, most)]
    entries = [
        repeated_segment(segment, folder / "many", f"{number:06d}", share, profiles=profiles)
        for number, share in enumerate(shares, start=1)
    ]
    rows = count * times
    manifest = {**source.manifest, "rows": rows, "synthetic": rows, "segments": entries}
    (folder / "many" / "manifest.json").write_bytes(manifest_text(manifest))
    return Population.open(folder / "many")


def repeated_segment(
    segment: Segment, folder: Path, name: str, times: int, *, profiles: bool
) -> dict[str, Any]:
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
            for _ in range(1 if block == "dictionaries" else times * profiles):
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
