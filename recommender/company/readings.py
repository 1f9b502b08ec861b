"""What a profile says, read as numbers, days and sets of codes: one function for each field.

A set knows what it holds and what it may hold: an unknown list may hold anything, HS 87 may be
8703.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

from recommender import codes
from recommender.company.collateral import CAPS
from recommender.company.derived import Derived, receivable_currencies
from recommender.company.profile import Company, Insurance, Need, Trade
from recommender.records import day_of
from recommender.vocabulary import Issuer

Number = Decimal | float | int | None
SEARCHED = "crc_search_date"


@dataclass(frozen=True)
class Codes:
    """A set of codes: `has` for certain, `may` possibly; may None: anything is possible."""

    has: tuple[str, ...] = ()
    may: tuple[str, ...] | None = ()


UNKNOWN = Codes((), None)
Value = Number | datetime.date | Codes
Reader = Callable[["Profile"], Value]


@dataclass(frozen=True)
class Profile:
    """A company with its computed figures at a day: what fields are read from."""

    company: Company
    derived: Derived
    as_of: datetime.date

    @property
    def trade(self) -> Trade:
        """The trade, all unknown when absent."""
        return self.company.trade or _NO_TRADE

    @property
    def need(self) -> Need:
        """The need, all unknown when absent."""
        return self.company.need or _NO_NEED


_NO_TRADE, _NO_NEED = Trade(), Need()


def known(values: Iterable[str] | None) -> Codes:
    """Distinct codes in one order; None: anything is possible."""
    return UNKNOWN if values is None else Codes(tuple(sorted(set(values))))


def one(value: str | None) -> Codes:
    """One code; None: any."""
    return UNKNOWN if value is None else Codes((value,))


def modes(p: Profile) -> Codes:
    """Modes of transport of the routes."""
    routes = p.trade.routes
    return known(None if routes is None else (route.mode for route in routes))


def province(p: Profile) -> Codes:
    """The place of registration: as stated, else as the company code says."""
    company = p.company
    if company.registered_province is not None:
        return Codes((company.registered_province,))
    stated = codes.uscc_facts(company.uscc)["registered_province"] if company.uscc else None
    return one(stated)


def papers(p: Profile) -> Codes:
    """Types of the papers held."""
    papers = p.company.documents
    return known(None if papers is None else (paper.type for paper in papers))


def issued_papers(p: Profile) -> Codes:
    """Papers with their issuer; one without may be of any."""
    papers = p.company.documents
    if papers is None:
        return UNKNOWN
    has = {f"{paper.type}:{paper.issuer}" for paper in papers if paper.issuer}
    open_types = {paper.type for paper in papers if paper.issuer is None}
    may = {f"{kind}:{issuer}" for kind in open_types for issuer in get_args(Issuer)}
    return Codes(tuple(sorted(has)), tuple(sorted(may)))


def pledges(p: Profile) -> Codes:
    """Types of the collateral offered."""
    items = p.company.collateral
    return known(None if items is None else (item.type for item in items))


def open_positions(p: Profile) -> Codes:
    """Currency and bucket of every documented position that own hedges leave open.

    A position closed in full, or turned over by hedges, is not open: there is nothing to hedge.
    """
    if p.company.positions is None:
        return UNKNOWN
    has, may = [], []
    for position in p.derived.positions:
        token = f"{position.currency}:{position.bucket}"
        if position.documented is None or position.before_hedges is None:
            may.append(token)
        elif position.documented * position.before_hedges > 0:
            has.append(token)
    return Codes(tuple(sorted(has)), tuple(sorted(may)))


def receivable_currencies_of(p: Profile) -> Codes:
    """Currencies of receivables and receipts."""
    has, may = receivable_currencies(p.company)
    return Codes(tuple(sorted(has)), None if may is None else tuple(sorted(may)))


def insured(p: Profile) -> Codes:
    """What the credit insurance says of the trade: in force, declared and paid, limit free."""
    rows = p.company.insurance
    if rows is None:
        return UNKNOWN
    stated = [(name, test(row)) for row in rows for name, test in _INSURED.items()]
    has = {name for name, answer in stated if answer}
    may = {name for name, answer in stated if answer is None}
    return Codes(tuple(sorted(has)), tuple(sorted(may)))


def _declared_and_paid(row: Insurance) -> bool | None:
    if row.declared == 0 or row.premium_paid is False:
        return False
    return None if row.declared is None or row.premium_paid is None else True


_INSURED: Mapping[str, Callable[[Insurance], bool | None]] = {
    "in_force": lambda _: True,
    "declared_and_paid": _declared_and_paid,
    "limit_free": lambda row: None if row.free_limit is None else row.free_limit > 0,
}


def size(p: Profile) -> Codes:
    """The size class."""
    value = p.derived.size_class.value
    return one(None if value is None else str(value))


def gap(p: Profile) -> Number:
    """Unknown where nothing is open as far as known, but what is not known may open a gap."""
    gap = p.derived.collateral_gap.number
    return None if gap == 0 and _may_cover_less(p.company) else gap


def _may_cover_less(company: Company) -> bool:
    families = {codes.collateral_type(item.type).family for item in company.collateral or ()}
    known = {name for name, fact in (company.facts or {}).items() if fact.value is not None}
    uncapped = "insured_receivable" in families and not known.issuperset(CAPS)
    unranked = any(
        item.senior_claim is None and codes.collateral_type(item.type).family == "guarantee"
        for item in company.collateral or ()
    )
    undirected = bool(families) and (company.trade is None or company.trade.directions is None)
    return uncapped or unranked or undirected


def related_buyers(p: Profile) -> Codes:
    """Whether all, some or none of the counterparties are related; none named: no code.

    Certain where shares of the named ones make up the whole; else there are others, not known.
    """
    buyers = p.trade.buyers
    if buyers is None:
        return UNKNOWN
    said = {buyer.related for buyer in buyers}
    shares = [buyer.share_pct for buyer in buyers]
    if buyers and (None in shares or sum(share or 0 for share in shares) < 100):
        said.add(None)
    rest = said - {None}
    if rest == said:
        return Codes(_share_related(rest))
    may = {_share_related(rest | more)[0] for more in ({True}, {False}, {True, False})}
    return Codes((), tuple(sorted(may))) if len(may) > 1 else Codes(tuple(may))


def _share_related(said: set[bool | None]) -> tuple[str, ...]:
    if not said:
        return ()
    return ("some",) if len(said) > 1 else ("all",) if True in said else ("none",)


def search_days(p: Profile) -> Number:
    """Days since the register was searched; a search that lies ahead is not known."""
    stated = (p.company.facts or {}).get(SEARCHED)
    day = day_of(stated.value) if stated is not None else None
    return None if day is None or day > p.as_of else (p.as_of - day).days


def room(name: str) -> Reader:
    """Reads one of the rooms and ceilings by name."""
    return lambda p: p.derived.headroom[name].number
