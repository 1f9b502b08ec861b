"""The fields of a profile that rules and similarities may use, beside the catalogue's facts.

A field is a number, a day, or a set of codes. A set knows what it holds and what it may hold: an
unknown list may hold anything, HS 87 may be 8703. Adding a field is one entry in FIELDS.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal, get_args

from recommender import codes
from recommender.collateral import CAPS
from recommender.derived import Derived, receivable_currencies
from recommender.domain import Company, Insurance, Need, Trade
from recommender.headroom import RESTS_ON
from recommender.records import day_of
from recommender.texts import Label, label
from recommender.vocabulary import Changeable, Issuer

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


@dataclass(frozen=True)
class ProfileField:
    """One field.

    kind: `number`, `day` or `codes`; matching: codes are equal, or one is a prefix of the other.
    changeable: who can change it; a change is shown only for `company` and `third_party`.
    code_label: label of one of its codes. parts: the top-level parts of the profile it is computed
    from, where it is not a part itself; facts: numbers of the dictionary among them.
    """

    id: str
    kind: Literal["number", "day", "codes"]
    read: Reader
    unit: str = ""
    matching: Literal["equal", "prefix"] = "equal"
    changeable: Changeable = "no"
    single: bool = False
    code_label: Callable[[str], Label] | None = None
    parts: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The top-level parts of the profile that decide it."""
        return self.parts or (self.id.split(".")[0],)

    @property
    def name(self) -> Label:
        """Label in both languages."""
        return label(f"field.{self.id}")


def _known(values: Iterable[str] | None) -> Codes:
    return UNKNOWN if values is None else Codes(tuple(sorted(set(values))))


def _one(value: str | None) -> Codes:
    return UNKNOWN if value is None else Codes((value,))


def _worded(section: str) -> Callable[[str], Label]:
    return lambda code: label(f"{section}.{code}")


def _modes(p: Profile) -> Codes:
    routes = p.trade.routes
    return _known(None if routes is None else (route.mode for route in routes))


def _province(p: Profile) -> Codes:
    company = p.company
    if company.registered_province is not None:
        return Codes((company.registered_province,))
    stated = codes.uscc_facts(company.uscc)["registered_province"] if company.uscc else None
    return _one(stated)


def _papers(p: Profile) -> Codes:
    papers = p.company.documents
    return _known(None if papers is None else (paper.type for paper in papers))


def _issued_papers(p: Profile) -> Codes:
    papers = p.company.documents
    if papers is None:
        return UNKNOWN
    has = {f"{paper.type}:{paper.issuer}" for paper in papers if paper.issuer}
    open_types = {paper.type for paper in papers if paper.issuer is None}
    may = {f"{kind}:{issuer}" for kind in open_types for issuer in get_args(Issuer)}
    return Codes(tuple(sorted(has)), tuple(sorted(may)))


def _pledges(p: Profile) -> Codes:
    items = p.company.collateral
    return _known(None if items is None else (item.type for item in items))


def _open_positions(p: Profile) -> Codes:
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


def _receivable_currencies(p: Profile) -> Codes:
    has, may = receivable_currencies(p.company)
    return Codes(tuple(sorted(has)), None if may is None else tuple(sorted(may)))


def _insured(p: Profile) -> Codes:
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


def _size(p: Profile) -> Codes:
    value = p.derived.size_class.value
    return _one(None if value is None else str(value))


def _gap(p: Profile) -> Number:
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


def _related_buyers(p: Profile) -> Codes:
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


def _search_days(p: Profile) -> Number:
    """Days since the register was searched; a search that lies ahead is not known."""
    stated = (p.company.facts or {}).get(SEARCHED)
    day = day_of(stated.value) if stated is not None else None
    return None if day is None or day > p.as_of else (p.as_of - day).days


def _room(name: str) -> Reader:
    return lambda p: p.derived.headroom[name].number


def _currency_label(token: str) -> Label:
    currency, _, bucket = token.partition(":")
    name, span = codes.currency_label(currency), label(f"bucket.{bucket}")
    return Label(f"{name.zh} {span.zh}", f"{currency} {span.en}")


