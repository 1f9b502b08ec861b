"""The independent checker: every amount and constraint of a plan, derived again from the profile.

It knows nothing of the programme that made the plan. What it needs it computes from the company,
the catalogue and the dated parameters; nothing leaves the engine that it does not accept.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from recommender import codes
from recommender.catalogue.gates import buckets_of
from recommender.catalogue.product import Product
from recommender.company.collateral import items
from recommender.company.figures import ZERO, in_cny, stated_number
from recommender.company.profile import Company, Need
from recommender.engine import Engine
from recommender.errors import CorridorError
from recommender.matching.amounts import REBATE, STATED, ceilings
from recommender.matching.eligibility import NO
from recommender.matching.matcher import Case
from recommender.plan_options import PlanOptions
from recommender.planning import lending
from recommender.planning.plans import Hedged, Line, Plan, Position
from recommender.planning.settings import Settings, settings
from recommender.planning.standing import tested_by_plans

CENT = Decimal("0.01")
TOLERANCE = Decimal("1.00")


class PlanFault(CorridorError):
    """A plan that does not hold; it is a fault of the program and never shown. params: faults."""

    code = "plan_fault"


def verify_plan(
    plan: Plan,
    engine: Engine,
    company: Company,
    options: PlanOptions,
    plan_settings: Settings | None = None,
) -> None:
    """Raise PlanFault with everything that is wrong with a plan; return when it holds."""
    faults = list(Checker(plan, engine, company, options, plan_settings or settings()).faults())
    if faults:
        raise PlanFault(faults="; ".join(faults))


class Checker:
    """Checks one plan for one company."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        company: Company,
        options: PlanOptions,
        plan_settings: Settings,
    ) -> None:
        self._plan, self._engine, self._options = plan, engine, options
        self._set = plan_settings
        self._a = engine.assess(company, options.basic)
        self._case: Case = self._a.case
        self._company, self._rates = self._case.company, self._case.rates
        self._basis = engine.basis(self._case)
        self._control = engine.matcher.control_of(self._company)

    def faults(self) -> Iterator[str]:
        """Everything that is wrong."""
        for line in self._plan.lines:
            yield from self._line(line)
        yield from self._once()
        yield from self._repaid()
        yield from self._rooms()
        yield from self._choice()
        yield from self._covered()
        yield from self._positions()
        yield from self._margins()
        yield from self._gap()

    # --- lines -----------------------------------------------------------------------------------

    def _line(self, line: Line) -> Iterator[str]:
        product, name = line.candidate.product, line.candidate.product.id
        rate = self._rates[line.candidate.currency].cny_per_unit
        if line.own != line.own.quantize(CENT) or line.amount != (line.own * rate).quantize(
            CENT, "ROUND_DOWN"
        ):
            yield f"{name}: {line.own} {line.candidate.currency} are not {line.amount} CNY"
        if line.candidate.currency not in product.currencies:
            yield f"{name}: not offered in {line.candidate.currency}"
        yield from self._range(line)
        yield from self._fits(product)
        days, span = line.candidate.days, product.tenor_days
        known = days is not None and span is not None
        if known and not (span.low or 0) <= days <= (span.high or days):  # type: ignore[union-attr,operator]
            yield f"{name}: {days} days are outside its tenor"
        need = self._needs()[line.candidate.need]
        if days is not None and need.tenor_days is not None and days < need.tenor_days:
            yield f"{name}: shorter than the need"
        if line.candidate.secured:
            yield from self._secured(line)
        if product.stages is not None and not self._at_stage(line):
            yield f"{name}: outside its stage of trade"

    def _range(self, line: Line) -> Iterator[str]:
        product = line.candidate.product
        low = product.amount.low if product.amount else None
        high = product.amount.high if product.amount else None
        exact = line.own * self._rates[line.candidate.currency].cny_per_unit
        if line.own <= 0 or (low is not None and exact < low):
            yield f"{product.id}: {line.amount} is below its smallest amount"
        every = sum(x.amount for x in self._plan.lines if x.candidate.product.id == product.id)
        if high is not None and every > high:
            yield f"{product.id}: {every} is above its largest amount"
        fact = STATED.get(product.formula) or (REBATE if product.formula == "tax_rebate" else None)
        if fact is not None:
            share = product.share.high if product.share else None
            if fact == REBATE:
                share = self._spans(product).get("tax_rebate_account", (None, None))[1]
            stated = stated_number(self._company, fact)
            if stated is None or share is None or line.amount > share * stated + CENT:
                yield f"{product.id}: more than the share of {fact}"

    def _spans(self, product: Product) -> dict[str, tuple[Decimal, Decimal]]:
        return dict(self._engine.matcher.spans(product.id, self._case.profile.as_of))

    def _fits(self, product: Product) -> Iterator[str]:
        if product.suspended:
            yield f"{product.id}: suspended"
        for i, rule in self._engine.matcher.placed[self._engine.matcher.index[product.id]]:
            if rule.hard and self._a.answers[i] == NO and not tested_by_plans(rule):
                yield f"{product.id}: its rule {rule.reason} says no"

    def _secured(self, line: Line) -> Iterator[str]:
        """What the trades lend to this product, from the items themselves."""
        product, spans = line.candidate.product, self._spans(line.candidate.product)
        high = {kind: span[1] for kind, span in spans.items()}
        worths = {
            item.place: item.worth.number
            for item in items(self._company, high, self._rates, self._control)
        }
        every = self._company.collateral or ()
        lent = ZERO
        for cover in line.covers:
            item = every[int(cover.place[11:-1])]
            if item.type not in spans:
                yield f"{product.id}: does not accept {item.type}"
                continue
            worth = worths.get(cover.place)
            if not codes.collateral_type(item.type).counts_in_coverage:
                worth = in_cny(item.value, item.currency, self._rates)
                worth = None if worth is None else worth * high[item.type]
            lent += max(ZERO, (worth or ZERO) - self._bound(cover.group, product))
        if line.amount > lent + CENT * len(line.covers):
            yield f"{product.id}: {line.amount} is more than {lent} lent"
        if line.low > line.amount:
            yield f"{product.id}: low above the amount"

    def _bound(self, group: str, product: Product) -> Decimal:
        bound = lending.bound_items(self._company, self._basis, self._set)
        held, drawn = bound.get(group, ("", ZERO))
        taken = {n for r in product.relations if r.kind == "takes_out" for n in r.any_of}
        return ZERO if held in taken else drawn

    def _at_stage(self, line: Line) -> bool:
        stages = line.candidate.product.stages or ()
        stage = self._company.trade.stage if self._company.trade else None
        if stage is None or stage in stages:
            return True
        every = self._company.collateral or ()
        kinds = [every[int(c.place[11:-1])].type for c in line.covers]
        if not line.candidate.secured:
            kinds = [
                item.type
                for item in every
                if codes.collateral_type(item.type).family != "documentary_credit"
            ]
        table = self._set.stages
        at = [
            table.get(kind) or table.get(codes.collateral_type(kind).family) or () for kind in kinds
        ]
        if line.candidate.secured:
            return all(set(found) & set(stages) for found in at)
        return any(set(found) & set(stages) for found in at)

    # --- together --------------------------------------------------------------------------------

    def _once(self) -> Iterator[str]:
        """Each trade, and each fact that is lent on, by one line only."""
        groups = [cover.group for line in self._plan.lines for cover in line.covers]
        for group in sorted({g for g in groups if groups.count(g) > 1}):
            yield f"{group} is pledged more than once"
        every = self._company.collateral or ()
        trades = [
            every[int(c.place[11:-1])].trade for line in self._plan.lines for c in line.covers
        ]
        stated = [trade for trade in trades if trade is not None]
        if len(set(stated)) < len(stated):
            yield "a trade is financed more than once"
        facts = [
            (fact, line.candidate.product.id)
            for line in self._plan.lines
            for fact in line.candidate.resources
        ]
        if len({fact for fact, _ in facts}) < len(set(facts)):
            yield "a fact is lent on by more than one product"

    def _repaid(self) -> Iterator[str]:
        owed = lending.outstanding_of(self._company, self._basis, self._set)
        paid: dict[str, Decimal] = {}
        for line in self._plan.lines:
            relations = line.candidate.product.relations
            takes = {n for r in relations if r.kind == "takes_out" for n in r.any_of}
            for part in line.repaid:
                paid[part.product] = paid.get(part.product, ZERO) + part.amount
                if part.product not in takes:
                    yield f"{line.candidate.product.id} does not take out {part.product}"
            if line.net < 0:
                yield f"{line.candidate.product.id}: repays more than it brings"
        for line in self._plan.lines:
            relations = line.candidate.product.relations
            takes = {n for r in relations if r.kind == "takes_out" for n in r.any_of}
            left = [n for n in takes & set(owed) if paid.get(n, ZERO) < owed[n] - CENT]
            if left and line.net > CENT:
                yield f"{line.candidate.product.id}: new money before {left} is repaid"
        yield from (f"{n}: more repaid than owed" for n, a in paid.items() if a > owed.get(n, ZERO))

    def _rooms(self) -> Iterator[str]:
        used: dict[str, Decimal] = {}
        sizes: dict[str, Decimal] = {}
        for line in self._plan.lines:
            product = line.candidate.product
            for figure in ceilings(product, self._basis):
                if figure.number is not None:
                    sizes[figure.name] = figure.number
                    used[figure.name] = used.get(figure.name, ZERO) + line.amount
            for fact in lending.rooms_of(product, self._company, line.covers):
                sizes[fact] = in_cny(stated_number(self._company, fact), "USD", self._rates) or ZERO
                used[fact] = used.get(fact, ZERO) + line.amount
        yield from (f"{n}: {used[n]} of {sizes[n]}" for n in used if used[n] > sizes[n] + CENT)

    def _choice(self) -> Iterator[str]:
        """Substitutes, take-outs, limits on lines and providers, what was asked for."""
        products = {line.candidate.product.id: line.candidate.product for line in self._plan.lines}
        for name, product in products.items():
            for relation in product.relations:
                if relation.kind in ("substitutes", "takes_out"):
                    both = sorted(set(relation.any_of) & set(products) - {name})
                    yield from (f"{name} and {other} exclude each other" for other in both)
        used = {*products, *(h.hedge.product.id for h in self._plan.hedges)}
        used |= {a.helper.product.id for a in self._plan.arranged}
        banned = used & set(self._options.exclude)
        if self._options.only is not None:
            banned |= used - set(self._options.only)
        yield from (f"{name} was excluded" for name in sorted(banned))
        limits = self._set.limits
        if len(self._plan.lines) > (self._options.most_lines or limits.lines):
            yield "too many lines"
        banks = {product.provider.en for product in products.values()}
        if len(banks) > (self._options.most_banks or limits.banks):
            yield "too many providers"
        experienced = self._case.facts.get("hedge_experience")
        for hedged in self._plan.hedges:
            plain = hedged.hedge.product.id in self._set.plain_hedges
            if not plain and (experienced is None or experienced.value is not True):
                yield f"{hedged.hedge.product.id}: no hedge experience"
            yield from self._fits(hedged.hedge.product)

    def _needs(self) -> tuple[Need, ...]:
        found = self._options.needs or ((self._company.need,) if self._company.need else ())
        known = [n for n in found if in_cny(n.amount, n.currency, self._rates) and n.currency]
        return tuple(known)

    def _covered(self) -> Iterator[str]:
        needs, spare = self._needs(), ZERO
        for k, need in enumerate(needs):
            amount = (in_cny(need.amount, need.currency, self._rates) or ZERO).quantize(CENT)
            money = sum((x.net for x in self._plan.lines if x.candidate.need == k), ZERO)
            money += sum((d.amount for d in self._plan.drawn if d.need == k), ZERO)
            if self._plan.covered[k] != min(money, amount):
                yield f"need {k}: {self._plan.covered[k]} is not what the lines bring"
            spare += max(ZERO, money - amount)
        if spare > max(ZERO, sum(self._plan.margins.values(), ZERO)) + TOLERANCE:
            yield f"{spare} is borrowed beyond needs and margins"
        for facility in {d.facility for d in self._plan.drawn}:
            drawn = sum((d.amount for d in self._plan.drawn if d.facility == facility), ZERO)
            record = (self._company.facilities or ())[int(facility.place[11:-1])]
            free = (record.limit or ZERO) - (record.drawn or ZERO)
            if drawn > (in_cny(free, record.currency, self._rates) or ZERO) + CENT:
                yield f"{facility.place}: more drawn than is free"

    # --- currency --------------------------------------------------------------------------------

    def _before(self, currency: str, bucket: str) -> tuple[Decimal, Decimal, Decimal]:
        """Documented position before hedges, forwards bought and sold, from the rows."""
        before = bought = sold = ZERO
        for row in self._company.positions or ():
            if (row.currency, row.bucket) == (currency, bucket) and row.documented:
                balance = row.balances if bucket == "0-1m" else ZERO
                parts = (row.receipts, row.payables, row.fx_debt, row.bought, row.sold)
                receipts, payables, debt, b, s = (part or ZERO for part in parts)
                before += receipts + balance - payables - debt
                bought, sold = bought + b, sold + s
        return before, bought, sold

    def _positions(self) -> Iterator[str]:
        due: dict[str, Decimal] = {}
        for line in self._plan.lines:
            if line.candidate.currency != "CNY":
                due[line.candidate.currency] = due.get(line.candidate.currency, ZERO) + line.own
        for q, position in enumerate(self._plan.positions):
            spot = position.spot
            due[spot.currency] = due.get(spot.currency, ZERO) - position.debt
            before, bought, sold = self._before(spot.currency, spot.bucket)
            place = f"{spot.currency} {spot.bucket}"
            if (before, bought, sold) != (spot.before, spot.bought, spot.sold):
                yield f"{place}: not the documented position"
            if position.position != before - position.debt + position.paid:
                yield f"{place}: not the position after the plan's own lines"
            if position.paid > max(ZERO, -before):
                yield f"{place}: pays more than is payable"
            held = (sold - bought) * (1 if position.position > 0 else -1)
            hedges = [h for h in self._plan.hedges if h.hedge.spot == q]
            yield from self._hedged(position, hedges, held)
        yield from (f"{c}: {a} of debt falls due nowhere" for c, a in due.items() if a != 0)

    def _hedged(self, position: Position, hedges: list[Hedged], held: Decimal) -> Iterator[str]:
        """The hedges on one position: side, reach, range, and never above the target."""
        spot, target = position.spot, self._options.hedge_target
        aim = (target.low, target.high) if target else self._basis.target
        place, amount = f"{spot.currency} {spot.bucket}", sum((h.amount for h in hedges), ZERO)
        if amount and (aim is None or amount + held > abs(position.position) * (aim[1] or 0)):
            yield f"{place}: hedged above the target"
        side = "sell" if position.position > 0 else "buy"
        yield from (f"{place}: the wrong side" for h in hedges if h.side != side)
        for hedged in hedges:
            product = hedged.hedge.product
            low = product.amount.low if product.amount else None
            if spot.bucket not in buckets_of(product) or spot.currency not in product.currencies:
                yield f"{product.id}: does not reach {place}"
            if low is not None and hedged.amount * spot.rate < low:
                yield f"{product.id}: below its smallest amount"

    def _margins(self) -> Iterator[str]:
        day, value = self._case.profile.as_of, self._engine.parameters.value
        cash, lc = value("forward_margin", day), value("lc_margin", day)
        total = ZERO
        for hedged in self._plan.hedges:
            rate = self._rates[self._plan.positions[hedged.hedge.spot].spot.currency].cny_per_unit
            share = cash.value if cash and cash.value is not None else ZERO
            total += (hedged.amount * rate * share).quantize(CENT)
        for arranged in self._plan.arranged:
            if arranged.helper.product.covers == "hedge_margin" and arranged.amount:
                total -= arranged.amount
            elif arranged.helper.margin and arranged.amount:
                share = lc.value if lc and lc.value is not None else ZERO
                total += (arranged.amount * share).quantize(CENT)
        if total != sum(self._plan.margins.values(), ZERO):
            yield f"margins should be {total}"

    def _gap(self) -> Iterator[str]:
        gap = self._case.derived.collateral_gap.number
        if gap is None:
            return
        share = self._basis.guarantee_share.number or ZERO
        for arranged in self._plan.arranged:
            if arranged.helper.product.covers == "loan":
                gap -= ((arranged.amount or ZERO) * share).quantize(CENT, "ROUND_DOWN")
        gap -= sum((x.net for x in self._plan.lines if not x.candidate.rests_on_coverage), ZERO)
        gap -= sum((d.amount for d in self._plan.drawn), ZERO)
        if max(ZERO, gap) != self._plan.gap:
            yield f"the collateral gap should be {max(ZERO, gap)}"
