"""Every computed figure of a company, once: size class, coverage, gaps, positions, CNY equivalents.

Pure functions of the profile, the dated parameters and the day. This module is the door to its
neighbours: `figures` (arithmetic, unknowns, rounding), `collateral` and `positions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from recommender import codes
from recommender.company.collateral import (
    Advances,
    Controlled,
    Item,
    Rates,
    always,
    coverage,
    coverage_of,
    guarantees,
    guarantees_of,
    insured_receivable,
    items,
    lendable,
)
from recommender.company.figures import (
    Figure,
    Term,
    cny,
    collateral_gap,
    forward_rate,
    funding_gap,
    given,
    guarantee_cover,
    margin,
    rounded,
    take_out,
    tax_rebate,
    unknown,
    working_capital_ceiling,
)
from recommender.company.headroom import RESTS_ON, headroom
from recommender.company.positions import OpenPosition, positions
from recommender.company.profile import Company, Need
from recommender.parameters import Parameters, Rate
from recommender.texts import Label, Language, label, show, text

__all__ = [
    "Advances",
    "Currencies",
    "Derived",
    "Figure",
    "Item",
    "OpenPosition",
    "Rates",
    "Term",
    "as_json",
    "cny",
    "collateral_gap",
    "coverage",
    "forward_rate",
    "funding_gap",
    "given",
    "guarantee_cover",
    "guarantees",
    "insured_receivable",
    "items",
    "lendable",
    "margin",
    "positions",
    "receivable_currencies",
    "size_class",
    "summary",
    "take_out",
    "tax_rebate",
    "working_capital_ceiling",
]

SIZE_CLASSES = ("micro", "small", "medium", "large")
RECEIVABLES = ("receivable", "insured_receivable")
_NO_NEED = Need()
_UNITS = {"staff": "persons", "revenue_cny": "CNY", "total_assets_cny": "CNY"}


class Currencies(NamedTuple):
    """Currencies that are there for certain, and those that may be; may None: any."""

    has: frozenset[str]
    may: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Derived:
    """The figures of a company without a plan.

    need: in CNY. guarantees: what guarantees held add to the coverage. items: each item that
    counts. positions: empty also when unknown. cny: CNY equivalent by dotted profile field, for
    the amounts that are stated; None without a rate. rates: the rates used; rates_missing:
    currencies of stated amounts without one. headroom: rooms and ceilings by name, and the need in
    USD (see `recommender.company.headroom`).
    """

    size_class: Figure
    need: Figure
    collateral_coverage: Figure
    guarantees: Figure
    collateral_gap: Figure
    funding_gap: Figure
    items: tuple[Item, ...]
    positions: tuple[OpenPosition, ...]
    cny: Mapping[str, Decimal | None]
    rates: tuple[Rate, ...]
    rates_missing: tuple[str, ...]
    headroom: Mapping[str, Figure]


def size_class(company: Company, parameters: Parameters, as_of: date) -> Figure:
    """micro, small, medium or large by the dated table; unknown without a row for the industry.

    Every bound of a class must be met, so one measure that is below `small` settles it as micro;
    otherwise a measure that is not known leaves the class unknown.
    """
    table = parameters.sme_rows(as_of)
    if company.industry is None or table is None:
        return unknown("size_class", "code", ("industry",) if company.industry is None else ())
    row = table.row_of(company.industry)
    if row is None:
        finer = ("industry",) if table.narrower(company.industry) else ()
        return unknown("size_class", "code", finer, "derived.formula.size_class_no_row")
    stated = {measure: getattr(company, measure) for measure in row.small}
    ranks = [
        sum(value >= bound[measure] for bound in (row.small, row.medium, row.large))
        for measure, value in stated.items()
        if value is not None
    ]
    missing = tuple(measure for measure, value in stated.items() if value is None)
    terms = (
        Term("size_row", row.id, "code", row.label.label, table.source.publication),
        *(Term(m, None if v is None else Decimal(v), _UNITS[m]) for m, v in stated.items()),
    )
    if missing and 0 not in ranks:
        return Figure("size_class", None, "code", "derived.formula.size_class", terms, missing)
    size = SIZE_CLASSES[min(ranks)]
    return Figure("size_class", size, "code", "derived.formula.size_class", terms)


def receivable_currencies(company: Company) -> Currencies:
    """Currencies of the company's receivables and receipts.

    A receivable without a currency may be in any; so may more of them, while collateral or
    positions are not stated.
    """
    pledged = [
        item.currency
        for item in company.collateral or ()
        if codes.collateral_type(item.type).family in RECEIVABLES
    ]
    flows = company.positions or ()
    has = {currency for currency in pledged if currency}
    has |= {flow.currency for flow in flows if flow.receipts}
    unstated = company.collateral is None or company.positions is None
    if None in pledged or unstated:
        return Currencies(frozenset(has), None)
    may = {flow.currency for flow in flows if flow.receipts is None}
    return Currencies(frozenset(has), frozenset(may - has))


def summary(
    company: Company,
    parameters: Parameters,
    as_of: date,
    advances: Advances,
    rates: Rates,
    margins: Sequence[Figure] = (),
    controlled: Controlled = always,
) -> Derived:
    """The figures of the answer's `derived` block.

    advances: share lent per collateral type, the catalogue's best. rates: `Parameters.rates`.
    controlled: whether a paper gives control of goods (see `recommender.company.collateral.items`).
    margins: in CNY, of the products already decided on; without a plan there are none, and
    nothing is funded.
    """
    need = company.need or _NO_NEED
    stated = given("need", need.amount, need.currency or "", "need.amount")
    wanted = cny(stated, need.currency, rates, "need.currency")._replace(name="need")
    counted = items(company, advances, rates, controlled)
    cover, backing = coverage_of(company, counted), guarantees_of(company, counted)
    amounts = dict(_stated_amounts(company))
    used = sorted({currency for _, currency in amounts.values() if currency != "CNY"})
    return Derived(
        size_class=size_class(company, parameters, as_of),
        need=wanted,
        collateral_coverage=cover,
        guarantees=backing,
        collateral_gap=collateral_gap(wanted, cover, backing),
        funding_gap=funding_gap(wanted, margins),
        items=counted,
        positions=positions(company),
        cny={field: _in_cny(*money, rates) for field, money in amounts.items()},
        rates=tuple(rates[currency] for currency in used if currency in rates),
        rates_missing=tuple(currency for currency in used if currency not in rates),
        headroom=headroom(company, wanted, parameters, as_of, rates),
    )


def _in_cny(amount: Decimal, currency: str, rates: Rates) -> Decimal | None:
    rate = rates.get(currency)
    return None if rate is None else rounded(amount * rate.cny_per_unit)


def _stated_amounts(company: Company) -> Iterator[tuple[str, tuple[Decimal, str]]]:
    """Amounts with a known currency, by dotted profile field."""
    trade = company.trade
    if trade is not None:
        for name in ("export_12m_usd", "import_12m_usd"):
            amount = getattr(trade, name)
            if amount is not None:
                yield f"trade.{name}", (amount, "USD")
    rows: list[tuple[str, Any, tuple[str, ...]]] = [("need", company.need or _NO_NEED, ("amount",))]
    rows += _numbered("collateral", company.collateral, ("value", "senior_claim"))
    rows += _numbered("facilities", company.facilities, ("limit", "drawn"))
    rows += _numbered("insurance", company.insurance, ("declared", "free_limit"))
    for place, record, names in rows:
        for name in names:
            amount = getattr(record, name)
            if amount is not None and record.currency is not None:
                yield f"{place}.{name}", (amount, record.currency)


def _numbered(
    name: str, records: Sequence[Any] | None, fields: tuple[str, ...]
) -> list[tuple[str, Any, tuple[str, ...]]]:
    return [(f"{name}[{index}]", record, fields) for index, record in enumerate(records or ())]


def as_json(derived: Derived, language: Language) -> dict[str, Any]:
    """The `derived` block of an answer: numbers as JSON numbers, sentences in one language.

    terms: every figure with its formula, its inputs and what is missing for it. A figure that is
    not known is null; a room or ceiling that is not known is left out.
    """
    named = {
        "size_class": derived.size_class,
        "need": derived.need,
        "collateral_coverage": derived.collateral_coverage,
        "guarantees": derived.guarantees,
        "collateral_gap": derived.collateral_gap,
        "funding_gap": derived.funding_gap,
    }
    figures = [(name, label(f"derived.figure.{name}"), figure) for name, figure in named.items()]
    figures += [(item.place, item.label, item.own) for item in derived.items]
    figures += _rooms(derived)
    return {
        **{name: _plain(figure.value) for name, figure in named.items()},
        "positions": [_position_json(position, language) for position in derived.positions],
        "cny": {field: _plain(amount) for field, amount in derived.cny.items()},
        "rates": [_rate_json(rate) for rate in derived.rates],
        "rates_missing": list(derived.rates_missing),
        "terms": [_figure_json(*figure, language) for figure in figures],
    }


def _rooms(derived: Derived) -> list[tuple[str, Label, Figure]]:
    return [
        (name, label(f"derived.figure.{name}"), figure)
        for name, figure in derived.headroom.items()
        if figure.value is not None and name in RESTS_ON
    ]


def _figure_json(name: str, title: Label, figure: Figure, language: Language) -> dict[str, Any]:
    return {
        "figure": name,
        "label": show(title, language),
        "value": _plain(figure.value),
        "unit": figure.unit,
        "formula": text(figure.formula, language),
        "terms": [_term_json(term, language) for term in figure.terms],
        "missing": list(figure.missing),
    }


def _term_json(term: Term, language: Language) -> dict[str, Any]:
    return {
        "name": term.name,
        "label": show(term.label or label(f"derived.term.{term.name}"), language),
        "value": _plain(term.value),
        "unit": term.unit,
        "source": term.source,
    }


def _position_json(position: OpenPosition, language: Language) -> dict[str, Any]:
    numbers = ("documented", "expected", "before_hedges", "hedges", "hedge_ratio")
    return {
        "currency": position.currency,
        "bucket": position.bucket,
        **{name: _plain(getattr(position, name)) for name in numbers},
        "side": position.side,
        "terms": [_term_json(term, language) for term in position.terms],
        "missing": list(position.missing),
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {
        "currency": rate.currency,
        "cny_per_unit": float(rate.cny_per_unit),
        "date": rate.date.isoformat(),
        "source": rate.source.title,
        "stale": rate.stale,
    }


def _plain(value: Decimal | str | None) -> int | float | str | None:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
