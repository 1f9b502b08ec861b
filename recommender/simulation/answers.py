"""How a made-up firm answers the questions of the catalogue: the tables, and a few figures."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from recommender.simulation.draws import figure
from recommender.simulation.firm import PRICES, USD, Firm
from recommender.simulation.holdings import REBATE
from recommender.simulation.world import Line, World

QUOTA_USD = 10_000_000


def facts(world: World, firm: Firm, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Answers by fact id; what does not arise is left out. Banks' and lists' have their source."""
    wanted = profile["need"]
    if wanted["amount"] * PRICES[wanted["currency"]] <= QUOTA_USD * USD:
        firm.tags.add("fits_quota")
    found: dict[str, Any] = {}
    for line in world.answers:
        if line.name in found or not firm.tags >= line.when:
            continue
        value = _answer(line, firm, profile)
        found[line.name] = value
        if value is True:
            firm.tags.add(f"yes:{line.name}")
    sources = {line.name: line.more.get("source") for line in world.answers}
    return {
        name: value if sources[name] is None else {"value": value, "source": sources[name]}
        for name, value in found.items()
    }


def _answer(line: Line, firm: Firm, profile: Mapping[str, Any]) -> Any:
    more = line.more
    if "chance" in more:
        return firm.draws.yes(more["chance"])
    if "weights" in more:
        return firm.draws.one(more["weights"])
    return _FIGURES[more["number"]](firm, profile)


def _unfinanced(firm: Firm, _: Mapping[str, Any]) -> int:
    taken = firm.draws.item((0, 0, 0, 0.3, 0.6, 1)) if firm.has("borrower") else 0
    return figure(firm.deal / USD * (1 - taken))


def _overdue(firm: Firm, _: Mapping[str, Any]) -> int:
    return firm.draws.whole(5, 60) if firm.draws.yes(0.08) else 0


def _rebate(firm: Firm, _: Mapping[str, Any]) -> int:
    return figure(firm.traded * REBATE / 6) if firm.has("rebate") else 0


def _packing(firm: Firm, _: Mapping[str, Any]) -> int:
    return figure(firm.deal * 0.6, 2) if firm.has("borrower") and firm.draws.yes(0.15) else 0


def _lc_expiry(firm: Firm, profile: Mapping[str, Any]) -> str:
    day = datetime.date.fromisoformat(profile["need"]["date"])
    return (day + datetime.timedelta(days=firm.draws.whole(20, 150))).isoformat()


def _group_revenue(firm: Firm, _: Mapping[str, Any]) -> int:
    grouped = firm.has("big") or firm.draws.yes(0.05)
    return figure(firm.revenue * firm.draws.between(1.2, 6)) if grouped else firm.revenue


_FIGURES: Mapping[str, Callable[[Firm, Mapping[str, Any]], Any]] = {
    "capital_ratio": lambda firm, _: firm.draws.item((15, 20, 20, 25, 30, 40)),
    "net_assets": lambda firm, _: figure(firm.assets * firm.draws.between(0.25, 0.7)),
    "group_revenue": _group_revenue,
    "lenders": lambda _, profile: len(profile["facilities"]),
    "years_exporting": lambda firm, profile: round(profile["years_operating"] * firm.draws.share()),
    "overdue_days": _overdue,
    "unfinanced_balance": _unfinanced,
    "liability_left": lambda firm, _: figure(firm.deal / USD * firm.draws.between(1, 5)),
    "rebate": _rebate,
    "lc_expiry": _lc_expiry,
    "packing": _packing,
}
