"""Whole made-up profiles, one after another from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stdnum.cn import uscc

from recommender.simulation.answers import facts
from recommender.simulation.draws import Draws
from recommender.simulation.firm import Firm, draw, need, trade
from recommender.simulation.holdings import (
    collateral,
    facilities,
    insurance,
    papers,
    positions,
)
from recommender.simulation.world import world
from recommender.texts import LANGUAGES, text

UNKNOWN = 0.35
_KEPT = ("id", "synthetic", "name_zh", "name_en", "uscc", "consents")
_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def companies(count: int, seed: int, unknown: float = UNKNOWN) -> Iterator[dict[str, Any]]:
    """The first `count` companies of a seed; see `company`."""
    return (company(seed, number, unknown) for number in range(count))


def company(seed: int, number: int, unknown: float = UNKNOWN) -> dict[str, Any]:
    """One made-up company as plain values, `synthetic: true`.

    It depends on seed and number alone, not on how many are drawn. unknown: chance of each answer
    and field to be left out; 0 gives the complete profile, and any other share gives parts of
    that same profile.
    """
    full = _complete(Draws("company", seed, number), seed, number)
    return full if unknown <= 0 else _partly(full, Draws("unknown", seed, number), unknown)


def _complete(draws: Draws, seed: int, number: int) -> dict[str, Any]:
    tables = world()
    firm = draw(tables, draws)
    held = papers(tables, firm)
    zone = tables.regions[firm.region].get("zone")
    profile = {
        "id": f"sim-{seed}-{number:06d}",
        "synthetic": True,
        **_names(firm, number),
        "uscc": code(number),
        "registered_province": firm.region,
        **({"special_zone": zone} if zone and draws.yes(0.4) else {}),
        "industry": firm.industry,
        "ownership": firm.ownership,
        "staff": firm.staff,
        "revenue_cny": firm.revenue,
        "total_assets_cny": firm.assets,
        "years_operating": firm.years,
        "trade": trade(firm),
        "need": need(firm),
        "collateral": collateral(firm),
        "facilities": facilities(firm),
        "insurance": insurance(firm),
        "documents": held,
        "positions": positions(firm),
    }
    profile["facts"] = facts(tables, firm, profile)
    profile["consents"] = {"contact": draws.yes(0.8), "data_use": ["matching"]}
    return profile


def _names(firm: Firm, number: int) -> dict[str, str]:
    key, shown = f"simulation.name.{firm.kind.directions[0]}", f"{number + 1:06d}"
    goods = firm.kind.goods
    return {
        f"name_{language}": text(key, language, goods=goods[language], number=shown)
        for language in LANGUAGES
    }


def code(number: int) -> str:
    """A credit code of the unassigned region 99 with a right check digit, one for each number.

    >>> code(0)
    '91990000MA00000008'
    """
    digits = ""
    for _ in range(7):
        number, rest = divmod(number, len(_SIGNS))
        digits = _SIGNS[rest] + digits
    body = f"91990000MA{digits}"
    return f"{body}{uscc.calc_check_digit(body)}"


def _partly(full: dict[str, Any], draws: Draws, unknown: float) -> dict[str, Any]:
    """The profile with some of it not known: whole fields, parts of the trade and need, answers."""
    found = {}
    for name, value in full.items():
        if name in ("trade", "need", "facts"):
            found[name] = {key: part for key, part in value.items() if not draws.yes(unknown)}
        elif name in _KEPT or not draws.yes(unknown):
            found[name] = value
    return found
