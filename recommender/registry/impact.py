"""For which companies a change of the catalogue matters: fits before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.catalogue import Catalogue
from recommender.engine import Engine
from recommender.errors import InvalidProfile
from recommender.matching.pairs import known_to
from recommender.tables import data_dir, read_document

NOWHERE = (None, "ineligible")


@dataclass(frozen=True)
class FitChange:
    """One company and product. before, after: fit; None where the product is not offered."""

    company: str
    product_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Impact:
    """Which companies change fit. total: how many were compared; unread: names of the others."""

    total: int
    changes: tuple[FitChange, ...]
    unread: tuple[str, ...]

    @property
    def companies(self) -> list[str]:
        """The companies that change fit with any product."""
        return list(dict.fromkeys(change.company for change in self.changes))


def sample_companies() -> dict[str, Any]:
    """The made-up profiles that come with the project, by name, as plain values."""
    return {p.stem: read_document(p) for p in sorted((data_dir() / "samples").glob("*.yaml"))}


def impact(
    old: Catalogue, new: Catalogue, companies: Mapping[str, Any], as_of: str | None = None
) -> Impact:
    """Fits of every company with both catalogues, on one day (today by default).

    Facts and papers that a catalogue does not know are not known to it. A product that is not
    offered and one that does not fit are the same to a company.
    """
    engines = Engine(old), Engine(new)
    changes: list[FitChange] = []
    unread: list[str] = []
    for name, raw in companies.items():
        try:
            before, after = (_fits(engine, raw, as_of) for engine in engines)
        except InvalidProfile:
            unread.append(name)
            continue
        for product in sorted(before.keys() | after.keys()):
            pair = before.get(product), after.get(product)
            if pair[0] != pair[1] and not {*pair} <= {*NOWHERE}:
                changes.append(FitChange(name, product, *pair))
    return Impact(len(companies) - len(unread), tuple(changes), tuple(unread))


def _fits(engine: Engine, raw: Mapping[str, Any], as_of: str | None) -> dict[str, str]:
    catalogue = engine.catalogue
    options = engine.options({"as_of": as_of})
    answer = engine.eligibility(engine.read(known_to(catalogue, raw), options.day), options)
    return {product["product_id"]: product["fit"] for product in answer["products"]}