FIELDS: tuple[ProfileField, ...] = (
    ProfileField("as_of", "day", lambda p: p.as_of),
    ProfileField(
        "trade.directions",
        "codes",
        lambda p: _known(p.trade.directions),
        code_label=_worded("direction"),
    ),
    ProfileField("trade.routes", "codes", _modes, code_label=_worded("mode"), changeable="company"),
    ProfileField(
        "trade.hs",
        "codes",
        lambda p: _known(p.trade.hs),
        matching="prefix",
        code_label=codes.hs_label,
    ),
    ProfileField(
        "trade.incoterms",
        "codes",
        lambda p: _known(p.trade.incoterms),
        code_label=_worded("incoterm"),
        changeable="third_party",
    ),
    ProfileField(
        "trade.settlement_methods",
        "codes",
        lambda p: _known(p.trade.settlement_methods),
        code_label=_worded("settlement_method"),
        changeable="third_party",
    ),
    ProfileField(
        "trade.stage",
        "codes",
        lambda p: _one(p.trade.stage),
        single=True,
        code_label=_worded("stage"),
    ),
    ProfileField(
        "trade.payment_term_days",
        "number",
        lambda p: p.trade.payment_term_days,
        "days",
        changeable="third_party",
    ),
    ProfileField("trade.export_12m_usd", "number", lambda p: p.trade.export_12m_usd, "USD"),
    ProfileField("trade.import_12m_usd", "number", lambda p: p.trade.import_12m_usd, "USD"),
    ProfileField(
        "trade.corridor_shipments_12m",
        "number",
        lambda p: p.trade.corridor_shipments_12m,
        "shipments",
        changeable="company",
    ),
    ProfileField(
        "registered_province",
        "codes",
        _province,
        matching="prefix",
        single=True,
        code_label=codes.division_label,
        parts=("registered_province", "uscc"),
    ),
    ProfileField("special_zone", "codes", lambda p: _one(p.company.special_zone), single=True),
    ProfileField(
        "industry",
        "codes",
        lambda p: _one(p.company.industry),
        matching="prefix",
        single=True,
        code_label=codes.industry_label,
    ),
    ProfileField(
        "ownership",
        "codes",
        lambda p: _one(p.company.ownership),
        single=True,
        code_label=_worded("ownership"),
    ),
    ProfileField("staff", "number", lambda p: p.company.staff, "persons"),
    ProfileField("revenue_cny", "number", lambda p: p.company.revenue_cny, "CNY"),
    ProfileField("total_assets_cny", "number", lambda p: p.company.total_assets_cny, "CNY"),
    ProfileField("years_operating", "number", lambda p: p.company.years_operating, "years"),
    ProfileField(
        "need.currency",
        "codes",
        lambda p: _one(p.need.currency),
        single=True,
        changeable="company",
        code_label=codes.currency_label,
    ),
    ProfileField(
        "need.tenor_days", "number", lambda p: p.need.tenor_days, "days", changeable="company"
    ),
    ProfileField("need.date", "day", lambda p: p.need.date, changeable="company"),
    ProfileField(
        "need.purpose",
        "codes",
        lambda p: _one(p.need.purpose),
        single=True,
        code_label=_worded("purpose"),
    ),
    ProfileField("documents", "codes", _papers),
    ProfileField("document_issuers", "codes", _issued_papers, parts=("documents",)),
    ProfileField(
        "collateral", "codes", _pledges, code_label=lambda kind: codes.collateral_type(kind).label
    ),
    ProfileField("insurance", "codes", _insured, code_label=_worded("insured")),
    ProfileField(
        "size_class",
        "codes",
        _size,
        single=True,
        code_label=_worded("size_class"),
        parts=("industry", "staff", "revenue_cny", "total_assets_cny"),
    ),
    ProfileField(
        "need_cny",
        "number",
        lambda p: p.derived.need.number,
        "CNY",
        changeable="company",
        parts=("need",),
    ),
    ProfileField(
        "collateral_gap_cny",
        "number",
        _gap,
        "CNY",
        parts=("need", "collateral", "documents", "insurance", "facts", "trade"),
    ),
    ProfileField(
        "documented_positions",
        "codes",
        _open_positions,
        code_label=_currency_label,
        parts=("positions",),
    ),
    ProfileField(
        "receivable_currencies",
        "codes",
        _receivable_currencies,
        code_label=codes.currency_label,
        parts=("collateral", "positions"),
    ),
    ProfileField(
        "related_buyers",
        "codes",
        _related_buyers,
        single=True,
        code_label=_worded("related"),
        parts=("trade",),
    ),
    ProfileField(
        "register_search_days",
        "number",
        _search_days,
        "days",
        parts=("facts",),
        facts=(SEARCHED,),
    ),
    ProfileField(
        "need_usd",
        "number",
        _room("need_usd"),
        "USD",
        changeable="company",
        parts=("need",),
    ),
    *(
        ProfileField(
            name,
            "number",
            _room(name),
            name[-3:].upper(),
            parts=("need", "revenue_cny", "facts"),
            facts=facts,
        )
        for name, facts in RESTS_ON.items()
    ),
)
BY_ID = {field.id: field for field in FIELDS}


@cache
def read_from(parts: frozenset[str]) -> tuple[ProfileField, ...]:
    """The fields that some top-level parts of the profile decide."""
    return tuple(field for field in FIELDS if not parts.isdisjoint(field.reads))
