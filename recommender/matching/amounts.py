"""What a product could come to for a company: an indicative range with its formula and terms.

Indicative, never an offer. A figure that rests on something unknown is unknown and says what is
missing. All arithmetic is Decimal over `recommender.company.figures`; the fast floats of the
similarity `collateral` (`recommender.matching.pledges`) start from the same bases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from operator import mul, truediv
from typing import Any

from recommender import codes
from recommender.catalogue.gates import buckets_of
from recommender.catalogue.product import Product, Range, ShareRange
from recommender.company.collateral import Controlled, always, items
from recommender.company.derived import Derived
from recommender.company.figures import (
    CENT,
    ONE,
    ZERO,
    Figure,
    cny,
    combined,
    given,
    in_cny,
    margin,
    stated_number,
    unknown,
)
from recommender.company.headroom import NEEDS, RESTS_ON
from recommender.company.positions import OpenPosition
from recommender.company.profile import Company
from recommender.parameters import Rate

Rates = Mapping[str, Rate]
Spans = Mapping[str, tuple[Decimal, Decimal]]
REBATE = "rebate_refundable_confirmed_cny"
STATED = {"order_share": "order_unpaid_cny", "prepayment_share": "import_prepayment_cny"}


@dataclass(frozen=True)
class Indication:
    """An amount range in one currency. figures: what low and high were computed from."""

    low: Decimal | None
    high: Decimal | None
    currency: str
    formula: str
    figures: tuple[Figure, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Basis:
    """What indications are computed from: a company with its figures, and dated shares.

    guarantee_share: part of a loan a guarantee covers. target: hedge ratios aimed at, low and high.
    lent: what was computed already, by advances: many products lend alike. margin_rate: cash a
    forward takes, as a share of its notional; None: not known.
    """

    company: Company
    derived: Derived
    rates: Rates
    guarantee_share: Figure
    target: tuple[Decimal, Decimal] | None
    controlled: Controlled = always
    lent: dict[Any, Figure] = field(default_factory=dict)
    margin_rate: Figure | None = None

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
    for place, group, worth in accepted(basis, advances):
        held = best.get(group)
        named = Figure(place, worth.value, "CNY", worth.formula, worth.terms, worth.missing)
        if held is None or worth.number is None or (held.number or ZERO) < worth.number:
            best[group] = held if held is not None and held.number is None else named
    return combined("lendable_total", "CNY", list(best.values()), lambda *w: sum(w, ZERO))


def accepted(basis: Basis, advances: Mapping[str, Decimal]) -> list[tuple[str, str, Figure]]:
    """Place, trade and worth in CNY of the items of some types, in canonical order."""
    found = [
        (item.place, item.place if item.family == "guarantee" else item.group, item.worth)
        for item in items(basis.company, advances, basis.rates, basis.controlled)
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
    refundable = given(REBATE, stated_number(basis.company, REBATE), "CNY", REBATE)
    if span is None:
        return _none(product, basis, spans)
    low, high = (
        combined("tax_rebate", "CNY", (given("advance", share, "share"), refundable), mul)
        for share in span
    )
    return _within(product, basis, low, high, "tax_rebate")


def _stated_share(product: Product, basis: Basis, _: Spans) -> Indication:
    """The product's share of what a fact names: an order, or a payment in advance."""
    fact = STATED[product.formula]
    stated = given(fact, stated_number(basis.company, fact), "CNY", fact)
    span = product.share or ShareRange()
    low, high = (
        combined(product.formula, "CNY", (given("advance", end, "share"), stated), mul)
        for end in (span.low, span.high)
    )
    return _within(product, basis, low, high, product.formula)


def _guarantee(product: Product, basis: Basis, _: Spans) -> Indication:
    """The loan a guarantee would have to stand behind to close the gap: gap / share."""
    parts = (basis.derived.collateral_gap, basis.guarantee_share)
    loan = combined("guaranteed_loan", "CNY", parts, truediv)
    return _within(product, basis, loan, loan, "guarantee")


