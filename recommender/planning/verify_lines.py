"""Checks of single lines: amount, range, tenor, stage, security, prerequisites, currency."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from recommender import codes
from recommender.answers.matches import Assessment
from recommender.catalogue.product import Product
from recommender.engine import Engine
from recommender.matching.eligibility import NO, YES
from recommender.planning.plans import Line, Plan
from recommender.planning.settings import Settings
from recommender.planning.verify_profile import (
    CENT,
    LENT_ON_FACT,
    ON_ITEMS,
    ZERO,
    Ledger,
    taken_out_by,
)
from recommender.rules import Rule
from recommender.vocabulary import BUCKET_DAYS

LEFT_TO_PLANS = (
    "amount_below_minimum",
    "amount_above_ceiling",
    "tenor_too_long",
    "open_position",
    "collateral_gap",
    "currency",
)
CEILINGS = ("wc_ceiling_cny", "self_borrow_room_usd", "foreign_debt_room_usd")
PAID_BY_OTHERS = ("receivable", "insured_receivable", "documentary_credit")


def left_to_plans(rule: Rule) -> bool:
    """Whether a rule asks of the whole need what a plan asks of each line."""
    ceiling = rule.f in ("need_cny", "need_usd") and rule.v_field in CEILINGS
    return (rule.op == "at_most" and ceiling) or (
        rule.origin == "gate" and rule.code in LEFT_TO_PLANS
    )


class LineChecks:
    """Checks the lines of one plan."""

    def __init__(
        self, plan: Plan, engine: Engine, assessment: Assessment, ledger: Ledger, settings: Settings
    ) -> None:
        self._plan, self._engine, self._a = plan, engine, assessment
        self._l, self._set = ledger, settings
        self._held = {paper.type for paper in ledger.company.documents or ()}

    def faults(self) -> Iterator[str]:
        """Of all lines."""
        for line in self._plan.lines:
            for fault in self._line(line):
                yield f"{line.candidate.product.id}: {fault}"

    def _line(self, line: Line) -> Iterator[str]:
        product = line.candidate.product
        if product != self._engine.catalogue.products.get(product.id) or not product.funded:
            yield "is not a product that pays out"
        if line.candidate.currency not in product.currencies:
            yield f"not offered in {line.candidate.currency}"
        if line.candidate.currency not in self._l.rates:
            yield f"no rate for {line.candidate.currency}"
            return
        yield from self._range(line)
        yield from self._fits(product, line.conditional)
        yield from self._tenor(line)
        yield from self._secured(line) if product.formula in ON_ITEMS else self._stated(line)
        if product.stages is not None and not self._at_stage(line):
            yield "outside its stage of trade"
        yield from self._prerequisites(line)
        yield from self._flows(line)

    # --- amount ----------------------------------------------------------------------------------

    def _range(self, line: Line) -> Iterator[str]:
        product, rate = line.candidate.product, self._l.rates[line.candidate.currency]
        low = product.amount.low if product.amount else None
        high = product.amount.high if product.amount else None
        exact = line.own * rate
        if line.own != line.own.quantize(CENT) or line.amount != exact.quantize(CENT, ROUND_DOWN):
            yield f"{line.own} {line.candidate.currency} are not {line.amount} CNY"
        if line.own <= 0 or (low is not None and exact < low):
            yield f"{line.amount} is below its smallest amount"
        every = sum(x.amount for x in self._plan.lines if x.candidate.product.id == product.id)
        if high is not None and every > high:
            yield f"{every} is above its largest amount"
        if line.low > line.amount:
            yield "low above the amount"

    def _stated(self, line: Line) -> Iterator[str]:
        """What is lent on a stated amount, and nothing pledged that is not asked for."""
        product = line.candidate.product
        if line.covers:
            yield "pledges what it does not lend on"
        fact = LENT_ON_FACT.get(product.formula)
        if fact is None:
            return
        ends = (product.share.low, product.share.high) if product.share else None
        if product.formula == "tax_rebate":
            ends = self._l.advance(product, "tax_rebate_account")
        low, high = ends if ends else (None, None)
        stated = self._l.number(fact)
        if stated is None or high is None or line.amount > high * stated + CENT:
            yield f"more than the share of {fact}"
        elif low is not None and abs(line.low - min(line.amount, low * stated)) > CENT:
            yield f"low should be {min(line.amount, low * stated)}"

    def _secured(self, line: Line) -> Iterator[str]:
        """What the items lend to this product, each after what other lenders hold of it."""
        product, lent = line.candidate.product, [ZERO, ZERO]
        for cover in line.covers:
            item = self._l.places[cover.place]
            span = self._l.advance(product, item.type)
            if span is None:
                yield f"does not accept {item.type}"
                continue
            if cover.group != self._l.sales[cover.place]:
                yield f"{cover.place} is not of the sale {cover.group}"
            held = self._l.held(cover.group, product)
            for end, share in enumerate(span):
                lent[end] += max(ZERO, (self._l.worth(cover.place, share) or ZERO) - held)
        if line.amount > lent[1] + CENT * len(line.covers):
            yield f"{line.amount} is more than {lent[1]} lent"
        if abs(line.low - min(line.amount, lent[0])) > CENT * (1 + len(line.covers)):
            yield f"low should be {min(line.amount, lent[0])}"

    # --- fit, tenor and stage --------------------------------------------------------------------

    def _fits(self, product: Product, conditional: bool) -> Iterator[str]:
        return fits(self._engine, self._a, product, conditional)

    def _tenor(self, line: Line) -> Iterator[str]:
        days, span = line.candidate.days, line.candidate.product.tenor_days
        need = self._l.needs[line.candidate.need]
        if days is not None and span is not None:
            longest = days if span.high is None else span.high
            if not (span.low or 0) <= days <= longest:
                yield f"{days} days are outside its tenor"
        if need.tenor_days is not None and (days is None or days < need.tenor_days):
            yield "shorter than the need"
        if days is None and not line.conditional:
            yield "no tenor and no condition"
        if line.start != self._l.starts(need):
            yield f"starts on {line.start}"

    def _at_stage(self, line: Line) -> bool:
        stages = set(line.candidate.product.stages or ())
        stage = self._l.company.trade.stage if self._l.company.trade else None
        if stage is None:
            return line.conditional
        if stage in stages:
            return True
        if line.candidate.product.formula in ON_ITEMS:
            kinds = [self._l.places[c.place].type for c in line.covers]
            return all(stages & self._stages(kind) for kind in kinds)
        kinds = [i.type for i in self._l.items if _family(i.type) != "documentary_credit"]
        return any(stages & self._stages(kind) for kind in kinds)

    def _stages(self, kind: str) -> set[str]:
        return set(self._set.stages.get(kind) or self._set.stages.get(_family(kind)) or ())

    # --- what has to be there first --------------------------------------------------------------

    def _prerequisites(self, line: Line) -> Iterator[str]:
        """Each is in place, arranged with the plan, or said to be what the line hangs on."""
        arranged = {a.helper.product.id for a in self._plan.arranged}
        for relation in line.candidate.product.relations:
            if relation.kind != "prerequisite" or any(map(self._in_place, relation.any_of)):
                continue
            said = any(set(some) <= set(relation.any_of) for some in line.hangs)
            if arranged.isdisjoint(relation.any_of) and not said:
                yield f"needs {' or '.join(relation.any_of)} first"

    def _in_place(self, name: str) -> bool:
        shown = self._set.evidence.get(name)
        papers, facts = (shown.documents, shown.facts) if shown else ((), ())
        stated = self._a.case.facts
        true = any(fact in stated and stated[fact].value is True for fact in facts)
        return name in self._l.have() or true or bool(self._held & set(papers))

    # --- foreign currency ------------------------------------------------------------------------

    def _flows(self, line: Line) -> Iterator[str]:
        """A debt is met by receipts of its own life that secure it, or falls due at its end."""
        if line.candidate.currency == "CNY":
            if line.due or line.pays:
                yield "has flows in a foreign currency"
            return
        if sum((flow.amount for flow in line.due), ZERO) != line.own:
            yield f"{line.own} {line.candidate.currency} are not all repaid"
        ahead = (line.start - self._l.day).days
        days = line.candidate.days
        lived = [
            name
            for name, (first, last) in BUCKET_DAYS.items()
            if last >= ahead and (days is None or first <= ahead + days)
        ]
        ends = _bucket(ahead + (days or 0))
        converted = self._l.needs[line.candidate.need].currency != line.candidate.currency
        for flow in line.due:
            by_receipts = flow.bucket in lived and self._paid_in(line)
            if not by_receipts and (converted or flow.bucket != ends):
                yield f"does not fall due in {flow.bucket}"
        for flow in line.pays:
            if flow.bucket not in lived or converted:
                yield f"cannot pay what is due in {flow.bucket}"
        if sum((flow.amount for flow in line.pays), ZERO) > line.own:
            yield "pays more than it brings"

    def _paid_in(self, line: Line) -> bool:
        """Whether everything that secures a line is paid by others in its currency."""
        items = [self._l.places[cover.place] for cover in line.covers]
        trade, product = self._l.company.trade, line.candidate.product
        sold = trade is not None and "export" in (trade.directions or ())
        if sold and (product.directions is None or "export" in product.directions):
            paid: tuple[str, ...] = (*PAID_BY_OTHERS, "title_document")
        else:
            paid = PAID_BY_OTHERS
        return bool(items) and all(
            item.currency == line.candidate.currency and _family(item.type) in paid
            for item in items
        )


def fits(
    engine: Engine, assessment: Assessment, product: Product, conditional: bool
) -> Iterator[str]:
    """What the product's rules say of the company, and whether what is open is said."""
    open_ = product.fit_ceiling == "conditional"
    for i, rule in engine.matcher.placed[engine.matcher.index[product.id]]:
        if rule.hard and not left_to_plans(rule):
            if assessment.answers[i] == NO:
                yield f"its rule {rule.reason} says no"
            facts = engine.catalogue.facts
            asked = [facts[p.f].asked_of if p.f in facts else "company" for p in rule.predicates]
            theirs = "company" not in asked
            open_ = open_ or (assessment.answers[i] != YES and not theirs)
    if open_ and not conditional:
        yield "is said to be certain"


def repays_first(line: Line, owed: dict[str, Decimal], paid: dict[str, Decimal]) -> Iterator[str]:
    """What a line takes out is repaid before it brings new money."""
    product = line.candidate.product
    takes = taken_out_by(product)
    yield from (
        f"{product.id} does not take out {part.product}"
        for part in line.repaid
        if part.product not in takes
    )
    if line.net < 0:
        yield f"{product.id}: repays more than it brings"
    left = [n for n in sorted(takes & set(owed)) if paid.get(n, ZERO) < owed[n] - CENT]
    if left and line.net > CENT:
        yield f"{product.id}: new money before {left} is repaid"


def ends_of(start: datetime.date, days: int | None) -> datetime.date | None:
    """The last day; None when the tenor is not known."""
    return None if days is None else start + datetime.timedelta(days=days)


def _family(kind: str) -> str:
    return codes.collateral_type(kind).family


def _bucket(days: int) -> str:
    return min(
        (name for name, (_, last) in BUCKET_DAYS.items() if last >= days),
        key=lambda name: BUCKET_DAYS[name][1],
    )
