"""What a company can pledge, as floats in CNY: the bases of the similarity `collateral`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isnan

from recommender import codes
from recommender.company.collateral import CAPS, Controlled, always, insured_receivable
from recommender.company.figures import ONE, ZERO, in_cny, stated_number
from recommender.company.profile import Collateral, Company
from recommender.matching.encoding import Pledge
from recommender.parameters import Rate

Rates = Mapping[str, Rate]
NAN = float("nan")


def pledges(
    company: Company, rates: Rates, controlled: Controlled = always
) -> tuple[Pledge, ...] | None:
    """The company's items as floats in CNY, for the similarity; None when they are not known.

    Only what a product may take as cover or as its source of repayment: goods that no paper gives
    control of are left out (see `recommender.company.collateral.items`). A guarantee stands beside
    the trade it was given for and has no rank: only a claim known to go before it is taken off.
    """
    if company.collateral is None:
        return None
    caps = [in_cny(stated_number(company, fact), "USD", rates) for fact in CAPS]
    cap = min((float(amount) for amount in caps if amount is not None), default=float("inf"))
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
        if control is False:
            found.append(None)
        else:
            found.append(item if control else item.model_copy(update={"value": None}))
    return found


def _pledge(company: Company, item: Collateral, place: str, rates: Rates, cap: float) -> Pledge:
    family = codes.collateral_type(item.type).family
    backs = family == "guarantee"
    group = place if backs else item.trade or place
    claim = ZERO if backs and item.senior_claim is None else item.senior_claim
    senior = _float(in_cny(claim, item.currency, rates))
    if family != "insured_receivable":
        base = _float(in_cny(item.value, item.currency, rates))
        return Pledge(item.type, base, senior, group)
    policies = [p for p in company.insurance or () if item.trade and p.trade == item.trade]
    free = item.model_copy(update={"senior_claim": ZERO})
    figures = [insured_receivable(free, policy, ONE, rates) for policy in policies]
    bases = [_float(in_cny(figure.number, item.currency, rates)) for figure in figures]
    vague = any(policy.trade is None for policy in company.insurance or ())
    base = NAN if vague or not bases or any(isnan(base) for base in bases) else min(bases)
    return Pledge(item.type, base, senior, group, cap)


def _float(value: Decimal | None) -> float:
    return NAN if value is None else float(value)
