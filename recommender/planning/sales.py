"""Which things of a profile belong to one sale, as one sale is lent on once.

Trade ids tell. Where a profile names one trade at most and no kind of thing twice, its things are
forms of one sale: the goods, their bill, the credit and the receivable. An order that no paper ties
to a trade may be the sale behind any letter of credit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from recommender import codes
from recommender.company.figures import stated_number
from recommender.company.profile import Collateral, Company
from recommender.planning.settings import Settings

PRE_SHIPMENT = "pre_shipment"


@dataclass(frozen=True)
class Sales:
    """The sales of a company.

    groups: by place of an item, its sale. assumed: places taken for one sale without being told.
    links: by fact that is lent on, the sales it may be; guessed: facts linked without being told.
    """

    groups: Mapping[str, str]
    assumed: tuple[str, ...]
    links: Mapping[str, tuple[str, ...]]
    guessed: tuple[str, ...]


def sales_of(company: Company, settings: Settings) -> Sales:
    """The sales as far as the profile tells them apart."""
    groups = {f"collateral[{i}]": _own(i, item) for i, item in enumerate(company.collateral or ())}
    assumed = _assumed(company, settings)
    if assumed:
        stated = sorted({groups[place] for place in assumed if groups[place] != place})
        one = stated[0] if stated else assumed[0]
        groups |= dict.fromkeys(assumed, one)
    links, guessed = {}, []
    for fact in settings.sales.facts:
        found, told = _linked(company, settings, fact, groups)
        if found and (stated_number(company, fact) or Decimal(0)) > 0:
            links[fact] = found
            guessed += [] if told else [fact]
    return Sales(groups, assumed, links, tuple(guessed))


def _assumed(company: Company, settings: Settings) -> tuple[str, ...]:
    """Places of the items that are one sale although not all of them say so."""
    stage = company.trade.stage if company.trade else None
    importing = bool(company.trade and "import" in (company.trade.directions or ()))
    forms = [
        (f"collateral[{i}]", item)
        for i, item in enumerate(company.collateral or ())
        if item.type in settings.sales.forms
        and not (stage == PRE_SHIPMENT and _is_credit(item.type))
        and not (importing and item.type in settings.sales.of_exporters)
    ]
    kinds = [item.type for _, item in forms]
    trades = {item.trade for _, item in forms}
    single = len(set(kinds)) == len(kinds) > 1 and len(trades - {None}) <= 1
    return tuple(place for place, _ in forms) if single and None in trades else ()


def _own(index: int, item: Collateral) -> str:
    """A guarantee stands beside the sale it may be named with."""
    beside = codes.collateral_type(item.type).family == "guarantee"
    return f"collateral[{index}]" if beside or item.trade is None else item.trade


def _is_credit(kind: str) -> bool:
    return codes.collateral_type(kind).family == "documentary_credit"


def _linked(
    company: Company, settings: Settings, fact: str, groups: Mapping[str, str]
) -> tuple[tuple[str, ...], bool]:
    """The sales a fact may be, and whether its papers say so."""
    shown = settings.sales.facts[fact]
    papers = {p.trade for p in company.documents or () if p.type in shown.papers}
    items = enumerate(company.collateral or ())
    if papers - {None}:
        named = {groups[f"collateral[{i}]"] for i, item in items if item.trade in papers}
        return tuple(sorted(named)), True
    open_ = {
        groups[f"collateral[{i}]"]
        for i, item in items
        if codes.collateral_type(item.type).family in shown.families
    }
    return tuple(sorted(open_)), False
