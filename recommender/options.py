"""The options of a request: what to show, in which language, as of which day."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from recommender.errors import InvalidOptions, Problem
from recommender.parameter_files import GivenRate
from recommender.parameters import Rate, checked_rates
from recommender.records import Day, Record, YesNo, described, examined, handy
from recommender.texts import Language
from recommender.vocabulary import Lane

MOST_RATES = 200
SHANGHAI = ZoneInfo("Asia/Shanghai")


class Options(Record):
    """Options of a recommendation; what is absent takes its default.

    as_of: the day of the answer, by default today in Shanghai. rates: CNY for one unit of a
    currency, each with its day. personalised false: rules only, in fixed order (ruling 7).
    """

    lanes: tuple[Lane, ...] | None = described(
        "Lanes to answer; all by default.", zh="类别", en="Lanes", unit="code", min_length=1
    )
    limit: Annotated[int, Field(ge=1, le=1000, strict=True)] = described(
        "Matches per lane.", zh="每类条数", en="Matches per lane", unit="matches", default=10
    )
    language: Language | None = described("zh or en.", zh="语言", en="Language", unit="code")
    personalised: YesNo = described(
        "Rank by the profile, or by rules alone.",
        zh="个性化排序",
        en="Personalised",
        unit="yes/no",
        default=True,
    )
    include_ineligible: YesNo = described(
        "Also list what does not fit, with reasons.",
        zh="包含不符合项",
        en="Include ineligible",
        unit="yes/no",
        default=False,
    )
    as_of: Day | None = described("Day of the answer.", zh="截至日期", en="As of", unit="date")
    rates: dict[str, GivenRate] | None = described(
        "Exchange rates to use, CNY for one unit.", zh="汇率", en="Exchange rates", unit="CNY"
    )

    @classmethod
    def parse(cls, raw: Any) -> Self:
        """Options from plain values; raises InvalidOptions with every problem at once."""
        raw = {} if raw is None else raw
        rates = raw.get("rates") if isinstance(raw, Mapping) else None
        long = isinstance(rates, Mapping) and len(rates) > MOST_RATES
        rest = raw if rates is None else {**raw, "rates": None}
        options, problems = examined(cls, rest)
        if long:
            problems.append(Problem("list_too_long", "rates", handy(rates), MOST_RATES))
        elif options is not None and rates is not None:
            given, wrong = GivenRate.examine_all(rates, options.day)
            options, problems = options.model_copy(update={"rates": given}), [*problems, *wrong]
        if problems or options is None:
            raise InvalidOptions(problems)
        return options

    def _plain_rates(self) -> dict[str, Any]:
        return {name: {"rate": r.rate, "date": r.date} for name, r in (self.rates or {}).items()}

    @property
    def day(self) -> datetime.date:
        """The day of the answer."""
        return self.as_of or datetime.datetime.now(SHANGHAI).date()

    @property
    def given_rates(self) -> dict[str, Rate]:
        """The rates of the request as dated values."""
        return checked_rates(self._plain_rates(), self.day)
