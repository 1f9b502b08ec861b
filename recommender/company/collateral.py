"""What collateral is worth to a lender: one item, an insured receivable, all of a company.

Advances come from the caller, who knows the product; unknowns and rounding follow
`recommender.company.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from recommender import codes
from recommender.company.figures import (
    ZERO,
    Figure,
    Term,
    cny,
    combined,
    given,
    stated_number,
    unknown,
)
from recommender.company.profile import Collateral, Company, Insurance
from recommender.parameters import Rate
from recommender.texts import Label

UNFINANCED_BALANCE = "declaration_unfinanced_balance_usd"
LIABILITY_LEFT = "policy_max_liability_left"
CAPS = {UNFINANCED_BALANCE: "unfinanced_balance", LIABILITY_LEFT: "policy_liability_left"}
Advances = Mapping[str, Decimal]
Rates = Mapping[str, Rate]


def lendable(item: Collateral, advance: Decimal, place: str = "collateral") -> Figure:
    """max(0, advance x value - senior claim), in the item's currency.

    The senior claim is an amount taken off after the haircut. Unknown without value or claim.
    place: where the item stands in the profile, for the missing fields.
    """
    return combined(
        "lendable",
        item.currency or "",
        (
            given("advance", advance, "share"),
            given("value", item.value, item.currency or "", f"{place}.value"),
            _senior_claim(item, place),
        ),
        lambda rate, value, senior: max(ZERO, rate * value - senior),
    )


def insured_receivable(
    item: Collateral,
    policy: Insurance,
    factor: Decimal,
    rates: Rates,
    *,
    caps: Sequence[Figure] = (),
    places: tuple[str, str] = ("collateral", "insurance"),
) -> Figure:
    """min(factor x cover x min(unpaid net invoice, declared, free limit), caps) - senior claim.

    In the item's currency. The item's value is the invoice less what was paid in advance. Unknown
    when invoice, declared amount, free limit, cover or premium is: any of them may be the smallest.
    A premium known to be unpaid gives nothing. caps: the declaration's unfinanced balance, the
    policy liability left, the bank's line, the product's ceiling, each in its own currency; one
    that is not known does not bind, as it can only lower the figure and is asked for elsewhere.
    """
    own, cover_place = places
    unit = item.currency or ""

    def local(name: str, amount: Decimal | None) -> Figure:
        stated = given(name, amount, policy.currency or "", f"{cover_place}.{name}")
        return _exchanged(stated, policy.currency, item.currency, rates, f"{cover_place}.currency")

    base = (
        given("factor", factor, "share"),
        given("cover_pct", policy.cover_pct, "percent", f"{cover_place}.cover_pct"),
        given("invoice", item.value, unit, f"{own}.value"),
        local("declared", policy.declared),
        local("free_limit", policy.free_limit),
        _premium(policy.premium_paid, f"{cover_place}.premium_paid"),
        _senior_claim(item, own),
    )
    bounds = [_exchanged(c, c.unit, item.currency, rates, "") for c in caps if c.value is not None]

    def insured(f: Decimal, cover: Decimal, *rest: Decimal) -> Decimal:
        invoice, declared, limit, paid, senior, *known = rest
        amount = f * cover / 100 * min(invoice, declared, limit) * paid
        return max(ZERO, min((amount, *known)) - senior)

    return combined("insured_receivable", unit, (*base, *bounds), insured)


def _premium(paid: bool | None, field: str) -> Figure:
    return given("premium_paid", None if paid is None else Decimal(paid), "yes/no", field)


def _senior_claim(item: Collateral, place: str) -> Figure:
    return given("senior_claim", item.senior_claim, item.currency or "", f"{place}.senior_claim")


def _exchanged(
    amount: Figure, source: str | None, target: str | None, rates: Rates, field: str
) -> Figure:
    """An amount in another currency, over CNY, under its own name."""
    if source == target or amount.value == 0:
        return amount
    prices = []
    for currency in (source, target):
        rate = rates.get(currency) if currency else None
        missing = f"rates.{currency}" if currency else field
        prices.append(given("rate", rate.cny_per_unit if rate else None, "rate", missing))
    return combined(amount.name, target or "", (amount, *prices), lambda a, s, t: a * s / t)


class Item(NamedTuple):
    """What one item adds. place: where it stands; group: its trade, or itself.

    own: the figure in its currency; worth: the same in CNY; label: the type's name.
    """

    place: str
    family: str
    group: str
    label: Label
    own: Figure
    worth: Figure


Controlled = Callable[[Collateral], bool | None]


def always(_: Collateral) -> bool:
    """Every item is under control."""
    return True


def items(
    company: Company, advances: Advances, rates: Rates, controlled: Controlled = always
) -> tuple[Item, ...]:
    """The items that count: of a type in `advances`, and of one that counts in coverage at all.

    advances: share lent per collateral type; a type left out is not accepted. controlled: whether
    a paper gives control of goods that need one (None: not known); without, they do not count.
    """
    counted = []
    for index, item in enumerate(company.collateral or ()):
        kind = codes.collateral_type(item.type)
        control = controlled(item) if kind.needs_control else True
        if item.type in advances and kind.counts_in_coverage and control is not False:
            place = f"collateral[{index}]"
            own = _own_figure(company, item, kind.family, advances[item.type], rates, place)
            if control is None:
                own = unknown("lendable", item.currency or "", ("documents",))
            worth = cny(own, item.currency, rates, f"{place}.currency")
            group = item.trade or place
            counted.append(Item(place, kind.family, group, kind.label, own, worth))
    return tuple(counted)


def _own_figure(
    company: Company, item: Collateral, family: str, advance: Decimal, rates: Rates, place: str
) -> Figure:
    """By family. A guarantee has no rank: only a claim known to stand before it is taken off."""
    if family == "insured_receivable":
        return _insured(company, item, advance, rates, place)
    if family == "guarantee":
        return combined(
            "guarantee_cover",
            item.currency or "",
            (
                given("guaranteed", item.value, item.currency or "", f"{place}.value"),
                given("share", advance, "share"),
            ),
            lambda value, share: max(ZERO, value * share - (item.senior_claim or ZERO)),
        )
    return lendable(item, advance, place)


def _insured(
    company: Company, item: Collateral, factor: Decimal, rates: Rates, place: str
) -> Figure:
    """By the insurance of the same trade; of several policies the one that gives least.

    Unknown without one, and while a policy does not say which trade it insures.
    """
    policies = [
        (index, policy)
        for index, policy in enumerate(company.insurance or ())
        if item.trade is not None and policy.trade == item.trade
    ]
    vague = [i for i, policy in enumerate(company.insurance or ()) if policy.trade is None]
    if not policies or vague:
        missing = [f"insurance[{i}].trade" for i in vague] or ["insurance"]
        missing = [f"{place}.trade"] if item.trade is None else missing
        return unknown("insured_receivable", item.currency or "", missing)
    caps = [given(name, stated_number(company, fact), "USD") for fact, name in CAPS.items()]
    found = [
        insured_receivable(
            item, policy, factor, rates, caps=caps, places=(place, f"insurance[{index}]")
        )
        for index, policy in policies
    ]
    return min(found, key=lambda figure: (figure.value is not None, figure.number or ZERO))


def coverage(company: Company, advances: Advances, rates: Rates) -> Figure:
    """Sum over trades of the best item of each, in CNY; guarantees are not part of it.

    Cargo, its bill of lading, its receivable and its insured claim are one trade; an item without
    a trade stands alone. Unknown as soon as an item of it is: the known groups are in the terms.
    """
    return coverage_of(company, items(company, advances, rates))


def coverage_of(company: Company, counted: Sequence[Item]) -> Figure:
    """Coverage from items already computed."""
    if company.collateral is None:
        return unknown("collateral_coverage", "CNY", ("collateral",))
    groups: dict[str, list[Item]] = {}
    for item in counted:
        if item.family != "guarantee":
            groups.setdefault(item.group, []).append(item)
    return _sum_of("collateral_coverage", [_best(group) for group in groups.values()])


def _best(group: Sequence[Item]) -> Item:
    """The item of a trade that lends most; unknown, missing what any misses, as soon as one is."""
    unknown_ones = [item for item in group if item.worth.value is None]
    if not unknown_ones:
        return min(group, key=lambda item: (-(item.worth.number or ZERO), *_content(item)))
    missing = dict.fromkeys(field for item in unknown_ones for field in item.worth.missing)
    first = min(unknown_ones, key=_content)
    return first._replace(worth=first.worth._replace(missing=tuple(missing)))


def _content(item: Item) -> tuple[str, str]:
    """What an item is, wherever it stands in its list."""
    return item.label.en, str([(term.name, term.value) for term in item.own.terms])


def guarantees(company: Company, advances: Advances, rates: Rates) -> Figure:
    """Sum of guaranteed amount times share over the guarantees held, in CNY; not cash."""
    return guarantees_of(company, items(company, advances, rates))


def guarantees_of(company: Company, counted: Sequence[Item]) -> Figure:
    """Guarantee cover from items already computed."""
    if company.collateral is None:
        return unknown("guarantees", "CNY", ("collateral",))
    return _sum_of("guarantees", [item for item in counted if item.family == "guarantee"])


def _sum_of(name: str, counted: Sequence[Item]) -> Figure:
    total = combined(name, "CNY", [item.worth for item in counted], lambda *w: sum(w, ZERO))
    terms = tuple(Term(i.place, i.worth.value, "CNY", i.label) for i in counted)
    return Figure(name, total.value, "CNY", total.formula, terms, total.missing)
