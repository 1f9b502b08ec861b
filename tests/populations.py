"""Small populations for tests: made-up companies with and without relationships, packed once."""

import datetime
import json
from functools import cache
from pathlib import Path

from recommender import Catalogue, Engine
from recommender.matching.scoring import Weights, expert_weights
from recommender.population.build import How, build
from recommender.population.company_columns import split
from recommender.population.company_files import Read, read_companies
from recommender.population.population import Population
from recommender.prospects.lists import Prospects
from recommender.simulation import companies

DAY = datetime.date(2026, 11, 23)
MANAGERS, GROUPS = ("li", "wang", None), ("g1", "g2", None, None)


@cache
def engine() -> Engine:
    return Engine(Catalogue.load())


@cache
def profiles(count=120, seed=3):
    """Made-up companies, with relationships that cycle through what may be known."""
    return tuple(
        {**raw, **relation(number)} for number, raw in enumerate(companies(count, seed, 0.3))
    )


def relation(number):
    found = {
        "manager": MANAGERS[number % 3],
        "group": GROUPS[number % 4],
        "last_contacted": (None, "2026-11-20", "2026-01-02")[number % 3],
        "last_declined": (None, "2026-10-30", "2025-01-02", None, None)[number % 5],
        "consent_to_contact": (None, True, True, False)[number % 4],
        "lanes_held": (None, [], ["financing", "hedge"])[number % 3],
    }
    return {name: value for name, value in found.items() if value is not None}


def written(folder: Path, rows, name="companies.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), "utf-8")
    return path


def read_from(rows):
    return [Read(number, *split(raw), []) for number, raw in enumerate(rows, start=1)]


def packed(folder: Path, rows=None, *, on: Engine | None = None, segment=50) -> Population:
    """A population of some rows, in several segments."""
    used = on or engine()
    reads = read_from(profiles() if rows is None else rows)
    build(used, reads, folder / "population", DAY, How(segment=segment))
    return Population.open(folder / "population")


def rows_of(path: Path):
    return list(read_companies(path, engine().catalogue.facts))


def learned_weights(uptake=None) -> Weights:
    """Weights that use everything a model can learn: tokens of firms, peers, and uptake."""
    matcher = engine().matcher
    ids = matcher.ids
    tokens = sorted({t for raw in profiles()[:40] for t in firm_of(raw).tokens})
    affinity = {
        token: {ids[(i + k) % len(ids)]: ((i * 7 + k) % 13 - 6) / 37 for k in range(25)}
        for i, token in enumerate(tokens)
    }
    segments = {"": {name: (400, 40 + j) for j, name in enumerate(ids)}}
    for number, raw in enumerate(profiles()[:40]):
        own = firm_of(raw).segment
        for depth in range(1, len(own) + 1):
            counts = dict.fromkeys(ids[::2], (30 + number, number % 20 + 1))
            segments["|".join(own[:depth])] = counts
    lanes = {product.id: product.lane for product in matcher.products}
    return Weights(
        {**expert_weights().weights, "peers": 1.5},
        {name: (j % 5) / 10 for j, name in enumerate(ids)},
        engine().catalogue.version,
        uptake or {},
        affinity,
        {"counts": segments, "lanes": lanes, "strength": 20.0},
    )


def firm_of(raw):
    from recommender.company.profile import Company

    profile, _ = split(raw)
    return engine().matcher.read(Company.parse(profile), DAY).firm


def listed(folder):
    """Whom a population lists for one product, with score and fit."""
    used = Prospects(engine(), Population.open(folder))
    answer = used.top("cor-cashflow", n=1000, consent=False)
    return [(p["company"]["id"], p["score"], p["fit"]) for p in answer["prospects"]]