def _within(product: Product, basis: Basis, low: Figure, high: Figure, formula: str) -> Indication:
    """A range cut to the need and to the product's smallest and largest amount."""
    currency = _currency(product, basis)
    amount = product.amount or Range()
    figures: tuple[Figure, ...] = (low, high, basis.need)
    missing = tuple(dict.fromkeys(f for figure in figures for f in figure.missing))
    if low.number is None or high.number is None or basis.need.number is None:
        return Indication(None, None, currency, formula, figures, missing)
    rooms = ceilings(product, basis)
    figures, missing = (*figures, *rooms), tuple(f for c in rooms for f in c.missing)
    top = min(high.number, basis.need.number, _or(amount.high, high.number))
    held = min((top, *(c.number for c in rooms if c.number is not None)))
    if held < _or(amount.low, ZERO):
        why = "nothing_accepted" if high.number == 0 else f"{formula}_below_minimum"
        why = "ceiling_below_minimum" if top >= _or(amount.low, ZERO) else why
        return Indication(None, None, currency, why, figures)
    top = held
    bottom = min(max(min(low.number, top), _or(amount.low, ZERO)), top)
    low_, high_ = _converted((bottom, top), currency, basis.rates)
    return Indication(low_, high_, currency, formula, figures, missing)


def ceilings(product: Product, basis: Basis) -> list[Figure]:
    """In CNY, the rooms and ceilings that a rule of the product holds the need to.

    One that is not known does not bind, as it can only lower the amount; it says what it misses.
    """
    named = [
        rule.v_field
        for rule in product.rules
        if rule.f in NEEDS and rule.op == "at_most" and rule.v_field in RESTS_ON
    ]
    rooms = [basis.derived.headroom[name] for name in named if name is not None]
    return [
        cny(room, room.unit, basis.rates, "")._replace(name=room.name, missing=room.missing)
        for room in rooms
    ]


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
    low, high = (_hedged(largest, share) for share in basis.target)
    figures = tuple(
        Figure(f"position.{p.currency}.{p.bucket}", p.documented, p.currency, "", p.terms)
        for p in open_
    )
    formula = f"position_{largest.side}" if high else "position_reached"
    return Indication(low, high, largest.currency, formula, figures)


def _hedge_margin(product: Product, basis: Basis, _: Spans) -> Indication:
    """The cash a hedge towards the target would tie up: hedge x margin rate, up to the ceiling."""
    reach, positions = buckets_of(product), basis.derived.positions
    open_ = [
        p
        for p in positions
        if p.currency in product.currencies and p.bucket in reach and _left_open(p)
    ]
    if not open_ or basis.target is None or basis.margin_rate is None:
        missing = tuple(f for p in positions for f in p.missing) or ("positions",)
        return Indication(None, None, "CNY", "hedge_margin", (), missing)
    low, high = (_margin_of(open_, basis, basis.margin_rate, share) for share in basis.target)
    missing = tuple(dict.fromkeys((*low.missing, *high.missing)))
    if low.number is None or high.number is None:
        return Indication(None, None, "CNY", "hedge_margin", (low, high), missing)
    ceiling = product.amount.high if product.amount else None
    bottom, top = (min(end, _or(ceiling, end)) for end in (low.number, high.number))
    return Indication(bottom, top, "CNY", "hedge_margin", (high, basis.margin_rate))


def _margin_of(open_: Sequence[OpenPosition], basis: Basis, rate: Figure, share: Decimal) -> Figure:
    hedges = [
        cny(given("hedge", _hedged(p, share), p.currency), p.currency, basis.rates, "positions")
        for p in open_
    ]
    notional = combined("notional", "CNY", hedges, lambda *h: sum(h, ZERO))
    return margin(notional, rate)


def _hedged(position: OpenPosition, share: Decimal) -> Decimal:
    """What is still to be hedged towards a target ratio, never above the documented position."""
    cap, size = abs(position.documented or ZERO), abs(position.before_hedges or ZERO)
    return min(cap, max(ZERO, share * size - (size - cap))).quantize(CENT, ROUND_DOWN)


def _left_open(position: OpenPosition) -> bool:
    return (position.documented or ZERO) * (position.before_hedges or ZERO) > 0


def _size(position: OpenPosition, rates: Rates) -> Decimal:
    return abs(in_cny(position.documented, position.currency, rates) or ZERO)


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
    "order_share": _stated_share,
    "prepayment_share": _stated_share,
    "guarantee": _guarantee,
    "hedge_margin": _hedge_margin,
    "position": _position,
    "receivables": _receivables,
    "asset": _unsecured,
    "none": _none,
}
