"""What a product could come to for a company: an indicative range with its formula and terms.

Indicative, never an offer. A figure that rests on something unknown is unknown and says what is
missing. All arithmetic is Decimal over `recommender.figures`; the fast floats of the similarity
`collateral` start from the same bases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from math import isnan
from operator import mul, truediv
from typing import Any

from recommender import codes
from recommender.collateral import (
    UNFINANCED_BALANCE,
    Controlled,
    always,
    insured_receivable,
    items,
)
from recommender.derived import Derived
from recommender.domain import Collateral, Company
from recommender.encoding import Pledge
from recommender.figures import CENT, ONE, ZERO, Figure, cny, combined, given, unknown
from recommender.gates import buckets_of
from recommender.parameters import Rate
from recommender.positions import OpenPosition
from recommender.product import Product, Range

Rates = Mapping[str, Rate]
Spans = Mapping[str, tuple[Decimal, Decimal]]
NAN = float("nan")
REBATE = "rebate_refundable_confirmed_cny"


@dataclass(frozen=True)
class Indication:
    """An amount range in one currency. figures: what low and high were computed from."""

    low: Decimal | None
    high: Decimal | None
    currency: str
    formula: str
    figures: tuple[Figure, ...] = ()
    missing: tuple[str, ...] = ()


def pledges(
    company: Company, rates: Rates, controlled: Controlled = always
) -> tuple[Pledge, ...] | None:
    """The company's items as floats in CNY, for the similarity; None when they are not known.

    Only what a product may take as cover or as its source of repayment: guarantees are left out,
    and goods that no paper gives control of (see `recommender.collateral.items`).
    """
    if company.collateral is None:
        return None
    balance = _float(_in_cny(_fact(company, UNFINANCED_BALANCE), "USD", rates))
    cap = float("inf") if isnan(balance) else balance
    return tuple(
        _pledge(company, item, f"collateral[{i}]", rates, cap)
        for i, item in enumerate(_taken(company.collateral, controlled))
        if item is not None
    )


def _taken(items_: Sequence[Collateral], controlled: Controlled) -> list[Collateral | None]:
    """The items that can be pledged, in place; of unknown value when control is not known."""
    found: list[Collateral | None] = []
    for item in items_:
        kind = codes.collateral_type(item.type)
        control = controlled(item) if kind.needs_control else True
        if kind.family == "guarantee" or control is False:
            found.append(None)
        else:
            found.append(item if control else item.model_copy(update={"value": None}))
    return found


def _pledge(company: Company, item: Collateral, place: str, rates: Rates, cap: float) -> Pledge:
    group = item.trade or place
    senior = _float(_in_cny(item.senior_claim, item.currency, rates))
    if codes.collateral_type(item.type).family != "insured_receivable":
        base = _float(_in_cny(item.value, item.currency, rates))
        return Pledge(item.type, base, senior, group)
    policies = [p for p in company.insurance or () if item.trade and p.trade == item.trade]
    free = item.model_copy(update={"senior_claim": ZERO})
    figures = [insured_receivable(free, policy, ONE, rates) for policy in policies]
    bases = [_float(_in_cny(figure.number, item.currency, rates)) for figure in figures]
    vague = any(policy.trade is None for policy in company.insurance or ())
    base = NAN if vague or not bases or any(isnan(base) for base in bases) else min(bases)
    return Pledge(item.type, base, senior, group, cap)


def _in_cny(amount: Decimal | None, currency: str | None, rates: Rates) -> Decimal | None:
    if amount == 0:
        return ZERO
    rate = rates.get(currency) if currency else None
    return None if amount is None or rate is None else amount * rate.cny_per_unit


def _fact(company: Company, name: str) -> Decimal | None:
    stated = (company.facts or {}).get(name)
    value = None if stated is None else stated.value
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Decimal(str(value)) if plain else None


def _float(value: Decimal | None) -> float:
    return NAN if value is None else float(value)


@dataclass(frozen=True)
class Basis:
    """What indications are computed from: a company with its figures, and dated shares.

    guarantee_share: part of a loan a guarantee covers. target: hedge ratios aimed at, low and high.
    lent: what was computed already, by advances: many products lend alike.
    """

    company: Company
    derived: Derived
    rates: Rates
    guarantee_share: Figure
    target: tuple[Decimal, Decimal] | None
    controlled: Controlled = always
    lent: dict[Any, Figure] = field(default_factory=dict)

    @property
    def need(self) -> Figure:
        """The need in CNY."""
        return self.derived.need


def indicate(product: Product, basis: Basis, spans: Spans) -> Indication:
    """The indicative amount of one product for one company.

    spans: low and high share per collateral type that the product accepts.
    """
    return _FORMULAS[product.formula](product, basis, spans)  # type: ignore[no-any-return]


def _none(product: Product, basis: Basis, _: Spans) -> Indication:
    return Indication(None, None, _currency(product, basis), "none")


def _unsecured(product: Product, basis: Basis, _: Spans) -> Indication:
    smallest = product.amount.low if product.amount else None
    low = given("smallest", smallest or ZERO, "CNY")
    return _within(product, basis, low, basis.need, "unsecured")


def _advance(product: Product, basis: Basis, spans: Spans) -> Indication:
    low, high = (_lendable(basis, spans, end) for end in (0, 1))
    return _within(product, basis, low, high, product.formula)


def _lendable(basis: Basis, spans: Spans, end: int) -> Figure:
    advances = {kind: span[end] for kind, span in spans.items()}
    key = tuple(advances.items())
    if key not in basis.lent:
        basis.lent[key] = _lent(basis, advances)
    return basis.lent[key]


def _lent(basis: Basis, advances: Mapping[str, Decimal]) -> Figure:
    """What the accepted items lend at the low or high advance: the best item of each trade."""
    if basis.company.collateral is None:
        return unknown("lendable_total", "CNY", ("collateral",))
    best: dict[str, Figure] = {}
    for place, group, worth in _accepted(basis, advances):
        held = best.get(group)
        named = Figure(place, worth.value, "CNY", worth.formula, worth.terms, worth.missing)
        if held is None or worth.number is None or (held.number or ZERO) < worth.number:
            best[group] = held if held is not None and held.number is None else named
    return combined("lendable_total", "CNY", list(best.values()), lambda *w: sum(w, ZERO))


def _accepted(basis: Basis, advances: Mapping[str, Decimal]) -> list[tuple[str, str, Figure]]:
    found = [
        (item.place, item.group, item.worth)
        for item in items(basis.company, advances, basis.rates, basis.controlled)
        if item.family != "guarantee"
    ]
    for i, item in enumerate(basis.company.collateral or ()):
        kind = codes.collateral_type(item.type)
        if item.type in advances and not kind.counts_in_coverage:
            place = f"collateral[{i}]"
            share = given("advance", advances[item.type], "share")
            value = given("value", item.value, item.currency or "", f"{place}.value")
            own = combined("lendable", item.currency or "", (share, value), mul)
            worth = cny(own, item.currency, basis.rates, f"{place}.currency")
            found.append((place, item.trade or place, worth))
    types = {f"collateral[{i}]": c.type for i, c in enumerate(basis.company.collateral or ())}
    return sorted(found, key=lambda part: (types[part[0]], str(part[2].value)))


def _tax_rebate(product: Product, basis: Basis, spans: Spans) -> Indication:
    span = spans.get("tax_rebate_account")
    refundable = given(REBATE, _fact(basis.company, REBATE), "CNY", REBATE)
    if span is None:
        return _none(product, basis, spans)
    low, high = (
        combined("tax_rebate", "CNY", (given("advance", share, "share"), refundable), mul)
        for share in span
    )
    return _within(product, basis, low, high, "tax_rebate")


def _guarantee(product: Product, basis: Basis, _: Spans) -> Indication:
    """The loan a guarantee would have to stand behind to close the gap: gap / share."""
    parts = (basis.derived.collateral_gap, basis.guarantee_share)
    loan = combined("guaranteed_loan", "CNY", parts, truediv)
    return _within(product, basis, loan, loan, "guarantee")


def _within(product: Product, basis: Basis, low: Figure, high: Figure, formula: str) -> Indication:
    """A range cut to the need and to the product's smallest and largest amount."""
    currency = _currency(product, basis)
    amount = product.amount or Range()
    figures = tuple(dict.fromkeys((low, high, basis.need)))
    missing = tuple(dict.fromkeys(f for figure in figures for f in figure.missing))
    if low.number is None or high.number is None or basis.need.number is None:
        return Indication(None, None, currency, formula, figures, missing)
    top = min(high.number, basis.need.number, _or(amount.high, high.number))
    if top < _or(amount.low, ZERO):
        why = "nothing_accepted" if high.number == 0 else f"{formula}_below_minimum"
        return Indication(None, None, currency, why, figures)
    bottom = min(max(min(low.number, top), _or(amount.low, ZERO)), top)
    low_, high_ = _converted((bottom, top), currency, basis.rates)
    return Indication(low_, high_, currency, formula, figures)


