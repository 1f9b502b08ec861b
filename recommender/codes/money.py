"""ISO 4217 currencies, and the types of collateral with their families."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

from recommender.codes import reference
from recommender.errors import Problem
from recommender.texts import Label


def currency_problem(code: str) -> Problem | None:
    """An active ISO 4217 code of a currency: no metals, no CNH. Error: currency_unknown."""
    if code in reference.by_code("currencies.csv"):
        return None
    near = reference.near_iso("currencies.csv", code, ("name_zh", "name_en"))
    return reference.problem("currency_unknown", code, near, currency_label)


def currency_label(code: str) -> Label:
    """Name of a currency; its code in Chinese where the table has no Chinese name."""
    record = reference.by_code("currencies.csv").get(code)
    return Label(record["name_zh"] or code, record["name_en"]) if record else reference.itself(code)


def minor_unit(code: str) -> int:
    """Decimals of a currency (VND 0, CNY 2, KWD 3); KeyError for an unknown code."""
    return int(reference.by_code("currencies.csv")[code]["minor_unit"])


@dataclass(frozen=True)
class CollateralType:
    """A kind of collateral; a type that does not count controls repayment but covers nothing.

    needs_control: goods that cover only while a document of title or control is held.
    """

    type: str
    family: str
    label: Label
    counts_in_coverage: bool
    needs_control: bool


@lru_cache(maxsize=1)
def collateral_types() -> tuple[CollateralType, ...]:
    """Every type, in the order of the table."""
    return tuple(
        CollateralType(
            record["type"],
            record["family"],
            Label(record["label_zh"], record["label_en"]),
            record["counts_in_coverage"] == "true",
            record["needs_control"] == "true",
        )
        for record in reference.records("collateral_types.csv")
    )


def collateral_type(type_id: str) -> CollateralType:
    """One type by its id; KeyError for an unknown one."""
    return _by_type()[type_id]


@lru_cache(maxsize=1)
def _by_type() -> dict[str, CollateralType]:
    return {kind.type: kind for kind in collateral_types()}


def collateral_type_problem(type_id: str) -> Problem | None:
    """An id of the table. Error: collateral_unknown, which lists them all."""
    types = [kind.type for kind in collateral_types()]
    if type_id in types:
        return None
    near = reference.named("collateral_types.csv", type_id, ("label_zh", "label_en"))
    near = near or get_close_matches(reference.tidy(type_id).lower(), types, 3, 0.7)
    found = reference.problem(
        "collateral_unknown", type_id, near, lambda c: collateral_type(c).label
    )
    return replace(found, allowed=types)
