"""The independent checker: every amount and constraint of a plan, derived again from the profile.

It shares nothing with what makes plans but their records and settings: what it reads, it reads from
the company, the catalogue and the dated parameters; of the engine it takes the answers to the
products' rules. No plan leaves the engine that it does not accept.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from recommender.company.profile import Company
from recommender.engine import Engine
from recommender.errors import CorridorError
from recommender.plan_options import PlanOptions
from recommender.planning.plans import Plan
from recommender.planning.settings import Settings, settings
from recommender.planning.verify_currency import CurrencyChecks
from recommender.planning.verify_lines import LineChecks, ends_of, repays_first
from recommender.planning.verify_profile import CENT, LENT_ON_FACT, ZERO, Ledger

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
        self._plan, self._options, self._set = plan, options, plan_settings
        self._l = Ledger(engine, company, options, plan_settings)
        assessment = engine.assess(company, options.basic)
        self._lines = LineChecks(plan, engine, assessment, self._l, plan_settings)
        self._currency = CurrencyChecks(plan, engine, assessment, self._l, options, plan_settings)

    def faults(self) -> Iterator[str]:
        """Everything that is wrong."""
        if self._plan.day != self._l.day:
            yield f"it is of {self._plan.day}"
        yield from self._lines.faults()
        yield from self._once()
        yield from self._one_sale()
        yield from self._repaid()
        yield from self._ceilings()
        yield from self._choice()
        yield from self._covered()
        yield from self._drawn()
        yield from self._currency.faults()

    # --- nothing twice ---------------------------------------------------------------------------

    def _once(self) -> Iterator[str]:
        """Each sale and each stated amount is lent on by one line or product only."""
        places = [c.place for line in self._plan.lines for c in line.covers]
        sales = [self._l.sales[place] for place in places]
        for sale in sorted({s for s in sales if sales.count(s) > 1}):
            yield f"{sale} is pledged more than once"
        facts = {
            (LENT_ON_FACT[line.candidate.product.formula], line.candidate.product.id)
            for line in self._plan.lines
            if line.candidate.product.formula in LENT_ON_FACT
        }
        if len({fact for fact, _ in facts}) < len(facts):
            yield "a fact is lent on by more than one product"
        keys = [(line.candidate.product.id, line.candidate.need) for line in self._plan.lines]
        if len(set(keys)) < len(keys):
            yield "a product twice for one need"

    def _one_sale(self) -> Iterator[str]:
        """An order or a prepayment is not lent on beside the sale that it may be."""
        pledged = {self._l.sales[c.place] for line in self._plan.lines for c in line.covers}
        for line in self._plan.lines:
            fact = LENT_ON_FACT.get(line.candidate.product.formula)
            both = sorted(self._l.sales_behind(fact) & pledged) if fact else []
            yield from (f"{fact} and {sale} may be one sale" for sale in both)

    # --- what lines have in common ---------------------------------------------------------------

    def _repaid(self) -> Iterator[str]:
        owed, paid = self._l.owed(), dict[str, Decimal]()
        for line in self._plan.lines:
            for part in line.repaid:
                paid[part.product] = paid.get(part.product, ZERO) + part.amount
        for line in self._plan.lines:
            yield from repays_first(line, owed, paid)
        yield from (f"{n}: more repaid than owed" for n, a in paid.items() if a > owed.get(n, ZERO))

    def _ceilings(self) -> Iterator[str]:
        used: dict[str, Decimal] = {}
        sizes: dict[str, Decimal] = {}
        for line in self._plan.lines:
            kinds = {self._l.places[cover.place].type for cover in line.covers}
            for name, size in self._l.ceilings(line.candidate.product, kinds).items():
                sizes[name] = size
                used[name] = used.get(name, ZERO) + line.amount
        yield from (f"{n}: {used[n]} of {sizes[n]}" for n in used if used[n] > sizes[n] + CENT)

    def _choice(self) -> Iterator[str]:
        """Substitutes, take-outs, limits on lines and providers, what was asked for."""
        products = {line.candidate.product.id: line.candidate.product for line in self._plan.lines}
        drawn = set(self._l.owed())
        for name, product in products.items():
            for relation in product.relations:
                others = set(relation.any_of) - {name}
                if relation.kind in ("substitutes", "takes_out"):
                    both = sorted(others & set(products))
                    yield from (f"{name} and {other} exclude each other" for other in both)
                if relation.kind == "substitutes" and set(relation.any_of) & drawn:
                    yield f"{name} stacks on a loan that is drawn"
        used = {*products, *(h.hedge.product.id for h in self._plan.hedges)}
        used |= {a.helper.product.id for a in self._plan.arranged}
        banned = used & set(self._options.exclude)
        if self._options.only is not None:
            banned |= used - set(self._options.only)
        yield from (f"{name} was excluded" for name in sorted(banned))
        limits = self._set.limits
        if len(self._plan.lines) > (self._options.most_lines or limits.lines):
            yield "too many lines"
        if len({p.provider.en for p in products.values()}) > (
            self._options.most_banks or limits.banks
        ):
            yield "too many providers"
        yield from self._sure()

    def _sure(self) -> Iterator[str]:
        """Conditional products only where they were allowed."""
        if self._options.conditional:
            return
        plan = self._plan
        standing = [(x.candidate.product.id, x.candidate.standing) for x in plan.lines]
        standing += [(h.hedge.product.id, h.hedge.standing) for h in plan.hedges]
        standing += [(a.helper.product.id, a.helper.standing) for a in plan.arranged]
        reasons = {x.candidate.product.id for x in plan.lines if x.candidate.reasons}
        for name, how in standing:
            if how == "conditional" and name not in reasons:
                yield f"{name} is conditional"

    # --- money -----------------------------------------------------------------------------------

    def _covered(self) -> Iterator[str]:
        spare = ZERO
        if len(self._plan.covered) != len(self._l.needs):
            yield "not the needs that were stated"
            return
        for k, need in enumerate(self._l.needs):
            amount = (self._l.cny(need.amount, need.currency) or ZERO).quantize(CENT)
            money = sum((x.net for x in self._plan.lines if x.candidate.need == k), ZERO)
            money += sum((d.amount for d in self._plan.drawn if d.need == k), ZERO)
            if self._plan.covered[k] != min(money, amount):
                yield f"need {k}: {self._plan.covered[k]} is not what the lines bring"
            spare += max(ZERO, money - amount)
        if spare > max(ZERO, sum(self._plan.margins.values(), ZERO)) + TOLERANCE:
            yield f"{spare} is borrowed beyond needs and margins"

    def _drawn(self) -> Iterator[str]:
        """Undrawn facilities: of a kind for any need, up to what is free, as long as the need."""
        if self._plan.drawn and not self._options.existing:
            yield "existing facilities were not to be used"
        every = {f"facilities[{i}]": f for i, f in enumerate(self._l.company.facilities or ())}
        used: dict[str, Decimal] = {}
        for drawn in self._plan.drawn:
            place, need = drawn.facility.place, self._l.needs[drawn.need]
            used[place] = used.get(place, ZERO) + drawn.amount
            record, ends = every[place], ends_of(self._l.starts(need), need.tenor_days)
            kind = (record.kind or "").strip().lower()
            if kind not in {name.lower() for name in self._set.drawable}:
                yield f"{place}: cannot be drawn for any need"
            if record.currency != "CNY":
                yield f"{place}: not in CNY"
            if ends is None or record.maturity is None or record.maturity < ends:
                yield f"{place}: ends before the need"
        for place, amount in used.items():
            free = (every[place].limit or ZERO) - (every[place].drawn or ZERO)
            if amount > free:
                yield f"{place}: more drawn than is free"
