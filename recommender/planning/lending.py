"""What could secure a line and how much it lends, and what existing credit holds already."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

from recommender import codes
from recommender.catalogue.product import Product, ShareRange
from recommender.company.collateral import items
from recommender.company.figures import CENT, ZERO, Figure, combined, given, in_cny, stated_number
from recommender.company.profile import Company
from recommender.matching.amounts import REBATE, STATED, Basis, accepted
from recommender.parameters import Rate
from recommender.planning.settings import Settings
from recommender.planning.situation import Cover

Spans = Mapping[str, tuple[Decimal, Decimal]]
Bound = Mapping[str, list[tuple[str, Decimal]]]
SECURED = ("advance", "insured_receivable", "documentary_credit")
RECEIVABLES = ("receivable", "insured_receivable")
CAPS = {
    "declaration_unfinanced_balance_usd": RECEIVABLES,
    "policy_max_liability_left": ("insured_receivable",),
}


def covers_of(
    product: Product, basis: Basis, spans: Spans, bound: Bound, groups: Mapping[str, str]
) -> tuple[Cover, ...]:
    """What each sale lends to a product at best: its best accepted item; only what is known.

    bound: by sale, what existing facilities hold. groups: the sale of each item.
    """
    takes_out = {name for r in product.relations if r.kind == "takes_out" for name in r.any_of}
    ends = [{kind: span[end] for kind, span in spans.items()} for end in (0, 1)]
    lows = {place: worth for place, _, worth in accepted(basis, ends[0])}
    best: dict[str, Cover] = {}
    for place, _, high in accepted(basis, ends[1]):
        group = groups[place]
        held = [drawn for kind, drawn in bound.get(group, ()) if kind not in takes_out]
        cover = Cover(group, place, lows[place], high, sum(held, ZERO))
        if high.number is not None and cover.lent > (best[group].lent if group in best else ZERO):
            best[group] = cover
    return tuple(best[group] for group in sorted(best))


def own_figure(basis: Basis, spans: Spans, place: str) -> Figure:
    """What one item lends to a product at its high advance, in the item's currency."""
    advances = {kind: span[1] for kind, span in spans.items()}
    for counted in items(basis.company, advances, basis.rates, basis.controlled):
        if counted.place == place:
            return counted.own
    item = (basis.company.collateral or ())[int(place[11:-1])]
    parts = (
        given("advance", advances[item.type], "share"),
        given("value", item.value, item.currency or "", f"{place}.value"),
    )
    return combined("documentary_credit", item.currency or "", parts, _times)


def unknown_items(basis: Basis, spans: Spans) -> list[str]:
    """Fields that keep accepted items from counting."""
    found = accepted(basis, {kind: span[1] for kind, span in spans.items()})
    return [field for _, _, worth in found if worth.number is None for field in worth.missing]


def stated_share(product: Product, basis: Basis, spans: Spans) -> tuple[str, Figure, Figure] | None:
    """The fact a product lends on, with the low and high amount; None for other formulas."""
    fact = STATED.get(product.formula) or (REBATE if product.formula == "tax_rebate" else None)
    if fact is None:
        return None
    stated = given(fact, stated_number(basis.company, fact), "CNY", fact)
    span = product.share or ShareRange()
    shares = (span.low, span.high)
    if fact == REBATE:
        shares = spans.get("tax_rebate_account", (None, None))
    low, high = (
        combined(product.formula, "CNY", (given("advance", end, "share"), stated), _times)
        for end in shares
    )
    return fact, low, high


def _times(share: Decimal, amount: Decimal) -> Decimal:
    return share * amount


def paid_in(product: Product, company: Company, covers: tuple[Cover, ...]) -> set[str | None]:
    """Currencies in which others pay what secures a line; none where some of it is goods.

    A bill stands for a payment where the goods are exported; an importer sells them at home.
    """
    items = [(company.collateral or ())[int(cover.place[11:-1])] for cover in covers]
    families = {codes.collateral_type(item.type).family for item in items}
    exported = company.trade is not None and "export" in (company.trade.directions or ())
    serves = product.directions is None or "export" in product.directions
    bills = {"title_document"} if exported and serves else set[str]()
    paid = families <= {*RECEIVABLES, "documentary_credit", *bills}
    return {item.currency for item in items} if paid else set()


def in_cents(
    low: Decimal, high: Decimal, currency: str, rates: Mapping[str, Rate]
) -> tuple[Decimal, Decimal]:
    """A range in CNY whose ends are whole cents of a currency."""
    if currency == "CNY":
        return low, high
    rate = rates[currency].cny_per_unit
    bottom = (low / rate).quantize(CENT, ROUND_CEILING)
    top = (high / rate).quantize(CENT, ROUND_DOWN)
    return bottom * rate, top * rate


def bound_items(
    company: Company, basis: Basis, settings: Settings, groups: Mapping[str, str]
) -> dict[str, list[tuple[str, Decimal]]]:
    """By sale, the product and drawn amount of each existing facility it secures, in CNY.

    An item with a senior claim states that already. A facility names a trade or a type.
    """
    found: dict[str, list[tuple[str, Decimal]]] = {}
    for facility in company.facilities or ():
        drawn = in_cny(facility.drawn, facility.currency, basis.rates)
        if not facility.secured_by or not drawn:
            continue
        for i, item in enumerate(company.collateral or ()):
            named = facility.secured_by in (item.trade, item.type)
            if named and item.senior_claim == 0:
                kind = product_of(facility.kind, settings)
                found.setdefault(groups[f"collateral[{i}]"], []).append((kind or "", drawn))
                break
    return found


def product_of(kind: str | None, settings: Settings) -> str | None:
    """The product an existing facility is; None when its kind names none."""
    if kind is None:
        return None
    return settings.kinds.get(kind.strip().lower(), settings.kinds.get(kind, kind))


def outstanding_of(company: Company, basis: Basis, settings: Settings) -> dict[str, Decimal]:
    """What is drawn of products that others take out, in CNY.

    A fact and a facility that speak of the same product are the same money: the larger counts.
    """
    drawn: dict[str, Decimal] = {}
    for facility in company.facilities or ():
        kind = product_of(facility.kind, settings)
        amount = in_cny(facility.drawn, facility.currency, basis.rates)
        if kind and amount:
            drawn[kind] = drawn.get(kind, ZERO) + amount
    for fact, product in settings.outstanding.items():
        stated = stated_number(company, fact)
        if stated:
            drawn[product] = max(drawn.get(product, ZERO), stated)
    return drawn


def rooms_of(product: Product, company: Company, covers: tuple[Cover, ...]) -> list[str]:
    """Company-wide ceilings that the items of a line share, by fact."""
    families = {codes.collateral_type(_type(company, cover)).family for cover in covers}
    return [
        fact
        for fact, capped in CAPS.items()
        if families
        and families <= set(capped)
        and product.formula in SECURED
        and stated_number(company, fact) is not None
    ]


def _type(company: Company, cover: Cover) -> str:
    return (company.collateral or ())[int(cover.place[11:-1])].type
