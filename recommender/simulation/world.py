"""The tables made-up companies are drawn from: data/simulation, read once."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from recommender.tables import data_dir, read_document

Weights = Mapping[str, float]
_NEEDS = {"working_capital": 94.0, "equipment": 3.0, "hedging": 2.0, "outward_investment": 1.0}


@dataclass(frozen=True)
class Archetype:
    """One kind of firm. goods: names; revenue: median and spread in CNY; shares of revenue.

    needs: purposes by weight. insured: chance of a credit insurance policy.
    """

    id: str
    share: float
    goods: Mapping[str, str]
    directions: tuple[str, ...]
    industries: Weights
    hs: Weights
    routes: Weights
    methods: Weights
    stages: Weights
    needs: Weights
    revenue: Mapping[str, float]
    revenue_per_head: float
    assets_share: float
    trade_share: float
    insured: float
    traits: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """What a firm with all the tags answers or holds; more: the other columns of the table."""

    name: str
    when: frozenset[str]
    more: Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """Everything a draw looks up. day: the day the profiles are made for."""

    day: datetime.date
    archetypes: Mapping[str, Archetype]
    shares: Weights
    routes: Mapping[str, Mapping[str, Any]]
    incoterms: Mapping[str, Mapping[str, Weights]]
    carriage: Mapping[str, Weights]
    regions: Mapping[str, Mapping[str, Any]]
    region_weights: Weights
    answers: tuple[Line, ...]
    papers: tuple[Line, ...]


@lru_cache(maxsize=1)
def world() -> World:
    """The packaged tables."""
    folder = data_dir() / "simulation"
    raw = read_document(folder / "archetypes.yaml")
    kinds = {row["id"]: _archetype(row) for row in raw["archetypes"]}
    regions = {row["code"]: row for row in raw["regions"]}
    return World(
        day=raw["as_of"],
        archetypes=kinds,
        shares={kind.id: kind.share for kind in kinds.values()},
        routes=raw["routes"],
        incoterms=raw["incoterms"],
        carriage=raw["papers"],
        regions=regions,
        region_weights={code: row["weight"] for code, row in regions.items()},
        answers=_lines(read_document(folder / "answers.yaml")["answers"], "fact"),
        papers=_lines(read_document(folder / "papers.yaml")["papers"], "type"),
    )


def _archetype(row: Mapping[str, Any]) -> Archetype:
    lists = {name: tuple(row[name]) for name in ("directions", "traits")}
    return Archetype(**{**row, **lists, "needs": row.get("needs", _NEEDS)})


def _lines(rows: list[dict[str, Any]], key: str) -> tuple[Line, ...]:
    return tuple(
        Line(row[key], frozenset(row.get("when", ())), {k: row[k] for k in row if k != key})
        for row in rows
    )
