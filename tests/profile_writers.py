"""Values written into a profile, for every field that rules ask."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from copy import deepcopy
from math import ceil
from typing import Any

from recommender import Catalogue
from recommender.tables import data_dir, read_document

DAY = "2026-11-23"

CATALOGUE = Catalogue.load()

FACTS = CATALOGUE.facts

SAMPLE = read_document(data_dir() / "samples" / "electronics_insured_exporter.yaml")

BASE = {name: part for name, part in SAMPLE.items() if name != "uscc"}

Raw = dict[str, Any]

FIRMS = {
    "micro": {"industry": "C35", "staff": 5, "revenue_cny": 1_000_000},
    "small": {"industry": "C35", "staff": 45, "revenue_cny": 38_000_000},
    "medium": {"industry": "C35", "staff": 400, "revenue_cny": 150_000_000},
    "large": {"industry": "C35", "staff": 2_000, "revenue_cny": 900_000_000},
}

NO_FIRM = dict.fromkeys(FIRMS["micro"])


def position(token: str) -> Raw:
    currency, _, bucket = token.partition(":")
    flows = {"payables": 0, "fx_debt": 0, "bought": 0, "sold": 0, "documented": True}
    return {"currency": currency, "bucket": bucket, "receipts": 100_000, **flows}


def receivable(currency: str) -> Raw:
    item = {"type": "export_receivable", "trade": "S1", "value": 100_000, "senior_claim": 0}
    return {**item, "currency": currency}


def paper(token: str) -> Raw:
    kind, _, issuer = token.partition(":")
    return {"type": kind, **({"issuer": issuer} if issuer else {})}


def amount_needed(value: float | None) -> Raw:
    return {"need": {"amount": value, "currency": "CNY"}}


def open_gap(value: float | None) -> Raw:
    """A deposit of 1,000 counts in full; the gap is what is needed beyond it."""
    deposit = {"type": "deposit_cny", "value": 1_000, "currency": "CNY", "senior_claim": 0}
    need = amount_needed(None if value is None else value + 1_000)
    return {**need, "collateral": [deposit], "insurance": []}


def searched(days: int | None) -> Raw:
    """The register was searched so many days before the day of the answer."""
    day = None if days is None else datetime.date.fromisoformat(DAY) - datetime.timedelta(days)
    return {"facts": {"crc_search_date": plain(day)}}


QUOTA = 10_000_000

SALES = BASE["revenue_cny"]

PER_NET_ASSET = (
    2 * 1.75 / 6.7758 / 1.5
)  # leverage, parameter, CNY per USD, weight of a long USD loan


def quota_left(room: float | None) -> Raw:
    owed = None if room is None else QUOTA - room
    return {"facts": {"innovation_points_selected": False, "foreign_debt_outstanding_usd": owed}}


def debt_room(room: float | None) -> Raw:
    """No foreign debt yet and net assets that carry the room, to the next yuan above."""
    assets = None if room is None else ceil(room / PER_NET_ASSET)
    facts = {"net_assets_cny": assets, "foreign_debt_outstanding_usd": 0}
    return {"facts": facts, "need": {"currency": "USD", "tenor_days": 700}}


def working_capital(ceiling: float | None) -> Raw:
    """No margin, no growth, one turn, no loans: sales less own funds is the ceiling."""
    own = None if ceiling is None else SALES - ceiling
    whole = dict.fromkeys(("profit_margin_pct", "sales_growth_pct", "existing_wc_loans_cny"), 0)
    return {"facts": {**whole, "working_capital_turns": 1, "own_funds_cny": own}}


RELATED = {"all": [True], "some": [True, False], "none": [False]}


def counterparties(tokens: list[str] | None) -> Raw:
    ties = RELATED[tokens[0]] if tokens else []
    named = [{"country": "SG", "share_pct": 100 / len(ties), "related": tie} for tie in ties]
    return {"trade": {"buyers": named if tokens else None}}


def receivables(tokens: list[str] | None) -> Raw:
    """Receivables as collateral; flows of positions would count too, so there are none."""
    if tokens is None:
        return {"collateral": None, "positions": None}
    return {"collateral": [receivable(token) for token in tokens], "positions": []}


def listed(place: str, item: Callable[[str], Raw]) -> Callable[[Any], Raw]:
    return lambda tokens: {place: None if tokens is None else [item(token) for token in tokens]}


WRITERS: dict[str, Callable[[Any], Raw]] = {
    "need_cny": amount_needed,
    "collateral_gap_cny": open_gap,
    "size_class": lambda tokens: FIRMS[tokens[0]] if tokens else NO_FIRM,
    "documents": listed("documents", paper),
    "document_issuers": listed("documents", paper),
    "documented_positions": listed("positions", position),
    "receivable_currencies": receivables,
    "insurance": lambda _: {"insurance": None},
    "need_usd": lambda value: {"need": {"amount": value, "currency": "USD"}},
    "register_search_days": searched,
    "self_borrow_room_usd": quota_left,
    "foreign_debt_room_usd": debt_room,
    "wc_ceiling_cny": working_capital,
    "related_buyers": counterparties,
}

RECORDS = ("need", "trade", "facts")

LISTS = ("trade.directions", "trade.hs", "trade.incoterms", "trade.settlement_methods")


def write(raw: Raw, name: str, value: Any) -> None:
    """Set a field or fact; what would imply the fact is made unknown, so that it stands alone."""
    if name in FACTS:
        for implication in FACTS[name].implied_by:
            write(raw, implication.f, None)
        stated = value[0] if isinstance(value, list) else value
        raw["facts"] = {
            **raw["facts"],
            name: {"value": stated, "source": FACTS[name].asked_of},
        }
    elif name in WRITERS:
        for place, part in deepcopy(WRITERS[name](value)).items():
            raw[place] = {**raw[place], **part} if place in RECORDS else part
    else:
        *above, last = name.split(".")
        node = raw[above[0]] if above else raw
        node[last] = value[0] if isinstance(value, list) and name not in LISTS else value


def plain(value: Any) -> Any:
    """A value as a file has it: days as text, whole numbers without a point."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value