def _or(value: Decimal | None, default: Decimal) -> Decimal:
    return default if value is None else value


def _converted(amounts: Sequence[Decimal], currency: str, rates: Rates) -> list[Decimal]:
    price = rates[currency].cny_per_unit if currency in rates else ONE
    return [(amount / price).quantize(CENT, ROUND_DOWN) for amount in amounts]


def _currency(product: Product, basis: Basis) -> str:
    """The need's currency where the product has it and a rate is known, else CNY."""
    need = basis.company.need
    wanted = need.currency if need else None
    known = wanted in product.currencies and wanted in basis.rates
    return wanted if wanted is not None and known else "CNY"


def _position(product: Product, basis: Basis, _: Spans) -> Indication:
    """Towards the target hedge ratio, never above the documented position (实需)."""
    reach = buckets_of(product)
    open_ = [
        p
        for p in basis.derived.positions
        if p.currency in product.currencies and p.bucket in reach and _left_open(p)
    ]
    if not open_ or basis.target is None:
        missing = tuple(f for p in basis.derived.positions for f in p.missing) or ("positions",)
        common = "USD" if "USD" in product.currencies else product.currencies[0]
        return Indication(None, None, common, "position", (), missing)
    largest = max(open_, key=lambda p: (_size(p, basis.rates), p.currency, p.bucket))
    cap, size = abs(largest.documented or ZERO), abs(largest.before_hedges or ZERO)
    done = size - cap
    low, high = (
        min(cap, max(ZERO, share * size - done)).quantize(CENT, ROUND_DOWN)
        for share in basis.target
    )
    figures = tuple(
        Figure(f"position.{p.currency}.{p.bucket}", p.documented, p.currency, "", p.terms)
        for p in open_
    )
    formula = f"position_{largest.side}" if high else "position_reached"
    return Indication(low, high, largest.currency, formula, figures)


