"""What a company would have to say for an open rule to be answered."""

from __future__ import annotations

from collections.abc import Sequence

from recommender.company.readings import SEARCHED, Codes
from recommender.matching.matcher import Case


def open_fields(case: Case, names: Sequence[str]) -> list[str]:
    """Of the fields an open rule looks at, those that would answer it, as the questions name them.

    A computed field is traced to what the company says.
    """
    names = [name for name in names if is_open(case, name)] or names
    return list(dict.fromkeys(base for name in names for base in base_fields(case, name)))


def is_open(case: Case, name: str) -> bool:
    """Whether a field or fact is not, or only partly, known."""
    value = case.row.get(name)
    return (value.may is None or bool(value.may)) if isinstance(value, Codes) else value is None


def base_fields(case: Case, name: str) -> list[str]:
    """A computed field traced to what the company says; others are themselves."""
    if name == "receivable_currencies":
        unstated = [part for part in _RECEIVABLES if getattr(case.company, part) is None]
        return unstated or list(_RECEIVABLES)
    if name in _FIGURES or name in case.derived.headroom:
        rooms = case.derived.headroom
        figure = rooms[name] if name in rooms else getattr(case.derived, _FIGURES[name])
        missing = figure.missing or _undirected(case, name)
        return list(dict.fromkeys(map(_top, missing))) or [_BASES.get(name, name)]
    return [_BASES.get(name, name)]


def _undirected(case: Case, name: str) -> tuple[str, ...]:
    """What a gap that is closed as far as known hangs on: whom a product serves."""
    known = case.profile.trade.directions is not None or not case.company.collateral
    return () if known or name != "collateral_gap_cny" else ("trade.directions",)


_FIGURES = {
    "size_class": "size_class",
    "need_cny": "need",
    "collateral_gap_cny": "collateral_gap",
}
_BASES = {
    "document_issuers": "documents",
    "documented_positions": "positions",
    "collateral_gap_cny": "collateral",
    "related_buyers": "trade.buyers",
    "register_search_days": SEARCHED,
}
_RECEIVABLES = ("collateral", "positions")


def _top(part: str) -> str:
    return part.split("[")[0].split(".")[0] if "[" in part or part.startswith("rates") else part
