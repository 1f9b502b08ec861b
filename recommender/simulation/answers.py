"""How a made-up firm answers the questions of the catalogue: the tables, and a few figures."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from recommender.simulation.draws import figure
from recommender.simulation.firm import PRICES, USD, Firm
from recommender.simulation.holdings import REBATE
from recommender.simulation.world import Line, World


def facts(world: World, firm: Firm, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Answers by fact id; what does not arise is left out. Banks' and lists' have their source."""
    found: dict[str, Any] = {}
    known = {**profile, "answers": found}
    for line in world.answers:
        if line.name in found or not firm.tags >= line.when:
            continue
        value = _answer(line, firm, known)
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


def _foreign_debt(firm: Firm, _: Mapping[str, Any]) -> int:
    owes = firm.draws.yes(0.25 if firm.has("big") else 0.01)
    return figure(firm.revenue / USD * firm.draws.between(0.02, 0.2)) if owes else 0


def _of_foreign_debt(firm: Firm, profile: Mapping[str, Any]) -> int:
    owed = profile["answers"]["foreign_debt_outstanding_usd"]
    return figure(owed * firm.draws.item((0, 0.5, 1)))


def _wc_loans(_: Firm, profile: Mapping[str, Any]) -> int:
    return figure(sum(row["drawn"] * PRICES[row["currency"]] for row in profile["facilities"]))


def _guarantees(firm: Firm, _: Mapping[str, Any]) -> int:
    return figure(firm.assets * firm.draws.between(0.05, 0.5)) if firm.draws.yes(0.1) else 0


def _latest_shipment(firm: Firm, profile: Mapping[str, Any]) -> str:
    day = datetime.date.fromisoformat(profile["need"]["date"])
    return (day + datetime.timedelta(days=firm.draws.whole(5, 100))).isoformat()


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
    "lc_latest_shipment": _latest_shipment,
    "packing": _packing,
    "foreign_debt": _foreign_debt,
    "foreign_debt_short": _of_foreign_debt,
    "foreign_debt_fx": _of_foreign_debt,
    "profit_margin": lambda firm, _: firm.draws.whole(2, 20),
    "sales_growth": lambda firm, _: firm.draws.whole(-10, 40),
    "turns": lambda firm, _: firm.draws.item((1.5, 2, 3, 4, 5, 6)),
    "own_funds": lambda firm, _: figure(firm.assets * firm.draws.between(0.05, 0.4)),
    "wc_loans": _wc_loans,
    "guarantees_given": _guarantees,
}