def _left_open(position: OpenPosition) -> bool:
    return (position.documented or ZERO) * (position.before_hedges or ZERO) > 0


def _size(position: OpenPosition, rates: Rates) -> Decimal:
    return abs(_in_cny(position.documented, position.currency, rates) or ZERO)


def _receivables(product: Product, basis: Basis, spans: Spans) -> Indication:
    """Receivables in the product's currencies: what a policy or settlement would reach."""
    if basis.company.collateral is None:
        return Indication(None, None, "CNY", "receivables", (), ("collateral",))
    found = [
        cny(
            given("value", item.value, item.currency or "", f"collateral[{i}].value"),
            item.currency,
            basis.rates,
            f"collateral[{i}].currency",
        )
        for i, item in enumerate(basis.company.collateral)
        if codes.collateral_type(item.type).family in ("receivable", "insured_receivable")
        and (item.currency is None or item.currency in product.currencies)
    ]
    if not found:
        return _none(product, basis, spans)
    total = combined("receivables", "CNY", found, lambda *v: sum(v, ZERO))
    return Indication(total.number, total.number, "CNY", "receivables", (total,), total.missing)


_FORMULAS: Mapping[str, Any] = {
    "unsecured": _unsecured,
    "advance": _advance,
    "insured_receivable": _advance,
    "documentary_credit": _advance,
    "tax_rebate": _tax_rebate,
    "guarantee": _guarantee,
    "position": _position,
    "receivables": _receivables,
    "asset": _unsecured,
    "none": _none,
}
