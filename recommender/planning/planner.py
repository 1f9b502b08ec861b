"""The planner: a company in, up to three clearly different plans out, each checked and worded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recommender import __about__
from recommender.answers.matches import Assessment
from recommender.company.figures import in_cny
from recommender.company.profile import Company, Need
from recommender.engine import Engine
from recommender.errors import InvalidOptions
from recommender.plan_options import PlanOptions
from recommender.planning import sensitivity
from recommender.planning.compose import Composer
from recommender.planning.model import Rules
from recommender.planning.plans import Angle, Plan
from recommender.planning.reading import Reader
from recommender.planning.search import search
from recommender.planning.settings import Settings, settings
from recommender.planning.situation import Situation
from recommender.planning.verify import verify_plan
from recommender.planning.words import PlanWriter
from recommender.texts import Language

Json = dict[str, Any]


class Planner:
    """Makes plans with one engine; see `recommender.planning.settings` for what it weighs."""

    def __init__(self, engine: Engine, plan_settings: Settings | None = None) -> None:
        self.engine, self.settings = engine, plan_settings or settings()

    def options(self, raw: Any) -> PlanOptions:
        """Options from plain values; raises InvalidOptions with every problem at once."""
        return PlanOptions.parse(raw)

    def plan(self, company: Company, options: PlanOptions | None = None, **kw: Any) -> Json:
        """Plans with reasons, as a plain dict. kw: single options, such as language="en".

        Raises InvalidProfile and InvalidOptions; a need that cannot be met is an answer.
        """
        stated = (options or PlanOptions()).model_dump(exclude_unset=True)
        chosen = PlanOptions.parse({**stated, **kw}) if kw else options or PlanOptions()
        problems = chosen.unknown_products(self.engine.catalogue.products)
        if problems:
            raise InvalidOptions(problems)
        company = with_needs(company, chosen, self.engine)
        assessment, situation = self.situation(company, chosen)
        plans = list(self._plans(situation, company, chosen))
        closer = sensitivity.Sensitivity(self, company, chosen, assessment, situation)
        writer = PlanWriter(self.engine, assessment, situation, chosen)
        shown = [
            writer.plan(plan, name, *(closer.of(plan) if name == "A" else ([], [])))
            for name, plan in zip("ABC", plans, strict=False)
        ]
        return {**self._head(chosen), **writer.answer(shown)}

    def situation(self, company: Company, options: PlanOptions) -> tuple[Assessment, Situation]:
        """A company read against the catalogue, and what plans are made of."""
        assessment = self.engine.assess(company, options.basic)
        reader = Reader(self.engine, assessment, options, self.settings)
        return assessment, reader.situation()

    def best(self, situation: Situation, rules: Rules | None = None) -> Plan:
        """The best plan of a situation, not checked."""
        return Composer(search(situation, self.settings, rules), "most_covered").plan()

    def _plans(
        self, situation: Situation, company: Company, options: PlanOptions
    ) -> Iterator[Plan]:
        """Plans that differ in what pays out, each checked; hedges alone make one plan."""
        seen: list[Plan] = []
        if not situation.wants and not situation.spots:
            return
        for angle, rules in self._angles(seen):
            if len(seen) == min(options.plans, self.settings.limits.plans):
                return
            plan = Composer(search(situation, self.settings, rules), angle).plan()
            if seen and (not plan.lines or not _differs(plan, seen)):
                continue
            verify_plan(plan, self.engine, company, options, self.settings)
            seen.append(plan)
            yield plan

    def _angles(self, seen: list[Plan]) -> Iterator[tuple[Angle, Rules]]:
        yield "most_covered", Rules()
        if not seen or not seen[0].lines:
            return
        first = seen[0]
        if any(line.conditional for line in first.lines):
            yield "surest", Rules(sure=True)
        if len(first.lines) > 1:
            yield "simplest", Rules(most_lines=1)
        without: frozenset[str] = frozenset()
        for _ in range(2):
            lines = seen[-1].lines if without else first.lines
            largest = max(lines, key=lambda line: (line.amount, line.candidate.key))
            without |= {largest.candidate.product.id}
            yield "other", Rules(without=without)

    def _head(self, options: PlanOptions) -> Json:
        language: Language = options.language or "zh"
        return {
            "as_of": options.day.isoformat(),
            "engine_version": __about__.__version__,
            "catalogue_version": self.engine.catalogue.version,
            "parameters_version": self.engine.parameters.version,
            "planning_version": self.settings.version,
            "model_version": self.engine.model_version,
            "language": language,
        }


def _differs(plan: Plan, seen: list[Plan]) -> bool:
    """Clearly: by a product or a currency that pays out."""
    return all(set(plan.products) != set(other.products) for other in seen)


def with_needs(company: Company, options: PlanOptions, engine: Engine) -> Company:
    """The company with the needs of the options as its one need: their sum, longest and first."""
    if not options.needs:
        return company
    rates = engine.parameters.rates(options.day, options.given_rates)
    amounts = [in_cny(need.amount, need.currency, rates) for need in options.needs]
    same = {need.currency for need in options.needs}
    known = [amount for amount in amounts if amount is not None]
    tenors = [need.tenor_days for need in options.needs if need.tenor_days is not None]
    days = [need.date for need in options.needs if need.date is not None]
    single = len(same) == 1
    stated = [need.amount for need in options.needs if need.amount is not None]
    total = sum(stated) if single else round(sum(known), 2)
    purpose = options.needs[0].purpose or (company.need.purpose if company.need else None)
    merged = Need(
        amount=total,
        currency=next(iter(same)) if single else "CNY",
        tenor_days=max(tenors) if tenors else None,
        date=min(days) if days else None,
        purpose=purpose,
    )
    return company.model_copy(update={"need": merged})
