"""What a plan hangs on and the cheapest way to close its gap, each tried by solving again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, Literal

from recommender.answers.changes import Change, apply
from recommender.answers.matches import Assessment
from recommender.company.figures import ZERO
from recommender.company.profile import Company
from recommender.errors import InvalidProfile
from recommender.plan_options import PlanOptions
from recommender.planning.plans import Plan
from recommender.planning.search import least_uncovered
from recommender.planning.situation import Candidate, Situation

if TYPE_CHECKING:
    from recommender.planning.planner import Planner

CENT = Decimal("0.01")
MATERIAL = Decimal(1)
STEP = Decimal(1000)


@dataclass(frozen=True)
class Fall:
    """What is covered without something. place: an item or facility of the profile; CNY."""

    place: str
    covered: Decimal
    lost: Decimal


@dataclass(frozen=True)
class Way:
    """A way to cover more. kind: what it takes; change: of near misses; CNY of need then covered.

    by: who has to act. amount, currency: of a limit to be raised, at place.
    """

    kind: Literal["limit", "change"]
    by: str
    covered: Decimal
    closes: bool
    place: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    change: Change | None = None
    product: str | None = None


class Sensitivity:
    """Tries a situation without its parts, and a company with changes."""

    def __init__(
        self,
        planner: Planner,
        company: Company,
        options: PlanOptions,
        assessment: Assessment,
        situation: Situation,
    ) -> None:
        self._planner, self._company, self._options = planner, company, options
        self._a, self._s = assessment, situation
        self._limits = planner.settings.limits

    def of(self, plan: Plan) -> tuple[list[Fall], list[Way]]:
        """What the plan hangs on, largest loss first, and ways to close its gap, cheapest first."""
        return list(self._falls(plan)), self._ways(plan)

    def _falls(self, plan: Plan) -> Iterator[Fall]:
        used = [(c.lent, c.place, c.group) for line in plan.lines for c in line.covers]
        used += [(d.amount, d.facility.place, "") for d in plan.drawn]
        found = []
        for _, place, group in sorted(set(used), reverse=True)[: self._limits.sensitivities]:
            left = without(self._s, place, group)
            covered = self._covered(left)
            if plan.total_covered - covered > MATERIAL:
                found.append(Fall(place, covered, plan.total_covered - covered))
        yield from sorted(found, key=lambda fall: (-fall.lost, fall.place))

    def _covered(self, situation: Situation) -> Decimal:
        left = least_uncovered(situation, self._planner.settings)
        return max(ZERO, situation.need - Decimal(repr(max(0.0, left))).quantize(CENT))

    def _ways(self, plan: Plan) -> list[Way]:
        gap = self._s.need - plan.total_covered
        if gap <= MATERIAL:
            return []
        found = [*self._limits_raised(gap, plan), *self._changes(plan)]
        hand = {"company": 0, "third_party": 1}
        found.sort(key=lambda w: (not w.closes, hand.get(w.by, 2), -w.covered, w.kind, w.place))
        return found[: self._limits.closings]

    def _limits_raised(self, gap: Decimal, plan: Plan) -> Iterator[Way]:
        """A higher buyer limit, where the limit is what holds an insured receivable down."""
        for i, policy in enumerate(self._company.insurance or ()):
            bounds = [policy.declared, *self._invoices(policy.trade)]
            free, cover = policy.free_limit, policy.cover_pct
            if free is None or cover is None or None in bounds or len(bounds) < 2:
                continue
            room = min(b for b in bounds if b is not None) - free
            rate = self._s.rates.get(policy.currency or "")
            share = max((f for f in self._factors(policy.trade)), default=ZERO)
            if room <= 0 or rate is None or not share or not cover:
                continue
            wanted = gap / (share * cover / 100 * rate.cny_per_unit)
            step = min(room, (wanted / STEP).quantize(Decimal(1), ROUND_CEILING) * STEP)
            raised = [
                p.model_copy(update={"free_limit": free + step}) if j == i else p
                for j, p in enumerate(self._company.insurance or ())
            ]
            changed = self._company.model_copy(update={"insurance": tuple(raised)})
            way = self._tried(changed, plan, "limit", "third_party")
            if way is not None:
                yield replace(
                    way, place=f"insurance[{i}].free_limit", amount=step, currency=policy.currency
                )

    def _invoices(self, trade: str | None) -> list[Decimal | None]:
        return [
            item.value
            for item in self._company.collateral or ()
            if item.type == "insured_receivable" and trade is not None and item.trade == trade
        ]

    def _factors(self, trade: str | None) -> Iterator[Decimal]:
        for line in self._s.candidates:
            spans = self._planner.engine.matcher.spans(line.product.id, self._s.day)
            if "insured_receivable" in spans and any(c.group == trade for c in line.covers):
                yield spans["insured_receivable"][1]

    def _changes(self, plan: Plan) -> Iterator[Way]:
        """Single changes by the company that bring in one more product that pays out."""
        tried = 0
        products = self._planner.engine.catalogue.products
        for name in sorted(self._a.near):
            product = products[name]
            if not product.funded or tried >= self._limits.closings:
                continue
            change = self._a.near[name][0]
            tried += 1
            try:
                changed = apply(self._company, dict(change.values), self._planner.engine.catalogue)
                way = self._tried(changed, plan, "change", change.by)
            except InvalidProfile:
                continue
            if way is not None:
                yield replace(way, change=change, product=name)

    def _tried(self, company: Company, plan: Plan, kind: Any, by: str) -> Way | None:
        _, situation = self._planner.situation(company, self._options)
        covered = min(self._covered(situation), self._s.need)
        if situation.need < self._s.need or covered - plan.total_covered <= MATERIAL:
            return None
        return Way(kind, by, covered, self._s.need - covered <= MATERIAL)


def without(situation: Situation, place: str, group: str) -> Situation:
    """The situation without one trade or facility."""
    lines = [_line_without(line, group) if group else line for line in situation.candidates]
    kept = tuple(line for line in lines if line is not None)
    existing = tuple(e for e in situation.existing if e.place != place)
    return replace(situation, candidates=kept, existing=existing)


def _line_without(line: Candidate, group: str) -> Candidate | None:
    if not line.secured:
        return line
    covers = tuple(cover for cover in line.covers if cover.group != group)
    high = min(line.high, sum((cover.lent for cover in covers), ZERO))
    return replace(line, covers=covers, high=high) if high >= line.low and high > 0 else None
