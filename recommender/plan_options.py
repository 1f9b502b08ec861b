"""The options of a plan: needs over time, limits, what to leave out, the hedge ratio aimed at."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from recommender.catalogue.product import ShareRange
from recommender.company.profile import Need
from recommender.errors import InvalidOptions, Problem
from recommender.options import Options
from recommender.parameter_files import GivenRate
from recommender.parameters import Rate
from recommender.records import (
    Day,
    Identifier,
    Percent,
    Record,
    YesNo,
    described,
    examined,
    raise_problems,
)
from recommender.texts import Language

Few = Annotated[int, Field(ge=1, le=50, strict=True)]


class Cost(Record):
    """What a bank has said its product costs, with the day on which it said so."""

    product: Identifier
    pct_a_year: Percent
    date: Day


class PlanOptions(Record):
    """Options of a plan; what is absent takes its default.

    needs: needs over time in place of the profile's one; each with amount, currency, date, tenor.
    only, exclude: product ids. conditional: whether lines that hang on something may be used.
    existing: whether undrawn facilities may be. hedge_target: hedge ratios aimed at, low and high.
    most_lines, most_banks: of lines that pay out. costs: dated, as banks gave them.
    """

    language: Language | None = described("zh or en.", zh="语言", en="Language", unit="code")
    as_of: Day | None = described("Day of the answer.", zh="截至日期", en="As of", unit="date")
    rates: dict[str, GivenRate] | None = described(
        "Exchange rates to use, CNY for one unit.", zh="汇率", en="Exchange rates", unit="CNY"
    )
    plans: Annotated[int, Field(ge=1, le=3, strict=True)] = described(
        "Plans wanted.", zh="方案数", en="Plans", unit="plans", default=3
    )
    needs: tuple[Need, ...] | None = described(
        "Needs over time.", zh="分期需求", en="Needs", unit="need", min_length=1, max_length=6
    )
    only: tuple[Identifier, ...] | None = described(
        "Products that may be used.", zh="限用产品", en="Only these", unit="id", max_length=1000
    )
    exclude: tuple[Identifier, ...] = described(
        "Products to leave out.",
        zh="排除产品",
        en="Without",
        unit="id",
        default=(),
        max_length=1000,
    )
    conditional: YesNo = described(
        "Whether conditional lines may be used.",
        zh="允许有条件项",
        en="Conditional lines",
        unit="yes/no",
        default=True,
    )
    existing: YesNo = described(
        "Whether undrawn facilities may be used.",
        zh="使用现有授信",
        en="Existing facilities",
        unit="yes/no",
        default=True,
    )
    hedge_target: ShareRange | None = described(
        "Hedge ratios aimed at.", zh="目标套保比率", en="Hedge target", unit="share"
    )
    most_lines: Few | None = described(
        "Most lines that pay out.", zh="最多融资笔数", en="Most lines", unit="lines"
    )
    most_banks: Few | None = described(
        "Most providers.", zh="最多机构数", en="Most providers", unit="providers"
    )
    costs: tuple[Cost, ...] = described(
        "Dated costs.", zh="银行报价", en="Costs", unit="cost", default=(), max_length=200
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        raise_problems(self._contradictions())
        return self

    def _contradictions(self) -> Iterator[Problem]:
        both = sorted(set(self.only or ()) & set(self.exclude))
        if both:
            yield Problem("plan_only_and_excluded", "exclude", both)
        aim = self.hedge_target
        if aim is not None and (aim.low is None or aim.high is None):
            yield Problem("plan_target_open", "hedge_target", aim.model_dump(mode="json"))
        later = [c.product for c in self.costs if self.as_of and c.date > self.as_of]
        if later:
            yield Problem("plan_cost_later", "costs", later)

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Options from plain values; raises InvalidOptions with every problem at once."""
        raw = {} if raw is None else raw
        rates = raw.get("rates") if isinstance(raw, Mapping) else None
        rest = raw if rates is None else {**raw, "rates": None}
        options, problems = examined(cls, rest)
        if options is not None and rates is not None:
            try:
                given = Options.parse({"rates": rates, "as_of": options.day.isoformat()})
                options = options.model_copy(update={"rates": given.rates})
            except InvalidOptions as error:
                problems += error.problems
        if problems or options is None:
            raise InvalidOptions(problems)
        return options

    def unknown_products(self, known: Collection[str]) -> list[Problem]:
        """A Problem for each product that the options name and the catalogue has not."""
        named = [("only", self.only or ()), ("exclude", self.exclude)]
        named.append(("costs", tuple(cost.product for cost in self.costs)))
        return [
            Problem("plan_unknown_product", field, name, get_close_matches(name, known, 3))
            for field, names in named
            for name in names
            if name not in known
        ]

    @property
    def basic(self) -> Options:
        """The same for the engine."""
        stated = Options(language=self.language, as_of=self.as_of)
        return stated.model_copy(update={"rates": self.rates})

    @property
    def day(self) -> datetime.date:
        """The day of the answer."""
        return self.basic.day

    @property
    def given_rates(self) -> dict[str, Rate]:
        """The rates of the request as dated values."""
        return self.basic.given_rates
