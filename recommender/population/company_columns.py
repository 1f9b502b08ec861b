"""A company as one row of a table: which columns there are, and how their cells are read.

The columns follow from the models of the profile and of the relationship: a new field is a new
column. A part of a record is a column of its own (`trade.hs`), a list of records is JSON in one
cell, and `profile` may hold the whole profile as JSON instead.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from recommender.catalogue import cells
from recommender.catalogue.columns import Column, columns_of, model_of, nested
from recommender.catalogue.product import FactDefinition
from recommender.company.profile import Company
from recommender.company.relationship import Relationship
from recommender.errors import Problem
from recommender.records import Record, handy, unknown_field

PROFILE, FACTS = "profile", "facts"
FACT = f"{FACTS}."
Facts = Mapping[str, FactDefinition]


@dataclass(frozen=True)
class CompanyColumn:
    """One column. short: the one required field of a list of records, which may be given alone.

    kind: of `recommender.catalogue.columns`, or `records` for JSON.
    """

    name: str
    kind: str
    cell: Column | None = None
    short: str | None = None

    def read(self, raw: Any) -> Any:
        """The value of a cell that is not empty; raises ValueError for JSON that is none."""
        if isinstance(raw, (list, dict)):
            return raw
        if self.cell is not None:
            return cells.read(raw, self.cell)
        text = str(raw).strip()
        if self.short and text[:1] not in ("[", "{"):
            listed = cells.read(text, Column(self.name, "list"))
            return [{self.short: item} for item in listed or ()]
        return orjson.loads(text)


@lru_cache(maxsize=1)
def relationship_columns() -> Mapping[str, CompanyColumn]:
    """Columns of what the bank knows beside the profile."""
    return {c.name: CompanyColumn(c.name, c.kind, c) for c in columns_of(Relationship)}


@lru_cache(maxsize=1)
def profile_columns() -> Mapping[str, CompanyColumn]:
    """Columns of the profile, in the order of its fields."""
    return {column.name: column for column in _walk(Company)}


def _walk(model: type[Record], before: str = "") -> Iterator[CompanyColumn]:
    plain = {column.name: column for column in columns_of(model)}
    for name, field in model.model_fields.items():
        inner = nested(field.annotation)
        if inner is not None:
            item = None if name == FACTS else model_of(inner)
            needed = [n for n, f in item.model_fields.items() if f.is_required()] if item else []
            yield CompanyColumn(f"{before}{name}", "records", short=_only(needed))
        elif (part := model_of(field.annotation)) is not None:
            yield from _walk(part, f"{before}{name}.")
        else:
            yield CompanyColumn(f"{before}{name}", plain[name].kind, plain[name])


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def read_row(
    row: Mapping[str, Any], facts: Facts
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Profile and relationship of a row as plain values, and the cells that cannot be read.

    row: cells by header; None and blank text are not known. facts: the catalogue's dictionary.
    """
    profile: dict[str, Any] = {}
    relation: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, raw in row.items():
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            continue
        try:
            _place(profile, relation, name, raw, facts)
        except KeyError:
            problems.append(unknown_field(name, column_names(), name))
        except (TypeError, ValueError, orjson.JSONDecodeError):
            problems.append(Problem("not_record", name, handy(raw)))
    return profile, relation, problems


def _place(
    profile: dict[str, Any], relation: dict[str, Any], name: str, raw: Any, facts: Facts
) -> None:
    """Put one cell where it belongs; raises KeyError for a column that there is not."""
    if name in relationship_columns():
        relation[name] = relationship_columns()[name].read(raw)
    elif name == PROFILE:
        _merge(profile, raw if isinstance(raw, dict) else _record(orjson.loads(str(raw))))
    elif name.startswith(FACT):
        fact = name.removeprefix(FACT)
        kind = facts[fact].type if fact in facts else None
        profile.setdefault(FACTS, {})[fact] = cells.answered(_plain(raw), kind)
    else:
        value = profile_columns()[name].read(raw)
        *way, last = name.split(".")
        inner = profile
        for part in way:
            inner = inner.setdefault(part, {})
        if isinstance(inner.get(last), dict) and isinstance(value, dict):
            _merge(inner[last], value)
        else:
            inner[last] = value


def _record(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(type(value).__name__)
    return value


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add values; a record within is joined with the one that is there."""
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _plain(raw: Any) -> Any:
    return raw.isoformat() if isinstance(raw, datetime.date) else raw


def column_names() -> list[str]:
    """Every column that a table of companies may have; `facts.` and an id are one each, too."""
    return [*profile_columns(), PROFILE, *relationship_columns()]


def split(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Profile and relationship of a line of JSON that holds both side by side."""
    own = relationship_columns()
    profile = {name: value for name, value in raw.items() if name not in own}
    return profile, {name: raw[name] for name in own if name in raw}
