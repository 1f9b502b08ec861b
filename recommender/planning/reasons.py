"""Why something stays open, and what a plan takes for granted: sentences by key."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from recommender import codes
from recommender.answers.matches import Assessment
from recommender.company.figures import ZERO, in_cny
from recommender.company.profile import Collateral, Need
from recommender.plan_options import PlanOptions
from recommender.planning.plans import Plan
from recommender.planning.situation import Situation
from recommender.texts import Money

Said = tuple[str, dict[str, Any]]
MOST = 8
MATERIAL = 1


def notes_of(situation: Situation, assessment: Assessment, options: PlanOptions) -> list[Said]:
    """What was taken for granted, and what could not be planned for."""
    company = assessment.case.company
    return [
        *_needs(situation, assessment, options),
        *_profile(situation, assessment),
        *_sales(situation, company.collateral or ()),
        *_facilities(situation, company.facilities or ()),
    ]


def _needs(s: Situation, a: Assessment, options: PlanOptions) -> Iterator[Said]:
    stated = options.needs or ((a.case.company.need,) if a.case.company.need else (Need(),))
    for need in stated:
        if need.amount is None or need.currency is None:
            yield "note.no_need", {}
        elif in_cny(need.amount, need.currency, s.rates) is None:
            yield "note.no_rate", {"currency": need.currency}
        elif need.amount == 0:
            yield "note.zero_need", {}
        else:
            if need.tenor_days is None:
                yield "note.no_tenor", {}
            if need.date is None:
                yield "note.no_date", {"day": s.day}
            elif need.date < s.day:
                yield "note.past_date", {"date": need.date, "day": s.day}


def _profile(s: Situation, a: Assessment) -> Iterator[Said]:
    company = a.case.company
    if company.collateral is None:
        yield "note.collateral_unknown", {}
    if company.positions is None:
        yield "note.positions_unknown", {}
    for p in a.case.derived.positions:
        if p.before_hedges is None or p.hedges is None:
            yield "note.position_unknown", {"currency": p.currency, "bucket": p.bucket}
        elif p.currency not in s.rates:
            yield "note.position_no_rate", {"currency": p.currency}
    cover = a.case.derived.collateral_coverage.number
    if s.wants and cover is not None and cover > s.need:
        yield (
            "note.more_collateral",
            {
                "coverage": Money(cover, "CNY"),
                "need": Money(s.need, "CNY"),
            },
        )


def _sales(s: Situation, items: Sequence[Collateral]) -> Iterator[Said]:
    """What is taken for one sale although nobody says so: then it is lent on once."""
    if s.sales is None:
        return
    lent = {cover.group for line in s.candidates for cover in line.covers}
    names = [codes.collateral_type(items[int(p[11:-1])].type).label for p in s.sales.assumed]
    if names and lent & {s.sales.groups[place] for place in s.sales.assumed}:
        yield "note.one_sale", {"items": names}
    for fact in s.sales.guessed:
        users = [line.product.name for line in s.candidates if fact in line.resources]
        kinds = [
            codes.collateral_type(items[int(place[11:-1])].type).label
            for place, group in s.sales.groups.items()
            if group in s.sales.links[fact] and group in lent
        ]
        if users and kinds:
            names = list(dict.fromkeys(kinds))
            yield "note.same_sale", {"product": users[0], "items": names}


def _facilities(s: Situation, facilities: Any) -> Iterator[Said]:
    for i, facility in enumerate(facilities):
        drawn = in_cny(facility.drawn, facility.currency, s.rates)
        ends = [w.start + datetime.timedelta(days=w.days) for w in s.wants if w.days is not None]
        if drawn and facility.maturity and ends and facility.maturity < max(ends):
            yield (
                "note.matures",
                {
                    "lender": facility.lender or str(i),
                    "amount": Money(drawn, "CNY"),
                    "day": facility.maturity,
                },
            )


def why_open(s: Situation, plan: Plan | None) -> list[Said]:
    """Why the need is not covered, or no line is there: reasons by product, most telling first."""
    covered = plan.total_covered if plan else ZERO
    if s.need - covered <= MATERIAL:
        return []
    found: list[Said] = []
    used = {line.candidate.product.id for line in plan.lines} if plan else set()
    for line in s.dropped:
        if line.code != "hedge_experience" and line.product.id not in used:
            params = {key: _shown(value) for key, value in line.params.items()}
            found.append((line.code, {"name": line.product.name, **params}))
    if plan:
        held = {name for pair in s.exclusive if set(pair) & used for name in pair} - used
        names = dict.fromkeys(c.product.name for c in s.candidates if c.product.id in held)
        found = [("exclusive", {"names": list(names)})] * bool(names) + found
        at_most = [
            x.candidate.product.name
            for x in plan.lines
            if x.candidate.product.amount is not None
            and x.candidate.product.amount.high is not None
            and x.amount >= x.candidate.product.amount.high - 1
        ]
        found = [("ceiling", {"name": name}) for name in at_most] + found
    if not s.candidates and not found:
        found.append(("none_fits", {}))
    order = ("ceiling", "exclusive", "fact_unknown", "tenor_too_long", "below_minimum")
    found.sort(key=lambda said: order.index(said[0]) if said[0] in order else len(order))
    return found[:MOST]


def _shown(value: Any) -> Any:
    return Money(value, "CNY") if isinstance(value, Decimal) else value
