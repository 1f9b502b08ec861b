"""Checks of positions, hedges, margins and the collateral gap after a plan."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from recommender.answers.matches import Assessment
from recommender.catalogue.product import Product
from recommender.engine import Engine
from recommender.plan_options import PlanOptions
from recommender.planning.plans import Hedged, Line, Plan, Position
from recommender.planning.settings import Settings
from recommender.planning.verify_lines import fits
from recommender.planning.verify_profile import CENT, ZERO, Ledger
from recommender.vocabulary import BUCKET_DAYS

PIP = Decimal("0.0001")
Figures = tuple[Decimal, Decimal, Decimal]


class CurrencyChecks:
    """Checks what a plan does to positions, and the money that hedges and credits tie up."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        assessment: Assessment,
        ledger: Ledger,
        options: PlanOptions,
        settings: Settings,
    ) -> None:
        self._plan, self._engine, self._a, self._l = plan, engine, assessment, ledger
        self._options, self._set = options, settings
        own, dated = options.hedge_target, engine.parameters.value("hedge_target", ledger.day)
        aim = own or dated
        self._aim: tuple[Decimal, Decimal] | None = None
        if aim is not None and aim.low is not None and aim.high is not None:
            self._aim = (aim.low, aim.high)

    def faults(self) -> Iterator[str]:
        """Everything that is wrong."""
        places = [(p.spot.currency, p.spot.bucket) for p in self._plan.positions]
        if len(set(places)) < len(places):
            yield "a position twice"
        for line in self._plan.lines:
            for flow in (*line.due, *line.pays):
                if (line.candidate.currency, flow.bucket) not in places:
                    yield f"{line.candidate.currency} {flow.bucket} is left out"
        for q, position in enumerate(self._plan.positions):
            for fault in self._position(q, position):
                yield f"{position.spot.currency} {position.spot.bucket}: {fault}"
        yield from self._suitable()
        yield from self._margins()
        yield from self._gap()

    # --- positions -------------------------------------------------------------------------------

    def _documented(self, currency: str, bucket: str) -> Figures:
        """Position before hedges, forwards bought and sold, from the documented rows."""
        before = bought = sold = ZERO
        for row in self._l.company.positions or ():
            if (row.currency, row.bucket) == (currency, bucket) and row.documented:
                balance = row.balances if bucket == "0-1m" else ZERO
                parts = (row.receipts, row.payables, row.fx_debt, row.bought, row.sold)
                receipts, payables, debt, b, s = (part or ZERO for part in parts)
                before += receipts + balance - payables - debt
                bought, sold = bought + b, sold + s
        return before, bought, sold

    def _flows(self, currency: str, bucket: str) -> Figures:
        """Debts of the lines there, the part of it that falls due by itself, what they pay."""
        debt = own = pays = ZERO
        for line in self._plan.lines:
            if line.candidate.currency == currency:
                here = sum((f.amount for f in line.due if f.bucket == bucket), ZERO)
                debt += here
                pays += sum((f.amount for f in line.pays if f.bucket == bucket), ZERO)
                days = (line.start - self._l.day).days + (line.candidate.days or 0)
                first, last = BUCKET_DAYS[bucket]
                own += here if first <= days <= last else ZERO
        return debt, own, pays

    def _position(self, q: int, p: Position) -> Iterator[str]:
        before, bought, sold = self._documented(p.spot.currency, p.spot.bucket)
        if (before, bought, sold) != (p.spot.before, p.spot.bought, p.spot.sold):
            yield "not the documented position"
        debt, own, pays = self._flows(p.spot.currency, p.spot.bucket)
        if (debt, pays) != (p.debt, p.paid):
            yield f"debt {p.debt} and payments {p.paid} are not those of the lines"
        if p.position != before - debt + pays:
            yield "not the position after the plan's own lines"
        receipts = max(ZERO, before - max(ZERO, sold - bought))
        if debt - own > receipts:
            yield "more is repaid from receipts than come in"
        if pays > max(ZERO, -before - max(ZERO, bought - sold)):
            yield "pays more than is payable"
        held = (sold - bought) * (1 if p.position > 0 else -1)
        hedges = [h for h in self._plan.hedges if h.hedge.spot == q]
        yield from self._hedged(p, hedges, held)

    # --- hedges ----------------------------------------------------------------------------------

    def _hedged(self, p: Position, hedges: list[Hedged], held: Decimal) -> Iterator[str]:
        """Side, reach, range, never above the target; the ratio that is shown."""
        amount = sum((h.amount for h in hedges), ZERO)
        if (amount, held) != (p.new, p.held):
            yield "not the hedges there are"
        if amount and (self._aim is None or amount + held > abs(p.position) * self._aim[1]):
            yield "hedged above the target"
        if p.position:
            exact = (amount + held) / abs(p.position)
            inside = None if self._aim is None else self._aim[0] <= exact <= self._aim[1]
            if (p.ratio, p.within) != (exact.quantize(PIP), inside):
                yield f"the hedge ratio should be {exact.quantize(PIP)}"
        side = "sell" if p.position > 0 else "buy"
        yield from ("the wrong side" for h in hedges if h.side != side)
        for hedged in hedges:
            yield from self._within(hedged, p)

    def _within(self, hedged: Hedged, p: Position) -> Iterator[str]:
        product = hedged.hedge.product
        low = product.amount.low if product.amount else None
        high = product.amount.high if product.amount else None
        value = hedged.amount * self._l.rates[p.spot.currency]
        if not self._reaches(product, p.spot.bucket) or p.spot.currency not in product.currencies:
            yield f"{product.id} does not reach it"
        if hedged.amount <= 0 or (low is not None and value < low):
            yield f"{product.id}: below its smallest amount"
        if high is not None and value > high:
            yield f"{product.id}: above its largest amount"

    @staticmethod
    def _reaches(product: Product, bucket: str) -> bool:
        tenor, (first, last) = product.tenor_days, BUCKET_DAYS[bucket]
        low = tenor.low if tenor and tenor.low is not None else 0
        high = tenor.high if tenor and tenor.high is not None else last
        return low <= last and high >= first

    def _suitable(self) -> Iterator[str]:
        """Nothing beyond plain forwards without experience; no hedge of a mismatch."""
        experience = self._a.case.facts.get("hedge_experience")
        for hedged in self._plan.hedges:
            product = hedged.hedge.product
            if product.lane != "hedge" or product.id in self._set.mismatch_hedges:
                yield f"{product.id} closes no open position"
            plain = product.id in self._set.plain_hedges
            if not plain and (experience is None or experience.value is not True):
                yield f"{product.id}: no hedge experience"
            sure = hedged.hedge.standing == "eligible"
            for fault in fits(self._engine, self._a, product, conditional=not sure):
                yield f"{product.id}: {fault}"

    # --- margins and what is arranged ------------------------------------------------------------

    def _margins(self) -> Iterator[str]:
        """Cash for forwards and credits, less what stands in for it; who has money for it."""
        rate = self._l.parameter("forward_margin") or ZERO
        tied = ZERO
        for hedged in self._plan.hedges:
            price = self._l.rates[self._plan.positions[hedged.hedge.spot].spot.currency]
            tied += (hedged.amount * price * rate).quantize(CENT)
        support = credit = ZERO
        for arranged in self._plan.arranged:
            product, amount = arranged.helper.product, arranged.amount or ZERO
            yield from self._arranged(product, arranged.amount)
            for fault in fits(
                self._engine, self._a, product, arranged.helper.standing == "conditional"
            ):
                yield f"{product.id}: {fault}"
            if product.covers == "hedge_margin":
                support += amount
            elif self._is_credit(product):
                share = self._l.parameter("lc_margin") or ZERO
                credit += (amount * share).quantize(CENT)
        if support > tied:
            yield "more margin is taken over than there is"
        total = tied + credit - support
        if total != sum(self._plan.margins.values(), ZERO):
            yield f"margins should be {total}"
        if self._plan.margin_open != max(ZERO, total - self._spare()):
            yield f"margins without money should be {max(ZERO, total - self._spare())}"

    @staticmethod
    def _is_credit(product: Product) -> bool:
        return product.lane == "settlement" and product.family == "margin_or_line"

    def _arranged(self, product: Product, amount: Decimal | None) -> Iterator[str]:
        """The range of a guarantee or credit, and that a credit is for what hangs on it."""
        low = product.amount.low if product.amount else None
        high = product.amount.high if product.amount else None
        if amount is not None and high is not None and amount > high:
            yield f"{product.id}: {amount} is above its largest amount"
        if amount is not None and low is not None and amount < low:
            yield f"{product.id}: {amount} is below its smallest amount"
        if self._is_credit(product) and amount is not None:
            under = [line.amount for line in self._plan.lines if self._settled(line, product.id)]
            if amount != sum(under, ZERO):
                yield f"{product.id}: {amount} is not what is settled under it"

    @staticmethod
    def _settled(line: Line, name: str) -> bool:
        relations = line.candidate.product.relations
        return any(r.kind == "prerequisite" and name in r.any_of for r in relations)

    def _spare(self) -> Decimal:
        """New money beyond the needs."""
        total = ZERO
        for k, need in enumerate(self._l.needs):
            money = sum((x.net for x in self._plan.lines if x.candidate.need == k), ZERO)
            money += sum((d.amount for d in self._plan.drawn if d.need == k), ZERO)
            wanted = (self._l.cny(need.amount, need.currency) or ZERO).quantize(CENT)
            total += max(ZERO, money - wanted)
        return total

    def _gap(self) -> Iterator[str]:
        """What stays unsecured: need less coverage, unsecured money and new guarantees."""
        directions = self._l.company.trade.directions if self._l.company.trade else None
        asked = None if directions is None else tuple(sorted(directions))
        advances = self._engine.matcher.best_advances(self._l.day, asked)
        need, cover = self._l.company.need, self._l.covered_by_collateral(advances)
        wanted = self._l.cny(need.amount, need.currency) if need else None
        if cover is None or wanted is None:
            if self._plan.gap is not None:
                yield "the collateral gap is not known"
            return
        gap = max(ZERO, wanted.quantize(CENT, "ROUND_HALF_UP") - cover)
        share, open_ = self._l.parameter("guarantee_share") or ZERO, ZERO
        for arranged in self._plan.arranged:
            if arranged.helper.product.covers == "loan":
                closed = ((arranged.amount or ZERO) * share).quantize(CENT, ROUND_DOWN)
                gap, open_ = gap - closed, open_ + closed
        if open_ > self._uncovered() + CENT:
            yield "a guarantee for what is covered"
        gap -= sum((x.net for x in self._plan.lines if self._uses_none(x)), ZERO)
        gap -= sum((d.amount for d in self._plan.drawn), ZERO)
        if self._plan.gap is None or max(ZERO, gap) != self._plan.gap:
            yield f"the collateral gap should be {max(ZERO, gap)}"

    def _uncovered(self) -> Decimal:
        needs = (self._l.cny(n.amount, n.currency) or ZERO for n in self._l.needs)
        return sum((n.quantize(CENT) for n in needs), ZERO) - self._plan.total_covered

    @staticmethod
    def _uses_none(line: Line) -> bool:
        """Whether nothing that counts in coverage secures a line; a credit does not count."""
        return line.candidate.product.formula not in ("advance", "insured_receivable")
